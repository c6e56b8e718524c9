"""Intervals over independent replications. Needs scipy (the extra `capacity`).

A replication is one cluster: its boxes depend on each other, replications do not. What is estimated
is always a figure of all boxes together, never the mean of a figure per replication: the quantile
of a few hundred dependent waits is too low on average (7 % in M/M/1 at 0.8 with 600 of them), and
an interval around its mean would promise a wait that is not kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from twin.capacity.plan import SizingError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its confidence limits. `high` is infinite where the data give no limit."""

    mean: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half of its width."""
        return (self.high - self.low) / 2 if math.isfinite(self.high) else math.inf


def t_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Student's two-sided interval of the mean of independent replications.

    Raises `SizingError` below two values, or if the confidence is not between 0 and 1.
    """
    found = np.asarray(values, dtype=np.float64)
    mean = float(found.mean()) if len(found) else math.nan
    half = _student(len(found), confidence) * float(found.std(ddof=1)) / math.sqrt(len(found))
    return Interval(mean, mean - half, mean + half)


def ratio_interval(
    parts: Sequence[float], wholes: Sequence[float], confidence: float = 0.95
) -> Interval:  # fmt: skip
    """Of the ratio of totals, `sum(parts) / sum(wholes)`, linearised over replications."""
    over, under = np.asarray(parts, dtype=np.float64), np.asarray(wholes, dtype=np.float64)
    student, total = _student(len(over), confidence), float(under.sum())
    if total <= 0:
        raise SizingError("an interval of a ratio needs something to divide by; the total is 0")
    ratio = float(over.sum()) / total
    half = student * _spread(over - ratio * under) / total
    return Interval(ratio, ratio - half, ratio + half)


def quantile_interval(
    samples: Sequence[Floats], quantile: float, confidence: float = 0.95
) -> Interval:  # fmt: skip
    """Of the quantile of all samples together, one array per replication (Woodruff 1952).

    The share of values up to the pooled quantile has an error, as a ratio over clusters; the order
    statistics at the shares one error less and more are the limits. No density is estimated and
    nothing is assumed of the distribution.
    """
    student = _student(len(samples), confidence)
    pooled = np.sort(np.concatenate(samples))
    if not len(pooled):
        raise SizingError("a quantile needs at least one box; no replication had any")
    middle = _at(pooled, quantile)
    counts = np.asarray([len(one) for one in samples], dtype=np.float64)
    below = np.asarray([float((one <= middle).sum()) for one in samples])
    residuals = below - below.sum() / counts.sum() * counts
    half = student * _spread(residuals) / float(counts.sum())
    high = quantile + half
    return Interval(
        middle, _at(pooled, quantile - half), math.inf if high >= 1 else _at(pooled, high)
    )


def paired_quantile(
    ours: Sequence[Floats], theirs: Sequence[Floats], quantile: float, confidence: float = 0.95
) -> Interval:  # fmt: skip
    """Of the difference of two pooled quantiles, `ours - theirs`, under common random numbers.

    Jackknife that leaves out the same replication of both, so what both have in common cancels.
    """
    if len(ours) != len(theirs):
        raise SizingError(f"pairs need as many of both: {len(ours)} and {len(theirs)}")
    student, n = _student(len(ours), confidence), len(ours)
    whole, part = (
        np.asarray(a) - np.asarray(b)
        for a, b in zip(_left_out(ours, quantile), _left_out(theirs, quantile), strict=True)
    )
    values = n * whole - (n - 1) * part
    half = student * float(values.std(ddof=1)) / math.sqrt(n)
    return Interval(float(whole), float(whole) - half, float(whole) + half)


def _left_out(samples: Sequence[Floats], quantile: float) -> tuple[float, Floats]:
    """The pooled quantile, and that without each replication in turn."""
    values = np.concatenate(samples)
    owner = np.repeat(np.arange(len(samples)), [len(one) for one in samples])
    order = np.argsort(values, kind="stable")
    values, owner = values[order], owner[order]
    found = []
    for number in range(len(samples)):
        rank = np.cumsum(owner != number)
        wanted = max(1, math.ceil(quantile * rank[-1] - 1e-9))
        found.append(float(values[int(np.searchsorted(rank, wanted))]))
    return _at(values, quantile), np.asarray(found)


def replications_needed(found: Interval, replications: int, half: float) -> int:
    """How many replications would give half a width of `half`: a tenth more than proportional."""
    if found.half <= 0:
        return 0
    if not math.isfinite(found.half):
        return 2 * replications
    return math.ceil(1.1 * replications * (found.half / half) ** 2)


def settled(first: Sequence[float], last: Sequence[float]) -> bool:
    """Whether the first counted day is like the last one, replication by replication.

    The test of the warm-up (level 0.001, so that of a thousand good ones one is refused): it fails
    while the model still fills, and for ever where the load is more than it can carry.
    """
    change = t_interval([b - a for a, b in zip(first, last, strict=True)], 0.999)
    return change.low <= 0 <= change.high


def _student(replications: int, confidence: float) -> float:
    if not 0 < confidence < 1:
        raise SizingError(f"confidence: {confidence:g}; allowed: above 0 and below 1")
    if replications < 2:
        raise SizingError(f"an interval needs at least 2 replications, not {replications}")
    return float(stats.t.ppf((1 + confidence) / 2, replications - 1))


def _spread(residuals: Floats) -> float:
    """Standard error of the sum of `n` independent residuals whose mean is 0."""
    n = len(residuals)
    return math.sqrt(n / (n - 1) * float((residuals**2).sum()))


def _at(ordered: Floats, share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    rank = math.ceil(share * len(ordered) - 1e-9)
    return float(ordered[min(len(ordered), max(1, rank)) - 1])
