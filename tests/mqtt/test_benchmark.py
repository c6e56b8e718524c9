"""The MQTT benchmark runs and loses nothing."""

from __future__ import annotations

import pytest

from benchmarks import Skipped
from benchmarks.mqtt import run
from tests import needs


@pytest.mark.system
@pytest.mark.slow
def test_the_benchmark_compares_with_mosquitto() -> None:
    """Both brokers carry the same load; a lost message would be an error."""
    try:
        ratios = list(run(quick=True))
    except Skipped as reason:
        needs.system(False, str(reason))
        raise AssertionError from reason
    assert len(ratios) == 5
    assert all(ratio.ours > 0 and ratio.reference > 0 for ratio in ratios)
