"""Serve lanes and bridge together on the wall clock, for both stacks in other processes."""

from __future__ import annotations

import datetime as dt
import random
import secrets
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from twin import faults as fault_schedule
from twin.bridge import CarrierKind, Credentials, Radio, Wish
from twin.chain import Chain, joined
from twin.clock import Clock, run_real
from twin.gate import Fidelity, engine_of
from twin.playing import air
from twin.serving import Place, Ready, serve_at
from twin.site import Site


@dataclass(frozen=True, slots=True)
class ChainOrder:
    """What to serve, where and for how long."""

    site: Site
    day: dt.date
    place: Place = field(default_factory=Place)
    hours: float | None = None
    """Stop letting trucks in after this many hours; None is the whole day."""
    boxes_day: int | None = None
    """Containers of the whole day that cross by themselves; None is the site's share."""
    seed: int = 0
    speed: float = 1.0
    fidelity: Fidelity = "kinematic"
    engine: str = "pybullet"
    faults: Path | None = None
    carrier: CarrierKind = CarrierKind.IGV
    wish: Wish = field(default_factory=Wish)


def serve_chain(order: ChainOrder, ready: Ready) -> None:
    """Serve until the time is over or the process is told to end."""
    order.site.day(order.day)
    cargo = joined(order.site, order.carrier)
    with air(order.wish, cargo, order.speed, order.place.host) as (radio, credentials):
        run_real(lambda clock: _serve(clock, order, credentials, radio, ready), speed=order.speed)


async def _serve(
    clock: Clock, order: ChainOrder, credentials: Credentials | None, radio: Radio, ready: Ready
) -> None:
    trace = order.place.record(clock)
    trace(
        "run", "run.start", site=order.site.id, day=order.day.isoformat(), seed=order.seed,
        hours=order.hours, boxes_day=order.boxes_day, lanes=None, fidelity=order.fidelity,
        engine=engine_of(order.fidelity, order.engine), stack=order.place.told, chain=True,
        carrier=order.carrier.value, broker=radio.label, served=True,
        faults=fault_schedule.read(order.faults) if order.faults else None,
    )  # fmt: skip
    chain = Chain(
        order.site, clock, trace, seed=order.seed, fidelity=order.fidelity, engine=order.engine,
        carrier=order.carrier, radio=radio, credentials=credentials,
        secret=random.Random(secrets.token_bytes(32)),
    )  # fmt: skip
    if order.faults is not None:
        opens_h = order.site.hours.opens_h
        chain.plan_faults(fault_schedule.load(order.faults, chain.targets, opens_h))
    chain.gate.draw_weather(order.day)
    day, open_s = chain.plan(order.day, order.boxes_day, order.hours)
    trucks = partial(chain.run, day, open_s)
    await serve_at(
        order.place, clock, trace, chain, lambda wires: ready(wires, radio.label), trucks
    )  # fmt: skip
