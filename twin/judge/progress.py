"""Everyone gets through, and a healed gate works again (LANE-10)."""

from __future__ import annotations

import math
from bisect import bisect_right

from twin.judge.facts import Event, Facts, Fault, Stay
from twin.judge.verdict import Finding, invariant

PROGRESS_S = 120.0
"""After a fault is healed something moves within this time, if anyone waits."""
SMART_STAY_S = 900.0
"""Nobody stays longer in a smart lane before the run ends (estimate)."""
TRADITIONAL_STAY_S = 7200.0
"""… or in a traditional lane, where papers may take an hour (estimate)."""


@invariant(
    "LANE-10", progress_s=PROGRESS_S, smart_stay_s=SMART_STAY_S,
    traditional_stay_s=TRADITIONAL_STAY_S,
)  # fmt: skip
def everyone_gets_through(facts: Facts, finding: Finding) -> None:
    """Judge each vehicle that entered, and each lane in which somebody waits when a fault ends.

    A vehicle that has not left when the run ends must have entered less than `smart_stay_s` (in a
    traditional lane `traditional_stay_s`) before. When a fault of a lane, or of customs for every
    smart lane, has ended while somebody is in the lane or queues for it, something in that lane
    must move off, cross, be diverted or leave within `progress_s`; other faults, an officer's
    check, an answer of the far side that a vehicle in the lane waits for, and a dawdling driver
    move that deadline.

    Excused: who is still in a lane that is, or lately was, broken.
    """
    for stay in facts.stays.values():
        if stay.entered is not None:
            _leaves(facts, finding, stay)
    moves = {name: _movements(lane.stays) for name, lane in facts.lanes.items()}
    for fault in facts.faults:
        if fault.end_s == math.inf:
            continue
        for name in [fault.lane] if fault.lane is not None else list(facts.lanes):
            if name in facts.lanes:
                _resumes(facts, finding, name, fault, moves[name])


def _leaves(facts: Facts, finding: Finding, stay: Stay) -> None:
    assert stay.entered is not None
    finding.checked_count += 1
    if stay.left is not None:
        return
    limit_s = SMART_STAY_S if facts.smart(stay) else TRADITIONAL_STAY_S
    stayed_s = facts.end_s - stay.entered.t_s
    broken = facts.broken(stay.lane, stay.entered.t_s, math.inf, slack_s=0.0)
    broken += facts.broken(None, stay.entered.t_s, math.inf, "customs")
    if any(fault.end_s + limit_s >= facts.end_s for fault in broken) or stayed_s < limit_s:
        finding.excused_count += 1
        return
    finding.breach(
        "never_left", stay.entered.t_s, [stay.entered.record], lane=stay.lane,
        vehicle=stay.vehicle, stayed_s=round(stayed_s),
    )  # fmt: skip


def _movements(stays: list[Stay]) -> list[float]:
    """Instants at which something in a lane got on, in order."""
    found: list[float] = []
    for stay in stays:
        found += [t_s for t_s, moving in stay.motions if moving]
        events = [stay.entered, stay.left, *stay.crossings, *stay.diversions]
        found += [event.t_s for event in events if event is not None]
    return sorted(found)


def _resumes(facts: Facts, finding: Finding, name: str, fault: Fault, moves: list[float]) -> None:
    """Check that someone in the lane moves on within the bound after the fault."""
    waiting = [
        stay
        for stay in facts.lanes[name].stays
        if facts.smart(stay)
        and stay.arrived is not None
        and stay.arrived.t_s <= fault.end_s
        and (stay.left is None or stay.left.t_s > fault.end_s)
        and (stay.entered is not None or facts.closed_s is None or fault.end_s < facts.closed_s)
    ]
    if not waiting:
        return
    due_s = _fair_due_s(facts, name, fault.end_s)
    if due_s >= facts.end_s:
        return
    finding.checked_count += 1
    index = bisect_right(moves, fault.end_s)
    if index < len(moves) and moves[index] <= due_s:
        return
    finding.breach(
        "no_progress", fault.end_s, [fault.record], lane=name, vehicle=waiting[0].vehicle,
        fault=fault.kind, target=fault.target, waiting=len(waiting), limit_s=round(PROGRESS_S),
    )  # fmt: skip


def _fair_due_s(facts: Facts, name: str, healed_s: float) -> float:
    """The bound, moved behind whatever else lawfully holds the lane meanwhile."""
    due_s = healed_s + PROGRESS_S
    holds: list[tuple[float, float]] = [
        (other.begin_s, other.end_s)
        for other in facts.broken(name, healed_s, math.inf)
        + facts.broken(None, healed_s, math.inf, "customs")
    ]
    holds += [  # the record is written when the officer answers
        (officer.t_s - _duration_s(officer), officer.t_s)
        for officer in facts.officers
        if officer.data.get("lane") == name
    ]
    holds += [  # without it nobody may pass; an answer that never comes holds nothing
        (stay.entered.t_s, answer.t_s)
        for stay in facts.lanes[name].stays
        if stay.entered is not None
        for answer in facts.preclearances.get(str(stay.truth("declaration")), ())
    ]
    holds += [
        (driver.t_s, driver.t_s + _duration_s(driver))
        for driver in facts.drivers
        if driver.data.get("lane") == name
    ]
    for begin_s, end_s in sorted(holds):
        if begin_s <= due_s and end_s >= healed_s:
            due_s = max(due_s, end_s + PROGRESS_S)
    return due_s


def _duration_s(event: Event) -> float:
    return float(event.data.get("duration_s") or 0.0)
