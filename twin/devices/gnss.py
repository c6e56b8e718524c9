"""A GNSS receiver on a vehicle: what it believes about its place, and how sure it is.

Fix quality follows from satellites in view, from how long they were tracked without a break and
from the corrections of the reference station. The error has a slow part, which wanders within
minutes, and a quick one; both are functions of the instant, so nothing depends on who asks. The
state of the tracking advances at each epoch that somebody looks at.

Default data are those of a two-band receiver: reacquisition 2 s, RTK convergence 10 s, 1.5 m CEP
alone and 1 cm with RTK in the open (u-blox ZED-F9P data sheet); 2 cm fixed and 10 to 30 cm float on
a moving vehicle are the working figures of vehicle makers.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar

from twin.clock import NS, Clock
from twin.devices.base import Device, FaultKind, Parameter
from twin.geodesy import Geographic, Local, Plane
from twin.hashed import mix, normal
from twin.trace import Trace
from twin.world.sky import Sky, SkyMap


class Quality(IntEnum):
    """Fix quality, with the numbers of the NMEA sentence GGA."""

    NONE = 0
    SINGLE = 1
    DGPS = 2
    RTK_FIXED = 4
    RTK_FLOAT = 5


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the antenna truly is: metres in the local plane, speed over ground and heading."""

    east_m: float
    north_m: float
    up_m: float = 0.0
    speed_m_s: float = 0.0
    heading_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class GnssParameters:
    """The receiver's own data; *estimates* where the module names no source."""

    satellites: int = 24
    """Used in the open, of two constellations."""
    reacquire_s: float = 2.0
    float_s: float = 3.0
    fixed_s: float = 10.0
    fixed_share: float = 0.7
    """Below this share of the sky ambiguities are not fixed."""
    correction_limit_s: float = 60.0
    """Corrections older than this are not used (60 s is a usual setting of receivers)."""
    sigma_m: Mapping[Quality, float] = field(
        default_factory=lambda: {
            Quality.SINGLE: 1.3, Quality.DGPS: 0.6, Quality.RTK_FLOAT: 0.2, Quality.RTK_FIXED: 0.02,
        }
    )  # fmt: skip
    """Standard deviation of east and of north; height is worse by `vertical`."""
    vertical: float = 1.6
    quick_share: float = 0.3
    """Share of the deviation that is new at each epoch."""
    wander_s: float = 60.0
    """The slow part is correlated over about this time."""
    latency_s: float = 0.08
    """From the epoch to the first byte on the wire."""
    separation_m: float = -24.0
    """Geoid above the ellipsoid near Móng Cái (EGM96 gives about -24 m; *estimate*)."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What the receiver says of one epoch; without a fix it has no place."""

    t_ns: int
    quality: Quality
    place: Geographic | None
    local: Local | None
    speed_m_s: float
    course_deg: float | None
    satellites: int
    hdop: float
    sigma_m: float
    sigma_up_m: float
    correction_age_s: float | None


_MULTIPATH = FaultKind(
    "multipath",
    "reflections from walls and boxes bias the place; the receiver does not notice",
    {
        "east_m": Parameter(0.5, "m", -50.0, 50.0, doc="bias east"),
        "north_m": Parameter(0.0, "m", -50.0, 50.0, doc="bias north"),
    },
)


