"""The loop that drives one hinged body through one move, whatever integrates the body.

The engine owns inertia, gravity, viscous friction and the integration; this loop owns the balance
spring, the motor with its servo and torque limit, the brake, the end buffers and the touch of the
edge: the same for every engine, so that engines can be held against each other.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Protocol

from twin.physics.engine import (
    CONTACT_HZ,
    PRESSED_S,
    STEP_HZ,
    EventKind,
    Move,
    PlannedEvent,
    SampledPlan,
)
from twin.physics.parameters import ArmParameters, ArmState, ContactPoint, Obstacle
from twin.physics.profile import Reference, reference

SERVO_RAD_S = 30.0
"""Natural frequency of the drive's position servo, critically damped (estimate)."""

BUFFER_RAD_S = 40.0
"""Natural frequency of the arm on its rubber end buffers, damped at 0.7 (estimate)."""

REST_RAD = math.radians(0.1)
REST_RAD_S = 0.005
REBOUND_LIMIT_S = 3.0
COAST_LIMIT_S = 60.0


class Hinge(Protocol):
    """A boom on a horizontal axis: gravity and viscous friction are its own business."""

    def reset(self, p: ArmParameters, state: ArmState) -> None:
        """Become an arm of these parameters in this state."""

    def step(self, torque_nm: float, friction_nm: float, dt_s: float) -> tuple[float, float]:
        """Advance by `dt_s`; returns the new angle (rad) and speed (rad/s).

        `friction_nm` is the most that dry friction or the brake may take against the motion.
        """


class OdeHinge:
    """The rigid hinge as one equation, integrated in plain Python: the witness of the engines."""

    def reset(self, p: ArmParameters, state: ArmState) -> None:
        """Become an arm of these parameters in this state."""
        self._angle, self._speed = state.angle_rad, state.speed_rad_s
        self._inertia, self._gravity, self._damping = p.inertia_kg_m2, p.gravity_nm, p.damping_nm_s

    def step(self, torque_nm: float, friction_nm: float, dt_s: float) -> tuple[float, float]:
        """Semi-implicit Euler; dry friction is an impulse that can stop but never reverse."""
        load = torque_nm - self._gravity * math.cos(self._angle) - self._damping * self._speed
        speed = self._speed + load / self._inertia * dt_s
        grip = friction_nm / self._inertia * dt_s
        speed = math.copysign(max(0.0, abs(speed) - grip), speed)
        self._speed = speed
        self._angle += speed * dt_s
        return self._angle, speed


class Servo:
    """The drive: follows a reference, limited in torque, and notices when it pushes too hard."""

    __slots__ = (
        "_damping",
        "_expected",
        "_inertia",
        "_limit",
        "_p",
        "_stiffness",
        "reference",
        "residual_nm",
    )

    def __init__(self, p: ArmParameters, ref: Reference) -> None:
        self._p, self.reference = p, ref
        self._inertia, self._limit = p.inertia_kg_m2, p.motor_limit_nm
        self._stiffness = self._inertia * SERVO_RAD_S**2
        self._damping = 2 * self._inertia * SERVO_RAD_S
        self._expected = (1 - p.balance_share) * p.gravity_nm
        self.residual_nm = 0.0

    def torque_nm(self, t_s: float, angle_rad: float, speed_rad_s: float) -> float:
        """The motor's torque now; `residual_nm` is what of it the known load does not explain."""
        want, rate, acceleration = self.reference.at(t_s)
        # The drive knows its own load: the boom, the spring's share and the gear's friction.
        expected = (
            self._inertia * acceleration
            + self._expected * math.cos(angle_rad)
            + self._p.damping_nm_s * rate
            + math.copysign(self._p.friction_nm, rate) * (rate != 0.0)
        )
        torque = (
            expected + self._stiffness * (want - angle_rad) + self._damping * (rate - speed_rad_s)
        )
        torque = max(-self._limit, min(self._limit, torque))
        self.residual_nm = abs(torque - expected)
        return torque


def passive_nm(p: ArmParameters, angle_rad: float, speed_rad_s: float) -> float:
    """Balance spring and end buffers: what acts without any power."""
    torque = p.balance_share * p.gravity_nm * math.cos(angle_rad)
    if angle_rad < 0.0:
        over = -angle_rad
        push = BUFFER_RAD_S**2 * over - 1.4 * BUFFER_RAD_S * speed_rad_s
        torque += p.inertia_kg_m2 * max(0.0, push)
    elif angle_rad > p.travel_rad:
        over = angle_rad - p.travel_rad
        push = BUFFER_RAD_S**2 * over + 1.4 * BUFFER_RAD_S * speed_rad_s
        torque -= p.inertia_kg_m2 * max(0.0, push)
    return torque


def touch_point(
    p: ArmParameters, start: ArmState, obstacle: Obstacle | None
) -> ContactPoint | None:
    """Where this move meets the obstacle; a body that came in under the arm is met at once."""
    point = p.contact_with(obstacle) if obstacle is not None else None
    if point is not None and start.angle_rad < point.angle_rad:
        point = replace(point, angle_rad=start.angle_rad)
    return point


def contact_force_n(point: ContactPoint, angle_rad: float, speed_rad_s: float) -> float:
    """Force of the edge on the body at `point`: a spring and a damper that can only push."""
    depth_m = (point.angle_rad - angle_rad) * point.radius_m
    if depth_m <= 0.0:
        return 0.0
    closing_m_s = -speed_rad_s * point.radius_m
    return max(0.0, point.stiffness_n_m * depth_m + point.damping_n_s_m * closing_m_s)


