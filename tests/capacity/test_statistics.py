"""Intervals: what they cover, how many replications they ask for, when a model has settled."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.capacity.coverage import Case, hits, of_mean, of_quantile, two_stage
from tests.capacity.recursion import stationary_s
from twin.capacity.plan import SizingError
from twin.capacity.statistics import (
    Interval,
    paired_quantile,
    quantile_interval,
    ratio_interval,
    replications_needed,
    settled,
    t_interval,
)

EXPERIMENTS = 200


def fewest(confidence: float) -> int:
    """So many of the experiments an honest interval covers in 999 of 1,000 campaigns."""
    return int(stats.binom.ppf(0.001, EXPERIMENTS, confidence))


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [Case(1, 0.6, 300, 30), Case(1, 0.8, 600, 30), Case(2, 0.8, 600, 30),
     Case(1, 0.6, 300, 30, "D"), Case(1, 0.8, 600, 30, "D")],
    ids=lambda case: case.name,
)  # fmt: skip
def test_intervals_cover_what_they_promise(case: Case) -> None:
    """Of 200 intervals of 90 %, as many hold Erlang's mean and p95 as the binomial allows."""
    data = case.experiments(EXPERIMENTS, 11)
    for estimate, truth in ((of_mean, case.mean_s), (of_quantile, case.quantile_s)):
        held = hits(data, truth, estimate, 0.9)
        assert held[0] >= fewest(0.9), (estimate, held)
        assert held[0] < EXPERIMENTS, (estimate, held)


@pytest.mark.slow
def test_the_confirmed_interval_covers_too() -> None:
    """A pilot that sets the number of replications leaves the coverage of the others as it is."""
    case = Case(1, 0.8, 600, 30)
    found = [two_stage(waits, 0.2, 0.9) for waits in case.experiments(EXPERIMENTS, 12, 90)]
    held = sum(one.low <= case.quantile_s <= one.high for one in found)
    assert held >= fewest(0.9), held


def test_the_mean_of_quantiles_is_not_the_quantile() -> None:
    """Why quantiles are pooled: the mean of those per replication is too low by several percent."""
    case = Case(1, 0.8, 600, 30)
    waits = case.experiments(1, 13, 400)[0]
    each = t_interval([float(np.quantile(one, 0.95)) for one in waits], 0.999)
    assert each.high < case.quantile_s
    assert quantile_interval(list(waits), 0.95, 0.999).high > case.quantile_s


def test_a_quantile_of_all_boxes_together() -> None:
    """The estimate is the order statistic; its limits are such, too; unequal clusters count."""
    samples = [np.arange(n / 10, 200, 1.0) for n in range(10)] + [np.arange(50.0, 90.0)] * 2
    found = quantile_interval(samples, 0.5, 0.9)
    pooled = np.sort(np.concatenate(samples))
    assert found.mean == pooled[len(pooled) // 2 - 1]
    assert {found.low, found.high} <= set(pooled.tolist())
    assert found.low < found.mean < found.high
    same = [np.arange(1000.0)] * 5
    assert quantile_interval(same, 0.95).half == 0
    with pytest.raises(SizingError, match="at least one box"):
        quantile_interval([np.empty(0), np.empty(0)], 0.95)


def test_too_few_boxes_give_no_upper_limit() -> None:
    """Where the share may be one, the upper limit is infinite, and keeps no promise."""
    rng = np.random.default_rng(1)
    samples = [rng.exponential(1.0, 8) * (1 + 9 * (n == 0)) for n in range(3)]
    found = quantile_interval(samples, 0.95)
    assert found.high == np.inf
    assert replications_needed(found, 20, 1.0) == 40


def test_a_ratio_of_totals() -> None:
    """Replications weigh as much as they have boxes; equal ratios leave no width."""
    assert ratio_interval([1.0, 30.0], [2.0, 30.0]).mean == pytest.approx(31 / 32)
    assert ratio_interval([2.0, 3.0, 5.0], [4.0, 6.0, 10.0]).half == pytest.approx(0)
    values = [3.0, 4.0, 8.0]
    assert ratio_interval(values, [1.0] * 3).half == pytest.approx(t_interval(values).half)
    with pytest.raises(SizingError, match="the total is 0"):
        ratio_interval([1.0, 2.0], [0.0, 0.0])


def test_pairs_cancel_what_they_share() -> None:
    """The difference of two queues with the same customers is known better than either."""
    ours = list(stationary_s(2, 0.8, 600, 30, warmup=300, seed=7))
    more = [one + 0.3 for one in ours]
    found = paired_quantile(more, ours, 0.95)
    assert found.mean == pytest.approx(0.3)
    assert found.half < 0.01 * quantile_interval(ours, 0.95).half + 1e-9
    other = list(stationary_s(2, 0.8, 600, 30, warmup=300, seed=8))
    assert paired_quantile(other, ours, 0.95).half > 100 * found.half
    with pytest.raises(SizingError, match="as many of both"):
        paired_quantile(ours, ours[1:], 0.95)


def test_replications_grow_with_the_square_of_the_precision() -> None:
    """Half the width needs four times the replications, and a tenth more."""
    assert replications_needed(Interval(100.0, 80.0, 120.0), 30, 10.0) == 132
    assert replications_needed(Interval(0.0, 0.0, 0.0), 30, 10.0) == 0


@pytest.mark.slow
def test_the_warm_up_is_found_to_be_too_short() -> None:
    """Queues that begin empty are refused without a warm-up and pass with one; overloads never."""
    days = 1000  # customers of a day: a part of the relaxation time of M/M/1 at 0.95

    def passes(load: float, warmup: int, seed: int) -> bool:
        waits = stationary_s(1, load, 3 * days, 200, warmup=warmup, seed=seed)
        return settled(waits[:, :days].mean(axis=1), waits[:, -days:].mean(axis=1))  # type: ignore[arg-type]

    assert not any(passes(0.95, 0, seed) for seed in range(3))
    assert all(passes(0.8, days, seed) for seed in range(8))
    assert not any(passes(1.1, days, seed) for seed in range(3))
