"""The motion a drive asks for, in closed form: brake what moves, then travel from rest to rest."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twin.physics.parameters import ArmParameters, ArmState, PhysicsError


@dataclass(frozen=True, slots=True)
class Reference:
    """Angle, speed and acceleration over time of one driven move.

    A moving arm is first brought to rest at the drive's own rate over `brake_s` seconds; from
    there it travels to the goal in `travel_s` seconds. A shorter way takes a shorter time at the
    same peak acceleration (`sin2`) or the same ramps and cruise (`trapezoid`).
    """

    start_rad: float
    speed_rad_s: float
    brake_s: float
    turn_rad: float
    goal_rad: float
    travel_s: float
    ramp_s: float
    trapezoid: bool

    @property
    def duration_s(self) -> float:
        """Time from the command to rest."""
        return self.brake_s + self.travel_s

    def at(self, t_s: float) -> tuple[float, float, float]:
        """Angle (rad), speed (rad/s) and acceleration (rad/s^2) at `t_s` after the start."""
        if t_s < self.brake_s:
            rate = -self.speed_rad_s / self.brake_s
            speed = self.speed_rad_s + rate * t_s
            return self.start_rad + (self.speed_rad_s + speed) / 2 * t_s, speed, rate
        t_s -= self.brake_s
        if t_s >= self.travel_s:
            return self.goal_rad, 0.0, 0.0
        way = self.goal_rad - self.turn_rad
        if self.trapezoid:
            return self._trapezoid(t_s, way)
        turn = math.tau / self.travel_s
        phase = turn * t_s
        mean = way / self.travel_s
        return (
            self.turn_rad + mean * t_s - way * math.sin(phase) / math.tau,
            mean * (1 - math.cos(phase)),
            mean * turn * math.sin(phase),
        )

    def _trapezoid(self, t_s: float, way: float) -> tuple[float, float, float]:
        cruise = way / (self.travel_s - self.ramp_s)
        rate = cruise / self.ramp_s
        if t_s < self.ramp_s:
            return self.turn_rad + rate * t_s * t_s / 2, rate * t_s, rate
        left_s = self.travel_s - t_s
        if left_s < self.ramp_s:
            return self.goal_rad - rate * left_s * left_s / 2, rate * left_s, -rate
        return self.turn_rad + cruise * (t_s - self.ramp_s / 2), cruise, 0.0

    def crossing_s(self, level_rad: float) -> list[float]:
        """The times, in order, at which the angle passes `level_rad` (at most two)."""
        found = []
        pieces = ((0.0, self.brake_s), (self.brake_s, self.duration_s))
        for begin_s, end_s in pieces:
            if end_s <= begin_s:
                continue
            below = self.at(begin_s)[0] < level_rad
            if below == (self.at(end_s)[0] < level_rad):
                continue
            # The angle is monotone within a piece; 50 halvings are exact to the last bit that
            # a nanosecond clock can show.
            low_s, high_s = begin_s, end_s
            for _ in range(50):
                middle_s = (low_s + high_s) / 2
                if (self.at(middle_s)[0] < level_rad) == below:
                    low_s = middle_s
                else:
                    high_s = middle_s
            found.append(high_s)
        return found


def reference(
    p: ArmParameters, start: ArmState, goal_rad: float, *, speed: float = 1.0
) -> Reference:
    """The closed-form move from `start` to rest at `goal_rad`; `speed` 0.5 takes twice as long."""
    if not speed > 0:
        raise PhysicsError(f"arm speed factor is {speed}; it must be above 0 (1 is nominal)")
    if not -1e-9 <= goal_rad <= p.travel_rad + 1e-9:
        raise PhysicsError(f"arm goal is {goal_rad} rad; allowed: 0 to {p.travel_rad}")
    omega = start.speed_rad_s
    brake_s = abs(omega) / p.reversing_rad_s2
    turn = start.angle_rad + omega * brake_s / 2
    way = abs(goal_rad - turn)
    full_s = (p.open_s if goal_rad > turn else p.close_s) / speed
    trapezoid = p.profile == "trapezoid"
    ramp_s = p.ramp_share * full_s
    if not trapezoid:
        travel_s = full_s * math.sqrt(way / p.travel_rad)
    else:
        cruise = p.travel_rad / (full_s - ramp_s)
        if way >= cruise * ramp_s:
            travel_s = way / cruise + ramp_s
        else:
            ramp_s = math.sqrt(way * ramp_s / cruise)
            travel_s = 2 * ramp_s
    return Reference(start.angle_rad, omega, brake_s, turn, goal_rad, travel_s, ramp_s, trapezoid)
