"""The move cycle: find the box, take it, weigh it, carry it, set it down.

Each step waits for what the sensors say, with a deadline. A protective function interrupts the
cycle and suspends the mission; `resume` takes it up from where box and locks are. What cannot be
mended by waiting (the wrong box, a place that is taken) ends it as failed, with the spreader
raised and the box, if one was lifted, back where it stood.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import simpy

from twin.devices.crane_words import (
    STOPPING,
    CraneError,
    Mission,
    MissionState,
    Protection,
    Step,
    Trouble,
)
from twin.documents import containers
from twin.documents.errors import DocumentError
from twin.world.crane import Axis
from twin.world.yard import Place, PlaceKind

if TYPE_CHECKING:
    from twin.devices.crane import Crane

Process = Generator[simpy.Event, Any, None]

_AT_GOAL_M = 0.01
_LATE_S = 2.0
"""How much longer than planned a drive may take before its axis counts as failed."""
_UNLOAD_S = 5.0
"""How long after a landing the load cells may still feel a load."""
_LOOK_S = 0.1
_TRIES = 3
"""Readings of a number before it counts as unreadable."""
_OVERTRAVEL_M = 0.5
"""Lowering is aimed this far below the expected landing; the pins end it."""
_RISE_M = 0.3
"""The box is weighed this far above where it stood."""


class _Failed(Exception):  # noqa: N818 - ends one cycle, never leaves this module
    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.name)
        self.trouble = trouble


class Cycle:
    """One crane's mission at a time."""

    def __init__(self, crane: Crane) -> None:
        self._crane = crane
        self.mission: Mission | None = None
        self.state = MissionState.NONE
        self.step = Step.IDLE
        self.read_number = ""
        self._process: simpy.Process | None = None
        self._woken: simpy.Event | None = None
        self._record = -1
        self._weighed_kg = 0.0

    @property
    def name(self) -> str:
        """Id of the present or last mission."""
        return self.mission.id if self.mission is not None else ""

    # --- orders -----------------------------------------------------------------------------

    def start(self, mission: Mission, cause: int) -> None:
        """Begin, or raise `CraneError`."""
        if self.state in (MissionState.RUNNING, MissionState.SUSPENDED):
            raise CraneError(f"mission {self.name} is {self.state.name.lower()}")
        if not mission.id:
            raise CraneError("a mission needs an id")
        places = self._crane.body.yard.places
        for place in (mission.from_place, mission.to_place):
            if place not in places:
                raise CraneError(f"there is no place {place!r} under this crane")
        if mission.from_place == mission.to_place:
            raise CraneError("the box is to go where it stands")
        try:
            containers.check(mission.box)
        except DocumentError as error:
            raise CraneError(str(error)) from error
        if self._crane.body.held is not None:
            raise CraneError("a box hangs on the spreader")
        self.mission, self.read_number, self._weighed_kg = mission, "", 0.0
        self._run(cause)

    def resume(self, cause: int) -> None:
        """Go on, or raise `CraneError`."""
        if self.state is not MissionState.SUSPENDED:
            raise CraneError("no mission is suspended")
        self._run(cause)

    def cancel(self, cause: int) -> None:
        """End the mission where it is, or raise `CraneError`."""
        if self.state not in (MissionState.RUNNING, MissionState.SUSPENDED):
            raise CraneError("no mission is under way")
        running = self._process
        self._tell(MissionState.CANCELLED, Trouble.NONE, cause)
        if running is not None and running.is_alive:
            running.interrupt(None)
        for axis in Axis:
            self._crane.body.stop(axis, cause=cause)

    def interrupt(self, trouble: Trouble, cause: int) -> None:
        """Something has stopped the drives; `cause` is the record of it."""
        process = self._process
        if process is None or not process.is_alive or self.state is not MissionState.RUNNING:
            return
        if process is not self._crane.clock.env.active_process:
            self._record = cause
            if trouble is not Trouble.OVERLOAD:
                self._end(trouble)  # at once, so that an order in this instant finds it so
                process.interrupt(None)
            else:
                process.interrupt(trouble)

    def wake(self) -> None:
        """Something has happened that the cycle may wait for."""
        if self._woken is not None and not self._woken.triggered:
            self._woken.succeed()

    # --- the cycle --------------------------------------------------------------------------

    def _run(self, cause: int) -> None:
        self._tell(MissionState.RUNNING, Trouble.NONE, cause)
        self._process = self._crane.clock.env.process(self._work())

    def _work(self) -> Process:
        try:
            yield from self._guarded()
        except simpy.Interrupt as interrupt:
            if interrupt.cause is not None:  # None: stopped or cancelled, and told already
                self._end(interrupt.cause)
        if self._process is self._crane.clock.env.active_process:
            self._to(Step.IDLE)

    def _guarded(self) -> Process:
        mission = self.mission
        assert mission is not None
        try:
            yield from self._move(mission)
        except simpy.Interrupt as interrupt:
            if interrupt.cause is not Trouble.OVERLOAD:
                raise
            yield from self._give_up(mission, Trouble.OVERLOAD)
        except _Failed as failed:
            if failed.trouble in STOPPING:
                self._end(failed.trouble)
            else:
                yield from self._give_up(mission, failed.trouble)
        else:
            self._crane.finished(self._weighed_kg)
            self._tell(MissionState.DONE, Trouble.NONE, self._record)

    def _give_up(self, mission: Mission, trouble: Trouble) -> Process:
        """Put back what was lifted, raise the spreader, and end as failed."""
        try:
            if self._crane.body.held is not None and trouble is not Trouble.TWIST_LOCK:
                yield from self._put_back(self._place(mission.from_place))
            if not any(self._crane.body.locks):
                yield from self._raise()
        except _Failed as failed:
            trouble = failed.trouble
        self._crane.trouble = trouble
        self._end(trouble)

    def _put_back(self, source: Place) -> Process:
        body = self._crane.body
        self._to(Step.PUT_BACK)
        if not self._over(source):
            yield from self._raise()
            yield from self._travel(source)
        if body.held is not None and not source.refuses():
            yield from self._set_on(source)

    def _over(self, place: Place) -> bool:
        body = self._crane.body
        return (
            body.yard.near(
                body.state(Axis.GANTRY)[0], body.state(Axis.TROLLEY)[0], body.parameters.reach_m
            )
            is place
        )

    def _end(self, trouble: Trouble) -> None:
        state = MissionState.SUSPENDED if trouble in STOPPING else MissionState.FAILED
        self._crane.trouble = trouble
        self._tell(state, trouble, self._record)

    def _move(self, mission: Mission) -> Process:
        target = self._place(mission.to_place)
        if self._crane.body.held is None:
            if self._weighed_kg and self._over(target):  # stopped when it had just let go
                if any(self._crane.body.locks):
                    yield from self._turn(close=False)
                yield from self._raise()
                return
            yield from self._pick(mission)
        self._to(Step.HOIST)
        yield from self._raise()
        self._to(Step.TRAVEL_TO_SET)
        yield from self._travel(target)
        if target.refuses():
            raise _Failed(Trouble.OCCUPIED)
        self._to(Step.LOWER_TO_SET)
        yield from self._set_on(target)
        yield from self._raise()

    def _pick(self, mission: Mission) -> Process:
        crane, source = self._crane, self._place(mission.from_place)
        self._to(Step.RAISE)
        if any(crane.body.locks):
            yield from self._turn(close=False)
        yield from self._raise()
        self._to(Step.TRAVEL_TO_PICK)
        yield from self._travel(source)
        if source.top is None or not source.present:
            raise _Failed(Trouble.NO_BOX)
        self._to(Step.LOWER_TO_PICK)
        yield from self._lower(source.top_m)
        self._to(Step.IDENTIFY)
        yield from self._identify(mission)
        self._to(Step.LOCK)
        yield from self._turn(close=True)
        self._to(Step.WEIGH)
        yield from self._weigh(mission)

    def _identify(self, mission: Mission) -> Process:
        for _ in range(_TRIES):
            yield self._crane.clock.timeout(self._crane.parameters.identify_s)
            self.read_number = self._crane.read_number()
            self._crane.changed("box")
            if self.read_number == mission.box:
                return
            try:
                containers.check(self.read_number)
            except DocumentError:
                continue  # a number that cannot be is a bad picture, not another box
            raise _Failed(Trouble.WRONG_BOX)
        raise _Failed(Trouble.UNREADABLE)

    def _weigh(self, mission: Mission) -> Process:
        crane, p = self._crane, self._crane.parameters
        height = crane.body.state(Axis.HOIST)[0]
        yield from self._drive({Axis.HOIST: height + _RISE_M}, top_m_s=p.slow_m_s)
        yield crane.clock.timeout(p.weigh_s)
        self._weighed_kg = crane.load_kg()
        declared_kg = mission.declared_kg
        if declared_kg and self._weighed_kg > declared_kg * p.carrier_share + p.tare_kg:
            raise _Failed(Trouble.CARRIER_HELD)

    def _set_on(self, place: Place) -> Process:
        """Lower the box onto `place` and let go of it."""
        held = self._crane.body.held
        assert held is not None
        yield from self._lower(place.top_m + held.height_m)
        self._to(Step.UNLOCK)
        yield from self._turn(close=False)

    # --- motions ----------------------------------------------------------------------------

    def _raise(self) -> Process:
        """To a height above everything, with clearance for what hangs below."""
        crane, body = self._crane, self._crane.body
        held_m = body.held.height_m if body.held is not None else 0.0
        highest = max((p.top_m for p in body.yard.places.values()), default=0.0)
        p = crane.parameters
        height = max(p.travel_m, highest + held_m + p.clearance_m)
        if body.state(Axis.HOIST)[0] >= height - _AT_GOAL_M:
            return
        yield from self._drive({Axis.HOIST: height})

    def _travel(self, place: Place) -> Process:
        aim = [place.gantry_m, place.trolley_m]
        if place.kind is PlaceKind.TRUCK:
            # a driver stops where he stops: laser scanners measure his trailer
            aim = [where + off for where, off in zip(aim, place.offset_m, strict=True)]
        goals = {Axis.GANTRY: aim[0], Axis.TROLLEY: aim[1]}
        yield from self._drive(goals, shaped=self._crane.parameters.anti_sway)
        p = self._crane.parameters
        waited_s = 0.0
        while self._crane.sway_m() > p.settle_m:
            if waited_s >= p.settle_limit_s:
                raise _Failed(Trouble.SWAY)
            yield self._crane.clock.timeout(0.5)
            waited_s += 0.5

    def _lower(self, to_m: float) -> Process:
        crane, p = self._crane, self._crane.parameters
        if crane.body.state(Axis.HOIST)[0] > to_m + p.slow_zone_m:
            yield from self._drive({Axis.HOIST: to_m + p.slow_zone_m})
        crane.go(Axis.HOIST, to_m - _OVERTRAVEL_M, top_m_s=p.slow_m_s, cause=self._record)
        limit_s = crane.body.remaining_s(Axis.HOIST) + _LATE_S
        yield from self._until(
            lambda: any(crane.pins()) or not crane.body.moving(Axis.HOIST), limit_s
        )
        crane.body.stop(Axis.HOIST, cause=self._record)
        yield from self._until(lambda: not crane.body.moving(Axis.HOIST), _LATE_S)
        if not all(crane.pins()):
            raise _Failed(Trouble.MISALIGNED)

    def _turn(self, *, close: bool) -> Process:
        """Turn the locks, twice if need be."""
        crane = self._crane
        waited_s = 0.0
        while not close and crane.why_not_unlock() and waited_s < _UNLOAD_S:
            yield crane.clock.timeout(_LOOK_S)  # the load cells settle after the landing
            waited_s += _LOOK_S
        for _ in range(2):
            if not close and crane.why_not_unlock():
                raise _Failed(Trouble.TWIST_LOCK)
            if close and not all(crane.pins()):
                raise _Failed(Trouble.MISALIGNED)
            yield from crane.turning(close, self._record)
            if all(lock == close for lock in crane.body.locks):
                return
        if close and not all(crane.body.locks):
            yield from crane.turning(False, self._record)
        raise _Failed(Trouble.TWIST_LOCK)

    def _drive(
        self, goals: dict[Axis, float], *, top_m_s: float | None = None, shaped: bool = False
    ) -> Process:
        crane = self._crane
        hoist_m = goals.get(Axis.HOIST)
        up = hoist_m is not None and hoist_m > crane.body.state(Axis.HOIST)[0]
        if up and (Protection.TWIST_LOCK in crane.active or sum(crane.body.locks) not in (0, 4)):
            raise _Failed(Trouble.TWIST_LOCK)
        for axis, goal in goals.items():
            crane.go(axis, goal, top_m_s=top_m_s, shaped=shaped, cause=self._record)
        limit_s = max(crane.body.remaining_s(axis) for axis in goals) + _LATE_S
        yield from self._until(lambda: not any(crane.body.moving(axis) for axis in goals), limit_s)
        if any(abs(crane.body.state(axis)[0] - goal) > _AT_GOAL_M for axis, goal in goals.items()):
            raise _Failed(Trouble.DRIVE)

    def _until(self, done: Callable[[], bool], limit_s: float) -> Process:
        env = self._crane.clock.env
        deadline = self._crane.clock.timeout(limit_s)
        while not done():
            if deadline.processed:
                raise _Failed(Trouble.DRIVE)
            self._woken = env.event()
            yield self._woken | deadline

    def _place(self, name: str) -> Place:
        return self._crane.body.yard.place(name)

    def _to(self, step: Step) -> None:
        if self.step is not step:
            self.step = step
            self._record = self._crane.trace(
                self._crane.id, "crane.step", self._record, mission=self.name, step=step.name
            )
            self._crane.changed("step")

    def _tell(self, state: MissionState, trouble: Trouble, cause: int) -> None:
        self.state = state
        mission = self.mission
        self._record = self._crane.trace(
            self._crane.id, "crane.mission", cause, mission=self.name, state=state.name,
            trouble=trouble.name, step=self.step.name, box=mission.box if mission else "",
            read=self.read_number,
        )  # fmt: skip
        self._crane.changed("mission")
