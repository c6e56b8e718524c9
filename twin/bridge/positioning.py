"""Where the vehicles know themselves to be: a satellite receiver on each, and what it hears.

A receiver's quality decides what its vehicle's position rests on: fixed, float, dead reckoning.
Nothing runs by itself: a vehicle looks at its receiver when a fault begins or ends, when tracking
or corrections come of age, and, on a site with roofs, while it drives.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import simpy

from twin.clock import Clock
from twin.devices.base import FaultKind, Faulty
from twin.devices.gnss import GnssReceiver, Pose, Quality
from twin.devices.igv import Fix, Igv
from twin.geodesy import MONG_CAI, Local, Plane
from twin.site_bridge import Cargo
from twin.trace import Trace
from twin.wires.nmea import NmeaServer
from twin.world.carrier import Carrier, CarrierEvent, CarrierEventKind
from twin.world.sky import Canopy, SkyMap

LOOK_S = 0.5
"""While it drives on a site with roofs: 3.5 m of way at 25 km/h."""
_SETTLED_S = 0.001
_LATE_S = 1.0
"""Sentences that come later than this are of no use to a vehicle that drives (estimate)."""
_FIX = {Quality.RTK_FIXED: Fix.FIXED, Quality.RTK_FLOAT: Fix.FLOAT}


class Sky(Faulty):
    """What all antennas of a bridge have above them: roofs, and what somebody sends there."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "jammed": FaultKind("jammed", "a jammer: no receiver on the bridge hears a satellite"),
    }

    def __init__(self, trace: Trace, canopies: Iterable[Canopy]) -> None:
        super().__init__("sky", trace)
        self._map = SkyMap(canopies)
        self.watchers: list[Callable[[], None]] = []

    def share(self, east_m: float, north_m: float) -> float:
        """The share of the open sky that is seen and heard there."""
        return 0.0 if "jammed" in self.faults else self._map.share(east_m, north_m)

    def _fault_changed(self, kind: str, cause: int) -> None:  # noqa: ARG002 - a hook
        for watcher in self.watchers:
            watcher()


class _Cable(NmeaServer):
    """The receiver's wire; its vehicle hears the receiver over it as anybody else."""

    told: Callable[[], None] = staticmethod(lambda: None)

    @property
    def heard(self) -> bool:
        """Whether sentences come, whole and in time."""
        faults = self.faults
        late_s = float(faults.get("late", {}).get("delay_s", 0.0))
        spoilt = sum(float(faults.get(k, {}).get("share", 0.0)) for k in ("checksum", "truncated"))
        dead = "link_down" in faults or "silent" in faults or not self.device.online
        return not dead and late_s <= _LATE_S and spoilt < 1.0

    def _fault_changed(self, kind: str, cause: int) -> None:
        super()._fault_changed(kind, cause)
        self.told()


class _Navigator:
    """Lets one vehicle's position rest on what its receiver gives."""

    def __init__(
        self, igv: Igv, receiver: GnssReceiver, cable: _Cable, positioning: Positioning
    ) -> None:
        self._igv, self._receiver, self._cable = igv, receiver, cable
        self._all, self._clock = positioning, igv.clock
        self._quality = Quality.RTK_FIXED
        self._timer: simpy.Timeout | None = None
        self._looking = False
        cable.told = self.look
        receiver.on_change(lambda _: self.look())
        positioning.sky.watchers.append(self.look)
        igv.sensed = self._place
        if positioning.roofed:
            igv.carrier.on_event(self._moved)
        self.look()

    def _place(self) -> tuple[float, float] | None:
        local = self._receiver.fix().local if self._cable.heard else None
        return None if local is None else self._all.on_map(local)

    def look(self) -> None:
        """Take what the receiver gives now, and wait until it may change by itself."""
        found = self._receiver.fix().quality
        quality = found if self._cable.heard else Quality.NONE
        if quality is not self._quality:
            self._quality = quality
            pose = self._igv.carrier.pose
            record = self._igv.trace(
                self._igv.id, "igv.position", quality=quality.name, x=round(pose.x_m, 4),
                y=round(pose.y_m, 4),
            )  # fmt: skip
            self._igv.receive(_FIX.get(quality, Fix.DEAD_RECKONING), cause=record)
        if self._timer is not None and self._timer.callbacks is not None:
            self._timer.callbacks.clear()
        settles_s = self._receiver.settles_s()
        self._timer = None
        if settles_s is not None:
            self._timer = self._clock.call_later(settles_s + _SETTLED_S, self.look)

    def _moved(self, event: CarrierEvent) -> None:
        if event.kind is CarrierEventKind.MOVING and not self._looking:
            self._looking = True
            self._again()

    def _again(self) -> None:
        self.look()
        self._looking = self._igv.driving
        if self._looking:
            self._clock.call_later(LOOK_S, self._again)


