"""Rigid bodies drive as the closed form says: crossing, docking, braking, curves, wind, energy."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from tests.physics.engines import RIGID, drive, every_rigid_engine
from twin.errors import HarnessError, UnknownName
from twin.physics import (
    DRY,
    WET,
    BrakeKind,
    Conditions,
    DriveState,
    EnergyParameters,
    Leg,
    Path,
    Piece,
    Pose,
    Slope,
    SpeedLimit,
    Surface,
    VehicleParameters,
    load_drive,
)
from twin.physics.drive import DRIVE_ENGINE_NAMES

IGV = VehicleParameters()
BRIDGE = Path.straight(Pose(0, 0, 0), 618.0)
BENDS = Path.polyline([(0, 0), (60, 0), (60, 60), (120, 60)], corner_radius_m=12)
OIL = Surface("oil", 0.2)
ARCH = (Slope(0, 309, 0.03), Slope(309, 618, -0.03))
GRAVITY = 9.80665


def leg(load_kg=70_000.0, path=BRIDGE, conditions=None):
    """A loaded leg over the bridge unless said otherwise."""
    return Leg(IGV, path, load_kg, conditions or Conditions())


def apart_m(pose, other):
    """Distance of two poses in the map."""
    return math.hypot(pose.x_m - other.x_m, pose.y_m - other.y_m)


@pytest.mark.slow
@every_rigid_engine
@pytest.mark.parametrize(
    ("load_kg", "conditions"),
    [
        (70_000, Conditions()),
        (0, Conditions()),
        (70_000, Conditions(WET, (), 15.0, math.radians(60))),
        (70_000, Conditions(WET, ARCH, 10.0, math.pi)),
    ],
    ids=["loaded", "empty", "wet with wind", "wet arch against wind"],
)
def test_a_crossing_takes_the_same_time_and_docks_at_the_same_place(name, load_kg, conditions):
    """The bar: within 2 % in time and 5 cm in place, whatever the deck and the weather."""
    ride = leg(load_kg, conditions=conditions)
    exact = drive("kinematic").plan(ride, DriveState(0), 618.0)
    motion = drive(name).plan(ride, DriveState(0), 618.0)
    assert motion.held
    assert motion.duration_s == pytest.approx(exact.duration_s, rel=0.02)
    assert apart_m(motion.end.pose, BRIDGE.pose_at(618.0)) < 0.05
    for share in (0.1, 0.5, 0.9):
        t_s = share * exact.duration_s
        assert motion.at(t_s).at_m == pytest.approx(exact.at(t_s).at_m, abs=0.5)


@every_rigid_engine
@pytest.mark.parametrize("kind", list(BrakeKind))
@pytest.mark.parametrize("surface", [DRY, WET, OIL], ids=lambda s: s.name)
@pytest.mark.parametrize("load_kg", [0, 70_000])
def test_braking_distances_are_those_of_the_closed_form(name, kind, surface, load_kg):
    """The bar: within 5 % on dry and wet deck, for each kind of braking."""
    ride = leg(load_kg, conditions=Conditions(surface))
    start = DriveState(10.0, 5.5)
    exact = drive("kinematic").brake(ride, start, kind)
    motion = drive(name).brake(ride, start, kind)
    assert motion.end.at_m - 10 == pytest.approx(exact.end.at_m - 10, rel=0.05)
    assert motion.duration_s == pytest.approx(exact.duration_s, rel=0.05, abs=0.2)


@pytest.mark.slow
def test_the_engines_agree_with_each_other():
    """Bullet, MuJoCo and the plain equations end a windy way with bends within 1 mm."""
    ride = leg(path=BENDS, conditions=Conditions(WET, (), 12.0, 1.0))
    ends = [drive(n).plan(ride, DriveState(0), BENDS.end_m).end.pose for n in RIGID]
    assert max(apart_m(a, b) for a in ends for b in ends) < 0.001


@pytest.mark.slow
@every_rigid_engine
@pytest.mark.parametrize("body_rad", [0.0, math.pi], ids=["forwards", "backwards"])
def test_a_vehicle_stays_on_its_path_through_bends(name, body_rad):
    """Never more than 10 cm beside 12 m bends, and within 5 cm and half a degree at the end."""
    points = [(0, 0), (60, 0), (60, 60), (120, 60)]
    path = Path.polyline(points, corner_radius_m=12, body_rad=body_rad)
    motion = drive(name).plan(leg(path=path), DriveState(0), path.end_m)
    for i in range(200):
        t_s = i / 200 * motion.duration_s
        assert apart_m(motion.pose(t_s), path.pose_at(motion.at(t_s).at_m)) < 0.10
    end, want = motion.end.pose, path.pose_at(path.end_m)
    assert apart_m(end, want) < 0.05
    assert abs(math.remainder(end.heading_rad - want.heading_rad, math.tau)) < math.radians(0.5)


@every_rigid_engine
def test_a_steady_circle_is_kept_within_a_centimetre(name):
    """Once round 12 m at 3 m/s: after it has settled there is no offset that stays."""
    path = Path([Piece(0, 0, 0, 20.0), Piece(20, 0, 0, 12 * math.tau, 1 / 12)])
    motion = drive(name).plan(leg(path=path), DriveState(0), path.end_m)
    begin_s, end_s = motion.when(45.0), motion.when(90.0)
    assert begin_s is not None
    assert end_s is not None
    for i in range(51):
        t_s = begin_s + i / 50 * (end_s - begin_s)
        assert apart_m(motion.pose(t_s), path.pose_at(motion.at(t_s).at_m)) < 0.01


@every_rigid_engine
def test_a_crab_keeps_its_heading(name):
    """Sideways at 20 degrees: the body looks ahead all the way and ends where it should."""
    path = Path.polyline(
        [(0, 0), (40, 40 * math.tan(math.radians(20)))], body_rad=-math.radians(20)
    )
    motion = drive(name).plan(leg(path=path), DriveState(0), path.end_m)
    for i in range(50):
        assert motion.pose(i / 50 * motion.duration_s).heading_rad == pytest.approx(0, abs=0.01)
    assert apart_m(motion.end.pose, path.pose_at(path.end_m)) < 0.05


@pytest.mark.slow
@every_rigid_engine
def test_beyond_its_grip_a_vehicle_slides_out_of_the_bend(name):
    """A bend at 3 m/s needs 0.75 m/s²: friction 0.2 has it; ice with 0.05 has no more than µg."""
    engine = drive(name)

    def aside_m(surface):
        ride = leg(path=BENDS, conditions=Conditions(surface))
        motion = engine.plan(ride, DriveState(20.0, 3.0), 80.0)
        poses = [motion.pose(i / 4) for i in range(80)]
        rates = [
            16 * math.hypot(a.x_m - 2 * b.x_m + c.x_m, a.y_m - 2 * b.y_m + c.y_m)
            for a, b, c in zip(poses, poses[1:], poses[2:], strict=False)
        ]
        on_path = [BENDS.pose_at(motion.at(i / 4).at_m) for i in range(80)]
        return max(map(apart_m, poses, on_path)), max(rates)

    assert aside_m(OIL)[0] < 0.10
    aside, rate = aside_m(Surface("ice", 0.05))
    assert aside > 0.5
    assert rate < 1.05 * 0.05 * GRAVITY


@every_rigid_engine
def test_a_measured_place_that_is_wrong_is_where_it_stops(name):
    """A receiver that says 3 cm ahead and 2 cm to the left leaves it 3 cm short and right."""
    engine = drive(name)
    motion = engine.plan(leg(), DriveState(0), 60.0, localisation=lambda t_s: (0.03, 0.02))
    end = motion.end.pose
    assert end.x_m == pytest.approx(60 - 0.03 - 0.005, abs=0.008)
    assert end.y_m == pytest.approx(-0.02, abs=0.009)  # the steering does not see less


@pytest.mark.slow
@every_rigid_engine
def test_a_replan_on_the_way_goes_on_from_the_body(name):
    """Place, speed and pose have no jump, and the further stop is met."""
    engine = drive(name)
    first = engine.plan(leg(), DriveState(0), 80.0)
    state = first.at(12.0)
    second = engine.plan(leg(), state, 150.0, [SpeedLimit(100, 120, 2.0)])
    start = second.at(0.0)
    assert start == state
    assert second.at(0.2).speed_m_s == pytest.approx(state.speed_m_s, abs=0.1)
    assert second.end.at_m == pytest.approx(150.0, abs=0.05)
    slow_s = second.when(110.0)
    assert slow_s is not None
    assert second.at(slow_s).speed_m_s < 2.05


@every_rigid_engine
def test_a_body_a_hair_above_its_speed_limit_is_not_too_fast(name):
    """Measured at 1 cm/s above 20 km/h and still accelerating a little, every limit is held."""
    start = DriveState(100.0, 20 / 3.6 + 0.01, 0.02)
    assert drive(name).plan(leg(), start, 130.0).held
    assert not drive(name).plan(leg(), DriveState(100.0, 20 / 3.6 + 0.2), 130.0).held


@pytest.mark.slow
@every_rigid_engine
def test_the_energy_of_a_way_is_its_work(name):
    """Kinetic energy, rolling and air over the efficiency, and 3 kW; by hand within 2 %."""
    motion = drive(name).plan(leg(), DriveState(0), 618.0)
    v = 20 / 3.6
    air_n = 0.5 * 1.184 * 1.1 * (4.5 + 2.438 * 2.896) * v * v
    rolls_m = 618 - v * (v / 0.6 + 1.2) / 2  # while it brakes the drive does no work
    work_j = 97_000 * v * v / 2 + (97_000 * GRAVITY * 0.006 + air_n) * rolls_m
    by_hand = work_j / 0.85 / 3.6e6 + 3 * motion.duration_s / 3600
    assert motion.energy_kwh(motion.duration_s) == pytest.approx(by_hand, rel=0.02)
    idle = motion.energy_kwh(motion.duration_s + 1200) - motion.energy_kwh(motion.duration_s)
    assert idle == pytest.approx(1.0)


@pytest.mark.slow
@every_rigid_engine
@pytest.mark.parametrize("regeneration", [0.0, 0.6])
def test_an_arch_costs_the_same_extra_in_both_forms(name, regeneration):
    """9 m up and down with 97 t: what the arch adds to the level way, within 5 %."""
    battery = EnergyParameters(regeneration=regeneration)

    def extra_kwh(engine):
        arch, level = (
            engine.plan(
                Leg(IGV, BRIDGE, 70_000, Conditions(slopes=slopes), battery),
                DriveState(0),
                618.0,
                [SpeedLimit(0, 618, 4.0)],
            )
            for slopes in (ARCH, (Slope(0, 618, 0.0),))
        )
        t_s = arch.duration_s
        return arch.energy_kwh(t_s) - level.energy_kwh(t_s)

    exact = extra_kwh(drive("kinematic"))
    assert exact > 1.0
    assert extra_kwh(drive(name)) == pytest.approx(exact, rel=0.05)


@pytest.mark.slow
@every_rigid_engine
def test_a_plan_depends_on_its_arguments_only(name):
    """Other ways of other vehicles in between leave no trace: every bit is the same."""
    engine = drive(name)

    def digest():
        return engine.plan(leg(path=BENDS), DriveState(0), 70.0).sha256()

    first = digest()
    engine.brake(leg(0), DriveState(10, 6.0), BrakeKind.EMERGENCY)
    engine.plan(leg(0, conditions=Conditions(WET)), DriveState(0), 30.0)
    assert digest() == first


_CHILD = """
import sys
from twin.physics import *
path = Path.polyline([(0, 0), (60, 0), (60, 60)], corner_radius_m=12)
leg = Leg(VehicleParameters(), path, 70_000, Conditions(WET, (), 12.0, 1.0))
print(load_drive(sys.argv[1]).plan(leg, DriveState(0), path.end_m).sha256())
"""


@pytest.mark.slow
@every_rigid_engine
def test_the_same_bits_in_three_processes(name):
    """The hash of a way is one in processes with different hash seeds."""
    drive(name)
    hashes = {
        subprocess.run(
            [sys.executable, "-c", _CHILD, name],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(p for p in sys.path if p)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(hashes) == 1


@every_rigid_engine
def test_a_motion_answers_before_its_begin_and_after_its_end(name):
    """Earlier it is the start, later the end; places behind and beyond have their answers."""
    motion = drive(name).plan(leg(), DriveState(5.0), 25.0)
    assert motion.at(-1).at_m == 5.0
    assert motion.at(1e6) == motion.end
    assert motion.end.speed_m_s == 0
    assert motion.when(2.0) == 0.0
    assert motion.when(30.0) is None
    middle_s = motion.when(15.0)
    assert middle_s is not None
    assert motion.at(middle_s).at_m == pytest.approx(15.0, abs=1e-6)


def test_every_engine_is_found_by_its_name():
    """`load_drive` gives the engine that says it is the one asked for."""
    assert {drive(name).name for name in DRIVE_ENGINE_NAMES} == set(DRIVE_ENGINE_NAMES)


def test_an_unknown_engine_names_the_nearest():
    """A typing error is answered with the right spelling."""
    with pytest.raises(UnknownName, match="mujoco"):
        load_drive("mujocco")


@pytest.mark.parametrize("name", ["pybullet", "mujoco"])
def test_an_absent_package_says_what_to_do(monkeypatch, name):
    """Without the extra, the error names the package, the extra and the way round it."""
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(HarnessError, match=r"gatetwin\[physics\].*kinematic") as error:
        load_drive(name)
    assert name in str(error.value)


@every_rigid_engine
@pytest.mark.parametrize("body_deg", [-90.0, 90.0, -89.999, 89.9])
def test_a_vehicle_drives_straight_to_its_side(name, body_deg):
    """At a right angle both axles hold alike, which leaves their shares open, and it arrives."""
    side = Path.polyline([(0, 0), (0, 12)], body_rad=math.radians(body_deg))
    ride = leg(path=side)
    exact = drive("kinematic").plan(ride, DriveState(0), 12.0)
    motion = drive(name).plan(ride, DriveState(0), 12.0)
    assert motion.held
    assert motion.duration_s == pytest.approx(exact.duration_s, rel=0.05)
    assert apart_m(motion.end.pose, side.pose_at(12.0)) < 0.05
    turned = motion.end.pose.heading_rad - side.pose_at(12.0).heading_rad
    assert abs(math.remainder(turned, math.tau)) < math.radians(1.0)
