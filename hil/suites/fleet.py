"""A fleet manager: who it is on the wire, its headers, and how its orders are made."""

from __future__ import annotations

import math
import re
from itertools import pairwise

from hil.kits.fleet.papers import FleetPics, FleetPixit
from hil.kits.fleet.session import FleetSession
from hil.kits.fleet.view import FleetView, Message, Sent
from hil.measurement import Measurement, at_most
from hil.suite import Suite
from hil.verdict import Finding, check, decide, failed, inconclusive
from twin.wires.vda5050.records import MalformedError, read_order

suite = Suite[FleetSession, FleetView](
    "fleet",
    "1.0",
    view=FleetView,
    pics=FleetPics,
    pixit=FleetPixit,
    declaration="FLT-DOC-01",
)

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$")
TOPICS = {
    "2.1": ("order", "instantActions"),
    "3.0": ("order", "instantActions", "zoneSet", "responses"),
}
NEAR_M = 0.5
"""Nearer than this the vehicle stands on its node, whatever deviation the order allows."""
NO_ORDER = "the fleet manager sent no order"


@suite.case(roles=["jobs"], limit_s=900)
async def declaration(session: FleetSession) -> None:
    """One vehicle is brought to its goal, and back: how every order of it is made."""
    await session.job()
    await session.arrives(name="there")
    await session.watch(session.pixit.react_s)
    await session.step("second")
    await session.back()
    home = session.pixit.home(0)
    await session.until(lambda: session.at(home), session.pixit.drive_s, "home")
    await session.watch(session.pixit.resend_s)
    await session.wire.probe()


@suite.judge("FLT-DOC-01", case="declaration")
def the_pics_is_true(view: FleetView) -> Finding:
    """Its messages are of the declared version, and the horizon is there or not as declared."""
    orders = view.orders()
    if not orders:
        return inconclusive(f"{NO_ORDER}; check prefix, vehicles and the role jobs")
    wrong = []
    versions = {str(one.get("version")) for one in view.sent}
    if any(not version.startswith(view.pics.version) for version in versions):
        wrong.append(
            f"version is declared {view.pics.version}, found {', '.join(sorted(versions))}"
        )
    horizon = any(len(one.base) < len(one.nodes) for one in orders)
    if horizon and not view.pics.horizon:
        wrong.append("a horizon is declared false, found true")
    return check(not wrong, "as declared", "; ".join(wrong))


# ---------------------------------------------------------------- topics and headers


@suite.judge("FLT-TOP-01", case="declaration")
def everything_is_at_qos_0(view: FleetView) -> Finding:
    """As the listener, who would take QoS 2, received it."""
    if not view.sent:
        return inconclusive(NO_ORDER)
    wrong = sorted({f"{one.topic} at QoS {one.qos}" for one in view.sent if one.qos})
    return check(not wrong, f"{len(view.sent)} messages at QoS 0", ", ".join(wrong))


@suite.judge("FLT-TOP-02", case="declaration")
def nothing_is_retained(view: FleetView) -> Finding:
    """A stranger who subscribes late is given nothing of the master's."""
    if not view.of("probed") or not view.sent:
        return inconclusive("nobody subscribed late, or no order was sent")
    kept = sorted({str(r.payload["topic"]) for r in view.of("retained")})
    return check(not kept, "nothing is retained", f"retained: {', '.join(kept)}")


@suite.judge("FLT-TOP-03", case="declaration")
def only_its_own_topics(view: FleetView) -> Finding:
    """Nothing on a vehicle's topics, nothing on topics that the version does not have."""
    if not view.sent:
        return inconclusive(NO_ORDER)
    known = TOPICS[view.pics.version]
    wrong = {one.topic for one in view.sent if one.topic not in known}
    wrong |= {str(r.payload["topic"]) for r in view.of("foreign")}
    return check(not wrong, "its own topics", f"publishes on {', '.join(sorted(wrong))}")


def _series(view: FleetView) -> list[list[Sent]]:
    """Its messages by vehicle and topic."""
    found: dict[tuple[str, str], list[Sent]] = {}
    for one in view.sent:
        found.setdefault((one.serial, one.topic), []).append(one)
    return list(found.values())


