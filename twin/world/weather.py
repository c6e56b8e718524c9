"""Light and rain over the day."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twin.clock import Clock

SUNRISE_H, SUNSET_H = 5.25, 18.5
"""Móng Cái (21.5° N) at the end of May, Hanoi time; civil almanac values rounded to a quarter."""


@dataclass(slots=True)
class Weather:
    """The sky over the site; `opens_h` is the civil hour at which the run's clock is 0."""

    clock: Clock
    opens_h: float
    rain_mm_h: float = 0.0

    def daylight(self) -> float:
        """0 at night … 1 in full day, by the sun's height."""
        hour = (self.opens_h + self.clock.now_s() / 3600) % 24
        if not SUNRISE_H < hour < SUNSET_H:
            return 0.0
        height = math.sin(math.pi * (hour - SUNRISE_H) / (SUNSET_H - SUNRISE_H))
        return min(1.0, 3 * height)
