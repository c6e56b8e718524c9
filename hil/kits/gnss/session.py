"""A session on a GNSS receiver: what its antenna receives, and streams of sentences."""

from __future__ import annotations

from typing import Any

from hil.errors import BenchError
from hil.session import Session
from twin.clock import Clock
from twin.trace import Trace

from .papers import GnssPics, GnssPixit
from .roles import GnssRoles
from .wire import Feed, NmeaWire

BREATH_S, NOTED_S = 0.1, 0.02
"""How often the bench looks whether it is in time, and what it notes."""


class GnssSession(Session[GnssPics, GnssPixit]):
    """One run on one bench with a receiver."""

    device = "receiver"
    safe_text = "the antenna receives and stands still"
    unsafe_text = "ATTENTION: the antenna may still move or be unplugged; look after it by hand"
    hands_role = "sky"

    def __init__(
        self, clock: Clock, trace: Trace, wire: NmeaWire, roles: GnssRoles, pics: GnssPics,
        pixit: GnssPixit,
    ) -> None:  # fmt: skip
        super().__init__(clock, trace, wire, roles, pics, pixit)
        self.wire, self.roles = wire, roles
        self._feeds: list[Feed] = []

    async def device_time_s(self) -> float | None:
        """By the time of the last GGA; the day's end is met with a wrong ratio once a day."""
        await self.wire.hear()
        assert self.wire.main is not None
        return self.wire.main.utc_s

    async def sample(self) -> None:
        """Wait for the next epoch; everything is recorded as it comes."""
        await self.wire.hear()

    async def pause(self, seconds: float) -> None:
        """Let the receiver talk; unlike `watch` it does not mind if it falls silent.

        A bench that is too busy to see in time says so in the record.
        """
        begin_s, steps = self.clock.now_s(), max(1, round(seconds / BREATH_S))
        for number in range(1, steps + 1):
            due_s = begin_s + seconds * number / steps
            await self.clock.sleep(max(0.0, due_s - self.clock.now_s()))
            late_s = self.clock.now_s() - due_s
            if late_s > NOTED_S:
                self.trace("bench", "overslept", late_s=round(late_s, 3))

    async def settled(self, limit_s: float) -> bool:
        """Wait for the best quality."""
        end_s = self.clock.now_s() + limit_s
        while self.clock.now_s() < end_s:
            main = self.wire.main
            if main is not None and main.quality == self.pics.best_quality:
                return True
            await self.clock.sleep(self.pixit.poll_s)
        return False

    async def sky(self, what: str, *values: Any) -> None:
        """Let the hands do something to the sky, and say so in the record when it is done."""
        await getattr(self.require("sky"), what)(*values)
        self.trace("stimulus", "sky", what=what, values=list(values))

    async def listen(self, label: str, *, reads: bool = True) -> Feed:
        """One client more; it is closed before the next case."""
        feed = await self.wire.listen(label, reads=reads)
        self._feeds.append(feed)
        return feed

    def disconnect(self) -> None:
        """All clients go."""
        for feed in self._feeds:
            feed.close(abort=True)
        self._feeds.clear()
        super().disconnect()

    async def ready(self, start: str, *, insist: bool = False) -> None:  # noqa: ARG002
        """Powered, nobody else listens; for `fixed`, at rest at its point with the best quality."""
        self.disconnect()
        if self.roles.power is not None:
            await self.roles.power.switch(True)
        sky = self.roles.sky
        if sky is not None:
            await sky.drive(0.0, 0.0)
            await sky.home()
            await sky.signal(True)
            await sky.corrections(True)
        await self.clock.sleep(self.pixit.poll_s)
        limit_s = 2 * self.pixit.start_up_s + 5.0
        if not await self.reconnect(limit_s):
            raise BenchError(f"receiver wire: no sentences within {limit_s:g} s before the case")
        if start == "fixed":
            limit_s = 2 * (self.pixit.best_s + self.pixit.correction_limit_s)
            if not await self.settled(limit_s):
                raise BenchError(
                    f"receiver: no quality {self.pics.best_quality} within {limit_s:g} s under an "
                    "open sky"
                )
            # corrections may have come back a moment ago: what is old is out of the buffers
            await self.clock.sleep(1.0)
