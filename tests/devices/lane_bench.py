"""A lane with its loops and its light, and one truck that drives as told."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

from twin import site as sites
from twin.clock import NS, Clock, run_virtual
from twin.devices.light import TrafficLight
from twin.devices.loops import CHANNELS, Loops
from twin.physics import ArmParameters, load_engine
from twin.trace import Trace
from twin.world.arm import Arm
from twin.world.lane import Lane
from twin.world.motion import Limits, stop_at
from twin.world.vehicle import Axle, Temper, Vehicle

GEOMETRY = sites.load("bac-luan-2").geometry["truck-lane"]
TRUCK = Vehicle(
    id="T1", direction="in", plate="14C12345", plate_country="VN", trailer_plate=None,
    container=None, declaration=None, laden=False, length_m=10.0, height_m=3.5,
    axles=(Axle(1.4, 4_000), Axle(7.0, 6_000)), colour="white", plate_dirt=0.0,
    limits=Limits(2.0, 1.0, 1.5), temper=Temper(1.0), why="ok",
)  # fmt: skip


class Bench:
    """A lane with its loops and its light, and one truck that drives as told."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.trace = clock, Trace(clock)
        arm = Arm("a", clock, self.trace, load_engine("kinematic"), ArmParameters())
        self.lane = Lane("in-1", "in", "smart", GEOMETRY, clock=clock, trace=self.trace, arm=arm)
        self.loops = Loops("in-1.loops", clock, self.trace, random.Random(0), self.lane)
        self.light = TrafficLight("in-1.light", clock, self.trace, random.Random(0), self.lane.lamp)
        self.told: list[tuple[str, float]] = []
        self.loops.on_change(lambda what: self.told.append((what, clock.now_s())))

    def shown(self) -> dict[str, bool]:
        """All channels, as a wire reads them."""
        return {name: bool(self.loops.points[name].read()) for name in CHANNELS}

    async def park(self, front_m: float) -> None:
        """Let the truck come to rest with its front at `front_m`."""
        mover = self.lane.enter(TRUCK, -2.0)
        motion = stop_at(self.clock.env.now, -2.0, 0.0, front_m, TRUCK.limits)
        self.lane.move(mover, motion)
        await self.clock.sleep((motion.end_ns - self.clock.env.now) / NS + 0.001)


def on_bench(script: Callable[[Bench], Awaitable[None]]) -> None:
    async def main(clock: Clock) -> None:
        await script(Bench(clock))

    run_virtual(main)
