"""Serve a site's wires on the wall clock, for a stack in another process or on another host."""

from __future__ import annotations

import datetime as dt
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin import stacks
from twin.clock import Clock, run_real
from twin.gate import Fidelity, Gate, engine_of
from twin.serving import until_told, write_private
from twin.site import Site
from twin.trace import Trace


@dataclass(frozen=True, slots=True)
class Order:
    """What to serve, where and for how long."""

    site: Site
    host: str = "127.0.0.1"
    first_port: int = 0
    endpoints: Path = Path("endpoints.json")
    day: dt.date | None = None
    seed: int = 0
    speed: float = 1.0
    fidelity: Fidelity = "kinematic"
    engine: str = "pybullet"
    for_s: float | None = None
    stack: str | None = None
    trace: Path | None = None


def serve(order: Order, ready: Callable[[dict[str, Any]], None]) -> None:
    """Serve until `for_s` is over or the process is told to end; `ready` gets the wire list."""

    async def main(clock: Clock) -> None:
        # Records leave memory as they come, so that a gate can be served for weeks.
        trace = Trace(clock, order.trace, keep=order.trace is not None)
        trace(
            "run", "run.start", site=order.site.id, seed=order.seed, fidelity=order.fidelity,
            engine=engine_of(order.fidelity, order.engine), faults=None, hours=None,
            day=order.day.isoformat() if order.day else None, stack=order.stack or "external",
        )  # fmt: skip
        gate = Gate(
            order.site,
            clock,
            trace,
            seed=order.seed,
            fidelity=order.fidelity,
            engine=order.engine,
            secret=random.Random(secrets.token_bytes(32)),
        )
        wire_list = await gate.start(order.host, order.first_port)
        stack = None
        try:
            write_private(order.endpoints, wire_list)
            if order.stack:
                stack = stacks.find(order.stack)(wire_list, {})
                await stack.start()
            ready(wire_list)
            day = gate.run_day(order.day) if order.day else None
            await until_told(clock, order.for_s, day)
        finally:
            if stack is not None:
                await stack.stop()
            await gate.stop()
            trace("run", "run.end", simulated_s=round(clock.now_s(), 6))
            trace.close()

    run_real(main, speed=order.speed)
