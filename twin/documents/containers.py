"""Freight container numbers (ISO 6346): make and check.

Three letters of the owner, a category (U freight, J detachable equipment, Z trailer or chassis),
six digits and a check digit. Letters count 10, 12, 13, ... 38, skipping the multiples of 11; each
value is weighted by 2 to the power of its place; the sum modulo 11, and 10 counts as 0.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Final

from twin.documents.errors import DocumentError

OWNERS: Final = ("VNT", "MCK", "DXG", "BLN", "QNH")
"""Synthetic owner codes; they mean nobody."""

_FORM: Final = re.compile(r"([A-Z]{3})([A-Z])(\d{6})(\d)")


def _letter_values() -> dict[str, int]:
    values = {str(digit): digit for digit in range(10)}
    value = 10
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        value += value % 11 == 0
        values[letter] = value
        value += 1
    return values


_VALUES: Final = _letter_values()


@dataclass(frozen=True, slots=True)
class Container:
    """A checked container number."""

    text: str
    owner: str
    category: str
    serial: str
    check_digit: int


def _remainder(first_ten: str) -> int:
    return sum(_VALUES[char] << place for place, char in enumerate(first_ten)) % 11


def check_digit(first_ten: str) -> int:
    """The check digit of owner, category and serial (ten characters)."""
    return _remainder(first_ten) % 10


def check(text: str) -> Container:
    """Parse a container number, blanks and hyphens allowed; raise `DocumentError`."""
    compact = text.upper().replace(" ", "").replace("-", "")
    match = _FORM.fullmatch(compact)
    if match is None:
        raise DocumentError("container number", text, "want four letters and seven digits")
    owner, category, serial, digit = match.groups()
    if category not in "UJZ":
        raise DocumentError("container number", text, f"category {category}: want U, J or Z")
    right = check_digit(compact[:10])
    if right != int(digit):
        raise DocumentError("container number", text, f"check digit {digit}, computed {right}")
    return Container(compact, owner, category, serial, right)


def make(rng: random.Random) -> str:
    """A valid synthetic freight container number."""
    while True:
        first_ten = f"{rng.choice(OWNERS)}U{rng.randrange(1_000_000):06d}"
        # ISO 6346 annex A advises against serials whose remainder is 10: digit 0 would be
        # shared by two remainders and some transpositions would pass.
        if _remainder(first_ten) != 10:
            return f"{first_ten}{check_digit(first_ten)}"
