"""A receiver's own wire: a stream of sentences over TCP. Every byte is recorded under a label."""

from __future__ import annotations

import asyncio
import socket

from hil import nmea
from hil.drivers.raw import GONE, Endpoint
from hil.errors import Unreachable
from twin.clock import Clock
from twin.trace import Trace

MAIN = "main"
SMALL_BYTES = 2048
"""Receive buffer of a client that does not read, so that it is full soon."""


class Feed(asyncio.Protocol):
    """One client that listens; `reads` false takes nothing off the wire."""

    def __init__(self, label: str, clock: Clock, trace: Trace, *, reads: bool = True) -> None:
        self.label, self._clock, self._trace, self._reads = label, clock, trace, reads
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self.ended = False
        self.heard = asyncio.Event()
        self.quality: int | None = None
        """Of the last GGA."""
        self.utc_s: float | None = None
        """Time of day of the last GGA."""

    async def open(self, endpoint: Endpoint, limit_s: float) -> bool:
        """Connect within `limit_s`; whether it was possible is recorded."""
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        if not self._reads:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BYTES)
        loop = self._clock.loop
        try:
            async with asyncio.timeout(limit_s):
                await loop.sock_connect(made, (endpoint.host, endpoint.port))
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._transport, _ = await loop.create_connection(lambda: self, sock=made)
        except (TimeoutError, *GONE):
            made.close()
            self._trace("wire", "raw.end", label=self.label, how="refused")
            self.ended = True
            return False
        if not self._reads:
            self._transport.pause_reading()
        self._trace("wire", "raw.open", label=self.label)
        return True

    def data_received(self, data: bytes) -> None:
        """Record, and look for the last GGA."""
        self._trace("wire", "raw.rx", label=self.label, data=data)
        pieces, self._rest = nmea.split(self._rest + data)
        for piece in pieces:
            sentence = nmea.parse(piece)
            if sentence is not None and sentence.formatter == "GGA":
                quality = sentence.number(5)
                self.quality = None if quality is None else int(quality)
                self.utc_s = nmea.day_s(sentence.field(0))
                self.heard.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's form
        """The device has ended it, unless we did."""
        if not self.ended:
            self.ended = True
            self.heard.set()
            if self._reads:  # when somebody who does not read is dropped, buffers decide
                self._trace("wire", "raw.end", label=self.label, how="closed")

    def send(self, data: bytes) -> None:
        """Send what a receiver's output does not expect."""
        if self._transport is not None and not self.ended:
            self._trace("wire", "raw.tx", label=self.label, data=data)
            self._transport.write(data)

    def close(self, *, abort: bool = False) -> None:
        """End it from our side."""
        self.ended = True
        if self._transport is not None:
            if abort:
                self._transport.abort()
            else:
                self._transport.close()
            self._transport = None


class NmeaWire:
    """The receiver as its clients see it; the only way to the device under test."""

    def __init__(self, endpoint: Endpoint, clock: Clock, trace: Trace, *, limit_s: float) -> None:
        self.endpoint, self._clock, self._trace, self._limit_s = endpoint, clock, trace, limit_s
        self.main: Feed | None = None

    @property
    def connected(self) -> bool:
        """Whether the main client believes in its connection."""
        return self.main is not None and not self.main.ended

    async def connect(self, limit_s: float | None = None) -> None:
        """The main client listens; `Unreachable` if it is not let in within `limit_s`."""
        self.close()
        limit, feed = limit_s or self._limit_s, Feed(MAIN, self._clock, self._trace)
        if not await feed.open(self.endpoint, limit):
            raise Unreachable(
                f"receiver wire: no connection to {self.endpoint.host}:{self.endpoint.port} within "
                f"{limit:g} s; check power, cable and the address in bench.toml"
            )
        self.main = feed

    def close(self) -> None:
        """The main client goes."""
        if self.main is not None:
            self.main.close()
            self.main = None

    async def hear(self) -> None:
        """Wait for a lawful GGA that comes from now on, or `Unreachable`."""
        if self.main is None or self.main.ended:
            await self.connect()
        assert self.main is not None
        self.main.heard.clear()
        try:
            async with asyncio.timeout(self._limit_s):
                await self.main.heard.wait()
        except TimeoutError:
            raise Unreachable(f"receiver wire: no lawful GGA within {self._limit_s:g} s") from None
        if not self.connected:
            raise Unreachable("receiver wire: the receiver has closed the connection")

    async def listen(self, label: str, *, reads: bool = True) -> Feed:
        """One client more, let in or not."""
        feed = Feed(label, self._clock, self._trace, reads=reads)
        await feed.open(self.endpoint, 2.0)
        return feed