class GnssReceiver(Device):
    """One receiver; `pose` gives the truth, `sky` what its antenna sees."""

    kind = "gnss"
    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        fault.kind: fault
        for fault in (
            FaultKind("outage", "no satellite is received: a jammer, a torn antenna cable"),
            FaultKind("no_corrections", "the reference station is silent: RTK ends after a while"),
            FaultKind("no_fixing", "ambiguities are not fixed: RTK stays float"),
            _MULTIPATH,
            FaultKind("frozen", "the receiver repeats its last fix with new times"),
            FaultKind("offline", "the receiver has no power: its wire answers nothing"),
        )
    }

    def __init__(
        self, id: str, clock: Clock, trace: Trace, rng: random.Random, pose: Callable[[], Pose],
        plane: Plane, sky: Sky | None = None, parameters: GnssParameters | None = None,
    ) -> None:  # fmt: skip
        super().__init__(id, clock, trace, rng)
        self._pose, self.plane, self.sky = pose, plane, sky or SkyMap()
        self.parameters = parameters or GnssParameters()
        self._salt = rng.getrandbits(64)
        # A receiver is switched on long before its vehicle is: it begins with everything fixed.
        self._tracked_ns: int | None = -(10**12)
        self._corrected_ns: int | None = None
        self._quality = Quality.NONE
        self._fix: Fix | None = None
        point = self.add_point
        point("quality", lambda: int(self.fix().quality), doc="GGA fix quality")
        point("satellites", lambda: self.fix().satellites, doc="satellites used")
        point("sigma_m", lambda: self.fix().sigma_m, unit="m", doc="stated standard deviation")
        point("hdop", lambda: self.fix().hdop, doc="horizontal dilution of precision")

    @property
    def online(self) -> bool:
        """Whether the receiver has power."""
        return "offline" not in self.faults

    def fix(self) -> Fix:
        """What the receiver says of the present instant."""
        now = self.clock.env.now
        if self._fix is None or self._fix.t_ns != now:
            self._fix = self._solve(now)
        return self._fix

    def settles_s(self) -> float | None:
        """Seconds until time alone may change the quality: tracking, age of corrections."""
        p, now = self.parameters, self.clock.env.now
        due: list[float] = []
        if self._tracked_ns is not None:
            tracked_s = (now - self._tracked_ns) / NS
            begins = (p.reacquire_s, p.reacquire_s + p.float_s, p.reacquire_s + p.fixed_s)
            due += [begin_s - tracked_s for begin_s in begins]
        if self._corrected_ns is not None:
            due.append(p.correction_limit_s - (now - self._corrected_ns) / NS)
        return min((one for one in due if one >= 0), default=None)

    # --- quality ----------------------------------------------------------------------------

    def _solve(self, now: int) -> Fix:
        pose = self._pose()
        share = 0.0 if "outage" in self.faults else self.sky.share(pose.east_m, pose.north_m)
        count = round(self.parameters.satellites * share)
        quality = self._judge(now, share, count)
        if quality is not self._quality:
            self.trace(
                self.id, "gnss.quality", quality=quality.name, before=self._quality.name,
                satellites=count,
            )  # fmt: skip
            self._quality = quality
        frozen = self._fix
        if "frozen" in self.faults and frozen is not None:
            return Fix(now, *(getattr(frozen, name) for name in Fix.__slots__[1:]))
        age_s = self._age_s(now)
        hdop = round(0.6 / math.sqrt(share), 2) if share > 0 else 99.99
        if quality is Quality.NONE:
            return Fix(now, quality, None, None, 0.0, None, count, 99.99, 0.0, 0.0, age_s)
        sigma = self.parameters.sigma_m[quality] / math.sqrt(share)
        local = self._err(now, pose, sigma)
        moving = pose.speed_m_s > 0.2
        return Fix(
            now, quality, self.plane.geographic(local), local,
            pose.speed_m_s + 0.02 * normal(self._salt ^ 7, now // 1000) * moving,
            pose.heading_deg % 360 if moving else None, count, hdop, round(sigma, 4),
            round(sigma * self.parameters.vertical, 4), age_s,
        )  # fmt: skip

    def _age_s(self, now: int) -> float | None:
        """Age of the corrections in use; None without any."""
        if self._corrected_ns is None:
            return 1.0
        age = (now - self._corrected_ns) / NS
        return age if age <= self.parameters.correction_limit_s else None

    def _judge(self, now: int, share: float, count: int) -> Quality:
        p = self.parameters
        if count < 4:
            self._tracked_ns = None
            return Quality.NONE
        if self._tracked_ns is None:
            self._tracked_ns = now
        tracked_s = (now - self._tracked_ns) / NS
        if tracked_s < p.reacquire_s:
            return Quality.NONE
        if self._age_s(now) is None:
            return Quality.SINGLE
        if count < 6 or tracked_s < p.reacquire_s + p.float_s:
            return Quality.DGPS
        fixing = share >= p.fixed_share and "no_fixing" not in self.faults
        if not fixing or tracked_s < p.reacquire_s + p.fixed_s:
            return Quality.RTK_FLOAT
        return Quality.RTK_FIXED

    # --- error ------------------------------------------------------------------------------

    def _err(self, now: int, pose: Pose, sigma: float) -> Local:
        bias = self.faults.get("multipath", {"east_m": 0.0, "north_m": 0.0})
        return Local(
            pose.east_m + sigma * self._noise(1, now) + float(bias["east_m"]),
            pose.north_m + sigma * self._noise(2, now) + float(bias["north_m"]),
            pose.up_m + sigma * self.parameters.vertical * self._noise(3, now),
        )

    def _noise(self, axis: int, now: int) -> float:
        """Unit deviation: a slow part between knots `wander_s` apart, and a quick one."""
        p = self.parameters
        salt = mix(self._salt, axis)
        knot, rest = divmod(now / NS, p.wander_s)
        angle = rest / p.wander_s * math.pi / 2
        # cos² + sin² = 1: the variance is that of the knots at every instant between them
        slow = math.cos(angle) * normal(salt, int(knot)) + math.sin(angle) * normal(
            salt, int(knot) + 1
        )
        quick = normal(salt ^ 0x5DEECE66D, now // 1_000_000)
        return math.sqrt(1 - p.quick_share**2) * slow + p.quick_share * quick

    def _fault_changed(self, kind: str, cause: int) -> None:
        del cause
        if kind == "no_corrections":
            self._corrected_ns = self.clock.env.now if kind in self.faults else None
        if kind == "offline" and kind not in self.faults:
            self._tracked_ns = None  # it starts with an empty sky
        if kind != "frozen" or kind not in self.faults:
            self._fix = None
        self.changed(kind)
