"""Drivers behind one another: nobody drives into the truck ahead, whatever the arm does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.devices.lane_bench import GEOMETRY, TRUCK
from twin.clock import Clock, run_virtual
from twin.physics import ArmParameters, load_engine
from twin.trace import Trace
from twin.world.arm import Arm
from twin.world.driver import FOLLOW_GAP_M, Driver
from twin.world.lane import Lane
from twin.world.vehicle import Temper


class Road:
    """A lane with its arm and lamp in the test's hands, a leader and one who follows him."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.trace = clock, Trace(clock)
        self.arm = Arm("a", clock, self.trace, load_engine("kinematic"), ArmParameters())
        self.lane = Lane(
            "in-1", "in", "smart", GEOMETRY, clock=clock, trace=self.trace, arm=self.arm
        )
        calm = replace(TRUCK, id="leader", length_m=18.0)
        pushy = replace(TRUCK, id="follower", temper=Temper(1.0, follows=True))
        self.drivers = [Driver(v, self.lane, clock, self.trace) for v in (calm, pushy)]
        for driver in self.drivers:
            clock.env.process(driver.passage())

    def green(self, on: bool) -> None:
        """Open and show green, or show red and close."""
        self.arm.drive("up" if on else "down")
        self.lane.lamp.set(red=not on, green=on)

    def gap_m(self) -> float:
        """From the leader's tail to the follower's front; infinite if one is not there."""
        leader, follower = (driver.mover for driver in self.drivers)
        if leader is None or follower is None or leader.gone or follower.gone:
            return float("inf")
        return (
            self.lane.position(leader)[0]
            - leader.vehicle.length_m
            - self.lane.position(follower)[0]
        )

    async def watch(self, seconds: float) -> float:
        """Let time pass; the smallest gap that there was in it."""
        smallest = self.gap_m()
        for _ in range(round(seconds * 20)):
            await self.clock.sleep(0.05)
            smallest = min(smallest, self.gap_m())
        return smallest

    async def until_leader_moves(self) -> None:
        """Open, show green, and wait until the leader is on his way through."""
        await self.clock.sleep(30)
        self.green(True)
        while self.lane.leaving is None:
            await self.clock.sleep(0.05)

    def outcomes(self) -> list[str]:
        """How each passage ended so far."""
        return [driver.outcome for driver in self.drivers]


@pytest.mark.parametrize("after_s", [0.1, 0.5, 1.0])
def test_a_follower_brakes_with_his_leader(after_s: float) -> None:
    """When the arm falls before the leader, both stop with a gap; later both get through."""

    async def main(clock: Clock) -> None:
        road = Road(clock)
        await road.until_leader_moves()
        await road.watch(after_s)
        road.green(False)
        assert await road.watch(30) >= FOLLOW_GAP_M - 0.01
        leader = road.drivers[0].mover
        assert leader is not None
        assert road.lane.position(leader) == pytest.approx((leader.motion.end_m, 0.0))
        assert leader.motion.end_m < GEOMETRY.arm_line_m, "the leader has braked"
        assert road.outcomes() == ["", ""]
        road.green(True)
        assert await road.watch(60) >= FOLLOW_GAP_M - 0.01
        assert road.outcomes() == ["crossed", "crossed"]

    run_virtual(main)


def test_a_follower_whose_leader_is_sent_away_waits_for_his_own_green() -> None:
    """He stops at the stop line, does not count as a tail-gater, and crosses on his own green."""

    async def main(clock: Clock) -> None:
        road = Road(clock)
        await road.until_leader_moves()
        await road.watch(0.5)
        road.green(False)
        await road.watch(20)
        road.lane.lamp.set(divert=True)
        await road.watch(3)
        road.lane.lamp.set(divert=False)
        await road.watch(40)
        assert road.outcomes() == ["diverted", ""]
        follower = road.drivers[1].mover
        assert follower is not None
        assert road.lane.position(follower) == pytest.approx((GEOMETRY.stop_line_m, 0.0))
        road.green(True)
        await road.watch(30)
        assert road.outcomes() == ["diverted", "crossed"]
        assert not road.drivers[1].followed

    run_virtual(main)


def test_undisturbed_he_follows_close_behind() -> None:
    """With the arm up all the time he goes through behind the leader, at the gap he keeps."""

    async def main(clock: Clock) -> None:
        road = Road(clock)
        await road.until_leader_moves()
        assert FOLLOW_GAP_M - 0.01 <= await road.watch(40) < 7
        assert road.outcomes() == ["crossed", "crossed"]
        assert road.drivers[1].followed

    run_virtual(main)
