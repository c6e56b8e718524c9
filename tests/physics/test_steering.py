"""Double-Ackermann geometry against the condition it must fulfil: no wheel slips."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.physics import VehicleParameters, steering

IGV = VehicleParameters()
curvatures = st.floats(-0.1, 0.1)


def test_the_wheels_run_on_the_proposed_circles():
    """At full lock the outer wheels run on 12 m and the inner ones on 9.5 m, within 5 cm."""
    inner, outer = steering.wheel_radii(IGV, IGV.turning_radius_m)
    assert outer == pytest.approx(12.0)
    assert inner == pytest.approx(9.5, abs=0.05)


def test_the_corners_sweep_more_than_the_wheels():
    """The outer corner of a 15 m body sweeps beyond 13 m, the inner side within 9.5 m."""
    inner, outer = steering.swept_radii(IGV, IGV.turning_radius_m)
    assert inner == pytest.approx(IGV.turning_radius_m - 1.5)
    assert outer == pytest.approx(math.hypot(IGV.turning_radius_m + 1.5, 7.5))


@given(curvature=curvatures, crab=st.floats(-0.6, 0.6))
def test_every_wheel_rolls_where_the_body_carries_it(curvature, crab):
    """Each wheel's angle is that of its velocity: the middle's plus yaw rate times lever."""
    x, y = IGV.wheelbase_m / 2, IGV.track_m / 2
    places = [(x, y), (x, -y), (-x, y), (-x, -y)]
    for (px, py), angle in zip(places, steering.wheel_angles(IGV, curvature, crab), strict=True):
        vx, vy = math.cos(crab) - curvature * py, math.sin(crab) + curvature * px
        assert vx * math.sin(angle) - vy * math.cos(angle) == pytest.approx(0, abs=1e-12)


@given(curvature=curvatures)
def test_the_axles_mirror_each_other(curvature):
    """Without crab, front and rear are opposite, tan = curvature x half base, and invert."""
    front, rear = steering.axle_angles(IGV, curvature)
    assert front == pytest.approx(-rear)
    assert math.tan(front) == pytest.approx(curvature * IGV.wheelbase_m / 2)
    assert steering.curvature_of(IGV, front, rear) == pytest.approx(curvature)


@given(crab=st.floats(-1.0, 1.0))
def test_in_crab_all_wheels_look_the_same_way(crab):
    """Straight and sideways, every wheel has the crab angle."""
    assert steering.wheel_angles(IGV, 0.0, crab) == pytest.approx((crab,) * 4)


def test_the_inner_wheel_turns_more():
    """Turning left, the left front wheel has the larger angle."""
    left, right, *_ = steering.wheel_angles(IGV, 1 / 12)
    assert left > right > 0
    assert steering.steer_limit_rad(IGV) == pytest.approx(math.atan(4.05 / IGV.turning_radius_m))
