"""Customs declarations: number form, goods with HS codes, weights.

The Vietnamese system (VNACCS) numbers declarations with 12 digits: an eleven-digit base and the
count of amendments. Practice: 10 leads imports, 30 exports; `check_number` therefore demands
digits only and reports the direction it would guess. HS codes are HS 2022 at six digits.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Final, Literal

from twin.documents.errors import DocumentError

Direction = Literal["in", "out"]

LEGAL_GROSS_KG: Final = {5: 40_000, 6: 48_000}
"""Gross limit in kg of an articulated vehicle by its number of axles (Vietnamese road rules)."""


@dataclass(frozen=True, slots=True)
class Goods:
    """One kind of cargo: HS code at six digits, and the loads seen (kg of cargo on one truck)."""

    hs: str
    name: str
    cargo_kg_min: int
    cargo_kg_max: int
    chilled: bool = False
    dangerous: bool = False


EXPORTS: Final = (
    Goods("0810.60", "durian, fresh", 14_000, 20_000, chilled=True),
    Goods("0810.90", "dragon fruit, lychee, jackfruit, fresh", 14_000, 20_000, chilled=True),
    Goods("0804.50", "mango, fresh", 12_000, 18_000, chilled=True),
    Goods("0807.11", "watermelon, fresh", 16_000, 22_000),
    Goods("0803.90", "banana, fresh", 14_000, 20_000, chilled=True),
    Goods("0306.17", "shrimp, frozen", 12_000, 20_000, chilled=True),
    Goods("0307.43", "squid, frozen", 12_000, 20_000, chilled=True),
    Goods("0306.32", "lobster, live", 4_000, 9_000, chilled=True),
)
"""Cargo from Việt Nam. Codes: HS 2022; load ranges around the 16.3 t mean of 2023, estimates."""

IMPORTS: Final = (
    Goods("8517.13", "smartphones", 6_000, 14_000),
    Goods("8542.31", "integrated circuits, processors", 4_000, 10_000),
    Goods("8534.00", "printed circuits", 6_000, 14_000),
    Goods("8471.30", "portable computers", 6_000, 14_000),
    Goods("8473.30", "computer parts", 8_000, 16_000),
    Goods("8524.11", "display modules", 6_000, 14_000),
    Goods("8507.60", "lithium-ion accumulators", 10_000, 18_000, dangerous=True),
    Goods("6006.32", "knitted fabric, dyed", 14_000, 22_000),
    Goods("0703.20", "garlic, fresh", 16_000, 24_000),
)
"""Cargo from China; see `EXPORTS`."""

_HS: Final = re.compile(r"(\d{4})\.?(\d{2})(?:\.?\d{2}){0,2}")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a trader declared for one truck; weights in kg."""

    number: str
    direction: Direction
    plate: str
    trailer_plate: str | None
    container: str | None
    hs: str
    goods: str
    packages: int
    cargo_kg: int
    gross_kg: int


def make_number(rng: random.Random, direction: Direction) -> str:
    """A 12-digit declaration number: 10… for `in` (import), 30… for `out` (export)."""
    lead = {"in": "10", "out": "30"}[direction]
    return f"{lead}{rng.randrange(10**9):09d}0"


def check_number(text: str) -> str:
    """The number without blanks; raise `DocumentError` unless it is 12 digits."""
    compact = text.replace(" ", "")
    if not (len(compact) == 12 and compact.isascii() and compact.isdigit()):
        raise DocumentError("declaration number", text, "want 12 digits")
    return compact


def guessed_direction(number: str) -> Direction | None:
    """The direction by the usual prefix, or None: a hint, never a rule."""
    directions: dict[str, Direction] = {"10": "in", "30": "out"}
    return directions.get(check_number(number)[:2])


def check_hs(text: str) -> str:
    """The six-digit form `NNNN.NN` of an HS code of 6, 8 or 10 digits; raise `DocumentError`."""
    match = _HS.fullmatch(text)
    if match is None:
        raise DocumentError("HS code", text, "want 6, 8 or 10 digits such as 0810.60")
    chapter = int(match[1][:2])
    if not 1 <= chapter <= 97 or chapter == 77:  # 77 is kept free by the Harmonized System
        raise DocumentError("HS code", text, f"there is no chapter {chapter:02d}")
    return f"{match[1]}.{match[2]}"


def make_goods(rng: random.Random, direction: Direction) -> tuple[Goods, int]:
    """A kind of goods and its mass in kg (whole 20 kg) for one truck."""
    goods = rng.choice(IMPORTS if direction == "in" else EXPORTS)
    return goods, rng.randrange(goods.cargo_kg_min, goods.cargo_kg_max + 1, 20)


def make(
    rng: random.Random,
    direction: Direction,
    *,
    plate: str,
    tare_kg: int,
    trailer_plate: str | None = None,
    container: str | None = None,
) -> Declaration:
    """A valid declaration for one truck of `tare_kg` empty mass."""
    goods, cargo_kg = make_goods(rng, direction)
    return Declaration(
        number=make_number(rng, direction),
        direction=direction,
        plate=plate,
        trailer_plate=trailer_plate,
        container=container,
        hs=goods.hs,
        goods=goods.name,
        packages=max(1, cargo_kg // 18),
        cargo_kg=cargo_kg,
        gross_kg=tare_kg + cargo_kg,
    )
