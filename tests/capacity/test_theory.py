"""The model against queueing theory, through the code that every sizing uses.

In two steps: the model's waits are those of the recursion of Kiefer and Wolfowitz, box by box, and
the recursion's are those of the closed forms, over enough customers to say so.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.capacity import bare
from tests.capacity.recursion import constant, exponential, stationary_s, waits_s
from twin.capacity import demand, theory
from twin.capacity.demand import Boxes, Key
from twin.capacity.model import Run, simulate
from twin.capacity.plan import Plan, SizingError
from twin.capacity.statistics import Interval, quantile_interval, t_interval
from twin.capacity.times import Times

FREE = bare.times()


def counted(plan: Plan, times: Times = FREE, seed: int = 4) -> tuple[Run, Boxes, int]:
    """A run from its first box on, its boxes, and how many of them count."""
    key = Key(seed, round(plan.boxes_per_day), 0)
    boxes = demand.boxes(plan, times, key)
    return simulate(plan, times, key), boxes, int((boxes.ready_s < plan.end_s).sum())


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


def test_erlang_of_1909_has_the_mean_of_pollaczek_and_khinchine() -> None:
    """Summed over its distribution, the wait of M/D/1 is the closed form's; 1 - rho do not wait."""
    for load in (0.6, 0.8):
        steps = np.arange(0.0, 12.0, 0.01)
        beyond = [1 - theory.md1_wait_share(load, 1.0, float(at)) for at in steps]
        assert np.trapezoid(beyond, steps) == pytest.approx(
            theory.mg1_wait_s(load, 1.0, 0.0), rel=0.01
        )
        assert theory.md1_wait_share(load, 1.0, 0.0) == pytest.approx(1 - load)
    assert theory.md1_wait_quantile_s(0.8, 1.0, 0.1) == 0.0


# --- box by box ---------------------------------------------------------------------------------


@pytest.mark.parametrize("handling", ["exponential", "constant"])
@pytest.mark.parametrize("cranes", [1, 3])
def test_cranes_are_the_recursion(cranes: int, handling: str) -> None:
    """With vehicles to spare, boxes wait for cranes as FIFO customers for servers, one by one."""
    plan = bare.plan(0.8 * cranes / 100.0, cranes=(cranes, 200), igvs=60, days=0.3,
                     handling=handling, warmup_days=0.0, handling_s=(100.0, 0.0))  # fmt: skip
    run, boxes, n = counted(plan)
    expected = waits_s(boxes.ready_s, boxes.lift_s, cranes)[:n]
    assert expected.max() > 200
    assert run.wait_s == pytest.approx(expected, abs=1e-6)


def test_vehicles_are_the_recursion() -> None:
    """With cranes to spare the fleet is the servers."""
    plan = bare.plan(0.8 * 4 / 100.0, igvs=4, handling_s=(0.0, 100.0), days=0.3, warmup_days=0.0)
    run, boxes, n = counted(plan)
    expected = waits_s(boxes.ready_s, boxes.land_s, 4)[:n]
    assert expected.max() > 100
    assert run.wait_s == pytest.approx(expected, abs=1e-6)


def test_one_vehicle_is_the_recursion_with_its_ways() -> None:
    """One IGV that lifts, crosses, lands and returns is one server with that sum as service."""
    times = bare.times(there_s=60.0, back_s=40.0)
    plan = bare.plan(0.7 / 180, igvs=1, handling_s=(50.0, 30.0), days=2.0, warmup_days=0.0)
    run, boxes, n = counted(plan, times)
    expected = waits_s(boxes.ready_s, boxes.lift_s + boxes.land_s + 100.0, 1)[:n]
    assert run.wait_s == pytest.approx(expected, abs=1e-6)


# --- the recursion and the closed forms ---------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("servers", "load"), [(1, 0.6), (1, 0.8), (3, 0.8), (10, 0.8)])
def test_the_recursion_is_erlang_c(servers: int, load: float) -> None:
    """Mean and p95 of three million waits are those of M/M/c; the intervals are narrow."""
    waits = list(stationary_s(servers, load, 3000, 1000, warmup=600, seed=3))
    mean = t_interval([float(one.mean()) for one in waits], 0.999)
    assert inside(mean, theory.mmc_wait_s(servers, load * servers, 1.0), 0.08)
    p95 = quantile_interval(waits, 0.95, 0.999)
    assert inside(p95, theory.mmc_wait_quantile_s(servers, load * servers, 1.0, 0.95), 0.08)


@pytest.mark.parametrize("load", [0.6, 0.8])
def test_the_recursion_is_erlang_of_1909(load: float) -> None:
    """With constant service mean and p95 are those of M/D/1."""
    waits = list(stationary_s(1, load, 1500, 200, warmup=400, seed=5, service=constant))
    mean = t_interval([float(one.mean()) for one in waits], 0.999)
    assert inside(mean, theory.mg1_wait_s(load, 1.0, 0.0), 0.08)
    p95 = quantile_interval(waits, 0.95, 0.999)
    assert inside(p95, theory.md1_wait_quantile_s(load, 1.0, 0.95), 0.08)


def test_the_recursion_is_pollaczek_and_khinchine() -> None:
    """A service of 100 s and two exponential parts waits as M/G/1: the one vehicle's ways."""

    def service(rng: np.random.Generator, queues: int) -> np.ndarray:
        return 100.0 / 180 + exponential(rng, queues) * 50 / 180 + exponential(rng, queues) / 6

    waits = stationary_s(1, 0.7, 1500, 200, warmup=300, seed=6, service=service)
    mean = t_interval([float(one.mean()) for one in waits], 0.999)
    variance = (50.0**2 + 30.0**2) / 180.0**2
    assert inside(mean, theory.mg1_wait_s(0.7, 1.0, variance), 0.08)


# --- throughput and load ------------------------------------------------------------------------


@pytest.mark.slow
def test_a_full_fleet_is_a_closed_network() -> None:
    """With boxes always waiting, throughput is that of mean value analysis, fleet by fleet."""
    times = bare.times(there_s=200.0, back_s=150.0)
    rates = []
    for igvs in (1, 4, 12):
        plan = bare.plan(0.015, igvs=igvs, cranes=(1, 1), handling_s=(100.0, 80.0), days=0.5,
                         warmup_days=0.0)  # fmt: skip
        found = [simulate(plan, times, Key(2, 1296, n)) for n in range(10)]
        span_s = plan.end_s + demand.DRAIN_S
        measured = t_interval([sum(run.delivered) / span_s for run in found], 0.999)
        expected = theory.mva_per_s(igvs, (100.0, 80.0), 350.0)
        assert inside(measured, expected, 0.1), (igvs, measured, expected)
        rates.append(measured.mean)
    assert rates == sorted(rates)


@pytest.mark.slow
def test_little_and_offered_load() -> None:
    """Time average of waiting boxes = rate x mean wait; a crane's use = offered load."""
    rate, service = 0.02, 100.0
    plan = bare.plan(rate, cranes=(3, 200), handling_s=(service, 0.0), days=0.7, warmup_days=0.2)
    found = [simulate(plan, FREE, Key(2, 1728, n)) for n in range(8)]
    waiting = sum(run.mean_waiting for run in found)
    product = sum(float(run.wait_s.sum()) / 43_200 for run in found)
    assert waiting == pytest.approx(product, rel=0.04)
    use = t_interval([run.crane_use[0] for run in found], 0.999)
    assert inside(use, rate * service / 3, 0.12)
