"""The arm of a lane: what physically moves, on the clock.

The barrier's motor calls `drive`; drivers and loops see `angle_deg`. A whole move is planned ahead
by the physics engine; the arm only waits for the next event of the plan, and plans again from the
state of the instant when a command, a power cut or a vehicle intervenes. It knows no controller:
that an arm *reverses* on an obstacle is the barrier's business, that it *feels* one is the arm's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import simpy

from twin.clock import NS, Clock
from twin.physics.edge_force import edge_force
from twin.physics.engine import ArmEngine, ArmPlan, EventKind, Move
from twin.physics.engine_process import PendingPlan
from twin.physics.parameters import ArmParameters, ArmState, ContactPoint, Obstacle
from twin.trace import Trace

__all__ = ["Arm", "ArmEvent", "Obstacle"]

Direction = Literal["up", "down", "stop"]

_CLEAR_RAD = math.radians(0.2)
"""An arm this little below a vehicle's corner does not count as touched by it yet."""
_ANGLE_DIGITS = 3
"""Digits of angles in the trace: a thousandth of a degree is a tenth of a millimetre at the tip."""
_RECORD_S = 1.5
"""A contact is followed beyond the norm's 0.75 s for as long as a rebound takes to come back."""


@dataclass(frozen=True, slots=True)
class ArmEvent:
    """Something that happened to the arm; `record` is the trace id behind it."""

    kind: EventKind
    angle_deg: float
    record: int
    vehicle: str | None = None


