"""The lanes of a bridge: their zones, and whether they are open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from twin.devices.base import FaultKind, Faulty
from twin.site_bridge import Cargo
from twin.trace import Trace
from twin.world.crossing import Zone

_HALF_WIDTH_M = 4.0
"""A vehicle of 3 m whose centre is this near to a lane's middle is on it."""


class Lane(Faulty):
    """One lane; both sides' operators close it (works, a wreck), and say so."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "closed": FaultKind("closed", "nobody may drive into it; who is on it leaves it"),
    }


class Lanes:
    """All lanes of one bridge."""

    def __init__(self, cargo: Cargo, trace: Trace, length_m: float) -> None:
        self._cargo, self._length_m = cargo, length_m
        self.lanes = {spec.id: Lane(spec.id, trace) for spec in cargo.lanes}

    def zones(self) -> Iterator[Zone]:
        """For each lane: the whole of it, one way at a time, and the line's, for one vehicle."""
        half_m = self._cargo.line_zone_m / 2
        line = self._cargo.line_m - half_m, self._cargo.line_m + half_m
        middles = [self._cargo.node(spec.nodes[0]).y_m for spec in self._cargo.lanes]
        for spec, y_m in zip(self._cargo.lanes, middles, strict=True):
            others = [abs(y_m - other) / 2 for other in middles if other != y_m]
            reach_m = min([_HALF_WIDTH_M, *others])
            across = y_m - reach_m, y_m + reach_m
            kind = "exclusive" if spec.at_once == 1 else "one-way"
            yield Zone(spec.id, 0.0, self._length_m, kind, across)
            yield Zone(f"{spec.id}.line", *line, "exclusive", across)

    def closed(self) -> list[str]:
        """Ids of the lanes that are closed now."""
        return [name for name, lane in self.lanes.items() if "closed" in lane.faults]
