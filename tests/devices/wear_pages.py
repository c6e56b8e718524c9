"""Fill the generated tables of docs/devices/wear.md: `python -m tests.devices.wear_pages`."""

from __future__ import annotations

from pathlib import Path

from tests.devices.pages import BLOCK, table
from twin.devices.barrier import Barrier
from twin.devices.base import Device
from twin.devices.camera import Camera
from twin.devices.light import TrafficLight
from twin.devices.loops import Loops
from twin.devices.remote_io import RemoteIO
from twin.devices.weighbridge import Weighbridge

PAGE = Path(__file__).parents[2] / "docs" / "devices" / "wear.md"
DEVICES: dict[str, type[Device]] = {
    "barrier": Barrier,
    "scale": Weighbridge,
    "camera": Camera,
    "loops": Loops,
    "light": TrafficLight,
    "io": RemoteIO,
}


def parts() -> str:
    """Every part that wears."""
    rows = (
        (f"`{role}`", f"`{name}`", part.unit, f"{part.rated:,.0f}", part.source)
        for role, kind in DEVICES.items()
        for name, part in kind.PARTS.items()
    )
    return table(("device", "part", "ages in", "rated life", "source"), rows)


def filled(text: str) -> str:
    """The page with its table made anew."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{parts()}\n{found[3]}", text)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
