"""The whole model: determinism, common random numbers, lanes, failures, opening hours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import simpy

from tests.capacity import bare
from tests.capacity.busy import TIMES, busy, p95, run
from twin.capacity import demand
from twin.capacity.demand import Key
from twin.capacity.executor import replicate
from twin.capacity.journal import Journal
from twin.capacity.lane import Lane, LaneRules, Pauses
from twin.capacity.model import simulate
from twin.capacity.plan import Part, plan_for, without
from twin.capacity.statistics import paired_quantile
from twin.capacity.times import crane_moves_s


@pytest.mark.slow
def test_one_seed_one_result_whatever_the_processes() -> None:
    """The same keys give the same waits and energy in this process and in two others."""
    keys = [Key(3, 300, n) for n in range(4)]
    ours, theirs = (replicate(jobs)(busy(), TIMES, keys) for jobs in (1, 2))
    for a, b in zip(ours, theirs, strict=True):
        assert np.array_equal(a.wait_s, b.wait_s)
        assert (a.energy_kwh, a.events, a.crane_use) == (b.energy_kwh, b.events, b.crane_use)
    assert not np.array_equal(ours[0].wait_s, ours[1].wait_s)


def test_fleets_meet_the_same_boxes() -> None:
    """What is drawn for a box depends on the key alone, and each source has its own stream."""
    small, large = (demand.boxes(busy(igvs=n), TIMES, Key(1, 300, 2)) for n in (3, 30))
    for name in demand.Boxes.__slots__:
        assert np.array_equal(getattr(small, name), getattr(large, name), equal_nan=True), name
    calm = demand.boxes(busy(breakdowns=False), TIMES, Key(1, 300, 2))
    assert np.array_equal(calm.lift_s, small.lift_s)
    dry = small.priority == 2  # plugs belong to both moves of a reefer
    assert abs(np.corrcoef(small.lift_s[dry], small.land_s[dry])[0, 1]) < 0.2


@pytest.mark.slow
def test_a_box_more_or_less_waits_no_longer_with_more_vehicles() -> None:
    """As FIFO servers, every single box waits no longer with one vehicle more (common numbers)."""
    waits = [
        simulate(bare.plan(0.03, igvs=n, handling_s=(0.0, 100.0), days=0.5, warmup_days=0.0),
                 bare.times(), Key(5, 2592, 0)).wait_s
        for n in (4, 5, 6)
    ]  # fmt: skip
    assert (waits[0] >= waits[1] - 1e-6).all()
    assert (waits[1] >= waits[2] - 1e-6).all()
    assert waits[0].mean() > waits[2].mean() + 1


@pytest.mark.slow
def test_more_vehicles_shorten_the_wait() -> None:
    """In the full model the mean p95 falls with the fleet until the cranes alone decide."""
    means = [float(np.mean(p95(busy(igvs=n)))) for n in (6, 9, 12)]
    assert means[0] > means[1] > means[2]


@pytest.mark.slow
def test_common_numbers_narrow_a_comparison() -> None:
    """The paired interval of one vehicle more is narrower than that of independent runs."""
    ours, more = ([run(busy(igvs=n), r).wait_s for r in range(20)] for n in (9, 10))
    other = [simulate(busy(igvs=10), TIMES, Key(8, 300, r)).wait_s for r in range(20)]
    assert paired_quantile(more, ours, 0.95).half < 0.8 * paired_quantile(other, ours, 0.95).half


def test_nobody_waits_for_ever_and_every_box_crosses() -> None:
    """Boxes of the counted day are all lifted; energy is that of the ways and of standing."""
    found = run(busy())
    assert found.unserved == 0
    assert sum(found.delivered) == len(found.wait_s)
    assert found.delivered[0] == int((found.side == 0).sum())
    assert found.wait_s.min() >= 0
    standing = TIMES.energy.base_kw * 24 * 10
    per_km = found.energy_kwh - standing
    km = TIMES.loaded.metres / 1000 * (len(found.wait_s) + found.trips_empty)
    assert 1.1 < per_km / km < 1.9


def test_the_far_box_comes_after_its_ways() -> None:
    """Alone, a box lands after lift, ways, gate and landing: the kinematic drive's sum."""
    plan = bare.plan(0.0005, lanes=1, free_lane=False, handling="constant",
                     handling_s=(60.0, 60.0), igvs=40, days=1.0, warmup_days=0.0)  # fmt: skip
    found = simulate(plan, TIMES, Key(0, 43, 0))
    alone = 120.0 + TIMES.gate_s + TIMES.loaded.driving_s(0)
    assert found.ready_to_landed_s.min() == pytest.approx(alone, abs=1e-6)


def test_crane_moves_are_those_of_the_emulated_crane() -> None:
    """Two to three minutes is what crane moves take; ours lie around it, none beyond."""
    moves = crane_moves_s()
    assert len(moves) >= 40
    assert all(45 < move < 240 for move in moves)
    assert 100 < sum(moves) / len(moves) < 180


