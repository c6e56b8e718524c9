"""The generated tables of docs/devices/sky-rail.md: `python -m tests.sky_rail.pages`."""

from __future__ import annotations

from fixtures.sky_rail_bench import SkyRailBench
from tests.devices.pages import table
from tests.vda5050 import pages
from twin.devices.rail_line import RailLine
from twin.devices.sky_rail import SkyCarrier
from twin.devices.sky_rail_wear import PARTS

PAGE = pages.PAGE.with_name("sky-rail.md")


def _wear() -> str:
    rows = (
        (f"`{name}`", part.unit, f"{part.rated:,.0f}", part.source) for name, part in PARTS.items()
    )
    return table(("part", "ages in", "rated life", "source"), rows)


def filled(text: str) -> str:
    """The page with all its tables made anew."""
    return pages.filled(
        text,
        {
            "faults": lambda: pages.faults(SkyCarrier.FAULTS),
            "wear": _wear,
            "line": lambda: pages.faults(RailLine.FAULTS),
            "points": lambda: pages.points(SkyRailBench),
        },
    )


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
