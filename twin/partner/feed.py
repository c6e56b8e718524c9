"""The event feed of an authority: at-least-once, ordered only when nothing is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from twin.clock import Clock, ns
from twin.partner import models

KEPT = 100_000
"""Events kept for late readers; a day makes about a thousand."""


class Feed:
    """Published events with their sequence numbers, and those who wait for the next one."""

    def __init__(self, clock: Clock, faults: Mapping[str, Mapping[str, Any]]) -> None:
        self._clock = clock
        self._faults = faults
        self._events: list[models.Event] = []
        self._published_ns: list[int] = []
        self._first = 0
        self._made = 0
        self._share = 0.0
        self._held: models.Event | None = None
        self._waiting: list[asyncio.Future[None]] = []

    def publish(
        self,
        type: models.EventType,
        declaration: str | None,
        lane: str | None,
        data: dict[str, str | None],
        business_time: str,
    ) -> None:
        """Append an event, bent by the faults `duplicate` and `out_of_order`."""
        self._made += 1
        event = models.Event(0, f"E{self._made:06d}", type, declaration, lane, data, business_time)
        held, self._held = self._held, None
        if held is not None:
            self._append(event)
            self._append(held)
        elif "out_of_order" in self._faults:
            self._held = event
            self._clock.call_later(
                float(self._faults["out_of_order"]["hold_s"]), lambda: self._let_go(event)
            )
        else:
            self._append(event)

    def _let_go(self, event: models.Event) -> None:
        if self._held is event:
            self._held = None
            self._append(event)

    def _append(self, event: models.Event) -> None:
        for _ in range(self._copies()):
            seq = self._first + len(self._events) + 1
            self._events.append(
                models.Event(
                    seq, event.event_id, event.type, event.declaration, event.lane, event.data,
                    event.business_time,
                )
            )  # fmt: skip
            self._published_ns.append(self._clock.now_ns())
        if len(self._events) > KEPT:
            del self._events[: KEPT // 2], self._published_ns[: KEPT // 2]
            self._first += KEPT // 2
        self._wake()

    def _copies(self) -> int:
        if "duplicate" not in self._faults:
            return 1
        # An even spread needs no random stream: every 1/share-th event is repeated.
        self._share += float(self._faults["duplicate"]["share"])
        if self._share < 1.0:
            return 1
        self._share -= 1.0
        return 2

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def after(self, seq: int, limit: int, at_ns: int) -> list[models.Event]:
        """Events later than `seq` that were published by `at_ns`, at most `limit`."""
        start = max(0, seq - self._first)
        found = self._events[start : start + limit]
        while found and self._published_ns[start + len(found) - 1] > at_ns:
            found.pop()
        return found

    async def news(self, wait_s: float) -> None:
        """Return when something is published, or after `wait_s`."""
        future: asyncio.Future[None] = self._clock.loop.create_future()
        self._waiting.append(future)
        timer = self._clock.loop.call_later(
            wait_s, lambda: None if future.done() else future.set_result(None)
        )
        try:
            await future
        finally:
            timer.cancel()
            if future in self._waiting:
                self._waiting.remove(future)

    def faults_changed(self) -> None:
        """Give out what a healed fault held back."""
        if self._held is not None and "out_of_order" not in self._faults:
            event, self._held = self._held, None
            self._append(event)


def visible_ns(clock: Clock, faults: Mapping[str, Mapping[str, Any]]) -> int:
    """The instant that look-ups show: now, or earlier while `stale`."""
    now = clock.now_ns()
    if "stale" in faults:
        return now - ns(float(faults["stale"]["age_s"]))
    return now
