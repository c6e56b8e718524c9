"""Double-Ackermann steering in closed form: axle and wheel angles, turning circles, crab.

Angles are those of the wheels' rolling direction to the body's x axis, anticlockwise. The axles
stand half a wheelbase before and behind the middle, and the rear one mirrors the front one, so
that the middle follows its path without side-slip. With all wheels at one angle the vehicle crabs.
"""

from __future__ import annotations

import math

from twin.physics.vehicle_parameters import VehicleParameters


def wheel_angle(x_m: float, y_m: float, curvature_per_m: float, crab_rad: float = 0.0) -> float:
    """Angle of the wheel at (`x_m`, `y_m`) from the middle that rolls without slip.

    The middle travels in the direction `crab_rad` of the body on a curve of `curvature_per_m`; the
    wheel's velocity is that of the middle plus the yaw rate times its lever.
    """
    forward = math.cos(crab_rad) - curvature_per_m * y_m
    sideways = math.sin(crab_rad) + curvature_per_m * x_m
    return math.atan2(sideways, forward)


def axle_angles(
    p: VehicleParameters, curvature_per_m: float, crab_rad: float = 0.0
) -> tuple[float, float]:
    """Front and rear axle angle (rad) of the equivalent single-track vehicle."""
    half = p.wheelbase_m / 2
    return (
        wheel_angle(half, 0.0, curvature_per_m, crab_rad),
        wheel_angle(-half, 0.0, curvature_per_m, crab_rad),
    )


def wheel_angles(
    p: VehicleParameters, curvature_per_m: float, crab_rad: float = 0.0
) -> tuple[float, float, float, float]:
    """Angles of the front left, front right, rear left and rear right wheel (rad)."""
    x, y = p.wheelbase_m / 2, p.track_m / 2
    return (
        wheel_angle(x, y, curvature_per_m, crab_rad),
        wheel_angle(x, -y, curvature_per_m, crab_rad),
        wheel_angle(-x, y, curvature_per_m, crab_rad),
        wheel_angle(-x, -y, curvature_per_m, crab_rad),
    )


def curvature_of(p: VehicleParameters, front_rad: float, rear_rad: float) -> float:
    """Curvature of the path of the middle with these axle angles, (tan f - tan r) / L.

    In crab, with tan c = (tan f + tan r) / 2, times cos c.
    """
    return (math.tan(front_rad) - math.tan(rear_rad)) / p.wheelbase_m


def wheel_radii(p: VehicleParameters, radius_m: float) -> tuple[float, float]:
    """Radii of the inner and the outer wheels' circles when the middle runs on `radius_m`."""
    half = p.wheelbase_m / 2
    return (
        math.hypot(radius_m - p.track_m / 2, half),
        math.hypot(radius_m + p.track_m / 2, half),
    )


def swept_radii(p: VehicleParameters, radius_m: float) -> tuple[float, float]:
    """Innermost and outermost radius that the body sweeps: its side, and its outer corners."""
    return (
        radius_m - p.width_m / 2,
        math.hypot(radius_m + p.width_m / 2, p.length_m / 2),
    )


def steer_limit_rad(p: VehicleParameters) -> float:
    """The axle angle on the smallest turning circle."""
    return axle_angles(p, 1 / p.turning_radius_m)[0]
