"""Jerk-limited motion: within its limits, at its end, and as a numerical integration has it."""

from __future__ import annotations

import bisect
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.physics.s_curve import (
    Bounds,
    Zone,
    advance,
    change,
    level_speed,
    level_way_m,
    profile,
)

BOUNDS = Bounds(0.35, 0.6, 0.5)
TINY = 1e-6

zone_lists = st.lists(
    st.builds(Zone, st.floats(0.01, 150.0), st.floats(0.3, 7.0)), min_size=1, max_size=5
)
bounds = st.builds(Bounds, st.floats(0.1, 1.0), st.floats(0.2, 2.0), st.floats(0.2, 5.0))


def integrated(v, a, phases, step_s=0.001):
    """Way, speed, acceleration over time by small trapezoids of the jerk alone."""
    way = 0.0
    yield 0.0, way, v, a
    t = 0.0
    for duration_s, jerk in phases:
        steps = max(1, math.ceil(duration_s / step_s))
        dt = duration_s / steps
        for _ in range(steps):
            a_next = a + jerk * dt
            v_next = v + (a + a_next) / 2 * dt
            way += (v + v_next) / 2 * dt
            v, a, t = v_next, a_next, t + dt
            yield t, way, v, a


def limit_at(zones, way):
    """The speed limit at a way; at a border the higher one."""
    found, begin = [], 0.0
    for zone in zones:
        if begin - 1e-5 <= way <= begin + zone.length_m + 1e-5:
            found.append(zone.speed_m_s)
        begin += zone.length_m
    return max(found, default=zones[-1].speed_m_s)


def walk(v, a, phases, until_s):
    """Way, speed and acceleration after `until_s`."""
    way = 0.0
    for duration_s, jerk in phases:
        dt = min(duration_s, until_s)
        step, v, a = advance(v, a, [(dt, jerk)])
        way, until_s = way + step, until_s - dt
        if until_s <= 0:
            break
    return way, v, a


@pytest.mark.parametrize("length_m", [100.0, 618.0, 3000.0])
def test_a_long_way_takes_the_textbook_time(length_m):
    """L/V plus half of each ramp's duration, from rest to rest over a cruise."""
    phases, held = profile(0, 0, [Zone(length_m, 5.0)], BOUNDS)
    ramps_s = sum(5.0 / rate + rate / 0.5 for rate in (0.35, 0.6))
    assert held
    assert sum(t for t, _ in phases) == pytest.approx(length_m / 5.0 + ramps_s / 2)


def test_a_short_way_is_all_jerk():
    """Too short for full acceleration, a way L takes 4 cbrt(L / 2j) with equal bounds."""
    phases, _ = profile(0, 0, [Zone(0.1, 5.0)], Bounds(2.0, 2.0, 0.5))
    assert sum(t for t, _ in phases) == pytest.approx(4 * (0.1 / 2 / 0.5) ** (1 / 3))


@pytest.mark.slow
@given(zones=zone_lists, b=bounds)
def test_a_plan_stays_within_its_limits_and_ends_at_rest_at_its_end(zones, b):
    """Speed, acceleration and jerk within limits everywhere; never back; the exact way."""
    phases, held = profile(0.0, 0.0, zones, b)
    assert held
    total = sum(zone.length_m for zone in zones)
    assert all(t >= 0 and abs(j) <= b.jerk_m_s3 + TINY for t, j in phases)
    before = 0.0
    way = v = a = 0.0
    for _, way, v, a in integrated(0.0, 0.0, phases, 0.02):
        assert -TINY <= v <= limit_at(zones, way) + 1e-4
        assert -b.braking_m_s2 - TINY <= a <= b.acceleration_m_s2 + TINY
        assert before - 1e-9 <= way <= total + 0.02
        before = way
    assert (v, a) == pytest.approx((0.0, 0.0), abs=1e-5)
    assert advance(0.0, 0.0, phases)[0] == pytest.approx(total, abs=1e-6)


@pytest.mark.slow
@given(zones=zone_lists, b=bounds)
def test_the_closed_form_is_what_an_integration_gives(zones, b):
    """Way and speed at the end of every phase, against trapezoids of 10 ms, within 1 mm."""
    phases, _ = profile(0.0, 0.0, zones[:2], b)
    ends = list(itertools.accumulate(t for t, _ in phases))
    samples = list(integrated(0.0, 0.0, phases, 0.01))
    for end_s in ends:
        _, way, v, _ = samples[bisect.bisect_left(samples, end_s - 1e-9, key=lambda s: s[0])]
        exact = walk(0.0, 0.0, phases, end_s)
        assert (way, v) == pytest.approx(exact[:2], abs=1e-3)


@pytest.mark.slow
@given(zones=zone_lists, b=bounds, share=st.floats(0.0, 1.0))
def test_a_plan_made_on_the_way_ends_at_the_same_place(zones, b, share):
    """From any state of a plan, a new one to the same end holds every limit again."""
    phases, _ = profile(0.0, 0.0, zones, b)
    way, v, a = walk(0.0, 0.0, phases, share * sum(t for t, _ in phases))
    left, begin = [], 0.0
    for zone in zones:
        begin += zone.length_m
        if begin > way + 1e-9:
            left.append(Zone(min(zone.length_m, begin - way), zone.speed_m_s))
    if not left:
        return
    # A hair of room: the state is where the first plan was at its limits.
    again, held = profile(v, a, left, b, hardest=1.001)
    assert held
    rest, v_end, _ = advance(v, a, again)
    assert way + rest == pytest.approx(begin, abs=1e-4)
    assert v_end == pytest.approx(0.0, abs=1e-4)


