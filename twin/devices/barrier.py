"""The barrier's controller: what it believes, what it is told, and what it lets the motor do.

It sees the arm only through its own sensors (two limit switches, an encoder, the motor's torque)
and two inputs (a safety input, dry contacts). What it believes can therefore be wrong, and every
fault of the menu makes it wrong in a way that real barriers are. Event-driven: nothing is polled.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import simpy

from twin.clock import Clock
from twin.devices import barrier_wear
from twin.devices.barrier_points import offer
from twin.devices.barrier_words import (
    COMMANDS,
    CONTACTS,
    FAULTS,
    MOVING,
    BarrierError,
    BarrierParameters,
    GateStatus,
)
from twin.devices.base import Device, FaultKind
from twin.devices.wear import WORN, Part
from twin.errors import UnknownName
from twin.physics.engine import EventKind
from twin.trace import Trace
from twin.world.arm import Arm, ArmEvent

__all__ = ["COMMANDS", "CONTACTS", "Barrier", "BarrierError", "BarrierParameters", "GateStatus"]


class Barrier(Device):
    """Controller of one arm; its points are listed in docs/devices/barrier.md."""

    kind: ClassVar[str] = "barrier"
    FAULTS: ClassVar[Mapping[str, FaultKind]] = FAULTS
    PARTS: ClassVar[Mapping[str, Part]] = barrier_wear.PARTS

    def __init__(
        self,
        id: str,
        clock: Clock,
        trace: Trace,
        rng: random.Random,
        *,
        arm: Arm,
        parameters: BarrierParameters | None = None,
    ) -> None:
        super().__init__(id, clock, trace, rng)
        self.arm = arm
        self._new_arm = arm.parameters
        self.parameters = parameters or BarrierParameters()
        self.online = True
        """Has mains; a controller without it answers on no wire."""
        self.last_error = BarrierError.NONE
        self.operations = 0
        self.partial_operations = 0
        self.obstacle = False
        self.safety_input = False
        self.contacts = dict.fromkeys(CONTACTS, False)
        """Which dry contacts are closed."""
        self._contact_generation = dict.fromkeys(CONTACTS, 0)
        self.calibrated = self.parameters.calibrated
        """Whether it knows its ends."""
        self._went_up = False
        self._wish = GateStatus.UNKNOWN
        self._timers: dict[str, simpy.Timeout] = {}
        self._heat_c, self._heat_at_s = 0.0, 0.0
        self.status = self._status_at_rest()
        self._set_reversal()
        arm.on_event(self._arm_event)
        self._offer_points()

    # --- what it shows ---------------------------------------------------------------------------

    def _offer_points(self) -> None:
        offer(self)

    def position_percent(self) -> int | str:
        """0 closed to 100 open by the encoder; `unknown` without it or before calibration."""
        if not self.calibrated or "no_position_feedback" in self.faults:
            return "unknown"
        share = self.arm.state.angle_rad / self.arm.parameters.travel_rad
        return min(100, max(0, round(100 * share)))

    def limit(self, which: Literal["open", "closed"]) -> bool:
        """State of a limit switch as the controller and its terminals see it."""
        dead = self.faults.get("limit_switch_dead", {}).get("which")
        if dead in (which, "both"):
            return False
        return self.arm.at_open if which == "open" else self.arm.at_closed

    def temperature_c(self) -> int:
        """Of the board, which warms with every move."""
        age_s = self.clock.now_s() - self._heat_at_s
        heat = self._heat_c * math.exp(-age_s / self.parameters.cooling_s)
        return round(self.parameters.ambient_c + heat)

    # --- what it is told -------------------------------------------------------------------------

    def command(self, name: str, *, via: str = "wire", cause: int = -1) -> None:
        """Take one of `COMMANDS`. A dead controller does not even record it."""
        if name not in COMMANDS:
            raise UnknownName(f"command of {self.id}", name, COMMANDS)
        if not self.online:
            return
        record = self.trace(self.id, "device.command", cause, point=name, value=True, via=via)
        match name:
            case "open":
                self._order(GateStatus.OPENING, record)
            case "close":
                self._order(GateStatus.CLOSING, record)
            case "partial_open":
                self._order(GateStatus.PARTIAL_OPENING, record)
            case "stop":
                self._stop(record)
            case "step":
                self._step(record, through_stop=True)
            case "sequential":
                self._step(record, through_stop=False)
            case "reset":
                self._reset(record)

    def contact(self, name: str, closed: bool, *, cause: int = -1) -> None:
        """Close or open a dry contact (`open`, `close`, `stop`).

        A contact is a command once it has been closed for `input_s`. While the open contact is
        held, the arm stays up; while the stop contact is held, nothing starts.
        """
        if name not in self.contacts:
            raise UnknownName(f"contact of {self.id}", name, CONTACTS)
        if self.contacts[name] == closed:
            return
        self.contacts[name] = closed
        self._contact_generation[name] += 1
        generation = self._contact_generation[name]
        self.changed("inputs")

        def recognised() -> None:
            if self._contact_generation[name] == generation and self.contacts[name]:
                self.command(name, via="contact", cause=cause)

        if closed:
            self.clock.call_later(self.parameters.input_s, recognised)

    def set_safety_input(self, active: bool, *, cause: int = -1) -> None:
        """Photocell or safety loop: while active, the arm does not close; if closing, it opens."""
        if active == self.safety_input:
            return
        self.safety_input = active
        self.changed("safety_input")
        if active and self.online:
            self._after("safety", self.parameters.input_s, lambda: self._safety(cause))

    def power(self, on: bool, *, cause: int = -1) -> None:
        """Mains off or on. After a cut only an end switch tells where the arm is."""
        if on == self.online:
            return
        self.online = on
        self._forget()
        self.arm.power(on, cause=cause)
        if on:
            self.calibrated = self.limit("open") != self.limit("closed")
            self._error(BarrierError.POWER_FAILED)
        self._become(self._status_at_rest() if on else GateStatus.UNKNOWN, cause)
        self.changed("power")

    def release(self, on: bool, *, cause: int = -1) -> None:
        """The manual release: a released arm gives to a hand, and its position is lost."""
        self._forget()
        if on:
            self.calibrated = False
        self.arm.release(on, cause=cause)
        if not on:
            self.calibrated = self.limit("open") != self.limit("closed")
        self._become(GateStatus.UNKNOWN if on else self._status_at_rest(), cause)

    # --- what it decides -------------------------------------------------------------------------

    def _order(self, wish: GateStatus, cause: int) -> None:
        """Start a move after the motor's latency, unless an input forbids it."""
        closing = wish is GateStatus.CLOSING
        if "ok_but_no_motion" in self.faults or self.contacts["stop"] or self.arm.released:
            return
        if closing and (self.safety_input or self.contacts["open"]):
            return
        if "start" in self._timers and self._wish is wish:
            return  # it is about to start just so: a repeated order does not put it off
        self._drop("auto_close")
        self._wish = wish
        self._after("start", self.parameters.start_s, lambda: self._start(wish, cause))

    def _start(self, wish: GateStatus, cause: int, *, from_obstacle: bool = False) -> None:
        if wish is GateStatus.CLOSING and self.safety_input:
            return  # it came on while the motor was starting
        up = wish is not GateStatus.CLOSING
        if not self._has_to_move(wish, up):
            if self.status not in MOVING and self.limit("open" if up else "closed"):
                self._is_at_end(up, cause)
            return
        p, arm = self.parameters, self.arm
        to_deg = None
        if not self.calibrated:
            wish = GateStatus.CALIBRATING  # it does not know where half-way is either
        elif wish is GateStatus.PARTIAL_OPENING:
            to_deg = self._partial_deg()
        self._drop("reversal")
        self.obstacle = from_obstacle
        self._went_up = up
        self._count()
        record = self._become(wish, cause)
        # A search for the ends is given more time; a drive with a fault does not know of it.
        pace = 1.0 if self.calibrated else p.calibration_speed
        travel_s = (arm.parameters.open_s if up else arm.parameters.close_s) / pace
        self._after(
            "run_time", p.run_time_factor * travel_s + 1.0, lambda: self._ran_too_long(record)
        )
        self._age_arm()
        speed = pace * float(self.faults.get("slow", {}).get("factor", 1.0))
        speed *= barrier_wear.pace(self._new_arm, arm.parameters)
        arm.drive("up" if up else "down", speed=speed, to_deg=to_deg, cause=record)

    def _has_to_move(self, wish: GateStatus, up: bool) -> bool:
        """Whether the controller, as far as it knows, is not there or on its way there yet."""
        if self.status in MOVING:
            searching = self.status is GateStatus.CALIBRATING and up == self._went_up
            return wish is not self.status and not searching
        if wish is GateStatus.PARTIAL_OPENING and self.calibrated:
            return self.arm.angle_deg() < self._partial_deg() - 0.5
        return not self.limit("open" if up else "closed")

    def _partial_deg(self) -> float:
        full_deg = math.degrees(self.arm.parameters.travel_rad)
        return full_deg * self.parameters.partial_percent / 100

    def _stop(self, cause: int) -> None:
        self._forget()
        if self.status in MOVING:
            self.arm.drive("stop", cause=cause)
            self._become(GateStatus.STOPPED, cause)

    def _step(self, cause: int, *, through_stop: bool) -> None:
        """One button: open, (stop,) close, (stop,) in turn."""
        if self.status in MOVING and through_stop:
            self._stop(cause)
        elif self._went_up or self.status is GateStatus.OPEN:
            self._order(GateStatus.CLOSING, cause)
        else:
            self._order(GateStatus.OPENING, cause)

    def _reset(self, cause: int) -> None:
        """Restart the board: errors and the partial counter are cleared, a move is stopped."""
        self._stop(cause)
        self.last_error = BarrierError.NONE
        self.obstacle = False
        self.partial_operations = 0
        self.changed("reset")

    def _safety(self, cause: int) -> None:
        closing = self.status is GateStatus.CLOSING or (
            self.status is GateStatus.CALIBRATING and not self._went_up
        )
        if self.safety_input and closing:
            self._drive_up(cause, from_obstacle=False)

    def _drive_up(self, cause: int, *, from_obstacle: bool) -> None:
        self._forget()
        self._start(GateStatus.OPENING, cause, from_obstacle=from_obstacle)

    # --- what it feels ---------------------------------------------------------------------------

    def _arm_event(self, event: ArmEvent) -> None:
        if event.kind in (
            EventKind.LEFT_OPEN,
            EventKind.LEFT_CLOSED,
            EventKind.AT_OPEN,
            EventKind.AT_CLOSED,
        ):
            self.changed("limits")
        if not self.online or self.status not in MOVING:
            return
        if event.kind is EventKind.OVERLOAD:
            self._overload(event.record)
        elif event.kind is EventKind.REST:
            self._arrived(event.record)

    def _overload(self, cause: int) -> None:
        """The motor pushes harder than it should: an obstacle on the way down, or a jam."""
        if "no_reversal" in self.faults:
            return
        if self._went_up:
            self._fail(BarrierError.DRIVE_BLOCKED, cause)
            return
        self._error(BarrierError.OBSTACLE)
        self.changed("obstacle")
        # The motor goes on pushing until it reverses: that is what makes a late reversal hurt.
        delay_s = self._reversal_s()
        assert delay_s is not None
        self._after("reversal", delay_s, lambda: self._drive_up(cause, from_obstacle=True))

    def _arrived(self, cause: int) -> None:
        """The arm stands. Only a limit switch (or the encoder, between the ends) says where."""
        wish = self.status
        end: Literal["open", "closed"] = "open" if self._went_up else "closed"
        if wish is GateStatus.PARTIAL_OPENING:
            self._drop("run_time")
            self._become(GateStatus.PARTIAL_OPEN, cause)
        elif self.limit(end):
            self._drop("run_time")
            self._is_at_end(self._went_up, cause)
        # Otherwise the motor runs on against the end until its time is over.

    def _is_at_end(self, up: bool, cause: int) -> None:
        self.calibrated = True
        self._went_up = up
        self._become(GateStatus.OPEN if up else GateStatus.CLOSED, cause)
        if up:
            self._plan_auto_close(cause)

    def _ran_too_long(self, cause: int) -> None:
        both = self.limit("open") and self.limit("closed")
        self._fail(BarrierError.LIMIT_SWITCHES if both else BarrierError.RUN_TIME, cause)

    def _fail(self, error: BarrierError, cause: int) -> None:
        self._error(error)
        self._forget()
        self.arm.drive("stop", cause=cause)
        self._become(GateStatus.STOPPED, cause)

    def _plan_auto_close(self, cause: int) -> None:
        if self.parameters.auto_close_s > 0:
            self._after("auto_close", self.parameters.auto_close_s, lambda: self._auto_close(cause))

    def _auto_close(self, cause: int) -> None:
        if self.safety_input or self.contacts["open"]:
            self._plan_auto_close(cause)
        else:
            self._order(GateStatus.CLOSING, cause)

    # --- faults and small things -----------------------------------------------------------------

    def _fault_changed(self, kind: str, cause: int) -> None:
        active = kind in self.faults
        if kind == "stuck":
            self.arm.jam(active, cause=cause)
        elif kind == "power_cut":
            self.power(not active, cause=cause)
        elif kind in ("reversal_late", "no_reversal"):
            self._set_reversal()
        elif kind == "limit_switch_dead":
            self.changed("limits")
        elif kind == WORN:
            self._age_arm()

    def _age_arm(self) -> None:
        """The arm as worn as it is now, in steps of a hundredth of its life."""
        share = round(self.wear.share("drive"), 2)
        new = self._new_arm
        self.arm.parameters = barrier_wear.worn_arm(new, share, self.parameters.wear)

    def _reversal_s(self) -> float | None:
        if "no_reversal" in self.faults:
            return None
        late_s = float(self.faults.get("reversal_late", {}).get("delay_s", 0.0))
        return self.parameters.reversal_s + late_s

    def _set_reversal(self) -> None:
        self.arm.reversal_s = self._reversal_s()

    def _status_at_rest(self) -> GateStatus:
        if not self.calibrated:
            return GateStatus.UNKNOWN
        if self.limit("closed"):
            return GateStatus.CLOSED
        return GateStatus.OPEN if self.limit("open") else GateStatus.STOPPED

    def _become(self, status: GateStatus, cause: int) -> int:
        """Believe `status` from now on; returns the trace id."""
        if status is self.status:
            return cause
        self.status = status
        record = self.trace(
            self.id,
            "device.state",
            cause,
            state=status.value,
            position=self.position_percent(),
            error=int(self.last_error),
        )
        self.changed("gate_status")
        return record

    def _count(self) -> None:
        now_s = self.clock.now_s()
        age_s = now_s - self._heat_at_s
        self._heat_c *= math.exp(-age_s / self.parameters.cooling_s)
        self._heat_c, self._heat_at_s = self._heat_c + self.parameters.heating_c, now_s
        self.wear.use("drive", 0.5)
        if "counter_sticky" not in self.faults:
            self.operations += 1
            self.partial_operations += 1

    def _error(self, error: BarrierError) -> None:
        self.last_error = error

    def _after(self, what: str, seconds: float, action: Callable[[], None]) -> None:
        """Do `action` later, instead of whatever was waiting under the same name."""
        self._drop(what)

        def due() -> None:
            del self._timers[what]
            action()

        self._timers[what] = self.clock.call_later(seconds, due)

    def _drop(self, *names: str) -> None:
        for name in names:
            timer = self._timers.pop(name, None)
            if timer is not None and timer.callbacks is not None:
                timer.callbacks.clear()

    def _forget(self) -> None:
        """Drop everything that was about to happen by itself."""
        self._drop(*list(self._timers))
