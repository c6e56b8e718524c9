"""The vehicle in closed form: limits, stops, brakes, slopes, curves, energy."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.physics import (
    WET,
    BrakeKind,
    Conditions,
    DriveState,
    Leg,
    Path,
    PhysicsError,
    Piece,
    Slope,
    SpeedLimit,
    Surface,
    VehicleParameters,
    load_drive,
)
from twin.physics.drive_kinematic import KinematicMotion

IGV = VehicleParameters()
DRIVE = load_drive("kinematic")
BRIDGE = Path([Piece(0, 0, 0, 618.0)])
GRAVITY = 9.80665


def leg(load_kg=0.0, path=BRIDGE, conditions=None, vehicle=IGV):
    """A leg over the bridge unless said otherwise."""
    return Leg(vehicle, path, load_kg, conditions or Conditions())


def test_a_loaded_crossing_takes_the_textbook_time():
    """618 m at 20 km/h, 0.35 and 0.6 m/s² and 0.5 m/s³ from rest to rest: 124.7 s by hand."""
    motion = DRIVE.plan(leg(70_000), DriveState(0), 618.0)
    by_hand = 618 / (20 / 3.6) + (20 / 3.6 / 0.35 + 0.7 + 20 / 3.6 / 0.6 + 1.2) / 2
    assert motion.duration_s == pytest.approx(by_hand)
    assert motion.end.at_m == 618.0
    assert motion.held


@pytest.mark.slow
@given(
    stop=st.floats(0.001, 618.0),
    load=st.floats(0, 70_000),
    limits=st.lists(
        st.builds(
            lambda at, length, v: SpeedLimit(at, at + length, v),
            st.floats(0, 600),
            st.floats(0.1, 200),
            st.floats(0.3, 8),
        ),
        max_size=4,
    ),
    share=st.floats(0, 1),
    more=st.floats(0, 1),
)
def test_replanning_at_any_instant_is_continuous_and_never_passes_the_stop(
    stop, load, limits, share, more
):
    """Place, speed and acceleration go on where they were, and each stop is exact."""
    ride = leg(load)
    first = DRIVE.plan(ride, DriveState(0), stop, limits)
    t_s = share * first.duration_s
    state = first.at(t_s)
    further = stop + more * (618.0 - stop)
    second = DRIVE.plan(ride, state, further, limits)
    start = second.at(0)
    assert (start.at_m, start.speed_m_s) == pytest.approx((state.at_m, state.speed_m_s), abs=1e-6)
    # Below a micrometre a second it stands, and what is left of its deceleration ends there.
    left = 2e-3 if state.speed_m_s <= 1e-6 else 1e-6
    assert start.acceleration_m_s2 == pytest.approx(state.acceleration_m_s2, abs=left)
    assert second.held
    assert second.end.at_m == pytest.approx(further, abs=1e-6)
    own = IGV.limits(load)
    before = state.at_m
    for i in range(101):
        now = second.at(i / 100 * second.duration_s)
        assert before - 1e-9 <= now.at_m <= further + 1e-9
        assert now.speed_m_s <= own.speed_m_s + 1e-6
        assert -own.braking_m_s2 * 1.001 <= now.acceleration_m_s2 <= own.acceleration_m_s2 + 1e-6
        for limit in limits:
            if limit.from_m + 1e-6 < now.at_m < limit.to_m - 1e-6:
                assert now.speed_m_s <= limit.speed_m_s + 1e-4
        before = now.at_m


@given(at=st.floats(0, 618))
def test_when_is_the_inverse_of_at(at):
    """The time at a place is when the vehicle is at that place, within a micrometre."""
    motion = DRIVE.plan(leg(), DriveState(0), 618.0, [SpeedLimit(100, 200, 2.0)])
    t_s = motion.when(at)
    assert t_s is not None
    assert motion.at(t_s).at_m == pytest.approx(at, abs=1e-6)


def test_places_behind_and_beyond_have_their_answers():
    """What lies behind is passed at once; what the motion does not reach has no time."""
    motion = DRIVE.plan(leg(), DriveState(50), 100.0)
    assert motion.when(20) == 0.0
    assert motion.when(100.001) is None
    assert motion.at(-1) == motion.at(0)
    assert motion.at(1e9) == motion.end


def test_a_stop_that_only_rounding_tells_from_the_begin_is_reached_at_once():
    """A motion without phases still knows when its end is passed."""
    motion = KinematicMotion(leg(), DriveState(100.0), [], held=False, stop_m=100.0 + 1e-9)
    assert motion.when(100.0 + 1e-9) == motion.duration_s == 0.0


def test_the_braking_distances_are_the_proposed_ones():
    """From 25 km/h: service 40.2 m plus its jerk, protective 16.1 m at 1.5 plus 0.5 s and jerk."""
    v = 25 / 3.6
    service = DRIVE.brake(leg(), DriveState(0, v), BrakeKind.SERVICE)
    assert service.end.at_m == pytest.approx(v * v / 2 / 0.6 + v / 2 * 1.2)
    stop = DRIVE.brake(leg(70_000), DriveState(0, v), BrakeKind.PROTECTIVE)
    build_up = v * 1.5 / 5 / 2 - 1.5**3 / 24 / 5**2
    assert stop.end.at_m == pytest.approx(v * v / 3 + v * 0.5 + build_up)


@pytest.mark.parametrize(
    ("load", "surface", "rate"),
    [
        (0, None, 5.0),
        (0, WET, 0.42 * GRAVITY),
        (70_000, WET, 3.5),
        (70_000, Surface("oil", 0.2), 0.2 * GRAVITY),
    ],
)
def test_emergency_brakes_have_a_force_and_the_tyres_a_grip(load, surface, rate):
    """Whichever is less stops the vehicle; v²/2a, reaction and build-up by hand."""
    conditions = Conditions(surface) if surface else Conditions()
    stop = DRIVE.brake(leg(load, conditions=conditions), DriveState(0, 5.0), BrakeKind.EMERGENCY)
    by_hand = 25 / 2 / rate + 5 * 0.2 + 5 * rate / 20 / 2 - rate**3 / 24 / 20**2
    assert stop.end.at_m == pytest.approx(by_hand)


def test_a_falling_bridge_takes_from_the_emergency_brakes():
    """On a fall of 5 % the weight pulls 0.49 m/s² forwards."""
    slope = Conditions(slopes=(Slope(0, 618, -0.05),))
    down = IGV.braking_m_s2(BrakeKind.EMERGENCY, 70_000, slope)
    assert down == pytest.approx(3.5 - GRAVITY * math.sin(math.atan(0.05)))


def test_braking_while_braking_goes_on_and_never_turns_back():
    """A protective stop in the middle of a service stop is shorter and monotone."""
    service = DRIVE.brake(leg(), DriveState(0, 6.0), BrakeKind.SERVICE)
    state = service.at(4.0)
    stop = DRIVE.brake(leg(), state, BrakeKind.PROTECTIVE)
    assert state.at_m < stop.end.at_m < service.end.at_m
    places = [stop.at(i * stop.duration_s / 200).at_m for i in range(201)]
    assert places == sorted(places)


@pytest.mark.slow
@given(v=st.floats(0, 7), a=st.floats(-2, 0.5), kind=st.sampled_from(BrakeKind))
def test_any_state_brakes_to_rest(v, a, kind):
    """From any speed and acceleration: monotone, at rest at the end, and later plans go on."""
    stop = DRIVE.brake(leg(), DriveState(0, v, a), kind)
    before = DriveState(0, v)
    for i in range(1, 101):
        now = stop.at(i / 100 * stop.duration_s)
        assert now.at_m >= before.at_m - 1e-9
        assert now.speed_m_s >= 0
        before = now
    assert stop.end.speed_m_s == 0
    just_before = stop.at(stop.duration_s * (1 - 1e-9))
    assert just_before.speed_m_s == pytest.approx(0, abs=1e-4)


def test_going_on_after_a_brake_that_was_released():
    """A vehicle that brakes hard and is told to go on does so without a jump in speed."""
    stop = DRIVE.brake(leg(), DriveState(0, 6.0), BrakeKind.PROTECTIVE)
    state = stop.at(1.5)
    on = DRIVE.plan(leg(), state, 300.0)
    assert on.held
    assert on.at(0).speed_m_s == pytest.approx(state.speed_m_s)
    assert on.end.at_m == 300.0


def test_a_curve_is_taken_at_its_lateral_acceleration():
    """3 m/s on the 12 m circle, full speed before and after."""
    path = Path.polyline([(0, 0), (200, 0), (200, 200)], corner_radius_m=12)
    motion = DRIVE.plan(leg(path=path), DriveState(0), path.end_m)
    in_curve = motion.when(195)
    assert in_curve is not None
    assert motion.at(in_curve).speed_m_s <= 3.0 + 1e-9
    before = motion.when(120)
    assert before is not None
    assert motion.at(before).speed_m_s == pytest.approx(25 / 3.6)


@pytest.mark.parametrize(
    ("path", "word"),
    [
        (Path.polyline([(0, 0), (50, 0), (50, 50)], corner_radius_m=5), "radius of 5.00 m"),
        (Path.polyline([(0, 0), (50, 0), (50, 50)], corner_radius_m=0), "corner of 90 degrees"),
    ],
)
def test_a_path_that_bends_too_much_is_refused(path, word):
    """The error names the bend, its place and what the vehicle can."""
    with pytest.raises(PhysicsError, match=word):
        DRIVE.plan(leg(path=path), DriveState(0), path.end_m)


@pytest.mark.parametrize(
    ("ask", "word"),
    [
        (lambda: DRIVE.plan(leg(), DriveState(0), 700), "beyond the path"),
        (lambda: DRIVE.plan(leg(), DriveState(0), 70, [SpeedLimit(0, 9, 0)]), "above 0"),
        (lambda: DRIVE.plan(leg(80_000), DriveState(0), 70), "80000 kg"),
        (lambda: IGV.limits(70_000, Conditions(slopes=(Slope(0, 9, 0.2),))), "does not climb"),
        (lambda: VehicleParameters(tare_kg=-1), "tare_kg is -1"),
        (lambda: Surface("ice", 0.0), "friction is 0"),
        (
            lambda: IGV.braking_m_s2(
                BrakeKind.SERVICE, 0, Conditions(Surface("ice", 0.05), (Slope(0, 9, -0.06),))
            ),
            "no brake holds",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_value(ask, word):
    """The error names the value and the limit."""
    with pytest.raises(PhysicsError, match=word):
        ask()


def test_a_steep_climb_costs_speed_and_acceleration():
    """What force and power allow on 6 % with 70 t, against the balance by hand."""
    limits = IGV.limits(70_000, Conditions(slopes=(Slope(0, 618, 0.06),)))
    flat = IGV.limits(70_000)
    weight = 97_000 * GRAVITY / math.hypot(1, 0.06) * (0.06 + 0.006)
    assert limits.speed_m_s < flat.speed_m_s
    assert limits.speed_m_s * (weight + 97_000 * limits.acceleration_m_s2) < 300_000
    assert limits.acceleration_m_s2 < flat.acceleration_m_s2


def test_energy_of_a_crossing_against_the_hand_calculation():
    """618 m loaded: 0.618 x 1.9 kWh and 3 kW for its time; standing afterwards costs 3 kW."""
    motion = DRIVE.plan(leg(70_000), DriveState(0), 618.0)
    t_s = motion.duration_s
    assert motion.energy_kwh(t_s) == pytest.approx(0.618 * 1.9 + 3 * t_s / 3600)
    assert motion.energy_kwh(t_s + 3600) - motion.energy_kwh(t_s) == pytest.approx(3.0)


def test_a_climb_costs_its_height_and_a_fall_saves_no_more_than_the_level():
    """100 m at 3 %: weight times height over the efficiency; down, the level way is saved."""
    climb = Conditions(slopes=(Slope(0, 100, 0.03), Slope(100, 200, -0.03)))
    motion = DRIVE.plan(leg(70_000, conditions=climb), DriveState(0), 200.0)
    level = 0.2 * 1.9 + 3 * motion.duration_s / 3600
    height_m = 100 * 0.03 / math.hypot(1, 0.03)
    by_hand = 97_000 * GRAVITY * height_m / 0.85 / 3.6e6 - 0.1 * 1.9
    assert motion.energy_kwh(motion.duration_s) - level == pytest.approx(by_hand)


_CHILD = """
import sys
sys.modules["pybullet"] = sys.modules["mujoco"] = None
from twin.physics import DriveState, Leg, Path, Pose, VehicleParameters, docking_error, load_drive
leg = Leg(VehicleParameters(), Path.straight(Pose(0, 0, 0), 60))
for name in ("kinematic", "ode"):
    print(round(load_drive(name).plan(leg, DriveState(0), 60).end.at_m))
import twin.physics.drive_world
"""


@pytest.mark.slow
def test_vehicles_need_no_package_but_for_the_engines():
    """Without PyBullet and MuJoCo the closed form and the plain equations drive all the same."""
    answer = subprocess.run(
        [sys.executable, "-c", _CHILD],
        env={"PYTHONPATH": ":".join(p for p in sys.path if p)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert answer.stdout.split() == ["60", "60"]