@pytest.mark.slow
@given(
    v=st.floats(0.0, 7.0),
    a=st.floats(-2.0, 1.0),
    zones=zone_lists,
    b=bounds,
    hardest=st.floats(1.0, 3.0),
)
def test_any_state_comes_to_rest(v, a, zones, b, hardest):
    """Even where it is too late: never back, at rest at last, and it says just whether it held."""
    a = max(a, 0.0) if v < 1e-6 else a
    phases, held = profile(v, a, zones, b, hardest=hardest)
    assert all(t >= 0 for t, _ in phases)
    way, v_end, a_end = advance(v, a, phases)
    total = sum(zone.length_m for zone in zones)
    assert (v_end, a_end) == pytest.approx((0.0, 0.0), abs=1e-4)
    assert min(s[2] for s in integrated(v, a, phases, 0.05)) > -1e-4
    samples = list(integrated(v, a, phases, 0.01))
    over = max((speed - limit_at(zones, at) for _, at, speed, _ in samples), default=0.0)
    if held:
        assert way == pytest.approx(total, abs=1e-4)
        assert over < 0.02
    else:
        assert way > total or over > -0.02


def test_a_stop_that_is_too_near_is_braked_for_harder_and_no_harder_than_needed():
    """5 m/s with 18 m left needs more than 0.6 m/s²; what it takes is used and the stop is met."""
    phases, held = profile(5.0, 0.0, [Zone(18.0, 6.0)], BOUNDS, hardest=2.5)
    lowest = min(a for *_, a in integrated(5.0, 0.0, phases))
    assert held
    assert advance(5.0, 0.0, phases)[0] == pytest.approx(18.0, abs=1e-6)
    # v²/2a and the jerk's part v·a/2j in 18 m: a is 0.82 m/s², with the jerk scaled alike
    assert -0.95 < lowest < -0.65


def test_a_stop_that_cannot_be_met_is_passed_and_said_so():
    """5 m/s with 5 m left: it brakes at the hardest and ends beyond."""
    phases, held = profile(5.0, 0.0, [Zone(5.0, 6.0)], BOUNDS, hardest=2.5)
    assert not held
    assert advance(5.0, 0.0, phases)[0] == pytest.approx(
        advance(5.0, 0.0, change(5.0, 0.0, 0.0, BOUNDS.scaled(2.5)))[0]
    )


def test_a_slower_limit_here_and_now_is_reached_and_then_held():
    """At 6 m/s in a zone of 3: down to 3, through, stop at the end; not held, but at its end."""
    phases, held = profile(6.0, 0.0, [Zone(100.0, 3.0)], BOUNDS, hardest=2.5)
    assert not held
    assert advance(6.0, 0.0, phases)[0] == pytest.approx(100.0, abs=1e-6)
    assert any(v == pytest.approx(3.0, abs=1e-6) for _, _, v, _ in integrated(6.0, 0.0, phases))


def test_a_border_too_near_for_a_level_speed_is_passed_at_the_lower_limit():
    """Accelerating 5 cm before a slower stretch: nothing is braked hard, and 2 m/s is kept."""
    zones = [Zone(0.05, 5.0), Zone(50.0, 2.0)]
    phases, held = profile(1.0, 0.3, zones, BOUNDS, hardest=2.5)
    assert held
    speeds = [v for *_, v, _ in integrated(1.0, 0.3, phases, 0.01)]
    assert max(speeds) == pytest.approx(2.0, abs=1e-6)
    assert all(abs(jerk) <= BOUNDS.jerk_m_s3 + TINY for _, jerk in phases)


def test_a_fall_that_has_begun_ends_at_its_border_and_not_before():
    """Braking already, 1 micrometre a second above the border's speed, with 4 mm to spare."""
    v, a = 3.1105434635346505, -0.33156611270845315
    zones = [Zone(2.0241, 6.9), Zone(0.2089, 6.9), Zone(18.85, 3.0), Zone(108.0, 6.9)]
    phases, held = profile(v, a, zones, Bounds(0.5, 0.6, 0.5), hardest=3.3)
    assert held
    total = sum(zone.length_m for zone in zones)
    assert advance(v, a, phases)[0] == pytest.approx(total, abs=1e-6)


def test_a_fall_to_rest_is_as_gentle_as_its_way_allows():
    """Braking already, with more way than the hardest fall takes and less than beginning anew."""
    v, a = 1.0, -0.5
    level = level_speed(v, a, BOUNDS.jerk_m_s3)
    hardest = advance(v, a, change(v, a, 0.0, BOUNDS))[0]
    anew = advance(v, a, change(v, a, level, BOUNDS))[0] + level_way_m(level, 0.0, BOUNDS)
    way = (hardest + anew) / 2
    phases, held = profile(v, a, [Zone(way, 5.0)], BOUNDS)
    assert hardest < way < anew
    assert held
    assert advance(v, a, phases)[0] == pytest.approx(way, abs=1e-6)
    assert max(rate for *_, rate in integrated(v, a, phases, 0.01)) < TINY


def test_a_stop_that_is_here_already_is_passed_as_little_as_allowed():
    """At 2 m/s with no way left: the hardest braking, and it is said."""
    phases, held = profile(2.0, 0.0, [], BOUNDS, hardest=2.5)
    assert not held
    assert phases == change(2.0, 0.0, 0.0, BOUNDS.scaled(2.5))
