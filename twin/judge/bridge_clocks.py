"""The rule about clocks that are wrong."""

from __future__ import annotations

from twin.judge.bridge_facts import BridgeFacts, FaultSpan
from twin.judge.verdict import Finding

OFF_S = 300.0
"""A clock that is off by more must be noticed: far above what a message may be late (60 s)."""
NOTICE_S = 120.0
"""A vehicle says something each 30 s; then an alarm over a service that may be asked again."""
_PATHS = ("broker", "transfers", "radio")


def wrong_clock_is_told(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each clock of a vehicle or of the authorities that is off by more than `off_s`.

    Within `notice_s` the operators have an alarm with code `clock_offset` about it;
    trouble with the links, with their service or with the vehicle's power moves the deadline
    behind its end. An alarm about a clock that has been right for `notice_s` is a breach, too.
    """
    wrong = [one for one in facts.faults if one.kind == "clock_offset"]
    told = [one for one in facts.alarms if one[2] == "clock_offset" and one[4]]
    for fault in wrong:
        offset_s = float(str(fault.parameters.get("offset_s", 0.0)))
        if abs(offset_s) <= OFF_S:
            continue
        due_s = _due_s(facts, fault)
        if due_s >= min(fault.end_s, facts.end_s):
            continue
        finding.checked_count += 1
        if not any(about == fault.target and fault.begin_s <= t_s <= due_s
                   for t_s, _, _, about, _ in told):  # fmt: skip
            finding.breach(
                "clock_untold", fault.begin_s, [fault.record], vehicle=fault.target,
                offset_s=offset_s,
            )  # fmt: skip
    for t_s, record, _, about, _ in told:
        finding.checked_count += 1
        if not any(
            one.target == about and one.begin_s <= t_s <= one.end_s + NOTICE_S for one in wrong
        ):
            finding.breach("clock_alarm_untrue", t_s, [record], vehicle=about)


def _due_s(facts: BridgeFacts, fault: FaultSpan) -> float:
    due_s = fault.begin_s + NOTICE_S
    for other in sorted(facts.faults, key=lambda one: one.begin_s):
        touches = other.target.startswith(_PATHS) or (
            other.target == fault.target and other.kind in ("battery_dead", "network_silence")
        )
        holds = other.kind in ("down", "slow", "half_open", "handover", "stop", "battery_dead",
                               "network_silence")  # fmt: skip
        if touches and holds and other.begin_s <= due_s and other.end_s >= fault.begin_s:
            due_s = max(due_s, other.end_s + NOTICE_S)
    return due_s
