"""`gatetwin fuzz`: random programs, the same for the same seed, and what they find."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fixtures.fuzz import attempt, draw, fuzz
from twin.rig import load_program, play

BAD = "tests.gate.mutant_stacks:green_before_open"


def test_a_program_mends_all_that_it_breaks() -> None:
    """Every fault is healed, two stand at a time at most, and the lane comes to rest at the end."""
    for number in range(20):
        steps = draw("bac-luan-2", "in-1", f"0/{number}")
        standing: list[tuple[str, str]] = []
        for step in steps:
            fault = (step.arguments.get("target", ""), step.arguments.get("kind", ""))
            if step.do == "inject":
                standing.append(fault)
            elif step.do == "heal":
                standing.remove(fault)
            assert len(standing) <= 2
        assert not standing
        assert [step.do for step in steps[-2:]] == ["until_clear", "wait"]


def test_a_seed_is_a_program() -> None:
    """The same seed gives the same program, another seed another one."""
    one, again, other = (draw("bac-luan-2", "in-2", seed) for seed in ("7/1", "7/1", "7/2"))
    assert one == again != other


@pytest.mark.slow
def test_a_wrong_stack_is_found_and_its_programs_are_short(tmp_path: Path) -> None:
    """What breaks is saved, is shorter than what was drawn, and breaks the same when replayed."""
    given = ["--stack", BAD, "--lane", "in-1", "--programs", "2", "--out", str(tmp_path), "--json"]
    result = CliRunner().invoke(fuzz, given)
    assert result.exit_code == 1, result.output
    told = json.loads(result.output)
    assert told["played"] == 2
    assert told["broken"]["LANE-08"] == len(told["programs"]) >= 1
    for found in told["programs"]:
        program = load_program(Path(found["file"]))
        assert len(program.steps) <= 3, str(program)
        assert play(program)[0].broken == found["broken"]


@pytest.mark.slow
def test_the_reference_stack_holds() -> None:
    """A program on each lane; `gatetwin fuzz` plays hundreds."""
    for lane in ("in-1", "in-2", "out-1", "out-2"):
        assert attempt("bac-luan-2", lane, "reference", "suite").told == []


@pytest.mark.slow
def test_a_clients_log_does_not_drown_the_findings(tmp_path: Path) -> None:
    """The first program cuts a Modbus link: pymodbus has much to say, and the command is silent."""
    call = ["--programs", "1", "--lane", "in-1", "--stack", "examples.naive_stack:create"]
    done = subprocess.run(
        [sys.executable, "-m", "fixtures.fuzz", *call, "--out", str(tmp_path)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "fuzz-0-0.json: broken: " in done.stdout
    assert done.stderr == ""


def test_an_unknown_lane_or_stack_is_named() -> None:
    """The error says which lanes there are."""
    result = CliRunner().invoke(fuzz, ["--lane", "in-9"])
    missing = CliRunner().invoke(fuzz, ["--stack", "nobodys"])
    assert "nobodys" in str(missing.exception)
    assert "in-9" in str(result.exception)
    assert "in-1" in str(result.exception)
