# ruff: noqa: D102 - overrides; each class says how it is broken
"""One broken receiver for each MUST; each must fail its own requirement and few others.

Wire mutants bend sentences as they leave; receiver mutants bend what it believes. Each reproduces
a defect that somebody's product has had.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod

from hil.kits.gnss.emulation import GnssVariant
from hil.variant import Maker
from twin.devices.gnss import Fix, GnssReceiver, Quality
from twin.wires.nmea import NmeaServer
from twin.wires.nmea.sentences import checksum

from . import streams

# ---------------------------------------------------------------- sentences


class _Edits(NmeaServer, ABC):
    """Changes the fields of each sentence before it leaves."""

    @abstractmethod
    def edit(self, formatter: str, fields: list[str]) -> list[str]: ...

    def _spoil(self, line: bytes, draw: int) -> bytes:  # noqa: ARG002
        address, *fields = line[1:-5].decode().split(",")
        body = ",".join((address, *self.edit(address[2:], fields)))
        return f"${body}*{checksum(body)}\r\n".encode()


class BareNewline(NmeaServer):
    """One sentence in five ends without CR."""

    _made = 0

    def _spoil(self, line: bytes, draw: int) -> bytes:  # noqa: ARG002
        self._made += 1
        return line if self._made % 5 else line.replace(b"\r\n", b"\n")


class DropsGst(NmeaServer):
    """One epoch in five has no GST."""

    def _send(self, number: int, burst: list[bytes]) -> None:
        super()._send(number, [one for one in burst if number % 5 or b"GST" not in one])


class SaysTwice(NmeaServer):
    """One epoch in seven is sent twice."""

    def _send(self, number: int, burst: list[bytes]) -> None:
        super()._send(number, burst if number % 7 else burst + burst)


class NoGst(NmeaServer):
    """Never sends GST, which its papers promise."""

    def _send(self, number: int, burst: list[bytes]) -> None:
        super()._send(number, [one for one in burst if b"GST" not in one])


class RmcIsOld(_Edits):
    """RMC has the time of the epoch before."""

    _before = ""

    def edit(self, formatter: str, fields: list[str]) -> list[str]:
        if formatter == "RMC":
            fields[0], self._before = self._before or fields[0], fields[0]
        return fields


class RmcLags(_Edits):
    """RMC has the place of the epoch before."""

    _before: tuple[str, ...] = ()

    def edit(self, formatter: str, fields: list[str]) -> list[str]:
        if formatter == "RMC":
            place = tuple(fields[2:6])
            fields[2:6], self._before = self._before or place, place
        return fields


class Miles(_Edits):
    """VTG says miles per hour for km/h."""

    def edit(self, formatter: str, fields: list[str]) -> list[str]:
        if formatter == "VTG" and fields[6]:
            fields[6] = f"{float(fields[6]) / 1.609344:.4f}"
        return fields


class Boasts(_Edits):
    """GST states a tenth of the deviations."""

    def edit(self, formatter: str, fields: list[str]) -> list[str]:
        if formatter == "GST":
            fields[5:7] = [f"{float(text) / 10:.4f}" if text else "" for text in fields[5:7]]
        return fields


class CountsTwelve(_Edits):
    """GGA counts twelve satellites at the most, GSA lists all."""

    def edit(self, formatter: str, fields: list[str]) -> list[str]:
        if formatter == "GGA":
            fields[6] = f"{min(12, int(fields[6])):02d}"
        return fields


class Ellipsoid(_Edits):
    """GGA's height is that above the ellipsoid, and yet it gives the separation."""

    def edit(self, formatter: str, fields: list[str]) -> list[str]:
        if formatter == "GGA" and fields[8]:
            decimals = len(fields[8].partition(".")[2])
            fields[8] = f"{float(fields[8]) + float(fields[10]):.{decimals}f}"
        return fields


class Restless(_Edits):
    """Never says less than 0.3 m/s."""

    def edit(self, formatter: str, fields: list[str]) -> list[str]:
        places = {"RMC": ((6, 0.5832),), "VTG": ((4, 0.5832), (6, 1.08))}.get(formatter, ())
        for place, least in places:
            if fields[place]:
                fields[place] = f"{max(least, float(fields[place])):.4f}"
        return fields


class Magnetic(_Edits):
    """The course is that of a compass that was never calibrated: 12° off."""

    def edit(self, formatter: str, fields: list[str]) -> list[str]:
        place = {"RMC": 7, "VTG": 0}.get(formatter)
        if place is not None and fields[place]:
            fields[place] = f"{(float(fields[place]) + 12.0) % 360:.3f}"
        return fields


class KeepsPlace(_Edits):
    """Without a fix it goes on to say its last place, with quality 0."""

    _place: list[str] = []  # noqa: RUF012 - replaced, never changed

    def edit(self, formatter: str, fields: list[str]) -> list[str]:
        if formatter == "GGA":
            if fields[1]:
                self._place = fields[1:5]
            fields[1:5] = self._place or fields[1:5]
        return fields


class Ageless(_Edits):
    """The age of the corrections is always one second."""

    def edit(self, formatter: str, fields: list[str]) -> list[str]:
        if formatter == "GGA" and fields[12]:
            fields[12] = "1.0"
        return fields


# ---------------------------------------------------------------- streams and clients


class FallsSilent(NmeaServer):
    """Without a fix it sends nothing."""

    def _send(self, number: int, burst: list[bytes]) -> None:
        if self.device.fix().quality is not Quality.NONE:
            super()._send(number, burst)


class StopsOnNoise(NmeaServer):
    """After something that it does not know it is silent for three seconds."""

    _until_s = 0.0

    def received(self, number: int, data: bytes) -> None:  # noqa: ARG002
        self._until_s = self.clock.now_s() + 3.0

    def _send(self, number: int, burst: list[bytes]) -> None:
        if self.clock.now_s() >= self._until_s:
            super()._send(number, burst)


