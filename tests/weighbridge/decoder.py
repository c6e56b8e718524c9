"""A second decoder of continuous frames, written from the manuals' tables and nothing else.

It shares no code with `twin.wires.toledo`: tables of the Rice Lake 680 manual (p. 70) and the
WILDCAT manual (p. 6-4) are written out bit pattern by bit pattern.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

# Rice Lake 680 p. 70, status word A, DP2 DP1 DP0
_PLACES = {
    "000": Decimal(100), "001": Decimal(10), "010": Decimal(1), "011": Decimal("0.1"),
    "100": Decimal("0.01"), "101": Decimal("0.001"), "110": Decimal("0.0001"),
    "111": Decimal("0.00001"),
}  # fmt: skip
# the same page, MUL1 MUL0
_STEPS = {"01": 1, "10": 2, "11": 5}


@dataclass(frozen=True)
class Shown:
    weight: Decimal
    tare: Decimal
    division: Decimal
    net: bool
    out_of_range: bool
    motion: bool
    kilograms: bool
    zero_not_captured: bool
    printing: bool


class BadFrameError(ValueError):
    pass


def bits(byte: int) -> str:
    """Bit 7 first, as a string, as the manuals print it."""
    return format(byte, "08b")


def decode(frame: bytes, *, checksum: bool = False, parity: bool = False) -> Shown:
    if parity:
        for byte in frame:
            if bits(byte).count("1") % 2:
                raise BadFrameError(f"odd parity in {byte:#04x}")
        frame = bytes(int(bits(byte)[1:], 2) for byte in frame)
    want = 18 if checksum else 17
    if len(frame) != want:
        raise BadFrameError(f"{len(frame)} bytes, want {want}")
    if frame[0] != 2 or frame[16] != 13:
        raise BadFrameError("no STX or no CR")
    if checksum:
        total = 0
        for byte in frame:
            total += int(bits(byte)[1:], 2)
        if total % 128 != 0 or frame[17] > 127:
            raise BadFrameError("check character")
    a, b, c = (bits(byte) for byte in frame[1:4])
    if a[0:3] != "001" or c[0:3] != "001" or c[4:8] not in ("1000", "0000"):
        raise BadFrameError("fixed bits of a status word")
    if b[2] != "1":
        raise BadFrameError("fixed bit of status word B")
    place, step = _PLACES[a[5:8]], _STEPS[a[3:5]]

    def number(field: bytes) -> Decimal:
        text = field.decode("ascii")
        if text != f"{text.strip():>6}" or not text.strip().isdigit():
            raise BadFrameError(f"field {text!r}")
        if len(text.strip()) > 1 and text.strip().startswith("0"):
            raise BadFrameError("leading zeros must be blanks")
        return Decimal(text.strip()) * place

    weight = number(frame[4:10])
    return Shown(
        weight=-weight if b[6] == "1" else weight,
        tare=number(frame[10:16]),
        division=step * place,
        net=b[7] == "1",
        out_of_range=b[5] == "1",
        motion=b[4] == "1",
        kilograms=b[3] == "1",
        zero_not_captured=b[1] == "1",
        printing=c[4] == "1",
    )
