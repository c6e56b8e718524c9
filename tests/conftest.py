"""What all tests share: the same Hypothesis examples in every run.

A red run must be red again when it is repeated. `GATETWIN_FUZZ=1 pytest` draws new examples.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None)
settings.load_profile("fuzz" if os.environ.get("GATETWIN_FUZZ") else "same")
