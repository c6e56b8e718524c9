"""The documentation page is the one that code and profiles give."""

from __future__ import annotations

from pathlib import Path

from twin.wires.modbus.page import page

DOCS = Path(__file__).parents[2] / "docs" / "wires" / "modbus.md"


def test_the_page_is_up_to_date() -> None:
    """`docs/wires/modbus.md` is what `python -m twin.wires.modbus.page` prints."""
    assert DOCS.read_text(encoding="utf-8") == page()
