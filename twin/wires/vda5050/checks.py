"""Whether an order is right in itself, and whether this vehicle can do it: pure functions.

Each returns None, or the problem with what it refers to. Sources: 3.0 6.1.1 and 6.1.4; 2.1 6.6.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Protocol

from twin.profiles.vda5050 import Dialect
from twin.wires.vda5050.problems import Problem
from twin.wires.vda5050.records import Action, Ellipse, Node, Order, Position, parts


class Facts(Protocol):
    """What the logic must know of the vehicle, read at the instant it decides."""

    @property
    def manufacturer(self) -> str:
        """As in the topic."""

    @property
    def serial_number(self) -> str:
        """As in the topic."""

    @property
    def mode(self) -> str:
        """Operating mode, in the words of 3.0."""

    @property
    def driving(self) -> bool:
        """Whether it moves."""

    @property
    def localized(self) -> bool:
        """Whether it knows where it is."""

    @property
    def pose(self) -> tuple[float, float, float, str]:
        """Believed x, y (m), theta (rad) and the map's id."""

    @property
    def tolerance_m(self) -> float:
        """How near a node is "on it" when an order allows no deviation."""

    @property
    def unsupported(self) -> frozenset[str]:
        """Optional keys of an edge that it cannot use."""

    def knows_map(self, map_id: str) -> bool:
        """Whether that map is enabled."""

    def knows_node(self, node_id: str) -> bool:
        """Whether its own map has a place for a node that comes without position."""

    def can(self, action: Action, scope: str) -> str:
        """Empty if it can do `action`, else why not."""

    def cancellable(self, action_type: str) -> bool:
        """Whether an action of this type can be broken off."""

    def held_by_hand(self) -> str:
        """Empty, or what a person has to do at the vehicle before it may go on."""

    def pausable(self, action_type: str) -> bool:
        """Whether an action of this type can be paused."""


def _order(order: Order) -> tuple[tuple[str, str], ...]:
    return (("orderId", order.order_id), ("orderUpdateId", str(order.order_update_id)))


def _problem(key: str, text: str, references: Mapping[str, object], order: Order) -> Problem:
    extra = tuple((name, str(value)) for name, value in references.items())
    return Problem(key, _order(order) + extra, text)


def structure(order: Order, limits: Mapping[str, int]) -> Problem | None:
    """Sequence, releases, ends of edges, unique ids, curves, sizes."""
    for name, count in (("order.nodes", len(order.nodes)), ("order.edges", len(order.edges))):
        if name in limits and count > limits[name]:
            text = f"{count} {name}; this vehicle takes {limits[name]}"
            return _problem("insufficient_memory", text, {}, order)
    found = _sequence(order) or _edges(order)
    if found is None and not order.nodes[0].released:
        first = order.nodes[0].node_id
        found = f"the first node {first!r} is not released", {"nodeId": first}
    found = found or _unique(order)
    return _problem("validation", found[0], found[1], order) if found else None


_Found = tuple[str, dict[str, str]] | None


def _sequence(order: Order) -> _Found:
    nodes, edges = order.nodes, order.edges
    if not nodes:
        return "an order has at least one node", {}
    if len(edges) != len(nodes) - 1:
        return f"{len(nodes)} nodes need {len(nodes) - 1} edges, there are {len(edges)}", {}
    first = nodes[0].sequence_id
    for index, node in enumerate(nodes):
        if node.sequence_id != first + 2 * index:
            text = f"node {node.node_id!r} has sequenceId {node.sequence_id}"
            return f"{text}, not {first + 2 * index}", {"nodeId": node.node_id}
    for index, edge in enumerate(edges):
        if edge.sequence_id != first + 2 * index + 1:
            text = f"edge {edge.edge_id!r} has sequenceId {edge.sequence_id}"
            return f"{text}, not {first + 2 * index + 1}", {"edgeId": edge.edge_id}
    return None


def _edges(order: Order) -> _Found:
    for index, edge in enumerate(order.edges):
        before, after = order.nodes[index], order.nodes[index + 1]
        where, name = {"edgeId": edge.edge_id}, f"edge {edge.edge_id!r}"
        ends, joined = (edge.start_node_id, edge.end_node_id), (before.node_id, after.node_id)
        if any(end is not None and end != node for end, node in zip(ends, joined, strict=True)):
            return f"{name} joins {ends}, not {joined}", where
        if edge.released and not (before.released and after.released):
            return f"{name} is released, a node at its end is not", where
        if after.released and not edge.released:
            text = f"node {after.node_id!r} is released behind {name}, which is not"
            return text, {"nodeId": after.node_id}
        if edge.maximum_speed is not None and edge.maximum_speed <= 0:
            return f"{name} allows {edge.maximum_speed} m/s", where
        curve = edge.trajectory
        if curve is not None:
            knots, points = curve.knot_vector, len(curve.control_points)
            need = points + curve.degree + 1
            rising = all(a <= b for a, b in pairwise(knots))
            if points <= curve.degree or len(knots) not in (0, need) or not rising:
                text = f"trajectory of {name}: degree {curve.degree}, {points} control points"
                return f"{text}, {len(knots)} knots (need {need}, never falling)", where
    return None


