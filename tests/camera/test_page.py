"""The camera's page says what the code does."""

from __future__ import annotations

from tests.camera import pages


def test_the_tables_of_the_page_are_what_the_code_says() -> None:
    """Regenerating changes nothing; if it does: python -m tests.camera.pages."""
    text = pages.PAGE.read_text(encoding="utf-8")
    assert pages.filled(text) == text
    assert text.count("<!-- generated: ") == len(pages.MAKERS)
