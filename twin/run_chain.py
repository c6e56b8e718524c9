"""One run of lanes and bridge together: trucks, boxes, faults and both stacks, on one clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twin import faults as fault_schedule
from twin import site as sites
from twin import stacks
from twin.bridge import CarrierKind, Wish
from twin.chain import Chain, joined
from twin.clock import Clock
from twin.gate import Fidelity, engine_of
from twin.playing import Outcome, air, faults_in, play, watched
from twin.site import Site
from twin.trace import Trace

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
    carrier: CarrierKind = CarrierKind.IGV
    wish: Wish = field(default_factory=Wish)
    """Which MQTT broker; in virtual time only our own."""

    def told(self) -> dict[str, Any]:
        """What the trace says of it, and `plan_of` makes a plan of again."""
        return {
            "site": self.site.id, "day": self.day.isoformat(), "seed": self.seed,
            "hours": self.hours, "boxes_day": self.boxes_day,
            "lanes": self.lanes and list(self.lanes), "fidelity": self.fidelity,
            "engine": engine_of(self.fidelity, self.engine), "stack": self.stack,
            "fleet_stack": self.fleet_stack, "chain": True, "speed": self.speed,
            "carrier": self.carrier.value,
            "faults": fault_schedule.read(self.faults) if self.faults else None,
        }  # fmt: skip


def plan_of(start: Mapping[str, Any], folder: Path) -> ChainPlan:
    """The plan that `run.start` tells; its faults are written to `folder`."""
    return ChainPlan(
        sites.load(start["site"]), dt.date.fromisoformat(start["day"]), start["seed"],
        start["hours"], start["boxes_day"], lanes=start["lanes"] and tuple(start["lanes"]),
        fidelity=start["fidelity"],
        engine="pybullet" if start["engine"] == "kinematic" else start["engine"],
        faults=faults_in(folder, start), stack=start["stack"], fleet_stack=start["fleet_stack"],
        carrier=CarrierKind(start["carrier"]),
    )  # fmt: skip


def run_chain(plan: ChainPlan, progress: Progress | None = None) -> Outcome:
    """Run `plan` to its end. Errors of the harness are raised; wrong decisions are in the trace."""
    lane_factory, fleet_factory = stacks.find(plan.stack), stacks.find(plan.fleet_stack)
    cargo = joined(plan.site, plan.carrier)
    with air(plan.wish, cargo, plan.speed) as (radio, credentials):

        async def main(clock: Clock) -> Trace:
            trace = Trace(clock)
            told: dict[str, Any] = {} if plan.speed is None else {"broker": radio.label}
            trace("run", "run.start", **plan.told(), **told)
            chain = Chain(
                plan.site, clock, trace, seed=plan.seed, fidelity=plan.fidelity,
                engine=plan.engine, lanes=plan.lanes, carrier=plan.carrier, radio=radio,
                credentials=credentials,
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

            def look(now_s: float) -> None:
                if progress is not None:
                    progress(now_s, chain)

            try:
                async with watched(clock, look if progress else None):
                    for stack in both:
                        await stack.start()
                    await chain.run(day, open_s)
            finally:
                for stack in both:
                    await stack.stop()
                await chain.stop()
            return trace

        return play(main, seed=plan.seed, speed=plan.speed)
