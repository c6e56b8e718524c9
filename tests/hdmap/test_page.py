"""The page about the map service says what the code does."""

from __future__ import annotations

from tests.hdmap.pages import PAGE


def test_the_page_is_what_the_code_says() -> None:
    """Run `python -m tests.hdmap.pages` after a change."""
    assert PAGE.used() == set(PAGE.makers)
    assert PAGE.text() == PAGE.filled()
