"""What arm and lamp did to those who stood there (LANE-02, 08, 11, 12)."""

from __future__ import annotations

import math

from twin.judge.control import reachable_s
from twin.judge.facts import Event, Facts, LaneFacts, Motion, Stay
from twin.judge.verdict import Finding, invariant

GRACE_S = 1.0
"""Who came under the arm less than this before it moved could not be seen in time: loop hold-off,
one poll of 0.2 s, a write and the motor's start (estimate)."""
GREEN_SLACK_S = 1.0
"""Green may outlast or precede the open arm by this: a limit switch sits some degrees before the
end of travel, and a lamp follows it one poll later (estimate)."""
MOTION_S = 3.0
"""A working barrier moves at most this long after its command (estimate)."""
BARRIER_ALARM_S = 15.0
"""A barrier that does not obey is alarmed, or has moved after all, within this time."""


def _uninvited(facts: Facts, lane: LaneFacts, stay: Stay, came_s: float, motion: Motion) -> bool:
    """Came under an arm that was moving, or just about to, on nobody's invitation.

    Who moved off on green is invited, even if the lamp has turned red since. The green light that
    a tail-gater slips through under was meant for the truck ahead.
    """
    if came_s <= motion.start_s - GRACE_S:
        return False
    return stay.vehicle in facts.followers or not lane.green_at(stay.moved_off_s(came_s))


def _presences(lane: LaneFacts, motion: Motion) -> list[tuple[Stay, float]]:
    """Vehicles under the arm during a motion, each with the instant at which it came there."""
    return [
        (stay, came_s)
        for stay in lane.stays
        for came_s, gone_s in stay.under_arm
        if came_s < motion.end_s and gone_s > motion.start_s
    ]


@invariant("LANE-02", grace_s=GRACE_S)
def nobody_under_a_falling_arm(facts: Facts, finding: Finding) -> None:
    """Judge each motion of an arm downwards, in every lane.

    Nobody may be under the arm (within half a metre of its line) when it starts, and nobody whom
    the green light invites may come under it while it moves. A vehicle that came under it less
    than `grace_s` before the start could not be seen in time: it counts only if it had moved off
    on green.
    A tail-gater counts only if it had been there longer than `grace_s`, for the green that it
    slips through under was meant for another.

    Excused: the chain of causes of the motion leads to a fault: the arm fell by itself.
    """
    for name, lane in facts.lanes.items():
        for motion in lane.motions:
            if motion.direction != "down":
                continue
            finding.checked_count += 1
            for stay, came_s in _presences(lane, motion):
                if _uninvited(facts, lane, stay, came_s, motion):
                    continue
                if facts.rooted_in_fault(motion.record):
                    finding.excused_count += 1  # the arm fell by itself; nobody told it to
                    continue
                before = came_s <= motion.start_s
                finding.breach(
                    "closed_on_vehicle" if before else "invited_under_falling_arm",
                    max(came_s, motion.start_s), [motion.record], lane=name,
                    vehicle=stay.vehicle, under_s=round(max(0.0, motion.start_s - came_s), 1),
                )  # fmt: skip


@invariant("LANE-08", slack_s=GREEN_SLACK_S)
def green_means_open(facts: Facts, finding: Finding) -> None:
    """Judge each stretch of green of a smart lane's lamp.

    The arm must rest open meanwhile; green may begin before that or end after it by `slack_s`.

    Excused: the lane's light or remote I/O is broken. A barrier that answers OK and does not
    move is no excuse.
    """
    for name, lane in facts.lanes.items():
        if lane.traditional:
            continue  # an officer waves his truck on as soon as it can pass
        for from_s, to_s, record in lane.green_spans(facts.end_s):
            finding.checked_count += 1
            for gap_from_s, gap_to_s in _without(lane.open_spans, from_s, to_s):
                if gap_to_s - gap_from_s <= GREEN_SLACK_S:
                    continue
                # A lamp that does not go out is not the stack's doing, nor is an arm that falls.
                if facts.broken(name, gap_from_s, gap_to_s, "light", "io"):
                    finding.excused_count += 1
                    continue
                down = any(
                    motion.direction == "down"
                    and motion.start_s < gap_to_s
                    and motion.end_s > gap_from_s
                    for motion in lane.motions
                )
                finding.breach(
                    "green_while_closing" if down else "green_while_not_open",
                    gap_from_s, [record], lane=name, lasted_s=round(gap_to_s - gap_from_s, 1),
                )  # fmt: skip


def _without(
    spans: list[tuple[float, float]], from_s: float, to_s: float
) -> list[tuple[float, float]]:
    """What is left of `from_s` to `to_s` outside the ordered `spans`."""
    gaps: list[tuple[float, float]] = []
    at_s = from_s
    for begin_s, end_s in spans:
        if end_s <= at_s or begin_s >= to_s:
            continue
        if begin_s > at_s:
            gaps.append((at_s, begin_s))
        at_s = max(at_s, end_s)
    if at_s < to_s:
        gaps.append((at_s, to_s))
    return gaps


