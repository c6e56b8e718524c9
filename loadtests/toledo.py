"""Mettler-Toledo continuous frames: who reads a scale all day, and who connects anew.

Frames come by themselves, about seven a second, so nothing is asked for and the open model is
turned round: a frame is *due* one period after the one before it. Every frame that should have
come in a pause is counted, with the time by which it was late or missing; a pause that nobody
asked about therefore shows in the percentiles.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from loadtests.driver import Session, Steps
from loadtests.errors import LoadError, SessionBroken
from loadtests.modbus import parse_target
from loadtests.streams import StreamLog

_STX, _CR = 0x02, 0x0D
_TEXT = frozenset(b" 0123456789")

PORT = 1702
"""What an IND570 terminal listens on."""

FIRST_FRAME = "connect to first frame"
FRAME = "frame"
SPLIT = "frame in pieces"
"""A good frame that came in more than one segment: no error, but what careless readers fail on."""


class FrameCutter:
    """Cuts what comes into frames; the first bytes of a connection may be the end of one."""

    def __init__(self, *, checksum: bool = False) -> None:
        self._size = 18 if checksum else 17
        self._checksum = checksum
        self._buffer = bytearray()
        self._in_step = False

    def feed(self, data: bytes) -> Iterator[tuple[str, bool]]:
        """For each frame what is wrong with it (empty: nothing), and whether it came in pieces."""
        held = len(self._buffer)
        # Bit 7 may be a parity bit: the low seven are the character.
        self._buffer += bytes(byte & 0x7F for byte in data)
        while self._buffer:
            start = self._buffer.find(_STX)
            cut = len(self._buffer) if start < 0 else start
            if cut:
                del self._buffer[:cut]
                held = max(0, held - cut)
                if self._in_step:
                    self._in_step = False
                    yield "torn frame", False
                continue
            if len(self._buffer) < self._size:
                return
            frame = bytes(self._buffer[: self._size])
            if self._good(frame):
                del self._buffer[: self._size]
                yield "", held > 0
                held = max(0, held - self._size)
                self._in_step = True
            else:
                del self._buffer[:1]  # this start was none: look for the next
                held = max(0, held - 1)
                if self._in_step:
                    self._in_step = False
                    # Another one begins within it: the rest of this one never came.
                    yield "torn frame" if _STX in frame[1:] else "malformed frame", False

    def _good(self, frame: bytes) -> bool:
        if frame[16] != _CR or not all(word & 0x20 for word in frame[1:4]):
            return False
        if self._checksum and sum(frame) & 0x7F:
            return False
        return _TEXT.issuperset(frame[4:16])


class Pace:
    """When frames are due: one period after another, anew from each that came.

    After a pause the first frame stands for the oldest that was due. What then comes at once was
    only late, held up on its way; what does not was never sent, and is missing.
    """

    def __init__(self, frames_per_s: float) -> None:
        self.period_s = 1.0 / frames_per_s
        self.last_s: float | None = None
        self._owed: list[float] = []

    def came(self, at_s: float) -> list[tuple[float, str]]:
        """What a frame at `at_s` settles: instants at which frames were due, and `missing`."""
        if self.last_s is None:
            self.last_s = at_s
            return []
        gap, began_s = (at_s - self.last_s) / self.period_s, self.last_s
        self.last_s = at_s
        if self._owed and gap < 0.5:
            return [(self._owed.pop(0), "")]
        settled = [(due_s, "missing") for due_s in self._owed]
        # A gap of up to 1.75 periods is one late frame: the next comes the sooner.
        due = [began_s + n * self.period_s for n in range(1, max(1, int(gap + 0.25)) + 1)]
        self._owed = due[1:]
        return [*settled, (due[0], "")]

    def silent(self, at_s: float) -> list[float]:
        """Instants of the frames that should have come by `at_s` and did not."""
        if self.last_s is None:
            return []
        count = int((at_s - self.last_s) / self.period_s - 0.5)
        return self._owed + [self.last_s + n * self.period_s for n in range(1, count + 1)]


@dataclass(frozen=True, slots=True)
class ToledoTarget:
    """A scale: where it is and what it sends."""

    target: str
    frames_per_s: float = 7.0
    checksum: bool = False
    timeout_s: float = 5.0

    def __post_init__(self) -> None:
        parse_target(self.target, PORT)
        if not 0.1 <= self.frames_per_s <= 1000:
            raise LoadError(
                f"{self.frames_per_s:g} frames/s: must be 0.1 to 1000; a terminal sends about 7"
            )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return parse_target(self.target, PORT)


class FrameListener:
    """One connection that reads every frame."""

    name = "stream"

    def __init__(self, scale: ToledoTarget) -> None:
        self._scale = scale
        self._pace = Pace(scale.frames_per_s)

    async def listen(self, log: StreamLog) -> None:
        """Read frames until the connection breaks, or nothing comes for the time limit."""
        scale, cutter = self._scale, FrameCutter(checksum=self._scale.checksum)
        began_s, first = log.now_s(), True
        async with asyncio.timeout(scale.timeout_s):
            reader, writer = await asyncio.open_connection(*scale.address)
        try:
            while True:
                async with asyncio.timeout(scale.timeout_s):
                    data = await reader.read(65_536)
                if not data:
                    raise SessionBroken("closed by peer")
                now_s = log.now_s()
                if first and now_s - began_s > scale.timeout_s:
                    raise SessionBroken("no whole frame", "is --checksum right?")
                for wrong, pieces in cutter.feed(data):
                    if first:
                        log.seen(FIRST_FRAME, began_s, began_s, now_s)
                        first = False
                    self._take(log, now_s, wrong, pieces)
        finally:
            writer.transport.abort()

    def _take(self, log: StreamLog, now_s: float, wrong: str, pieces: bool) -> None:
        since_s = now_s if self._pace.last_s is None else self._pace.last_s
        for due_s, missing in self._pace.came(now_s):
            log.seen(FRAME, due_s, since_s, now_s, missing or wrong)
        if pieces:
            log.noted(SPLIT, since_s, now_s)

    async def finish(self, log: StreamLog) -> None:
        """What was silent at the end is missing as well."""
        now_s = log.now_s()
        for due_s in self._pace.silent(now_s):
            log.seen(FRAME, due_s, due_s, now_s, "missing")


class ToledoSession:
    """One client that comes and goes."""

    def __init__(self, scale: ToledoTarget) -> None:
        self._scale = scale

    async def call(self, number: int, steps: Steps) -> None:  # noqa: ARG002 - one call, no steps
        """Connect, wait for a whole frame, and leave."""
        cutter = FrameCutter(checksum=self._scale.checksum)
        reader, writer = await asyncio.open_connection(*self._scale.address)
        try:
            while True:
                data = await reader.read(4096)
                if not data:
                    raise SessionBroken("closed by peer")
                if any(not wrong for wrong, _ in cutter.feed(data)):
                    return
        finally:
            writer.transport.abort()
            # Let the transport close its socket before anyone asks whether it did.
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Nothing is held between two arrivals."""


