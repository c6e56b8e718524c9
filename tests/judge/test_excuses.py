"""What a driver, a fault or an outage does is excused, unless nobody was told of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.judge.stories import answered, frozen_after_fault, honest, judged
from tests.judge.tape import Tape
from twin.judge import judge


def _tail_gater_caught_by_arm(tape: Tape) -> None:
    """F comes in under green 0.4 s before the arm starts down and is touched."""
    t = tape.find("vehicle.zone", vehicle="F", inside=True).t_s
    tape.lamp(t + 0.1, "in-1")
    tape.say(t + 0.3, "in-1.arm", "arm.motion", direction="down", angle_deg=90.0, speed=1.0)
    tape.say(
        t + 1.5,
        "in-1.arm",
        "arm.contact",
        vehicle="F",
        angle_deg=30.0,
        peak_n=200.0,
        after_750ms_n=10.0,
    )
    tape.say(t + 1.6, "in-1.arm", "arm.motion", direction="up", angle_deg=30.0, speed=1.0)
    tape.say(t + 3.5, "in-1.arm", "arm.rest", angle_deg=90.0, at="open")


def _driver_jumps_red(tape: Tape) -> None:
    """H drives in under the closing arm against the red light; it reverses in time."""
    tape.declare("H")
    tape.arrive(600, "H")
    tape.arm(612, "in-1", "up")
    tape.arm(630, "in-1", "down")
    tape.say(631, "world", "vehicle.zone", vehicle="H", lane="in-1", zone="arm", inside=True)
    tape.say(632, "in-1.arm", "arm.motion", direction="up", angle_deg=45.0, speed=1.0)
    tape.lines = [
        line for line in tape.lines if not (line.kind == "arm.rest" and 633 < line.t_s < 634)
    ]
    tape.say(634, "in-1.arm", "arm.rest", angle_deg=90.0, at="open")
    tape.say(640, "world", "vehicle.zone", vehicle="H", lane="in-1", zone="arm", inside=False)
    tape.say(
        650,
        "world",
        "vehicle.left",
        vehicle="H",
        lane="in-1",
        outcome="diverted",
        arrived_s=600.0,
        entered_s=605.0,
        left_s=650.0,
        free_s=20.0,
        driver_s=0.0,
        authority_s=0.0,
    )


def _blind_lane_left_open(tape: Tape) -> None:
    """The I/O dies with the arm up; K goes on through it in the dark, and an alarm says so."""
    tape.declare("K", channel="red")
    tape.arrive(700, "K", why="overweight")
    tape.arm(690, "in-1", "up")
    tape.fault(698, 760, "in-1.io", "power_cut")
    tape.alarm(700, "in-1", "io_lost")
    tape.drive_through(720, "K")
    tape.leave(740, "K")
    tape.arm(800, "in-1", "down")


def _arm_falls_by_itself(tape: Tape) -> None:
    cut = tape.fault(35, 60, "in-1.barrier", "power_cut")
    tape.say(36, "in-1.arm", "arm.motion", direction="down", angle_deg=90.0, speed=1.0, cause=cut)
    tape.say(36.5, "in-1.arm", "arm.rest", angle_deg=80.0, at="between")
    tape.find("lamp", green=False).t_s = 35.5


def _outage_delays_record(tape: Tape) -> None:
    tape.fault(39, 300, "customs", "down")
    for line in tape.lines:  # everything told during the outage arrives after it
        if line.kind == "partner.gate_record" and 40 < line.t_s < 299:
            line.t_s = 300 + line.t_s / 10


def _drifting_scale(tape: Tape) -> None:
    tape.fault(5, 60, "in-1.scale", "zero_drift")
    tape.change("partner.gate_record", {"gross_kg": 30_400}, declaration="D-A")


def _late_change_of_channel(tape: Tape) -> None:
    tape.say(30, "partner", "partner.channel", declaration="D-A", channel="red")


def _alarm_still_standing(tape: Tape) -> None:
    tape.change("partner.alarm", {"t_s": 340.0}, code="barrier_no_motion")


def _alarm_stood_when_told(tape: Tape) -> None:
    """It stood when the command was given, and ended before the deadline that customs moved."""
    _alarm_still_standing(tape)
    tape.fault(345, 360, "customs", "slow")


def _replayed_release(tape: Tape) -> None:
    tape.say(26.5, "partner", "partner.release", **tape.find("partner.release").payload)


def _plate_with_other_separators(tape: Tape) -> None:
    tape.change("partner.gate_record", {"plate": "14c a"}, declaration="D-A")


def _close_refused_on_truck(tape: Tape) -> None:
    """The barrier's own safety input keeps the arm up while A stands under it."""
    tape.say(36, "in-1.barrier", "device.command", point="close", value=True, via="wire")
    for line in tape.lines:
        if 36 < line.t_s < 60:
            line.t_s += 20


