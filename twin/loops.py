"""Event loops whose time is not the wall clock's: virtual, which jumps, and scaled.

Both are asyncio's own with another selector; `twin.clock` puts a clock and a SimPy world on them.
"""

from __future__ import annotations

import asyncio
import heapq
import selectors
import time
from collections.abc import Callable
from typing import Any

from twin.errors import DeadlockError

NS = 1_000_000_000
"""Nanoseconds in a second."""

_STALL_POLLS = 100_000
"""Loop turns at one instant after which virtual time is called stuck: a day needs a few hundred."""


class _VirtualSelector(selectors.DefaultSelector):
    """Never waits: an empty poll moves the loop's clock to the next timer instead."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._salt = (seed * 0x9E3779B97F4A7C15 + 0x1234567) & 0xFFFFFFFFFFFFFFFF
        self._ordinals: dict[int, int] = {}
        self._registered = 0
        self._polls_here = 0
        self.loop: VirtualLoop

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key: selectors.SelectorKey = super().register(fileobj, events, data)
        # File descriptors differ between processes; the order of registration does not.
        self._registered += 1
        self._ordinals[key.fd] = self._registered
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if ready:
            self._count_poll()
            if len(ready) > 1:
                # Which of several ready sockets goes first is a free choice, so it is drawn from
                # the seed. It is a function of (seed, instant, socket), not of a running random
                # stream: how the kernel groups the polls must not change the rest of the run.
                salt = self._salt ^ self.loop.now_ns
                ordinals = self._ordinals
                ready.sort(key=lambda item: _mix(salt, ordinals[item[0].fd]))
            return ready
        if timeout == 0:
            self._count_poll()
            return ready
        self._polls_here = 0
        self.loop.jump()
        return ready

    def _count_poll(self) -> None:
        self._polls_here += 1
        if self._polls_here > _STALL_POLLS:
            self._polls_here = 0
            raise DeadlockError(
                f"virtual time stands at {self.loop.now_ns / NS:.6f} s after {_STALL_POLLS} loop "
                "turns: something answers itself at one instant. " + _who_waits(self.loop)
            )


def _mix(salt: int, ordinal: int) -> int:
    """A cheap 64-bit mix (splitmix64's finaliser)."""
    value = (salt + ordinal * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    return value ^ (value >> 27)


class _StableTimer(asyncio.TimerHandle):
    """A timer that goes before all that were set later for the same instant.

    asyncio orders timers by time alone, so which of two equals comes first depends on how its
    heap happens to lie, that is on timers that have nothing to do with them.
    """

    __slots__ = ("order",)

    def __init__(self, order: int, *args: Any) -> None:
        super().__init__(*args)
        self.order = order

    def __lt__(self, other: _StableTimer) -> bool:  # type: ignore[override]  # the heap's only kind
        mine: float = self._when  # type: ignore[attr-defined]  # `when()` costs as much again
        its: float = other._when  # type: ignore[attr-defined]
        return mine < its or (mine == its and self.order < other.order)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps from timer to timer."""

    def __init__(self, seed: int = 0) -> None:
        self.now_ns = 0
        self._now_s = 0.0
        self._timers_set = 0
        self.armed_deadlock = True
        selector = _VirtualSelector(seed)
        selector.loop = self
        super().__init__(selector)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Virtual seconds since the start."""
        return self._now_s

    def call_at(  # type: ignore[override]  # typeshed's form needs a variadic type
        self, when: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """As asyncio's, but equal instants keep the order in which they were asked for."""
        self._timers_set += 1
        timer = _StableTimer(self._timers_set, when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)  # type: ignore[attr-defined]
        timer._scheduled = True  # type: ignore[attr-defined]
        return timer

    def jump(self) -> None:
        """Move to the next timer; with none, nobody can ever wake up."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        if scheduled:
            # Both are kept: a timer's float may lie a hair beyond the nanosecond, and whoever
            # waits until `time() >= when` would never see it reached if it were rounded away.
            when_s = scheduled[0].when()
            self._now_s = max(self._now_s, when_s)
            self.now_ns = max(self.now_ns, round(when_s * NS))
        elif self.armed_deadlock:
            raise DeadlockError(
                f"deadlock at {self.now_ns / NS:.6f} s of virtual time: no socket is readable and "
                "no timer is due. " + _who_waits(self)
            )


class ScaledLoop(asyncio.SelectorEventLoop):
    """An event loop whose time runs `speed` times the wall clock."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began = time.monotonic()
        selector = selectors.DefaultSelector()
        poll = selector.select

        def select(timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            return poll(timeout if timeout is None else timeout / speed)

        selector.select = select  # type: ignore[method-assign]
        super().__init__(selector)

    def time(self) -> float:
        """Scaled seconds since the start."""
        return (time.monotonic() - self._began) * self._speed


def _who_waits(loop: asyncio.AbstractEventLoop) -> str:
    """A sentence that names each waiting task and the line that it waits at."""
    lines = []
    for task in sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name()):
        frames = task.get_stack(limit=8)
        if frames:
            frame = frames[-1]
            place = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
            lines.append(f"{task.get_name()} waits in {place}")
    return "Waiting: " + "; ".join(lines) if lines else "No task is waiting."
