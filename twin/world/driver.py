"""One truck's way through one lane, as its driver drives it.

A driver sees the lamp, the arm and the truck ahead, and nothing else. He reacts late, sometimes
hesitates, sometimes stops with the load under the arm, sometimes goes through right behind the
truck ahead. All waiting is on `Lane.seen`; nothing is polled.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

from twin.clock import NS, Clock, ns
from twin.trace import Trace
from twin.world.lane import Lane, Mover
from twin.world.motion import Motion, drive_to, stop_at
from twin.world.vehicle import Vehicle

OPEN_SEEN_DEG = 75.0
"""A driver takes an arm above this angle for open (estimate)."""

MOVE_UP_S = 4.0
"""From the truck ahead leaving the queue line to the next one standing there (estimate)."""

DIVERT_S = 9.0
"""Pulling out of the lane to the inspection bay: the platform is free after this (estimate)."""

SERVICE_NOMINAL_S = 5.0
"""Unavoidable standing time on the platform: the scale settles and the papers are looked up
once (estimate); what is beyond it is waiting."""

FOLLOW_GAP_M = 1.2
"""Distance a tail-gater keeps to the truck ahead (estimate)."""

DARK_LAMP_PATIENCE_S = 20.0
"""With the arm open and no lamp lit, a driver goes after this time (estimate)."""

_CLOSE_TO_ARM_M = 0.3

Process = Generator[simpy.Event, Any, None]


@dataclass(slots=True)
class Times:
    """What one passage took, seconds of the run's clock; see `vehicle.left` in the trace."""

    arrived_s: float
    entered_s: float = 0.0
    free_s: float = 0.0
    driver_s: float = 0.0
    authority_s: float = 0.0


