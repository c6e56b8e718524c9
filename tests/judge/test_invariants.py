"""Each invariant holds on an honest run and is broken by the one change that should break it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.judge.stories import answered, frozen_after_fault, honest, judged
from tests.judge.tape import Tape
from twin.judge import REGISTRY, judge


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


def _frozen_after_the_answer(tape: Tape) -> None:
    """G waits for the far side until 400, and then for nothing."""
    frozen_after_fault(tape)
    answered(tape, 400)


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
    ("no progress", frozen_after_fault, {"LANE-10"}),
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


def test_a_late_record_is_called_late() -> None:
    """A record that names its vehicle is matched with it however late, and never with another."""
    tape = honest()
    tape.change("partner.gate_record", {"t_s": 131.0}, declaration="D-A")
    tape.change("partner.gate_record", {"t_s": 290.0}, declaration="D-C")
    codes = [violation.code for violation in judge(tape.records())["LANE-05"].violations]
    assert codes == ["recorded_late", "recorded_late"]
