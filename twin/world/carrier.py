"""A driverless container carrier: where it really is, how it moves, what lies on it.

The vehicle's controller lays paths and says how far to go; a whole move is planned ahead by the
physics engine and planned again when anything intervenes. Places are metres of `way_m`, counted on
over all paths of the carrier's life. Between two paths it stands for a moment and turns its wheels,
so a path may begin at any angle. It knows no controller and no orders.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import simpy

from twin.clock import Clock
from twin.errors import HarnessError
from twin.physics import (
    BrakeKind,
    Conditions,
    DriveEngine,
    DriveState,
    EnergyParameters,
    Leg,
    Motion,
    Path,
    Pose,
    SpeedLimit,
    VehicleParameters,
)
from twin.physics.drive_process import PendingMotion
from twin.physics.path import wrapped
from twin.trace import Trace
from twin.world.carrier_battery import OnBattery
from twin.world.carrier_words import CarrierEvent, CarrierEventKind, Glimpse, Stretch
from twin.world.yard import Box

_SAME_M = 1e-6
STRAIGHT_RAD = 0.02
"""Paths that meet under less than this are driven through (the map's rounding)."""
_SMOOTH_M = 1e-3
_HARDNESS = {BrakeKind.SERVICE: 0, BrakeKind.PROTECTIVE: 1, BrakeKind.EMERGENCY: 2}
_BEHIND_M = 30.0
"""So much of a path that is driven already is kept, for looks back."""
_JUMP_M = 0.5
"""An engine's motion that is farther from the closed form is not taken: nothing jumps."""
_LATE_S = 5.0
"""A motion that was the closed form for so long, or to its end, is recorded (ours)."""
_JOINT_M = 0.05
"""A path must begin this near to where the last one ends."""


class Carrier(OnBattery):
    """One vehicle's body."""

    def __init__(
        self,
        id: str,
        clock: Clock,
        trace: Trace,
        engine: DriveEngine,
        parameters: VehicleParameters,
        energy: EnergyParameters,
        *,
        pose: Pose,
        charge: float = 0.9,
        conditions: Conditions | None = None,
    ) -> None:
        self.id, self.clock, self.trace = id, clock, trace
        self.engine, self.parameters, self.energy = engine, parameters, energy
        self.conditions = conditions or Conditions()
        self.boxes: list[Box] = []
        self.charging = False
        self.health = 1.0
        """Share of the battery's capacity that is left (wear)."""
        self.odometer_m = 0.0
        self.lateral_m = 0.0
        """How far to the left of its path it runs (a fault)."""
        self._pose = pose
        self._way_m = 0.0
        self._stretches: list[Stretch] = []
        self._motion: Motion | None = None
        self._begin_ns = 0
        self._stop_m = 0.0
        self._braking: BrakeKind | None = None
        self._limits: tuple[SpeedLimit, ...] = ()
        self._marks: list[tuple[float, int]] = []
        self._move_record = -1
        self._charge, self._charge_ns = charge, clock.now_ns()
        self.throughput_kwh = 0.0
        """Energy ever taken from the battery."""
        self._timer: simpy.Timeout | None = None
        self._listeners: list[Callable[[CarrierEvent], None]] = []

    def on_event(self, callback: Callable[[CarrierEvent], None]) -> None:
        """Call `callback` with everything that happens to the body."""
        self._listeners.append(callback)

    # --- where it is -----------------------------------------------------------------------------

    def _state(self) -> DriveState:
        assert self._motion is not None
        return self._motion.at(self._elapsed_s())

    def glimpse(self) -> Glimpse:
        """All of its motion at one instant, for less than its parts one by one."""
        motion = self._motion
        if motion is None:
            return Glimpse(self._beside(self._pose), 0.0, 0.0, (1.0, 0.0), self._way_m)
        state, stretch = motion.at(self._elapsed_s()), self._stretches[0]
        place, speed, path = state.at_m, state.speed_m_s, stretch.path
        body = path.body_at(place)
        return Glimpse(
            self._beside(state.pose or motion.leg.path.pose_at(place)),
            speed,
            speed * path.curvature_at(place),
            (math.cos(body), -math.sin(body)),
            stretch.begin_m + place,
        )

    @property
    def pose(self) -> Pose:
        """Where it is now."""
        if self._motion is None:
            return self._beside(self._pose)
        return self._beside(self._motion.pose(self._elapsed_s()))

    def _beside(self, pose: Pose) -> Pose:
        if not self.lateral_m:
            return pose
        x = pose.x_m - self.lateral_m * math.sin(pose.heading_rad)
        return Pose(x, pose.y_m + self.lateral_m * math.cos(pose.heading_rad), pose.heading_rad)

    @property
    def speed_m_s(self) -> float:
        """How fast it goes now."""
        return 0.0 if self._motion is None else self._state().speed_m_s

    @property
    def way_m(self) -> float:
        """Its place on its way now."""
        if self._motion is None:
            return self._way_m
        return self._stretches[0].begin_m + self._state().at_m

    @property
    def end_m(self) -> float:
        """Where the last path that was laid ends."""
        return self._stretches[-1].end_m if self._stretches else self._way_m

    @property
    def end_pose(self) -> Pose:
        """The pose at `end_m`."""
        if not self._stretches:
            return self._pose
        return self._stretches[-1].path.pose_at(self._stretches[-1].path.end_m)

    @property
    def end_course_rad(self) -> float | None:
        """Direction of travel at `end_m`; None if no path ends there."""
        if not self._stretches:
            return None
        return self._stretches[-1].path.course_at(self._stretches[-1].path.end_m - _SAME_M)

    @property
    def straight_from_m(self) -> float:
        """Where the straight piece begins that the way ends with; `end_m` if it is curved."""
        if not self._stretches:
            return self._way_m
        last = self._stretches[-1]
        at_m = last.path.end_m - _SAME_M
        begin_m, _ = last.path.piece_at(at_m)
        straight = last.path.curvature_at(at_m) == 0
        return last.begin_m + (begin_m if straight else last.path.end_m)

    @property
    def moving(self) -> bool:
        """Whether a move is under way (also while it stands between two paths)."""
        return self._motion is not None

    @property
    def load_kg(self) -> float:
        """Mass of everything on it."""
        return sum(box.mass_kg for box in self.boxes)

    def pose_at(self, way_m: float) -> Pose:
        """Where it will be at a place ahead (or on the present path behind)."""
        for stretch in self._stretches:
            if way_m <= stretch.end_m + _SAME_M:
                return stretch.path.pose_at(way_m - stretch.begin_m)
        return self.end_pose

    def braking_m(self, kind: BrakeKind = BrakeKind.SERVICE) -> float:
        """How far it would go on, were it braked now."""
        if self._motion is None or not self._stretches:
            return 0.0
        state = self._state()
        return self.engine.brake(self._motion.leg, state, kind).end.at_m - state.at_m

    # --- how it moves ----------------------------------------------------------------------------

    def lay(self, path: Path) -> float:
        """Append a path; returns the place at which it begins.

        Raises `HarnessError` if it does not begin where the last one ends.
        """
        here, begin = self.end_pose, path.pose_at(path.begin_m)
        gap = math.hypot(begin.x_m - here.x_m, begin.y_m - here.y_m)
        if gap > _JOINT_M:
            raise HarnessError(f"{self.id}: a path begins {gap:.3f} m from where the way ends")
        self._skip_finished()
        at = self.end_m
        last = self._stretches[-1] if self._stretches else None
        if last is not None and gap < _SMOOTH_M and self._continues(last.path, path):
            done_m = self.way_m - last.begin_m - _BEHIND_M
            joined = last.path.trimmed(done_m) if done_m > last.path.begin_m else last.path
            last.path = joined.extended(path)
        else:
            self._stretches.append(Stretch(path, at - path.begin_m))
        return at

    @staticmethod
    def _continues(last: Path, path: Path) -> bool:
        """Whether a vehicle can drive from one path into the next without a stop."""
        end, begin = last.end_m - _SAME_M, path.begin_m
        turn = wrapped(path.course_at(begin) - last.course_at(end))
        return abs(turn) < STRAIGHT_RAD and math.isclose(
            last.body_at(end), path.body_at(begin), abs_tol=STRAIGHT_RAD
        )

    def mark(self, way_m: float, number: int) -> None:
        """Tell the listeners when the place is passed."""
        self._marks.append((way_m, number))
        self._marks.sort()
        if self._motion is not None and self._timer is not None:
            self._wait(self._move_record)

    def take_back(self, from_m: float, number: int) -> None:
        """Take back what was laid behind a place ahead of it, and the mark of this number there.

        A move under way goes on to where it was going until the next one is told.
        """
        last = self._stretches[-1]
        at_m = from_m - last.begin_m
        if at_m <= last.path.begin_m + _SAME_M:
            self._stretches.pop()
        else:
            last.path = last.path.until(at_m)
        self._marks = [one for one in self._marks if one[1] != number]

    def forget(self) -> None:
        """Drop all marks and all paths but the one it is on."""
        self._marks.clear()
        self._stretches = self._stretches[:1] if self._motion is not None else []
        if self._motion is not None and self._timer is not None:
            self._wait(self._move_record)

    def run(self, stop_m: float, limits: Iterable[SpeedLimit] = (), *, cause: int = -1) -> None:
        """Drive on and stand at `stop_m`; limits are on places of the way."""
        self._stop_m, self._limits = min(stop_m, self.end_m), tuple(limits)
        self._braking = None
        self._skip_finished()
        if not self._stretches or self._stop_m <= self.way_m + _SAME_M:
            if self._motion is not None:
                self.brake(BrakeKind.SERVICE, cause=cause)
            return
        stretch = self._stretches[0]
        state = self._start(stretch)
        leg = Leg(self.parameters, stretch.path, self.load_kg, self.conditions, self.energy)
        local = [
            SpeedLimit(one.from_m - stretch.begin_m, one.to_m - stretch.begin_m, one.speed_m_s)
            for one in self._limits
            if one.to_m > stretch.begin_m and one.from_m < stretch.end_m
        ]
        stop = min(self._stop_m, stretch.end_m) - stretch.begin_m
        was_moving = self._motion is not None
        self._begin(self.engine.plan(leg, state, stop, local), cause, new=not was_moving)

    def brake(self, kind: BrakeKind, *, cause: int = -1) -> None:
        """Come to rest as soon as this kind of braking allows."""
        if self._motion is None:
            self._drop_timer()  # it stood between two paths
            return
        if self._elapsed_s() >= self._motion.duration_s - 1e-9:
            return  # it comes to rest at this instant
        if self._braking is not None and _HARDNESS[self._braking] >= _HARDNESS[kind]:
            return  # a softer wish does not ease a harder one
        self._braking = kind
        self._stop_m = self.way_m
        motion = self.engine.brake(self._motion.leg, self._state(), kind)
        self._begin(motion, cause, new=False, braking=kind.value)

    def put(self, pose: Pose, *, cause: int = -1) -> None:
        """Be somewhere else: towed, driven by hand, lifted. Drops all paths."""
        self._halt()
        self._stretches, self._marks = [], []
        self._pose = pose
        self.trace(self.id, "igv.put", cause, **_shown(pose))

    def _start(self, stretch: Stretch) -> DriveState:
        if self._motion is not None:
            return self._state()
        return DriveState(max(stretch.path.begin_m, self._way_m - stretch.begin_m))

    def _skip_finished(self) -> None:
        """Leave a path that has been driven to its end."""
        while (
            self._motion is None
            and self._stretches
            and self._way_m >= self._stretches[0].end_m - _SAME_M
        ):
            self._stretches.pop(0)

    def _begin(self, motion: Motion, cause: int, *, new: bool, braking: str = "") -> None:
        self._count_energy()
        self._give_up()
        self._motion, self._begin_ns = motion, self.clock.now_ns()
        payload: dict[str, float | str] = {
            **_shown(self.pose),
            "way_m": round(self.way_m, 4),
            "speed_m_s": round(self.speed_m_s, 4),
            "stop_m": round(self._stretches[0].begin_m + motion.end.at_m, 4),
            "duration_s": round(motion.duration_s, 6),
            "load_kg": round(self.load_kg, 1),
        }
        if braking:
            payload["braking"] = braking
        record = self.trace(self.id, "igv.move", cause, **payload)
        self._move_record = record
        if isinstance(motion, PendingMotion):
            motion.on_ready(lambda better: self._improve(motion, better))
        if new:
            self._tell(CarrierEventKind.MOVING, record)
        self._wait(record)

    def _improve(self, pending: PendingMotion, motion: Motion) -> None:
        """Go on with the engine's motion in place of the closed form that is under way."""
        if self._motion is not pending:
            return  # another one has begun, and asked for its own
        now_s = self._elapsed_s()
        jump_m = motion.at(now_s).at_m - pending.at(now_s).at_m
        if now_s >= motion.duration_s or abs(jump_m) > _JUMP_M:
            return  # the closed form ends it, which is recorded then
        self._count_energy()
        self._motion = motion
        self.trace(
            self.id, "igv.plan", self._move_record, engine=self.engine.name,
            after_s=round(now_s, 3), jump_m=round(jump_m, 4),
            stop_m=round(self._stretches[0].begin_m + motion.end.at_m, 4),
        )  # fmt: skip
        self._wait(self._move_record)

    def _give_up(self) -> None:
        """Record a motion that was closed form for longer than an engine should need."""
        motion = self._motion
        if isinstance(motion, PendingMotion):
            motion.forget()
            after_s = self._elapsed_s()
            if after_s >= min(_LATE_S, motion.duration_s):
                self.trace(
                    self.id, "igv.plan_late", self._move_record, engine=self.engine.name,
                    after_s=round(after_s, 3),
                )  # fmt: skip

    def _wait(self, record: int) -> None:
        """Sleep until the next thing happens on this move."""
        self._drop_timer()
        motion = self._motion
        if motion is None:
            return
        begin_m, due_s = self._stretches[0].begin_m, motion.duration_s
        what: int | None = None
        if self._marks:
            # half a micrometre: a place that the move ends on is reached with it
            when = motion.when(min(self._marks[0][0] - begin_m, motion.end.at_m))
            if self._marks[0][0] - begin_m <= motion.end.at_m + _SAME_M and when is not None:
                due_s, what = when, self._marks[0][1]
        delay_s = max(0.0, due_s - self._elapsed_s())
        self._timer = self.clock.call_later(delay_s, lambda: self._due(what, record))

    def _due(self, mark: int | None, record: int) -> None:
        self._timer = None
        if mark is not None:
            self._marks.pop(0)
            passed = self.trace(self.id, "igv.passed", record, mark=mark, **_shown(self.pose))
            motion = self._motion
            self._tell(CarrierEventKind.PASSED, passed, mark)
            if self._motion is motion and self._timer is None:
                self._wait(record)
            return
        self._rest(record)

    def _rest(self, record: int) -> None:
        assert self._motion is not None
        course = self._stretches[0].path.course_at(self._motion.end.at_m)
        self._halt()
        self._skip_finished()
        if self._stretches and self._stop_m > self._way_m + _SAME_M:
            path = self._stretches[0].path
            turn = abs(wrapped(path.course_at(path.begin_m) - course))
            steer_s = min(turn, math.pi - turn) / self.parameters.steer_rad_s
            self._timer = self.clock.call_later(
                steer_s, lambda: self.run(self._stop_m, self._limits, cause=record)
            )
        rest = self.trace(
            self.id, "igv.rest", record, way_m=round(self._way_m, 4), **_shown(self.pose)
        )
        self._tell(CarrierEventKind.REST, rest)

    def _halt(self) -> None:
        """Be at rest here and now."""
        if self._motion is not None:
            self._count_energy()
            self._give_up()
            pose, way_m = self._motion.pose(self._elapsed_s()), self.way_m
            self.odometer_m += max(0.0, way_m - self._way_m)
            self._pose, self._way_m, self._motion = pose, way_m, None
            self._braking = None
        self._drop_timer()

    def _drop_timer(self) -> None:
        if self._timer is not None and self._timer.callbacks is not None:
            self._timer.callbacks.clear()
        self._timer = None

    def _tell(self, kind: CarrierEventKind, record: int, mark: int = -1) -> None:
        for callback in self._listeners:
            callback(CarrierEvent(kind, record, mark))

    # --- what it carries and lives on ------------------------------------------------------------

    def take(self, box: Box, *, cause: int = -1) -> int:
        """A box is set down on it."""
        self._count_energy()
        self.boxes.append(box)
        return self.trace(self.id, "igv.load", cause, boxes=[one.number for one in self.boxes])

    def give(self, number: str, *, cause: int = -1) -> Box:
        """A box is lifted from it; `HarnessError` if it does not carry that one."""
        for box in self.boxes:
            if box.number == number:
                self._count_energy()
                self.boxes.remove(box)
                self.trace(self.id, "igv.load", cause, boxes=[one.number for one in self.boxes])
                return box
        raise HarnessError(f"{self.id}: carries {[b.number for b in self.boxes]}, not {number!r}")


def _shown(pose: Pose) -> dict[str, float]:
    """A pose for the trace: to a tenth of a millimetre."""
    return {
        "x": round(pose.x_m, 4),
        "y": round(pose.y_m, 4),
        "heading": round(pose.heading_rad, 5),
    }


__all__ = ["Carrier", "CarrierEvent", "CarrierEventKind", "Glimpse"]