@invariant("LANE-11", motion_s=MOTION_S, alarm_s=BARRIER_ALARM_S)
def disobedience_is_alarmed(facts: Facts, finding: Finding) -> None:
    """Judge each command to open or to close that should move the arm.

    That is one given while the arm neither rests where it is sent nor moves there, and not taken
    back within `motion_s`. If the arm does not move that way within `motion_s`, it must do so, or
    an alarm of the lane about the barrier must be raised (or still stand), within `alarm_s`. Of a
    row of repeated attempts the first one counts. While customs is out of order the deadline
    moves behind the outage.

    Excused: a command to close while somebody is under the arm, which a barrier's own safety
    input refuses; the run ends before the deadline.
    """
    for name, lane in facts.lanes.items():
        alarms = [alarm for alarm in facts.alarms if alarm.data.get("lane") == name]
        unheard: dict[str, float] = {}
        for index, (t_s, record, direction) in enumerate(lane.commands):
            if direction == "stop" or _there(lane, direction, t_s):
                continue
            finding.checked_count += 1
            if _moves(lane, direction, t_s, t_s + MOTION_S):
                unheard.pop(direction, None)
                continue
            if any(
                other != direction and later_s <= t_s + MOTION_S
                for later_s, _, other in lane.commands[index + 1 : index + 6]
            ):
                continue  # taken back before the barrier had to show anything
            if _held_open(lane, direction, t_s):
                finding.excused_count += 1  # its own safety input forbids closing on a subject
                continue
            # Of a row of repeated attempts only the first one starts the time for the alarm.
            if t_s - unheard.get(direction, -math.inf) <= BARRIER_ALARM_S:
                continue
            unheard[direction] = t_s
            due_s = reachable_s(facts, t_s + BARRIER_ALARM_S, t_s)
            if _moves(lane, direction, t_s, t_s + BARRIER_ALARM_S) or _alarm(alarms, t_s, due_s):
                continue
            if due_s >= facts.end_s:
                finding.excused_count += 1
                continue
            finding.breach(
                f"no_motion_{direction}", t_s, [record], lane=name, limit_s=round(BARRIER_ALARM_S)
            )


def _there(lane: LaneFacts, direction: str, t_s: float) -> bool:
    """Already where it is told to go, or already on its way there."""
    resting = lane.is_open(t_s) if direction == "up" else lane.is_closed(t_s)
    return resting or any(
        motion.direction == direction and motion.start_s <= t_s < motion.end_s
        for motion in lane.motions
    )


def _moves(lane: LaneFacts, direction: str, from_s: float, to_s: float) -> bool:
    return any(
        motion.direction == direction and from_s <= motion.start_s <= to_s
        for motion in lane.motions
    )


def _held_open(lane: LaneFacts, direction: str, t_s: float) -> bool:
    return direction == "down" and any(
        came_s <= t_s + MOTION_S and gone_s >= t_s
        for stay in lane.stays
        for came_s, gone_s in stay.under_arm
    )


def about_barrier(code: object) -> bool:
    """Whether an alarm code tells of a barrier that does not do as told."""
    word = str(code).lower()
    return any(part in word for part in ("barrier", "arm", "boom", "motion", "position", "limit"))


def _alarm(alarms: list[Event], from_s: float, due_s: float) -> bool:
    """Raised in the span, or raised before and still standing."""
    standing: set[str] = set()
    for alarm in alarms:
        code = str(alarm.data.get("code"))
        if alarm.t_s > due_s or (standing and alarm.t_s > from_s):
            break
        if not about_barrier(code):
            continue
        if not alarm.data.get("raised", True):
            standing.discard(code)
        elif alarm.t_s >= from_s:
            return True
        else:
            standing.add(code)
    return bool(standing)


FAULT_SLACK_S = 60.0
"""A contact this soon after a fault was healed still counts as the fault's (estimate)."""


@invariant("LANE-12", grace_s=GRACE_S, fault_slack_s=FAULT_SLACK_S)
def arm_touches_nobody(facts: Facts, finding: Finding) -> None:
    """Judge each contact of an arm with a vehicle; each motion downwards is a chance for one.

    Excused: a device of the lane is broken, or was until `fault_slack_s` before; the vehicle came
    under the arm uninvited (see LANE-02). What forces a contact may have at most is a matter of
    the barrier's certification, not of this rule.
    """
    for name, lane in facts.lanes.items():
        finding.checked_count += sum(motion.direction == "down" for motion in lane.motions)
        for contact in lane.contacts:
            vehicle = str(contact.data.get("vehicle", ""))
            motion = _motion_at(lane, contact.t_s)
            came = [
                (stay, came_s)
                for stay in lane.stays
                if stay.vehicle == vehicle
                for came_s, gone_s in stay.under_arm
                if came_s <= contact.t_s <= gone_s
            ]
            if facts.broken(name, contact.t_s, contact.t_s, slack_s=FAULT_SLACK_S) or (
                motion is not None and came and _uninvited(facts, lane, *came[-1], motion)
            ):
                finding.excused_count += 1
                continue
            finding.breach(
                "contact", contact.t_s, [contact.record], lane=name, vehicle=vehicle,
                peak_n=round(float(contact.data.get("peak_n") or 0.0)),
            )  # fmt: skip


def _motion_at(lane: LaneFacts, t_s: float) -> Motion | None:
    for motion in reversed(lane.motions):
        if motion.direction == "down" and motion.start_s <= t_s:
            return motion
    return None
