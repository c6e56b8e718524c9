"""Serve a site's wires on the wall clock, for a stack in another process or on another host."""

from __future__ import annotations

import datetime as dt
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from twin.clock import Clock, run_real
from twin.gate import Fidelity, Gate, engine_of
from twin.serving import Place, WireList, serve_at
from twin.site import Site


@dataclass(frozen=True, slots=True)
class Order:
    """What to serve, where and for how long."""

    site: Site
    place: Place = field(default_factory=Place)
    day: dt.date | None = None
    seed: int = 0
    speed: float = 1.0
    fidelity: Fidelity = "kinematic"
    engine: str = "pybullet"


def serve(order: Order, ready: Callable[[WireList], None]) -> None:
    """Serve until the time is over or the process is told to end; `ready` gets the wire list."""

    async def main(clock: Clock) -> None:
        trace = order.place.record(clock)
        trace(
            "run", "run.start", site=order.site.id, seed=order.seed, fidelity=order.fidelity,
            engine=engine_of(order.fidelity, order.engine), faults=None, hours=None,
            day=order.day.isoformat() if order.day else None, stack=order.place.told,
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
        day = partial(gate.run_day, order.day) if order.day else None
        await serve_at(order.place, clock, trace, gate, ready, day)

    run_real(main, speed=order.speed)
