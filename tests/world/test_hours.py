"""Demand by the hours of the day, for lanes, bridge and capacity tier."""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest

from twin import site as sites
from twin.capacity.plan import plan_for
from twin.errors import HarnessError
from twin.site_bridge import Cargo
from twin.world import boxes
from twin.world.boxes import Profile
from twin.world.hours import HOUR_S, Hourly

SITE = sites.load("bac-luan-2")


def cargo() -> Cargo:
    """Phase 2's."""
    found = SITE.in_phase(2).bridge.cargo
    assert found is not None
    return found


def test_a_part_of_an_hour_has_its_part_of_the_day() -> None:
    """Expected arrivals are the day's times weight over sum, and cut with the last hour."""
    rate = Hourly((1, 3, *(0,) * 22), 1.5 * HOUR_S)
    assert rate.expected(100) == pytest.approx([25.0, 37.5])
    assert sum(Hourly(range(24), 24 * HOUR_S).expected(1_200)) == pytest.approx(1_200)
    assert Hourly(range(24), HOUR_S, begins_h=23.5).expected(276) == pytest.approx([11.5, 0.0])


def test_nothing_comes_in_an_hour_of_weight_0() -> None:
    """All instants are drawn in the hours that have a weight, spread over the whole of them."""
    rate, rng = Hourly((0, 1, 0, 1, *(0,) * 20), 24 * HOUR_S), random.Random(1)
    drawn = [rate.draw(rng) / HOUR_S for _ in range(2_000)]
    assert {int(one) for one in drawn} == {1, 3}
    assert min(drawn) < 1.01
    assert max(drawn) > 3.99


def test_peaks_are_those_of_the_capacity_tier() -> None:
    """Boxes of many days fall into the hours as the weights that `gatetwin size` draws from."""
    weights = plan_for(SITE, 1_200).profile
    days = [boxes.plan(cargo(), seed, 1_200, 24, Profile.PEAKS) for seed in range(20)]
    assert {len(day) for day in days} == {1_200}
    by_hour = Counter(int(one.t_s // HOUR_S) for day in days for one in day)
    for hour, weight in enumerate(weights):
        mean = 20 * 1_200 * weight / sum(weights)
        assert abs(by_hour[hour] - mean) < 5 * mean**0.5, hour


def test_a_short_run_with_peaks_has_the_boxes_of_its_hours() -> None:
    """Two hours from midnight bring the share of those two, not a twelfth of the day."""
    weights = plan_for(SITE, 1_200).profile
    share = sum(weights[:2]) / sum(weights)
    assert len(boxes.plan(cargo(), 5, 1_200, 2, Profile.PEAKS)) == round(1_200 * share)
    assert len(boxes.plan(cargo(), 5, 1_200, 2)) == 100


def test_peaks_that_nobody_has_told_are_refused() -> None:
    """A site without weights has no peaks, and says which table is missing."""
    bare = msgspec.structs.replace(cargo(), crossing=None)
    with pytest.raises(HarnessError, match=r"bridge\.cargo\.crossing"):
        boxes.plan(bare, 0, 100, 24, Profile.PEAKS)
