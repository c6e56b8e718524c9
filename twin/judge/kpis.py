"""The figures of one run; docs/kpis.md says what each of them means.

A spread's percentiles are nearest-rank: values that were really observed, never interpolated, so
a target that is met is met by vehicles and not by arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import pairwise

from twin.judge.collecting import collect
from twin.judge.control import about_tail_gating
from twin.judge.facts import Facts, LaneFacts, Stay, normal_plate
from twin.judge.measures import Decisions, Interval, Kpis, Plates, Spread, Vehicles, spread
from twin.trace import Record

INTERVAL_S = 900.0
"""Targets hold in every interval of 15 minutes (as border services sample their queues)."""

STAGES = ("drive_on", "decide", "act", "pass", "clear")
"""Parts of a lane transaction: to the stop line; until the arm starts up; until the truck moves
off; until its rear has crossed; until it has left."""


def kpis(
    records: Iterable[Record] | Facts, *, wall_s: float | None = None, trace_sha256: str = ""
) -> Kpis:
    """Measure one run; `wall_s` is the time the machine took, None where nobody knows."""
    facts = collect(records)
    flows = by_flow(facts)
    waits = {name: spread(map(waiting_s, _gone(stays))) for name, stays in flows.items()}
    raised = [alarm for alarm in facts.alarms if alarm.data.get("raised", True)]
    frames = _frames(facts)
    active_s = (facts.closed_s or facts.end_s) - (facts.opened_s or 0.0)
    start = facts.start
    return Kpis(
        trace_sha256=trace_sha256,
        site=str(start.get("site", "")), day=start.get("day"), seed=start.get("seed"),
        fidelity=str(start.get("fidelity", "")), engine=str(start.get("engine", "")),
        simulated_s=round(facts.end_s, 3),
        wall_s=None if wall_s is None else round(wall_s, 3),
        speed=round(facts.end_s / wall_s, 1) if wall_s else None,
        records=facts.records,
        vehicles={name: _vehicles(stays) for name, stays in flows.items()},
        waiting_s=waits,
        waiting_worst_interval={
            name: worst for name, stays in flows.items() if (worst := _worst(stays)) is not None
        },
        transaction_s=_spreads(flows, transaction_s),
        authority_s=_spreads(flows, lambda stay: _of_left(stay, "authority_s")),
        driver_s=_spreads(flows, lambda stay: _of_left(stay, "driver_s")),
        stages_s={
            name: _stages(lane) for name, lane in facts.lanes.items() if not lane.traditional
        },
        queue_max={name: max((n for _, n in queue(stays)), default=0)
                   for name, stays in flows.items()},
        queue_mean={name: _queue_mean(stays, facts) for name, stays in flows.items()},
        throughput_per_h={
            name: round(3600 * _crossed(stays) / active_s, 2) if active_s > 0 else 0.0
            for name, stays in flows.items()
        },
        throughput_peak_per_h={name: _peak(stays) for name, stays in flows.items()},
        barrier_cycles={
            name: sum(rest.data.get("at") == "closed" for rest in lane.rests)
            for name, lane in facts.lanes.items()
            if lane.motions
        },
        decisions=_decisions(facts),
        plates=_plates(facts),
        alarms=_tally(str(alarm.data.get("code")) for alarm in raised),
        tail_gaters=sum(
            bool(crossing.data.get("followed"))
            for stay in facts.stays.values()
            for crossing in stay.crossings
        ),
        tail_gating_alarms=sum(about_tail_gating(alarm.data.get("code")) for alarm in raised),
        manual_checks=len(facts.officers),
        faults=_tally(fault.kind for fault in facts.faults),
        frames=frames,
        frames_per_s=round(sum(frames.values()) / facts.end_s, 3) if facts.end_s else 0.0,
    )  # fmt: skip


def waiting_s(stay: Stay) -> float:
    """Delay over free flow, less lawful examination and what the driver himself caused."""
    assert stay.left is not None
    data = stay.left.data
    delay_s = float(data["left_s"]) - float(data["arrived_s"]) - float(data.get("free_s") or 0.0)
    return max(0.0, delay_s - _of_left(stay, "driver_s") - _of_left(stay, "authority_s"))


def transaction_s(stay: Stay) -> float:
    """From entering the lane to having left it."""
    assert stay.left is not None
    return float(stay.left.data["left_s"]) - float(stay.left.data["entered_s"])


def by_flow(facts: Facts) -> dict[str, list[Stay]]:
    """Vehicles by direction and kind of lane, `all` first."""
    flows: dict[str, list[Stay]] = {"all": [], "in": [], "out": []}
    for stay in facts.stays.values():
        if stay.arrived is None:
            continue
        direction, kind = str(stay.truth("direction")), stay.truth("lane_kind") or "smart"
        for name in ("all", direction, str(kind), f"{direction}.{kind}"):
            flows.setdefault(name, []).append(stay)
    order = ("all", "in", "out", "smart", "traditional")
    return {name: flows[name] for name in sorted(flows, key=lambda name: _place(name, order))}


def _place(name: str, order: tuple[str, ...]) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)


def queue(stays: Iterable[Stay]) -> list[tuple[float, int]]:
    """(t_s, vehicles that have arrived and not yet entered a lane) at each change."""
    changes = [(stay.arrived.t_s, 1) for stay in stays if stay.arrived is not None]
    changes += [(stay.entered.t_s, -1) for stay in stays if stay.entered is not None]
    steps: list[tuple[float, int]] = []
    length = 0
    for t_s, change in sorted(changes, key=lambda step: (step[0], step[1])):
        length += change
        if steps and steps[-1][0] == t_s:
            steps[-1] = (t_s, length)
        else:
            steps.append((t_s, length))
    return steps


def stages(lane: LaneFacts, stay: Stay) -> dict[str, float] | None:
    """Seconds of each stage of a vehicle that crossed; None if it did not stop or cross."""
    if stay.entered is None or stay.left is None or not stay.crossings:
        return None
    entered_s, crossed_s = stay.entered.t_s, stay.crossings[0].t_s
    stopped = [t for t, moving in stay.motions if not moving and entered_s <= t <= crossed_s]
    if not stopped:
        return None
    ups = [
        motion.start_s
        for motion in lane.motions
        if motion.direction == "up" and entered_s <= motion.start_s <= crossed_s
    ]
    moves = [t for t, moving in stay.motions if moving and stopped[0] <= t <= crossed_s]
    if not ups or not moves:
        return None
    marks = [entered_s, stopped[0], max(ups[-1], stopped[0]), moves[0], crossed_s, stay.left.t_s]
    if any(later < earlier for earlier, later in pairwise(marks)):
        return None
    return {
        name: later - earlier
        for name, (earlier, later) in zip(STAGES, pairwise(marks), strict=True)
    }


def _of_left(stay: Stay, key: str) -> float:
    return float(stay.left.data.get(key) or 0.0) if stay.left is not None else 0.0


def _gone(stays: Iterable[Stay]) -> list[Stay]:
    return [stay for stay in stays if stay.left is not None]


def _spreads(flows: dict[str, list[Stay]], measure: Callable[[Stay], float]) -> dict[str, Spread]:
    return {name: spread(map(measure, _gone(stays))) for name, stays in flows.items()}


def _crossed(stays: Iterable[Stay]) -> int:
    return sum(bool(stay.crossings) for stay in stays)


def _vehicles(stays: list[Stay]) -> Vehicles:
    crossed = _crossed(stays)
    diverted = sum(bool(stay.diversions) and not stay.crossings for stay in stays)
    laden = sum(bool(stay.truth("laden")) for stay in stays)
    return Vehicles(
        arrived=len(stays), crossed=crossed, diverted=diverted,
        waiting=len(stays) - crossed - diverted, laden=laden, empty=len(stays) - laden,
        laden_crossed=sum(bool(stay.crossings) and bool(stay.truth("laden")) for stay in stays),
    )  # fmt: skip


def _worst(stays: list[Stay]) -> Interval | None:
    """The interval of arrival whose 95th percentile of waiting is the highest."""
    intervals: dict[int, list[float]] = {}
    for stay in _gone(stays):
        assert stay.arrived is not None
        intervals.setdefault(int(stay.arrived.t_s // INTERVAL_S), []).append(waiting_s(stay))
    found = [
        Interval(number * INTERVAL_S, len(waits), spread(waits).p95)
        for number, waits in sorted(intervals.items())
    ]
    return max(found, key=lambda interval: interval.p95, default=None)


def _queue_mean(stays: list[Stay], facts: Facts) -> float:
    """Mean number queueing over the run (Little: total time in queue over the run's length)."""
    total_s = math.fsum(
        (stay.entered.t_s if stay.entered is not None else facts.end_s) - stay.arrived.t_s
        for stay in stays
        if stay.arrived is not None
    )
    return round(total_s / facts.end_s, 3) if facts.end_s else 0.0


def _peak(stays: list[Stay]) -> int:
    hours: dict[int, int] = {}
    for stay in stays:
        for crossing in stay.crossings[:1]:
            hour = int(crossing.t_s // 3600)
            hours[hour] = hours.get(hour, 0) + 1
    return max(hours.values(), default=0)


def _stages(lane: LaneFacts) -> dict[str, Spread]:
    found = [times for stay in lane.stays if (times := stages(lane, stay)) is not None]
    return {name: spread(times[name] for times in found) for name in STAGES} if found else {}


def _decisions(facts: Facts) -> Decisions:
    counts = dict.fromkeys(("right_pass", "right_divert", "wrong_pass", "wrong_divert"), 0)
    undecided = 0
    by_why: dict[str, dict[str, int]] = {}
    for stay in facts.stays.values():
        if not facts.smart(stay) or stay.arrived is None:
            continue
        if stay.vehicle in facts.followers:
            continue  # who goes without a look at the lamp is not decided on
        if not stay.crossings and not stay.diversions:
            undecided += 1
            continue
        did = "pass" if stay.crossings else "divert"
        counts[f"{'right' if did == stay.truth('should') else 'wrong'}_{did}"] += 1
        outcomes = by_why.setdefault(str(stay.truth("why") or "ok"), {"crossed": 0, "diverted": 0})
        outcomes["crossed" if did == "pass" else "diverted"] += 1
    return Decisions(**counts, undecided=undecided, by_why=dict(sorted(by_why.items())))


def _plates(facts: Facts) -> Plates:
    """Judge the camera's own first reading of each vehicle, unasked."""
    first: dict[str, str] = {}
    for lane in facts.lanes.values():
        for state in lane.states:
            data = state.data
            if data.get("state") == "read" and data.get("vehicle") and not data.get("manual"):
                first.setdefault(str(data["vehicle"]), str(data.get("plate")))
    right = sum(
        normal_plate(plate) == normal_plate(facts.stays[vehicle].truth("plate"))
        for vehicle, plate in first.items()
        if vehicle in facts.stays
    )
    return Plates(len(first), right, round(right / len(first), 4) if first else None)


def _frames(facts: Facts) -> dict[str, int]:
    kinds = ("modbus.rx", "modbus.tx", "toledo.rx", "toledo.tx", "isapi.event", "http.request",
             "rest.request")  # fmt: skip
    totals = dict.fromkeys(kinds, 0)
    for (kind, _), count in facts.counts.items():
        if kind in totals:
            totals[kind] += count
    return {kind: count for kind, count in totals.items() if count}


def _tally(names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items()))
