"""How a vehicle drives: what it believes of its position, the ways it is given, what stops it.

It never moves without permission (`proceed`) and never beyond the place that it was given.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from twin.clock import Clock
from twin.devices.base import Device
from twin.devices.igv_maps import Maps
from twin.devices.igv_route import Router
from twin.devices.igv_words import DRIVES_ITSELF, Alarm, Fix, IgvParameters, Mode, StopKind, Way
from twin.physics import BrakeKind, Pose, SpeedLimit
from twin.trace import Trace
from twin.world.carrier import Carrier, CarrierEvent, CarrierEventKind

_SAME_M = 1e-3


class Driving(Device):
    """The half of `igv.Igv` that knows where it is and drives; faults and people are the other."""

    def __init__(
        self,
        id: str,
        clock: Clock,
        trace: Trace,
        rng: random.Random,
        *,
        carrier: Carrier,
        map_id: str = "bridge",
        map_version: str = "1",
        parameters: IgvParameters | None = None,
    ) -> None:
        super().__init__(id, clock, trace, rng)
        self.carrier = carrier
        self.parameters = parameters or IgvParameters()
        self.maps = Maps(map_id, map_version)
        self.mode = Mode.AUTOMATIC
        self.online = True
        """Has power; without it nothing answers and the brakes hold."""
        self.stop = StopKind.NONE
        self.field_violated = False
        self.needs_restart = False
        """Something stopped it for safety; it waits to be started again."""
        self.fix = Fix.FIXED
        self.received = Fix.FIXED
        """What its satellite receiver gives; `receive` changes it."""
        self.sensed: Callable[[], tuple[float, float] | None] = lambda: None
        """Where the receiver puts it now, m; None without a receiver, or without a fix."""
        self.alarms: dict[Alarm, str] = {}
        self.dock_error_m = 0.0
        self.last_way: Way | None = None
        self.speed_limits: tuple[SpeedLimit, ...] = ()
        """Further limits on places of the carrier's way."""
        self._error = (0.0, 0.0)
        self._unsure_from_m = 0.0
        self._until_m: float | None = None
        self._until_key: int | None = None
        self._before_m: float | None = None
        self._obstacle_m: float | None = None
        self._pressed: set[StopKind] = set()
        self._blocked_timer: Any = None
        self.router = Router(carrier, self.parameters.vehicle)
        self._reached: list[Callable[[int], None]] = []
        self._notices: dict[int, Callable[[], None]] = {}
        self._notice_count = 0
        carrier.on_event(self._carrier_event)
        self._offer_points()

    def _offer_points(self) -> None:
        add = self.add_point
        add("mode", lambda: self.mode.value, doc="who is in control")
        add("driving", lambda: self.driving, doc="moves or turns")
        add("emergency_stop", lambda: self.stop.value, doc="which one is pressed")
        add("field_violated", lambda: self.field_violated, doc="something is in its field")
        add("localized", lambda: self.localized, doc="knows where it is")
        add("x_m", lambda: self.believed.x_m, unit="m", doc="believed place")
        add("y_m", lambda: self.believed.y_m, unit="m", doc="believed place")
        add("heading_rad", lambda: self.believed.heading_rad, unit="rad", doc="believed heading")
        add("speed_m_s", lambda: self.carrier.speed_m_s, unit="m/s", doc="speed")
        add("charge_percent", lambda: 100 * self.carrier.charge, unit="%", doc="state of charge")
        add("charging", lambda: self.carrier.charging, doc="charging")
        add("load_kg", lambda: self.carrier.load_kg, unit="kg", doc="what it carries")
        add("odometer_m", lambda: self.carrier.odometer_m, unit="m", doc="driven in its life")
        add("battery_health", lambda: self.carrier.health, doc="share of the capacity left")

    # --- what it believes ------------------------------------------------------------------------

    @property
    def driving(self) -> bool:
        """Moves or turns."""
        return self.carrier.moving

    @property
    def localized(self) -> bool:
        """Knows where it is well enough to drive."""
        return self.fix is not Fix.LOST and self.maps.fits

    @property
    def believed(self) -> Pose:
        """The pose as its sensors have it."""
        return self.believed_from(self.carrier.pose)

    def believed_from(self, pose: Pose) -> Pose:
        """What its sensors make of where it really is."""
        if self.fix in (Fix.FIXED, Fix.FLOAT) and (place := self.sensed()) is not None:
            return Pose(*place, pose.heading_rad)
        dx, dy = self._error
        return Pose(pose.x_m + dx, pose.y_m + dy, pose.heading_rad)

    @property
    def uncertainty_m(self) -> float:
        """One sigma of the position's error."""
        p = self.parameters
        if self.fix is Fix.FIXED:
            return p.fixed_m
        if self.fix is Fix.FLOAT:
            return p.float_m
        return p.fixed_m + p.drift * (self.carrier.way_m - self._unsure_from_m)

    @property
    def sure_until_m(self) -> float:
        """The place on its way up to which dead reckoning is good enough; infinite with a fix."""
        p = self.parameters
        if self.fix is not Fix.DEAD_RECKONING:
            return math.inf
        return self._unsure_from_m + (p.drift_limit_m - p.fixed_m) / p.drift

    @property
    def held(self) -> bool:
        """Its own safety keeps it standing."""
        return self.stop is not StopKind.NONE or self.field_violated or self.needs_restart

    # --- what it is given ------------------------------------------------------------------------

    def on_reached(self, callback: Callable[[int], None]) -> None:
        """Call `callback` with the key of every node that is passed."""
        self._reached.append(callback)

    def set_ways(self, ways: Sequence[Way]) -> None:
        """The ways ahead, in order; those that it has already must stand first and unchanged."""
        if self.router.set(ways):
            self.proceed(self._until_key, before_m=self._before_m)

    def drop_ways(self) -> None:
        """Forget the ways ahead; it comes to rest."""
        self._until_m = self._until_key = None
        self._drive()
        self.router.clear()

    def proceed(self, key: int | None, *, before_m: float | None = None, cause: int = -1) -> None:
        """May go to the node `key` (None: stop), and not beyond the place `before_m`."""
        self._until_key, self._before_m = key, before_m
        place = None if key is None else self.router.place_of(key)
        if place is not None and before_m is not None:
            place = min(place, before_m)
        self._until_m = place
        self._drive(cause)

    # --- driving ---------------------------------------------------------------------------------

    def _may_drive(self) -> bool:
        stopping = {Alarm.LOCALIZATION, Alarm.DRIVE_FAULT, Alarm.LOAD_LOST, Alarm.BATTERY_EMPTY}
        stopping |= {Alarm.OUTSIDE_CORRIDOR, Alarm.NODE_UNREACHABLE}
        return (
            self.online
            and not self.held
            and self.mode in DRIVES_ITSELF
            and not self.carrier.charging
            and not stopping & self.alarms.keys()
        )

    def _drive(self, cause: int = -1) -> None:
        """Make the body do what is permitted now."""
        until_m = self._until_m
        if until_m is None or not self._may_drive():
            self.carrier.brake(BrakeKind.SERVICE, cause=cause)
            return
        if self._obstacle_m is not None:
            gap_m = self._obstacle_m - self.parameters.gap_m
            near = self.carrier.way_m + self.carrier.braking_m() > gap_m
            if near and self.driving:
                self.carrier.brake(BrakeKind.PROTECTIVE, cause=cause)
                return
            until_m = min(until_m, gap_m)
        self.carrier.run(min(until_m, self.sure_until_m), self._limits(), cause=cause)
        if not self.driving and not self._pass_here():
            self._notice_block()

    def _limits(self) -> list[SpeedLimit]:
        limits = [
            SpeedLimit(one.begin_m, one.at_m, one.way.speed_m_s)
            for one in self.router.placed
            if one.way.speed_m_s is not None and one.at_m > one.begin_m
        ]
        limits.extend(self.speed_limits)
        here, end = self.carrier.way_m, self.carrier.end_m
        slow = self.faults.get("slow")
        if slow is not None:
            vehicle = self.parameters.vehicle
            top = vehicle.limits(self.carrier.load_kg, self.carrier.conditions).speed_m_s
            limits.append(SpeedLimit(here, end, float(slow["factor"]) * top))
        if self.fix is not Fix.FIXED:
            limits.append(SpeedLimit(here, end, self.parameters.unsure_m_s))
        return limits

    def _pass_here(self) -> bool:
        """Pass a node that is just where it stands (a node added at the same place)."""
        placed = self.router.placed
        if not placed or self._until_m is None:
            return False
        place = placed[0].at_m
        if place > min(self._until_m, self.carrier.way_m) + _SAME_M:
            return False
        key = placed[0].way.key
        self.clock.call_later(0.0, lambda: self._pass(key))
        return True

    def _carrier_event(self, event: CarrierEvent) -> None:
        if event.kind is CarrierEventKind.PASSED:
            self._pass(event.mark)
            return
        if event.kind is CarrierEventKind.REST:
            self._measure()
            if self.carrier.way_m >= self.sure_until_m - _SAME_M:
                self.set_fix(Fix.LOST, cause=event.record)
            if not self.router.placed:
                self.carrier.forget()
            self._notice_block()
        self.changed("driving")

    def set_speed_limits(self, limits: Sequence[tuple[float, float, float]]) -> None:
        """Further limits: (from, to, m/s) on places of the carrier's way."""
        new = tuple(SpeedLimit(*one) for one in limits)
        if new != self.speed_limits:
            self.speed_limits = new
            self._drive()

    def notify_at(self, way_m: float, callback: Callable[[], None]) -> int:
        """Call back when a place ahead is passed; the number is for `forget_notice`."""
        self._notice_count -= 1
        self._notices[self._notice_count] = callback
        self.carrier.mark(way_m, self._notice_count)
        return self._notice_count

    def forget_notice(self, number: int) -> None:
        """Do not call back."""
        self._notices.pop(number, None)

    def _pass(self, key: int) -> None:
        if key < 0:
            notice = self._notices.pop(key, None)
            if notice is not None:
                notice()
            return
        way = self.router.passed(key)
        if way is None:
            return
        self.last_way = way
        for callback in self._reached:
            callback(key)
        self._check_track()
        if not self.driving:
            self._drive()

    def _measure(self) -> None:
        """Take the position anew: its error, and how well it has stopped."""
        sigma, angle = self.uncertainty_m, self.rng.uniform(-math.pi, math.pi)
        size = abs(self.rng.gauss(0.0, sigma)) if self.fix is not Fix.LOST else 0.0
        self._error = (size * math.cos(angle), size * math.sin(angle))
        spread = self.parameters.dock_m
        if self.fix is not Fix.FIXED:
            spread = math.hypot(spread, sigma)
        self.dock_error_m = self.rng.gauss(0.0, spread)

    def dock_again(self) -> None:
        """Position exactly on the target by its own sensors: a third of a stop's error."""
        self.dock_error_m = self.rng.gauss(0.0, self.parameters.dock_m / 3)
        self.trace(self.id, "igv.docked", error_m=round(self.dock_error_m, 4))

    def set_fix(self, fix: Fix, *, cause: int = -1) -> None:
        """What the position rests on from now on."""
        if fix is self.fix:
            return
        if fix is Fix.DEAD_RECKONING:  # the error goes on from what it may be already
            p, known_m = self.parameters, self.uncertainty_m if self.fix is Fix.FLOAT else 0.0
            self._unsure_from_m = self.carrier.way_m - max(0.0, known_m - p.fixed_m) / p.drift
        self.fix = fix
        self.trace(self.id, "igv.fix", cause, fix=fix.value)
        self._check_localization(cause)
        self.changed("position")

    # --- alarms ----------------------------------------------------------------------------------

    def _alarm(self, alarm: Alarm, text: str) -> None:
        if self.alarms.get(alarm) != text:
            self.alarms[alarm] = text
            self.trace(self.id, "igv.alarm", alarm=alarm.value, text=text)
            self.changed("alarms")

    def _clear(self, alarm: Alarm) -> None:
        if self.alarms.pop(alarm, None) is not None:
            self.trace(self.id, "igv.alarm_over", alarm=alarm.value)
            self.changed("alarms")

    def _check_localization(self, cause: int) -> None:
        if self.localized:
            self._clear(Alarm.LOCALIZATION)
        else:
            why = "map version" if self.fix is not Fix.LOST else "position lost"
            self._alarm(Alarm.LOCALIZATION, why)
        self._drive(cause)

    def maps_changed(self, *, cause: int = -1) -> None:
        """Another version is on board or in use, or the site is as another version says."""
        self._check_localization(cause)
        self.changed("maps")

    def _check_track(self) -> None:
        """Whether the path is kept well enough for the corridor or the node ahead."""
        offset = self.carrier.lateral_m
        way = self.router.placed[0].way if self.router.placed else None
        outside = unreachable = False
        if way is not None and way.corridor_m is not None:
            left, right = way.corridor_m
            outside = offset > left or -offset > right
        elif way is not None:
            unreachable = abs(offset) > max(way.deviation_m, self.parameters.tolerance_m)
        for alarm, is_so in (
            (Alarm.OUTSIDE_CORRIDOR, outside),
            (Alarm.NODE_UNREACHABLE, unreachable),
        ):
            if is_so:
                self._alarm(alarm, f"{offset:+.2f} m beside the path")
                self.carrier.brake(BrakeKind.PROTECTIVE)
            else:
                self._clear(alarm)

    def _notice_block(self) -> None:
        """Tell of an obstacle only if it stays."""
        if self._obstacle_m is None or self._until_m is None or self._blocked_timer is not None:
            return
        if self._until_m <= self._obstacle_m - self.parameters.gap_m:
            return

        def due() -> None:
            self._blocked_timer = None
            if self._obstacle_m is not None and not self.driving:
                self._alarm(Alarm.PATH_BLOCKED, "something stands on the path")

        self._blocked_timer = self.clock.call_later(self.parameters.blocked_s, due)
