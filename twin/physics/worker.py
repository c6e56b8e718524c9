"""One engine in a process of its own: started, asked, watched, and replaced when it dies.

For the tiers that run on the wall clock. A rigid-body engine takes milliseconds for an answer, and
PyBullet never releases Python's lock meanwhile: in the loop, every wire of the gate would wait for
it. Which questions an engine is asked, and what is done until it has answered, is the business of
`engine_process`.

A thread waits for each answer at the end of a pipe whose other end is the process's alone, so a
process that is killed in the middle of an answer is the end of the stream. (In a
`ProcessPoolExecutor` the parent holds that end too: there it is a wait that never ends.)
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
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
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


_GONE = (EOFError, OSError)
"""What a pipe says when nobody is at its other end."""


class _Process:
    """The process, our end of the pipe to it, and the thread that waits there."""

    def __init__(self, load: Callable[[str], object], name: str) -> None:
        # spawn: a forked child would inherit our sockets, and a Bullet world of its own besides.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.child: SpawnProcess = context.Process(
            target=_serve, args=(theirs, load, name), daemon=True, name=f"{name} engine"
        )
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=f"{name}-engine")
        try:
            self.child.start()
        finally:
            theirs.close()

    def exchange(self, method: str, arguments: tuple[Any, ...]) -> Any:
        """In the thread: ask, and wait for the answer; an exception there is one here."""
        self.pipe.send((method, arguments))
        answer = self.pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def end(self) -> None:
        """Kill, not ask: a process that hangs answers nothing, and an idle one loses nothing."""
        self.child.kill()
        self.thread.shutdown(wait=True, cancel_futures=True)
        self.pipe.close()
        self.child.join()


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
        self._process: _Process | None = None
        self._losses = 0
        self._restart: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.child.pid if self._process is not None else None

    async def start(self) -> None:
        """Start the process; `HarnessError` if the engine cannot be loaded there."""
        if self._process is not None:
            return
        process = _Process(self._load, self.name)
        try:
            loading = self._clock.loop.run_in_executor(process.thread, process.pipe.recv)
            problem = await asyncio.wait_for(loading, START_LIMIT_S * self._clock.speed)
        except (*_GONE, TimeoutError) as error:
            process.end()
            raise HarnessError(
                f"the process of the {self.name} engine did not start within "
                f"{START_LIMIT_S:.0f} s or died ({type(error).__name__}). A script that starts a "
                "gate on the wall clock needs `if __name__ == '__main__':` around it; or run "
                "with --fidelity kinematic"
            ) from error
        except BaseException:
            process.end()
            raise
        if problem:
            process.end()
            raise HarnessError(problem)
        self._process = process

    def ask(self, method: str, *arguments: Any, take: Callable[[Any], None]) -> Future[Any] | None:
        """Have the engine's `method` called; `take` gets the answer, in the event loop.

        None if there is nobody to ask just now. An answer of a process that dies never comes; a
        question that nobody works on yet can be cancelled.
        """
        process, asked_s = self._process, time.perf_counter()
        if process is None:
            return None
        future = process.thread.submit(process.exchange, method, arguments)
        loop = self._clock.loop

        def come(done: Future[Any]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._come, process, take, asked_s, done)

        future.add_done_callback(come)
        limit_s = self._limit_s or ANSWER_LIMIT_S
        loop.call_later(limit_s * self._clock.speed, self._overdue, process, future, limit_s)
        return future

    def close(self) -> None:
        """End the process; it answers no more."""
        if self._restart is not None:
            self._restart.cancel()
            self._restart = None
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def _come(
        self, process: _Process, take: Callable[[Any], None], asked_s: float, done: Future[Any]
    ) -> None:
        if done.cancelled():
            return
        try:
            answer = done.result()
        except _GONE:
            self._lost(process, "the process died")
            return
        self.answers += 1
        self.slowest_s = max(self.slowest_s, time.perf_counter() - asked_s)
        take(answer)

    def _overdue(self, process: _Process, future: Future[Any], limit_s: float) -> None:
        if not future.done():
            self._lost(process, f"no answer came within {limit_s:g} s")

    def _lost(self, process: _Process, why: str) -> None:
        if process is not self._process:
            return  # told already
        self._losses += 1
        self._process = None
        process.end()
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


# ---------------------------------------------------------------- in the process


def _serve(pipe: Connection, load: Callable[[str], object], name: str) -> None:
    """Load the engine and say what is wrong, or nothing; then answer until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the gate, which then ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        engine = load(name)
    except GateTwinError as error:
        pipe.send(str(error))  # as text: not every error survives the way between processes
        return
    with contextlib.suppress(*_GONE):
        pipe.send("")
        while True:
            method, arguments = pipe.recv()
            try:
                answer = getattr(engine, method)(*arguments)
            except Exception as error:  # noqa: BLE001 - raised where it was asked
                answer = HarnessError(f"{name} engine, {method}: {type(error).__name__}: {error}")
            pipe.send(answer)


def _end_with_parent() -> None:
    """A gate that is killed takes its engine with it, also one that is at work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
