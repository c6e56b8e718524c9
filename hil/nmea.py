"""NMEA 0183 sentences taken apart. Pure functions; the judge uses them on bytes.

Written from chapters 5.2 and 5.3 of the standard as gpsd's NMEA page and the u-blox F9 interface
description print them; shares no code with the emulator's encoder. pynmea2 is its witness in the
tests: what is lawful here is read the same there.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import NamedTuple

LENGTH_MAX = 82
"""Characters of a sentence from `$` to LF, both counted (5.3)."""

KNOT_KM_H = 1.852

_FORM = re.compile(rb"\$[A-Z]{2}[A-Z]{3}(?:,[\x20-\x23\x25-\x29\x2b\x2d-\x5b\x5d-\x7d]*)*"
                   rb"\*[0-9A-F]{2}\r\n")  # fmt: skip
"""Reserved characters (`$ * , \\ ! ~` and control codes) stand in no field; `!` is let pass."""
_ANGLE = re.compile(r"(\d{2,3})(\d{2})\.(\d+)")
_TIME = re.compile(r"(\d{2})(\d{2})(\d{2})(?:\.(\d+))?")


class Sentence(NamedTuple):
    """One lawful sentence."""

    talker: str
    formatter: str
    fields: tuple[str, ...]

    def field(self, number: int) -> str:
        """Field `number`, counted from 0 behind the address; empty if there are fewer."""
        return self.fields[number] if number < len(self.fields) else ""

    def number(self, number: int) -> float | None:
        """The same as a number; None if it is none."""
        try:
            return float(self.field(number))
        except ValueError:
            return None


def split(stream: bytes) -> tuple[list[bytes], bytes]:
    """What ends with LF, and the bytes after the last one.

    A client that connects may come in the middle: bytes before the first `$` are passed over.
    """
    start = stream.find(b"$")
    if start < 0:
        return [], b""
    pieces = stream[start:].split(b"\n")
    return [piece + b"\n" for piece in pieces[:-1]], pieces[-1]


def form_problem(piece: bytes) -> str:
    """What is wrong with the form of what stands between two line ends; empty if nothing is."""
    if _FORM.fullmatch(piece):
        return ""
    if not piece.endswith(b"\r\n"):
        return "does not end with CR LF"
    return "is not `$`, five capitals, fields, `*`, two digits, CR LF"


def checksum_problem(piece: bytes) -> str:
    """Whether the exclusive or of what stands between `$` and `*` is the number that is sent."""
    body, star, tail = piece.rstrip(b"\r\n").removeprefix(b"$").rpartition(b"*")
    if not star:
        return "has no checksum"
    value = 0
    for byte in body:
        value ^= byte
    return "" if tail == b"%02X" % value else f"ends with {tail!r}, its sum is {value:02X}"


@lru_cache(maxsize=50_000)  # each judge reads the same record anew
def parse(piece: bytes) -> Sentence | None:
    """The sentence, however its line ends; None if its form or its checksum is wrong."""
    line = piece.rstrip(b"\r\n")
    if form_problem(line + b"\r\n") or checksum_problem(line):
        return None
    address, *fields = line[1:-3].decode("ascii").split(",")
    return Sentence(address[:2], address[2:], tuple(fields))


def angle_problem(text: str, digits: int, decimals: int) -> str:
    """What is wrong with a latitude (`digits` 2) or a longitude (3); empty if nothing is."""
    found = _ANGLE.fullmatch(text)
    if found is None or len(found[1]) != digits or len(found[3]) != decimals:
        return f"{text!r} is not {'d' * digits}mm.{'m' * decimals}"
    return "" if int(found[2]) < 60 else f"{text!r} has {found[2]} minutes"


def angle_deg(text: str, letter: str) -> float | None:
    """Degrees, negative for S and W; None if it is no angle."""
    found = _ANGLE.fullmatch(text)
    if found is None or letter not in ("N", "S", "E", "W"):
        return None
    value = int(found[1]) + float(f"{found[2]}.{found[3]}") / 60
    return -value if letter in "SW" else value


def day_s(text: str) -> float | None:
    """Seconds of the day of `hhmmss.ss`; None if it is no time."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds = int(found[1]), int(found[2]), int(found[3])
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    return 3600 * hours + 60 * minutes + seconds + float(f"0.{found[4] or 0}")


def date(text: str) -> dt.date | None:
    """The date of `ddmmyy`, of this century; None if it is none."""
    try:
        return dt.datetime.strptime(text, "%d%m%y").replace(tzinfo=dt.UTC).date()
    except ValueError:
        return None
