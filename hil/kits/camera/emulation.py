"""An emulated plate camera on a bench: the twin's camera and wire, and hands that show plates."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hil.emulation import PoweredBench, Verb
from hil.variant import Variant
from twin.clock import Clock
from twin.devices.camera import Camera
from twin.profiles import camera as profiles
from twin.trace import Trace
from twin.wires.isapi import IsapiServer
from twin.world.motion import Limits
from twin.world.vehicle import Temper, Vehicle

START_UP_S = 3.0
"""From power to the first answer of the emulated camera (estimate; real ones take a minute)."""

USER, PASSWORD = "gate", "emulated-Camera-1"

_TRUCK = Vehicle(
    id="bench", direction="in", plate="", plate_country="VN", trailer_plate=None,
    container=None, declaration=None, laden=False, length_m=12.0, height_m=3.8, axles=(),
    colour="firebrick", plate_dirt=0.0, limits=Limits(4.0, 1.0, 2.0), temper=Temper(1.0),
    why="ok",
)  # fmt: skip


@dataclass(frozen=True)
class CameraVariant(Variant):
    """How an emulated camera differs from the good one."""

    profile: Mapping[str, Any] = field(default_factory=dict)
    camera: type[Camera] = Camera
    server: type[IsapiServer] = IsapiServer
    faults: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    start_up_s: float = START_UP_S


class Trigger:
    """The lane as a camera looks at it: a trigger line that hands let vehicles pass."""

    id = "bench"

    def __init__(self) -> None:
        self._front: list[Callable[[Vehicle], None]] = []

    def watch_front(self, at_m: float, callback: Callable[[Vehicle], None]) -> None:
        """The first caller watches the trigger line, the second the end of the view."""
        del at_m
        self._front.append(callback)

    def watch_zone(
        self, name: str, from_m: float, to_m: float, callback: Callable[[Vehicle, bool], None]
    ) -> None:
        """Nothing stands in view before it passes."""
        del name, from_m, to_m
        self._in_view = callback

    def enter(self, vehicle: Vehicle) -> None:
        """The vehicle comes into view and passes the line."""
        self._in_view(vehicle, True)
        self._front[0](vehicle)

    def leave(self, vehicle: Vehicle) -> None:
        """It is out of view."""
        self._front[1](vehicle)


class EmulatedCamera(PoweredBench[CameraVariant, IsapiServer]):
    """One camera and everything that hands at a bench can do with it: scene and power."""

    def __init__(
        self, clock: Clock, profile: str, variant: CameraVariant | None, trace: Trace
    ) -> None:
        self.variant = variant or CameraVariant()
        self.clock = clock
        self.lane = Trigger()
        self.camera = self.variant.camera("bench.camera", clock, trace, random.Random(7), self.lane)
        loaded = msgspec.structs.replace(profiles.load(profile), **self.variant.profile)
        self.server = self.variant.server(
            self.camera, loaded, clock=clock, trace=trace, user=USER, password=PASSWORD,
            rng=random.Random(8),
        )  # fmt: skip
        for kind, values in self.variant.faults:
            self.camera.inject(kind, **values)
        self._passed = 0

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The hands, as another process calls them; its client is `CameraTwinHands`."""
        return {
            "show": lambda body: self.show(body["plate"], covered=bool(body["covered"])),
            "time": self.tell_time,
            "power": lambda body: self.switch(bool(body["on"])),
        }

    async def show(self, plate: str, *, covered: bool) -> None:
        """See `Scene`."""
        self._passed += 1
        vehicle = dataclasses.replace(
            _TRUCK, id=f"bench-{self._passed}", plate=plate, plate_dirt=1.0 if covered else 0.0
        )
        self.lane.enter(vehicle)
        self.clock.call_later(1.0, lambda: self.lane.leave(vehicle))

    def power_fails(self) -> None:
        """See `PoweredBench`."""
        self.camera.inject("offline")

    def is_up(self) -> None:
        """See `PoweredBench`."""
        self.camera.heal("offline")
