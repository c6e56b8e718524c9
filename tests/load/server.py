"""Tiny servers for the load tests: Modbus, HTTP, a scale, a camera; and a freeze.

`python -m tests.load.server KIND FREEZE_AT_S FREEZE_S` serves one kind on a free port, prints
the port and stops by itself; the freeze counts from the first request, so that a slow start of
the generator does not move it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

LIFE_S = 60.0
"""A server that nobody stopped ends itself."""

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Freezer:
    """From `at_s` after the first request, answers wait until `at_s + for_s`."""

    def __init__(self, at_s: float, for_s: float, *, hard: bool) -> None:
        self.at_s, self.for_s, self.hard = at_s, for_s, hard
        self.first_s: float | None = None
        self.done = False

    async def pass_by(self) -> None:
        """Return at once, or when the freeze is over; a hard one stops the whole loop."""
        now_s = asyncio.get_running_loop().time()
        if self.first_s is None:
            self.first_s = now_s
        since_s = now_s - self.first_s
        if self.for_s <= 0 or since_s < self.at_s or self.done:
            return
        if self.hard:
            self.done = True
            time.sleep(self.for_s)  # noqa: ASYNC251 - stops the whole server on purpose
        elif since_s < self.at_s + self.for_s:
            await asyncio.sleep(self.at_s + self.for_s - since_s)


def modbus(freezer: Freezer, *, exception: int = 0) -> Handler:
    """Answers function 1 to 4 with zeros, or with one exception code."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                frame = await reader.readexactly(12)
                await freezer.pass_by()
                code, count = frame[7], int.from_bytes(frame[10:12], "big")
                size = 2 * count if code in {3, 4} else (count + 7) // 8
                pdu = bytes((code, size)) + bytes(size)
                if exception:
                    pdu = bytes((code | 0x80, exception))
                head = frame[:4] + (len(pdu) + 1).to_bytes(2, "big") + frame[6:7]
                writer.write(head + pdu)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    return serve


def http(freezer: Freezer, answers: dict[str, tuple[int, bytes]], seen: list[bytes]) -> Handler:
    """Answers by the longest known beginning of the path; keeps what it saw."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        size = int(line.split(b":")[1])
                body = await reader.readexactly(size)
                seen.append(head + body)
                method, path = head.split(b" ")[:2]
                key = f"{method.decode()} {path.decode()}"
                await freezer.pass_by()
                known = [k for k in answers if key.startswith(k)]
                status, text = answers[max(known, key=len)] if known else (404, b"{}")
                writer.write(
                    b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n" % (status, len(text)) + text
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    return serve


def scale(freezer: Freezer, *, frames_per_s: float = 10.0) -> Handler:
    """Sends the same settled 12,340 kg at a steady rate, and leaves out what a freeze covers."""
    frame = b"\x02\x31\x30\x20  1234     0\r"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            while not writer.is_closing():
                number = int((loop.time() - began_s) * frames_per_s) + 1
                await asyncio.sleep(began_s + number / frames_per_s - loop.time())
                await freezer.pass_by()
                writer.write(frame)
        except ConnectionError:
            writer.close()

    return serve


def camera(freezer: Freezer) -> Handler:
    """Pictures at once; an alert stream with an event for each manual trigger and tenth request."""
    streams: list[asyncio.StreamWriter] = []
    count = requests = 0

    def part(body: bytes) -> bytes:
        head = b"--b\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n" % len(body)
        return head + body + b"\r\n"

    def event(manual: bool) -> bytes:
        nonlocal count
        count += 1
        stamp = datetime.now().strftime("%Y%m%d%H%M%S%f")[:17]  # noqa: DTZ005 - as cameras do
        return part(
            b"<EventNotificationAlert><eventType>ANPR</eventType><UUID>%d</UUID><detectType>%d"
            b"</detectType><absTime>%s</absTime></EventNotificationAlert>"
            % (count, manual, stamp.encode())
        )

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await freezer.pass_by()
                requests += 1
                if b"alertStream" in head:
                    writer.write(
                        b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                    )
                    streams.append(writer)
                    continue
                manual = b"manualTrigger" in head
                if manual or requests % 10 == 0:
                    told = event(manual)
                    for stream in streams:
                        stream.write(told)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xd8")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    return serve


LISTING = (
    b'[{"number":"306012345670","direction":"out","plate":"14C-123.45","container":null,'
    b'"declared_gross_kg":30000}]'
)

CUSTOMS: dict[str, tuple[int, bytes]] = {
    "GET /v1/health": (200, b'{"status":"up"}'),
    "GET /v1/declarations": (200, LISTING),
    "GET /v1/preclearances": (200, b"{}"),
    "POST /v1/releases": (201, b"{}"),
    "POST /v1/gate-records": (201, b"{}"),
    "POST /v1/alarms": (202, b"{}"),
}


async def start(handler: Handler) -> tuple[asyncio.Server, int]:
    """Serve on a free loopback port."""
    server = await asyncio.start_server(handler, "127.0.0.1", 0)  # type: ignore[arg-type]
    port: int = server.sockets[0].getsockname()[1]
    return server, port


async def _main(kind: str, freeze_at_s: float, freeze_s: float) -> None:
    freezer = Freezer(freeze_at_s, freeze_s, hard=True)
    handlers: dict[str, Callable[[], Handler]] = {
        "modbus": lambda: modbus(freezer),
        "http": lambda: http(freezer, CUSTOMS, []),
        "scale": lambda: scale(freezer),
        "camera": lambda: camera(freezer),
    }
    handler = handlers[kind]()
    server, port = await start(handler)
    print(port, flush=True)
    async with server:
        await asyncio.sleep(LIFE_S)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])))
