"""Mettler-Toledo continuous frames taken apart. Pure functions; the judge uses them on bytes.

Written from the tables of the Rice Lake 680 manual (p. 70: status words) and of the WILDCAT
Technical Manual (p. 6-4: format, check character); shares no code with the emulator's encoder.
"""

from __future__ import annotations

from typing import NamedTuple

STX, CR = 0x02, 0x0D
PLAIN_BYTES = 17
"""STX, three status words, six digits of weight, six of tare, CR."""

_PLACES = {0b000: 100.0, 0b001: 10.0, 0b010: 1.0, 0b011: 0.1, 0b100: 0.01, 0b101: 0.001}
_STEPS = {0b01: 1, 0b10: 2, 0b11: 5}


class Shown(NamedTuple):
    """What one frame says; kilograms, the weight with its sign."""

    weight_kg: float
    tare_kg: float
    division_kg: float
    net: bool
    out_of_range: bool
    motion: bool
    kilograms: bool
    zero_lost: bool
    printing: bool


def split(stream: bytes, *, checked: bool) -> tuple[list[bytes], bytes]:
    """What stands between two frame ends, whatever it is, and the bytes after the last end.

    A frame ends with CR, or with the check character behind it. A client that connects may come
    in the middle of a frame: bytes before the first STX are passed over.
    """
    start = stream.find(STX)
    if start < 0:
        return [], b""
    pieces: list[bytes] = []
    rest = stream[start:]
    while (end := rest.find(CR)) >= 0:
        size = end + 1 + checked
        if len(rest) < size:
            break
        pieces.append(rest[:size])
        rest = rest[size:]
    return pieces, rest


def form_problem(piece: bytes, *, checked: bool) -> str:
    """What is wrong with length, STX, CR or the fixed bits of a frame; empty if nothing is."""
    size = PLAIN_BYTES + checked
    if len(piece) != size:
        return f"{len(piece)} bytes, not {size}"
    if piece[0] != STX or piece[PLAIN_BYTES - 1] != CR:
        return "does not begin with STX, or has no CR at its place"
    if any(byte & 0x80 for byte in piece):
        return "bit 7 is set"
    a, b, c = piece[1:4]
    if a & 0x60 != 0x20 or not b & 0x20 or c & 0x60 != 0x20:
        return f"fixed bits of the status words {a:02x} {b:02x} {c:02x}"
    if a & 7 not in _PLACES or a >> 3 & 3 not in _STEPS:
        return f"status word A {a:02x} has no lawful place or step"
    return ""


def field_problem(piece: bytes) -> str:
    """What is wrong with the weight or the tare of a frame; empty if nothing is."""
    for name, text in (("weight", piece[4:10]), ("tare", piece[10:16])):
        if wrong := _digits_problem(text):
            return f"{name} {text!r}: {wrong}"
    return ""


def _digits_problem(text: bytes) -> str:
    digits = text.lstrip(b" ")
    if not digits.isdigit():
        return "not digits behind blanks"
    return "leading zeros, not blanks" if len(digits) > 1 and digits[:1] == b"0" else ""


def sum_is_right(piece: bytes) -> bool:
    """The low seven bits of all characters, the check character included, sum to 0 mod 128."""
    return sum(byte & 0x7F for byte in piece) % 128 == 0


def decode(piece: bytes, *, checked: bool) -> Shown | None:
    """The content of a frame; None if its form or its sum is wrong."""
    wrong = form_problem(piece, checked=checked) or field_problem(piece)
    if wrong or (checked and not sum_is_right(piece)):
        return None
    a, b, c = piece[1:4]
    place_kg = _PLACES[a & 7]
    weight_kg = int(piece[4:10]) * place_kg
    return Shown(
        weight_kg=-weight_kg if b & 0x02 else weight_kg,
        tare_kg=int(piece[10:16]) * place_kg,
        division_kg=_STEPS[a >> 3 & 3] * place_kg,
        net=bool(b & 0x01),
        out_of_range=bool(b & 0x04),
        motion=bool(b & 0x08),
        kilograms=bool(b & 0x10),
        zero_lost=bool(b & 0x40),
        printing=bool(c & 0x08),
    )
