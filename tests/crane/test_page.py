"""The page about the crane says what the code does."""

from __future__ import annotations

import pytest

pytest.importorskip("asyncua")

from tests.crane.pages import PAGE


def test_the_page_is_what_the_code_says() -> None:
    """Run `python -m tests.crane.pages` after a change."""
    assert PAGE.used() == set(PAGE.makers)
    assert PAGE.text() == PAGE.filled()
