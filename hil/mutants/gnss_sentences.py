# ruff: noqa: D102 - overrides; each class says how it is broken
"""Receivers whose sentences are wrong."""

from __future__ import annotations

from abc import ABC, abstractmethod

from twin.wires.nmea import NmeaServer
from twin.wires.nmea.sentences import checksum

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
