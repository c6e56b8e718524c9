"""Broken vehicles, by what they make of what they hear."""

from __future__ import annotations

from hil.kits.igv.emulation import MAP
from twin.wires.vda5050.vehicle import Vehicle

from .igv_wire import Change, Message, spoilt


def releases_the_start(_: Vehicle, order: Message) -> Message:
    """Takes its first node for released."""
    for one in order.get("nodes", ())[:1]:
        one["released"] = True
    return order


def releases_ends(_: Vehicle, order: Message) -> Message:
    """Takes the ends of released edges for released."""
    nodes = order.get("nodes", ())
    for edge, node in zip(order.get("edges", ()), nodes[1:], strict=False):
        node["released"] = node["released"] or edge["released"]
    return order


def releases_between(_: Vehicle, order: Message) -> Message:
    """Takes an edge between released nodes for released."""
    nodes, edges = order.get("nodes", ()), order.get("edges", ())
    for before, edge, node in zip(nodes, edges, nodes[1:], strict=False):
        edge["released"] = edge["released"] or (before["released"] and node["released"])
    return order


def counts_anew(_: Vehicle, order: Message) -> Message:
    """Numbers the parts of a new order itself."""
    for key, offset in (("nodes", 0), ("edges", 1)):
        for index, one in enumerate(order.get(key, ()) if not order["orderUpdateId"] else ()):
            one["sequenceId"] = 2 * index + offset
    return order


def drops_loose_ends(_: Vehicle, order: Message) -> Message:
    """Drops nodes to which no edge leads."""
    if "nodes" in order:
        order["nodes"] = order["nodes"][: len(order["edges"]) + 1]
    return order


def joins_itself(_: Vehicle, order: Message) -> Message:
    """Does not look at the ends of edges."""
    for edge in order.get("edges", ()):
        edge.pop("startNodeId", None)
        edge.pop("endNodeId", None)
    return order


def begins_anywhere(_: Vehicle, order: Message) -> Message:
    """Drives to the first node, however far it is."""
    for one in order.get("nodes", ())[:1]:
        one["nodePosition"]["allowedDeviationXY"] = 1000.0
    return order


def any_map(_: Vehicle, order: Message) -> Message:
    """All maps are one."""
    for one in order.get("nodes", ()):
        one["nodePosition"]["mapId"] = MAP
    return order


def skips_unknown(vehicle: Vehicle, order: Message) -> Message:
    """Leaves out actions that it does not know."""
    for one in order.get("nodes", ()):
        known = vehicle.dialect.actions.node
        one["actions"] = [a for a in one["actions"] if a["actionType"] in known]
    return order


def guesses_blocking(_: Vehicle, order: Message) -> Message:
    """Takes a blockingType that it does not know for HARD."""
    for one in (*order.get("nodes", ()), *order.get("edges", ())):
        for action in one["actions"]:
            if action["blockingType"] not in ("NONE", "SOFT", "SINGLE", "HARD"):
                action["blockingType"] = "HARD"
    return order


def guesses_numbers(_: Vehicle, order: Message) -> Message:
    """Takes a text for the coordinate that it had before."""
    for one in order.get("nodes", ()):
        if isinstance(one["nodePosition"]["x"], str):
            one["nodePosition"]["x"] = 20.0
    return order


def stays_where_it_is(vehicle: Vehicle, order: Message) -> Message:
    """An order without nodes is one to stay."""
    if "nodes" not in order:
        pose = vehicle.igv.believed
        place = {"x": pose.x_m, "y": pose.y_m, "mapId": MAP}
        node = {"nodeId": "here", "sequenceId": 0, "released": True, "actions": []}
        order |= {"nodes": [node | {"nodePosition": place}], "edges": []}
    return order


def as_much_as_it_can(vehicle: Vehicle, order: Message) -> Message:
    """Takes as many nodes as it has room for."""
    most = vehicle.logic.limits["order.nodes"]
    if len(order.get("nodes", ())) > most:
        order |= {"nodes": order["nodes"][:most], "edges": order["edges"][: most - 1]}
    return order


def begins_at_any_number(vehicle: Vehicle, order: Message) -> Message:
    """A new order may begin with any orderUpdateId."""
    if order["orderId"] != vehicle.logic.order_id:
        order["orderUpdateId"] = 0
    return order


def needs_deviation(_: Vehicle, order: Message) -> Message:
    """Refuses nodes without allowedDeviationXY."""
    bare = [o for o in order.get("nodes", ()) if "allowedDeviationXY" not in o["nodePosition"]]
    return spoilt(order) if bare else order


def no_strangers(_: Vehicle, order: Message) -> Message:
    """Refuses members that it does not know."""
    return spoilt(order) if "fleetNote" in order else order


def needs_a_road(_: Vehicle, order: Message) -> Message:
    """Refuses an order of one node."""
    return spoilt(order) if len(order.get("nodes", ())) == 1 else order


def no_loops(_: Vehicle, order: Message) -> Message:
    """Refuses an order with a node that is there twice."""
    names = [one["nodeId"] for one in order.get("nodes", ())]
    return spoilt(order) if len(set(names)) < len(names) else order


def number_by_number(vehicle: Vehicle, order: Message) -> Message:
    """Refuses an orderUpdateId that is not the next one."""
    logic = vehicle.logic
    later = (
        order["orderId"] == logic.order_id and order["orderUpdateId"] > logic.order_update_id + 1
    )
    return spoilt(order) if later else order


def any_number(vehicle: Vehicle, order: Message) -> Message:
    """Takes an old orderUpdateId for a new one."""
    held = vehicle.logic.order_update_id
    if order["orderId"] == vehicle.logic.order_id and order["orderUpdateId"] < held:
        order["orderUpdateId"] = held + 1
    return order


def needs_more(vehicle: Vehicle, order: Message) -> Message | None:
    """Ignores an update that brings no new node."""
    same = order["orderId"] == vehicle.logic.order_id
    return None if same and len(order.get("nodes", ())) == 1 else order


def blocking_as(found: str, instead: str) -> Change:
    """Takes one blocking type for another."""

    def change(_: Vehicle, order: Message) -> Message:
        for one in order.get("nodes", ()):
            for action in one["actions"]:
                if action["blockingType"] == found:
                    action["blockingType"] = instead
        return order

    return change


def backwards(_: Vehicle, order: Message) -> Message:
    """Does the last action of a node first."""
    for one in order.get("nodes", ()):
        one["actions"].reverse()
    return order


def edges_at_once(_: Vehicle, order: Message) -> Message:
    """Does what belongs to edges where it starts."""
    for edge in order.get("edges", ()):
        if order.get("nodes"):
            order["nodes"][0]["actions"] += edge["actions"]
            edge["actions"] = []
    return order


def no_speed_limits(_: Vehicle, order: Message) -> Message:
    """Does not look at speed limits."""
    for edge in order.get("edges", ()):
        edge.pop("maxSpeed", None)
    return order


def stretched(_: Vehicle, order: Message) -> Message:
    """Its map is stretched by a tenth."""
    for one in order.get("nodes", ()):
        if one["nodeId"].startswith("T") and not isinstance(one["nodePosition"]["x"], str):
            one["nodePosition"]["x"] *= 1.1
    return order
