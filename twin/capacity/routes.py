"""The shortest ways through a lane graph, and its speed limits."""

from __future__ import annotations

import networkx as nx

from twin import roads
from twin.capacity.plan import SizingError
from twin.site_bridge import Cargo


class Routes:
    """Routes between nodes of a cargo's roads; each start is searched from once."""

    def __init__(self, cargo: Cargo) -> None:
        self._roads = roads.graph(cargo)
        self._from: dict[str, dict[str, list[str]]] = {}

    def route(self, start: str, goal: str) -> list[str]:
        """The nodes of the shortest way; `SizingError` if there is none."""
        if start not in self._from:
            self._from[start] = nx.single_source_dijkstra_path(self._roads, start, weight="m")
        if goal not in self._from[start]:
            raise SizingError(f"no road leads from {start} to {goal}")
        return self._from[start][goal]

    def speed_m_s(self, a: str, b: str) -> float:
        """The speed limit between two nodes that follow each other."""
        limit_m_s: float = self._roads.edges[a, b]["m_s"]
        return limit_m_s
