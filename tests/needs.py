"""What a test needs from the machine: absent means a skip with its reason, and a failure in CI."""

from __future__ import annotations

import os

import pytest


def system(present: object, reason: str) -> None:
    """Skip with `reason` unless `present` is true; with GATETWIN_REQUIRE_ALL=1 fail instead."""
    if present:
        return
    if os.environ.get("GATETWIN_REQUIRE_ALL") == "1":
        pytest.fail(f"CI must have everything, but: {reason}")
    pytest.skip(reason)
