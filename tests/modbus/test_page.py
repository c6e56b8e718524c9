"""The documentation page is the one that code and profiles give."""

from __future__ import annotations

from pathlib import Path

from twin.devices.remote_io import RemoteIO
from twin.wires.modbus.page import page

DOCS = Path(__file__).parents[2] / "docs" / "wires" / "modbus.md"


def test_the_page_is_up_to_date() -> None:
    """`docs/wires/modbus.md` is what `python -m twin.wires.modbus.page` prints."""
    assert DOCS.read_text(encoding="utf-8") == page()


def test_the_page_of_the_module_names_every_fault() -> None:
    """`docs/devices/remote-io.md` lists the fault menu with its parameters and its words."""
    text = (DOCS.parents[1] / "devices" / "remote-io.md").read_text(encoding="utf-8")
    for fault in RemoteIO.FAULTS.values():
        parameters = ", ".join(f"`{name}`" for name in fault.parameters)
        row = " | ".join(["| `" + fault.kind + "`", fault.doc, parameters])
        assert row.strip() in text