@suite.judge("FLT-HDR-01", case="declaration")
def header_ids_count(view: FleetView) -> Finding:
    """One more with every message of a topic."""
    if len(view.orders()) < 2:
        return inconclusive("fewer than two orders")
    for series in _series(view):
        for one, two in pairwise(series):
            old, new = one.get("headerId"), two.get("headerId")
            if not isinstance(old, int) or not isinstance(new, int):
                return failed(f"{two.topic}: headerId {new!r} after {old!r}")
            if new != (old + 1) % 2**32:
                return failed(f"{two.topic}: headerId {new} after {old}")
    return check(True, "each one more than the last", "")


@suite.judge("FLT-HDR-02", case="declaration")
def timestamps_are_utc_and_grow(view: FleetView) -> Finding:
    """ISO 8601 in UTC, never before the last one."""
    if len(view.orders()) < 2:
        return inconclusive("fewer than two orders")
    for series in _series(view):
        stamps = [str(one.get("timestamp")) for one in series]
        bad = next((stamp for stamp in stamps if not STAMP.match(stamp)), "")
        if bad:
            return failed(f"timestamp {bad!r} is not YYYY-MM-DDTHH:mm:ss.fffZ")
        for old, new in pairwise(stamps):
            if new.rstrip("Z") < old.rstrip("Z"):
                return failed(f"timestamp {new} after {old}")
    return check(True, "UTC, and they grow", "")


@suite.judge("FLT-HDR-03", case="declaration")
def the_header_fits_the_topic(view: FleetView) -> Finding:
    """Manufacturer and serial number of the vehicle that it is for."""
    if not view.sent:
        return inconclusive(NO_ORDER)
    for one in view.sent:
        named = (one.get("manufacturer"), one.get("serialNumber"))
        if named != (view.pixit.manufacturer, one.serial):
            return failed(f"{one.topic} for {one.serial}: the header names {named}")
    return check(True, "the vehicle that it is for", "")


# ---------------------------------------------------------------- the making of orders


@suite.judge("FLT-ORD-01", case="declaration")
def orders_have_their_structure(view: FleetView) -> Finding:
    """All members that the version demands, with their types; no misspelt ones."""
    if not view.orders():
        return inconclusive(NO_ORDER)
    for one in view.orders():
        try:
            _, findings = read_order(one.text.encode(), view.dialect)
        except MalformedError as error:
            return failed(f"{one.id}: {error}")
        if findings:
            return failed(f"{one.id}: {findings[0].text}")
    return check(True, f"{len(view.orders())} orders", "")


def _first_of(orders: list[Sent]) -> list[Sent]:
    """The first message of each order."""
    found: dict[str, Sent] = {}
    for one in orders:
        found.setdefault(str(one.get("orderId")), one)
    return list(found.values())


def distance(view: FleetView, node: Message, t_s: float, number: int = 0) -> float | None:
    """From a node to where the vehicle really was, m; None if one of them is not known."""
    place, position = view.position(t_s, number), node.get("nodePosition")
    if place is None or not isinstance(position, dict):
        return None
    return math.dist((place.x_m, place.y_m), (position.get("x", 0.0), position.get("y", 0.0)))


def starts_here(view: FleetView, order: Sent, number: int = 0) -> str:
    """What is wrong with the first node of a new order; empty if nothing is."""
    if not order.nodes:
        return f"{order.id}: no node"
    first = order.nodes[0]
    if not first["released"]:
        return f"{order.id}: the first node is not released"
    off = distance(view, first, order.t_s, number)
    same = first["nodeId"] == view.state_at(order.t_s, number).get("lastNodeId")
    if off is None:
        return "" if same else f"{order.id}: its first node is not the vehicle's"
    allowed = (first.get("nodePosition") or {}).get("allowedDeviationXY")
    if isinstance(allowed, dict):
        allowed = min(allowed.get("a", 0.0), allowed.get("b", 0.0))
    far = off > max(allowed, NEAR_M) if isinstance(allowed, int | float) else off > NEAR_M
    if far and not (same and allowed is None):
        return f"{order.id}: its first node is {off:.1f} m from the vehicle"
    return ""