class KicksEverybody(streams.KicksEverybody, NmeaServer):
    """When one client too many comes, drops all that are served."""


class LateFree(streams.LateFree, NmeaServer):
    """Once all places were taken, the dead ones stay taken for eight seconds."""


class WaitsForTheSlow(streams.WaitsForTheSlow, NmeaServer):
    """Sends to nobody while one client has not taken what it was sent."""


# ---------------------------------------------------------------- receivers


class Coasts(GnssReceiver):
    """Without signals it says its last fix for ten seconds more."""

    _good: Fix | None = None

    def _solve(self, now: int) -> Fix:
        fix = super()._solve(now)
        if fix.quality is not Quality.NONE:
            self._good = fix
            return fix
        last = self._good
        if last is not None and now - last.t_ns < 10**10:
            return dataclasses.replace(last, t_ns=last.t_ns)
        return fix


class WakesAsItFellAsleep(GnssReceiver):
    """Until it has a place again it says the last one, as a place by itself."""

    _good: Fix | None = None

    def _solve(self, now: int) -> Fix:
        fix = super()._solve(now)
        if fix.quality is not Quality.NONE:
            self._good = fix
        elif self._good is not None and "outage" not in self.faults:
            return dataclasses.replace(
                self._good, t_ns=now, quality=Quality.SINGLE, satellites=fix.satellites
            )
        return fix


_wire = Maker(GnssVariant, "GNS-", NmeaServer)
_receiver = Maker(GnssVariant, "GNS-", GnssReceiver)


MUTANTS: list[GnssVariant] = [
    _wire("bare-newline", "FRM-01", BareNewline),
    GnssVariant(
        "wrong-checksum", "GNS-FRM-02", "One sentence in fifty has a checksum that does not fit.",
        wire_faults=(("checksum", {"share": 0.02}),),
    ),
    GnssVariant(
        "long-lines", "GNS-FRM-03", "Sends seven decimals and four of the height.",
        base="receiver-82", profile={"decimals": 7, "height_decimals": 4},
    ),
    GnssVariant(
        "old-talker", "GNS-FRM-04", "Says GP, its papers say GN.", quirks={"talker-gp": True}
    ),
    GnssVariant(
        "sixty-minutes", "GNS-FRM-05", "Rounds minutes to 60.", base="receiver-82",
        quirks={"sixty-minutes": True},
    ),
    _wire("drops-gst", "SEN-01", DropsGst),
    GnssVariant(
        "lazy-output", "GNS-SEN-02", "Sends eight epochs a second, its papers say ten.",
        profile={"rate_hz": 8.0},
    ),
    _wire("rmc-is-old", "SEN-03", RmcIsOld),
    _wire("rmc-lags", "SEN-04", RmcLags),
    GnssVariant(
        "old-letters", "GNS-SEN-05", "Says D for RTK, its papers promise version 4.11.",
        quirks={"mode-mismatch": True},
    ),
    _wire("miles", "SEN-06", Miles),
    _wire("boasts", "SEN-07", Boasts),
    _wire("counts-twelve", "SEN-08", CountsTwelve),
    _wire("says-twice", "TIM-01", SaysTwice),
    GnssVariant(
        "leap-seconds", "GNS-TIM-02", "Says GPS time for UTC.", quirks={"leap-seconds": True}
    ),
    GnssVariant(
        "week-rollover", "GNS-TIM-03", "Its date is 1,024 weeks old.",
        quirks={"week-rollover": True},
    ),
    GnssVariant(
        "late", "GNS-TIM-04", "Sends 0.3 s later than its papers say.",
        wire_faults=(("late", {"delay_s": 0.3}),),
    ),
    _receiver("coasts", "FIX-01", Coasts),
    _wire("falls-silent", "FIX-02", FallsSilent),
    _wire("keeps-place", "FIX-03", KeepsPlace),
    GnssVariant(
        "slow-first-fix", "GNS-FIX-04", "Needs 8 s to its first place.",
        parameters={"reacquire_s": 8.0},
    ),
    GnssVariant(
        "slow-fixing", "GNS-FIX-05", "Needs 30 s to fix its ambiguities.",
        parameters={"fixed_s": 30.0},
    ),
    GnssVariant(
        "clings", "GNS-FIX-06", "Uses corrections for ever.",
        parameters={"correction_limit_s": 1e6},
    ),
    _wire("ageless", "FIX-07", Ageless),
    GnssVariant(
        "reflected", "GNS-ACC-01", "Its places are half a metre beside the antenna.",
        faults=(("multipath", {"east_m": 0.5}),),
    ),
    _wire("ellipsoid", "ACC-02", Ellipsoid),
    _wire("restless", "ACC-03", Restless),
    _wire("compass", "ACC-04", Magnetic),
    GnssVariant(
        "one-client-less", "GNS-CON-01", "Serves three clients, its papers say four.",
        profile={"max_connections": 3},
    ),
    _wire("kicks-everybody", "CON-02", KicksEverybody),
    _wire("frees-late", "CON-03", LateFree),
    _wire("waits-for-the-slow", "CON-04", WaitsForTheSlow),
    _wire("stops-on-noise", "CON-05", StopsOnNoise),
    GnssVariant(
        "starts-slowly", "GNS-REC-01", "Starts in 6 s, its papers say 3.5 s.", start_up_s=6.0
    ),
    _receiver("wakes-as-it-fell-asleep", "REC-02", WakesAsItFellAsleep),
    _wire("no-gst", "DOC-01", NoGst),
]  # fmt: skip
