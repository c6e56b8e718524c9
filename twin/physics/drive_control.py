"""The motion controller of a vehicle: follows a planned motion with drive, brakes and steering.

It is what a maker's drive controller does: the planned acceleration and the known resistances
ahead, and what place and speed are wrong behind. It measures the body with the localisation error
that it is given, and its actuators lag.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from twin.physics.drive import DriveState, Leg
from twin.physics.drive_kinematic import KinematicMotion
from twin.physics.drive_plant import CONTROL_HZ, Command, PlanarState
from twin.physics.parameters import GRAVITY_M_S2
from twin.physics.path import wrapped
from twin.physics.steering import axle_angles
from twin.physics.vehicle_parameters import BrakeKind

LocalisationError = Callable[[float], tuple[float, float]]
"""From the time since the motion's begin to how far the measured place is ahead and to the left of
the true one, m."""

_PLACE_S2, _SPEED_S, _SUM_S3 = 2.0, 3.0, 0.5
"""Gains of place, speed and summed place error (estimates): a bandwidth of some 1.4 rad/s."""
_CATCH_UP_M = 0.5
"""A larger lag is not caught up faster than one of this size: no overspeed after a slip."""
LEFT_PER_M, _TURN_PER_M = 0.15, 0.3
"""Crab per metre to the left and curvature per radian of wrong heading (estimates): the path is
found again within some 7 m."""
_CRAB_MOST_RAD = math.radians(6)
_SETTLE_S = 2.0
"""How long the last centimetres may take after the planned end, before the brake is set."""
REST_M_S = 0.002
"""A body this slow with its brake on stands."""
_HOLD_SHARE = 1.5
"""Holding brake: this many times the service braking."""


class Pilot:
    """Follows one motion; `brake` is the kind of stop under way, None for a driven way."""

    def __init__(
        self,
        leg: Leg,
        start: DriveState,
        reference: KinematicMotion,
        *,
        brake: BrakeKind | None = None,
        localisation: LocalisationError | None = None,
    ) -> None:
        self.leg, self.start, self.reference, self.brake = leg, start, reference, brake
        self.localisation = localisation
        self.at_m = start.at_m
        self.speed_m_s = 0.0
        self.holding = False
        p = leg.vehicle
        self._mass = p.mass_kg(leg.load_kg)
        self._rolling_n = leg.conditions.surface.rolling * self._mass * GRAVITY_M_S2
        self._sloped = bool(leg.conditions.slopes)
        self._half = p.wheelbase_m / 2
        self._lag_s = p.drive_lag_s
        self._sum = 0.0
        dt = 1 / CONTROL_HZ
        self._force = self._wanted(start.acceleration_m_s2, 0.0, 0.0)
        self._steer_most = p.steer_rad_s * dt
        self._resolution = p.steer_resolution_rad
        self._drive_share = 1 - math.exp(-dt / p.drive_lag_s) if p.drive_lag_s else 1.0
        self._steer_share = 1 - math.exp(-dt / p.steer_lag_s) if p.steer_lag_s else 1.0
        curvature = leg.path.curvature_at(self.at_m)
        self._bend, self._base = curvature, -leg.path.body_at(self.at_m)
        self._same_from_m = self._same_to_m = math.nan
        self._front, self._rear = axle_angles(p, curvature, self._base)

    def body(self) -> PlanarState:
        """The body as the motion begins: moving along its wheels, turning with the path."""
        state, path = self.start, self.leg.path
        pose = state.pose or path.pose_at(state.at_m)
        course = pose.heading_rad - path.body_at(state.at_m)
        v = state.speed_m_s
        rate = v * path.curvature_at(state.at_m)
        return PlanarState(
            pose.x_m, pose.y_m, pose.heading_rad, v * math.cos(course), v * math.sin(course), rate
        )

    def begin(self) -> Command:
        """The actuators as the motion begins: wheels on the path, no force yet."""
        return Command(0.0, 0.0, self._front, self._rear)

    def go_on_from(self, before: Pilot) -> None:
        """Take over the actuators as another motion's pilot leaves them."""
        self._front, self._rear, self._force = before._front, before._rear, before._force
        if self.brake is None and before.brake is None:
            self._sum = before._sum

    def stands(self, command: Command) -> bool:
        """Whether the way is over: at rest, with a brake that holds."""
        if abs(self.speed_m_s) > REST_M_S or command.brake_n <= 0:
            return False
        return self.holding or self.brake is BrakeKind.EMERGENCY

    def command(self, t_s: float, state: PlanarState) -> Command:
        """What the actuators do in the next control period."""
        x, y, yaw, vx, vy, _ = state
        foot = self.leg.path.follow(x, y, self.at_m)
        at_m, left = foot.at_m, foot.left_m
        self.at_m = at_m
        c, s = math.cos(foot.course_rad), math.sin(foot.course_rad)
        self.speed_m_s = speed = vx * c + vy * s
        if self.localisation is not None:
            ahead, aside = self.localisation(t_s)
            at_m, left = at_m + ahead, left + aside
        ends_s = self.reference.duration_s
        if self.brake is BrakeKind.EMERGENCY:
            drive, brake = 0.0, self._emergency_n(t_s)
        elif (
            t_s >= ends_s + _SETTLE_S or (t_s >= ends_s and speed < 0.01)
            if self.brake
            else self.holding or self._there(t_s, at_m, speed)
        ):
            self.holding = True
            drive, brake = 0.0, _HOLD_SHARE * self.leg.vehicle.service_m_s2 * self._mass
        else:
            drive, brake = self._along(t_s, at_m, speed)
        self._steer(at_m, left, wrapped(yaw - foot.body_rad - foot.course_rad), speed)
        return Command(drive, brake, self._front, self._rear)

    def _there(self, t_s: float, at_m: float, speed: float) -> bool:
        """Whether the way is over: near enough, or out of time for the last centimetres."""
        over_s = t_s - self.reference.duration_s
        if over_s < 0 or speed > 0.05:
            return False
        return over_s > _SETTLE_S or at_m > self.reference.end.at_m - self.leg.vehicle.stop_near_m

    def _along(self, t_s: float, at_m: float, speed: float) -> tuple[float, float]:
        place, pace, rate, jerk = self.reference.row(t_s)
        rate += jerk * self._lag_s  # the drive answers that much later
        behind = place - at_m
        behind = max(-_CATCH_UP_M, min(_CATCH_UP_M, behind))
        slow = pace - speed
        if self.brake is not None:
            behind = 0.0  # a stop is a deceleration, not a place
        else:
            self._sum += behind / CONTROL_HZ
        wanted = self._wanted(rate, behind, slow)
        self._force += self._drive_share * (wanted - self._force)
        most = self.leg.vehicle.drive_force_n
        if speed > 0:
            most = min(most, self.leg.vehicle.drive_power_w / speed)
        force = min(self._force, most)
        if wanted > most:
            self._sum -= behind / CONTROL_HZ  # a saturated drive sums up nothing
        return (force, 0.0) if force > 0 else (0.0, -force)

    def _wanted(self, rate: float, behind: float, slow: float) -> float:
        """The force for the acceleration, the errors, rolling and grade (air is not known)."""
        rate += _PLACE_S2 * behind + _SPEED_S * slow + _SUM_S3 * self._sum
        force = self._mass * rate + self._rolling_n
        if self._sloped:
            grade = self.leg.conditions.grade_at(self.at_m)
            force += self._mass * GRAVITY_M_S2 * grade / math.hypot(1.0, grade)
        return force

    def _emergency_n(self, t_s: float) -> float:
        """All brakes, after their reaction, as fast as they build up."""
        p = self.leg.vehicle
        jerk, reaction_s = p.jerk_of(BrakeKind.EMERGENCY)
        full_n = p.emergency_force_n(self.leg.load_kg)
        built_n = max(0.0, t_s + 0.5 / CONTROL_HZ - reaction_s) * jerk * self._mass
        return min(full_n, built_n)

    def _steer(self, at_m: float, left: float, turned: float, speed: float) -> None:
        """Both axles towards the curve ahead, corrected for what is wrong, rate and lag kept."""
        path, p = self.leg.path, self.leg.vehicle
        if not self._same_from_m <= at_m <= self._same_to_m - speed * (p.steer_lag_s + 0.5):
            self._same_from_m, self._same_to_m = path.piece_at(at_m)
            # A curve begins at once, the wheels do not: look ahead by lag and half of the turning.
            now = path.curvature_at(at_m)
            soon = path.curvature_at(at_m + speed * (p.steer_lag_s + 0.5))
            turn_s = abs(soon - now) * self._half / p.steer_rad_s / 2
            self._bend = path.curvature_at(at_m + speed * (p.steer_lag_s + turn_s))
            self._base = -path.body_at(at_m)
        bend = self._bend - _TURN_PER_M * turned
        crab = max(-_CRAB_MOST_RAD, min(_CRAB_MOST_RAD, -LEFT_PER_M * left - turned))
        # `steering.axle_angles`, written out: this runs for every vehicle thirty times a second.
        c, s, turn = math.cos(self._base + crab), math.sin(self._base + crab), bend * self._half
        self._front = self._turned(self._front, math.atan2(s + turn, c))
        self._rear = self._turned(self._rear, math.atan2(s - turn, c))

    def _turned(self, angle: float, wanted: float) -> float:
        wanted = round(wanted / self._resolution) * self._resolution
        step = self._steer_share * wrapped(wanted - angle)
        return angle + max(-self._steer_most, min(self._steer_most, step))