def crossings(
    arrivals: list[tuple[float, int]], rules: LaneRules, breaks: float = float("nan"),
    pauses: list[tuple[float, float]] | None = None,
) -> list[tuple[float, int]]:  # fmt: skip
    """When each vehicle left the lane, 100 s long; the first may break down after `breaks` s."""
    env = simpy.Environment()
    link = Pauses(env, np.asarray(pauses or [], dtype=float).reshape(-1, 2))
    journal = Journal(env)
    lane, left = Lane(rules, link, journal), []

    def vehicle(at_s: float, side: int, breaks_s: float):  # type: ignore[no-untyped-def]
        yield env.timeout(at_s)
        trip = journal.gate(side, at_s, at_s)
        travel_s = 100.0 if len(arrivals[0]) == 2 else arrivals[trip][2]  # type: ignore[misc]
        yield from lane.cross(side, travel_s, breaks_s, 600.0, trip, trip)
        left.append((env.now, side))

    for number, (at_s, side, *_) in enumerate(arrivals):
        env.process(vehicle(at_s, side, float("nan") if number else breaks))
    env.run()
    return left


RULES = LaneRules(platoon=2, clearance_s=30.0, headway_s=6.0)


def test_platoons_alternate() -> None:
    """Two at most go while the other end waits; then clearance, and the other end."""
    left = crossings([(0, 0), (0, 0), (0, 0), (1, 1)], RULES)
    assert left == [(100, 0), (106, 0), (236, 1), (366, 0)]


def test_one_direction_goes_on_alone() -> None:
    """With nobody at the other end a platoon has no last vehicle."""
    assert crossings([(0, 0)] * 4, RULES) == [(100, 0), (106, 0), (112, 0), (118, 0)]


def test_a_fast_one_keeps_its_distance() -> None:
    """Who catches up leaves the lane a headway behind, also if the one ahead has just left."""
    fast = [(0, 0, 100.0), (0, 0, 96.0), (0, 0, 40.0)]
    assert crossings(fast, RULES) == [(100, 0), (106, 0), (112, 0)]  # type: ignore[arg-type]


def test_a_broken_vehicle_blocks_its_lane() -> None:
    """Who is behind it leaves after the tow; who waits enters after it, never before."""
    left = crossings([(0, 0), (0, 0), (60, 0)], RULES, breaks=50.0)
    assert left == [(650, 0), (656, 0), (750, 0)]


def test_no_network_no_motion() -> None:
    """A gap holds who is on the lane where he is, and nobody enters during it."""
    assert crossings([(0, 0), (45, 0)], RULES, pauses=[(40, 70)]) == [(130, 0), (170, 0)]


def test_by_telephone_one_at_a_time() -> None:
    """Without the link each vehicle needs a release, and the lane to itself."""
    rules = LaneRules(platoon=1, clearance_s=30.0, headway_s=6.0, release_s=60.0)
    assert crossings([(0, 0), (0, 0)], rules) == [(160, 0), (320, 0)]


@pytest.mark.slow
def test_n_minus_1_is_never_better() -> None:
    """One vehicle, crane, lane or the link less waits longer, under common numbers."""
    plan = busy(360, igvs=12)
    whole = p95(plan, 5)
    for part in (Part.IGV, Part.CRANE, Part.LINK):
        less = p95(without(plan, part), 5)
        assert sum(less) > sum(whole), part
    two = busy(360, igvs=12, lanes=2)
    assert sum(p95(without(two, Part.LANE), 5)) > sum(p95(two, 5))


def test_without_its_only_lane_nothing_crosses() -> None:
    """The report says so instead of hanging: nothing delivered, the backlog is counted."""
    found = run(without(busy(), Part.LANE))
    assert found.delivered == (0, 0)
    assert np.isinf(found.ready_to_landed_s).all()
    assert found.igv_use == 1.0  # all stand before the bridge
    assert found.unserved > 250


def test_opening_hours_hold_boxes_back() -> None:
    """With the site's hours no box is lifted at night."""
    plan = replace(plan_for(bare.SITE, 300, igvs=12, cranes=2, hours="site", days=2.0))
    assert plan.open_h == (7.0, 20.5)
    found = run(plan)
    assert found.unserved == 0
    assert found.wait_s.max() < 3 * 3600


@pytest.mark.slow
def test_stops_lengthen_waits() -> None:
    """Wind stops and network gaps make boxes wait longer; swapping shortens time off the road."""
    calm = sum(p95(busy(), 4))
    assert sum(p95(busy(wind_stops_per_day=12.0), 4)) > calm
    assert sum(p95(busy(network_gaps_per_day=200.0), 4)) > calm
    assert run(busy(battery="swap")).igv_down < run(busy()).igv_down
