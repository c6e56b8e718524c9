"""The page of the vehicle says what the code says."""

from __future__ import annotations

from tests.vda5050.pages import PAGE, filled


def test_the_page_is_up_to_date() -> None:
    """Tables of topics, actions, errors, switches and faults are those of the code."""
    text = PAGE.read_text(encoding="utf-8")
    assert text == filled(text), "run: python -m tests.vda5050.pages"
