"""The controller of a container crane: modes, interlocks, protective functions, jogging, counters.

It moves the crane's body and sees it only through its sensors. Three interlocks are never off:
nothing is unlocked while the load cells feel a load or a landing pin is missing, nothing is hoisted
on one, two or three locks, and an automatic crane travels only above everything it may hit.
The move cycle is in `crane_mission`.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import simpy

from twin.clock import Clock
from twin.devices import crane_points
from twin.devices.base import Device, FaultKind, Parameter, worn_fault
from twin.devices.crane_mission import Cycle
from twin.devices.crane_words import (
    LATCHED,
    PARTS,
    WORN_BRAKING,
    CraneError,
    CraneMode,
    CraneParameters,
    Mission,
    MissionState,
    Protection,
    Trouble,
)
from twin.devices.wear import WORN
from twin.documents import ocr
from twin.trace import Trace
from twin.world.crane import Axis, BodyEvent, CraneBody
from twin.world.wind import GUST_NS, PEAK, Wind

_CORNERS = ("1", "2", "3", "4")
_STILL_M = 0.001
"""A load that swings less hangs still."""
_WATCH_S = 0.1
"""The controller looks at load cells and slack-rope switches this often while it matters."""


@dataclass(slots=True)
class SpeedLimits:
    """What clients ask for, by axis and direction (true: increasing), in % of the rated speed."""

    percent: dict[tuple[Axis, bool], float] = field(
        default_factory=lambda: {(a, p): 100.0 for a in Axis for p in (True, False)}
    )
    on: dict[tuple[Axis, bool], bool] = field(
        default_factory=lambda: {(a, p): False for a in Axis for p in (True, False)}
    )
    all_on: bool = False

    def share(self, axis: Axis, plus: bool) -> float:
        """The share of the rated speed that is kept now."""
        return self.percent[axis, plus] / 100.0 if self.all_on or self.on[axis, plus] else 1.0

    @property
    def asked(self) -> bool:
        """Whether any limit is in force."""
        return self.all_on or any(self.on.values())


class Crane(Device):
    """One automatic crane over its yard."""

    kind = "crane"
    PARTS = PARTS
    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        fault.kind: fault
        for fault in (
            FaultKind("estop", "an emergency stop button is pressed; healing releases it"),
            FaultKind("power", "the supply is gone: brakes fall in, a load stays suspended"),
            FaultKind(
                "twistlock_stuck",
                "one twist-lock does not turn",
                {"corner": Parameter("1", choices=_CORNERS, doc="which one")},
            ),
            FaultKind(
                "pin_dead",
                "one landing pin does not report that the spreader sits",
                {"corner": Parameter("1", choices=_CORNERS, doc="which one")},
            ),
            FaultKind("ocr_blind", "the cameras at the spreader read nothing"),
            FaultKind("ocr_misread", "the cameras confuse one character of every number"),
            FaultKind(
                "load_cell_drift",
                "the load cells show too much or too little",
                {"offset_kg": Parameter(2000.0, "kg", -50_000.0, 50_000.0, doc="error")},
            ),
            FaultKind(
                "anemometer_stuck",
                "the anemometer shows one value",
                {"value_m_s": Parameter(0.0, "m/s", 0.0, 75.0, doc="what it shows")},
            ),
            FaultKind(
                "drive_trip",
                "the drive of one axis trips: it brakes and does not start again",
                {"axis": Parameter("trolley", choices=tuple(a.value for a in Axis), doc="which")},
            ),
            FaultKind(
                "slow",
                "all drives run slower than ordered",
                {"factor": Parameter(0.5, "", 0.05, 1.0, doc="share of the ordered speed")},
            ),
            worn_fault(PARTS),
        )
    }

    def __init__(
        self, id: str, clock: Clock, trace: Trace, rng: random.Random, body: CraneBody,
        wind: Wind, parameters: CraneParameters | None = None,
    ) -> None:  # fmt: skip
        super().__init__(id, clock, trace, rng)
        self.body, self.wind = body, wind
        self.parameters = parameters or CraneParameters()
        self.mode = CraneMode.FULLAUTOMATIC
        self.trouble = Trouble.NONE
        self.active: set[Protection] = set()
        self.limits = SpeedLimits()
        self.cycles = 0
        self.brakings = 0
        self._moved_m = dict.fromkeys(Axis, 0.0)
        self._left_m = {axis: body.state(axis)[0] for axis in Axis}
        self.cycle = Cycle(self)
        self._jog: simpy.Timeout | None = None
        self._wind_timer: simpy.Timeout | None = None
        self._calm_since_ns: int | None = None
        body.on_event(self._body_event)
        wind.on_change(self._watch_wind)
        crane_points.offer(self)
        self._watch_wind()

    # --- sensors ----------------------------------------------------------------------------

    @property
    def powered(self) -> bool:
        """Whether the drives have power; the controller itself hangs on a battery."""
        return "power" not in self.faults

    @property
    def busy(self) -> bool:
        """Whether something moves or swings: a reading is then soon an old one."""
        return any(self.body.moving(axis) for axis in Axis) or self.sway_m() > _STILL_M

    @staticmethod
    def axis(name: str) -> Axis:
        """The axis of this name, in any case, or a `CraneError` with those that there are."""
        try:
            return Axis(name.lower())
        except ValueError:
            known = ", ".join(axis.value for axis in Axis)
            raise CraneError(f"axis {name!r} is not one of: {known}") from None

    def load_kg(self) -> float:
        """What the load cells show, in steps of 10 kg."""
        drift = self.faults.get("load_cell_drift")
        shown = self.body.load_kg + (float(drift["offset_kg"]) if drift else 0.0)
        return round(shown, -1) + 0.0

    def pins(self) -> tuple[bool, bool, bool, bool]:
        """What the landing pins report."""
        one, two, three, four = (
            landed and not self._is_at("pin_dead", number)
            for number, landed in enumerate(self.body.landed)
        )
        return one, two, three, four

    def slack(self) -> bool:
        """Whether more rope is slack than the limit."""
        return self.body.slack_m > self.parameters.slack_m

    def wind_m_s(self) -> float:
        """What the anemometer shows."""
        stuck = self.faults.get("anemometer_stuck")
        return float(stuck["value_m_s"]) if stuck else round(self.wind.speed_m_s(), 1)

    def sway_m(self) -> float:
        """The larger swing of both directions, m."""
        return round(
            max(self.body.sway_amplitude_m(axis) for axis in (Axis.GANTRY, Axis.TROLLEY)), 4
        )

    def moved_m(self, axis: Axis) -> float:
        """Way that the axis has made in all, at its last rest."""
        return round(self._moved_m[axis], 2)

    def dwp(self) -> float:
        """What is left of the designed working period of the hoist, %."""
        return round(max(0.0, 100.0 * (1 - self.wear.share("hoist"))), 6)

    def read_number(self) -> str:
        """What the cameras at the spreader read of the box below it; empty: nothing."""
        under = self.body.under
        box = self.body.held or (under.top if under is not None else None)
        if box is None or "ocr_blind" in self.faults:
            return ""
        if "ocr_misread" in self.faults:
            place = self.rng.randrange(4, 11)
            seen = ocr.confuse(box.number[place], self.rng)
            return box.number[:place] + seen + box.number[place + 1 :]
        return box.number

    def _is_at(self, kind: str, corner: int) -> bool:
        fault = self.faults.get(kind)
        return fault is not None and fault["corner"] == str(corner + 1)

    def external_control(self) -> int:
        """ExternalControlRequestEnum: 0 nothing asked, 1 applied, 3 bypassed by a hand."""
        if not self.limits.asked:
            return 0
        return 1 if self.mode in (CraneMode.SEMIAUTOMATIC, CraneMode.FULLAUTOMATIC) else 3

    # --- interlocks and protection ----------------------------------------------------------

    def why_not_unlock(self) -> str:
        """Why the locks stay closed; empty if they may open."""
        if self.load_kg() > self.parameters.tare_kg:
            return f"{self.load_kg():.0f} kg hang on the locks"
        if self.body.held is not None and not all(self.pins()):
            return "not every landing pin is pressed"
        return ""

    def why_not_hoist(self) -> str:
        """Why the hoist may not go up; empty if it may."""
        closed = sum(self.body.locks)
        if closed not in (0, 4):
            return f"{closed} of 4 twist-locks are closed"
        if Protection.OVERLOAD in self.active:
            return "overload: only lowering is allowed"
        return self.why_not_move()

    def why_not_move(self) -> str:
        """Why nothing may move at all; empty if it may."""
        if not self.powered:
            return "no power"
        for protection in (Protection.EMERGENCY_STOP, Protection.WIND, Protection.SLACK_ROPE):
            if protection in self.active:
                return f"{protection.value} is active"
        return ""

    def protect(self, protection: Protection, on: bool, cause: int = -1) -> None:
        """A protective function begins or ends; the beginning stops what it stops."""
        if on == (protection in self.active):
            return
        (self.active.add if on else self.active.discard)(protection)
        record = self.trace(self.id, "crane.protect", cause, function=protection.value, active=on)
        if on and protection is not Protection.TWIST_LOCK:
            self.halt(Trouble[protection.name], record)
        self.changed("protection")

    def halt(self, trouble: Trouble, cause: int = -1) -> None:
        """Stop every drive, hard except for an operator's stop, and hold the mission."""
        self.trouble = trouble
        hard = trouble is not Trouble.STOPPED
        for axis in Axis:
            if self.body.moving(axis):
                if hard:
                    self.brakings += 1
                    self.wear.use("brakes")
                    self._tire_brakes()
                self.body.stop(axis, emergency=hard, cause=cause)
        self.cycle.interrupt(trouble, cause)
        self.changed("halt")

    def _tire_brakes(self) -> None:
        self.body.brake_share = 1 - WORN_BRAKING * min(1.5, self.wear.share("brakes"))

    # --- orders -----------------------------------------------------------------------------

    def start(self, mission: Mission, cause: int = -1) -> None:
        """Begin a mission, or raise `CraneError` with the reason why not."""
        if self.mode not in (CraneMode.SEMIAUTOMATIC, CraneMode.FULLAUTOMATIC):
            raise CraneError(f"the crane is in mode {self.mode.name}")
        if reason := self.why_not_move():
            raise CraneError(reason)
        self.cycle.start(mission, cause)

    def stop(self, cause: int = -1) -> None:
        """Ramp everything down; a mission is suspended."""
        self.halt(Trouble.STOPPED, self._command("stop", cause))

    def resume(self, cause: int = -1) -> None:
        """Take up a suspended mission."""
        if reason := self.why_not_move():
            raise CraneError(reason)
        self.cycle.resume(self._command("resume", cause))

    def cancel(self, cause: int = -1) -> None:
        """End the present mission where it is; a box in the air stays there."""
        self.cycle.cancel(self._command("cancel", cause))

    def reset(self, cause: int = -1) -> None:
        """Take back latched protective functions; nothing moves by it."""
        record = self._command("reset", cause)
        for protection in LATCHED & self.active:
            self.protect(protection, False, record)
        self.trouble = Trouble.NONE
        self.changed("reset")

    def set_mode(self, mode: CraneMode, cause: int = -1) -> None:
        """Change the mode; a running mission must be stopped first."""
        if self.cycle.state is MissionState.RUNNING:
            raise CraneError(f"mission {self.cycle.name} runs: stop it first")
        self.mode = mode
        self._command(f"mode {mode.name}", cause)
        self.changed("mode")

    def jog(self, axis: Axis, speed: float, cause: int = -1) -> None:
        """Move by hand, `speed` from -1 to 1 of the rated one, until the dead-man time is over."""
        self._need_manual()
        reason = self.why_not_hoist() if axis is Axis.HOIST and speed > 0 else self.why_not_move()
        if reason:
            raise CraneError(reason)
        if not -1 <= speed <= 1:
            raise CraneError(f"speed {speed:g} is outside -1 to 1")
        record = self._command(f"jog {axis.value}", cause, speed=speed)
        if self._jog is not None and self._jog.callbacks is not None:
            self._jog.callbacks.clear()
        if speed == 0:
            self.body.stop(axis, cause=record)
            return
        limits = self.body.parameters.limits(axis)
        goal_m = limits.high_m if speed > 0 else limits.low_m
        self.go(axis, goal_m, top_m_s=abs(speed) * limits.speed_m_s, cause=record)
        self._jog = self.clock.call_later(
            self.parameters.dead_man_s, lambda: self.body.stop(axis, cause=record)
        )

    def turn_locks(self, close: bool, cause: int = -1) -> None:
        """Close or open the twist-locks by hand."""
        self._need_manual()
        if close and not all(self.pins()):
            raise CraneError("not every landing pin is pressed")
        if not close and (reason := self.why_not_unlock()):
            raise CraneError(reason)
        record = self._command("lock" if close else "unlock", cause)
        self.clock.env.process(self.turning(close, record))

    def turning(self, close: bool, cause: int) -> Generator[simpy.Event, Any, None]:
        """Turn all four locks; a stuck one stays. A process of `lock_s` seconds."""
        yield self.clock.timeout(self.parameters.lock_s)
        if not close and self.why_not_unlock():
            return  # what was true when it began must be true when the locks let go
        for corner in range(4):
            if not self._is_at("twistlock_stuck", corner):
                self.body.set_lock(corner, close, cause=cause)
        self.protect(Protection.TWIST_LOCK, sum(self.body.locks) not in (0, 4), cause)
        self.changed("locks")

    def go(
        self, axis: Axis, to_m: float, *, top_m_s: float | None = None, shaped: bool = False,
        cause: int = -1,
    ) -> None:  # fmt: skip
        """Drive an axis under the speed limits of clients and the state of its drive."""
        trip = self.faults.get("drive_trip")
        if trip is not None and trip["axis"] == axis.value:
            return
        up = to_m > self.body.state(axis)[0]
        # by hand the operator sees what he does: external limits are bypassed
        share = self.limits.share(axis, up) if self.external_control() == 1 else 1.0
        rated = self.body.parameters.limits(axis).speed_m_s
        slow = float(self.faults["slow"]["factor"]) if "slow" in self.faults else 1.0
        top = min(top_m_s or rated, share * rated) * slow
        if top <= 0:
            return
        self.body.move(axis, to_m, top_m_s=top, shaped=shaped, cause=cause)
        self.changed("moving")

    def _need_manual(self) -> None:
        if self.mode not in (CraneMode.MANUAL, CraneMode.MAINTENANCE):
            raise CraneError(f"the crane is in mode {self.mode.name}; set MANUAL first")

    def _command(self, name: str, cause: int, **more: Any) -> int:
        return self.trace(self.id, "device.command", cause, point=name, value=True, **more)

    # --- what happens by itself ---------------------------------------------------------------

    def _body_event(self, event: BodyEvent, axis: Axis | None, record: int) -> None:
        if event is BodyEvent.REST and axis is not None:
            place = self.body.state(axis)[0]
            self._moved_m[axis] += abs(place - self._left_m[axis])
            self._left_m[axis] = place
        elif event is BodyEvent.LIFTED:
            self.clock.env.process(self._watch_load(record))
        elif event is BodyEvent.LANDED:
            self.clock.env.process(self._watch_slack(record))
        self.cycle.wake()
        self.changed(event.value)

    def _watch_load(self, cause: int) -> Generator[simpy.Event, Any, None]:
        """The rated capacity limiter, while the load cells settle after a lift."""
        limit_kg = self.parameters.rated_kg * self.parameters.overload_share
        for _ in range(20):
            if self.load_kg() > limit_kg:
                self.protect(Protection.OVERLOAD, True, cause)
                return
            yield self.clock.timeout(_WATCH_S)

    def _watch_slack(self, cause: int) -> Generator[simpy.Event, Any, None]:
        """The slack-rope switch, while the hoist still pays out over a landed spreader."""
        while self.body.moving(Axis.HOIST):
            if self.slack():
                self.protect(Protection.SLACK_ROPE, True, cause)
                return
            yield self.clock.timeout(_WATCH_S)

    def _watch_wind(self) -> None:
        """Look at the anemometer; look again only while a gust could matter."""
        if self._wind_timer is not None and self._wind_timer.callbacks is not None:
            self._wind_timer.callbacks.clear()
        self._wind_timer = None
        p, speed, now = self.parameters, self.wind_m_s(), self.clock.env.now
        if speed > p.wind_stop_m_s:
            self._calm_since_ns = None
            self.protect(Protection.WIND, True)
        elif Protection.WIND in self.active:
            if speed > p.wind_release_m_s:
                self._calm_since_ns = None
            elif self._calm_since_ns is None:
                self._calm_since_ns = now
            elif now - self._calm_since_ns >= p.wind_release_s * 1e9:
                self.protect(Protection.WIND, False)
        if Protection.WIND in self.active or self.wind.mean_m_s * PEAK > p.wind_stop_m_s:
            wait_ns = GUST_NS - now % GUST_NS
            self._wind_timer = self.clock.call_later(wait_ns / 1e9, self._watch_wind)

    def _fault_changed(self, kind: str, cause: int) -> None:
        on = kind in self.faults
        if kind == WORN:
            self._tire_brakes()
        elif kind == "estop":
            self.protect(Protection.EMERGENCY_STOP, on, cause)
        elif kind == "power":
            self.body.power(not on, cause=cause)
            if on:
                self.halt(Trouble.POWER, cause)
        elif kind == "anemometer_stuck":
            self._watch_wind()
        elif kind == "drive_trip" and on:
            axis = Axis(str(self.faults[kind]["axis"]))
            if self.body.moving(axis):
                self.halt(Trouble.DRIVE, cause)
        self.changed(kind)

    def finished(self, load_kg: float) -> None:
        """A working cycle is over; it wears the crane by its load."""
        self.cycles += 1
        self.wear.use("hoist", (load_kg / self.parameters.rated_kg) ** 3)
