"""Two operators' radio cells on one bridge: where one ends and the other begins, links are dead.

The stretch between the cells is a place, `[bridge.cargo.cells]` of the site file, so every crossing
comes through it: a vehicle's link is silent from where it drives in until it has left, or until its
modem has found the other network where it stands, `attach_s` later at most. The other network has
another delay and gives another address, so by default the connection is cut then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from twin.devices.base import FaultKind, Faulty, Parameter
from twin.site_bridge import Cargo, Cells
from twin.trace import Trace
from twin.wires.impair import Link
from twin.world.carrier import Carrier

NO_CELLS = Cells(from_m=0.0, to_m=0.0, attach_s=0.0, delay_s=(0.0, 0.0))


class RadioCells(Faulty):
    """The networks of both sides; as long as its fault is on there are two of them."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "two_operators": FaultKind(
            "two_operators",
            "each side has its own network: between the cells a vehicle's link is dead",
            {
                "after": Parameter(
                    "reset", choices=("reset", "nothing", "all"),
                    doc="then its connection is cut, or what was sent is lost, or comes late",
                ),
            },
        ),
    }  # fmt: skip

    def __init__(
        self, cargo: Cargo, trace: Trace, carriers: Mapping[str, Carrier],
        link: Callable[[str], Link],
    ) -> None:  # fmt: skip
        """`link` gives the link of a vehicle, by its id."""
        super().__init__("cells", trace)
        self._cells = cargo.cells or NO_CELLS
        self._carriers, self._link = carriers, link
        self._where: dict[str, str] = {}

    def look(self, vehicle: str) -> None:
        """Where is it now? Called twice a second while it drives."""
        if "two_operators" in self.faults:
            self._see(vehicle)

    def _fault_changed(self, kind: str, cause: int) -> None:  # noqa: ARG002 - a hook
        self._where.clear()
        for name in self._carriers:
            if kind in self.faults:
                self._see(name)
            else:
                for one in ("handover", "delay"):
                    self._link(name).heal(one)

    def _see(self, vehicle: str) -> None:
        x_m = self._carriers[vehicle].pose.x_m
        cells = self._cells
        where = "home" if x_m < cells.from_m else "between" if x_m <= cells.to_m else "far"
        if where == self._where.get(vehicle):
            return
        self._where[vehicle] = where
        self.trace(self.id, "radio.cell", vehicle=vehicle, cell=where, x=round(x_m, 2))
        link = self._link(vehicle)
        if where == "between":
            after = self.faults["two_operators"]["after"]
            link.inject("handover", gap_s=cells.attach_s, after=after)
            return
        link.heal("handover")
        link.inject("delay", delay_s=cells.delay_s[where == "far"])
