"""The house rules that a tool holds: each rule is shown to bite."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import time\ntime.sleep(1)\n", "time.sleep"),
        ("import time\nprint(time.monotonic())\n", "time.monotonic"),
        ("from datetime import datetime\nprint(datetime.now())\n", "datetime.datetime.now"),
        ("import random\nprint(random.random())\n", "random.random"),
    ],
)
def test_the_lint_rule_refuses_the_wall_clock_and_unseeded_randomness(line: str, name: str) -> None:
    """A device that reads the wall clock or draws without a seed does not pass the check."""
    result = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--stdin-filename",
         "twin/devices/x.py", "-"],
        input=line, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert f"`{name}` is banned" in result.stdout


def test_the_clock_itself_may_know_the_wall() -> None:
    """The rule leaves out the one file that has to know."""
    result = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "TID251", "twin/clock.py"],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