def _unique(order: Order) -> _Found:
    seen: set[str] = set()
    for part in parts(order.nodes, order.edges):
        for action in part.actions:
            if action.action_id in seen:
                return f"actionId {action.action_id!r} is there twice", {
                    "actionId": action.action_id
                }
            seen.add(action.action_id)
    return None


def address(order: Order, dialect: Dialect, facts: Facts) -> Problem | None:
    """Whether the header speaks to this vehicle in a version that it knows."""
    if order.version.split(".")[0] != dialect.version.split(".")[0]:
        text = f"version {order.version!r}; this vehicle speaks {dialect.version}"
        return _problem("validation", text, {"version": order.version}, order)
    if (order.manufacturer, order.serial_number) != (facts.manufacturer, facts.serial_number):
        text = f"addressed to {order.manufacturer!r} / {order.serial_number!r}"
        return _problem("validation", text, {"serialNumber": order.serial_number}, order)
    return None


def ability(order: Order, facts: Facts) -> Problem | None:
    """Whether every field, action, map and node is one that this vehicle can deal with."""
    for edge in order.edges:
        for name in sorted(facts.unsupported):
            if getattr(edge, name, None) is not None:
                key = "".join(w if i == 0 else w.title() for i, w in enumerate(name.split("_")))
                text = f"{key} of edge {edge.edge_id!r} is not supported"
                return _problem("unsupported_parameter", text, {"parameter": key}, order)
    for part in parts(order.nodes, order.edges):
        scope = "NODE" if isinstance(part, Node) else "EDGE"
        for action in part.actions:
            why = facts.can(action, scope)
            if why:
                where = {"actionId": action.action_id, "actionType": action.action_type}
                return _problem("invalid_order_action", why, where, order)
    for node in order.nodes:
        place = node.node_position
        if place is None:
            if not facts.knows_node(node.node_id):
                text = f"node {node.node_id!r} has no position and is not on the map"
                return _problem("no_route", text, {"nodeId": node.node_id}, order)
        elif not facts.knows_map(place.map_id):
            text = f"node {node.node_id!r} is on map {place.map_id!r}, which is not enabled"
            return _problem(
                "unknown_map", text, {"nodeId": node.node_id, "mapId": place.map_id}, order
            )
    return None


def within(place: Position, facts: Facts) -> bool:
    """Whether the vehicle stands within the deviation that `place` allows."""
    x, y, theta, map_id = facts.pose
    if map_id != place.map_id:
        return False
    dx, dy, allowed = x - place.x, y - place.y, place.deviation
    if isinstance(allowed, Ellipse) and min(allowed.a, allowed.b) > 0:
        along = dx * math.cos(allowed.theta) + dy * math.sin(allowed.theta)
        across = dy * math.cos(allowed.theta) - dx * math.sin(allowed.theta)
        near = (along / allowed.a) ** 2 + (across / allowed.b) ** 2 <= 1
    else:
        radius = max(allowed.a, allowed.b) if isinstance(allowed, Ellipse) else (allowed or 0.0)
        near = math.hypot(dx, dy) <= max(radius, facts.tolerance_m)
    near = near or math.hypot(dx, dy) <= facts.tolerance_m
    if not near or place.theta is None or place.allowed_deviation_theta is None:
        return near
    turn = math.remainder(theta - place.theta, 2 * math.pi)
    return abs(turn) <= abs(place.allowed_deviation_theta) + 1e-9


def start(order: Order, last_node_id: str, facts: Facts) -> Problem | None:
    """Whether the first node is trivially reachable."""
    node = order.nodes[0]
    place = node.node_position
    if place is None:
        here = node.node_id == last_node_id
    else:
        here = facts.localized and within(place, facts)
    if here:
        return None
    x, y, _, map_id = facts.pose
    text = (
        f"first node {node.node_id!r} is not where the vehicle is ({x:.2f}, {y:.2f} on {map_id!r})"
    )
    return _problem("start_out_of_range", text, {"nodeId": node.node_id}, order)
