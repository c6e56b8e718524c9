"""Measured values with unit, limit, uncertainty and the decision rule that turns them to verdicts.

ISO/IEC 17025:2017, 7.8.6.1, wants the decision rule written down beside the result. Two are known:

- ``simple``: the value against the limit, the uncertainty is only reported;
- ``guarded``: a value within the limit but nearer to it than the expanded uncertainty U is
  MARGINAL; whether a MARGINAL is good enough is said by the requirement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Rule = Literal["simple", "guarded"]


@dataclass(frozen=True, slots=True)
class Limit:
    """An interval of good values; None is open. `strict` excludes the limit itself."""

    low: float | None = None
    high: float | None = None
    strict: bool = False

    def __str__(self) -> str:
        below, above = ("<", ">") if self.strict else ("≤", "≥")
        if self.low is not None and self.high is not None:
            return f"{_number(self.low)} … {_number(self.high)}"
        if self.high is not None:
            return f"{below} {_number(self.high)}"
        return f"{above} {_number(self.low)}" if self.low is not None else "any"

    def margin(self, value: float) -> float:
        """How far `value` is inside the interval; negative outside, infinite when open."""
        room = [] if self.low is None else [value - self.low]
        room += [] if self.high is None else [self.high - value]
        return min(room, default=float("inf"))


def at_most(high: float) -> Limit:
    """Values up to and including `high` are good."""
    return Limit(high=high)


def below(high: float) -> Limit:
    """Values strictly below `high` are good."""
    return Limit(high=high, strict=True)


def at_least(low: float) -> Limit:
    """Values from `low` on are good."""
    return Limit(low=low)


def between(low: float, high: float) -> Limit:
    """Values from `low` to `high` are good, both included."""
    return Limit(low, high)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number, or the worst of a series, against its limit.

    `uncertainty` is the expanded uncertainty (k = 2) in `unit`; `series` are the single values
    of which `value` is the statistic.
    """

    name: str
    value: float
    unit: str
    limit: Limit
    uncertainty: float = 0.0
    rule: Rule = "guarded"
    series: tuple[float, ...] = ()

    @property
    def outcome(self) -> str:
        """PASS, MARGINAL or FAIL by the decision rule."""
        margin = self.limit.margin(self.value)
        if margin < 0 or (self.limit.strict and margin == 0) or margin != margin:
            return "FAIL"
        if self.rule == "guarded" and margin < self.uncertainty:
            return "MARGINAL"
        return "PASS"

    def __str__(self) -> str:
        spread = f" ± {_number(self.uncertainty)}" if self.uncertainty else ""
        return f"{self.name} {_number(self.value)}{spread} {self.unit} (limit {self.limit})"


def _number(value: float) -> str:
    return f"{value:.4g}"
