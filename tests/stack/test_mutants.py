"""Each wrong stack is caught by the invariant that is named for it; the right one never."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.stack import create
from fixtures.stack_mutants import CAUGHT_BY, MUTANTS
from twin.judge import REGISTRY
from twin.rig import Rig


def _one(rig: Rig) -> None:
    rig.vehicle()


def _red(rig: Rig) -> None:
    rig.vehicle(why="channel_red")


def _late_answer(rig: Rig) -> None:
    rig.vehicle(acknowledged_after_s=90.0)


def _false_weight(rig: Rig) -> None:
    rig.vehicle(why="weight_mismatch")


def _tail_gater(rig: Rig) -> None:
    rig.vehicle()
    rig.vehicle(follows=True)


def _misread(rig: Rig) -> None:
    rig.inject("in-1.camera", "misread", probability=1.0)
    rig.vehicle()


def _unreadable(rig: Rig) -> None:
    rig.vehicle(plate_dirt=1.0)


def _three(rig: Rig) -> None:
    for _ in range(3):
        rig.vehicle()


def _stops_under_the_arm(rig: Rig) -> None:
    rig.vehicle(stops_under_arm_s=20.0)


def _dead_barrier(rig: Rig) -> None:
    rig.inject("in-1.barrier", "ok_but_no_motion")
    rig.vehicle()
    rig.wait(90)
    rig.heal("in-1.barrier", "ok_but_no_motion")


SCENES: dict[str, Callable[[Rig], None]] = {
    "closes_on_a_timer": _stops_under_the_arm,
    "fires_and_forgets": _dead_barrier,
    "ignores_the_channel": _red,
    "ignores_preclearance": _late_answer,
    "ignores_the_scale": _false_weight,
    "no_tailgate_alarm": _tail_gater,
    "records_what_it_read": _misread,
    "skips_weight": _three,
    "waits_for_a_plate_for_ever": _unreadable,
}


def _play(rig: Rig, name: str) -> set[str]:
    SCENES.get(name, _one)(rig)
    rig.until_clear(300)
    rig.wait(1000 if name == "waits_for_a_plate_for_ever" else 60)
    return set(rig.judge().broken)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_the_mutant_is_caught(name: str) -> None:
    """A few trucks are enough for the named invariant to tell the wrong stack from the right."""
    with Rig(lanes=["in-1"], stack=create) as rig:
        assert _play(rig, name) == set(), "the reference holds in the same scene"
    with Rig(lanes=["in-1"], stack=MUTANTS[name]) as rig:
        assert CAUGHT_BY[name] in _play(rig, name)


def test_every_mutant_has_its_invariant() -> None:
    """Every mistake is assigned to one invariant, and no invariant is without one."""
    assert MUTANTS.keys() == CAUGHT_BY.keys()
    assert set(CAUGHT_BY.values()) == set(REGISTRY)