@suite.judge("FLT-ORD-02", case="declaration")
def an_order_begins_where_the_vehicle_is(view: FleetView) -> Finding:
    """Released, and within the deviation that it allows itself."""
    orders = _first_of(view.orders())
    if not orders:
        return inconclusive(NO_ORDER)
    wrong = [text for one in orders if (text := starts_here(view, one))]
    return check(not wrong, f"{len(orders)} orders", "; ".join(wrong))


@suite.judge("FLT-ORD-03", case="declaration")
def sequence_ids_are_continuous(view: FleetView) -> Finding:
    """Nodes even, edges odd in between; the first message of an order begins at 0."""
    if not view.orders():
        return inconclusive(NO_ORDER)
    for one in view.orders():
        ids = sorted(part["sequenceId"] for part in [*one.nodes, *one.edges])
        begin = one.nodes[0]["sequenceId"] if one.nodes else 0
        if ids != list(range(begin, begin + len(ids))):
            return failed(f"{one.id}: sequenceIds {ids}")
        if any(node["sequenceId"] % 2 for node in one.nodes):
            return failed(f"{one.id}: a node has an odd sequenceId")
    for one in _first_of(view.orders()):
        if one.nodes and one.nodes[0]["sequenceId"] != 0:
            return failed(f"{one.id}: begins at sequenceId {one.nodes[0]['sequenceId']}")
    return check(True, "continuous from 0", "")


@suite.judge("FLT-ORD-04", case="declaration")
def edges_join_their_nodes(view: FleetView) -> Finding:
    """One edge fewer than nodes, each between its neighbours."""
    if not view.orders():
        return inconclusive(NO_ORDER)
    for one in view.orders():
        if len(one.edges) != len(one.nodes) - 1:
            return failed(f"{one.id}: {len(one.nodes)} nodes, {len(one.edges)} edges")
        names = {node["sequenceId"]: node["nodeId"] for node in one.nodes}
        for edge in one.edges if not view.three else ():
            at = edge["sequenceId"]
            wanted = (names.get(at - 1), names.get(at + 1))
            if (edge.get("startNodeId"), edge.get("endNodeId")) != wanted:
                return failed(f"{one.id}: edge {at} does not join {wanted}")
    return check(True, "each between its neighbours", "")


@suite.judge("FLT-ORD-05", case="declaration")
def nothing_is_released_behind_the_horizon(view: FleetView) -> Finding:
    """Base, then horizon; never a released node or edge after one that is not."""
    if not view.orders():
        return inconclusive(NO_ORDER)
    for one in view.orders():
        parts = sorted([*one.nodes, *one.edges], key=lambda part: part["sequenceId"])
        for before, after in pairwise(parts):
            edge_before_end = "edgeId" in after and not before["released"]
            if after["released"] and (not before["released"] or edge_before_end):
                return failed(f"{one.id}: {after['sequenceId']} is released after one that is not")
    return check(True, "base, then horizon", "")


@suite.judge("FLT-ORD-06", case="declaration")
def an_edge_is_released_with_its_ends(view: FleetView) -> Finding:
    """Both ends released: the edge too; one of them not: neither is the edge."""
    if not view.orders():
        return inconclusive(NO_ORDER)
    for one in view.orders():
        on = {node["sequenceId"]: node["released"] for node in one.nodes}
        for edge in one.edges:
            at = edge["sequenceId"]
            if edge["released"] != (on.get(at - 1, False) and on.get(at + 1, False)):
                return failed(f"{one.id}: edge {at} is released {edge['released']}".lower())
    return check(True, "with both its ends", "")


@suite.judge("FLT-ORD-07", case="declaration")
def a_new_order_begins_at_update_0(view: FleetView) -> Finding:
    """orderUpdateId 0 in the first message of each order."""
    orders = _first_of(view.orders())
    if not orders:
        return inconclusive(NO_ORDER)
    wrong = [str(one.id) for one in orders if one.get("orderUpdateId") != 0]
    return check(not wrong, f"{len(orders)} orders", f"begins at {', '.join(wrong)}")


