"""A vehicle on wheels: the engine's own contacts carry, grip, lock and slide."""

from __future__ import annotations

import math

import pytest

from tests.physics.engines import drive
from twin.physics import (
    DRY,
    WET,
    BrakeKind,
    Conditions,
    DriveState,
    Leg,
    Path,
    Pose,
    Surface,
    VehicleParameters,
)

IGV = VehicleParameters()
BRIDGE = Path.straight(Pose(0, 0, 0), 618.0)
GRAVITY = 9.80665


@pytest.fixture
def wheels():
    """The engine of vehicles on wheels."""
    return drive("pybullet-wheels")


@pytest.mark.slow
@pytest.mark.parametrize("body_rad", [0.0, math.pi], ids=["forwards", "backwards"])
def test_wheels_follow_the_path_and_dock(wheels, body_rad):
    """Two 12 m bends with 70 t: within 2 % in time, 10 cm on the way and 5 cm at the end."""
    points = [(0, 0), (60, 0), (60, 60), (120, 60)]
    path = Path.polyline(points, corner_radius_m=12, body_rad=body_rad)
    leg = Leg(IGV, path, 70_000)
    exact = drive("kinematic").plan(leg, DriveState(0), path.end_m)
    motion = wheels.plan(leg, DriveState(0), path.end_m)
    assert motion.duration_s == pytest.approx(exact.duration_s, rel=0.02)
    for i in range(100):
        t_s = i / 100 * motion.duration_s
        here, want = motion.pose(t_s), path.pose_at(motion.at(t_s).at_m)
        assert math.hypot(here.x_m - want.x_m, here.y_m - want.y_m) < 0.10
    end, want = motion.end.pose, path.pose_at(path.end_m)
    assert math.hypot(end.x_m - want.x_m, end.y_m - want.y_m) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(BrakeKind))
@pytest.mark.parametrize("surface", [DRY, WET, Surface("oil", 0.2)], ids=lambda s: s.name)
def test_wheels_brake_as_the_closed_form(wheels, kind, surface):
    """The bar: within 5 % on dry and wet deck; on oil the wheels lock."""
    leg = Leg(IGV, BRIDGE, 70_000, Conditions(surface))
    exact = drive("kinematic").brake(leg, DriveState(10, 5.5), kind)
    motion = wheels.brake(leg, DriveState(10, 5.5), kind)
    assert motion.end.at_m - 10 == pytest.approx(exact.end.at_m - 10, rel=0.05)


def rolling(wheels, conditions, brake_n, load_kg=70_000.0):
    """A plant at 5 m/s half a second into a braking of this force."""
    from twin.physics.drive_plant import Command, PlanarState

    plant = wheels.plant
    state = PlanarState(0, 0, 0, 5.0, 0, 0)
    plant.reset(Leg(IGV, BRIDGE, load_kg, conditions), state, Command(0, 0, 0, 0))
    for _ in range(15):
        state = plant.step(Command(0, brake_n, 0, 0), 0.0)
    return plant.vehicle, state


def test_the_wheels_carry_the_weight(wheels):
    """The contacts' normal forces add up to the weight, half of it on each axle."""
    vehicle, _ = rolling(wheels, Conditions(), 0.0)
    loads = vehicle.loads_n()
    assert sum(loads) == pytest.approx(97_000 * GRAVITY, rel=0.02)
    assert sum(loads[:2]) == pytest.approx(sum(loads[2:]), rel=0.05)


def test_braking_moves_the_load_forwards(wheels):
    """The front wheels carry m a h / L more than half, as a rigid body has it, within 10 %."""
    rate = 1.5
    vehicle, _ = rolling(wheels, Conditions(), rate * 97_000)
    loads = vehicle.loads_n()
    moved = (sum(loads[:2]) - sum(loads[2:])) / 2
    by_hand = 97_000 * (rate + 0.006 * GRAVITY) * IGV.mass_height_m(70_000)
    assert moved == pytest.approx(by_hand / IGV.wheelbase_m, rel=0.1)


def test_wheels_lock_beyond_their_grip_only(wheels):
    """Braked with 3 m/s² they roll on the wet deck and slide, locked, on oil at µg."""
    vehicle, _ = rolling(wheels, Conditions(WET), 3.0 * 97_000)
    assert all(slip > -0.2 for slip in vehicle.slips())
    vehicle, state = rolling(wheels, Conditions(Surface("oil", 0.2)), 3.0 * 97_000)
    assert all(slip < -0.9 for slip in vehicle.slips())
    assert 5.0 - state.vx_m_s == pytest.approx(0.2 * GRAVITY * 0.5, rel=0.05)
