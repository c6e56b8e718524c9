"""What a stack can be held to: deadlines behind outages, and crossings beyond its control."""

from __future__ import annotations

import math

from twin.judge.facts import Event, Facts, Fault, Stay

RECORD_S = 30.0
"""A crossing is recorded at most this long before or after it happened."""
TAIL_GATING_ALARM_S = 10.0
"""A tail-gater is alarmed at most this long after it crossed."""
RECOVERY_S = 120.0
"""After an outage of customs has ended, what was held back arrives within this time."""


def reachable_s(
    facts: Facts, due_s: float, from_s: float, *, blind_lane: str | None = None
) -> float:
    """The deadline `due_s` for a message to customs, moved behind any outage since `from_s`.

    With `blind_lane` also behind any fault of that lane's loops and remote I/O: without them the
    stack cannot see what it has to report.
    """
    holds = facts.broken(None, from_s, math.inf, "customs")
    if blind_lane is not None:
        holds += facts.broken(blind_lane, from_s, math.inf, "loops", "io")
    for fault in sorted(holds, key=_begin_s):
        if fault.begin_s <= due_s:
            due_s = max(due_s, fault.end_s + RECOVERY_S)
    return due_s


def _begin_s(fault: Fault) -> float:
    return fault.begin_s


def about_tail_gating(code: object) -> bool:
    """Whether an alarm code tells of a second vehicle on one opening: `tailgating` and its kin."""
    word = str(code).lower()
    return "tail" in word or "follow" in word


def alarmed_tail_gater(facts: Facts, stay: Stay, crossing: Event) -> Event | None:
    """The alarm about this tail-gater, if it came in time."""
    from_s = stay.at_arm_s(crossing.t_s)
    due_s = reachable_s(facts, crossing.t_s + TAIL_GATING_ALARM_S, from_s)
    for alarm in facts.alarms:
        data = alarm.data
        if (
            from_s <= alarm.t_s <= due_s
            and data.get("lane") == stay.lane
            and data.get("raised", True)
            and about_tail_gating(data.get("code"))
        ):
            return alarm
    return None


def beyond_control(facts: Facts, stay: Stay, crossing: Event) -> bool:
    """Whether it crossed on nobody's leave, and the stack did all it could: raised an alarm.

    Either a tail-gater, or a driver who went on without a green light through an arm that the
    stack could not see or move because a device of the lane was broken. A tail-gater whom nothing
    could count, because loops or remote I/O were broken, needs an alarm about that only.
    """
    if crossing.data.get("followed"):
        if alarmed_tail_gater(facts, stay, crossing) is not None:
            return True
        causes = blind_to_tail_gater(facts, stay, crossing)
    else:
        causes = left_alone_by(facts, stay, crossing)
    due_s = reachable_s(facts, crossing.t_s + RECORD_S, crossing.t_s)
    return any(
        fault.begin_s <= alarm.t_s <= due_s
        for fault in causes
        for alarm in facts.alarms
        if alarm.data.get("lane") == stay.lane and alarm.data.get("raised", True)
    )


def blind_to_tail_gater(facts: Facts, stay: Stay, crossing: Event) -> list[Fault]:
    """The faults for which nothing could count the vehicles while it went through."""
    from_s, to_s = stay.at_arm_s(crossing.t_s), crossing.t_s + TAIL_GATING_ALARM_S
    return facts.broken(stay.lane, from_s, to_s, "loops", "io")


def left_alone_by(facts: Facts, stay: Stay, crossing: Event) -> list[Fault]:
    """The faults under which it moved off without a green light; none if it moved off on green."""
    at_arm_s = stay.at_arm_s(crossing.t_s)
    moved_s = stay.moved_off_s(at_arm_s)
    if facts.lanes[stay.lane].green_at(moved_s):
        return []
    return facts.broken(stay.lane, moved_s, at_arm_s, "barrier", "io", "light", "loops")
