"""Where a vehicle stops beside its mark: the model, and rigid bodies against it."""

from __future__ import annotations

import math
import random

import pytest

from tests.physics.engines import drive, every_rigid_engine
from twin.physics import (
    DriveState,
    Leg,
    Path,
    PhysicsError,
    Pose,
    VehicleParameters,
    docking_error,
)
from twin.physics.docking import unseen_left_m

IGV = VehicleParameters()


def test_a_perfect_receiver_leaves_brake_and_steering():
    """Half a centimetre short on average, and at most 1 cm short and 6 mm aside."""
    worst = docking_error(
        IGV, measured_ahead_m=0, measured_left_m=0, brake_draw=1.0, steer_draw=1.0
    )
    assert worst.ahead_m == pytest.approx(-0.01)
    assert worst.left_m == pytest.approx(math.radians(0.05) / 0.15)
    assert worst.nominal


def test_rtk_docks_nominally_and_a_float_solution_does_not():
    """With 2 cm (1 sigma) at least four in five stops are accepted; with 20 cm hardly one is."""
    rng = random.Random(4)

    def accepted(sigma_m):
        stops = [
            docking_error(
                IGV,
                measured_ahead_m=rng.gauss(0, sigma_m),
                measured_left_m=rng.gauss(0, sigma_m),
                brake_draw=rng.random(),
                steer_draw=rng.uniform(-1, 1),
            )
            for _ in range(2000)
        ]
        return sum(stop.accepted for stop in stops) / len(stops)

    assert accepted(0.02) > 0.9
    assert accepted(0.20) < 0.1


@every_rigid_engine
@pytest.mark.parametrize(("ahead_m", "left_m"), [(0.0, 0.0), (0.02, -0.03), (-0.04, 0.01)])
def test_rigid_bodies_stop_where_the_model_says(name, ahead_m, left_m):
    """A vehicle that begins 5 cm aside ends within the model's bounds (and 3 mm) of its mark."""
    path = Path.straight(Pose(10, 20, 0.7), 80.0)
    begin = path.pose_at(0)
    aside = Pose(begin.x_m - 0.05 * math.sin(0.7), begin.y_m + 0.05 * math.cos(0.7), 0.7)
    engine = drive(name)
    motion = engine.plan(
        Leg(IGV, path, 70_000),
        DriveState(0.0, pose=aside),
        70.0,
        localisation=lambda t_s: (ahead_m, left_m),
    )
    mark, end = path.pose_at(70.0), motion.end.pose
    dx, dy = end.x_m - mark.x_m, end.y_m - mark.y_m
    ahead = dx * math.cos(0.7) + dy * math.sin(0.7)
    left = dy * math.cos(0.7) - dx * math.sin(0.7)
    assert -IGV.stop_near_m - 0.003 < ahead + ahead_m < 0.003
    assert abs(left + left_m) < unseen_left_m(IGV) + 0.003


def test_coarse_steering_does_not_see_a_small_offset():
    """In steps of 1 degree 5 cm aside stay; in steps of a thousandth they are gone."""
    path = Path.straight(Pose(0, 0, 0), 80.0)
    left = {}
    for resolution_deg in (1.0, 0.001):
        p = VehicleParameters(steer_resolution_rad=math.radians(resolution_deg))
        start = DriveState(0.0, pose=Pose(0, 0.05, 0))
        left[resolution_deg] = drive("ode").plan(Leg(p, path), start, 70.0).end.pose.y_m
        assert abs(left[resolution_deg]) < unseen_left_m(p) + 0.003
    assert left[1.0] > 0.02
    assert abs(left[0.001]) < 0.002


def test_an_error_is_applied_in_the_vehicles_own_directions():
    """Ahead is where the vehicle looks, left is left of that."""
    error = docking_error(IGV, measured_ahead_m=-0.03, measured_left_m=-0.02, brake_draw=0.0)
    pose = error.applied(Pose(1.0, 2.0, math.pi / 2))
    assert (pose.x_m, pose.y_m) == pytest.approx((1.0 - 0.02, 2.0 + 0.03))
    assert error.distance_m == pytest.approx(math.hypot(0.03, 0.02))


@pytest.mark.parametrize("draws", [{"brake_draw": 1.5}, {"steer_draw": -2.0}])
def test_a_draw_outside_of_its_range_is_refused(draws):
    """The error shows the draws and what is allowed."""
    with pytest.raises(PhysicsError, match="allowed: 0 to 1"):
        docking_error(IGV, measured_ahead_m=0, measured_left_m=0, **draws)
