"""One run from beginning to end: a gate, its traffic, its faults and a stack, on one clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twin import faults as fault_schedule
from twin import stacks
from twin.clock import Clock
from twin.gate import Fidelity, Gate, engine_of
from twin.playing import Outcome, play, watched
from twin.site import Site
from twin.trace import Trace
from twin.world import traffic
from twin.world.traffic import Arrival
from twin.world.world import Counts

Progress = Callable[[float, Counts], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `speed` None is virtual time; a number is that many times the wall clock."""

    site: Site
    day: dt.date
    seed: int = 0
    hours: float | None = None
    """Stop letting trucks in after this many hours; None is the whole day."""
    speed: float | None = None
    fidelity: Fidelity = "kinematic"
    engine: str = "pybullet"
    faults: Path | None = None
    stack: str = "reference"
    stack_options: dict[str, Any] = field(default_factory=dict)


def arrivals(plan: Plan) -> tuple[list[Arrival], float]:
    """The traffic of the plan, and for how many seconds the site is open."""
    open_s = plan.site.hours.open_s
    if plan.hours is not None:
        open_s = min(open_s, plan.hours * 3600)
    day = plan.site.day(plan.day)
    return [a for a in traffic.plan(plan.site, day, plan.seed) if a.t_s <= open_s], open_s


def run(plan: Plan, progress: Progress | None = None) -> Outcome:
    """Run `plan` to its end. Errors of the harness are raised; wrong decisions are in the trace."""
    factory = stacks.find(plan.stack)

    async def main(clock: Clock) -> Trace:
        trace = Trace(clock)
        trace(
            "run",
            "run.start",
            site=plan.site.id,
            day=plan.day.isoformat(),
            seed=plan.seed,
            fidelity=plan.fidelity,
            engine=engine_of(plan.fidelity, plan.engine),
            stack=plan.stack,
            hours=plan.hours,
            faults=fault_schedule.read(plan.faults) if plan.faults else None,
        )
        gate = Gate(
            plan.site, clock, trace, seed=plan.seed, fidelity=plan.fidelity, engine=plan.engine
        )
        if plan.faults is not None:
            gate.plan_faults(
                fault_schedule.load(plan.faults, gate.targets, plan.site.hours.opens_h)
            )
        gate.draw_weather(plan.day)
        planned, open_s = arrivals(plan)
        wire_list = await gate.start()
        stack = factory(wire_list, plan.stack_options)

        def look(now_s: float) -> None:
            if progress is not None:
                progress(now_s, gate.world.counts)

        try:
            async with watched(clock, look if progress else None):
                await stack.start()
                await gate.run_arrivals(planned, open_s)
        finally:
            await stack.stop()
            await gate.stop()
        look(clock.now_s())
        return trace

    return play(main, seed=plan.seed, speed=plan.speed)
