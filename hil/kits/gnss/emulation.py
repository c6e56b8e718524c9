"""An emulated receiver on a bench: the twin's receiver and wire, under a sky that hands change."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hil.emulation import PoweredBench, Verb
from hil.variant import Variant
from twin.clock import Clock
from twin.devices.gnss import GnssParameters, GnssReceiver, Pose
from twin.geodesy import MONG_CAI, Geographic, Local, Plane
from twin.profiles import nmea as profiles
from twin.trace import Trace
from twin.wires.nmea import NmeaServer

START_UP_S = 3.0
"""From power to the first sentence of the emulated receiver (estimate)."""

HOME = Local(3.0, 0.0, 2.0)
"""The surveyed point in the plane of the bridge."""
PLANE = Plane(MONG_CAI)


@dataclass(frozen=True)
class GnssVariant(Variant):
    """How an emulated receiver differs from the good one."""

    profile: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    receiver: type[GnssReceiver] = GnssReceiver
    server: type[NmeaServer] = NmeaServer
    quirks: Mapping[str, bool] = field(default_factory=dict)
    faults: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """Of the receiver, always there."""
    wire_faults: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    start_up_s: float = START_UP_S


class EmulatedGnss(PoweredBench[GnssVariant, NmeaServer]):
    """One receiver and everything that hands at a bench can do with it: sky and power."""

    def __init__(
        self, clock: Clock, profile: str, variant: GnssVariant | None, trace: Trace
    ) -> None:
        self.variant, self.clock = variant or GnssVariant(), clock
        self._from, self._speed_m_s, self._course_deg, self._since_s = HOME, 0.0, 0.0, 0.0
        loaded = msgspec.structs.replace(profiles.load(profile), **self.variant.profile)
        self.receiver = self.variant.receiver(
            "bench.gnss", clock, trace, random.Random(11), self.pose, PLANE,
            parameters=GnssParameters(**self.variant.parameters),
        )  # fmt: skip
        self.server = self.variant.server(
            self.receiver, loaded, clock=clock, trace=trace, quirks=self.variant.quirks
        )
        for kind, values in self.variant.faults:
            self.receiver.inject(kind, **values)
        for kind, values in self.variant.wire_faults:
            self.server.inject(kind, **values)

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The hands, as another process calls them; its client is `GnssTwinHands`."""
        return {
            "signal": lambda body: self.signal(bool(body["on"])),
            "corrections": lambda body: self.corrections(bool(body["on"])),
            "drive": lambda body: self.drive(float(body["speed_m_s"]), float(body["course_deg"])),
            "home": lambda _: self.home(),
            "place": lambda body: self.place(
                float(body["latitude_deg"]), float(body["longitude_deg"])
            ),
            "time": self.tell_time,
            "power": lambda body: self.switch(bool(body["on"])),
        }

    # -- sky

    def pose(self) -> Pose:
        """Where the antenna is now."""
        way_m = self._speed_m_s * (self.clock.now_s() - self._since_s)
        course = math.radians(self._course_deg)
        return Pose(
            self._from.east_m + way_m * math.sin(course),
            self._from.north_m + way_m * math.cos(course),
            self._from.up_m, self._speed_m_s, self._course_deg,
        )  # fmt: skip

    def _stand(self, at: Local) -> None:
        self._from, self._speed_m_s, self._since_s = at, 0.0, self.clock.now_s()

    async def signal(self, on: bool) -> None:
        """See `Sky`."""
        self._fault("outage", not on)

    async def corrections(self, on: bool) -> None:
        """See `Sky`."""
        self._fault("no_corrections", not on)

    def _fault(self, kind: str, wanted: bool) -> None:
        if wanted and kind not in self.receiver.faults:
            self.receiver.inject(kind)
        elif not wanted and kind in self.receiver.faults:
            self.receiver.heal(kind)

    async def drive(self, speed_m_s: float, course_deg: float) -> None:
        """See `Sky`."""
        pose = self.pose()
        self._stand(Local(pose.east_m, pose.north_m, pose.up_m))
        self._speed_m_s, self._course_deg = speed_m_s, course_deg

    async def home(self) -> None:
        """See `Sky`."""
        self._stand(HOME)

    async def place(self, latitude_deg: float, longitude_deg: float) -> None:
        """See `Sky`."""
        height_m = PLANE.geographic(HOME).height_m
        self._stand(PLANE.local(Geographic(latitude_deg, longitude_deg, height_m)))

    # -- power

    def power_fails(self) -> None:
        """See `PoweredBench`."""
        self.receiver.inject("offline")

    def is_up(self) -> None:
        """See `PoweredBench`."""
        self.receiver.heal("offline")
