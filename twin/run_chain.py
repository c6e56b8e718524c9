"""One run of lanes and bridge together: trucks, boxes, faults and both stacks, on one clock."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twin import faults as fault_schedule
from twin import site as sites
from twin import stacks
from twin.chain import Chain
from twin.clock import Clock, run_real, run_virtual
from twin.gate import Fidelity, engine_of
from twin.site import Site
from twin.trace import Record, Trace

_PROGRESS_S = 60.0

Progress = Callable[[float, Chain], None]
"""Takes simulated seconds, and the chain to look at."""


@dataclass(frozen=True, slots=True)
class ChainPlan:
    """What to run. `speed` None is virtual time; a number is that many times the wall clock."""

    site: Site
    day: dt.date
    seed: int = 0
    hours: float | None = None
    """Stop letting trucks in after this many hours; None is the whole day."""
    boxes_day: int | None = None
    """Containers of the whole day that cross by themselves; None is the site's share."""
    lanes: tuple[str, ...] | None = None
    speed: float | None = None
    fidelity: Fidelity = "kinematic"
    engine: str = "pybullet"
    faults: Path | None = None
    stack: str = "reference"
    fleet_stack: str = "reference-fleet"
    stack_options: dict[str, Any] = field(default_factory=dict)
    fleet_options: dict[str, Any] = field(default_factory=dict)


def plan_of(start: Mapping[str, Any], folder: Path) -> ChainPlan:
    """The plan that `run.start` tells; its faults are written to `folder`."""
    faults = None
    if start["faults"] is not None:
        faults = folder / "faults.toml"
        faults.write_text(start["faults"], encoding="utf-8")
    return ChainPlan(
        sites.load(start["site"]), dt.date.fromisoformat(start["day"]), start["seed"],
        start["hours"], start["boxes_day"], lanes=start["lanes"] and tuple(start["lanes"]),
        fidelity=start["fidelity"],
        engine="pybullet" if start["engine"] == "kinematic" else start["engine"], faults=faults,
        stack=start["stack"], fleet_stack=start["fleet_stack"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChainOutcome:
    """What a run left behind."""

    trace: Trace
    records: Sequence[Record]
    simulated_s: float
    wall_s: float


def run_chain(plan: ChainPlan, progress: Progress | None = None) -> ChainOutcome:
    """Run `plan` to its end. Errors of the harness are raised; wrong decisions are in the trace."""
    lane_factory, fleet_factory = stacks.find(plan.stack), stacks.find(plan.fleet_stack)
    began = time.perf_counter()

    async def main(clock: Clock) -> tuple[Trace, float]:
        trace = Trace(clock)
        trace(
            "run", "run.start", site=plan.site.id, day=plan.day.isoformat(), seed=plan.seed,
            hours=plan.hours, boxes_day=plan.boxes_day, lanes=plan.lanes and list(plan.lanes),
            fidelity=plan.fidelity, engine=engine_of(plan.fidelity, plan.engine),
            stack=plan.stack, fleet_stack=plan.fleet_stack, chain=True, speed=plan.speed,
            faults=fault_schedule.read(plan.faults) if plan.faults else None,
        )  # fmt: skip
        chain = Chain(
            plan.site, clock, trace, seed=plan.seed, fidelity=plan.fidelity, engine=plan.engine,
            lanes=plan.lanes,
        )  # fmt: skip
        if plan.faults is not None:
            opens_h = plan.site.hours.opens_h
            chain.plan_faults(fault_schedule.load(plan.faults, chain.targets, opens_h))
        chain.gate.draw_weather(plan.day)
        day, open_s = chain.plan(plan.day, plan.boxes_day, plan.hours)
        wires = await chain.start()
        both = [
            lane_factory(wires, plan.stack_options), fleet_factory(wires, plan.fleet_options)
        ]  # fmt: skip
        watcher = asyncio.ensure_future(_watch(clock, chain, progress)) if progress else None
        try:
            for stack in both:
                await stack.start()
            await chain.run(day, open_s)
        finally:
            if watcher is not None:
                watcher.cancel()
            for stack in both:
                await stack.stop()
            await chain.stop()
        trace("run", "run.end", simulated_s=round(clock.now_s(), 6))
        return trace, clock.now_s()

    if plan.speed is None:
        trace, simulated_s = run_virtual(main, seed=plan.seed)
    else:
        trace, simulated_s = run_real(main, speed=plan.speed)
    wall_s = time.perf_counter() - began
    return ChainOutcome(trace, list(trace.records()), simulated_s, wall_s)


async def _watch(clock: Clock, chain: Chain, progress: Progress) -> None:
    while True:
        progress(clock.now_s(), chain)
        await clock.sleep(_PROGRESS_S)