@suite.judge("FLT-ORD-08", case="declaration")
def every_job_is_a_new_order(view: FleetView) -> Finding:
    """What is ended is not taken up again: the way back has an orderId of its own."""
    second = view.mark("second")
    if second is None:
        return inconclusive("there was no second job")
    before = {one.get("orderId") for one in view.orders() if one.t_s < second}
    after = [one for one in view.orders() if one.t_s >= second]
    if not before or not after:
        return inconclusive("one of the two jobs made no order")
    again = [one for one in after if one.get("orderId") in before and _reused(view, one)]
    return check(
        not again, "an orderId of its own", f"{again[0].id} is used again" if again else ""
    )


def _reused(view: FleetView, order: Sent) -> bool:
    """An orderId that begins anew; to continue a completed order by an update is allowed."""
    older = [one for one in view.orders() if one.t_s < order.t_s]
    updates = [one.get("orderUpdateId") for one in older if one.get("orderId") == order.id[0]]
    return not updates or not isinstance(order.id[1], int) or order.id[1] <= max(updates)


@suite.judge("FLT-ORD-09", case="declaration")
def nodes_are_where_the_layout_has_them(view: FleetView) -> Finding:
    """A node of the layout's name stands in its place, on its map."""
    if not view.orders():
        return inconclusive(NO_ORDER)
    layout = view.pixit.layout
    for one in view.orders():
        for node in one.nodes:
            wanted, position = layout.nodes.get(node["nodeId"]), node.get("nodePosition")
            if wanted is None or not isinstance(position, dict):
                continue
            if math.dist(wanted, (position.get("x", 1e9), position.get("y", 1e9))) > 1.0:
                return failed(f"{one.id}: node {node['nodeId']} stands elsewhere")
            if position.get("mapId") != layout.map_id:
                return failed(f"{one.id}: node {node['nodeId']} is on map {position.get('mapId')}")
    return check(True, "in their places", "")


@suite.judge("FLT-ORD-10", case="declaration")
def the_way_follows_the_layout(view: FleetView) -> Finding:
    """Two nodes of the layout that follow each other are joined there."""
    if not view.orders():
        return inconclusive(NO_ORDER)
    layout = view.pixit.layout
    joined = {frozenset(edge) for edge in layout.edges}
    for one in view.orders():
        for before, after in pairwise(node["nodeId"] for node in one.nodes):
            known = before in layout.nodes and after in layout.nodes
            if known and frozenset((before, after)) not in joined and before != after:
                return failed(f"{one.id}: there is no way from {before} to {after}")
    return check(True, "along the layout's edges", "")


@suite.judge("FLT-JOB-01", case="declaration")
def the_vehicle_arrives(view: FleetView) -> Finding:
    """At the goal, and home again, within the declared time."""
    jobs = view.of("job")
    if len(jobs) < 2:
        return inconclusive("fewer than two jobs were given")
    there, home = view.mark("there"), view.mark("home")
    if there is None or home is None:
        return failed("it did not arrive " + ("at its goal" if there is None else "at home"))
    worst = max(there - jobs[0].t_s, home - jobs[1].t_s)
    limit = at_most(view.pixit.drive_s)
    measured = Measurement("longest drive", worst, "s", limit, view.time_uncertainty_s, "simple")
    return decide("arrived twice", "too late", measured)


@suite.judge("FLT-JOB-02", case="declaration")
def a_job_becomes_an_order_soon(view: FleetView) -> Finding:
    """From the job to the order, with a vehicle that is ready."""
    jobs = view.of("job")
    if not jobs:
        return inconclusive("no job was given")
    first = next((one.t_s for one in view.orders() if one.t_s >= jobs[0].t_s), None)
    if first is None:
        return failed(NO_ORDER)
    limit = at_most(view.pixit.react_s)
    waited = Measurement("job to order", first - jobs[0].t_s, "s", limit, 0.1, "simple")
    return decide("at once", "too late", waited)
