"""What all tests share: the same Hypothesis examples in every run, and what coverage measures.

A red run must be red again when it is repeated. `GATETWIN_FUZZ=1 pytest` draws new examples.
Hypothesis also mixes in constants of whatever modules happen to be loaded; with tests spread over
workers that is chance, so without FUZZ it mixes in none.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None)
if os.environ.get("GATETWIN_FUZZ"):
    settings.load_profile("fuzz")
else:
    settings.load_profile("same")
    none = providers._local_constants  # empty until somebody asks; there is no public switch
    providers._get_local_constants = lambda: none


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure coverage in fast tests, and in those slow ones that say they add to it.

    Most slow tests play at length what the fast ones have touched, and would take twice as long.
    """
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("covers"):
            item.add_marker("no_cover")
