"""One run of the bridge from beginning to end: boxes, faults and a stack, on one clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twin import faults as fault_schedule
from twin import site as sites
from twin import stacks
from twin.bridge import OPENS_H, Bridge, CarrierKind, Wish, cargo_of, in_phase, with_vehicles
from twin.bridge.less import Part, without
from twin.clock import Clock
from twin.playing import Outcome, air, faults_in, play, watched
from twin.site import Site
from twin.trace import Trace
from twin.world.boxes import Profile

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
    phase: int = 1
    less: Part | None = None
    """N-1: without this part, and with the same boxes."""
    stack: str = "reference-fleet"
    stack_options: dict[str, Any] = field(default_factory=dict)
    wish: Wish = field(default_factory=Wish)
    """Which MQTT broker; in virtual time only our own."""
    profile: Profile = Profile.EVEN
    vehicles: int | None = None
    """How many; None is the site's own fleet."""

    @property
    def ground(self) -> Site:
        """The site in its phase, with one part less if `less` says so."""
        return ground_of(self.site, self.phase, self.less, self.carrier, self.vehicles)

    @property
    def count(self) -> int:
        """Containers of a whole day, both ways."""
        own = cargo_of(self.ground, self.carrier).demand.boxes_day
        return own if self.boxes_day is None else self.boxes_day

    def told(self) -> dict[str, Any]:
        """What the trace says of it, and `plan_of` makes a plan of again."""
        return {
            "scope": "bridge", "site": self.site.id, "seed": self.seed, "hours": self.hours,
            "boxes_day": self.count, "demand": self.profile.value, "drain_s": self.drain_s,
            "engine": self.engine,
            "carrier": self.carrier.value, "phase": self.phase,
            "without": self.less.value if self.less else None, "vehicles": self.vehicles,
            "stack": self.stack, "speed": self.speed,
            "faults": fault_schedule.read(self.faults) if self.faults else None,
        }  # fmt: skip


def ground_of(
    site: Site, phase: int, less: Part | None, carrier: CarrierKind = CarrierKind.IGV,
    vehicles: int | None = None,
) -> Site:  # fmt: skip
    """The site in Phase 1 or 2, with so many `vehicles` if they are given, without `less`."""
    found = in_phase(site, phase, carrier)
    if vehicles is not None:
        found = with_vehicles(found, vehicles)
    return found if less is None else without(found, less)


def plan_of(start: Mapping[str, Any], folder: Path) -> BridgePlan:
    """The plan that `run.start` tells; its faults are written to `folder`."""
    return BridgePlan(
        sites.load(start["site"]), start["hours"], start["seed"], start["boxes_day"],
        drain_s=start["drain_s"], engine=start["engine"], stack=start["stack"],
        faults=faults_in(folder, start), carrier=CarrierKind(start["carrier"]),
        phase=start["phase"], less=Part(start["without"]) if start["without"] else None,
        profile=Profile(start["demand"]), vehicles=start.get("vehicles"),
    )  # fmt: skip


def run_bridge(plan: BridgePlan, progress: Progress | None = None) -> Outcome:
    """Run `plan` to its end. Errors of the harness are raised; wrong decisions are in the trace."""
    factory = stacks.find(plan.stack)
    cargo = cargo_of(plan.ground, plan.carrier)
    with air(plan.wish, cargo, plan.speed) as (radio, credentials):

        async def main(clock: Clock) -> Trace:
            trace = Trace(clock)
            told: dict[str, Any] = {} if plan.speed is None else {"broker": radio.label}
            trace("run", "run.start", **plan.told(), **told)
            bridge = Bridge(
                plan.ground, clock, trace, seed=plan.seed, engine=plan.engine,
                credentials=credentials, radio=radio, carrier=plan.carrier,
                link=plan.less is not Part.LINK,
            )  # fmt: skip
            if plan.faults is not None:
                bridge.plan_faults(fault_schedule.load(plan.faults, bridge.targets, OPENS_H))
            bridge.expect(bridge.plan(plan.hours, plan.count, plan.profile))
            wire_list = await bridge.start()
            stack = factory(wire_list, plan.stack_options)

            def look(now_s: float) -> None:
                if progress is not None:
                    progress(now_s, len(bridge.transfers.book), bridge.finished)

            try:
                async with watched(clock, look if progress else None):
                    await stack.start()
                    await bridge.run(plan.hours, plan.drain_s)
            finally:
                await stack.stop()
                await bridge.stop()
            return trace

        return play(main, seed=plan.seed, speed=plan.speed)
