"""An overhead rail as it is built: nodes with the rail's direction there, and one-way pieces.

Between two nodes the rail is two arcs that leave and meet them in their directions (a straight, if
both lie on one line). Where it branches or joins there is a switch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from twin.errors import HarnessError

_SAME_M = 0.05


@dataclass(frozen=True, slots=True)
class RailNode:
    """One place of the rail; `course_rad` is where the rail leads to there."""

    id: str
    x_m: float
    y_m: float
    course_rad: float


class Rail:
    """All nodes and pieces of one sky-rail."""

    def __init__(self, nodes: Iterable[RailNode], pieces: Iterable[tuple[str, str]]) -> None:
        """`pieces`: (from, to); raises `HarnessError` for a node that is not there."""
        self.nodes: Mapping[str, RailNode] = {node.id: node for node in nodes}
        self.pieces = frozenset(pieces)
        counts: dict[tuple[str, str], int] = {}
        for a, b in self.pieces:
            for name in (a, b):
                if name not in self.nodes:
                    raise HarnessError(f"rail: a piece from {a} to {b}, but there is no {name}")
            counts["out", a] = counts.get(("out", a), 0) + 1
            counts["in", b] = counts.get(("in", b), 0) + 1
        self.switches = frozenset(name for (_, name), count in counts.items() if count > 1)
        """Nodes at which the rail branches or joins."""
        self._at = {(round(n.x_m, 1), round(n.y_m, 1)): n for n in self.nodes.values()}

    def at(self, x_m: float, y_m: float) -> RailNode | None:
        """The node at (x, y), within 5 cm."""
        found = self._at.get((round(x_m, 1), round(y_m, 1)))
        if found is None or math.hypot(found.x_m - x_m, found.y_m - y_m) > _SAME_M:
            return None
        return found
