"""Many vehicles live in one world: they drive as planned, see, brake, touch, park and weigh."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from tests.physics.engines import drive, installed
from twin.errors import UnknownName
from twin.physics import (
    BrakeKind,
    Conditions,
    DriveState,
    Leg,
    Path,
    PhysicsError,
    Pose,
    SpeedLimit,
    Surface,
    VehicleParameters,
)
from twin.physics.drive_world import Seen, World

IGV = VehicleParameters()
BENDS = Path.polyline([(0, 0), (60, 0), (60, 60), (120, 60)], corner_radius_m=12)


@pytest.fixture
def world():
    """An empty world of its own."""
    installed("pybullet")
    made = World()
    yield made
    made.close()


def straight(y_m=0.0, *, load_kg=70_000.0, length_m=500.0, conditions=None):
    """A leg along x."""
    return Leg(IGV, Path.straight(Pose(0, y_m, 0), length_m), load_kg, conditions or Conditions())


def until_parked(world, id, limit_s=200.0):
    """Step until a vehicle stands; returns its state."""
    end_s = world.time_s + limit_s
    while not world.stands(id):
        assert world.time_s < end_s, f"{id} drives still at {world.state(id)}"
        world.step()
    return world.state(id)


@pytest.mark.slow
@pytest.mark.parametrize("wheels", [False, True], ids=["box", "wheels"])
def test_a_live_vehicle_drives_as_its_closed_form(world, wheels):
    """Through bends, within 5 cm at the end and 2 % in time, and then it is parked."""
    leg = Leg(IGV, BENDS, 70_000)
    world.add("a", leg, DriveState(8.0), wheels=wheels)
    plan = world.drive("a", 130.0)
    assert plan.end.at_m == 130.0
    end = until_parked(world, "a")
    assert world.time_s == pytest.approx(plan.duration_s, rel=0.02, abs=0.2)
    assert end.at_m == pytest.approx(130.0, abs=0.05)
    want = BENDS.pose_at(130.0)
    assert math.hypot(end.pose.x_m - want.x_m, end.pose.y_m - want.y_m) < 0.05


@pytest.mark.slow
def test_a_live_vehicle_is_the_same_as_one_simulated_ahead(world):
    """One rigid body, one controller: the same place at the same time within 5 mm."""
    world.add("a", straight(), DriveState(8.0))
    world.drive("a", 100.0)
    ahead = drive("pybullet").plan(straight(), DriveState(8.0), 100.0)
    for _ in range(6):
        world.run(4.0)
        assert world.state("a").at_m == pytest.approx(ahead.at(world.time_s).at_m, abs=0.005)


@pytest.mark.slow
def test_a_plan_is_extended_while_driving_without_a_jump(world):
    """A further stop and a slower stretch ahead, given at full speed: smooth and met."""
    world.add("a", straight(), DriveState(8.0))
    world.drive("a", 80.0)
    world.run(10.0)
    before = world.state("a")
    plan = world.drive("a", 200.0, [SpeedLimit(120, 140, 2.0)])
    assert plan.held
    assert plan.at(0).speed_m_s == pytest.approx(before.speed_m_s, abs=0.05)
    fastest = 0.0
    while not world.stands("a"):
        world.step()
        now = world.state("a")
        if 120 < now.at_m < 140:
            fastest = max(fastest, now.speed_m_s)
    assert 1.5 < fastest < 2.05
    assert world.state("a").at_m == pytest.approx(200.0, abs=0.05)


def test_planning_anew_twice_a_second_forgets_nothing(world):
    """Against a storm of 40 m/s the controller keeps what it has learnt: 2 cm behind at most."""
    storm = Conditions(wind_m_s=40.0, wind_to_rad=math.pi)
    world.add("a", straight(load_kg=0, conditions=storm), DriveState(8.0))
    world.drive("a", 200.0)
    world.run(10.0)
    for i in range(16):
        plan = world.drive("a", 200.0 + i)
        world.run(0.5)
    assert world.state("a").at_m == pytest.approx(plan.at(0.5).at_m, abs=0.02)


def test_the_path_goes_on_while_driving(world):
    """`path` gives the vehicle more of it; places keep their meaning."""
    first = Path.straight(Pose(0, 0, 0), 60)
    world.add("a", Leg(IGV, first), DriveState(8.0))
    world.drive("a", 60.0)
    world.run(5.0)
    longer = first.extended(Path.straight(Pose(60, 0, 0), 60))
    world.drive("a", 110.0, path=longer)
    assert until_parked(world, "a").at_m == pytest.approx(110.0, abs=0.05)


def test_a_person_in_the_lane_is_seen_and_not_touched(world):
    """Seen at the field's length, exactly; a protective stop ends before."""
    world.add("a", straight(), DriveState(8.0))
    world.drive("a", 400.0)
    world.obstacle("person", Pose(120, 0.9, 0), 0.4, 0.4, 1.7)
    seen = None
    while seen is None:
        world.step()
        seen = world.field("a", 20.0)
    at_m = world.state("a").at_m
    assert seen == Seen("person", pytest.approx(119.8 - 7.5 - at_m, abs=1e-6))
    plan = world.brake("a", BrakeKind.PROTECTIVE)
    end = until_parked(world, "a")
    assert end.at_m - at_m == pytest.approx(plan.end.at_m - at_m, rel=0.05)
    assert not world.touching()
    left = world.field("a", 20.0)
    assert left is not None
    assert 0 < left.distance_m < 7


