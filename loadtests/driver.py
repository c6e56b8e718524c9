"""The open-arrival driver: every request has its instant, whether the server is ready or not.

One task walks the schedule and hands each arrival over on time; a fixed pool of connections
serves them in order. An arrival that finds no free connection waits, and its response time
counts from the instant it was meant to start. One that waited longer than its patience is
dropped and counted. The driver also watches itself: a tick every 10 ms tells how far its own
clock can be believed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from loadtests.arrivals import Instants
from loadtests.errors import CallFailed, SessionBroken, TargetError, failure_kind
from loadtests.result import Recorder, RunInfo
from loadtests.streams import Listener, StreamLog, keep_listening

TICK_S = 0.01
"""Period of the generator's own health tick."""

LEAD_S = 0.02
"""Pause before the first arrival, so that starting the tasks does not delay it."""


class Session(Protocol):
    """One connection to the system under load; used by one arrival at a time."""

    async def call(self, number: int, steps: Steps) -> None:
        """Do the work of arrival `number`; raises `CallFailed`, `OSError` or `TimeoutError`."""

    async def close(self) -> None:
        """Let go of the connection; never raises."""


class Workload(Protocol):
    """What arrivals do; a pure function of their number, so that a run can be repeated."""

    def name(self, number: int) -> str:
        """The request name that arrival `number` is counted under."""

    async def connect(self) -> Session:
        """Open one connection; raises `CallFailed`, `OSError` or `TimeoutError`."""


@dataclass(frozen=True, slots=True)
class AbortRule:
    """Give up early: error share above `error_rate` in the last `window_s`, of `count_min`."""

    error_rate: float
    window_s: float
    count_min: int


class Steps:
    """Measures the calls that one arrival consists of."""

    def __init__(self, recorder: Recorder, now_s: Callable[[], float]) -> None:
        self._recorder = recorder
        self._now_s = now_s
        self.arrival_s = 0.0
        """Intended start of the arrival that is under way, set by the driver."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the body as one call of its own name; failures are counted and passed on."""
        sent_s, failure = self._now_s(), "cancelled"
        try:
            yield
            failure = ""
        except (CallFailed, OSError, TimeoutError) as error:
            failure = failure_kind(error)
            raise
        except asyncio.CancelledError:
            failure = "timeout"  # the arrival's deadline ran out inside this call
            raise
        finally:
            self._recorder.record_step(name, self.arrival_s, sent_s, self._now_s(), failure)


