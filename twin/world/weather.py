"""Light, temperature and rain over the day.

Rain is drawn before the day begins from the site's monthly climate: whether it rains at all, how
much, in how many showers. Each change is in the trace; who depends on it is told.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from twin.clock import Clock
from twin.site import Climate
from twin.trace import Trace

SUNRISE_H, SUNSET_H = 5.25, 18.5
"""Móng Cái (21.5° N) at the end of May, Hanoi time; civil almanac values rounded to a quarter."""

WARMEST_H = 14.0
"""Civil hour of the highest temperature (estimate)."""

SWING_K = 3.5
"""The day's highest temperature is so much above its mean, the lowest below (estimate)."""

SHOWERS_MAX = 3
"""A rainy day has one to so many showers (estimate)."""

SHOWER_H = (0.3, 3.0)
"""Shortest and longest shower (estimate, drawn uniformly)."""

RAIN_MM_H_MAX = 100.0
"""A cloudburst; what a drawn amount would need beyond it falls elsewhere (estimate)."""


@dataclass(frozen=True, slots=True)
class Shower:
    """Rain of one intensity; seconds of the run's clock, negative before it."""

    begin_s: float
    end_s: float
    rain_mm_h: float


def draw_showers(
    climate: Climate, date: dt.date, opens_h: float, rng: random.Random
) -> list[Shower]:
    """The showers of `date`, midnight to midnight, in order of their begin.

    It rains with the probability of the month's rainy days. A rainy day's amount is exponential
    about the month's mean for one, as daily rain is in the tropics, and is shared by its showers.
    """
    month = date.month - 1
    days = climate.rainy_days[month]
    if rng.random() >= days / 30.4:
        return []
    amount_mm = rng.expovariate(days / climate.rain_mm[month])
    count = rng.randint(1, SHOWERS_MAX)
    showers = []
    for _ in range(count):
        lasts_h = rng.uniform(*SHOWER_H)
        begin_h = rng.uniform(0.0, 24.0 - lasts_h)
        rain_mm_h = round(min(RAIN_MM_H_MAX, amount_mm / count / lasts_h), 1)
        begin_s, end_s = ((hour - opens_h) * 3600 for hour in (begin_h, begin_h + lasts_h))
        showers.append(Shower(begin_s, end_s, rain_mm_h))
    return sorted(showers, key=lambda shower: shower.begin_s)


class Weather:
    """The sky over the site; `opens_h` is the civil hour at which the run's clock is 0."""

    def __init__(
        self,
        clock: Clock,
        opens_h: float,
        rain_mm_h: float = 0.0,
        mean_c: float = 20.0,
        trace: Trace | None = None,
    ) -> None:
        self.clock, self.opens_h = clock, opens_h
        self.rain_mm_h, self.mean_c = rain_mm_h, mean_c
        self._trace = trace
        self._watchers: list[Callable[[], None]] = []

    def daylight(self) -> float:
        """0 at night … 1 in full day, by the sun's height."""
        hour = self._hour()
        if not SUNRISE_H < hour < SUNSET_H:
            return 0.0
        height = math.sin(math.pi * (hour - SUNRISE_H) / (SUNSET_H - SUNRISE_H))
        return min(1.0, 3 * height)

    def temperature_c(self) -> float:
        """Air temperature: a daily wave about the month's mean."""
        return self.mean_c + SWING_K * math.cos(2 * math.pi * (self._hour() - WARMEST_H) / 24)

    def on_change(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` whenever rain begins, changes or ends."""
        self._watchers.append(watcher)

    def set_rain(self, rain_mm_h: float) -> None:
        """It rains so much from now on; 0 is dry."""
        if rain_mm_h == self.rain_mm_h:
            return
        self.rain_mm_h = rain_mm_h
        if self._trace is not None:
            self._trace("world", "weather", rain_mm_h=rain_mm_h)
        for watcher in self._watchers:
            watcher()

    def plan(self, showers: Iterable[Shower]) -> None:
        """Let it rain as `showers` say; what overlaps adds up, what is over is left out."""
        now_s, known = self.clock.now_s(), list(showers)

        def rain() -> None:
            at_s = self.clock.now_s() + 1e-6
            falling = (s.rain_mm_h for s in known if s.begin_s <= at_s < s.end_s)
            self.set_rain(round(min(RAIN_MM_H_MAX, sum(falling)), 1))

        rain()
        for at_s in sorted({t for s in known for t in (s.begin_s, s.end_s) if t > now_s}):
            self.clock.call_later(at_s - now_s, rain)

    def _hour(self) -> float:
        return (self.opens_h + self.clock.now_s() / 3600) % 24
