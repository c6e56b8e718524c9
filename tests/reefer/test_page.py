"""The page about reefers says what the code does."""

from __future__ import annotations

from tests.reefer.pages import PAGE


def test_the_page_is_what_the_code_says() -> None:
    """Run `python -m tests.reefer.pages` after a change."""
    assert PAGE.used() == set(PAGE.makers)
    assert PAGE.text() == PAGE.filled()