def simulate(
    hinge: Hinge, p: ArmParameters, start: ArmState, move: Move, obstacle: Obstacle | None
) -> SampledPlan:
    """One move of one arm on one hinge, until rest, a standstill against a body, or the limit."""
    return _Run(hinge, p, start, move, obstacle).run()


class _Run:
    """The state of one simulated move."""

    def __init__(
        self, hinge: Hinge, p: ArmParameters, start: ArmState, move: Move, obstacle: Obstacle | None
    ) -> None:
        self.p, self.move, self.hinge = p, move, hinge
        self.point = touch_point(p, start, obstacle)
        self.servo: Servo | None = None
        limit_s = COAST_LIMIT_S
        if move.kind == "drive":
            ref = move.begun or reference(p, start, move.goal_rad, speed=move.speed)
            self.servo = Servo(p, ref)
            # An arm that needs twice its time is not coming any more.
            limit_s = 2 * ref.duration_s + 1.0
        self.limit_s = limit_s
        self.friction_nm = p.friction_nm + (p.brake_limit_nm if move.kind == "brake" else 0.0)
        self.times, self.angles, self.speeds = [0.0], [start.angle_rad], [start.speed_rad_s]
        self.events: list[PlannedEvent] = []
        self.touched_s: float | None = None
        self.over_s: float | None = None
        self.overloaded = False
        hinge.reset(p, start)

    def run(self) -> SampledPlan:
        p, servo, point, step = self.p, self.servo, self.point, self.hinge.step
        times, angles, speeds = self.times, self.angles, self.speeds
        angle, speed, t_s, ran_s = angles[0], speeds[0], 0.0, self.move.elapsed_s
        closed_below, open_above = p.limit_window_rad, p.travel_rad - p.limit_window_rad
        blocked = False
        while True:
            dt_s = 1 / STEP_HZ
            torque = passive_nm(p, angle, speed)
            if servo is not None:
                torque += servo.torque_nm(ran_s + t_s, angle, speed)
                if servo.residual_nm > p.overload_nm:
                    self._over(t_s)
                else:
                    self.over_s = None
            if point is not None and angle - point.angle_rad < 0.01 - 2 * speed * dt_s:
                dt_s = 1 / CONTACT_HZ
                force_n = contact_force_n(point, angle, speed)
                torque += force_n * point.radius_m
                if force_n > 0.0 and self.touched_s is None:
                    self.touched_s = t_s
                    self.events.append(PlannedEvent(t_s, EventKind.CONTACT))
            was = angle
            angle, speed = step(torque, self.friction_nm, dt_s)
            t_s += dt_s
            times.append(t_s)
            angles.append(angle)
            speeds.append(speed)
            if (was <= closed_below) != (angle <= closed_below):
                kind = EventKind.AT_CLOSED if angle <= closed_below else EventKind.LEFT_CLOSED
                self._crossed(kind, closed_below, was, angle, t_s, dt_s)
            if (was >= open_above) != (angle >= open_above):
                kind = EventKind.AT_OPEN if angle >= open_above else EventKind.LEFT_OPEN
                self._crossed(kind, open_above, was, angle, t_s, dt_s)
            if servo is not None and self._pressed(t_s, angle, speed):
                blocked = True
                break
            if abs(speed) < REST_RAD_S and self._settled(angle, speed, ran_s + t_s):
                break
            if t_s >= self.limit_s:
                blocked = servo is not None
                break
        speeds[-1] = 0.0
        last = EventKind.BLOCKED if blocked else EventKind.REST
        self.events.append(PlannedEvent(t_s, last))
        events = tuple(sorted(self.events, key=lambda event: event.at_s))
        ref = servo.reference if servo is not None else None
        return SampledPlan(times, angles, speeds, events, blocked=blocked, reference=ref)

    def _settled(self, angle: float, speed: float, driven_s: float) -> bool:
        if self.servo is not None:
            ref = self.servo.reference
            return driven_s >= ref.duration_s and abs(angle - ref.goal_rad) < REST_RAD
        if self.move.kind == "brake":
            return True
        # A free arm rests where friction or a buffer holds the rest of gravity.
        load = passive_nm(self.p, angle, speed) - self.p.gravity_nm * math.cos(angle)
        return abs(load) <= self.friction_nm or (self.point is not None and speed == 0.0)

    def _pressed(self, t_s: float, angle: float, speed: float) -> bool:
        """Whether the arm, after its rebounds, stands pressing on the body (or never will)."""
        if self.touched_s is None or self.point is None:
            return False
        since_s = t_s - self.touched_s
        touching = angle < self.point.angle_rad + REST_RAD
        calm = touching and abs(speed) < 4 * REST_RAD_S
        return since_s >= REBOUND_LIMIT_S or (since_s >= PRESSED_S and calm)

    def _over(self, t_s: float) -> None:
        if self.over_s is None:
            self.over_s = t_s
        elif not self.overloaded and t_s - self.over_s >= self.p.overload_s:
            self.overloaded = True
            self.events.append(PlannedEvent(t_s, EventKind.OVERLOAD))

    def _crossed(
        self, kind: EventKind, level: float, was: float, now: float, t_s: float, dt_s: float
    ) -> None:
        share = (level - was) / (now - was)
        self.events.append(PlannedEvent(t_s - dt_s + share * dt_s, kind))


class OdeEngine:
    """The rigid hinge integrated in plain Python: no package needed, the third witness."""

    name = "ode"

    def __init__(self) -> None:
        self._hinge = OdeHinge()

    def plan(
        self, p: ArmParameters, start: ArmState, move: Move, obstacle: Obstacle | None = None
    ) -> SampledPlan:
        """Everything that follows from `start` if nothing intervenes."""
        return simulate(self._hinge, p, start, move, obstacle)

    def close(self) -> None:
        """Nothing to give back."""