class Driver:
    """Drives one vehicle from the queue to where it leaves the site."""

    def __init__(self, vehicle: Vehicle, lane: Lane, clock: Clock, trace: Trace) -> None:
        self.vehicle, self.lane, self.clock, self.trace = vehicle, lane, clock, trace
        self.times = Times(arrived_s=clock.now_s())
        self.followed = False
        self.outcome = ""
        self.mover: Mover | None = None

    def passage(self) -> Process:
        """The whole way; a SimPy process."""
        lane, vehicle = self.lane, self.vehicle
        lane.queue.append(vehicle)
        with lane.head.request() as turn:
            waited = not turn.triggered
            yield turn
            if waited:
                yield self.clock.timeout(MOVE_UP_S)
            while not self._may_enter():
                yield lane.seen
            lane.queue.remove(vehicle)
            mover = self.mover = lane.enter(vehicle, lane.geometry.queue_line_m)
            ahead = self._ahead()
            if ahead is None:
                yield self.clock.timeout(vehicle.temper.reaction_s)
            self.times.entered_s = self.clock.now_s()
            self._record("vehicle.entered")
        lane.look()
        if ahead is not None:
            yield from self._follow(mover, ahead)
        else:
            yield from self._to_stop_line(mover)
        while not self.outcome:
            if (yield from self._await_signal(mover)) == "divert":
                yield from self._divert(mover)
            else:
                yield from self._go(mover)
        self._leave()

    # --- before the stop line ------------------------------------------------------------

    def _may_enter(self) -> bool:
        return self.lane.is_free() or self._ahead() is not None

    def _ahead(self) -> Mover | None:
        """The truck to follow through, if this driver is one who does that."""
        lane = self.lane
        if not self.vehicle.temper.follows or lane.kind != "smart" or lane.leaving is None:
            return None
        leader = lane.leaving.vehicle.temper
        if leader.stops_under_arm_s or leader.follows:
            return None  # his way is planned once, behind one who goes straight through
        front, _ = lane.position(lane.leaving)
        return lane.leaving if front < lane.geometry.arm_line_m else None

    def _to_stop_line(self, mover: Mover) -> Process:
        lane = self.lane
        front, speed = lane.position(mover)
        motion = self._limits(front, speed, lane.geometry.stop_line_m)
        self.times.free_s += (motion.end_ns - self.clock.env.now) / NS
        self._drive(mover, motion)
        yield self._until(motion)
        self._record("vehicle.stopped", front_m=lane.geometry.stop_line_m)
        lane.stopped(self.vehicle)

    def _limits(self, front: float, speed: float, to_m: float) -> Motion:
        return stop_at(self.clock.env.now, front, speed, to_m, self.vehicle.limits)

    # --- at the stop line ------------------------------------------------------------------

    def _await_signal(self, mover: Mover) -> Generator[simpy.Event, Any, str]:
        """Stand until the lamp and the arm say go, or the arrow says divert."""
        lane, temper = self.lane, self.vehicle.temper
        del mover
        while True:
            while True:
                if lane.lamp.divert:
                    yield self.clock.timeout(temper.reaction_s)
                    return "divert"
                if self._clear_to_go():
                    break
                if lane.looks_dark() and lane.arm.angle_deg() >= OPEN_SEEN_DEG:
                    patience = self.clock.timeout(DARK_LAMP_PATIENCE_S)
                    yield patience | lane.seen
                    if patience.triggered and lane.looks_dark():
                        return "go"
                    continue
                yield lane.seen
            pause = temper.reaction_s
            if temper.hesitates_s:
                pause += temper.hesitates_s
                self._misbehaves("hesitates", temper.hesitates_s)
            yield self.clock.timeout(pause)
            if self._clear_to_go():
                return "go"

    def _clear_to_go(self) -> bool:
        lane = self.lane
        return (
            lane.lamp.green
            and not lane.lamp.red
            and lane.arm.angle_deg() >= OPEN_SEEN_DEG
            and not lane.arm_coming_down
        )

    # --- through the arm -------------------------------------------------------------------

    def _go(self, mover: Mover) -> Process:
        lane, g = self.lane, self.lane.geometry
        lane.depart(mover)
        front, speed = lane.position(mover)
        whole = drive_to(self.clock.env.now, front, speed, g.clear_m, self.vehicle.limits)
        self.times.free_s += (whole.end_ns - self.clock.env.now) / NS
        pause_s = self.vehicle.temper.stops_under_arm_s
        first = self._limits(front, speed, g.arm_line_m + 3.0) if pause_s else whole
        self._record("vehicle.moving", front_m=round(front, 3))
        self._drive(mover, first)
        if not (yield from self._pass_arm_line(mover, first)):
            return
        if pause_s:
            yield self._until(first)
            self._misbehaves("stops_under_arm", pause_s)
            self._record("vehicle.stopped", front_m=round(g.arm_line_m + 3.0, 3))
            yield self.clock.timeout(pause_s)
            self._record("vehicle.moving", front_m=round(g.arm_line_m + 3.0, 3))
            front, speed = lane.position(mover)
            whole = drive_to(self.clock.env.now, front, speed, g.clear_m, self.vehicle.limits)
            self._drive(mover, whole)
        yield self._until(whole)
        lane.remove(mover)
        self.outcome = "crossed"

    def _pass_arm_line(self, mover: Mover, motion: Motion) -> Generator[simpy.Event, Any, bool]:
        """Drive until the front is through; brake if the arm comes down before that."""
        lane, g = self.lane, self.lane.geometry
        at_line = motion.when(g.arm_line_m - _CLOSE_TO_ARM_M)
        assert at_line is not None
        reached = self.clock.env.timeout(max(0, at_line - self.clock.env.now))
        while True:
            yield reached | lane.seen
            if reached.processed:
                return True
            if lane.arm_coming_down:
                front, speed = lane.position(mover)
                place = min(g.arm_line_m - _CLOSE_TO_ARM_M, front + max(0.3, speed**2 / 5.0))
                stop = stop_at(self.clock.env.now, front, speed, place, self.vehicle.limits)
                self._drive(mover, stop)
                lane.stays(mover)
                yield self._until(stop)
                self._record("vehicle.stopped", front_m=round(place, 3))
                return False

    def _follow(self, mover: Mover, ahead: Mover) -> Process:
        """Go through right behind `ahead`, without a look at the lamp."""
        lane, g = self.lane, self.lane.geometry
        self._misbehaves("follows_too_close", 0.0)
        while (motion := (yield from self._stay_behind(mover, ahead))) is None:
            if ahead not in lane.movers:
                yield from self._to_stop_line(mover)  # nobody to follow: he waits like anybody
                return
        if lane.arm_coming_down or lane.arm.angle_deg() < OPEN_SEEN_DEG:
            front, speed = lane.position(mover)  # too late: he stands and waits like anybody
            self._drive(mover, self._limits(front, speed, g.stop_line_m))
            yield self._until(mover.motion)
            self._record("vehicle.stopped", front_m=g.stop_line_m)
            lane.stopped(self.vehicle)
            return
        self.followed = True
        self._record("vehicle.moving", front_m=round(lane.position(mover)[0], 3))
        lane.depart(mover)
        if not (yield from self._pass_arm_line(mover, motion)):
            self.followed = False
            return
        yield self._until(motion)
        lane.remove(mover)
        self.outcome = "crossed"

    def _stay_behind(
        self, mover: Mover, ahead: Mover
    ) -> Generator[simpy.Event, Any, Motion | None]:
        """Drive behind `ahead` to the stop line; None if he stopped, and has now gone on."""
        lane = self.lane
        motion, generation = self._closest_behind(mover, ahead), ahead.generation
        self._drive(mover, motion)
        brake_at = motion.when(lane.geometry.stop_line_m - 1.0)
        assert brake_at is not None
        reached = self.clock.env.timeout(max(0, brake_at - self.clock.env.now))
        while not reached.processed:
            yield reached | lane.seen
            if ahead.generation != generation and not reached.processed:
                break  # he brakes, for an arm that comes down
        else:
            return motion
        front, speed = lane.position(mover)
        place = max(front, ahead.motion.end_m - ahead.vehicle.length_m - FOLLOW_GAP_M)
        self._drive(mover, self._limits(front, speed, place))
        yield self._until(mover.motion)
        self._record("vehicle.stopped", front_m=round(place, 3))
        while lane.leaving is not ahead and ahead in lane.movers:
            yield lane.seen
        return None

    def _closest_behind(self, mover: Mover, ahead: Mover) -> Motion:
        """The quickest move to the far end that never comes nearer than the gap to `ahead`."""
        now, lane = self.clock.env.now, self.lane
        front, _ = lane.position(mover)
        clear = lane.geometry.clear_m
        for tenths in range(100):
            delay_ns = ns(tenths / 10)
            motion = drive_to(now + delay_ns, front, 0.0, clear, self.vehicle.limits)
            steps = range(now + delay_ns, motion.end_ns, NS // 10)
            if all(
                motion.at(t)[0] <= ahead.motion.at(t)[0] - ahead.vehicle.length_m - FOLLOW_GAP_M
                for t in steps
                if t < ahead.motion.end_ns
            ):
                return motion
        return drive_to(now + ns(10), front, 0.0, clear, self.vehicle.limits)

    # --- the end ---------------------------------------------------------------------------

    def _divert(self, mover: Mover) -> Process:
        self._record("vehicle.diverted", why=self.vehicle.why)
        self.times.free_s += DIVERT_S
        yield self.clock.timeout(DIVERT_S)
        self.lane.remove(mover)
        self.outcome = "diverted"

    def _leave(self) -> None:
        times = self.times
        self.trace(
            "world",
            "vehicle.left",
            vehicle=self.vehicle.id,
            lane=self.lane.id,
            outcome=self.outcome,
            arrived_s=round(times.arrived_s, 3),
            entered_s=round(times.entered_s, 3),
            left_s=round(self.clock.now_s(), 3),
            free_s=round(times.free_s + SERVICE_NOMINAL_S + self.vehicle.temper.reaction_s, 3),
            driver_s=round(times.driver_s, 3),
            authority_s=round(times.authority_s, 3),
        )

    # --- helpers ---------------------------------------------------------------------------

    def _drive(self, mover: Mover, motion: Motion) -> None:
        self.lane.move(mover, motion)

    def _until(self, motion: Motion) -> simpy.Event:
        return self.clock.env.timeout(max(0, motion.end_ns - self.clock.env.now))

    def _misbehaves(self, behaviour: str, duration_s: float) -> None:
        self.times.driver_s += duration_s
        self._record("vehicle.driver", behaviour=behaviour, duration_s=round(duration_s, 3))

    def _record(self, kind: str, **payload: Any) -> None:
        self.trace("world", kind, vehicle=self.vehicle.id, lane=self.lane.id, **payload)
