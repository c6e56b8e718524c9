"""Intervals over independent replications. Needs scipy (the extra `capacity`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from twin.capacity.plan import SizingError


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its confidence limits."""

    mean: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half of its width."""
        return (self.high - self.low) / 2


def t_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Student's two-sided interval of the mean of independent replications.

    Raises `SizingError` below two values, or if the confidence is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise SizingError(f"confidence: {confidence:g}; allowed: above 0 and below 1")
    if len(values) < 2:
        raise SizingError(f"an interval needs at least 2 replications, not {len(values)}")
    found = np.asarray(values, dtype=np.float64)
    mean = float(found.mean())
    error = float(found.std(ddof=1)) / math.sqrt(len(found))
    half = float(stats.t.ppf((1 + confidence) / 2, len(found) - 1)) * error
    return Interval(mean, mean - half, mean + half)


def paired(
    ours: Sequence[float], theirs: Sequence[float], confidence: float = 0.95
) -> Interval:  # fmt: skip
    """Of the mean difference `ours - theirs` under common random numbers, pair by pair."""
    if len(ours) != len(theirs):
        raise SizingError(f"pairs need as many of both: {len(ours)} and {len(theirs)}")
    return t_interval([a - b for a, b in zip(ours, theirs, strict=True)], confidence)
