"""An engine in a process of its own, for the tiers that run on the wall clock.

A rigid-body engine takes milliseconds for a move, and PyBullet never releases Python's lock
meanwhile: in the loop, every wire of the gate would wait for it. Here the closed form answers at
once and moves the arm until the engine's own plan has come, some milliseconds later and long
before anything that only the engine knows happens. The virtual tier needs none of this: there an
engine in the loop costs no time and is deterministic.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess

from twin.clock import Clock
from twin.errors import GateTwinError, HarnessError, UnknownName
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

START_LIMIT_S = 60.0
"""Wall seconds that the process gets to load its engine; PyBullet takes about one."""

ANSWER_LIMIT_S = 2.0
"""Wall seconds after which a plan that does not come means that the process hangs: several
hundred times what a plan takes."""

RESTARTS = 3
"""How often a process that died is replaced; an engine that dies more often stays away."""

_log = logging.getLogger(__name__)

Tell = Callable[[str, str], None]
"""Gets what has happened to the process (``lost``, ``back``) and why."""


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

    `start` it before the first plan. When the process dies or hangs, arms go on in closed form,
    `tell` hears of it, and a new process is started, `RESTARTS` times at most.
    """

    def __init__(self, name: str, clock: Clock, tell: Tell = lambda *_: None) -> None:
        if name not in ENGINE_NAMES:
            raise UnknownName("physics engine", name, ENGINE_NAMES)
        self.name = name
        self.answers = 0
        """Plans that have come."""
        self.slowest_s = 0.0
        """The longest that one took, wall seconds."""
        self._clock, self._tell = clock, tell
        self._closed_form = KinematicEngine()
        self._pool: ProcessPoolExecutor | None = None
        self._child: BaseProcess | None = None
        self._losses = 0
        self._restart: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._child.pid if self._child is not None else None

    async def start(self) -> None:
        """Start the process; `HarnessError` if the engine cannot be loaded there."""
        if self._pool is not None:
            return
        # spawn: a forked child would inherit our sockets, and a Bullet world of its own besides.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(1, mp_context=context)
        before = set(multiprocessing.active_children())
        try:
            loading = self._clock.loop.run_in_executor(pool, _load, self.name)
            self._child = next(
                (child for child in multiprocessing.active_children() if child not in before), None
            )
            problem = await asyncio.wait_for(loading, START_LIMIT_S * self._clock.speed)
        except (BrokenProcessPool, TimeoutError) as error:
            self._end(pool)
            raise HarnessError(
                f"the process of the {self.name} engine did not start within "
                f"{START_LIMIT_S:.0f} s or died ({type(error).__name__}). A script that starts a "
                "gate on the wall clock needs `if __name__ == '__main__':` around it; or run "
                "with --fidelity kinematic"
            ) from error
        except BaseException:
            self._end(pool)
            raise
        if problem:
            self._end(pool)
            raise HarnessError(problem)
        self._pool = pool

    def plan(
        self, p: ArmParameters, start: ArmState, move: Move, obstacle: Obstacle | None = None
    ) -> ArmPlan:
        """The closed form at once; the engine's plan follows (`PendingPlan.on_ready`)."""
        closed_form = self._closed_form.plan(p, start, move, obstacle)
        pool = self._pool
        if pool is None:
            return closed_form
        pending, asked_s = PendingPlan(closed_form), time.perf_counter()
        try:
            future = pool.submit(_plan, p, start, move, obstacle)
        except BrokenProcessPool:
            self._lost(pool, "the process died")
            return closed_form
        loop = self._clock.loop

        def come(done: Future[ArmPlan]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._come, pool, pending, asked_s, done)

        future.add_done_callback(come)
        limit_s = ANSWER_LIMIT_S * self._clock.speed
        loop.call_later(limit_s, self._overdue, pool, future)
        return pending

    def close(self) -> None:
        """End the process; it plans no more."""
        if self._restart is not None:
            self._restart.cancel()
            self._restart = None
        if self._pool is not None:
            self._end(self._pool)

    def _come(
        self, pool: ProcessPoolExecutor, pending: PendingPlan, asked_s: float, done: Future[ArmPlan]
    ) -> None:
        if done.cancelled():
            return
        try:
            plan = done.result()
        except BrokenProcessPool:
            self._lost(pool, "the process died")
            return
        self.answers += 1
        self.slowest_s = max(self.slowest_s, time.perf_counter() - asked_s)
        pending.settle(plan)

    def _overdue(self, pool: ProcessPoolExecutor, future: Future[ArmPlan]) -> None:
        if not future.done() and pool is self._pool:
            self._lost(pool, f"no plan came within {ANSWER_LIMIT_S:.0f} s")

    def _lost(self, pool: ProcessPoolExecutor, why: str) -> None:
        if pool is not self._pool:
            return
        self._losses += 1
        self._end(pool)
        again = self._losses <= RESTARTS
        then = "a new one is started" if again else "it stays away"
        why = f"{why}; arms move in closed form, {then}"
        _log.warning("%s engine: %s", self.name, why)
        self._tell("lost", why)
        if again:
            self._restart = self._clock.loop.create_task(self._start_again())

    async def _start_again(self) -> None:
        try:
            await self.start()
        except HarnessError as error:
            _log.warning("%s engine: %s", self.name, error)
            self._tell("lost", str(error))
        else:
            self._tell("back", "a new process plans")

    def _end(self, pool: ProcessPoolExecutor) -> None:
        """Kill, not ask: a process that hangs answers nothing, and an idle one loses nothing."""
        child, self._child, self._pool = self._child, None, None
        if child is not None:
            child.kill()
        pool.shutdown(wait=True, cancel_futures=True)


_engine: ArmEngine | None = None
"""The child's engine."""


def _load(name: str) -> str:
    """In the child: load the engine; returns what is wrong, or nothing."""
    global _engine
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the gate, which then ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _engine = load_engine(name)
        _engine.plan(ArmParameters(), ArmState(0.0), Move("brake"))
    except GateTwinError as error:
        return str(error)
    return ""


def _end_with_parent() -> None:
    """A gate that is killed takes its engine with it; the pool alone would leave it waiting."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def _plan(p: ArmParameters, start: ArmState, move: Move, obstacle: Obstacle | None) -> ArmPlan:
    """In the child: one plan."""
    assert _engine is not None
    return _engine.plan(p, start, move, obstacle)
