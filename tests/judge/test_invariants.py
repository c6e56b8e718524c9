"""Each invariant holds on an honest run and is broken by the one change that should break it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.judge.tape import Tape, honest
from twin.judge import REGISTRY, Judgement, judge


def judged(change: Callable[[Tape], object]) -> Judgement:
    tape = honest()
    change(tape)
    return judge(tape.records())


def test_an_honest_run_exercises_and_holds_every_invariant() -> None:
    """The run that all the changes below start from is green everywhere, and nowhere emptily."""
    judgement = judge(honest().records())
    assert judgement.broken == []
    assert judgement.not_exercised == []
    assert [result.id for result in judgement.invariants] == sorted(REGISTRY)


def test_an_empty_trace_proves_nothing() -> None:
    """A green that judged nothing says so."""
    judgement = judge([])
    assert judgement.held
    assert judgement.not_exercised == sorted(REGISTRY)


def _cross_again(tape: Tape) -> None:
    tape.say(
        70,
        "world",
        "vehicle.crossed",
        vehicle="A",
        lane="in-1",
        plate="14C-A",
        declaration="D-A",
        laden=True,
        followed=True,
        opening=2,
    )
    tape.alarm(72, "in-1", "tailgating")


def _borrowed_declaration(tape: Tape) -> None:
    # B carries A's declaration, and the stack believes it.
    tape.change("vehicle.crossed", {"declaration": "D-A"}, vehicle="B")
    tape.change("partner.gate_record", {"declaration": "D-A"}, declaration="D-B")


def _second_release(tape: Tape) -> None:
    tape.release(26.5, "A", release="R000099", key="another")


def _asked_again(tape: Tape) -> None:
    tape.say(27, "partner", "rest.request", method="POST", path="/v1/releases", status=409, key="k")


def _release_for_two(tape: Tape) -> None:
    tape.change("partner.gate_record", {"release": "R000001"}, declaration="D-B")


def _red_passes(tape: Tape) -> None:
    tape.change("partner.declared", {"channel": "red"}, declaration="D-A")


def _turned_red(tape: Tape) -> None:
    tape.say(15, "partner", "partner.channel", declaration="D-A", channel="red")


def _close_under_truck(tape: Tape) -> None:
    tape.arm(36, "in-1", "down")  # A is under the arm from 33 to 39
    tape.lamp(35.9, "in-1")


def _close_before_truck(tape: Tape) -> None:
    # The green stays on, the arm comes down, the truck drives in under it.
    tape.drop("device.command", point="close")
    tape.find("arm.motion", direction="down").t_s = 32.5
    tape.change("arm.rest", {"t_s": 35.5, "at": "between"}, at="closed")
    tape.change("lamp", {"t_s": 33.2}, green=False)


def _close_on_sight(tape: Tape) -> None:
    """The first loop sees the truck: the lamp goes red and the arm comes down at once."""
    tape.change("lamp", {"t_s": 32.8}, green=False)
    tape.find("device.command", point="close").t_s = 33.1
    tape.find("arm.motion", direction="down").t_s = 33.2
    tape.find("arm.rest", at="closed").t_s = 36.2


def _green_while_closing(tape: Tape) -> None:
    tape.change("lamp", {"t_s": 43.0}, green=False)


def _green_too_early(tape: Tape) -> None:
    tape.change("lamp", {"t_s": 26.2}, green=True)


def _overweight_passes(tape: Tape) -> None:
    tape.change("vehicle.arrived", {"why": "overweight", "should": "divert"}, vehicle="A")


def _stays_forever(tape: Tape) -> None:
    tape.drop("vehicle.left", vehicle="A")


def _frozen_after_fault(tape: Tape) -> None:
    """Healed at 380, and G moves only at 550."""
    for line in tape.lines:
        if line.t_s > 381:
            line.t_s += 170


def _answered(tape: Tape, t_s: float) -> None:
    tape.say(t_s, "partner", "partner.preclearance", declaration="D-G", status="acknowledged")


def _frozen_after_the_answer(tape: Tape) -> None:
    """G waits for the far side until 400, and then for nothing."""
    _frozen_after_fault(tape)
    _answered(tape, 400)


def _touch(tape: Tape) -> None:
    tape.say(
        36, "in-1.arm", "arm.contact", vehicle="A", angle_deg=20.0, peak_n=120.0, after_750ms_n=0.0
    )


CHANGES: list[tuple[str, Callable[[Tape], object], set[str]]] = [
    ("no release", lambda t: t.drop("partner.release", declaration="D-A"), {"LANE-01"}),
    (
        "release too late",
        lambda t: t.change("partner.release", {"t_s": 34.0}, declaration="D-A"),
        {"LANE-01"},
    ),
    (
        "release refused",
        lambda t: t.change("partner.release", {"decision": "refused"}, declaration="D-A"),
        {"LANE-01"},
    ),
    ("pre-clearance late", lambda t: t.change("partner.preclearance", {"t_s": 130.0}), {"LANE-01"}),
    (
        "pre-clearance rejected",
        lambda t: t.change("partner.declared", {"preclearance": "rejected"}, declaration="D-A"),
        {"LANE-01"},
    ),
    (
        "revoked in time",
        lambda t: t.say(15, "partner", "partner.revoked", declaration="D-A"),
        {"LANE-01"},
    ),
    ("closes on a truck", _close_under_truck, {"LANE-02"}),
    ("closes as soon as the truck is seen", _close_on_sight, {"LANE-02"}),
    ("truck invited under the arm", _close_before_truck, {"LANE-02"}),
    ("crosses twice", _cross_again, {"LANE-03"}),
    ("one declaration, two trucks", _borrowed_declaration, {"LANE-03"}),
    ("released twice", _second_release, {"LANE-03"}),
    ("asked twice", _asked_again, {"LANE-03"}),
    ("release used twice", _release_for_two, {"LANE-03"}),
    ("red passes", _red_passes, {"LANE-04"}),
    (
        "yellow passes",
        lambda t: t.change("partner.declared", {"channel": "yellow"}, declaration="D-A"),
        {"LANE-04"},
    ),
    ("turned red in time", _turned_red, {"LANE-04"}),
    ("no record", lambda t: t.drop("partner.gate_record", declaration="D-A"), {"LANE-05"}),
    (
        "record too late",
        lambda t: t.change("partner.gate_record", {"t_s": 75.0}, declaration="D-A"),
        {"LANE-05"},
    ),
    ("recorded twice", lambda t: t.record(45, "A", release="R000001"), {"LANE-05"}),
    (
        "wrong plate",
        lambda t: t.change("partner.gate_record", {"plate": "14C-X"}, declaration="D-A"),
        {"LANE-05"},
    ),
    (
        "wrong declaration",
        lambda t: t.change("partner.gate_record", {"declaration": "D-X"}, declaration="D-A"),
        {"LANE-05"},
    ),
    ("no diversion record", lambda t: t.drop("partner.gate_record", event="diverted"), {"LANE-05"}),
    ("diverted twice", lambda t: t.record(180, "C", event="diverted"), {"LANE-05"}),
    (
        "wrong weight",
        lambda t: t.change("partner.gate_record", {"gross_kg": 30_180}, declaration="D-A"),
        {"LANE-06"},
    ),
    (
        "no weight",
        lambda t: t.change("partner.gate_record", {"gross_kg": None}, declaration="D-A"),
        {"LANE-06"},
    ),
    (
        "tail-gater unseen",
        lambda t: t.drop("partner.alarm", code="tailgating"),
        {"LANE-01", "LANE-07"},
    ),
    (
        "tail-gater alarmed late",
        lambda t: t.change("partner.alarm", {"t_s": 306.0}, code="tailgating"),
        {"LANE-01", "LANE-07"},
    ),
    (
        "alarm in another lane",
        lambda t: t.change("partner.alarm", {"lane": "in-2"}, code="tailgating"),
        {"LANE-01", "LANE-07"},
    ),
    ("green while closing", _green_while_closing, {"LANE-08"}),
    ("green too early", _green_too_early, {"LANE-08"}),
    ("overweight passes", _overweight_passes, {"LANE-09"}),
    ("never leaves", _stays_forever, {"LANE-10"}),
    ("no progress", _frozen_after_fault, {"LANE-10"}),
    ("no progress after the answer", _frozen_after_the_answer, {"LANE-10"}),
    (
        "no motion, no alarm",
        lambda t: t.drop("partner.alarm", code="barrier_no_motion"),
        {"LANE-11"},
    ),
    (
        "no motion, late alarm",
        lambda t: t.change("partner.alarm", {"t_s": 370.0}, code="barrier_no_motion"),
        {"LANE-11"},
    ),
    ("touch", _touch, {"LANE-12"}),
]


@pytest.mark.parametrize(
    ("change", "broken"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES]
)
def test_one_change_breaks_what_it_should(
    change: Callable[[Tape], object], broken: set[str]
) -> None:
    """A run that differs from an honest one in one thing breaks exactly the rule about it."""
    judgement = judged(change)
    assert set(judgement.broken) == broken
    for violation in judgement.violations:
        assert violation.records, violation.text
        for language in ("en", "vi", "zh"):
            assert "{" not in violation.say(language)


def test_every_invariant_can_be_broken() -> None:
    """No rule of the register is left without a change that breaks it."""
    assert {name for _, _, broken in CHANGES for name in broken} == set(REGISTRY)


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
    _frozen_after_fault(tape)
    _answered(tape, 480)


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


def test_a_late_record_is_called_late() -> None:
    """A record that names its vehicle is matched with it however late, and never with another."""
    tape = honest()
    tape.change("partner.gate_record", {"t_s": 131.0}, declaration="D-A")
    tape.change("partner.gate_record", {"t_s": 290.0}, declaration="D-C")
    codes = [violation.code for violation in judge(tape.records())["LANE-05"].violations]
    assert codes == ["recorded_late", "recorded_late"]


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
