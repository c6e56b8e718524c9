"""The platform of a bench: a truck lane on which test weights can be put as well.

What the weighbridge sees of it is what it sees of any lane: axle loads between two places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from twin import site
from twin.clock import NS, Clock
from twin.physics import ArmParameters, load_engine
from twin.trace import Trace
from twin.world.arm import Arm
from twin.world.lane import Lane
from twin.world.motion import Limits, drive_to
from twin.world.vehicle import Axle, Temper, Vehicle

LIMITS = Limits(speed_m_s=2.0, acceleration_m_s2=0.8, braking_m_s2=1.5)
"""Of the test truck: walking pace and a little more (estimate)."""

AXLES = ((1.5, 0.16), (4.8, 0.24), (11.6, 0.20), (12.9, 0.20), (14.2, 0.20))
"""Place behind the bumper, m, and share of the gross mass, of a five-axle tractor with trailer;
the shares are those of a laden one at the usual axle limits, rounded (estimate)."""

TRUCK_M = 16.0
FAR_M = 500.0


class Deck(Lane):
    """A lane whose platform also carries weights that lie, not only axles that roll."""

    def __init__(self, clock: Clock, trace: Trace) -> None:
        lane = site.load("bac-luan-2").geometry["truck-lane"]
        # The arm of the lane is far away: on a bench nobody drives through it.
        geometry = msgspec.structs.replace(
            lane, arm_line_m=FAR_M, exit_from_m=FAR_M + 5, exit_to_m=FAR_M + 7, clear_m=FAR_M + 40
        )
        engine = load_engine("kinematic")
        arm = Arm("bench.arm", clock, trace, engine, ArmParameters(4.0, 3.0, 3.0))
        self._lying: list[tuple[float, float]] = []
        self._told: list[Callable[[], None]] = []
        super().__init__("bench", "in", "smart", geometry, clock=clock, trace=trace, arm=arm)

    def watch_axles(self, from_m: float, to_m: float, callback: Callable[[], None]) -> None:
        """See `Lane`; weights that are put down are told, too."""
        self._told.append(callback)
        super().watch_axles(from_m, to_m, callback)

    def axles_between(self, from_m: float, to_m: float) -> Iterator[tuple[float, float]]:
        """See `Lane`: axles, and weights as if each were one."""
        yield from super().axles_between(from_m, to_m)
        yield from ((place_m, mass) for mass, place_m in self._lying if from_m <= place_m < to_m)

    @property
    def load_kg(self) -> float:
        """Everything that is on the platform now."""
        return self.axle_load_kg(self.geometry.platform_from_m, self.geometry.platform_to_m)

    def put(self, mass_kg: float, at: float) -> None:
        """Let only this lie on the platform, at this share of its length."""
        from_m, to_m = self.geometry.platform_from_m, self.geometry.platform_to_m
        self._lying = [(mass_kg, from_m + at * (to_m - from_m))] if mass_kg else []
        for tell in self._told:
            tell()

    def roll(self, mass_kg: float) -> float:
        """Drive a truck over the platform from rest; returns how long that takes, s."""
        vehicle = Vehicle(
            id="test-truck", direction="in", plate="15C12345", plate_country="VN",
            trailer_plate=None, container=None, declaration=None, laden=True, length_m=TRUCK_M,
            height_m=4.0, axles=tuple(Axle(place, share * mass_kg) for place, share in AXLES),
            colour="white", plate_dirt=0.0, limits=LIMITS, temper=Temper(1.0), why="ok",
        )  # fmt: skip
        begin_m = self.geometry.platform_from_m - 0.5
        end_m = self.geometry.platform_to_m + TRUCK_M
        mover = self.enter(vehicle, begin_m)
        motion = drive_to(self.clock.env.now, begin_m, 0.0, end_m, LIMITS)
        self.move(mover, motion)
        taken_s = (motion.end_ns - self.clock.env.now) / NS
        self.clock.call_later(taken_s, lambda: self.remove(mover))
        return taken_s
