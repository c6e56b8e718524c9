"""Thirty days of the capacity tier at 2,400 boxes a day, beside a bare SimPy loop.

The first reference makes as many events as the model does, as timeouts of processes that do nothing
else; no model on SimPy can be faster than that. The second is the clock: thirty days.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from dataclasses import replace

import simpy

from benchmarks import Ratio
from twin import site as sites
from twin.capacity.demand import Key
from twin.capacity.model import simulate
from twin.capacity.plan import plan_for
from twin.capacity.times import times_of

USUAL_S, LIMIT_S = 15.0, 240.0
BAR_S = 60.0
RATIO = 6.0
"""A bare event does nothing; ours move boxes. The bar is there to see the model grow heavier."""


def run(quick: bool) -> Iterable[Ratio]:
    """CPU time: all is in one thread, and the machine is shared."""
    site = sites.load("bac-luan-2")
    times = times_of(site)
    days = 1.0 if quick else 30.0
    plan = replace(
        plan_for(site, 2400, igvs=50, cranes=9, days=days), warmup_days=0.0
    )  # fmt: skip
    began = time.process_time()
    found = simulate(plan, times, Key(0, 2400, 0))
    ours = time.process_time() - began
    yield Ratio(
        name=f"{days:g} days of 2,400 boxes, {found.events:,} events", ours=ours,
        reference=bare_s(found.events), unit="s", reference_name="a bare SimPy loop of as many",
        better="lower", limit=BAR_S, ratio_limit=RATIO,
    )  # fmt: skip
    yield Ratio(
        name="the same, simulated time a second of computing", ours=days * 86_400 / ours,
        reference=1.0, unit="s", reference_name="real time", limit=30 * 86_400 / BAR_S,
    )  # fmt: skip


def bare_s(events: int, processes: int = 50) -> float:
    """CPU seconds of so many timeouts."""
    env = simpy.Environment()

    def tick(delay: float) -> Generator[simpy.Event, None, None]:
        while True:
            yield env.timeout(delay)

    for number in range(processes):
        env.process(tick(1.0 + number / processes))
    began = time.process_time()
    for _ in range(events):
        env.step()
    return time.process_time() - began