def test_the_field_bends_with_the_path(world):
    """What stands straight ahead of a bend is not in it; what stands in the bend is."""
    world.add("a", Leg(IGV, BENDS), DriveState(40.0))
    world.obstacle("straight on", Pose(75, 0, 0), 1, 4, 2)
    assert world.field("a", 25.0) is None
    world.obstacle("round the bend", Pose(60, 14, 0), 1, 1, 2)
    seen = world.field("a", 25.0)
    assert seen is not None
    assert seen.id == "round the bend"
    world.remove("round the bend")
    assert world.field("a", 25.0) is None


def test_vehicles_see_each_other(world):
    """A parked vehicle ahead is seen by its name and distance; the one behind is not."""
    world.add("a", straight(), DriveState(50.0))
    world.add("b", straight(), DriveState(80.0))
    assert world.field("a", 30.0) == Seen("b", pytest.approx(15.0, abs=1e-3))
    assert world.field("b", 30.0) is None


def test_who_does_not_brake_hits(world):
    """A vehicle driven into a parked one touches it and pushes it; nothing passes through."""
    world.add("a", straight(), DriveState(8.0))
    world.add("b", straight(load_kg=0), DriveState(60.0))
    world.drive("a", 100.0)
    while not world.touching():
        world.step()
        assert world.time_s < 60
    assert world.touching() == [("a", "b")]
    assert world.state("a").at_m == pytest.approx(45.0, abs=0.3)
    world.run(3.0)
    gap_m = world.state("b").at_m - world.state("a").at_m
    assert gap_m > 14.9
    assert world.state("b").at_m > 60.05


@pytest.mark.slow
def test_a_parked_vehicle_stays_where_it_is(world):
    """A minute and a half beside a moving one moves it by less than 0.1 mm."""
    world.add("a", straight(), DriveState(8.0))
    world.add("b", straight(10.0), DriveState(8.0))
    before = world.state("b")
    world.drive("a", 400.0)
    world.run(90.0)
    after = world.state("b")
    assert after.at_m == pytest.approx(before.at_m, abs=1e-4)
    assert world.stands("b")


@pytest.mark.slow
def test_a_vehicle_that_has_driven_and_parked_is_held_by_its_tyres(world):
    """Bumped after its own way, it slides a little and stands again; it does not glide."""
    world.add("a", straight(), DriveState(8.0))
    world.add("b", straight(load_kg=0), DriveState(40.0))
    world.drive("b", 45.0)
    until_parked(world, "b")
    world.drive("a", 60.0)
    world.run(20.0)
    world.brake("a", BrakeKind.EMERGENCY)
    world.run(10.0)
    before = world.state("b").at_m
    world.run(5.0)
    assert before > 45.05
    assert world.state("b").at_m == pytest.approx(before, abs=1e-3)


