"""One clock for everything: virtual, scaled or real.

Wires, partner and stack are asyncio code; the world and the behaviour of devices are SimPy
processes. Both live on one event loop, so there is one notion of "now":

* **virtual**: the loop polls its sockets without waiting and moves time only when nothing is
  readable and no callback is due. Real TCP over loopback therefore runs hundreds of times
  faster than real time, and one seed gives one order of events.
* **scaled**: the loop's time runs `speed` times the wall clock.
* **real**: the wall clock (uvloop where it exists, for timers finer than a millisecond).

Time starts at 0 and is an integer number of nanoseconds: a start at the Unix epoch loses the
last digits of a float and a virtual loop then waits for ever for an instant it cannot name.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal, Protocol, Self, TypeVar

import simpy
from simpy.events import NORMAL

from twin.errors import HarnessError
from twin.loops import NS as NS
from twin.loops import ScaledLoop
from twin.loops import VirtualLoop as VirtualLoop

T = TypeVar("T")
Mode = Literal["virtual", "scaled", "real"]

DAY = datetime(2023, 5, 30, tzinfo=timezone(timedelta(hours=7)))
"""Where a run's own civil time begins unless it is told otherwise (`Clock.begin_day`)."""

_SLICE_S = 0.005
"""Wall seconds of SimPy events in one go before sockets are served again (real tiers)."""


def ns(seconds: float) -> int:
    """Seconds as integer nanoseconds, rounded to the nearest."""
    return round(seconds * NS)


