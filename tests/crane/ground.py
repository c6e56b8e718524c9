"""A crane over a small yard: a truck, a vehicle, a stack of four and a reefer rack."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from twin.clock import Clock, run_virtual
from twin.devices.crane import Crane
from twin.devices.crane_words import CraneParameters, Mission, MissionState, Step
from twin.documents import containers
from twin.trace import Trace
from twin.world.crane import CraneBody
from twin.world.wind import Wind
from twin.world.yard import Box, Place, PlaceKind, Yard

_RNG = random.Random("boxes")
NUMBERS = [containers.make(_RNG) for _ in range(8)]


def places() -> list[Place]:
    return [
        Place("truck-1", PlaceKind.TRUCK, 10.0, 3.0, 1.2, carrier_kg=15_000.0,
              boxes=[Box(NUMBERS[0], 24_000.0)]),
        Place("igv-1", PlaceKind.VEHICLE, 40.0, 8.0, 1.5),
        Place("stack-a", PlaceKind.STACK, 40.0, 20.0, 0.0, tiers=4,
              boxes=[Box(NUMBERS[1], 9_000.0), Box(NUMBERS[2], 30_000.0)]),
        Place("reefer-1", PlaceKind.REEFER_RACK, 60.0, 25.0, 0.0, tiers=2),
    ]  # fmt: skip


@dataclass
class Site:
    clock: Clock
    parameters: CraneParameters | None = None
    seed: int = 1
    trace: Trace = field(init=False)
    yard: Yard = field(init=False)
    body: CraneBody = field(init=False)
    wind: Wind = field(init=False)
    crane: Crane = field(init=False)

    def __post_init__(self) -> None:
        self.trace = Trace(self.clock)
        self.yard = Yard(self.trace, places())
        self.body = CraneBody("crane-1.body", self.clock, self.trace, self.yard,
                              at_m=(0.0, 15.0, 12.0))  # fmt: skip
        self.wind = Wind(self.clock, self.seed)
        self.crane = Crane("crane-1", self.clock, self.trace, random.Random(self.seed),
                           self.body, self.wind, self.parameters)  # fmt: skip

    def mission(self, to: str = "igv-1", *, box: int = 0, source: str = "truck-1",
                declared_kg: float = 0.0, id: str = "m1") -> Mission:  # fmt: skip
        return Mission(id, NUMBERS[box], source, to, declared_kg)

    async def until_over(self, limit_s: float = 900.0) -> MissionState:
        """Wait until no mission runs any more."""
        end_s = self.clock.now_s() + limit_s
        while self.crane.cycle.state is MissionState.RUNNING:
            assert self.clock.now_s() < end_s, f"still in {self.crane.cycle.step.name}"
            await self.clock.sleep(0.25)
        return self.crane.cycle.state

    def kinds(self, kind: str) -> list[dict[str, object]]:
        return [r.payload for r in self.trace.records() if r.kind == kind]


def play(test: Callable[[Site], Awaitable[None]], **options: Any) -> Site:
    """Run `test` on a site in virtual time."""
    kept: list[Site] = []

    async def main(clock: Clock) -> None:
        kept.append(Site(clock, **options))
        await test(kept[0])

    run_virtual(main)
    return kept[0]


async def until(site: Site, step: Step, limit_s: float = 300.0) -> None:
    """Wait until the cycle is at `step`."""
    end_s = site.clock.now_s() + limit_s
    while site.crane.cycle.step is not step:
        assert site.clock.now_s() < end_s, f"never came to {step.name}"
        await site.clock.sleep(0.05)
