"""What the stack says against what is true: weights and tail-gaters (LANE-06, 07)."""

from __future__ import annotations

from twin.judge.control import (
    RECOVERY_S,
    TAIL_GATING_ALARM_S,
    alarmed_tail_gater,
    blind_to_tail_gater,
    reachable_s,
)
from twin.judge.facts import Event, Facts, Stay
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
            if blind_to_tail_gater(facts, stay, crossing) or due_s >= facts.end_s:
                finding.excused_count += 1
                continue
            finding.breach(
                "tail_gater_not_alarmed", crossing.t_s, [crossing.record], lane=stay.lane,
                vehicle=stay.vehicle, plate=stay.truth("plate"),
            )  # fmt: skip


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
        if facts.broken(stay.lane, _entered_s(stay, crossing), crossing.t_s, "scale"):
            finding.excused_count += 1
            continue
        finding.breach(
            "wrong_weight" if told_kg is not None else "no_weight", record.t_s,
            [record.record, crossing.record], lane=stay.lane, vehicle=stay.vehicle,
            told_kg=told_kg, true_kg=round(true_kg), limit_kg=round(limit_kg),
        )  # fmt: skip


def _entered_s(stay: Stay, crossing: Event) -> float:
    return min(stay.entered.t_s, crossing.t_s) if stay.entered is not None else crossing.t_s