class ToledoWorkload:
    """Clients that connect, take one frame and leave."""

    def __init__(self, scale: ToledoTarget) -> None:
        self._scale = scale

    def name(self, number: int) -> str:  # noqa: ARG002 - all alike
        """The request name of every arrival."""
        return FIRST_FRAME

    async def connect(self) -> Session:
        """Find out whether somebody listens, without keeping a place at the terminal."""
        _, writer = await asyncio.open_connection(*self._scale.address)
        writer.transport.abort()
        await asyncio.sleep(0)
        return ToledoSession(self._scale)


class BlockingFrames:
    """The same stream over a blocking socket, for Locust: gevent makes it cooperative."""

    def __init__(self, scale: ToledoTarget) -> None:
        self._scale = scale
        self._socket: socket.socket | None = None
        self._cutter = FrameCutter()

    def read(self) -> list[tuple[str, bool]]:
        """What has come: at least one frame; raises `CallFailed`, `OSError` or `TimeoutError`."""
        try:
            link = self._socket or self._connect()
            while True:
                data = link.recv(65_536)
                if not data:
                    raise SessionBroken("closed by peer")
                if found := list(self._cutter.feed(data)):
                    return found
        except (SessionBroken, OSError):
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection; the next read opens another."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _connect(self) -> socket.socket:
        self._cutter = FrameCutter(checksum=self._scale.checksum)
        self._socket = socket.create_connection(self._scale.address, self._scale.timeout_s)
        return self._socket