class Arm:
    """One arm: its state at any instant, its motion, and who is told what happens to it."""

    def __init__(
        self,
        id: str,
        clock: Clock,
        trace: Trace,
        engine: ArmEngine,
        parameters: ArmParameters,
        *,
        angle_deg: float = 0.0,
    ) -> None:
        self.id, self.clock, self.trace = id, clock, trace
        self.engine, self.parameters = engine, parameters
        self.powered = True
        self.released = False
        self.jammed = False
        self.reversal_s: float | None = None
        """How long after an overload the controller reverses (it says so); for the force record."""
        self._state = ArmState(math.radians(angle_deg))
        self._plan: ArmPlan | None = None
        self._move = Move("brake")
        self._began_ns = 0
        self._standing = True
        self._record = -1
        self._next = 0
        self._timer: simpy.Timeout | None = None
        self._obstacle: Obstacle | None = None
        self._touching: str | None = None
        self._watchers: list[Callable[[ArmEvent], None]] = []

    # --- what can be seen ------------------------------------------------------------------------

    @property
    def state(self) -> ArmState:
        """Angle and angular speed now."""
        if self._plan is None:
            return self._state
        return self._plan.at((self.clock.env.now - self._began_ns) / NS)

    def angle_deg(self) -> float:
        """0 is closed (horizontal), 90 is open (vertical)."""
        return math.degrees(self.state.angle_rad)

    @property
    def moving(self) -> bool:
        """Whether the arm moves now."""
        return not self._standing

    @property
    def at_open(self) -> bool:
        """Within the window of the open limit switch."""
        p = self.parameters
        # The nanosecond clock may be a hair before the crossing that it was woken for.
        return self.state.angle_rad >= p.travel_rad - p.limit_window_rad - 1e-6

    @property
    def at_closed(self) -> bool:
        """Within the window of the closed limit switch."""
        return self.state.angle_rad <= self.parameters.limit_window_rad + 1e-6

    def on_event(self, callback: Callable[[ArmEvent], None]) -> None:
        """Call `callback` with everything that happens to the arm."""
        self._watchers.append(callback)

    # --- what acts on it -------------------------------------------------------------------------

    def drive(
        self,
        direction: Direction,
        *,
        speed: float = 1.0,
        to_deg: float | None = None,
        cause: int = -1,
    ) -> None:
        """Let the motor move the arm, or stop it with its brake.

        `speed` is a factor of the nominal speed; `to_deg` a place between the ends. Without power
        and while released by hand nothing happens; a jammed arm only strains its motor.
        """
        if not self.powered or self.released:
            return
        if direction == "stop":
            if self._plan is not None:
                self._begin(Move("brake"), "stop", 0.0, cause)
            return
        end_rad = self.parameters.travel_rad if direction == "up" else 0.0
        goal_rad = end_rad if to_deg is None else math.radians(to_deg)
        move = Move("drive", goal_rad, speed)
        if self._driving_freely() and (self._move.kind, self._move.goal_rad, self._move.speed) == (
            "drive",
            goal_rad,
            speed,
        ):
            return  # it is on its way there already
        if self.jammed:
            self._strain(cause)
            return
        state = self.state
        if self._plan is None and abs(state.angle_rad - goal_rad) < 1e-6:
            self._later(0.0, EventKind.REST)
            return
        if direction == "up":
            self._touching = None
        self._begin(move, direction, speed, cause)

    def power(self, on: bool, *, cause: int = -1) -> None:
        """Cut or restore the motor's supply; without it the brake holds or lets go (parameter)."""
        if on == self.powered:
            return
        self.powered = on
        record = self.trace(self.id, "arm.power", cause, on=on)
        if not on:
            falls = not self.parameters.brake_holds
            if falls or self._plan is not None:
                self._begin(Move("coast" if falls else "brake"), "stop", 0.0, record)
        elif self._plan is not None:
            self._begin(Move("brake"), "stop", 0.0, record)

    def release(self, on: bool, *, cause: int = -1) -> None:
        """Pull (or put back) the manual release: motor and brake are off the arm."""
        if on == self.released:
            return
        self.released = on
        self._begin(Move("coast" if on else "brake"), "stop", 0.0, cause)

    def push(self, to_deg: float, *, speed: float = 0.5, cause: int = -1) -> bool:
        """Move a released arm by hand; False if it is not released and does not give."""
        if not self.released:
            return False
        goal_rad = math.radians(to_deg)
        way: Direction = "up" if goal_rad > self.state.angle_rad else "down"
        self._begin(Move("drive", goal_rad, speed), way, speed, cause)
        return True

    def jam(self, on: bool, *, cause: int = -1) -> None:
        """Block the arm mechanically where it stands, or free it."""
        if on and self._plan is not None:
            straining = self._move.kind == "drive" and not self.released
            self._stop_here(cause)
            if straining:
                self._strain(cause)
        self.jammed = on

    def set_obstacle(self, obstacle: Obstacle | None) -> None:
        """Say what stands under the arm now; None when the way is clear."""
        if obstacle == self._obstacle:
            return
        self._obstacle = obstacle
        point = self.parameters.contact_with(obstacle) if obstacle is not None else None
        if point is None:
            self._touching = None
        elif obstacle is not None and self.state.angle_rad < point.angle_rad - _CLEAR_RAD:
            falling = self._plan is not None and self.state.speed_rad_s < 0
            self._hit(obstacle, point, by="arm" if falling else "vehicle")
            self._tell(EventKind.CONTACT)
        if self._plan is not None and self._touched_by_change(point):
            self._replan()

    # --- the move under way ----------------------------------------------------------------------

    def _driving_freely(self) -> bool:
        return not self._standing and not self._held_up()

    def _held_up(self) -> bool:
        """Whether the move under way has met its obstacle already."""
        assert self._plan is not None
        return any(event.kind is EventKind.CONTACT for event in self._plan.events[: self._next])

    def _touched_by_change(self, point: ContactPoint | None) -> bool:
        """Whether the plan would be another with or without what has just come or gone."""
        assert self._plan is not None
        if point is None:
            return any(event.kind is EventKind.CONTACT for event in self._plan.events)
        state = self.state
        downwards = state.speed_rad_s < 0 or self._move.goal_rad < state.angle_rad
        return downwards and self._move.kind != "brake"

    def _replan(self) -> None:
        """Go on with the same move from the present state, with or without the obstacle."""
        assert self._plan is not None
        state, motion = self.state, self._plan.reference
        elapsed_s = self._move.elapsed_s + (self.clock.env.now - self._began_ns) / NS
        if motion is None or self._held_up():
            # The drive gave up following: it starts anew from where it was held up.
            move = Move(self._move.kind, self._move.goal_rad, self._move.speed)
        else:
            kind, goal, speed = self._move.kind, self._move.goal_rad, self._move.speed
            move = Move(kind, goal, speed, motion, elapsed_s)
        self._start(move, state)

    def _begin(self, move: Move, direction: Direction, speed: float, cause: int) -> None:
        state = self.state
        self._record = self.trace(
            self.id,
            "arm.motion",
            cause,
            direction=direction,
            angle_deg=_degrees(state),
            speed=speed,
        )
        self._start(move, state)

    def _start(self, move: Move, state: ArmState) -> None:
        self._move, self._began_ns, self._next = move, self.clock.env.now, 0
        plan = self._plan = self.engine.plan(self.parameters, state, move, self._obstacle)
        self._standing = False
        if isinstance(plan, PendingPlan):
            plan.on_ready(lambda better: self._improve(plan, better))
        self._await_next()

    def _improve(self, pending: PendingPlan, plan: ArmPlan) -> None:
        """Go on with the engine's plan of the move under way, unless it comes too late."""
        if self._plan is not pending:
            return  # another move has begun, and asked for a plan of its own
        happened = [event.kind for event in pending.events[: self._next]]
        agreed = happened == [event.kind for event in plan.events[: self._next]]
        if agreed and not self._standing:
            self._plan = plan
            self._await_next()

    def _plan_is_late(self) -> None:
        """Say that this move was, to its end, the closed form and not the engine's."""
        self.trace(self.id, "arm.plan_late", self._record, engine=self.engine.name)

    def _stop_here(self, cause: int) -> None:
        """Stand still at once, whatever was planned."""
        self._state, self._plan, self._standing = ArmState(self.state.angle_rad), None, True
        self._cancel()
        self._record = self.trace(
            self.id,
            "arm.motion",
            cause,
            direction="stop",
            angle_deg=_degrees(self._state),
            speed=0.0,
        )
        self._rested()

    def _await_next(self) -> None:
        self._cancel()
        assert self._plan is not None
        events = self._plan.events
        if self._next >= len(events):
            return
        due_ns = self._began_ns + math.ceil(events[self._next].at_s * NS)
        delay_s = max(0, due_ns - self.clock.env.now) / NS
        self._timer = self.clock.call_later(delay_s, self._due)

    def _cancel(self) -> None:
        if self._timer is not None and self._timer.callbacks is not None:
            self._timer.callbacks.clear()
        self._timer = None

    def _due(self) -> None:
        self._timer = None
        assert self._plan is not None
        plan = self._plan
        kind = plan.events[self._next].kind
        self._next += 1
        if isinstance(plan, PendingPlan) and kind in (EventKind.REST, EventKind.BLOCKED):
            self._plan_is_late()
        if kind is EventKind.CONTACT:
            self._contact()
        elif kind is EventKind.REST:
            self._state, self._plan, self._standing = self.state, None, True
            self._rested()
        elif kind is EventKind.BLOCKED:
            self._standing = True
            self._rested()
        if self._plan is plan and self._timer is None:
            self._await_next()
        self._tell(kind)

    def _rested(self) -> None:
        state = self.state
        at = "closed" if self.at_closed else "open" if self.at_open else "between"
        self._record = self.trace(
            self.id, "arm.rest", self._record, angle_deg=_degrees(state), at=at
        )

    def _strain(self, cause: int) -> None:
        """A motor that pushes against a jam feels it after its detection time."""
        self._record = cause
        self._later(self.parameters.overload_s, EventKind.OVERLOAD)

    def _later(self, seconds: float, kind: EventKind) -> None:
        self._cancel()
        self._timer = self.clock.call_later(seconds, lambda: self._tell(kind))

    def _tell(self, kind: EventKind) -> None:
        vehicle = self._touching if kind is EventKind.CONTACT else None
        event = ArmEvent(kind, self.angle_deg(), self._record, vehicle)
        for watcher in self._watchers:
            watcher(event)

    # --- touch -----------------------------------------------------------------------------------

    def _contact(self) -> None:
        obstacle = self._obstacle
        if obstacle is None or obstacle.vehicle == self._touching:
            return
        point = self.parameters.contact_with(obstacle)
        if point is not None:
            self._hit(obstacle, point, by="arm")

    def _hit(self, obstacle: Obstacle, point: ContactPoint, *, by: str) -> None:
        """Record a touch with the forces that the norm's instrument would show there.

        `by` says what moved: the arm onto the vehicle, or the vehicle into an arm that stood or
        rose.
        """
        self._touching = obstacle.vehicle
        if by == "arm":
            peak_n, after_n = self._measure(point, obstacle.stiffness_n_m)
        else:
            mass_kg = self.parameters.effective_mass_kg(point.radius_m)
            peak_n = obstacle.speed_m_s * math.sqrt(point.stiffness_n_m * mass_kg)
            after_n = 0.0
        self._record = self.trace(
            self.id,
            "arm.contact",
            self._record,
            vehicle=obstacle.vehicle,
            angle_deg=_degrees(self.state),
            by=by,
            peak_n=round(peak_n, 1),
            after_750ms_n=round(after_n, 1),
        )

    def _measure(self, point: ContactPoint, stiffness_n_m: float) -> tuple[float, float]:
        """Peak force, and the highest from 0.75 s on, of the arm's present motion, N."""
        assert self._plan is not None
        elapsed_s = (self.clock.env.now - self._began_ns) / NS
        # An engine's plan has the arm pressed in or thrown back already; the speed of the hit
        # is that of the instant before.
        state = self._plan.at(max(0.0, elapsed_s - 1e-6))
        motion = self._plan.reference
        record = edge_force(
            self.parameters,
            radius_m=point.radius_m,
            angle_rad=state.angle_rad,
            speed_rad_s=min(0.0, state.speed_rad_s),
            reversal_s=self.reversal_s,
            motor=motion is not None,
            drive=None if motion is None else (motion, self._move.elapsed_s + elapsed_s),
            stiffness_n_m=stiffness_n_m,
            record_s=_RECORD_S,
        )
        return record.peak_n, record.static_n


def _degrees(state: ArmState) -> float:
    return round(math.degrees(state.angle_rad), _ANGLE_DIGITS) + 0.0  # no minus zero
