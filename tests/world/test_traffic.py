"""The trucks of a day: the counts are the real ones, the rest is drawn and valid."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter

import pytest

from twin import site as sites
from twin.documents import containers, plates
from twin.errors import UnknownName
from twin.world import traffic

SITE = sites.load("bac-luan-2")
DAY = SITE.day(dt.date(2023, 5, 30))


def test_the_counts_are_those_of_the_real_day() -> None:
    """235 in (166 laden), 338 out (141 laden), whatever the seed."""
    for seed in (0, 1, 2):
        planned = traffic.plan(SITE, DAY, seed)
        flows = Counter((a.vehicle.direction, a.vehicle.laden) for a in planned)
        assert flows == {
            ("in", True): 166, ("in", False): 69, ("out", True): 141, ("out", False): 197,
        }  # fmt: skip


def test_one_seed_one_day() -> None:
    """The same seed gives the same trucks, another seed others."""
    assert traffic.plan(SITE, DAY, 7) == traffic.plan(SITE, DAY, 7)
    assert traffic.plan(SITE, DAY, 7) != traffic.plan(SITE, DAY, 8)


def test_arrivals_follow_the_hourly_weights() -> None:
    """Over many days, the share of each hour is its weight, within four standard errors."""
    hours: Counter[int] = Counter()
    total = 0
    for seed in range(20):
        for arrival in traffic.plan(SITE, DAY, seed):
            hours[int(SITE.hours.opens_h + arrival.t_s / 3600)] += 1
            total += 1
    weights = SITE.traffic.hourly_weights
    open_weight = sum(weights[7:19])
    for hour in range(7, 19):
        share = weights[hour] / open_weight
        error = (share * (1 - share) / total) ** 0.5
        assert hours[hour] / total == pytest.approx(share, abs=4 * error)
    assert set(hours) <= set(range(7, 19))


def test_documents_of_a_day_are_valid_and_unique() -> None:
    """Every plate and container number passes its check, and none stands twice."""
    planned = traffic.plan(SITE, DAY, 3)
    found = [a.vehicle.plate for a in planned]
    assert len(set(found)) == len(found)
    for arrival in planned:
        vehicle = arrival.vehicle
        assert plates.check_plate(vehicle.plate).country == vehicle.plate_country
        if vehicle.container:
            containers.check(vehicle.container)


def test_what_is_wrong_with_a_truck_is_really_wrong() -> None:
    """An overweight truck is over the limit, a mis-declared one beyond 5 %, others are not."""
    rng = random.Random(5)
    for why in traffic.WHY:
        for _ in range(40):
            arrival = traffic.one(SITE, "in", "T1", rng, why=why)
            vehicle, declared = arrival.vehicle, arrival.declared
            assert (declared is None) == (why == "no_declaration")
            if declared is None:
                continue
            limit_kg = {2: 18_000, 5: 40_000, 6: 48_000}[len(vehicle.axles)]
            off = abs(vehicle.gross_kg - declared.gross_kg) / declared.gross_kg
            assert (vehicle.gross_kg > limit_kg) == (why == "overweight")
            assert (off > 0.05) == (why == "weight_mismatch")
            assert (declared.plate != vehicle.plate) == (why == "plate_mismatch")


def test_an_unknown_trait_is_refused_by_name() -> None:
    """A misspelt reason is no silent `ok`."""
    with pytest.raises(UnknownName, match="did you mean 'channel_red'"):
        traffic.one(SITE, "in", "T1", random.Random(0), why="chanel_red")