class Positioning:
    """The receivers of all vehicles of one bridge.

    The map's x axis points north from its origin, `length_m / 2` south of `MONG_CAI` (estimate:
    neither the lanes' place nor their bearing is published); its y axis points west.
    """

    def __init__(
        self, cargo: Cargo, clock: Clock, trace: Trace, *, rng: Callable[[str], random.Random],
        igvs: Mapping[str, Igv], length_m: float,
    ) -> None:  # fmt: skip
        self._half_m, self._plane = length_m / 2, Plane(MONG_CAI)
        roofs = [
            Canopy(-one.to_y_m, -one.from_y_m, one.from_x_m - self._half_m,
                   one.to_x_m - self._half_m, one.share)
            for one in cargo.canopies
        ]  # fmt: skip
        self.roofed = bool(roofs)
        self.sky = Sky(trace, roofs)
        self.receivers: dict[str, GnssReceiver] = {}
        self.cables: dict[str, _Cable] = {}
        self._ports: dict[str, int] = {}
        for name, igv in igvs.items():
            receiver = GnssReceiver(
                f"{name}.gnss", clock, trace, rng(f"{name}/gnss"), self._truth(igv.carrier),
                self._plane, self.sky,
            )  # fmt: skip
            cable = _Cable(receiver, clock=clock, trace=trace)
            self.receivers[name], self.cables[name] = receiver, cable
            _Navigator(igv, receiver, cable, self)

    def on_map(self, place: Local) -> tuple[float, float]:
        """x and y of a place of the plane, m."""
        return place.north_m + self._half_m, -place.east_m

    def _truth(self, carrier: Carrier) -> Callable[[], Pose]:
        def pose() -> Pose:
            seen = carrier.glimpse()
            here, (ahead, left) = seen.pose, seen.direction
            course = here.heading_rad + math.atan2(left, ahead)
            return Pose(
                -here.y_m, here.x_m - self._half_m, 0.0, seen.speed_m_s,
                -math.degrees(course) % 360.0,
            )  # fmt: skip

        return pose

    async def start(self, host: str, ports: Iterator[int]) -> None:
        """Serve each receiver at the next of `ports`; without a listener its wire makes nothing."""
        for name, cable in self.cables.items():
            self._ports[name] = await cable.start(host, next(ports))

    async def stop(self) -> None:
        """Close the wires."""
        for cable in self.cables.values():
            await cable.stop()

    def wire_list(self, host: str) -> dict[str, Any]:
        """Where each vehicle's sentences can be read, and where the map's origin lies."""
        origin = self._plane.geographic(Local(0.0, -self._half_m, 0.0))
        return {
            "origin": {
                "latitude_deg": round(origin.latitude_deg, 9),
                "longitude_deg": round(origin.longitude_deg, 9), "x_axis_bearing_deg": 0.0,
            },
            "receivers": [
                {"id": f"{name}.gnss", "vehicle": name, "protocol": "nmea-tcp", "host": host,
                 "port": port}
                for name, port in self._ports.items()
            ],
        }  # fmt: skip

    @property
    def targets(self) -> list[Faulty]:
        """What has a fault menu here."""
        return [self.sky, *self.receivers.values(), *self.cables.values()]
