"""What all tests share: the same Hypothesis examples in every run.

A red run must be red again when it is repeated. `GATETWIN_FUZZ=1 pytest` draws new examples.
Hypothesis also mixes in constants of whatever modules happen to be loaded; with tests spread over
workers that is chance, so without FUZZ it mixes in none.
"""

from __future__ import annotations

import os

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
