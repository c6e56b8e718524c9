"""How late a 10 ms device tick comes on the wall clock.

Ours: a SimPy process of the world on `run_real`, as a device behaves. Reference: a bare absolute
schedule on the same kind of loop, which is what the machine gives at best.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Iterable
from typing import Any

from benchmarks import Ratio
from twin.clock import Clock, run_real

USUAL_S, LIMIT_S = 16.0, 60.0
PERIOD_S = 0.01


def p99(values: list[float]) -> float:
    """Nearest-rank 99th percentile."""
    return sorted(values)[max(0, -(-len(values) * 99 // 100) - 1)]


def ours(ticks: int) -> list[float]:
    """Lateness of each tick of a SimPy process, seconds of the machine's clock.

    The run's time 0 lies a little after `began_s`, which is counted as lateness: uvloop keeps its
    own time in whole milliseconds, so asking the clock where 0 is could flatter it by one.
    """

    async def main(clock: Clock) -> list[float]:
        late: list[float] = []
        done = asyncio.Event()

        def device() -> Generator[Any, Any, None]:
            for tick in range(1, ticks + 1):
                yield clock.timeout(tick * PERIOD_S - clock.env.now / 1e9)
                late.append(time.perf_counter() - began_s - tick * PERIOD_S)
            done.set()

        clock.env.process(device())
        async with asyncio.timeout(ticks * PERIOD_S + 10):
            await done.wait()
        return late

    began_s = time.perf_counter()
    return run_real(main)


def reference(ticks: int) -> list[float]:
    """The same on a bare loop: `call_at` on an absolute schedule."""

    async def main(clock: Clock) -> list[float]:
        loop = clock.loop
        late: list[float] = []
        done = asyncio.Event()
        began_loop_s = loop.time()

        def tick(number: int) -> None:
            late.append(time.perf_counter() - began_s - number * PERIOD_S)
            if number == ticks:
                done.set()
            else:
                loop.call_at(began_loop_s + (number + 1) * PERIOD_S, tick, number + 1)

        loop.call_at(began_loop_s + PERIOD_S, tick, 1)
        async with asyncio.timeout(ticks * PERIOD_S + 10):
            await done.wait()
        return late

    began_s = time.perf_counter()
    return run_real(main)


def run(quick: bool) -> Iterable[Ratio]:
    """The better of three rounds each, taken in turn: a busy neighbour spoils single rounds."""
    ticks, rounds = (100, 1) if quick else (250, 3)
    reference(1)  # imports uvloop
    pairs = [(p99(ours(ticks)), p99(reference(ticks))) for _ in range(rounds)]
    yield Ratio(
        name="10 ms device tick, p99 lateness",
        ours=min(mine for mine, _ in pairs) * 1000,
        reference=min(bare for _, bare in pairs) * 1000,
        unit="ms",
        reference_name="bare call_at on the same loop",
        better="lower",
        limit=1.5,
        floor=True,
    )
