"""Licence plates of Việt Nam and China: make and check.

The canonical text has no separators (`14C12345`, `桂P12345`), as plate cameras report it;
`Plate.printed` is what stands on the metal (`14C-123.45`, `桂P·12345`).

Việt Nam (Circular 24/2023/TT-BCA): two digits of the province, one series letter, five digits
(four on older plates). Letters I, J, O, Q, W are not used; series R is for trailers and
semi-trailers; LD and NG are two-letter series of foreign-invested firms and diplomats. Commercial
transport has yellow plates since 2020, others white, state blue, army red (two letters, four
digits).

China (GA 36-2018): one province character, one letter of the issuing city, five characters of
digits and letters without I and O; heavy trucks yellow. Trailers: four digits and 挂. New-energy
plates have six characters: D or F first on small, last on large vehicles.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Final, Literal

from twin.documents.errors import DocumentError

Country = Literal["VN", "CN"]
Kind = Literal["civil", "trailer", "foreign", "army", "new-energy"]

VN_PROVINCES: Final = frozenset(
    f"{code}" for code in range(11, 100) if code not in {13, 42, 44, 45, 46, 87, 91, 96}
)
"""Province codes in use (Circular 24/2023 annex 2; 80 is the central traffic police)."""

VN_LETTERS: Final = "ABCDEFGHKLMNPSTUVXYZĐ"
"""Series letters of civil plates: no I, J, O, Q, W; R is the trailer's."""

