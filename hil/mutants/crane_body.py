# ruff: noqa: D102 - overrides; each class says how it is broken
"""Broken controllers and bodies of cranes: the move cycle, interlocks, stops."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import simpy

from hil.kits.crane.emulation import CraneVariant
from hil.variant import Maker, said
from twin.devices.crane import Crane, SpeedLimits
from twin.devices.crane_mission import Cycle
from twin.devices.crane_words import CraneError, Mission, MissionState, Protection, Step, Trouble
from twin.world.crane import Axis, CraneBody
from twin.world.yard import Place

Process = Generator[simpy.Event, Any, None]


class _Deaf(SpeedLimits):
    def share(self, axis: Axis, plus: bool) -> float:
        del axis, plus
        return 1.0


class DeafToLimits(Crane):
    """Takes speed limits, shows them and drives on as before."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.limits = _Deaf()


# ---------------------------------------------------------------- the cycle


class BringsItBack(Cycle):
    """Sets the box down where it was, and tells the mission as done."""

    def _place(self, name: str) -> Place:
        del name
        mission = self.mission
        assert mission is not None
        return super()._place(mission.from_place)


class HidesIdentifying(Cycle):
    """Does not tell that it identifies the box."""

    def _to(self, step: Step) -> None:
        if step is not Step.IDENTIFY:
            super()._to(step)


class LocksInTheAir(Cycle):
    """Closes the locks as soon as it comes down."""

    def _lower(self, to_m: float) -> Process:
        for corner in range(4):
            self._crane.body.set_lock(corner, True)
        yield from super()._lower(to_m)


class LiftsOnThree(Cycle):
    """Three closed locks are enough for it."""

    def _turn(self, *, close: bool) -> Process:
        yield from self._crane.turning(close, self._record)

    def _drive(
        self, goals: dict[Axis, float], *, top_m_s: float | None = None, shaped: bool = False
    ) -> Process:
        for axis, goal in goals.items():
            self._crane.go(axis, goal, top_m_s=top_m_s, shaped=shaped, cause=self._record)
        body = self._crane.body
        limit_s = max(body.remaining_s(axis) for axis in goals) + 2.0
        yield from self._until(lambda: not any(body.moving(axis) for axis in goals), limit_s)


class TrustsThePaper(Cycle):
    """Any number that can be read is the right one."""

    def _identify(self, mission: Mission) -> Process:
        yield self._crane.clock.timeout(self._crane.parameters.identify_s)
        self.read_number = self._crane.read_number()
        self._crane.changed("box")
        if not self.read_number:
            yield from super()._identify(mission)


class FogMeansYes(Cycle):
    """A number that cannot be read is the right one."""

    def _identify(self, mission: Mission) -> Process:
        if self._crane.read_number():
            yield from super()._identify(mission)
        else:
            yield self._crane.clock.timeout(self._crane.parameters.identify_s)


def _cycling(broken: type[Cycle]) -> type[Crane]:
    def init(self: Crane, *arguments: Any, **options: Any) -> None:
        Crane.__init__(self, *arguments, **options)
        self.cycle = broken(self)

    return type(broken.__name__, (Crane,), {"__init__": init, "__doc__": broken.__doc__})


# ---------------------------------------------------------------- interlocks and stops


class UnlocksAnywhere(Crane):
    """Opens the locks whenever somebody says so."""

    def why_not_unlock(self) -> str:
        return ""


class ForgetsTheGantry(Crane):
    """The emergency stop stops hoist and trolley."""

    def halt(self, trouble: Trouble, cause: int = -1) -> None:
        moving = self.body.moving(Axis.GANTRY) and trouble is Trouble.EMERGENCY_STOP
        goal_m = self.body.parameters.gantry.high_m
        super().halt(trouble, cause)
        if moving:
            self.body.move(Axis.GANTRY, goal_m, cause=cause)


class ResumesByItself(Crane):
    """Goes on when the emergency stop is released."""

    def _fault_changed(self, kind: str, cause: int) -> None:
        super()._fault_changed(kind, cause)
        if kind == "estop" and kind not in self.faults:
            _go_on(self)


class ResumesWithPower(Crane):
    """Goes on when the power returns."""

    def _fault_changed(self, kind: str, cause: int) -> None:
        super()._fault_changed(kind, cause)
        if kind == "power" and kind not in self.faults:
            _go_on(self)


class ResumesInTheCalm(Crane):
    """Goes on when the wind is calm again."""

    def protect(self, protection: Protection, on: bool, cause: int = -1) -> None:
        was = protection in self.active
        super().protect(protection, on, cause)
        if protection is Protection.WIND and was and not on:
            _go_on(self)


def _go_on(crane: Crane) -> None:
    if crane.cycle.state is MissionState.SUSPENDED:
        crane.resume()


class ObeysUnderTheButton(Crane):
    """Resumes a mission while the emergency stop is pressed."""

    def resume(self, cause: int = -1) -> None:
        if Protection.EMERGENCY_STOP not in self.active:
            super().resume(cause)
        elif self.cycle.state is MissionState.SUSPENDED:
            self.cycle.resume(cause)
        else:
            raise CraneError("no mission is suspended")


class LocksFallOpen(CraneBody):
    """Without power its locks fall open."""

    def power(self, on: bool, *, cause: int = -1) -> None:
        super().power(on, cause=cause)
        if not on:
            for corner in range(4):
                self.set_lock(corner, False, cause=cause)


_crane = Maker(CraneVariant, "CRN-", Crane)


def _values(name: str, kills: str, doc: str, **parameters: Any) -> CraneVariant:
    return CraneVariant(name, f"CRN-{kills}", doc, parameters=parameters)


MUTANTS: list[CraneVariant] = [
    _crane("deaf-to-limits", "MET-08", DeafToLimits),
    _crane("brings-it-back", "MIS-01", _cycling(BringsItBack)),
    _crane("hides-identifying", "MIS-02", _cycling(HidesIdentifying)),
    _crane("locks-in-the-air", "MIS-03", _cycling(LocksInTheAir)),
    _crane("lifts-on-three", "MIS-04", _cycling(LiftsOnThree)),
    _crane("unlocks-anywhere", "MIS-05", UnlocksAnywhere),
    _crane("trusts-the-paper", "MIS-06", _cycling(TrustsThePaper)),
    _crane("fog-means-yes", "MIS-07", _cycling(FogMeansYes)),
    _values("swings", "MIS-08", "Lowers without waiting for the load.",
            anti_sway=False, settle_m=5.0),
    _values("strong", "MIS-09", "Its limiter is set to twice its capacity.", overload_share=2.0),
    _values("creeps", "MIS-10", "Travels just above the boxes.", travel_m=0.0),
    _crane("forgets-the-gantry", "SAF-01", ForgetsTheGantry),
    _crane("resumes-by-itself", "SAF-02", ResumesByItself),
    _crane("obeys-under-the-button", "SAF-03", ObeysUnderTheButton),
    _values("brave-in-the-wind", "SAF-04", "Its wind limit is 40 m/s.", wind_stop_m_s=40.0),
    _crane("resumes-in-the-calm", "SAF-05", ResumesInTheCalm),
    CraneVariant("locks-fall-open", "CRN-SAF-06", said(LocksFallOpen),
                 body=LocksFallOpen),
    _crane("resumes-with-power", "SAF-07", ResumesWithPower),
    _values("long-arm", "SAF-08", "An order by hand lasts five seconds.", dead_man_s=5.0),
]  # fmt: skip
