"""A second opinion on orders: what a vehicle has to do, written from the text in another way.

The logic keeps lists and takes things from them; this model keeps the whole order by sequenceId and
a pointer, and works out everything else when it is asked. It knows well-formed messages only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Model:
    """One vehicle's order, by sequenceId."""

    three: bool
    order_id: str = ""
    update_id: int = 0
    nodes: dict[int, dict[str, Any]] = field(default_factory=dict)
    edges: dict[int, dict[str, Any]] = field(default_factory=dict)
    passed: int = -1
    """sequenceId of the last node."""
    cancelled: bool = False
    last: dict[str, Any] | None = None

    @property
    def decision(self) -> int:
        """sequenceId of the last released node."""
        return max((s for s, node in self.nodes.items() if node["released"]), default=-1)

    def left(self) -> tuple[list[str], list[str]]:
        """Nodes and edges still to be passed."""
        if self.cancelled:
            return [], []
        nodes = [self.nodes[s]["nodeId"] for s in sorted(self.nodes) if s > self.passed]
        edges = [self.edges[s]["edgeId"] for s in sorted(self.edges) if s > self.passed]
        return nodes, edges

    def verdict(self, order: dict[str, Any], *, active: bool, cancelling: bool, here: bool) -> str:
        """What must become of a well-formed order. `active`: something of the order is left."""
        if order["orderId"] != self.order_id:
            if active or cancelling or not here:
                return "rejected"
            if self.three and (order["orderUpdateId"] or order["nodes"][0]["sequenceId"]):
                return "rejected"
            return "accepted"
        if order["orderUpdateId"] == self.update_id:
            return "ignored" if self._same(order) or not self.three else "rejected"
        if order["orderUpdateId"] < self.update_id or self.cancelled or cancelling:
            return "rejected"
        first, point = order["nodes"][0], self.nodes.get(self.decision)
        if point is None or first["sequenceId"] != self.decision:
            return "rejected"
        same = first["nodeId"] == point["nodeId"] and first["actions"] == point["actions"]
        return "updated" if same else "rejected"

    def _same(self, order: dict[str, Any]) -> bool:
        keys = ("orderId", "orderUpdateId", "nodes", "edges")
        return self.last is not None and all(order[k] == self.last[k] for k in keys)

    def take(self, order: dict[str, Any], outcome: str) -> None:
        """Hold what was accepted."""
        if outcome == "accepted":
            self.nodes, self.edges, self.cancelled = {}, {}, False
            self.passed = order["nodes"][0]["sequenceId"]
        elif outcome == "updated":
            base = self.decision
            self.nodes = {s: node for s, node in self.nodes.items() if s <= base}
            self.edges = {s: edge for s, edge in self.edges.items() if s < base}
        else:
            return
        self.order_id, self.update_id, self.last = order["orderId"], order["orderUpdateId"], order
        for node in order["nodes"]:
            self.nodes.setdefault(node["sequenceId"], node)
        for edge in order["edges"]:
            self.edges[edge["sequenceId"]] = edge