CN_PROVINCES: Final = "京津沪渝冀晋辽吉黑苏浙皖闽赣鲁豫鄂湘粤琼川贵云陕甘青蒙桂宁新藏"
CN_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters of Chinese plates: no I, no O (GA 36-2018)."""

_ARMY_FIRST: Final = "ABHKPQT"

_VN: Final = re.compile(r"(?P<province>\d\d)(?P<series>[A-ZĐ]{1,2})(?P<number>\d{4,5})")
_VN_ARMY: Final = re.compile(r"(?P<series>[A-Z]{2})(?P<number>\d{4})")
_CN: Final = re.compile(r"(?P<province>[\u4e00-\u9fff])(?P<city>[A-Z])(?P<number>[0-9A-Z]+挂?)")
_SEPARATORS: Final = str.maketrans("", "", " -.·•_")


@dataclass(frozen=True, slots=True)
class Plate:
    """A checked plate; `text` is canonical (no separators)."""

    text: str
    country: Country
    kind: Kind
    province: str
    series: str
    number: str

    @property
    def trailer(self) -> bool:
        """Whether the plate belongs to a trailer or semi-trailer."""
        return self.kind == "trailer"

    @property
    def printed(self) -> str:
        """The text with its separators, as on the metal."""
        if self.country == "CN":
            return f"{self.province}{self.series}·{self.number}"
        tail = f"{self.number[:3]}.{self.number[3:]}" if len(self.number) == 5 else self.number
        return f"{self.province}{self.series}-{tail}"

    @property
    def lines(self) -> tuple[str, str]:
        """The two rows of the square form, which trucks carry in both countries."""
        head = f"{self.province}{self.series}"
        if self.country == "CN":
            return head, self.number
        return head, self.printed[len(head) + 1 :]

    @property
    def colour(self) -> str:
        """Background colour of a plate in commercial cargo use."""
        if self.kind == "army":
            return "red"
        if self.kind == "new-energy":
            return "green"
        return "white" if self.kind == "foreign" else "yellow"


def normalise(text: str) -> str:
    """The canonical form: upper case, without separators and blanks."""
    return text.upper().translate(_SEPARATORS)


def check_plate(text: str) -> Plate:
    """Parse a plate of either country, with or without separators; raise `DocumentError`."""
    canonical = normalise(text)
    if not canonical:
        raise DocumentError("plate", text, "it is empty")
    if canonical[0] >= "\u4e00":
        return _check_cn(text, canonical)
    return _check_vn(text, canonical)


def _check_vn(text: str, canonical: str) -> Plate:
    if army := _VN_ARMY.fullmatch(canonical):
        if army["series"][0] not in _ARMY_FIRST:
            raise DocumentError("plate", text, f"no army unit begins with {army['series'][0]}")
        return Plate(canonical, "VN", "army", "", army["series"], army["number"])
    match = _VN.fullmatch(canonical)
    if match is None:
        raise DocumentError("plate", text, "want DDL-DDD.DD, DDL-DDDD or a Chinese form")
    province, series, number = match["province"], match["series"], match["number"]
    if province not in VN_PROVINCES:
        raise DocumentError("plate", text, f"province code {province} is not in use")
    kind: Kind = "civil"
    if series in {"LD", "NG"}:
        kind = "foreign"
    elif series == "R":
        kind = "trailer"
    elif len(series) > 1 or series not in VN_LETTERS:
        raise DocumentError("plate", text, f"series {series}: want one of {VN_LETTERS}R, LD, NG")
    return Plate(canonical, "VN", kind, province, series, number)


def _check_cn(text: str, canonical: str) -> Plate:
    match = _CN.fullmatch(canonical)
    if match is None:
        raise DocumentError("plate", text, "want 桂P12345, 桂P1234挂 or 桂P12345D")
    province, city, number = match["province"], match["city"], match["number"]
    if province not in CN_PROVINCES:
        raise DocumentError("plate", text, f"{province} is no province of China")
    if bad := next((c for c in city + number if c in "IO"), None):
        raise DocumentError("plate", text, f"letter {bad} is not used on Chinese plates")
    if number.endswith("挂"):
        if len(number) != 5 or not number[:4].isdigit():
            raise DocumentError("plate", text, "a trailer has four digits before 挂")
        return Plate(canonical, "CN", "trailer", province, city, number)
    if len(number) == 6:
        _check_new_energy(text, number)
        return Plate(canonical, "CN", "new-energy", province, city, number)
    if len(number) != 5:
        raise DocumentError("plate", text, f"{len(number)} characters after the city, want 5 or 6")
    if sum(c.isalpha() for c in number) > 2:
        raise DocumentError("plate", text, "more than two letters among the last five")
    return Plate(canonical, "CN", "civil", province, city, number)


def _check_new_energy(text: str, number: str) -> None:
    small = number[0] in "DF" and number[2:].isdigit()
    large = number[-1] in "DF" and number[:5].isdigit()
    if not (small or large):
        raise DocumentError("plate", text, "new-energy: D or F first (small) or last (large)")


# Shares are estimates: no count of plates by province at this gate is public. Quảng Ninh (14) and
# its neighbours carry most trade; Fangchenggang (桂P) includes Dongxing.
_VN_HOME: Final = (("14", 0.45), ("15", 0.15), ("29", 0.12), ("30", 0.08), ("34", 0.08),
                   ("98", 0.06), ("99", 0.06))  # fmt: skip
_CN_HOME: Final = (("桂P", 0.55), ("桂A", 0.2), ("桂E", 0.1), ("桂N", 0.07), ("云A", 0.05),
                   ("川A", 0.03))  # fmt: skip


def _pick(rng: random.Random, shares: tuple[tuple[str, float], ...]) -> str:
    point = rng.random() * sum(share for _, share in shares)
    for name, share in shares:
        point -= share
        if point < 0:
            return name
    return shares[-1][0]


def make_plate(rng: random.Random, country: Country = "VN", trailer: bool = False) -> str:
    """A valid synthetic truck (or trailer) plate in canonical form, as seen at Móng Cái."""
    if country == "CN":
        head = _pick(rng, _CN_HOME)
        if trailer:
            return f"{head}{rng.randrange(10_000):04d}挂"
        digits = f"{rng.randrange(100_000):05d}"
        if rng.random() < 0.35:  # one letter within the last five is common; share estimated
            at = rng.randrange(5)
            digits = digits[:at] + rng.choice(CN_LETTERS) + digits[at + 1 :]
        return head + digits
    series = "R" if trailer else rng.choice("CCCCHHEF")
    return f"{_pick(rng, _VN_HOME)}{series}{rng.randrange(100_000):05d}"
