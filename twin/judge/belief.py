"""What the stack says against what is true: records, weights, alarms (LANE-05, 06, 07)."""

from __future__ import annotations

import math

from twin.judge.control import (
    RECORD_S,
    RECOVERY_S,
    TAIL_GATING_ALARM_S,
    alarmed_tail_gater,
    left_alone_by,
    reachable_s,
)
from twin.judge.facts import Event, Facts, Stay, normal_plate
from twin.judge.verdict import Finding, invariant

WEIGHT_STEPS_KG = 40.0
"""Two steps of 20 kg of the scale."""
WEIGHT_SHARE = 0.005
"""… or half a per cent of the true weight, whichever is more."""


@invariant("LANE-07", alarm_s=TAIL_GATING_ALARM_S, recovery_s=RECOVERY_S)
def tail_gaters_are_alarmed(facts: Facts, finding: Finding) -> None:
    """Judge each vehicle that crossed a smart lane on the opening of another.

    An alarm of its lane with a code that has `tail` or `follow` in it (ours: `tailgating`) must
    be raised between its coming under the arm and `alarm_s` after its crossing. While customs is
    out of order the deadline moves to `recovery_s` after the outage.

    Excused: the lane's loops or remote I/O are broken meanwhile (nothing could count the
    vehicles); the run ends before the deadline.
    """
    for stay in facts.stays.values():
        if not facts.smart(stay):
            continue
        for crossing in stay.crossings:
            if not crossing.data.get("followed"):
                continue
            finding.checked_count += 1
            if alarmed_tail_gater(facts, stay, crossing) is not None:
                continue
            due_s = reachable_s(facts, crossing.t_s + TAIL_GATING_ALARM_S, crossing.t_s)
            blind = facts.broken(
                stay.lane, stay.at_arm_s(crossing.t_s), crossing.t_s + TAIL_GATING_ALARM_S,
                "loops", "io",
            )  # fmt: skip
            if blind or due_s >= facts.end_s:
                finding.excused_count += 1
                continue
            finding.breach(
                "tail_gater_not_alarmed", crossing.t_s, [crossing.record], lane=stay.lane,
                vehicle=stay.vehicle, plate=stay.truth("plate"),
            )  # fmt: skip


@invariant("LANE-05", record_s=RECORD_S, recovery_s=RECOVERY_S)
def records_are_true(facts: Facts, finding: Finding) -> None:
    """Match the records that the stack gave to customs with what truly happened.

    A `passed` record belongs to the crossing of its lane within `record_s` before or after it:
    to the one with its declaration, else with its plate, else to the nearest. Each crossing has
    one, and plate (separators do not matter) and declaration are the true ones. A `diverted`
    record belongs to a vehicle that was diverted from its lane, between entering it and `record_s`
    after the diversion; what it says of the plate is not judged, since an unknown plate is a
    reason to divert. While customs, or the lane's loops or remote I/O, are out of order, the
    deadline moves to `recovery_s` after that.

    Excused: the run ends before the deadline. A tail-gater, and a driver who went on without a
    green light through a broken lane, need no record, and their identity is not judged.
    """
    for lane in facts.lanes:
        _passed(facts, finding, lane)
        _diverted(facts, finding, lane)


def _records(facts: Facts, lane: str, event: str) -> list[Event]:
    return [
        record
        for record in facts.gate_records
        if record.data.get("lane") == lane and record.data.get("event") == event
    ]


def _passed(facts: Facts, finding: Finding, lane: str) -> None:
    stays = [stay for stay in facts.lanes[lane].stays if facts.smart(stay)]
    crossings = sorted(
        ((stay, crossing) for stay in stays for crossing in stay.crossings),
        key=lambda pair: pair[1].t_s,
    )
    matched: set[int] = set()
    for record in _records(facts, lane, "passed"):
        found = _crossing_of(facts, record, crossings, matched)
        if found is None:
            said = {"plate": record.data.get("plate"), "lane": lane}
            finding.breach("record_of_nothing", record.t_s, [record.record], **said)
            continue
        stay, crossing = found
        matched.add(crossing.record)
        if not _unseen(facts, stay, crossing):
            _compare(finding, stay, crossing, record)
    for stay, crossing in crossings:
        if _unseen(facts, stay, crossing):
            continue
        finding.checked_count += 1
        if crossing.record in matched:
            continue
        if _due_s(facts, stay, crossing.t_s) >= facts.end_s:
            finding.excused_count += 1
            continue
        finding.breach(
            "crossing_not_recorded", crossing.t_s, [crossing.record], lane=lane,
            vehicle=stay.vehicle, plate=stay.truth("plate"), limit_s=round(RECORD_S),
        )  # fmt: skip


