"""What an arm is, what it asks of its motor, and where it meets a vehicle."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.physics import ArmParameters, ArmState, Obstacle
from twin.physics.parameters import PhysicsError
from twin.physics.profile import reference

lengths = st.floats(1.0, 8.0)
angles = st.floats(0.0, math.pi / 2)


@pytest.mark.parametrize(
    ("length_m", "mass_kg", "inertia", "gravity_nm"),
    [(3, 4.5, 13.5, 66.2), (4, 6.0, 32.0, 117.7), (6, 9.0, 108.0, 264.8)],
)
def test_a_boom_weighs_what_aluminium_weighs(length_m, mass_kg, inertia, gravity_nm):
    """Mass, inertia and gravity torque of 3, 4 and 6 m booms at 1.5 kg/m."""
    p = ArmParameters(length_m=length_m)
    assert p.mass_kg == mass_kg
    assert p.inertia_kg_m2 == pytest.approx(inertia)
    assert p.gravity_nm == pytest.approx(gravity_nm, abs=0.1)


@pytest.mark.parametrize(("travel_s", "torque_nm"), [(1.5, 140), (3.0, 35), (6.0, 9)])
def test_a_sine_squared_travel_needs_the_known_torque(travel_s, torque_nm):
    """Peak inertial torque 2 pi (pi/2) I / T^2 of a 4 m boom."""
    p = ArmParameters(open_s=travel_s, close_s=travel_s)
    assert p.inertia_kg_m2 * p.peak_acceleration_rad_s2 == pytest.approx(torque_nm, rel=0.03)
    assert p.motor_limit_nm > torque_nm


@pytest.mark.parametrize(
    "wrong",
    [{"length_m": 0}, {"open_s": -1}, {"ramp_share": 0.6}, {"travel_rad": 2.0}, {"overload_nm": 0}],
)
def test_an_impossible_arm_is_refused(wrong):
    """The error names the parameter and its value."""
    with pytest.raises(PhysicsError, match=next(iter(wrong))):
        ArmParameters(**wrong)


@given(length=lengths, height=st.floats(0.0, 5.0), near=st.floats(0.0, 8.0))
def test_a_contact_lies_on_the_arm_and_on_the_vehicle(length, height, near):
    """The point of contact is within the arm's length and on the vehicle's near side or corner."""
    p = ArmParameters(length_m=length)
    point = p.contact_with(Obstacle("v", height, near, near + 2.5))
    if point is None:
        return
    assert 0 < point.angle_rad < p.travel_rad
    assert point.radius_m <= length + 1e-9
    across_m = point.radius_m * math.cos(point.angle_rad)
    up_m = p.pivot_height_m + point.radius_m * math.sin(point.angle_rad)
    assert across_m == pytest.approx(max(near, 0.05), abs=1e-6)
    assert up_m <= height + 1e-6


@pytest.mark.parametrize(
    ("height_m", "near_m"), [(0.9, 1.0), (4.0, 4.0)], ids=["below the pivot", "beyond the tip"]
)
def test_what_the_arm_cannot_reach_it_does_not_touch(height_m, near_m):
    """A low or far body lets the arm pass."""
    assert ArmParameters().contact_with(Obstacle("v", height_m, near_m, near_m + 2)) is None


def test_a_short_arm_meets_a_high_vehicle_with_its_tip():
    """An arm that cannot reach the upper corner meets the side at its full length."""
    point = ArmParameters(length_m=3.0).contact_with(Obstacle("v", 4.5, 2.0, 4.5))
    assert point is not None
    assert point.radius_m == 3.0
    assert point.angle_rad == pytest.approx(math.acos(2 / 3))


@given(
    start=angles,
    goal=angles,
    speed=st.floats(-1.5, 1.5),
    factor=st.floats(0.1, 1.0),
    profile=st.sampled_from(["sin2", "trapezoid"]),
    share=st.floats(0.0, 1.0),
)
def test_a_reference_is_smooth_and_ends_at_rest_at_its_goal(
    start, goal, speed, factor, profile, share
):
    """It begins with the state it is given, never jumps, and ends at the goal with speed 0."""
    ref = reference(ArmParameters(profile=profile), ArmState(start, speed), goal, speed=factor)
    assert ref.at(0.0)[:2] == pytest.approx((start, speed), abs=1e-9)
    assert ref.at(ref.duration_s)[:2] == pytest.approx((goal, 0.0), abs=1e-9)
    at_s, step_s = share * ref.duration_s, 0.001
    angle, rate, _ = ref.at(at_s)
    after, rate_after, _ = ref.at(at_s + step_s)
    assert after - angle == pytest.approx((rate + rate_after) / 2 * step_s, abs=1e-5)


@given(start=angles, goal=angles, level=angles)
def test_a_crossing_is_where_the_angle_passes(start, goal, level):
    """Just before the crossing the arm is on one side, just after on the other."""
    ref = reference(ArmParameters(), ArmState(start), goal)
    for at_s in ref.crossing_s(level):
        assert ref.at(at_s)[0] == pytest.approx(level, abs=1e-6)
    if min(start, goal) + 1e-6 < level < max(start, goal) - 1e-6:
        assert len(ref.crossing_s(level)) == 1


@pytest.mark.parametrize(("goal", "speed"), [(2.0, 1.0), (-0.1, 1.0), (0.5, 0.0)])
def test_an_impossible_move_is_refused(goal, speed):
    """Goals beyond the ends and standing still are not moves."""
    with pytest.raises(PhysicsError):
        reference(ArmParameters(), ArmState(0.3), goal, speed=speed)


def test_a_partial_way_takes_a_shorter_time():
    """Half the way at the same peak acceleration takes 1/sqrt(2) of the time."""
    p = ArmParameters()
    assert reference(p, ArmState(0.0), math.pi / 4).duration_s == pytest.approx(3 / math.sqrt(2))


def test_a_given_motor_and_brake_are_taken_as_they_are():
    """Sizing happens only where nothing is given."""
    p = ArmParameters(motor_torque_nm=77.0, brake_torque_nm=55.0)
    assert (p.motor_limit_nm, p.brake_limit_nm) == (77.0, 55.0)


def test_a_vehicle_beside_the_hinge_is_met_only_by_an_arm_that_is_not_open():
    """Whatever is as high as the sky, an arm that stands upright does not touch it."""
    p = ArmParameters(travel_rad=math.radians(80))
    assert p.contact_with(Obstacle("v", 4.0, 0.1, 2.5)) is None
