"""The arm in closed form: the drive does exactly what it asks for, at the cost of a few sines."""

from __future__ import annotations

from dataclasses import dataclass

from twin.physics.engine import PRESSED_S, ArmPlan, EventKind, Move, PlannedEvent
from twin.physics.parameters import ArmParameters, ArmState, ContactPoint, Obstacle
from twin.physics.profile import Reference, reference
from twin.physics.simulate import OdeHinge, simulate, touch_point


@dataclass(frozen=True, slots=True)
class KinematicPlan:
    """A driven or braked move: a reference, seen from `offset_s` of it, cut off at a contact."""

    motion: Reference
    offset_s: float
    duration_s: float
    events: tuple[PlannedEvent, ...]
    blocked: bool
    driven: bool
    stop_rad: float

    @property
    def reference(self) -> Reference | None:
        """The motion the drive follows; None when the brake alone acts."""
        return self.motion if self.driven else None

    def at(self, t_s: float) -> ArmState:
        """The state at `t_s`."""
        if t_s >= self.duration_s:
            return ArmState(self.stop_rad)
        angle, speed, _ = self.motion.at(max(0.0, t_s) + self.offset_s)
        return ArmState(angle, speed)


class KinematicEngine:
    """Plans arm moves in closed form. A free fall alone is integrated: it has no closed form."""

    name = "kinematic"

    def __init__(self) -> None:
        self._hinge = OdeHinge()

    def plan(
        self, p: ArmParameters, start: ArmState, move: Move, obstacle: Obstacle | None = None
    ) -> ArmPlan:
        """Everything that follows from `start` if nothing intervenes."""
        if move.kind == "coast":
            return simulate(self._hinge, p, start, move, obstacle)
        point = touch_point(p, start, obstacle)
        if move.kind == "brake":
            return _plan(p, _braking(p, start), 0.0, start, point, driven=False)
        ref = move.begun or reference(p, start, move.goal_rad, speed=move.speed)
        return _plan(p, ref, move.elapsed_s, start, point, driven=True)

    def close(self) -> None:
        """Nothing to give back."""


def _braking(p: ArmParameters, start: ArmState) -> Reference:
    """Constant deceleration by the brake's torque; the end stops are never passed."""
    omega = start.speed_rad_s
    brake_s = abs(omega) * p.inertia_kg_m2 / (p.brake_limit_nm + p.friction_nm)
    turn = start.angle_rad + omega * brake_s / 2
    return Reference(start.angle_rad, omega, brake_s, turn, turn, 0.0, 1.0, trapezoid=False)


def _plan(
    p: ArmParameters,
    motion: Reference,
    offset_s: float,
    start: ArmState,
    point: ContactPoint | None,
    *,
    driven: bool,
) -> KinematicPlan:
    moves_s = max(0.0, motion.duration_s - offset_s)
    stop_rad = min(max(motion.goal_rad, 0.0), p.travel_rad)
    touch_s = _touch_s(motion, offset_s, start, point)
    if touch_s is None or point is None:
        events = _limits(p, motion, offset_s, moves_s)
        events.append(PlannedEvent(moves_s, EventKind.REST))
        return _sorted(motion, offset_s, moves_s, events, False, driven, stop_rad)
    events = _limits(p, motion, offset_s, touch_s)
    events.append(PlannedEvent(touch_s, EventKind.CONTACT))
    if driven:
        # A stiff body stops the arm at once: the torque passes the threshold with the touch.
        events.append(PlannedEvent(touch_s + p.overload_s, EventKind.OVERLOAD))
        events.append(PlannedEvent(touch_s + PRESSED_S, EventKind.BLOCKED))
    else:
        events.append(PlannedEvent(touch_s, EventKind.REST))
    return _sorted(motion, offset_s, touch_s, events, driven, driven, point.angle_rad)


def _sorted(
    motion: Reference,
    offset_s: float,
    moves_s: float,
    events: list[PlannedEvent],
    blocked: bool,
    driven: bool,
    stop_rad: float,
) -> KinematicPlan:
    events.sort(key=lambda event: event.at_s)
    return KinematicPlan(motion, offset_s, moves_s, tuple(events), blocked, driven, stop_rad)


def _touch_s(
    motion: Reference, offset_s: float, start: ArmState, point: ContactPoint | None
) -> float | None:
    """When the edge meets the body on its way down; 0 if it is on it and presses on."""
    if point is None or motion.duration_s <= offset_s:
        return None
    presses = start.speed_rad_s < 0 or motion.goal_rad < start.angle_rad - 1e-9
    if start.angle_rad <= point.angle_rad and presses:
        return 0.0
    for at_s in motion.crossing_s(point.angle_rad):
        if at_s > offset_s and motion.at(at_s)[1] < 0:
            return at_s - offset_s
    return None


def _limits(
    p: ArmParameters, motion: Reference, offset_s: float, until_s: float
) -> list[PlannedEvent]:
    """The instants at which the limit switches open and close."""
    found = []
    switches = (
        (p.limit_window_rad, EventKind.AT_CLOSED, EventKind.LEFT_CLOSED),
        (p.travel_rad - p.limit_window_rad, EventKind.LEFT_OPEN, EventKind.AT_OPEN),
    )
    for level, falling, rising in switches:
        for at_s in motion.crossing_s(level):
            t_s = at_s - offset_s
            if 0 <= t_s <= until_s:
                found.append(PlannedEvent(t_s, rising if motion.at(at_s)[1] > 0 else falling))
    return found
