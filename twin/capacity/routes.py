"""The shortest ways through a lane graph, with their lengths and speed limits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from twin.capacity.plan import SizingError
from twin.site_bridge import Cargo


class Routes:
    """Routes between nodes of a cargo's roads; each start is searched from once."""

    def __init__(self, cargo: Cargo) -> None:
        self._names = [node.id for node in cargo.nodes]
        self._number = {name: number for number, name in enumerate(self._names)}
        self._place = {node.id: (node.x_m, node.y_m) for node in cargo.nodes}
        self._speed_m_s: dict[tuple[str, str], float] = {}
        for a, b, speed_m_s in cargo.edges():
            self._speed_m_s[a, b] = max(speed_m_s, self._speed_m_s.get((a, b), 0.0))
        ends = np.array([[self._number[a], self._number[b]] for a, b in self._speed_m_s]).T
        lengths = [self.length_m(a, b) for a, b in self._speed_m_s]
        count = len(self._names)
        self._graph = csr_array((lengths, (ends[0], ends[1])), shape=(count, count))
        self._before: dict[str, list[int]] = {}

    def length_m(self, a: str, b: str) -> float:
        """The straight way between two nodes."""
        return math.dist(self._place[a], self._place[b])

    def speed_m_s(self, a: str, b: str) -> float:
        """The speed limit between two nodes that follow each other."""
        return self._speed_m_s[a, b]

    def route(self, start: str, goal: str) -> list[str]:
        """The nodes of the shortest way; `SizingError` if there is none."""
        if start not in self._before:
            _, before = dijkstra(self._graph, indices=self._number[start], return_predecessors=True)
            self._before[start] = before.tolist()
        at, way = self._number[goal], [goal]
        while way[-1] != start:
            at = self._before[start][at]
            if at < 0:
                raise SizingError(f"no road leads from {start} to {goal}")
            way.append(self._names[at])
        return way[::-1]

    def pieces(self, route: list[str]) -> Iterator[tuple[float, float]]:
        """Length (m) and speed limit (m/s) from node to node."""
        for a, b in pairwise(route):
            yield self.length_m(a, b), self._speed_m_s[a, b]