class OpenDriver:
    """One run of an open schedule against one workload."""

    def __init__(
        self,
        workload: Workload,
        instants: Instants,
        info: RunInfo,
        *,
        listeners: Sequence[Listener] = (),
        abort: AbortRule | None = None,
        now: Callable[[], float] = time.perf_counter,
        cpu_time: Callable[[], float] = time.process_time,
        progress: Callable[[Recorder, float], None] | None = None,
    ) -> None:
        self.recorder = Recorder(info)
        self._workload = workload
        self._instants = instants
        self._info = info
        self._listeners = listeners
        self._abort = abort
        # Not the loop's own time: uvloop keeps that in whole milliseconds.
        self._now = now
        self._cpu_time = cpu_time
        self._progress = progress
        self._queue: asyncio.Queue[int | None] = asyncio.Queue()
        self._start_s = 0.0

    async def run(self) -> Recorder:
        """Send the whole schedule and wait for what is under way.

        Ends at the latest one patience and one timeout after the last arrival. Raises
        `TargetError` where not even a first connection can be opened.
        """
        first = await self._first_session()
        cpu_before, began_s = self._cpu_time(), self._now()
        self._start_s = began_s + LEAD_S
        tick = asyncio.create_task(self._tick(), name="load tick")
        pool = [
            asyncio.create_task(self._serve(first if i == 0 else None), name=f"load {i}")
            for i in range(self._info.connections)
        ]
        log = StreamLog(self.recorder, self._now_s)
        ears = [
            asyncio.create_task(keep_listening(listener, log), name=f"load ear {i}")
            for i, listener in enumerate(self._listeners)
        ]
        try:
            await self._dispatch()
            for _ in pool:
                self._queue.put_nowait(None)
            await asyncio.gather(*pool)
            for ear in ears:
                if ear.done():
                    ear.result()  # a listener never ends: what broke it is a defect of ours
            for listener in self._listeners:
                await listener.finish(log)
        finally:
            for task in (tick, *pool, *ears):
                task.cancel()
            await asyncio.gather(tick, *pool, *ears, return_exceptions=True)
        elapsed_s = self._now() - began_s
        self.recorder.cpu_share = (self._cpu_time() - cpu_before) / elapsed_s
        return self.recorder

    def _now_s(self) -> float:
        return self._now() - self._start_s

    async def _first_session(self) -> Session:
        try:
            async with asyncio.timeout(self._info.timeout_s):
                return await self._workload.connect()
        except (CallFailed, OSError, TimeoutError) as error:
            raise TargetError(
                f"{self._info.target}: no connection in {self._info.timeout_s} s "
                f"({failure_kind(error)}: {error}); next: check that the system under load runs "
                "and that --target names its host and port"
            ) from error

    async def _dispatch(self) -> None:
        instants = self._instants.tolist()
        for number, at_s in enumerate(instants):
            await self._until(at_s)
            if self._info.aborted:
                break
            self._queue.put_nowait(number)
        else:
            # The rest of the planned time belongs to the run: a throughput is per planned second.
            await self._until(self._info.planned_s)

    async def _until(self, at_s: float) -> None:
        # Timers are rounded and may fire up to a millisecond early; less than a microsecond is
        # float dust, that no loop can wait for.
        while (delay_s := at_s - self._now_s()) > 1e-6:  # noqa: ASYNC110 - nothing signals time
            await asyncio.sleep(delay_s)

    async def _serve(self, session: Session | None) -> None:
        """One connection: serves arrivals in order, re-opens itself where it broke."""
        steps = Steps(self.recorder, self._now_s)
        timeout_s = self._info.timeout_s
        try:
            while (number := await self._queue.get()) is not None:
                if self._info.aborted:
                    continue
                intended_s = steps.arrival_s = float(self._instants[number])
                sent_s = self._now_s()
                name = self._workload.name(number)
                if sent_s - intended_s > timeout_s:
                    self.recorder.drop(name, intended_s, sent_s)
                    continue
                failure = ""
                try:
                    async with asyncio.timeout(timeout_s):
                        # Opening the connection again is part of what the caller waits for.
                        session = session or await self._workload.connect()
                        await session.call(number, steps)
                except (CallFailed, OSError, TimeoutError) as error:
                    failure = failure_kind(error)
                    usable = isinstance(error, CallFailed) and not isinstance(error, SessionBroken)
                    if session is not None and not usable:
                        await session.close()
                        session = None
                self.recorder.record(name, intended_s, sent_s, self._now_s(), failure)
        finally:
            if session is not None:
                await session.close()

    async def _tick(self) -> None:
        """Record how late every 10 ms tick is; a pause of a second counts a hundred times."""
        ticks = 0
        while True:
            due_s = ticks * TICK_S
            await self._until(due_s)
            self.recorder.lag.record(self._now_s() - due_s)
            ticks += 1
            if ticks % 100 == 0:
                self._each_second(due_s)

    def _each_second(self, now_s: float) -> None:
        if self._abort is not None and not self._info.aborted:
            self._info.aborted = abort_reason(self.recorder, self._abort, now_s)
            if self._info.aborted:
                self._info.planned_s = now_s
        if self._progress is not None:
            self._progress(self.recorder, now_s)


def abort_reason(recorder: Recorder, rule: AbortRule, now_s: float) -> str:
    """Why the run must end now, or an empty string."""
    first = (now_s - rule.window_s) / recorder.info.slot_s
    recent = [slot for index, slot in recorder.slots.items() if index >= first]
    known = sum(s.offered for s in recent)
    bad = sum(s.failed + s.dropped for s in recent)
    if known < rule.count_min or bad <= rule.error_rate * known:
        return ""
    return (
        f"aborted at {now_s:.0f} s: {bad} of {known} arrivals of the last {rule.window_s:g} s "
        f"failed, the limit is {rule.error_rate:.1%}"
    )
