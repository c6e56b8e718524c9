"""An arm's engine in a process of its own: the closed form answers until the engine has.

The closed form moves the arm at once; the engine's own plan comes some milliseconds later and long
before anything that only the engine knows happens. The virtual tier needs none of this: there an
engine in the loop costs no time and is deterministic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twin.clock import Clock
from twin.errors import UnknownName
from twin.physics.engine import (
    ENGINE_NAMES,
    ArmEngine,
    ArmPlan,
    Move,
    PlannedEvent,
    load_engine,
)
from twin.physics.kinematic import KinematicEngine
from twin.physics.parameters import ArmParameters, ArmState, Obstacle
from twin.physics.profile import Reference
from twin.physics.worker import Tell, Worker


class PendingPlan:
    """The closed form of a move, in force until the engine's own plan has come."""

    __slots__ = ("_closed_form", "_take")

    def __init__(self, closed_form: ArmPlan) -> None:
        self._closed_form = closed_form
        self._take: Callable[[ArmPlan], None] | None = None

    def on_ready(self, take: Callable[[ArmPlan], None]) -> None:
        """Have `take` called, in the event loop, with the engine's plan; perhaps never."""
        self._take = take

    def settle(self, plan: ArmPlan) -> None:
        """The engine's plan is here."""
        if self._take is not None:
            self._take(plan)

    @property
    def duration_s(self) -> float:
        """After this time nothing changes."""
        return self._closed_form.duration_s

    @property
    def events(self) -> Sequence[PlannedEvent]:
        """What happens, in order of time."""
        return self._closed_form.events

    @property
    def blocked(self) -> bool:
        """The drive ends pressing on an obstacle, or cannot reach its goal."""
        return self._closed_form.blocked

    @property
    def reference(self) -> Reference | None:
        """The closed-form motion the drive follows; None when the motor is off."""
        return self._closed_form.reference

    def at(self, t_s: float) -> ArmState:
        """The arm's state `t_s` seconds after the plan's start."""
        return self._closed_form.at(t_s)


class EngineProcess:
    """An `ArmEngine` whose plans come from another process; one serves every arm of a site.

    `start` it before the first plan. While there is no process, because one died or hung, arms
    move in closed form; `tell` hears of it.
    """

    def __init__(self, name: str, clock: Clock, tell: Tell = lambda *_: None) -> None:
        if name not in ENGINE_NAMES:
            raise UnknownName("physics engine", name, ENGINE_NAMES)
        self.name = name
        self.worker = Worker(_loaded, name, clock, tell)
        self._closed_form = KinematicEngine()

    async def start(self) -> None:
        """Start the process; `HarnessError` if the engine cannot be loaded there."""
        await self.worker.start()

    def plan(
        self, p: ArmParameters, start: ArmState, move: Move, obstacle: Obstacle | None = None
    ) -> ArmPlan:
        """The closed form at once; the engine's plan follows (`PendingPlan.on_ready`)."""
        closed_form = self._closed_form.plan(p, start, move, obstacle)
        pending = PendingPlan(closed_form)
        asked = self.worker.ask("plan", p, start, move, obstacle, take=pending.settle)
        return pending if asked is not None else closed_form

    def close(self) -> None:
        """End the process; it plans no more."""
        self.worker.close()


def _loaded(name: str) -> ArmEngine:
    """In the process: the engine, with its first world built, which takes longest."""
    engine = load_engine(name)
    engine.plan(ArmParameters(), ArmState(0.0), Move("brake"))
    return engine
