"""The page of the sky-rail says what the code says."""

from __future__ import annotations

from tests.sky_rail.pages import PAGE, filled


def test_the_page_is_up_to_date() -> None:
    """Tables of faults and points are those of the code."""
    text = PAGE.read_text(encoding="utf-8")
    assert text == filled(text), "run: python -m tests.sky_rail.pages"
