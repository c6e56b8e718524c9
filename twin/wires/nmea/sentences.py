"""NMEA 0183 sentences of one fix.

A sentence is `$`, talker, formatter, fields with commas, `*`, the exclusive or of all characters
between `$` and `*` as two hexadecimal digits, CR LF. Places are ddmm.mmmm: rounding is done on the
whole angle before it is split, so that minutes never read 60.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import reduce

from twin.devices.gnss import Fix, Quality
from twin.profiles.nmea import NmeaProfile

_KNOT_M_S = 1852 / 3600
_MODE = {
    Quality.NONE: "N", Quality.SINGLE: "A", Quality.DGPS: "D", Quality.RTK_FLOAT: "F",
    Quality.RTK_FIXED: "R",
}  # fmt: skip
"""FAA mode letters of RMC and VTG (NMEA 0183 v4.11)."""
_ROLLOVER = dt.timedelta(weeks=1024)
_LEAP_S = 18
_STATION = "0001"
_SYSTEMS = ((1, range(1, 33)), (4, range(1, 38)))
"""System ids of GSA: 1 GPS with its satellites, 4 BeiDou."""
_SLOTS = 12


def checksum(body: str) -> str:
    """Two hexadecimal digits over what stands between `$` and `*`."""
    return f"{reduce(lambda total, char: total ^ ord(char), body, 0):02X}"


def sentence(talker: str, formatter: str, fields: Iterable[str]) -> bytes:
    """A whole sentence with its checksum and line end."""
    body = ",".join((talker + formatter, *fields))
    return f"${body}*{checksum(body)}\r\n".encode("ascii")


def angle(value_deg: float, digits: int, decimals: int, *, carry: bool = True) -> str:
    """Degrees as `dd…mm.mm…` with `digits` of degrees; without `carry`, minutes may become 60."""
    if carry:
        scale: int = 10**decimals
        units = round(abs(value_deg) * 60 * scale)
        degrees, rest = divmod(units, 60 * scale)
        whole, part = divmod(rest, scale)
        return f"{degrees:0{digits}d}{whole:02d}.{part:0{decimals}d}"
    degrees = int(abs(value_deg))
    minutes = (abs(value_deg) - degrees) * 60
    return f"{degrees:0{digits}d}{minutes:0{decimals + 3}.{decimals}f}"


class Composer:
    """Turns fixes into sentences under one profile and its quirks."""

    def __init__(
        self, profile: NmeaProfile, quirks: Mapping[str, bool], separation_m: float
    ) -> None:
        self._profile, self._quirks, self._separation_m = profile, quirks, separation_m

    def burst(self, fix: Fix, utc: dt.datetime) -> list[bytes]:
        """The sentences of one epoch, in the profile's order."""
        if self._quirks.get("leap-seconds", False):
            utc += dt.timedelta(seconds=_LEAP_S)
        if self._quirks.get("week-rollover", False):
            utc -= _ROLLOVER
        made: list[bytes] = []
        for name in self._profile.sentences:
            made += getattr(self, f"_{name.lower()}")(fix, utc)
        return made

    @property
    def _talker(self) -> str:
        return "GP" if self._quirks.get("talker-gp", False) else self._profile.talker

    def _place(self, fix: Fix) -> list[str]:
        if fix.place is None:
            return ["", "", "", ""]
        lat, lon, _ = fix.place
        decimals, carry = self._profile.decimals, not self._quirks.get("sixty-minutes", False)
        return [
            angle(lat, 2, decimals, carry=carry), "N" if lat >= 0 else "S",
            angle(lon, 3, decimals, carry=carry), "E" if lon >= 0 else "W",
        ]  # fmt: skip

    def _mode(self, quality: Quality) -> str:
        letter = _MODE[quality]
        return "D" if letter in "RF" and self._quirks.get("mode-mismatch", False) else letter

    def _gga(self, fix: Fix, utc: dt.datetime) -> list[bytes]:
        height = age = station = ""
        if fix.place is not None:
            height = f"{fix.place.height_m - self._separation_m:.{self._profile.height_decimals}f}"
        if fix.quality > Quality.SINGLE and fix.correction_age_s is not None:
            age, station = f"{fix.correction_age_s:.1f}", _STATION
        decimals = max(1, self._profile.height_decimals - 1)
        separation = f"{self._separation_m:.{decimals}f}" if fix.place is not None else ""
        return [
            sentence(self._talker, "GGA", [
                _time(utc), *self._place(fix), str(int(fix.quality)), f"{fix.satellites:02d}",
                f"{fix.hdop:.2f}", height, "M", separation, "M", age, station,
            ])
        ]  # fmt: skip

    def _rmc(self, fix: Fix, utc: dt.datetime) -> list[bytes]:
        valid = fix.place is not None
        return [
            sentence(self._talker, "RMC", [
                _time(utc), "A" if valid else "V", *self._place(fix),
                f"{max(0.0, fix.speed_m_s) / _KNOT_M_S:.4f}" if valid else "",
                f"{fix.course_deg:.3f}" if fix.course_deg is not None else "",
                utc.strftime("%d%m%y"), "", "", self._mode(fix.quality), "V",
            ])
        ]  # fmt: skip

    def _vtg(self, fix: Fix, _: dt.datetime) -> list[bytes]:
        valid = fix.place is not None
        speed = max(0.0, fix.speed_m_s)
        return [
            sentence(self._talker, "VTG", [
                f"{fix.course_deg:.3f}" if fix.course_deg is not None else "", "T", "", "M",
                f"{speed / _KNOT_M_S:.4f}" if valid else "", "N",
                f"{speed * 3.6:.4f}" if valid else "", "K", self._mode(fix.quality),
            ])
        ]  # fmt: skip

    def _gst(self, fix: Fix, utc: dt.datetime) -> list[bytes]:
        if fix.place is None:
            return [sentence(self._talker, "GST", [_time(utc), *[""] * 7])]
        flat, up = f"{fix.sigma_m:.4f}", f"{fix.sigma_up_m:.4f}"
        return [
            sentence(self._talker, "GST", [_time(utc), flat, flat, flat, "0.0", flat, flat, up])
        ]

    def _gsa(self, fix: Fix, _: dt.datetime) -> list[bytes]:
        kind = "1" if fix.place is None else "3"
        vertical = fix.hdop * 1.5
        dops = [f"{(fix.hdop**2 + vertical**2) ** 0.5:.2f}", f"{fix.hdop:.2f}", f"{vertical:.2f}"]
        if fix.place is None:
            dops = ["99.99"] * 3
        made = []
        left = fix.satellites if fix.place is not None else 0
        for number, satellites in _SYSTEMS:
            used = [f"{satellite:02d}" for satellite in satellites[: min(left, _SLOTS)]]
            left -= len(used)
            made.append(sentence(self._talker, "GSA", [
                "A", kind, *used, *[""] * (_SLOTS - len(used)), *dops, str(number),
            ]))  # fmt: skip
        return made


def _time(utc: dt.datetime) -> str:
    return utc.strftime("%H%M%S.") + f"{utc.microsecond // 10_000:02d}"
