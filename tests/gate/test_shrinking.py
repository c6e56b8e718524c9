"""Planted bugs in a stack are found over TCP and shrink to a handful of steps."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from fixtures import machines
from fixtures.machines import BrokenInvariant, LaneMachine
from fixtures.stack_mutants import MUTANTS
from twin.rig import load_program, play

SETTINGS = settings(
    max_examples=60, stateful_step_count=8, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kinds", "trucks"),
    [("ignores_the_channel", ["slow"], 1), ("trusts_the_ok", ["ok_but_no_motion"], 2)],
)
def test_a_planted_bug_shrinks_to_the_truck_that_shows_it(
    name: str, kinds: list[str], trucks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of eight steps one truck is left; it is saved, and breaks the same rule when played again."""
    monkeypatch.setattr(machines, "SAVED", tmp_path)
    mutant = MUTANTS[name]

    class Planted(LaneMachine):
        STACK = staticmethod(mutant)
        FAULTS = kinds
        TRUCKS_MAX = trucks

    with pytest.raises(BrokenInvariant) as caught:
        run_state_machine_as_test(Planted, settings=SETTINGS)
    program = load_program(caught.value.saved)
    assert [step.do for step in program.steps] == ["vehicle", "until_clear"], str(program)
    judgement, _ = play(program, stack=mutant)
    assert judgement.broken == caught.value.judgement.broken


@pytest.mark.slow
def test_the_reference_stack_stands_whatever_breaks() -> None:
    """Any trucks, any two faults at a time, any waits: every invariant holds."""
    run_state_machine_as_test(
        LaneMachine, settings=settings(SETTINGS, max_examples=25, phases=(Phase.generate,))
    )
