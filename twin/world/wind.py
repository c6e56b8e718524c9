"""Wind over the site: a mean that a scenario sets, and gusts about it.

The gust of an instant is a function of the seed and of its bucket of three seconds, the averaging
time of an anemometer's gust (WMO No. 8, I.5). Gusts are about normal with a standard deviation of
15 % of the mean, the turbulence intensity of open country at 10 m (EN 1991-1-4, terrain II: 0.19;
over water: 0.13; here an *estimate* between them).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from twin.clock import Clock
from twin.hashed import normal

GUST_NS = 3_000_000_000
INTENSITY = 0.15
PEAK = 1.0 + INTENSITY * 2 * math.sqrt(3.0)
"""Largest gust as a multiple of the mean: the noise is bounded at 2√3 standard deviations."""


class Wind:
    """The wind at one place."""

    def __init__(self, clock: Clock, salt: int, mean_m_s: float = 3.0) -> None:
        """`salt`: 64 bits of the seed; 3 m/s is the annual mean of the coast there (*estimate*)."""
        self._clock, self._salt = clock, salt
        self._mean_m_s = mean_m_s
        self._watchers: list[Callable[[], None]] = []

    @property
    def mean_m_s(self) -> float:
        """The mean speed."""
        return self._mean_m_s

    def set_mean(self, mean_m_s: float) -> None:
        """The weather has changed."""
        self._mean_m_s = max(0.0, mean_m_s)
        for watcher in self._watchers:
            watcher()

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the mean changes."""
        self._watchers.append(callback)

    def speed_m_s(self) -> float:
        """The three-second gust that blows now."""
        bucket = self._clock.env.now // GUST_NS
        return max(0.0, self._mean_m_s * (1 + INTENSITY * normal(self._salt, bucket)))
