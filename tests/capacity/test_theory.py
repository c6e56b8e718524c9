"""The model against queueing theory, through the code that every sizing uses."""

from __future__ import annotations

import numpy as np
import pytest

from tests.capacity import bare
from twin.capacity import demand, theory
from twin.capacity.demand import Key
from twin.capacity.model import Run, simulate
from twin.capacity.plan import Plan, SizingError
from twin.capacity.statistics import Interval, t_interval
from twin.capacity.times import Times

FREE = bare.times()


def runs(plan: Plan, times: Times = FREE, n: int = 20, seed: int = 2) -> list[Run]:
    return [simulate(plan, times, Key(seed, round(plan.boxes_per_day), r)) for r in range(n)]


def mean_wait(found: list[Run], confidence: float = 0.999) -> Interval:
    return t_interval([float(run.wait_s.mean()) for run in found], confidence)


def inside(interval: Interval, value: float, within: float) -> bool:
    """Theory lies in the interval, and the interval is narrow enough to say something."""
    return interval.low <= value <= interval.high and interval.half <= within * value


def test_erlang_c_is_that_of_the_tables() -> None:
    """Erlang C of published tables: 10 erlang on 12 servers wait with 0.4494; one server: rho."""
    assert theory.erlang_c(12, 10.0) == pytest.approx(0.4494, abs=5e-5)
    assert theory.erlang_c(1, 0.7) == pytest.approx(0.7)
    assert theory.mmc_wait_s(1, 0.8, 1.0) == pytest.approx(theory.mg1_wait_s(0.8, 1.0, 1.0))
    with pytest.raises(SizingError, match="must be below"):
        theory.erlang_c(3, 3.0)


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("cranes", [1, 3])
def test_cranes_are_an_mmc_queue(cranes: int) -> None:
    """With vehicles to spare and exponential lifts, mean and p95 of the wait are those of M/M/c."""
    rate, service = 0.8 * cranes / 100.0, 100.0
    found = runs(bare.plan(rate, cranes=(cranes, 200), igvs=60, handling_s=(service, 0.0)))
    assert inside(mean_wait(found), theory.mmc_wait_s(cranes, rate, service), 0.15)
    p95 = t_interval([float(np.quantile(run.wait_s, 0.95)) for run in found], 0.999)
    assert inside(p95, theory.mmc_wait_quantile_s(cranes, rate, service, 0.95), 0.2)


@pytest.mark.no_cover
@pytest.mark.slow
def test_vehicles_are_an_mmc_queue() -> None:
    """With cranes to spare the fleet is the servers: IGVs wait as M/M/c says."""
    rate, service = 0.8 * 4 / 100.0, 100.0
    found = runs(bare.plan(rate, igvs=4, handling_s=(0.0, service)))
    assert inside(mean_wait(found), theory.mmc_wait_s(4, rate, service), 0.15)


def test_one_vehicle_is_lindleys_recursion() -> None:
    """One IGV over the whole way waits, box by box, as the plain FIFO recursion says."""
    times = bare.times(there_s=60.0, back_s=40.0)
    plan = bare.plan(0.7 / 180, igvs=1, handling_s=(50.0, 30.0), days=2.0, warmup_days=0.0)
    key = Key(4, 336, 0)
    boxes, free_s, waits = demand.boxes(plan, times, key), 0.0, []
    for ready_s, lift_s, land_s in zip(boxes.ready_s, boxes.lift_s, boxes.land_s, strict=True):
        start_s = max(float(ready_s), free_s)
        waits.append(start_s - float(ready_s))
        free_s = start_s + float(lift_s) + 60.0 + float(land_s) + 40.0
    counted = int((boxes.ready_s < plan.end_s).sum())
    assert simulate(plan, times, key).wait_s == pytest.approx(waits[:counted], abs=1e-6)


@pytest.mark.no_cover
@pytest.mark.slow
def test_one_vehicle_is_an_mg1_queue() -> None:
    """One IGV that lifts, crosses and returns waits as Pollaczek and Khinchine say."""
    times = bare.times(there_s=60.0, back_s=40.0)
    service, variance = 60.0 + 40.0 + 50.0 + 30.0, 50.0**2 + 30.0**2
    rate = 0.7 / service
    found = runs(bare.plan(rate, igvs=1, handling_s=(50.0, 30.0), days=10.0), times)
    assert inside(mean_wait(found), theory.mg1_wait_s(rate, service, variance), 0.2)


@pytest.mark.no_cover
@pytest.mark.slow
def test_a_full_fleet_is_a_closed_network() -> None:
    """With boxes always waiting, throughput is that of mean value analysis, fleet by fleet."""
    times = bare.times(there_s=200.0, back_s=150.0)
    rates = []
    for igvs in (1, 3, 6, 12):
        plan = bare.plan(0.05, igvs=igvs, cranes=(1, 1), handling_s=(100.0, 80.0), days=1.0,
                         warmup_days=0.25)  # fmt: skip
        found = runs(plan, times)
        measured = t_interval([run.crane_use[0] / 100.0 for run in found], 0.999)
        expected = theory.mva_per_s(igvs, (100.0, 80.0), 350.0)
        assert inside(measured, expected, 0.1), (igvs, measured, expected)
        rates.append(measured.mean)
    assert rates == sorted(rates)


@pytest.mark.no_cover
@pytest.mark.slow
def test_little_and_offered_load() -> None:
    """Time average of waiting boxes = rate x mean wait; a crane's use = offered load."""
    rate, service = 0.02, 100.0
    found = runs(bare.plan(rate, cranes=(3, 200), handling_s=(service, 0.0)))
    waiting = t_interval([run.mean_waiting for run in found], 0.999)
    product = [len(run.wait_s) / (2.5 * 86_400) * float(run.wait_s.mean()) for run in found]
    assert waiting.mean == pytest.approx(sum(product) / len(product), rel=0.01)
    use = t_interval([run.crane_use[0] for run in found], 0.999)
    assert inside(use, rate * service / 3, 0.05)


@pytest.mark.no_cover
@pytest.mark.slow
def test_intervals_cover_what_they_promise() -> None:
    """Of 24 intervals of 90 % each, 21.6 (sd 1.5) hold Erlang's mean."""
    rate, service, hits = 0.6 * 2 / 100.0, 100.0, 0  # at 0.8 the warm-up would not be over
    truth = theory.mmc_wait_s(2, rate, service)
    for seed in range(24):
        plan = bare.plan(rate, cranes=(2, 200), handling_s=(service, 0.0), days=0.2, igvs=30,
                         warmup_days=0.08)  # fmt: skip
        found = mean_wait(runs(plan, n=20, seed=1000 + seed), 0.90)
        hits += found.low <= truth <= found.high
    assert hits >= 18, hits
