"""What the virtual loop costs: timers that jump, and real TCP round trips.

The reference is the stock asyncio loop doing the same work in real time: for timers, ones that
are due at once, since waiting for real ones would measure the wall clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from benchmarks import Ratio
from twin.clock import Clock, run_virtual

T = TypeVar("T")
USUAL_S, LIMIT_S = 2.0, 30.0


async def timers(count: int, step_s: float) -> float:
    """Timers per second of CPU time: each fires and sets the next."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    left = count

    def fire() -> None:
        nonlocal left
        left -= 1
        if left:
            loop.call_later(step_s, fire)
        else:
            done.set()

    began_s = time.process_time()
    loop.call_later(step_s, fire)
    await done.wait()
    return count / (time.process_time() - began_s)


async def round_trips(count: int) -> float:
    """Round trips of 12 bytes per second of CPU time over one loopback connection."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(await reader.readexactly(12))
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began_s = time.process_time()
    for _ in range(count):
        writer.write(b"0123456789ab")
        await reader.readexactly(12)
    rate = count / (time.process_time() - began_s)
    writer.close()
    server.close()
    await asyncio.sleep(0.01)
    return rate


def virtual(work: Callable[[], Awaitable[T]]) -> T:
    """Run on the virtual loop."""

    async def main(_: Clock) -> T:
        return await work()

    return run_virtual(main)


def stock(work: Callable[[], Awaitable[T]]) -> T:
    """Run on the stock loop."""

    async def main() -> T:
        return await work()

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(main())


def run(quick: bool) -> Iterable[Ratio]:
    """Best of three rounds of each, in turn."""
    scale, rounds = (1, 1) if quick else (10, 3)
    jumps, trips = 5_000 * scale, 1_000 * scale
    yield Ratio(
        name="timer jumps",
        ours=max(virtual(lambda: timers(jumps, 1.0)) for _ in range(rounds)),
        reference=max(stock(lambda: timers(jumps, 0.0)) for _ in range(rounds)),
        unit="1/s",
        reference_name="stock asyncio loop, timers due at once",
    )
    yield Ratio(
        name="TCP round trips",
        ours=max(virtual(lambda: round_trips(trips)) for _ in range(rounds)),
        reference=max(stock(lambda: round_trips(trips)) for _ in range(rounds)),
        unit="1/s",
        reference_name="stock asyncio loop, the same sockets",
    )