def _taken_back(tape: Tape) -> None:
    tape.say(700, "in-1.barrier", "device.command", point="open", value=True, via="wire")
    tape.say(700.1, "in-1.barrier", "device.command", point="close", value=True, via="wire")


def _written_off(tape: Tape) -> None:
    tape.say(700, "in-2.io", "device.command", point="barrier_open", value=False, via="wire")


def _waits_for_the_far_side(tape: Tape) -> None:
    """A fault is healed at 380, but what G waits for is the answer that comes at 480."""
    frozen_after_fault(tape)
    answered(tape, 480)


def _tail_gater_in_a_blind_lane(tape: Tape) -> None:
    """F follows while the remote I/O is away: nothing can count it, and an alarm says so."""
    t_s = tape.find("vehicle.zone", vehicle="F", zone="arm", inside=True).t_s
    tape.fault(t_s - 3, t_s + 200, "in-1.io", "power_cut")
    tape.drop("partner.alarm", code="tailgating")
    tape.alarm(t_s, "in-1", "io_lost")


HONEST: list[Callable[[Tape], object]] = [
    _blind_lane_left_open,
    _tail_gater_caught_by_arm,
    _driver_jumps_red,
    _arm_falls_by_itself,
    _outage_delays_record,
    _drifting_scale,
    _late_change_of_channel,
    _alarm_still_standing,
    _alarm_stood_when_told,
    _replayed_release,
    _plate_with_other_separators,
    _close_refused_on_truck,
    _taken_back,
    _written_off,
    _waits_for_the_far_side,
    _tail_gater_in_a_blind_lane,
]


@pytest.mark.parametrize("change", HONEST, ids=[change.__name__[1:] for change in HONEST])
def test_no_false_alarm(change: Callable[[Tape], object]) -> None:
    """What a driver, a fault or an outage does is not held against the stack."""
    judgement = judged(change)
    assert [violation.text for violation in judgement.violations] == []


def test_a_blind_lane_without_an_alarm_is_no_excuse() -> None:
    """A truck that goes through an open and blind lane counts if nobody was told of it."""
    tape = honest()
    _blind_lane_left_open(tape)
    tape.drop("partner.alarm", code="io_lost")
    assert set(judge(tape.records()).broken) == {"LANE-01", "LANE-04", "LANE-09"}


def test_a_tail_gater_in_a_blind_lane_without_an_alarm_is_no_excuse() -> None:
    """A red truck behind another counts if nobody was told that the lane was blind."""
    tape = honest()
    tape.change("partner.declared", {"channel": "red"}, declaration="D-F")
    _tail_gater_in_a_blind_lane(tape)
    tape.drop("partner.alarm", code="io_lost")
    assert {"LANE-01", "LANE-04"} <= set(judge(tape.records()).broken)


def test_what_is_excused_is_counted() -> None:
    """An excuse leaves a mark, so that a run full of excuses is not taken for a proof."""
    before, after = judge(honest().records()), judged(_drifting_scale)
    assert before["LANE-06"].excused_count == 0
    assert after["LANE-06"].excused_count == 1


def test_a_traditional_lane_is_judged_by_its_officer() -> None:
    """Channels, releases and lamps of a lane without machines are not the stack's matter."""
    tape = Tape()
    tape.declare("A", channel="red")
    tape.arrive(10, "A", "in-3", kind="traditional", why="channel_red")
    tape.lamp(20, "in-3", green=True)
    tape.drive_through(21, "A", "in-3")
    tape.lamp(40, "in-3")
    tape.leave(45, "A", "in-3")
    assert judge(tape.records()).broken == []
