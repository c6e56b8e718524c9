"""A vehicle engine in a process of its own: the closed form drives until the engine's motion comes.

As for arms (`engine_process`), but a way takes minutes to drive and seconds to compute, and a
vehicle asks anew whenever its order grows. So a question is put only for a motion that is driven,
and taken back, if nobody works on it yet, when another one takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from twin.clock import Clock
from twin.physics.drive import (
    DriveEngine,
    DriveState,
    Leg,
    Motion,
    SpeedLimit,
    load_drive,
)
from twin.physics.drive_kinematic import KinematicDrive
from twin.physics.path import Path, Pose
from twin.physics.vehicle_parameters import BrakeKind, VehicleParameters
from twin.physics.worker import Tell, Worker

ANSWER_LIMIT_S = 60.0
"""Wall seconds after which the process hangs: a way over the bridge takes two or three to compute,
and each vehicle of a fleet may stand before it in the queue (estimate)."""

_Ask = Callable[[Callable[[Motion], None]], Future[Any] | None]


class PendingMotion:
    """The closed form of a motion, in force until the engine's own has come."""

    __slots__ = ("_ask", "_closed_form", "_future")

    def __init__(self, closed_form: Motion, ask: _Ask) -> None:
        self._closed_form, self._ask = closed_form, ask
        self._future: Future[Any] | None = None

    def on_ready(self, take: Callable[[Motion], None]) -> None:
        """Ask the engine, and have `take` called, in the event loop, with its motion; or never."""
        self._future = self._ask(take)

    def forget(self) -> None:
        """Nobody drives it any more."""
        if self._future is not None:
            self._future.cancel()

    @property
    def leg(self) -> Leg:
        """What drives where."""
        return self._closed_form.leg

    @property
    def duration_s(self) -> float:
        """After this time the vehicle stands."""
        return self._closed_form.duration_s

    @property
    def end(self) -> DriveState:
        """Where it stands then."""
        return self._closed_form.end

    @property
    def held(self) -> bool:
        """Whether the stop and every speed limit is kept."""
        return self._closed_form.held

    def at(self, t_s: float) -> DriveState:
        """The state `t_s` after the begin."""
        return self._closed_form.at(t_s)

    def pose(self, t_s: float) -> Pose:
        """Where in the map the body is."""
        return self._closed_form.pose(t_s)

    def when(self, at_m: float) -> float | None:
        """The first instant at a place."""
        return self._closed_form.when(at_m)

    def energy_kwh(self, t_s: float) -> float:
        """What the battery has given from the begin to `t_s`."""
        return self._closed_form.energy_kwh(t_s)


class DriveProcess:
    """A `DriveEngine` whose motions come from another process; one serves a whole fleet.

    `start` it before the first plan. While there is no process, because one died or hung, vehicles
    drive in closed form; `tell` hears of it.
    """

    def __init__(self, name: str, clock: Clock, tell: Tell = lambda *_: None) -> None:
        self.name = name
        self.worker = Worker(_loaded, name, clock, tell, answer_limit_s=ANSWER_LIMIT_S)
        self._closed_form = KinematicDrive()

    async def start(self) -> None:
        """Start the process; `HarnessError` if the engine cannot be loaded there."""
        await self.worker.start()

    def plan(
        self, leg: Leg, start: DriveState, stop_at_m: float, limits: Sequence[SpeedLimit] = ()
    ) -> Motion:
        """The closed form at once; the engine's motion follows (`PendingMotion.on_ready`)."""
        return self._pending(
            self._closed_form.plan(leg, start, stop_at_m, limits),
            lambda take: self.worker.ask("plan", leg, start, stop_at_m, tuple(limits), take=take),
        )

    def brake(self, leg: Leg, start: DriveState, kind: BrakeKind) -> Motion:
        """As `plan`."""
        return self._pending(
            self._closed_form.brake(leg, start, kind),
            lambda take: self.worker.ask("brake", leg, start, kind, take=take),
        )

    def _pending(self, closed_form: Motion, ask: _Ask) -> Motion:
        return PendingMotion(closed_form, ask) if self.worker.pid is not None else closed_form

    def close(self) -> None:
        """End the process; it plans no more."""
        self.worker.close()


def drive_for(name: str, clock: Clock, tell: Tell = lambda *_: None) -> DriveEngine:
    """The engine for a clock: on the wall clock a rigid-body engine gets a process of its own."""
    if name == "kinematic" or clock.mode == "virtual":
        return load_drive(name)
    return DriveProcess(name, clock, tell)


def _loaded(name: str) -> DriveEngine:
    """In the process: the engine, with its first world built, which takes longest."""
    engine = load_drive(name)
    leg = Leg(VehicleParameters(), Path.straight(Pose(0.0, 0.0, 0.0), 5.0))
    engine.plan(leg, DriveState(0.0), 5.0)
    return engine
