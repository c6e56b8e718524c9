"""Programs that `gatetwin fuzz` found: they broke the reference stack, or were judged wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.rig import load_program, play

FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))


@pytest.mark.parametrize("path", FOUND, ids=[path.stem for path in FOUND])
def test_what_was_found_stays_mended(path: Path) -> None:
    """Every invariant holds in a program that once broke one."""
    judgement, _ = play(load_program(path))
    assert [violation.text for violation in judgement.violations] == []
