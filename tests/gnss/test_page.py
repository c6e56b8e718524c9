"""The page about the receiver says what the code does."""

from __future__ import annotations

from tests.gnss.pages import PAGE


def test_the_page_is_what_the_code_says() -> None:
    """Run `python -m tests.gnss.pages` after a change."""
    assert PAGE.used() == set(PAGE.makers)
    assert PAGE.text() == PAGE.filled()
