"""What a whole gate costs: the demo day in virtual time, over its real wires.

Four smart and the traditional lanes, 573 trucks, the reference stack polling over Modbus TCP. The
reference is the least that its wires can cost: as many bare round trips of 12 bytes on the same
virtual loop as the stack made Modbus requests.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from benchmarks import Ratio
from benchmarks.virtual_loop import round_trips, virtual
from twin import run as running
from twin import site as sites
from twin.judge import collect, judge, kpis
from twin.trace import Record

USUAL_S, LIMIT_S = 40.0, 150.0
"""A day at the bar of 300 times real time takes 144 s."""

BAR = 300.0
POLL_HZ = 5.0


def run(quick: bool) -> Iterable[Ratio]:
    """CPU time, because the machine is shared; everything of a virtual run is in one thread."""
    plan = running.Plan(
        site=sites.load("bac-luan-2"), day=dt.date(2023, 5, 30), hours=0.3 if quick else None
    )
    began_s = time.process_time()
    outcome = running.run(plan)
    cpu_s = time.process_time() - began_s
    requests = sum(record.kind == "modbus.rx" for record in outcome.records)
    trips = min(requests, 20_000)
    bare_s = requests / max(virtual(lambda: round_trips(trips)) for _ in range(3))
    yield Ratio(
        name="demo day, times real time",
        ours=outcome.simulated_s / cpu_s,
        reference=outcome.simulated_s / bare_s,
        unit="s/s",
        reference_name=f"its {requests:,} Modbus requests as bare TCP round trips",
        limit=BAR,
    )
    mean_hz, slowest_hz = polling_hz(outcome.records)
    yield Ratio(
        name="polls of a lane with a truck in it",
        ours=mean_hz,
        reference=slowest_hz,
        unit="1/s",
        reference_name="the least polled stay, with what no loop of the lane sees",
        limit=POLL_HZ,
        counted=True,
    )
    began_s = time.process_time()
    facts = collect(outcome.records)
    judge(facts)
    kpis(facts, wall_s=0.0)
    yield Ratio(
        name="judging it, twelve invariants and the KPIs",
        ours=len(outcome.records) / (time.process_time() - began_s),
        reference=len(outcome.records) / cpu_s,
        unit="records/s",
        reference_name="making the records",
    )


def polling_hz(records: Sequence[Record]) -> tuple[float, float]:
    """Modbus requests a second that a smart lane got while a truck was in it: mean and least.

    Every request to any device of the lane counts: all of them are how the stack sees the lane.
    """
    asked: dict[str, list[float]] = {}
    for record in records:
        if record.kind == "modbus.rx":
            asked.setdefault(record.source.partition(".")[0], []).append(record.t_s)
    rates: list[float] = []
    count, stayed_s = 0, 0.0
    for stay in collect(records).stays.values():
        times = asked.get(stay.lane)
        if times is None or stay.entered is None or stay.left is None:
            continue
        begin_s, end_s = stay.entered.t_s, stay.left.t_s
        if end_s > begin_s:
            polls = bisect_left(times, end_s) - bisect_left(times, begin_s)
            rates.append(polls / (end_s - begin_s))
            count += polls
            stayed_s += end_s - begin_s
    return (count / stayed_s, min(rates)) if rates else (math.nan, math.nan)
