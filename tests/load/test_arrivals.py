"""Arrival schedules: the asked mean rate, in order, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.arrivals import CONVOY_GAP_S, SHAPES, schedule
from loadtests.errors import LoadError


@given(
    st.sampled_from(sorted(SHAPES)), st.floats(0.5, 200), st.floats(1, 60), st.integers(0, 2**32)
)
def test_a_schedule_is_sorted_bounded_and_repeatable(
    shape: str, rate: float, duration_s: float, seed: int
) -> None:
    """Instants rise within the run, and the seed decides them all."""
    first = schedule(shape, rate_per_s=rate, duration_s=duration_s, seed=seed)
    again = schedule(shape, rate_per_s=rate, duration_s=duration_s, seed=seed)
    assert np.array_equal(first, again)
    assert np.all(np.diff(first) >= 0)
    assert np.all((first >= 0) & (first <= duration_s))


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_every_shape_keeps_the_mean_rate(shape: str) -> None:
    """Shapes differ in when arrivals fall, not in how many: within 4 standard deviations."""
    count = len(schedule(shape, rate_per_s=100, duration_s=600, seed=7))
    # Convoys come ten at a time, so their count varies √10 times as much.
    assert count == pytest.approx(60_000, abs=4 * (10 * 60_000) ** 0.5)


def test_a_day_peaks_in_its_third_hour() -> None:
    """14 % of a day's arrivals fall into the peak hour of twelve."""
    day = schedule("day", rate_per_s=200, duration_s=120, seed=3)
    shares = np.histogram(day, bins=12, range=(0, 120))[0] / len(day)
    assert int(np.argmax(shares)) == 2
    assert shares[2] == pytest.approx(0.14, abs=0.01)


def test_a_reopening_lets_everyone_in_at_once() -> None:
    """Nothing while the bridge is shut, then a spike several times the usual rate."""
    got = schedule("reopening", rate_per_s=100, duration_s=100, seed=3)
    assert got[0] >= 25
    spike = np.count_nonzero((got >= 25) & (got < 30)) / 5
    assert spike == pytest.approx(600, rel=0.1)


def test_a_convoy_stays_together() -> None:
    """The ten of a convoy follow each other at its gap."""
    got = schedule("convoy", rate_per_s=1, duration_s=1000, seed=5)
    gaps = np.diff(got)
    assert np.count_nonzero(np.isclose(gaps, CONVOY_GAP_S)) > 0.85 * len(gaps)


def test_other_seeds_give_other_instants() -> None:
    """A seed is not decoration."""
    one, two = (schedule("poisson", rate_per_s=10, duration_s=10, seed=s) for s in (1, 2))
    assert not np.array_equal(one[:5], two[:5])


@pytest.mark.parametrize(
    ("shape", "rate", "duration_s", "message"),
    [
        ("sine", 1.0, 1.0, "unknown arrival shape 'sine'; known: constant, poisson"),
        ("poisson", 0.0, 1.0, "both must be above 0"),
        ("poisson", 1.0, -1.0, "both must be above 0"),
        ("poisson", 1e6, 1e3, "at most 5,000,000"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(
    shape: str, rate: float, duration_s: float, message: str
) -> None:
    """Impossible wishes are errors that name the limit."""
    with pytest.raises(LoadError, match=message):
        schedule(shape, rate_per_s=rate, duration_s=duration_s, seed=1)
