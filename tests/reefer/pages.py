"""Fill the generated tables of docs/devices/reefer.md: `python -m tests.reefer.pages`."""

from __future__ import annotations

from tests.devices.pages import table, wire_map
from tests.pages import Page, fault_table
from tests.reefer.test_reefer import Terminal
from twin.clock import Clock, run_virtual
from twin.devices.reefer import ReeferRack
from twin.wires.tic40 import ReeferMonitor


def points() -> str:
    """The points of the first socket."""
    rows: list[tuple[str, ...]] = []

    async def main(clock: Clock) -> None:
        for point in Terminal(clock).rack.points.values():
            if point.name.endswith("_1"):
                name = point.name.removesuffix("1") + "N"
                rows.append((f"`{name}`", "rw" if point.write else "r", point.unit, point.doc))

    run_virtual(main)
    return table(("point", "access", "unit", "what"), rows)


PAGE = Page(
    "devices/reefer.md",
    {
        "points": points,
        "faults": lambda: fault_table(ReeferRack.FAULTS),
        "wire-faults": lambda: fault_table(ReeferMonitor.FAULTS),
        "map": lambda: wire_map("reefer-rack"),
    },
)

if __name__ == "__main__":
    PAGE.write()
