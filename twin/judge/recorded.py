"""Each crossing and diversion is recorded once, in time, and as it was (LANE-05)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twin.judge.control import RECORD_S, RECOVERY_S, left_alone_by, reachable_s
from twin.judge.facts import Event, Facts, Stay, normal_plate
from twin.judge.verdict import Finding, invariant


@dataclass(slots=True)
class _Happening:
    """A crossing or a diversion, and when its record may come."""

    stay: Stay
    event: Event
    from_s: float
    due_s: float
    unseen: bool
    """Nobody can know who it was: no record is due, and none is judged."""
    record: Event | None = None

    def is_told_by(self, record: Event) -> bool:
        """Whether the record names this vehicle, by declaration or by plate."""
        declaration, plate = record.data.get("declaration"), normal_plate(record.data.get("plate"))
        return bool(
            (declaration and declaration == self.stay.truth("declaration"))
            or (plate and plate == normal_plate(self.stay.truth("plate")))
        )


@invariant("LANE-05", record_s=RECORD_S, recovery_s=RECOVERY_S)
def records_are_true(facts: Facts, finding: Finding) -> None:
    """Match the records that the stack gave to customs with what truly happened.

    A `passed` record is due within `record_s` before or after a crossing, a `diverted` one between
    entering the lane and `record_s` after the diversion. A record belongs to what happened to the
    vehicle of its declaration or plate; if there is none, to the nearest still without a record.
    Each crossing and each diversion has exactly one. In a `passed` record plate (separators do not
    matter) and declaration are the true ones; what a `diverted` one says of the plate is not
    judged, since an unknown plate is a reason to divert. While customs, or the lane's loops or
    remote I/O, are out of order, the deadline moves to `recovery_s` after that.

    Excused: the run ends before the deadline. A tail-gater, and a driver who went on without a
    green light through a broken lane, need no record, and their identity is not judged.
    """

    for lane in facts.lanes:
        for kind in ("passed", "diverted"):
            happenings = _happenings(facts, lane, kind)
            for record in _match(facts, lane, kind, happenings):
                code = "record_of_nothing" if kind == "passed" else "diversion_of_nobody"
                said = {"plate": record.data.get("plate"), "lane": lane}
                finding.breach(code, record.t_s, [record.record], **said)
            for happening in happenings:
                if not happening.unseen:
                    finding.checked_count += 1
                    _judge(facts, finding, happening, kind)


def _happenings(facts: Facts, lane: str, kind: str) -> list[_Happening]:
    found = []
    for stay in facts.lanes[lane].stays:
        if not facts.smart(stay):
            continue
        for event in stay.crossings if kind == "passed" else stay.diversions:
            due_s = reachable_s(facts, event.t_s + RECORD_S, event.t_s, blind_lane=lane)
            from_s, unseen = event.t_s - RECORD_S, False
            if kind == "passed":
                unseen = bool(event.data.get("followed") or left_alone_by(facts, stay, event))
            elif stay.entered is not None:
                from_s = min(from_s, stay.entered.t_s)
            found.append(_Happening(stay, event, from_s, due_s, unseen))
    return sorted(found, key=lambda happening: happening.event.t_s)


def _match(facts: Facts, lane: str, kind: str, happenings: list[_Happening]) -> list[Event]:
    """Give each record to what it tells of; returns the records that tell of nothing."""
    records = [
        record
        for record in facts.gate_records
        if record.data.get("lane") == lane and record.data.get("event") == kind
    ]

    def give(fits: Callable[[_Happening, Event], bool]) -> None:
        for record in list(records):
            free = [
                happening
                for happening in happenings
                if happening.record is None and fits(happening, record)
            ]
            if free:
                at_s = record.t_s
                best = min(free, key=lambda one: (one.unseen, abs(one.event.t_s - at_s)))
                best.record = record
                records.remove(record)

    def in_time(happening: _Happening, record: Event) -> bool:
        return happening.from_s <= record.t_s <= happening.due_s

    give(lambda happening, record: in_time(happening, record) and happening.is_told_by(record))
    give(lambda happening, record: happening.event.t_s < record.t_s
         and happening.is_told_by(record))  # fmt: skip
    give(in_time)
    return [record for record in records if kind == "passed" or record.t_s + RECORD_S < facts.end_s]


def _judge(facts: Facts, finding: Finding, happening: _Happening, kind: str) -> None:
    stay, event, record = happening.stay, happening.event, happening.record
    said = {"lane": stay.lane, "vehicle": stay.vehicle}
    plate = stay.truth("plate")
    if record is None:
        if happening.due_s >= facts.end_s:
            finding.excused_count += 1
            return
        code = "crossing_not_recorded" if kind == "passed" else "diversion_not_recorded"
        finding.breach(
            code, event.t_s, [event.record], plate=plate, limit_s=round(RECORD_S), **said
        )
        return
    evidence = [record.record, event.record]
    if record.t_s > happening.due_s:
        finding.breach(
            "recorded_late", record.t_s, evidence, plate=plate, limit_s=round(RECORD_S),
            delay_s=round(record.t_s - event.t_s), **said,
        )  # fmt: skip
    if kind != "passed":
        return
    told, true = record.data.get("plate"), event.data.get("plate")
    if normal_plate(told) != normal_plate(true):
        finding.breach("wrong_plate", record.t_s, evidence, told=told, true=true, **said)
    told, true = record.data.get("declaration"), event.data.get("declaration")
    if (told or None) != (true or None):
        finding.breach("wrong_declaration", record.t_s, evidence, told=told, true=true, **said)