def _crossing_of(
    facts: Facts, record: Event, crossings: list[tuple[Stay, Event]], matched: set[int]
) -> tuple[Stay, Event] | None:
    """The crossing that a record tells of: the same declaration, else plate, else the nearest."""
    near = [
        (stay, crossing)
        for stay, crossing in crossings
        if crossing.record not in matched
        and crossing.t_s - RECORD_S <= record.t_s
        and record.t_s <= _due_s(facts, stay, crossing.t_s)
    ]
    plate = normal_plate(record.data.get("plate"))

    def rank(pair: tuple[Stay, Event]) -> tuple[bool, bool, bool, float]:
        data = pair[1].data
        declaration = record.data.get("declaration")
        return (
            not declaration or data.get("declaration") != declaration,
            not plate or normal_plate(data.get("plate")) != plate,
            bool(data.get("followed")),
            abs(pair[1].t_s - record.t_s),
        )

    return min(near, key=rank, default=None)


def _unseen(facts: Facts, stay: Stay, crossing: Event) -> bool:
    """Whether nobody can know who it was: no record is due, and none is judged."""
    return bool(crossing.data.get("followed") or left_alone_by(facts, stay, crossing))


def _due_s(facts: Facts, stay: Stay, happened_s: float) -> float:
    """Until when what happened in the lane has to be recorded."""
    return reachable_s(facts, happened_s + RECORD_S, happened_s, blind_lane=stay.lane)


def _compare(finding: Finding, stay: Stay, crossing: Event, record: Event) -> None:
    evidence = [record.record, crossing.record]
    said = {"lane": stay.lane, "vehicle": stay.vehicle}
    true, told = crossing.data.get("plate"), record.data.get("plate")
    if normal_plate(true) != normal_plate(told):
        finding.breach("wrong_plate", record.t_s, evidence, told=told, true=true, **said)
    true, told = crossing.data.get("declaration"), record.data.get("declaration")
    if (true or None) != (told or None):
        finding.breach("wrong_declaration", record.t_s, evidence, told=told, true=true, **said)


def _diverted(facts: Facts, finding: Finding, lane: str) -> None:
    records = _records(facts, lane, "diverted")
    used: set[int] = set()
    for stay in sorted(facts.lanes[lane].stays, key=_entered_s):
        if not facts.smart(stay):
            continue
        for diversion in stay.diversions:
            finding.checked_count += 1
            from_s = min(_entered_s(stay), diversion.t_s)
            due_s = _due_s(facts, stay, diversion.t_s)
            found = next(
                (
                    record
                    for record in records
                    if record.record not in used and from_s <= record.t_s <= due_s
                ),
                None,
            )
            if found is not None:
                used.add(found.record)
            elif due_s >= facts.end_s:
                finding.excused_count += 1
            else:
                finding.breach(
                    "diversion_not_recorded", diversion.t_s, [diversion.record], lane=lane,
                    vehicle=stay.vehicle, limit_s=round(RECORD_S),
                )  # fmt: skip
    for record in records:
        if record.record in used or record.t_s + RECORD_S >= facts.end_s:
            continue
        said = {"plate": record.data.get("plate"), "lane": lane}
        finding.breach("diversion_of_nobody", record.t_s, [record.record], **said)


def _entered_s(stay: Stay) -> float:
    return stay.entered.t_s if stay.entered is not None else math.inf


@invariant("LANE-06", weight_kg=WEIGHT_STEPS_KG, weight_share=WEIGHT_SHARE)
def weights_are_true(facts: Facts, finding: Finding) -> None:
    """Judge the weight in each `passed` record of a smart lane.

    It must be given, and differ from the vehicle's true mass by at most `weight_kg` or
    `weight_share` of it, whichever is more.

    Excused: the lane's scale is broken at some time between entering and crossing.
    """
    by_declaration = {
        str(crossing.data["declaration"]): (stay, crossing)
        for stay in facts.stays.values()
        for crossing in stay.crossings
        if crossing.data.get("declaration") and not crossing.data.get("followed")
    }
    for record in facts.gate_records:
        found = by_declaration.get(str(record.data.get("declaration")))
        if record.data.get("event") != "passed" or found is None:
            continue
        stay, crossing = found
        if not facts.smart(stay) or stay.truth("gross_kg") is None:
            continue
        finding.checked_count += 1
        true_kg, told_kg = float(stay.truth("gross_kg")), record.data.get("gross_kg")
        limit_kg = max(WEIGHT_STEPS_KG, WEIGHT_SHARE * true_kg)
        if told_kg is not None and abs(float(told_kg) - true_kg) <= limit_kg:
            continue
        if facts.broken(stay.lane, min(_entered_s(stay), crossing.t_s), crossing.t_s, "scale"):
            finding.excused_count += 1
            continue
        finding.breach(
            "wrong_weight" if told_kg is not None else "no_weight", record.t_s,
            [record.record, crossing.record], lane=stay.lane, vehicle=stay.vehicle,
            told_kg=told_kg, true_kg=round(true_kg), limit_kg=round(limit_kg),
        )  # fmt: skip
