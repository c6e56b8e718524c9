"""A rate that follows the hours of the day: arrivals of trucks at lanes and cranes."""

from __future__ import annotations

import bisect
import itertools
import math
import random
from collections.abc import Sequence

HOUR_S = 3600.0


class Hourly:
    """A rate that is constant within each civil hour, from `begins_h` on for `span_s`.

    `weights` are those of the 24 civil hours, relative to each other. Given how many come, the
    instants of a Poisson process with such a rate are independent draws (`draw`); how many are to
    be expected says `expected`.
    """

    def __init__(self, weights: Sequence[float], span_s: float, *, begins_h: float = 0.0) -> None:
        self._day = math.fsum(weights)
        self._edges = [0.0]
        self._weights: list[float] = []
        while self._edges[-1] < span_s:
            hour = begins_h + self._edges[-1] / HOUR_S
            until = min(span_s, (int(hour) + 1 - begins_h) * HOUR_S)
            self._weights.append(weights[int(hour) % 24])
            self._edges.append(until)
        parts = zip(self._weights, itertools.pairwise(self._edges), strict=True)
        self._cumulated = list(itertools.accumulate(w * (b - a) for w, (a, b) in parts))

    def expected(self, a_day: float) -> list[float]:
        """Arrivals to be expected in each hour, the last one perhaps cut, at `a_day` a day."""
        parts = zip(self._weights, itertools.pairwise(self._edges), strict=True)
        return [a_day * w / self._day * ((b - a) / HOUR_S) for w, (a, b) in parts]

    def draw(self, rng: random.Random) -> float:
        """One instant, s after the beginning."""
        point = rng.random() * self._cumulated[-1]
        slot = min(bisect.bisect_right(self._cumulated, point), len(self._cumulated) - 1)
        return rng.uniform(self._edges[slot], self._edges[slot + 1])
