"""The roads of a cargo bridge as a directed graph, for whoever looks for ways along them."""

from __future__ import annotations

import math

import networkx as nx

from twin.site_bridge import Cargo, Node


def graph(cargo: Cargo) -> nx.DiGraph[str]:
    """Nodes by name; each edge with its straight length `m` and its speed limit `m_s`.

    Where two roads lead from one node to the next, the faster one counts.
    """
    nodes = {node.id: node for node in cargo.nodes}
    roads: nx.DiGraph[str] = nx.DiGraph()
    roads.add_nodes_from(nodes)
    for a, b, speed_m_s in cargo.edges():
        faster_m_s = max(speed_m_s, roads.get_edge_data(a, b, {"m_s": 0.0})["m_s"])
        roads.add_edge(a, b, m=apart_m(nodes[a], nodes[b]), m_s=faster_m_s)
    return roads


def apart_m(a: Node, b: Node) -> float:
    """The straight distance between two nodes."""
    return math.dist((a.x_m, a.y_m), (b.x_m, b.y_m))
