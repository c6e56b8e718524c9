"""A real lane with a stub for its arm, and trucks that a test drives by hand."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from twin import site
from twin.clock import Clock
from twin.devices.weighbridge import STATUS_BITS, Weighbridge, WeighbridgeParameters
from twin.trace import Trace
from twin.world.lane import Lane, Mover
from twin.world.motion import Limits, drive_to, stop_at
from twin.world.vehicle import Axle, Temper, Vehicle

LIMITS = Limits(speed_m_s=3.0, acceleration_m_s2=0.8, braking_m_s2=1.5)
GEOMETRY = site.load("bac-luan-2").geometry["truck-lane"]
AXLES = (6_500.0, 9_700.0, 8_100.0, 8_000.0, 7_900.0)
GROSS = sum(AXLES)


class StubArm:
    def on_event(self, callback: Any) -> None: ...
    def set_obstacle(self, obstacle: Any) -> None: ...


def bit(name: str, status: int) -> bool:
    """Whether a status word of the scale has this bit set."""
    return bool(status >> STATUS_BITS.index(name) & 1)


def truck(*loads_kg: float, id: str = "v1", length_m: float = 16.0) -> Vehicle:
    """A truck whose axles stand evenly between 1.5 m behind the front and 1.5 m before the rear."""
    gap = (length_m - 3.0) / max(1, len(loads_kg) - 1)
    return Vehicle(
        id=id, direction="out", plate="14C12345", plate_country="VN", trailer_plate=None,
        container=None, declaration=None, laden=True, length_m=length_m, height_m=4.0,
        axles=tuple(Axle(1.5 + gap * n, load) for n, load in enumerate(loads_kg)),
        colour="blue", plate_dirt=0.0, limits=LIMITS, temper=Temper(1.0), why="ok",
    )  # fmt: skip


@dataclass
class Yard:
    clock: Clock
    parameters: WeighbridgeParameters | None = None
    seed: int = 1
    trace: Trace = field(init=False)
    lane: Lane = field(init=False)
    scale: Weighbridge = field(init=False)

    def __post_init__(self) -> None:
        self.trace = Trace(self.clock)
        self.lane = Lane(
            "out-1",
            "out",
            "smart",
            GEOMETRY,
            clock=self.clock,
            trace=self.trace,
            arm=StubArm(),
        )
        self.scale = Weighbridge(
            "out-1.scale",
            self.clock,
            self.trace,
            random.Random(self.seed),
            self.lane,
            GEOMETRY.platform_from_m,
            GEOMETRY.platform_to_m,
            self.parameters,
        )

    def enter(self, vehicle: Vehicle, from_m: float = -2.0) -> Mover:
        return self.lane.enter(vehicle, from_m)

    def stop_at(self, mover: Mover, to_m: float) -> None:
        here, speed = self.lane.position(mover)
        self.lane.move(mover, stop_at(self.clock.env.now, here, speed, to_m, LIMITS))

    def drive_off(self, mover: Mover, to_m: float = 62.0) -> None:
        here, speed = self.lane.position(mover)
        self.lane.move(mover, drive_to(self.clock.env.now, here, speed, to_m, LIMITS))

    async def stand(self, *loads_kg: float) -> Mover:
        """Bring a truck to rest at the stop line and wait until the scale has settled."""
        mover = self.enter(truck(*loads_kg))
        self.stop_at(mover, GEOMETRY.stop_line_m)
        await self.clock.sleep(30)
        return mover
