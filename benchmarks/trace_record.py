"""What one record costs while a gate runs.

Ours: a call of the trace with a source, a kind and two payload values, in traces of 10,000 rows,
so that memory is warm as it is in a long run that spills to disk. Reference: appending a fresh
tuple with a fresh payload to a plain list, the least that keeping it can cost. Sealing (JSON,
hash) happens later, in chunks, and stands in its own row.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks import Ratio
from twin.clock import Clock, run_virtual
from twin.trace import Trace

USUAL_S, LIMIT_S = 2.0, 30.0
ROWS = 10_000
"""Rows of one trace."""


def best_us(loop: Callable[[int], None], count: int, rounds: int) -> float:
    """Microseconds of CPU per turn, best of some rounds; the collector waits meanwhile."""
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        gc.disable()
        try:
            began_s = time.process_time()
            loop(count)
            best = min(best, time.process_time() - began_s)
        finally:
            gc.enable()
    return best / count * 1e6


def run(quick: bool) -> Iterable[Ratio]:
    """Recording, and sealing into the hash."""
    count, rounds = (20_000, 2) if quick else (100_000, 5)

    async def main(clock: Clock) -> tuple[float, float, float]:
        def record(turns: int) -> None:
            for _ in range(turns // ROWS):
                record_one = Trace(clock).record
                for _ in range(ROWS):
                    record_one("in-1.barrier", "device.state", state="open", position=100)

        def append(turns: int) -> None:
            for _ in range(turns // ROWS):
                rows: list[Any] = []
                for at in range(ROWS):
                    payload = {"state": "open", "position": 100}
                    rows.append((at, at, "in-1.barrier", "device.state", -1, payload))

        sealed = Trace(clock)
        for _ in range(count):
            sealed("in-1.barrier", "device.state", state="open", position=100)
        began_s = time.process_time()
        sealed.sha256()
        seal_us = (time.process_time() - began_s) / count * 1e6
        return best_us(record, count, rounds), best_us(append, count, rounds), seal_us

    record_us, append_us, seal_us = run_virtual(main)
    yield Ratio(
        name="a trace record on the hot path",
        ours=record_us,
        reference=append_us,
        unit="µs",
        reference_name="append of the same row to a list",
        better="lower",
        limit=0.5,
        ratio_limit=2.5,
    )
    yield Ratio(
        name="sealing a trace record (JSON and hash), later",
        ours=seal_us,
        reference=append_us,
        unit="µs",
        reference_name="append of the same row to a list",
        better="lower",
    )
