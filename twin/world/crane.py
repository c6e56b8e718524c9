"""The body of a rail-mounted gantry crane: three axes, ropes, spreader, and what hangs on it.

It knows no controller. Told to unlock with a box in the air it drops the box; told to hoist on two
of four twist-locks it lifts the box askew; both are recorded as hazards. What the controller must
never do is therefore something that can be seen to happen.

The frame is the crane's own: gantry along its rails, trolley across, hoist upwards; a place of the
hoist is the height of the spreader's underside above the ground. Not modelled: elasticity of the
ropes, skew, wind on the load, and collisions of a load that travels too low.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import simpy

from twin.clock import NS, Clock
from twin.trace import Trace
from twin.world import axis as axes
from twin.world import pendulum
from twin.world.axis import AxisLimits, AxisMotion
from twin.world.pendulum import Swing
from twin.world.sway import Sway
from twin.world.yard import Box, Place, PlaceKind, Yard


class Axis(Enum):
    """The motions of the crane."""

    GANTRY = "gantry"
    TROLLEY = "trolley"
    HOIST = "hoist"


_GANTRY = AxisLimits(0.0, 120.0, 2.0, 0.3, 0.8)
_TROLLEY = AxisLimits(0.0, 30.0, 1.17, 0.3, 0.8)
_HOIST = AxisLimits(0.0, 15.0, 1.0, 0.35, 1.0)


@dataclass(frozen=True, slots=True)
class CraneBodyParameters:
    """Dimensions and drives. Speeds and heights are typical of maker's sheets for yard RMGs with
    40 t under the spreader (hoist 0.5 m/s laden, 1.0 empty; trolley 70 m/min; gantry 120 m/min):
    *estimates* until the crane of the site is known, as is all else here.
    """

    gantry: AxisLimits = _GANTRY
    trolley: AxisLimits = _TROLLEY
    hoist: AxisLimits = _HOIST
    hoist_laden_m_s: float = 0.5
    head_m: float = 19.0
    """Height of the rope drums above the ground: rope length is this less the spreader's height."""
    damping: float = 0.05
    """Of the free swing, as a share of the critical one: ropes reeved as a tower, which yard cranes
    have against sway; plain ropes have about 0.01."""
    capture_m: float = 0.05
    """Flippers guide the spreader on corner castings this far off (docking limit, agv.md 4.2)."""
    reach_m: float = 1.0
    """Farther off, the spreader comes down beside a place and not on it."""
    load_cell_s: float = 0.3
    """Time constant of the load cells."""

    def limits(self, axis: Axis) -> AxisLimits:
        """Of one axis."""
        limits: AxisLimits = getattr(self, axis.value)
        return limits


class BodyEvent(Enum):
    """What happens to the body."""

    REST = "rest"
    LANDED = "landed"
    LIFTED = "lifted"
    HAZARD = "hazard"


@dataclass(slots=True)
class _Driven:
    motion: AxisMotion
    timer: simpy.Timeout | None = None
    record: int = -1


