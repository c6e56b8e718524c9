"""The Modbus benchmark runs and compares like with like."""

from __future__ import annotations

import pytest

from benchmarks import Skipped
from benchmarks.modbus import run
from tests import needs


@pytest.mark.system
@pytest.mark.slow
def test_the_benchmark_gives_a_ratio_to_libmodbus() -> None:
    """Both servers answer the C client without an error, at 1 and at 16 connections."""
    try:
        ratios = list(run(quick=True))
    except Skipped as reason:
        needs.system(False, str(reason))
        raise AssertionError from reason
    assert [ratio.name for ratio in ratios] == ["Modbus, 1 connection", "Modbus, 16 connections"]
    assert all(ratio.ours > 0 and ratio.reference > 0 for ratio in ratios)
