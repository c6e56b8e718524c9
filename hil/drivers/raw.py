"""One TCP connection of which every byte is recorded, whatever the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from twin.clock import Clock
from twin.trace import Trace

GONE = (OSError, RuntimeError)
"""What a dead connection raises: uvloop says RuntimeError where asyncio says OSError."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a device listens; `unit` is of Modbus alone."""

    host: str
    port: int
    unit: int = 1


class RawLink:
    """One TCP connection whose bytes are all recorded under a label."""

    def __init__(
        self, number: int, label: str, clock: Clock, trace: Trace, count: Callable[[bytes], int]
    ) -> None:
        self.number, self.label, self._count = number, label, count
        self._clock, self._trace = clock, trace
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.ended = ""

    @classmethod
    async def open(
        cls,
        endpoint: Endpoint,
        number: int,
        label: str,
        clock: Clock,
        trace: Trace,
        *,
        count: Callable[[bytes], int],
    ) -> RawLink:
        """Connect within 2 s; the outcome is recorded as `raw.open`.

        `count` says how many whole frames a stream begins with.
        """
        link = cls(number, label, clock, trace, count)
        try:
            async with asyncio.timeout(2.0):
                link._reader, link._writer = await asyncio.open_connection(
                    endpoint.host, endpoint.port
                )
        except (OSError, TimeoutError) as error:
            link._end("refused" if isinstance(error, OSError) else "timeout")
            return link
        trace("wire", "raw.open", conn=number, label=label)
        return link

    async def send(self, data: bytes) -> None:
        """Send `data` as one segment; on a dead connection nothing happens."""
        if self._writer is None or self.ended:
            return
        self._trace("wire", "raw.tx", conn=self.number, label=self.label, data=data)
        try:
            self._writer.write(data)
            async with asyncio.timeout(1.0):
                await self._writer.drain()
        except GONE:
            self._end("reset")

    async def receive(self, answers: int, limit_s: float) -> bytes:
        """Collect until `answers` whole frames came, the device closes, or `limit_s` passed."""
        got = b""
        if self._reader is None or self.ended:
            return got
        try:
            async with asyncio.timeout(limit_s):
                while answers <= 0 or self._count(got) < answers:
                    chunk = await self._reader.read(65_536)
                    if not chunk:
                        self._end("closed")
                        break
                    got += chunk
                    self._trace("wire", "raw.rx", conn=self.number, label=self.label, data=chunk)
        except TimeoutError:
            self._trace("wire", "raw.quiet", conn=self.number, label=self.label, limit_s=limit_s)
        except GONE:
            self._end("reset")
        return got

    def _end(self, how: str) -> None:
        self.ended = how
        self._trace("wire", "raw.end", conn=self.number, label=self.label, by="device", how=how)

    def close(self) -> None:
        """Close from our side."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def abort(self) -> None:
        """Reset from our side."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None
