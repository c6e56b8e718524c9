"""One run of the bridge from beginning to end: boxes, faults and a stack, on one clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twin import faults as fault_schedule
from twin import stacks
from twin.bridge import OPENS_H, Bridge, CarrierKind
from twin.clock import Clock, run_real, run_virtual
from twin.site import Site
from twin.trace import Record, Trace

_PROGRESS_S = 60.0

Progress = Callable[[float, int, int], None]
"""Takes simulated seconds, boxes that are ready or further, and boxes that are through."""


@dataclass(frozen=True, slots=True)
class BridgePlan:
    """What to run. `speed` None is virtual time; a number is that many times the wall clock."""

    site: Site
    hours: float
    seed: int = 0
    boxes_day: int | None = None
    """Containers of a whole day, both ways; None is the site's own demand."""
    drain_s: float = 7200.0
    """How long after that what is under way may take."""
    speed: float | None = None
    engine: str = "kinematic"
    carrier: CarrierKind = CarrierKind.IGV
    faults: Path | None = None
    stack: str = "reference-fleet"
    stack_options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BridgeOutcome:
    """What a run left behind."""

    trace: Trace
    records: Sequence[Record]
    simulated_s: float
    wall_s: float


def run_bridge(plan: BridgePlan, progress: Progress | None = None) -> BridgeOutcome:
    """Run `plan` to its end. Errors of the harness are raised; wrong decisions are in the trace."""
    factory = stacks.find(plan.stack)
    began = time.perf_counter()

    async def main(clock: Clock) -> tuple[Trace, float]:
        trace = Trace(clock)
        trace(
            "run", "run.start", site=plan.site.id, seed=plan.seed, hours=plan.hours,
            boxes_day=plan.boxes_day, engine=plan.engine, carrier=plan.carrier.value,
            stack=plan.stack,
            faults=fault_schedule.read(plan.faults) if plan.faults else None,
        )  # fmt: skip
        bridge = Bridge(
            plan.site, clock, trace, seed=plan.seed, engine=plan.engine, carrier=plan.carrier
        )
        if plan.faults is not None:
            bridge.plan_faults(fault_schedule.load(plan.faults, bridge.targets, OPENS_H))
        bridge.expect(bridge.plan(plan.hours, plan.boxes_day))
        wire_list = await bridge.start()
        stack = factory(wire_list, plan.stack_options)
        watcher = asyncio.ensure_future(_watch(clock, bridge, progress)) if progress else None
        try:
            await stack.start()
            await bridge.run(plan.hours, plan.drain_s)
        finally:
            if watcher is not None:
                watcher.cancel()
            await stack.stop()
            bridge.tell_totals()
            await bridge.stop()
        trace("run", "run.end", simulated_s=round(clock.now_s(), 6))
        return trace, clock.now_s()

    if plan.speed is None:
        trace, simulated_s = run_virtual(main, seed=plan.seed)
    else:
        trace, simulated_s = run_real(main, speed=plan.speed)
    wall_s = time.perf_counter() - began
    return BridgeOutcome(trace, list(trace.records()), simulated_s, wall_s)


async def _watch(clock: Clock, bridge: Bridge, progress: Progress) -> None:
    while True:
        progress(clock.now_s(), len(bridge.transfers.book), bridge.finished)
        await clock.sleep(_PROGRESS_S)