class LoopEnvironment(simpy.Environment):
    """A SimPy environment that one timer of the event loop drives.

    Its unit is the nanosecond. Between events `now` is the clock's present time, so that what a
    wire triggers enters the world at the instant it happened; in real tiers it never passes a
    pending event, which keeps causes before effects.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest = 0
        self._stepping = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = -1
        super().__init__(0)

    @property
    def now(self) -> int:
        """The present instant of the world, ns."""
        return self._now

    @property
    def _now(self) -> int:
        if self._stepping:
            return self._latest
        now = self._clock.now_ns()
        if self._queue and self._queue[0][0] < now:
            now = int(self._queue[0][0])
        return max(self._latest, now)

    @_now.setter
    def _now(self, value: int) -> None:
        self._latest = max(self._latest, value)

    def schedule(self, event: simpy.Event, priority: Any = NORMAL, delay: float = 0) -> None:
        """Queue `event` after `delay` nanoseconds and make sure that the loop wakes for it."""
        super().schedule(event, priority, round(delay))
        if not self._stepping:
            self._arm()

    def _arm(self) -> None:
        if not self._queue:
            return
        head = int(self._queue[0][0])
        if self._timer is not None:
            if self._timer_at <= head:
                return
            self._timer.cancel()
        self._timer_at = head
        self._timer = self._clock.loop.call_at(self._clock.loop_time_of(head), self._run_due)

    def _run_due(self) -> None:
        self._timer = None
        queue, clock = self._queue, self._clock
        real = clock.mode != "virtual"
        stop = time.perf_counter() + _SLICE_S if real else 0.0
        self._stepping = True
        try:
            while queue and queue[0][0] <= clock.now_ns():
                self.step()
                if real and time.perf_counter() > stop:
                    break
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for the run
            clock.fail(error)
            return
        finally:
            self._stepping = False
        self._arm()


class Clock:
    """The present time of one run, and how to wait for a later one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, mode: Mode, *, speed: float = 1.0) -> None:
        self.loop = loop
        self.mode: Mode = mode
        self.speed = speed
        self._day_start = DAY if mode != "real" else datetime.now(DAY.tzinfo)
        self._second, self._second_text = -1, ""
        self._failure: asyncio.Future[None] = loop.create_future()
        # Wires stamp every frame, so the virtual clock must be a plain attribute read away.
        self.now_ns: Callable[[], int]
        if isinstance(loop, VirtualLoop):
            self.now_ns = lambda: loop.now_ns
            self._origin_s = 0.0
        elif mode == "real":
            # uvloop's own time stands still within a millisecond; the machine's does not
            began_ns = time.monotonic_ns()
            self._origin_s = loop.time()
            self.now_ns = lambda: time.monotonic_ns() - began_ns
        else:
            self._origin_s = loop.time()
            self.now_ns = self._scaled_now_ns
        self.env = LoopEnvironment(self)

    def _scaled_now_ns(self) -> int:
        return int((self.loop.time() - self._origin_s) * NS)

    # --- civil time ------------------------------------------------------------------------------

    @property
    def day_start(self) -> datetime:
        """Civil instant of time 0, for time stamps that devices print."""
        return self._day_start

    def begin_day(self, start: datetime) -> None:
        """Let the run's own day begin at `start`, if time has a day of its own.

        On the real clock it has not: what meets real equipment, whose masters compare stamps with
        their wall clocks, stamps the machine's date and time, read once when the clock is made.
        """
        if self.mode != "real":
            self._day_start, self._second = start, -1

    def utc_stamp(self, digits: int, ahead_s: float = 0.0) -> str:
        """The present civil time in UTC, ISO 8601, with so many `digits` (0 to 9) of the second.

        `ahead_s`: of a clock that goes so much before this one.
        """
        start = self._day_start
        ahead_ns = round(ahead_s * NS) if ahead_s else 0
        second, rest_ns = divmod(self.now_ns() + start.microsecond * 1000 + ahead_ns, NS)
        if second != self._second:  # a fleet stamps thousands of messages in one
            moment = start.replace(microsecond=0).astimezone(UTC) + timedelta(seconds=second)
            self._second, self._second_text = second, moment.strftime("%Y-%m-%dT%H:%M:%S")
        if not digits:
            return f"{self._second_text}Z"
        return f"{self._second_text}.{rest_ns // 10 ** (9 - digits):0{digits}d}Z"

    # --- waiting ---------------------------------------------------------------------------------

    def now_s(self) -> float:
        """Seconds since the start of the run."""
        return self.now_ns() / NS

    def loop_time_of(self, t_ns: int) -> float:
        """The loop's own time, in seconds, at `t_ns` of this clock."""
        return self._origin_s + t_ns / NS

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock's time."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> simpy.Timeout:
        """A SimPy event `seconds` from now, for a process of the world."""
        return self.env.timeout(ns(seconds))

    def call_later(self, seconds: float, callback: Callable[[], None]) -> simpy.Timeout:
        """Run `callback` in the world after `seconds`; drop it by emptying `callbacks`."""
        event = self.timeout(seconds)
        assert event.callbacks is not None
        event.callbacks.append(lambda _: callback())
        return event

    def wake(self, seconds: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        """For wires: call `callback` on the loop after `seconds`, not early.

        On the real clock it may be two milliseconds late: cheaper by far than an event of the
        world, whose last fraction of a millisecond is waited for in turns of the loop.
        """
        if self.mode == "real":  # uvloop counts whole milliseconds from the begin of the present
            seconds = math.ceil(1000 * seconds + 1) / 1000
        return self.loop.call_later(seconds, callback)

    def business_time(self, utc_offset_h: float = 7, *, in_s: float = 0.0) -> str:
        """Civil time, now or `in_s` later: ISO 8601 with offset (Hanoi +07:00, Beijing +08:00)."""
        instant = self.day_start.astimezone(UTC) + timedelta(microseconds=self.now_ns() // 1000)
        instant += timedelta(seconds=in_s)
        return instant.astimezone(timezone(timedelta(hours=utc_offset_h))).isoformat(
            timespec="milliseconds"
        )

    async def happened(self, event: simpy.Event) -> None:
        """Wait in asyncio code until `event` of the world has happened."""
        if event.processed:
            return
        assert event.callbacks is not None
        future: asyncio.Future[None] = self.loop.create_future()

        def tell(_: simpy.Event) -> None:
            if not future.done():
                future.set_result(None)

        event.callbacks.append(tell)
        await future

    def fail(self, error: BaseException) -> None:
        """End the run with `error`: something in the world or a callback broke."""
        if not self._failure.done():
            self._failure.set_exception(error)

    def forget_failure(self) -> None:
        """Let go of a failure that nobody awaits any more."""
        if self._failure.done():
            self._failure.exception()  # retrieved: no complaint at garbage collection
        else:
            self._failure.cancel()

    async def run(self, main: Awaitable[T]) -> T:
        """Await `main`, or raise what broke in the world meanwhile."""
        task: asyncio.Future[T] = asyncio.ensure_future(main)
        try:
            waiting: set[asyncio.Future[Any]] = {task, self._failure}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if self._failure.done() and self._failure.exception() is not None:
                self._failure.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        return task.result()


class _Main(Protocol[T]):  # type: ignore[misc]  # T only leaves, which is all a caller needs
    def __call__(self, clock: Clock, /) -> Coroutine[Any, Any, T]: ...


def run_virtual(main: _Main[T], *, seed: int = 0) -> T:
    """Run `main(clock)` in virtual time to its end; one `seed`, one order of events.

    Raises `DeadlockError` when nobody can ever wake up again.
    """
    return _run(VirtualLoop(seed), "virtual", 1.0, main)


def run_real(main: _Main[T], *, speed: float = 1.0) -> T:
    """Run `main(clock)` on the wall clock, `speed` times as fast (1: real time)."""
    if speed <= 0:
        raise HarnessError(f"clock speed is {speed}; it must be above 0, 1 is real time")
    if speed != 1.0:
        return _run(ScaledLoop(speed), "scaled", speed, main)
    return _run(_finest_loop(), "real", 1.0, main)


def _finest_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # Windows has none; its timers are 15 ms coarse anyway
        # The default there cannot watch a foreign library's sockets, as paho's must be.
        return asyncio.SelectorEventLoop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def _run(loop: asyncio.AbstractEventLoop, mode: Mode, speed: float, main: _Main[T]) -> T:
    with Session(loop, mode, speed) as session:
        return session.run(main(session.clock))


class Session:
    """An event loop with its clock, kept open over several calls of `run`.

    Between the calls no time passes, which lets synchronous code (a Hypothesis state machine, a
    prompt) drive a virtual gate step by step.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, mode: Mode, speed: float = 1.0) -> None:
        self._loop, self._mode, self._speed = loop, mode, speed
        self.clock: Clock

    @classmethod
    def virtual(cls, seed: int = 0) -> Session:
        """A session in virtual time."""
        return cls(VirtualLoop(seed), "virtual")

    def __enter__(self) -> Self:
        asyncio.set_event_loop(self._loop)
        self.clock = Clock(self._loop, self._mode, speed=self._speed)

        def broken(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            error = context.get("exception")
            if isinstance(error, Exception):
                self.clock.fail(error)
            else:
                self.clock.fail(HarnessError(f"event loop: {context.get('message')}"))

        self._loop.set_exception_handler(broken)
        return self

    def run(self, main: Awaitable[T]) -> T:
        """Run `main` to its end on the session's loop."""
        return self._loop.run_until_complete(self.clock.run(main))

    def __exit__(self, *_: object) -> None:
        try:
            _wind_down(self._loop)
            self.clock.forget_failure()
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()


def _wind_down(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what still runs, so that sockets close and nothing is left to complain."""
    if isinstance(loop, VirtualLoop):
        loop.armed_deadlock = False
    loop.set_exception_handler(lambda *_: None)
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=5))
    loop.run_until_complete(loop.shutdown_asyncgens())
    # Transports close themselves one loop turn after they were told to.
    for _ in range(3):
        loop.run_until_complete(asyncio.sleep(0))