class CraneBody:
    """The crane as it physically is."""

    def __init__(
        self, id: str, clock: Clock, trace: Trace, yard: Yard,
        parameters: CraneBodyParameters | None = None,
        *, at_m: tuple[float, float, float] = (0.0, 0.0, 12.0),
    ) -> None:  # fmt: skip
        """`at_m`: gantry, trolley and height at the start."""
        self.id, self.clock, self.trace, self.yard = id, clock, trace, yard
        self.parameters = parameters or CraneBodyParameters()
        now = clock.env.now
        self._axes = {
            axis: _Driven(axes.stand(now, place)) for axis, place in zip(Axis, at_m, strict=True)
        }
        head_m, damping = self.parameters.head_m, self.parameters.damping
        self._sway = {axis: Sway(head_m, damping, now) for axis in (Axis.GANTRY, Axis.TROLLEY)}
        self.powered = True
        self.brake_share = 1.0
        """How hard the brakes still are, as a share of new ones."""
        self.locks = [False, False, False, False]
        self.held: Box | None = None
        self.landed: tuple[bool, bool, bool, bool] = (False, False, False, False)
        self.under: Place | None = None
        self._contact_m: float | None = None
        self._contact_timer: simpy.Timeout | None = None
        self._load = (0.0, 0.0, now)
        self._watchers: list[Callable[[BodyEvent, Axis | None, int], None]] = []
        yard.on_change(self._place_changed)

    # --- what can be seen -------------------------------------------------------------------

    def on_event(self, callback: Callable[[BodyEvent, Axis | None, int], None]) -> None:
        """Call `callback(event, axis, record)` with all that happens to the body."""
        self._watchers.append(callback)

    def state(self, axis: Axis) -> tuple[float, float, float]:
        """Place (m), speed (m/s) and acceleration (m/s²) of an axis now."""
        place, speed, gain = self._axes[axis].motion.at(self.clock.env.now)
        if axis is Axis.HOIST and self._contact_m is not None and place < self._contact_m:
            return self._contact_m, 0.0, 0.0
        return place, speed, gain

    def moving(self, axis: Axis) -> bool:
        """Whether its drive runs now."""
        return self.clock.env.now < self._axes[axis].motion.end_ns

    def remaining_s(self, axis: Axis) -> float:
        """Seconds until it stands."""
        return max(0, self._axes[axis].motion.end_ns - self.clock.env.now) / NS

    @property
    def slack_m(self) -> float:
        """Rope paid out after the spreader had landed, m."""
        if self._contact_m is None:
            return 0.0
        place, _, _ = self._axes[Axis.HOIST].motion.at(self.clock.env.now)
        return max(0.0, self._contact_m - place)

    @property
    def rope_m(self) -> float:
        """Length of the pendulum now."""
        return self.parameters.head_m - self.state(Axis.HOIST)[0]

    @property
    def load_kg(self) -> float:
        """What the load cells under the spreader show, without noise."""
        from_kg, to_kg, since_ns = self._load
        elapsed_s = (self.clock.env.now - since_ns) / NS
        return to_kg + (from_kg - to_kg) * math.exp(-elapsed_s / self.parameters.load_cell_s)

    def swing(self, axis: Axis) -> Swing:
        """Angle and rate of the load along `axis` now; none while it stands on something."""
        if self._contact_m is not None and any(self.landed):
            return Swing()
        return self._swing_at(axis, self.clock.env.now)

    def _swing_at(self, axis: Axis, now: int) -> Swing:
        return self._sway[axis].at(now, self._axes[axis].motion, self._axes[Axis.HOIST].motion)

    def sway_m(self, axis: Axis) -> float:
        """How far the load is ahead of its trolley along `axis` now."""
        return self.swing(axis).angle_rad * self.rope_m

    def sway_amplitude_m(self, axis: Axis) -> float:
        """The farthest that the load swings from here on if nothing drives it."""
        return pendulum.amplitude_rad(self.swing(axis), self.rope_m) * self.rope_m

    # --- what acts on it --------------------------------------------------------------------

    def move(
        self, axis: Axis, to_m: float, *, top_m_s: float | None = None, shaped: bool = False,
        cause: int = -1,
    ) -> None:  # fmt: skip
        """Drive an axis to a place within its end switches; nothing happens without power."""
        if not self.powered:
            return
        limits = self.parameters.limits(axis)
        place, speed, _ = self._axes[axis].motion.at(self.clock.env.now)
        if axis is Axis.HOIST and (self.held is not None or any(self.locks)):
            top_m_s = min(top_m_s or limits.speed_m_s, self.parameters.hoist_laden_m_s)
        goal = min(max(to_m, limits.low_m), limits.high_m)
        period = pendulum.period_s(self.rope_m) if shaped and axis in self._sway else 0.0
        self._drive(axis, axes.move(
            self.clock.env.now, place, speed, goal, limits, top_m_s=top_m_s, period_s=period,
        ), "move", cause)  # fmt: skip

    def stop(self, axis: Axis, *, emergency: bool = False, cause: int = -1) -> None:
        """Ramp an axis down, or brake it hard."""
        if not self.moving(axis):
            return
        limits = self.parameters.limits(axis)
        place, speed, _ = self._axes[axis].motion.at(self.clock.env.now)
        worn = limits.braking_m_s2 * self.brake_share
        rate = worn if emergency else limits.acceleration_m_s2
        self._drive(axis, axes.stop(self.clock.env.now, place, speed, rate),
                    "brake" if emergency else "stop", cause)  # fmt: skip

    def power(self, on: bool, *, cause: int = -1) -> None:
        """Cut or restore the supply; without it the brakes fall in and hold whatever hangs."""
        if on == self.powered:
            return
        record = self.trace(self.id, "crane.power", cause, on=on)
        if not on:
            for axis in Axis:
                self.stop(axis, emergency=True, cause=record)
        self.powered = on

    def set_lock(self, corner: int, closed: bool, *, cause: int = -1) -> None:
        """One twist-lock has turned. Opened in the air it lets go."""
        if self.locks[corner] == closed:
            return
        self.locks[corner] = closed
        if closed or self.held is None:
            return
        if not any(self.landed):
            self._drop(cause)
        elif not any(self.locks):
            self._set_down(cause)

    def relieve(self, *, cause: int = -1) -> None:
        """Another crane takes off what hangs here, and somebody opens the locks by hand."""
        self.held, self.locks = None, [False, False, False, False]
        self._weigh(0.0)
        self.trace(self.id, "crane.relieved", cause)

    def _set_down(self, cause: int) -> None:
        box, place = self.held, self.under
        assert box is not None
        self.held = None
        if place is None or place.refuses():
            reason = "no place" if place is None else place.refuses()
            self._hazard("set_on_ground", cause, box=box.number, reason=reason)
            gantry, trolley = self.state(Axis.GANTRY)[0], self.state(Axis.TROLLEY)[0]
            count = sum(name.startswith("ground-") for name in self.yard.places)
            place = Place(f"ground-{count + 1}", PlaceKind.STACK, gantry, trolley)
            self.yard.add(place)
            self.under = place
        self.yard.put(place, box, self.id, cause)

    def _drop(self, cause: int) -> None:
        """A box falls. It is gone: nobody will lift it again today."""
        assert self.held is not None
        self._hazard("dropped", cause, box=self.held.number, height_m=round(self._lowest_m(), 2))
        self.held, self.locks = None, [False, False, False, False]
        self._weigh(0.0)

    def _hazard(self, kind: str, cause: int, **more: object) -> None:
        record = self.trace(self.id, "crane.hazard", cause, kind=kind, **more)
        self._tell(BodyEvent.HAZARD, None, record)

    # --- motion -----------------------------------------------------------------------------

    def _drive(self, axis: Axis, motion: AxisMotion, how: str, cause: int) -> None:
        self._settle_sway()
        driven = self._axes[axis]
        if driven.timer is not None and driven.timer.callbacks is not None:
            driven.timer.callbacks.clear()
        place, speed, _ = driven.motion.at(self.clock.env.now)
        driven.motion = motion
        driven.record = self.trace(
            self.id, "crane.motion", cause, axis=axis.value, how=how, from_m=round(place, 4),
            speed_m_s=round(speed, 4), to_m=round(motion.end_m, 4),
        )  # fmt: skip
        delay_s = max(0, motion.end_ns - self.clock.env.now) / NS
        driven.timer = self.clock.call_later(delay_s, lambda: self._rested(axis))
        if axis is Axis.HOIST:
            self._await_contact()

    def _settle_sway(self) -> None:
        """Carry the swing up to now, before what drives it changes."""
        hoist = self._axes[Axis.HOIST].motion
        for axis, sway in self._sway.items():
            sway.settle(self.clock.env.now, self._axes[axis].motion, hoist, still=any(self.landed))

    def _rested(self, axis: Axis) -> None:
        driven = self._axes[axis]
        driven.timer = None
        place, _, _ = self.state(axis)
        record = self.trace(
            self.id, "crane.rest", driven.record, axis=axis.value, at_m=round(place, 4)
        )
        self._tell(BodyEvent.REST, axis, record)

    def _tell(self, event: BodyEvent, axis: Axis | None, record: int) -> None:
        for watcher in self._watchers:
            watcher(event, axis, record)

    # --- contact ----------------------------------------------------------------------------

    def _lowest_m(self) -> float:
        return self.state(Axis.HOIST)[0] - (self.held.height_m if self.held else 0.0)

    def _below(self) -> tuple[Place | None, float]:
        """What the load would land on now, and the spreader's height when it does."""
        place = self.yard.near(
            self.state(Axis.GANTRY)[0], self.state(Axis.TROLLEY)[0], self.parameters.reach_m
        )
        top = place.top_m if place is not None else 0.0
        return place, top + (self.held.height_m if self.held else 0.0)

    def _await_contact(self) -> None:
        """Plan the instant at which the hoist's move lands the load, or lifts it off."""
        if self._contact_timer is not None and self._contact_timer.callbacks is not None:
            self._contact_timer.callbacks.clear()
        self._contact_timer = None
        motion, now = self._axes[Axis.HOIST].motion, self.clock.env.now
        place_now = motion.at(now)[0]
        if self._contact_m is not None:
            if motion.end_m > self._contact_m:
                due = motion.passes(self._contact_m, now) if place_now <= self._contact_m else now
                self._at(due, self._lift_off)
            return
        _, height = self._below()
        if place_now > height >= motion.end_m:
            self._at(motion.passes(height, now), self._touch)

    def _at(self, due_ns: int | None, action: Callable[[], None]) -> None:
        if due_ns is not None:
            self._contact_timer = self.clock.call_later(
                max(0, due_ns - self.clock.env.now) / NS, action
            )

    def _touch(self) -> None:
        self._contact_timer = None
        place, height = self._below()
        plan_m, _, _ = self._axes[Axis.HOIST].motion.at(self.clock.env.now)
        if plan_m > height + 1e-6:  # something has left from below meanwhile
            self._await_contact()
            return
        error_m = max(abs(self._error_m(place, axis)) for axis in self._sway) if place else 0.0
        whole = error_m <= self.parameters.capture_m
        self._contact_m, self.under = height, place
        self.landed = (True, whole, True, whole)
        self._settle_sway()
        self._weigh(0.0)
        record = self.trace(
            self.id, "crane.landed", self._axes[Axis.HOIST].record,
            place=place.id if place else None, error_m=round(error_m, 4), pins=sum(self.landed),
        )  # fmt: skip
        self._tell(BodyEvent.LANDED, None, record)

    def _error_m(self, place: Place, axis: Axis) -> float:
        number = 0 if axis is Axis.GANTRY else 1
        stands = (place.gantry_m, place.trolley_m)[number] + place.offset_m[number]
        return self.state(axis)[0] + self._swing_at(axis, self.clock.env.now).angle_rad * (
            self.parameters.head_m - self.state(Axis.HOIST)[0]
        ) - stands  # fmt: skip

    def _lift_off(self) -> None:
        self._contact_timer = None
        record, place = self._axes[Axis.HOIST].record, self.under
        self._contact_m, self.landed, self.under = None, (False, False, False, False), None
        if self.held is None and any(self.locks) and place is not None and place.top is not None:
            extra_kg = place.carrier_kg if place.holds_box else 0.0
            count = sum(self.locks)
            self.held = self.yard.take(place, self.id, record)
            if extra_kg:
                self._hazard("lifted_carrier", record, place=place.id, mass_kg=extra_kg)
            if count < 4:
                self._hazard("lifted_askew", record, box=self.held.number, locks=count)
            self._weigh(self.held.mass_kg + extra_kg)
        elif self.held is not None:
            self._weigh(self.held.mass_kg)
        self._settle_sway()
        self._tell(BodyEvent.LIFTED, None, record)

    def _weigh(self, to_kg: float) -> None:
        self._load = (self.load_kg, to_kg, self.clock.env.now)

    def _place_changed(self, place: Place) -> None:
        """Something came, left, or grew below: perhaps under a spreader that comes down."""
        if self._contact_m is None:
            self._await_contact()
        elif self.under is place and not place.present:
            # a truck drives off below the spreader, with its box hooked on or not
            if any(self.locks) and self.held is None:
                self._hazard("dragged", -1, place=place.id)
            self._contact_m, self.landed, self.under = None, (False, False, False, False), None
            if self.held is not None:
                self._weigh(self.held.mass_kg)
            self._await_contact()
