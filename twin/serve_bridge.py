"""Serve a bridge on the wall clock, for a fleet manager in another process or on another host."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twin import faults as fault_schedule
from twin import stacks
from twin.bridge import OPENS_H, Bridge, CarrierKind, Credentials, Radio, Wish, cargo_of, radio_of
from twin.clock import Clock, run_real
from twin.serving import until_told, write_private
from twin.site import Site
from twin.trace import Trace


@dataclass(frozen=True, slots=True)
class BridgeOrder:
    """What to serve, where and for how long."""

    site: Site
    host: str = "127.0.0.1"
    first_port: int = 0
    endpoints: Path = Path("endpoints.json")
    hours: float = 24.0
    """How long boxes come; the bridge is served on after that."""
    boxes_day: int | None = None
    """Containers of a whole day, both ways; None is the site's own demand."""
    seed: int = 0
    speed: float = 1.0
    engine: str = "kinematic"
    for_s: float | None = None
    stack: str | None = None
    trace: Path | None = None
    faults: Path | None = None
    carrier: CarrierKind = CarrierKind.IGV
    wish: Wish = field(default_factory=Wish)


Ready = Callable[[dict[str, Any], str], None]
"""Takes the wire list, and which broker there is and why."""


def serve_bridge(order: BridgeOrder, ready: Ready) -> None:
    """Serve until `for_s` is over or the process is told to end."""
    cargo = cargo_of(order.site, order.carrier)
    # Passwords are never the seed's here: others may reach the ports.
    credentials = Credentials.draw(cargo, random.Random(secrets.token_bytes(32)))
    with radio_of(order.wish, cargo, credentials.passwords, order.host) as radio:
        run_real(lambda clock: _serve(clock, order, credentials, radio, ready), speed=order.speed)


async def _serve(
    clock: Clock, order: BridgeOrder, credentials: Credentials, radio: Radio, ready: Ready
) -> None:
    # Records leave memory as they come, so that a bridge can be served for weeks.
    trace = Trace(clock, order.trace, keep=order.trace is not None)
    trace(
        "run", "run.start", scope="bridge", site=order.site.id, seed=order.seed,
        hours=order.hours, boxes_day=order.boxes_day, engine=order.engine,
        carrier=order.carrier.value, stack=order.stack or "external", broker=radio.label,
        served=True,
        faults=fault_schedule.read(order.faults) if order.faults else None,
    )  # fmt: skip
    bridge = Bridge(
        order.site, clock, trace, seed=order.seed, engine=order.engine, credentials=credentials,
        radio=radio, carrier=order.carrier,
    )  # fmt: skip
    if order.faults is not None:
        bridge.plan_faults(fault_schedule.load(order.faults, bridge.targets, OPENS_H))
    bridge.expect(bridge.plan(order.hours, order.boxes_day))
    stack = None
    try:
        wire_list = await bridge.start(order.host, order.first_port)
        write_private(order.endpoints, wire_list)
        if order.stack:
            stack = stacks.find(order.stack)(wire_list, {})
            await stack.start()
        ready(wire_list, radio.label)
        await until_told(clock, order.for_s)
    finally:
        if stack is not None:
            await stack.stop()
        bridge.tell_totals()
        await bridge.stop()
        trace("run", "run.end", simulated_s=round(clock.now_s(), 6))
        trace.close()
