"""How far from its mark a vehicle stops: what localisation, brake and steering leave.

The closed form stands exactly on its mark; real vehicles do not. This is the difference, as a
function of what is drawn outside (there is no randomness in this room): the rigid-body form shows
the same when its controller is given the same localisation error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from twin.physics.drive_control import LEFT_PER_M
from twin.physics.parameters import PhysicsError
from twin.physics.path import Pose
from twin.physics.vehicle_parameters import VehicleParameters

NOMINAL_M = 0.03
"""Yangshan's driverless trucks stop within 3 cm."""
ACCEPTED_M = 0.05
"""A crane refuses a vehicle further off (proposed)."""


@dataclass(frozen=True, slots=True)
class DockingError:
    """Where the vehicle stands, seen from its mark: ahead of it and to the left of it, m."""

    ahead_m: float
    left_m: float

    @property
    def distance_m(self) -> float:
        """Distance from the mark."""
        return math.hypot(self.ahead_m, self.left_m)

    @property
    def nominal(self) -> bool:
        """Within 3 cm along and across."""
        return max(abs(self.ahead_m), abs(self.left_m)) <= NOMINAL_M

    @property
    def accepted(self) -> bool:
        """Within the 5 cm along and across that a crane takes."""
        return max(abs(self.ahead_m), abs(self.left_m)) <= ACCEPTED_M

    def applied(self, mark: Pose) -> Pose:
        """The pose that the vehicle has instead of `mark`."""
        c, s = math.cos(mark.heading_rad), math.sin(mark.heading_rad)
        return Pose(
            mark.x_m + c * self.ahead_m - s * self.left_m,
            mark.y_m + s * self.ahead_m + c * self.left_m,
            mark.heading_rad,
        )


def docking_error(
    p: VehicleParameters,
    *,
    measured_ahead_m: float,
    measured_left_m: float,
    brake_draw: float = 0.5,
    steer_draw: float = 0.0,
) -> DockingError:
    """The error of one stop.

    - ``measured_*``: how far the localisation says the vehicle is ahead and to the left of where
      it is; it ends that far short and to the right.
    - ``brake_draw``, 0 to 1: where within its last `stop_near_m` the brake was set.
    - ``steer_draw``, -1 to 1: what is left of an offset that is too small for the steering to see:
      the controller answers a metre with `LEFT_PER_M` radians, in steps of the resolution.
    """
    if not 0 <= brake_draw <= 1 or not -1 <= steer_draw <= 1:
        raise PhysicsError(
            f"docking draws are {brake_draw} and {steer_draw}; allowed: 0 to 1 and -1 to 1"
        )
    return DockingError(
        -measured_ahead_m - brake_draw * p.stop_near_m,
        -measured_left_m + steer_draw * unseen_left_m(p),
    )


def unseen_left_m(p: VehicleParameters) -> float:
    """The largest offset that half a step of the steering does not answer."""
    return p.steer_resolution_rad / 2 / LEFT_PER_M
