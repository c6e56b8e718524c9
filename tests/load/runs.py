"""Runs of the load generator in tests: their settings, on the virtual clock."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from loadtests.arrivals import schedule
from loadtests.driver import OpenDriver, Workload
from loadtests.result import Recorder, RunInfo
from loadtests.streams import Listener
from twin.clock import Clock

RATE, PLANNED_S = 5.0, 12.0


def info(**changes: object) -> RunInfo:
    """Of a run of ten seconds, but for `changes`."""
    values: dict[str, object] = {
        "workload": "modbus",
        "target": "test",
        "model": "open",
        "rate_per_s": 100.0,
        "shape": "constant",
        "seed": 1,
        "connections": 4,
        "timeout_s": 5.0,
        "planned_s": 10.0,
        "warm_up_s": 0.0,
    }
    return RunInfo(**(values | changes))  # type: ignore[arg-type]


async def drive(
    clock: Clock, workload: Workload, listeners: list[Any], **changes: object
) -> Recorder:
    """A run of twelve seconds on the virtual clock."""
    settings: dict[str, object] = {"rate_per_s": RATE, "planned_s": PLANNED_S, "shape": "poisson"}
    run = info(**(settings | changes))
    instants = schedule("poisson", rate_per_s=run.rate_per_s, duration_s=PLANNED_S, seed=1)
    ears: list[Listener] = listeners
    return await OpenDriver(
        workload, instants, run, listeners=ears, now=clock.loop.time, cpu_time=lambda: 0.0
    ).run()


def segments(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """`data` in pieces."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for begin, end in itertools.pairwise(edges):
        yield data[begin:end]
