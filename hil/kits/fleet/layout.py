"""Where vehicles may drive on the bench: nodes, edges, and the one zone that only one may be in."""

from __future__ import annotations

import math
from collections import deque

import msgspec


class Layout(msgspec.Struct, frozen=True):
    """`nodes` by name with x, y in m; `edges` can be driven both ways."""

    nodes: dict[str, tuple[float, float]]
    edges: tuple[tuple[str, str], ...]
    zone: frozenset[str]
    map_id: str

    def path(self, start: str, goal: str) -> list[str]:
        """The nodes of the way with the fewest edges, both ends in it; empty if there is none."""
        near: dict[str, list[str]] = {name: [] for name in self.nodes}
        for one, other in self.edges:
            near[one].append(other)
            near[other].append(one)
        came: dict[str, str] = {start: ""}
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            for there in near[here]:
                if there not in came:
                    came[there] = here
                    waiting.append(there)
        if goal not in came:
            return []
        way = [goal]
        while way[-1] != start:
            way.append(came[way[-1]])
        return way[::-1]

    def nearest(self, x_m: float, y_m: float) -> str:
        """The node that is nearest to a place."""
        return min(self.nodes, key=lambda name: math.dist(self.nodes[name], (x_m, y_m)))


BENCH = Layout(
    nodes={
        "W1": (0.0, 12.0),
        "W2": (0.0, -12.0),
        "L1": (30.0, 0.0),
        "L2": (60.0, 0.0),
        "L3": (90.0, 0.0),
        "L4": (120.0, 0.0),
        "E1": (150.0, 12.0),
        "E2": (150.0, -12.0),
    },
    edges=(
        ("W1", "L1"), ("W2", "L1"), ("L1", "L2"), ("L2", "L3"), ("L3", "L4"), ("L4", "E1"),
        ("L4", "E2"),
    ),
    zone=frozenset({"L1", "L2", "L3", "L4"}),
    map_id="bridge",
)  # fmt: skip
"""Two bays on either side of a single lane."""
