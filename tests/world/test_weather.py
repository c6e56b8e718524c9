"""The day's weather: drawn from the climate, one for one seed, told to who depends on it."""

from __future__ import annotations

import datetime as dt
import math
import random

import pytest

from twin import site as sites
from twin.clock import Clock, run_virtual
from twin.gate import Gate
from twin.trace import Trace
from twin.world.weather import RAIN_MM_H_MAX, Shower, Weather, draw_showers

DAYS = 2000


@pytest.mark.slow
@pytest.mark.parametrize("month", [1, 5, 7, 12])
def test_many_days_give_the_month_its_rain(month: int) -> None:
    """Share of rainy days and amount are the climate's, within four standard errors."""
    climate = sites.load("bac-luan-2").climate
    assert climate is not None
    wet, amounts = 0, []
    for seed in range(DAYS):
        showers = draw_showers(climate, dt.date(2023, month, 1), 7.0, random.Random(seed))
        wet += bool(showers)
        amounts.append(sum((s.end_s - s.begin_s) / 3600 * s.rain_mm_h for s in showers))
        assert all(0 <= s.rain_mm_h <= RAIN_MM_H_MAX for s in showers)
        assert all(-7 * 3600 <= s.begin_s < s.end_s <= 17 * 3600 for s in showers)
    share = climate.rainy_days[month - 1] / 30.4
    assert abs(wet / DAYS - share) < 4 * math.sqrt(share * (1 - share) / DAYS)
    mean = sum(amounts) / DAYS
    spread = math.sqrt(sum((amount - mean) ** 2 for amount in amounts) / DAYS)
    assert abs(mean - climate.rain_mm[month - 1] / 30.4) < 4 * spread / math.sqrt(DAYS) + 0.2


def test_rain_is_told_and_traced() -> None:
    """Overlapping showers add up; each change is one record, and watchers see it."""

    async def main(clock: Clock) -> None:
        trace = Trace(clock)
        weather = Weather(clock, 7.0, trace=trace)
        seen: list[tuple[float, float]] = []
        weather.on_change(lambda: seen.append((clock.now_s(), weather.rain_mm_h)))
        weather.plan([Shower(-50, 10, 2.0), Shower(5, 20, 3.0), Shower(-90, -60, 9.0)])
        await clock.sleep(60)
        assert seen == [(0, 2.0), (5, 5.0), (10, 3.0), (20, 0.0)]
        told = [r.payload["rain_mm_h"] for r in trace.records() if r.kind == "weather"]
        assert told == [2.0, 5.0, 3.0, 0.0]

    run_virtual(main)


def test_the_air_is_warmest_after_noon() -> None:
    """Mean and swing are the climate's: 26.6 °C in May, 3.5 K more at 14 h, less at 2 h."""

    async def main(clock: Clock) -> None:
        for hour, expected in ((14.0, 30.1), (2.0, 23.1), (8.0, 26.6)):
            assert Weather(clock, hour, mean_c=26.6).temperature_c() == pytest.approx(expected)

    run_virtual(main)


def test_one_seed_has_one_weather() -> None:
    """The same day of the same seed is as wet; some other seed's is not."""

    async def main(clock: Clock) -> list[float]:
        site = sites.load("bac-luan-2")
        wet = []
        for seed in (1, 1, 2, 4):
            gate = Gate(site, clock, Trace(clock), seed=seed, lanes=["in-1"])
            gate.draw_weather(dt.date(2023, 5, 30))
            drawn: list[float] = []
            gate.world.weather.on_change(
                lambda drawn=drawn, gate=gate: drawn.append(gate.world.weather.rain_mm_h)  # type: ignore[misc]
            )
            wet.append(drawn)
        await clock.sleep(24 * 3600)
        assert wet[0] == wet[1] != wet[2]
        assert gate.world.weather.mean_c == 26.6
        return wet[0]

    assert run_virtual(main)