@pytest.mark.slow
def test_a_load_changes_the_mass(world):
    """Seventy tonnes picked up slow the start to 0.35 m/s²; set down, it is 0.5 again."""
    world.add("a", straight(load_kg=0, length_m=900), DriveState(8.0))
    speeds = []
    for load_kg, stop_m in ((70_000, 200.0), (0, 400.0)):
        world.load("a", load_kg)
        world.drive("a", stop_m)
        world.run(8.0)
        speeds.append(world.state("a").speed_m_s)
        until_parked(world, "a")
    assert speeds == pytest.approx([0.35 * (8 - 0.35), 0.5 * (8 - 0.5)], abs=0.05)


@pytest.mark.slow
def test_a_push_shows_what_a_body_weighs(world):
    """The same bump moves an empty parked vehicle further than one that was loaded there."""
    moved = []
    for y, load_kg in ((0.0, 0.0), (20.0, 70_000.0)):
        world.add(f"hits {y}", straight(y), DriveState(8.0))
        world.add(f"hit {y}", straight(y, load_kg=0), DriveState(40.0))
        world.load(f"hit {y}", load_kg)
        world.drive(f"hits {y}", 100.0)
    world.run(15.0)
    for y in (0.0, 20.0):
        moved.append(world.state(f"hit {y}").at_m - 40.0)
    assert moved[0] > 1.3 * moved[1] > 0.0


@pytest.mark.covers
@pytest.mark.slow
def test_an_emergency_stop_on_ice_takes_the_way_that_friction_says(world):
    """v²/2µg with the reaction, on a surface of 0.1, for a body on wheels whose wheels lock."""
    ice = Conditions(Surface("ice", 0.1))
    world.add("a", straight(conditions=ice, load_kg=0), DriveState(8.0), wheels=True)
    world.drive("a", 400.0)
    world.run(20.0)
    state = world.state("a")
    plan = world.brake("a", BrakeKind.EMERGENCY)
    end = until_parked(world, "a")
    assert end.at_m - state.at_m == pytest.approx(plan.end.at_m - plan.at(0).at_m, rel=0.05)


_CHILD = """
import sys
from twin.physics import *
from twin.physics.drive_world import World
world = World()
bends = Path.polyline([(0, 0), (60, 0), (60, 60), (120, 60)], corner_radius_m=12)
for i in range(6):
    path = Path.straight(Pose(0, 70 + 6 * i, 0), 500)
    world.add(f"s{i}", Leg(VehicleParameters(), path, 10_000.0 * i), DriveState(8 + i))
    world.drive(f"s{i}", 300.0 + i)
world.add("bends", Leg(VehicleParameters(), bends, 40_000), DriveState(8), wheels=True)
world.drive("bends", bends.end_m)
world.obstacle("box", Pose(150, 76, 0), 2, 2, 2)
world.step(10_000 // 8)
assert ("box", "s1") in world.touching()
print(world.sha256())
"""


@pytest.mark.slow
def test_the_same_state_after_ten_thousand_steps_in_three_processes():
    """The bar: one hash, with boxes, wheels and a collision, whatever the hash seed."""
    installed("pybullet")
    hashes = {
        subprocess.run(
            [sys.executable, "-c", _CHILD],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(p for p in sys.path if p)},
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(hashes) == 1


def test_what_is_not_there_or_there_twice_is_refused(world):
    """The error names the vehicle."""
    world.add("a", straight(), DriveState(8.0))
    with pytest.raises(PhysicsError, match="'a' in this world already"):
        world.add("a", straight(), DriveState(8.0))
    with pytest.raises(PhysicsError, match="'a' in this world already"):
        world.obstacle("a", Pose(0, 0, 0), 1, 1, 1)
    with pytest.raises(UnknownName, match="vehicle 'b'"):
        world.drive("b", 10)
    world.drive("a", 100.0)
    world.step(30)
    with pytest.raises(PhysicsError, match="only while it stands"):
        world.load("a", 0)
    world.remove("a")
    with pytest.raises(UnknownName, match="vehicle 'a'"):
        world.state("a")
