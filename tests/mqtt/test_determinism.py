"""One seed, one trace: with paho clients and faults, in any process, under any hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_one_seed_gives_one_trace_in_any_process() -> None:
    """Two processes and two values of PYTHONHASHSEED: the same hash; another seed: another."""

    def run(seed: int, hash_seed: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "tests.mqtt.scene", str(seed)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True, text=True, cwd=ROOT, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    first = run(7, "1")
    assert len(first) == 64
    assert first == run(7, "4242") == run(7, "1")
    assert first != run(8, "1")
