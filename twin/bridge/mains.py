"""Mains of a yard: without them its crane, its reefer rack and its chargers are dead.

Vehicles have batteries. What stops them is the yard's safety controller: an uninterruptible supply
feeds it for some minutes, and when that is empty too, its stop circuit falls, as a fail-safe one
does; every vehicle on that side's ground stands, and whoever comes there later. When the mains are
back the stop is released, and people acknowledge it at each vehicle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from twin.bridge.cold_chain import ColdChain
from twin.bridge.yards import Yards
from twin.clock import Clock
from twin.devices.base import FaultKind, Faulty, Parameter
from twin.devices.closed_area import ClosedArea
from twin.devices.igv import Igv
from twin.site_bridge import Cargo
from twin.trace import Trace
from twin.world.docks import Dock


class Mains(Faulty):
    """The supply of one yard."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "power": FaultKind(
            "power",
            "no mains: crane, rack and chargers are dead, vehicles stop when the UPS is empty",
            {"ups_s": Parameter(300.0, "s", 0.0, 86_400.0, doc="life of the safety's UPS")},
        ),
    }

    def __init__(
        self, id: str, clock: Clock, trace: Trace, *, fed: Sequence[Faulty],
        chargers: Sequence[Dock], igvs: Mapping[str, Igv], area: ClosedArea,
        on_ground: Callable[[float], bool],
    ) -> None:  # fmt: skip
        """`fed` has a fault `power` of its own; `on_ground(x_m)`: whether that is its side."""
        super().__init__(id, trace)
        self._clock, self._fed, self._chargers = clock, fed, chargers
        self._igvs, self._area, self._on_ground = igvs, area, on_ground
        self._outage = 0
        self._stopping = False

    def look(self, vehicle: str) -> None:
        """Whoever comes on this side's ground stops, if its safety controller is dead."""
        if self._stopping and self._on_ground(self._igvs[vehicle].carrier.pose.x_m):
            self._area.hold(self._igvs[vehicle], self.id, cause=-1)

    def _fault_changed(self, kind: str, cause: int) -> None:
        on = kind in self.faults
        for one in self._fed:
            one.inject("power") if on else one.heal("power")
        for dock in self._chargers:
            dock.charger = not on
            if on and dock.carrier is not None and dock.carrier.charging:
                self._igvs[dock.carrier.id].unplug(cause=cause)
        self._outage += 1
        if on:
            outage = self._outage
            wait_s = float(self.faults[kind]["ups_s"])
            self._clock.call_later(wait_s, lambda: self._empty(outage, cause))
        elif self._stopping:
            self._stopping = False
            record = self.trace(self.id, "mains.safety", cause, on=True)
            for igv in self._igvs.values():
                self._area.let_go(igv, self.id, cause=record)

    def _empty(self, outage: int, cause: int) -> None:
        """The UPS is empty, unless the mains have come back."""
        if outage == self._outage:
            self._stopping = True
            self.trace(self.id, "mains.safety", cause, on=False)
            for name in self._igvs:
                self.look(name)


def _at_home(line_m: float, x_m: float) -> bool:
    return x_m < line_m


def _abroad(line_m: float, x_m: float) -> bool:
    return x_m >= line_m


def mains_of(
    cargo: Cargo, clock: Clock, trace: Trace, yards: Yards, cold_chain: ColdChain,
    igvs: Mapping[str, Igv], area: ClosedArea,
) -> list[Mains]:  # fmt: skip
    """The mains of every yard: `mains-vn` and so on."""
    found = []
    for yard in cargo.yards:
        at_home = yard.side == "home"
        rack = cold_chain.racks.get(yard.id)
        crane: Faulty = yards.cranes[yard.crane]
        found.append(
            Mains(
                f"mains-{yard.id}", clock, trace, fed=[crane, *([rack] if rack else [])],
                chargers=[yards.docks.docks[name] for name in yard.parks], igvs=igvs, area=area,
                on_ground=partial(_at_home if at_home else _abroad, cargo.line_m),
            )
        )  # fmt: skip
    return found
