"""How a plate is misread: a confusion matrix with a confidence for each character.

`quality` is 0 (nothing to see) to 1 (clean plate, daylight). The chance that one character is
misread is `ERROR_AT_BEST * (ERROR_AT_WORST / ERROR_AT_BEST) ** (1 - quality)`: at quality 1 an
eight-character plate is read whole in 98.8 % of cases, at 0.8 in 96 %, at 0.5 in 83 %. Gate
operators want at least 95 % and name 98 to 99 % as the target; the curve between is an estimate.
"""

from __future__ import annotations

import random
from typing import Final

from twin.documents.plates import normalise

ERROR_AT_BEST: Final = 0.0015
ERROR_AT_WORST: Final = 0.35
DROPPED_SHARE: Final = 0.06
"""Share of errors in which the character is not seen at all (estimate)."""

CONFUSIONS: Final[dict[str, str]] = {
    "0": "D8Q6", "1": "7TL4", "2": "Z7", "3": "8B", "4": "A1", "5": "S6", "6": "8G5", "7": "1T2",
    "8": "B36", "9": "8P3",
    "A": "4R", "B": "8RE", "C": "GDU", "D": "0ĐC", "E": "FB", "F": "EP", "G": "6C", "H": "MNK",
    "J": "U1", "K": "XHR", "L": "1E", "M": "NH", "N": "MHK", "P": "FR9", "Q": "0D", "R": "PKB",
    "S": "5B", "T": "71Y", "U": "VC", "V": "UY", "W": "VM", "X": "KY", "Y": "VX", "Z": "27",
    "Đ": "D0", "桂": "挂", "挂": "桂", "云": "亏", "川": "111",
}  # fmt: skip
"""What each character is taken for, most likely first (shapes alike; weights 3 : 2 : 1 : 1)."""

_WEIGHTS: Final = (3, 2, 1, 1)

_PAIRS: Final = frozenset(
    frozenset((char, other)) for char, others in CONFUSIONS.items() for other in others
)


def error_probability(quality: float) -> float:
    """The chance that one character is misread at this quality (0 to 1)."""
    quality = min(1.0, max(0.0, quality))
    return float(ERROR_AT_BEST * (ERROR_AT_WORST / ERROR_AT_BEST) ** (1.0 - quality))


def confuse(char: str, rng: random.Random) -> str:
    """A character that `char` is taken for; itself where nothing looks like it."""
    others = CONFUSIONS.get(char)
    if not others:
        return char
    return rng.choices(others, _WEIGHTS[: len(others)])[0]


def misread(text: str, rng: random.Random, quality: float) -> tuple[str, list[int]]:
    """Read `text` as a camera does: what it saw, and its belief in each character (0 to 99)."""
    wrong_p = error_probability(quality)
    blur = 1.0 - min(1.0, max(0.0, quality))
    seen: list[str] = []
    beliefs: list[int] = []
    for char in text:
        wrong = rng.random() < wrong_p
        if wrong and rng.random() < DROPPED_SHARE:
            continue
        read = confuse(char, rng) if wrong else char
        # A wrong character is mostly, not always, believed less: silent errors exist.
        doubt = rng.uniform(5, 60) if wrong else rng.expovariate(1.0)
        seen.append(read)
        beliefs.append(max(1, min(99, round(99.4 - doubt - 35 * blur * rng.random()))))
    return "".join(seen), beliefs


def force_error(
    text: str, beliefs: list[int], rng: random.Random, characters: int = 1
) -> tuple[str, list[int]]:
    """Replace `characters` characters of a reading by look-alikes, with doubtful beliefs."""
    chars, beliefs = list(text), list(beliefs)
    places = [at for at, char in enumerate(chars) if char in CONFUSIONS]
    for at in rng.sample(places, min(characters, len(places))):
        chars[at] = confuse(chars[at], rng)
        beliefs[at] = min(beliefs[at], rng.randint(35, 90))
    return "".join(chars), beliefs


def confusable(a: str, b: str) -> bool:
    """Whether two single characters are taken for each other (or are the same)."""
    return a == b or frozenset((a, b)) in _PAIRS


def near(a: str, b: str) -> bool:
    """Whether two plates may be the same one misread.

    True at an edit distance of at most one (any replaced, lost or added character), and for equal
    lengths with two differences that are both confusable. Separators and case do not count.
    """
    a, b = normalise(a), normalise(b)
    if a == b:
        return True
    if len(a) == len(b):
        differing = [(x, y) for x, y in zip(a, b, strict=True) if x != y]
        if len(differing) == 1:
            return True
        return len(differing) == 2 and all(confusable(x, y) for x, y in differing)
    if len(a) < len(b):
        a, b = b, a
    return len(a) == len(b) + 1 and any(a[:at] + a[at + 1 :] == b for at in range(len(a)))
