"""The rules about lanes that are closed, or held for a tow."""

from __future__ import annotations

from twin.judge.bridge_facts import BridgeFacts, ZoneStay
from twin.judge.verdict import Finding

LEAD_S = 90.0
"""From the closing of a lane: a fleet manager asks each 5 s, and a vehicle whose way into the lane
has been released for 150 m cannot be told otherwise (22 s at 25 km/h; the rest is a margin)."""


def stays_out(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each closing of a lane until it is opened: after `lead_s` no vehicle drives into it.

    Who is on it already may leave it.
    """
    for fault in facts.faults:
        if fault.kind != "closed":
            continue
        finding.checked_count += 1
        for stay in facts.zones.get(fault.target, ()):
            if fault.begin_s + LEAD_S < stay.from_s < fault.end_s:
                finding.breach(
                    "into_closed_lane", stay.from_s, [fault.record, stay.record],
                    vehicle=stay.vehicle, lane=fault.target,
                    after_s=round(stay.from_s - fault.begin_s, 1),
                )  # fmt: skip


def held_for_a_tow(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each stretch of a tow in a lane: nobody else drives in that lane, or into it.

    With two lanes the other one may be used. A lane's zone at the line is part of the lane.
    """
    for tow in facts.tows:
        for lane, stays in facts.zones.items():
            if lane.endswith(".line"):
                continue
            for own in stays:
                begin_s, end_s = max(tow.begin_s, own.from_s), min(tow.end_s, own.until_s)
                if own.vehicle != tow.vehicle or begin_s >= end_s:
                    continue
                finding.checked_count += 1
                for stay in stays:
                    if stay.vehicle == tow.vehicle:
                        continue
                    driven = _first_move_s(facts, stay, begin_s, end_s)
                    if driven is not None:
                        finding.breach(
                            "drives_at_a_tow", driven, [tow.record, stay.record],
                            vehicle=stay.vehicle, lane=lane, towed=tow.vehicle,
                        )  # fmt: skip


def _first_move_s(facts: BridgeFacts, stay: ZoneStay, begin_s: float, end_s: float) -> float | None:
    """When a vehicle first drove in its stay, from `begin_s` to `end_s`: in, or from rest."""
    if begin_s < stay.from_s < end_s:
        return stay.from_s
    known = facts.vehicles.get(stay.vehicle)
    return next(
        (
            t_s for t_s, kind, _, _ in (known.events if known is not None else ())
            if kind in ("igv.move", "igv.passed")
            and max(begin_s, stay.from_s) < t_s < min(end_s, stay.until_s)
        ),
        None,
    )  # fmt: skip
