"""Fill the generated tables of docs/devices/crane.md: `python -m tests.crane.pages`."""

from __future__ import annotations

from tests.crane.ground import Site
from tests.devices.pages import table
from tests.pages import Page, fault_table, quirk_table
from twin.clock import Clock, run_virtual
from twin.devices.crane import Crane
from twin.profiles.opcua import load
from twin.wires.opcua.server import OpcUaServer


def points() -> str:
    """Every point of a crane."""
    rows: list[tuple[str, ...]] = []

    async def main(clock: Clock) -> None:
        for point in Site(clock).crane.points.values():
            rows.append((f"`{point.name}`", "rw" if point.write else "r", point.unit, point.doc))

    run_virtual(main)
    return table(("point", "access", "unit", "what"), rows)


def variables() -> str:
    """The variables of the profile that show a point."""
    return table(
        ("variable", "type", "access", "point", "unit"),
        (
            (
                f"`{row.name.rpartition(':')[2]}` in `{row.parent}`", f"`{row.data}`",
                "rw" if row.write else "r", f"`{row.point}`", row.unit,
            )
            for row in load().instances.rows if row.point
        ),
    )  # fmt: skip


def methods() -> str:
    """The methods of the missions object."""
    return table(
        ("method", "arguments", "what"),
        (
            (f"`{m.name}`", ", ".join(f"{name}: {data}" for name, data in m.inputs), m.doc)
            for m in load().methods
        ),
    )


PAGE = Page(
    "devices/crane.md",
    {
        "points": points,
        "faults": lambda: fault_table(Crane.FAULTS),
        "wire-faults": lambda: fault_table(OpcUaServer.FAULTS),
        "variables": variables,
        "methods": methods,
        "quirks": lambda: quirk_table(load().quirks),
    },
)

if __name__ == "__main__":
    PAGE.write()
