"""One engine in a process of its own: started, asked, watched, and replaced when it dies.

For the tiers that run on the wall clock. A rigid-body engine takes milliseconds for an answer, and
PyBullet never releases Python's lock meanwhile: in the loop, every wire of the gate would wait for
it. Which questions an engine is asked, and what is done until it has answered, is the business of
`engine_process`.
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
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from typing import Any

from twin.clock import Clock
from twin.errors import GateTwinError, HarnessError

START_LIMIT_S = 60.0
"""Wall seconds that the process gets to load its engine; PyBullet takes about one."""

ANSWER_LIMIT_S = 2.0
"""Wall seconds after which an answer that does not come means that the process hangs: several
hundred times what a plan takes."""

RESTARTS = 3
"""How often a process that died is replaced; an engine that dies more often stays away."""

_log = logging.getLogger(__name__)

Tell = Callable[[str, str], None]
"""Gets what has happened to the process (``lost``, ``back``) and why."""


class Worker:
    """A process with one engine in it. `start` it before the first question."""

    def __init__(
        self, load: Callable[[str], object], name: str, clock: Clock, tell: Tell = lambda *_: None,
        *, answer_limit_s: float | None = None,
    ) -> None:  # fmt: skip
        """`load(name)` makes the engine, in the process: a function of a module, not a lambda.

        `answer_limit_s`: wall seconds, `ANSWER_LIMIT_S` unless given.
        """
        self.name = name
        self.answers = 0
        """Answers that have come."""
        self.slowest_s = 0.0
        """The longest that one took, wall seconds."""
        self._load, self._clock, self._tell = load, clock, tell
        self._limit_s = answer_limit_s
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
        pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        before = set(multiprocessing.active_children())
        try:
            loading = self._clock.loop.run_in_executor(pool, _begin, self._load, self.name)
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

    def ask(self, method: str, *arguments: Any, take: Callable[[Any], None]) -> Future[Any] | None:
        """Have the engine's `method` called; `take` gets the answer, in the event loop.

        None if there is nobody to ask just now. An answer of a process that dies never comes; a
        question that nobody works on yet can be cancelled.
        """
        pool, asked_s = self._pool, time.perf_counter()
        if pool is None:
            return None
        try:
            future = pool.submit(_answer, method, arguments)
        except BrokenProcessPool:
            self._lost(pool, "the process died")
            return None
        loop = self._clock.loop

        def come(done: Future[Any]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._come, pool, take, asked_s, done)

        future.add_done_callback(come)
        limit_s = self._limit_s or ANSWER_LIMIT_S
        loop.call_later(limit_s * self._clock.speed, self._overdue, pool, future, limit_s)
        return future

    def close(self) -> None:
        """End the process; it answers no more."""
        if self._restart is not None:
            self._restart.cancel()
            self._restart = None
        if self._pool is not None:
            self._end(self._pool)

    def _come(
        self,
        pool: ProcessPoolExecutor,
        take: Callable[[Any], None],
        asked_s: float,
        done: Future[Any],
    ) -> None:
        if done.cancelled():
            return
        try:
            answer = done.result()
        except BrokenProcessPool:
            self._lost(pool, "the process died")
            return
        self.answers += 1
        self.slowest_s = max(self.slowest_s, time.perf_counter() - asked_s)
        take(answer)

    def _overdue(self, pool: ProcessPoolExecutor, future: Future[Any], limit_s: float) -> None:
        if not future.done():
            self._lost(pool, f"no answer came within {limit_s:g} s")

    def _lost(self, pool: ProcessPoolExecutor, why: str) -> None:
        if pool is not self._pool:
            return  # told already
        self._losses += 1
        self._end(pool)
        again = self._losses <= RESTARTS
        why = f"{why}; bodies move in closed form, " + (
            "a new one is started" if again else "it stays away"
        )
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
            self._tell("back", "a new process answers")

    def _end(self, pool: ProcessPoolExecutor) -> None:
        """Kill, not ask: a process that hangs answers nothing, and an idle one loses nothing."""
        child, self._child, self._pool = self._child, None, None
        if child is not None:
            child.kill()
        pool.shutdown(wait=True, cancel_futures=True)


# ---------------------------------------------------------------- in the process

_engine: object = None


def _begin(load: Callable[[str], object], name: str) -> str:
    """Load the engine; returns what is wrong, or nothing."""
    global _engine
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the gate, which then ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _engine = load(name)
    except GateTwinError as error:
        return str(error)  # as text: not every error survives the way between processes
    return ""


def _end_with_parent() -> None:
    """A gate that is killed takes its engine with it; the pool alone would leave it waiting."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def _answer(method: str, arguments: tuple[Any, ...]) -> Any:
    return getattr(_engine, method)(*arguments)
