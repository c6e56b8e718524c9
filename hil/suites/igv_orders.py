"""A vehicle: right orders that are easily taken for wrong ones, and a second order."""

from __future__ import annotations

from hil.kits.igv.orders import Message
from hil.kits.igv.session import IgvSession
from hil.kits.igv.view import IgvView
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive

from .igv import suite


def _ended(view: IgvView, label: str, end: str) -> Finding | None:
    """A finding if the order under `label` was not driven to sequenceId and emptied, else None."""
    sent = view.ours(label)
    if sent is None or sent.message is None or view.mark(end) is None:
        return inconclusive("no such order was sent")
    after = view.span(label, end)
    if not after:
        return inconclusive("it said nothing")
    last, wanted = after[-1], sent.message["orderId"]
    if last.order[0] != wanted:
        errors = [one.get("errorType") for one in last.errors]
        return failed(f"it was not taken: errors {errors}")
    sequence = sent.message["nodes"][-1]["sequenceId"]
    if last.nodes or last.at != sequence:
        return failed(f"it is at sequenceId {last.at}, not at {sequence}")
    return None


async def _driven(session: IgvSession, label: str, order: Message, count: int) -> None:
    await session.step(label)
    await session.take(order, label=label)
    await session.legs(count)
    await session.fresh_state()


@suite.case(limit_s=900)
async def unusual(session: IgvSession) -> None:
    """A loop over one node, an order without options, one of a single node, strange members."""
    orders, pixit = session.orders, session.pixit
    loop = [0, *orders.back(1)]
    await _driven(session, "loop", orders.drive(loop), len(loop))
    plain = orders.drive([0, 1])
    for node in plain["nodes"][1:]:
        x, y = node["nodePosition"]["x"], node["nodePosition"]["y"]
        node["nodePosition"] = {"x": x, "y": y, "mapId": pixit.map_id}
    plain["headerId"] = (1 << 32) - 1
    await _driven(session, "plain", plain, 2)
    back = orders.back(1)
    strange = orders.drive(back) | {"headerId": 0, "fleetNote": {"kept": [1, 2]}}
    strange["nodes"][1]["colour"] = "blue"
    await _driven(session, "strange", strange, len(back))
    work = orders.work()
    single = orders.order(orders.name(), nodes=[session.here() | {"actions": [work]}])
    await session.step("single")
    await session.take(single, label="single")
    await session.until(lambda: session.idle and session.status(work["actionId"]), pixit.action_s)
    await session.fresh_state()
    await session.step("end")


@suite.judge("IGV-ORD-03", case="unusual")
def a_loop_is_driven(view: IgvView) -> Finding:
    """A node that stands twice in an order is passed twice."""
    wrong = _ended(view, "loop", "plain")
    if wrong is not None:
        return wrong
    places = {one.at for one in view.span("loop", "plain") if one.order[1] == 0}
    sent = view.ours("loop")
    assert sent is not None
    assert sent.message is not None
    ids = [node["nodeId"] for node in sent.message["nodes"]]
    wanted = {2, 2 * (len(ids) - 1)}  # on the way, and the first node once more at the end
    return check(wanted <= places, "both times", f"lastNodeSequenceId was {sorted(places)}")


@suite.judge("IGV-ORD-04", case="unusual")
def options_may_be_left_out(view: IgvView) -> Finding:
    """Nodes without theta and allowed deviation are driven; so is the last possible headerId."""
    return _ended(view, "plain", "strange") or check(True, "driven", "")


@suite.judge("IGV-ORD-05", case="unusual")
def strange_members_pass(view: IgvView) -> Finding:
    """Members that no version knows do no harm; nor does a headerId that began anew."""
    return _ended(view, "strange", "single") or check(True, "driven", "")


@suite.judge("IGV-ORD-06", case="unusual")
def one_node_is_an_order(view: IgvView) -> Finding:
    """An order of the node it stands on is taken, and its action done."""
    wrong = _ended(view, "single", "end")
    if wrong is not None:
        return wrong
    sent = view.ours("single")
    assert sent is not None
    assert sent.message is not None
    course = view.course(sent.message["nodes"][0]["actions"][0]["actionId"])
    return check(course[-1:] == ["FINISHED"], "done", f"its action went {course}")


@suite.case(limit_s=600)
async def second_order(session: IgvSession) -> None:
    """Another order while one is driven, and while one waits for its horizon."""
    orders = session.orders
    await session.step("first")
    await session.take(orders.drive([0, 1, 2], released=2), label="first")
    await session.begun(lambda: session.state.get("driving"))
    await session.step("driving")
    session.wire.send("order", orders.drive([1, 2]), "during")
    await session.settle()
    await session.fresh_state()
    await session.step("on")
    await session.legs(1, lambda: session.at(2) and not session.state.get("driving"))
    await session.step("waiting")
    session.wire.send("order", orders.drive(orders.back(1)), "at rest")
    await session.settle()
    await session.fresh_state()
    await session.step("end")


def _kept(view: IgvView, start: str, end: str) -> Finding:
    sent, after = view.ours("first"), view.span(start, end)
    if sent is None or sent.message is None or not after or view.mark(end) is None:
        return inconclusive("no second order was sent")
    orders = {one.order[0] for one in after}
    if orders != {sent.message["orderId"]}:
        return failed(f"the state shows the orders {sorted(orders)}")
    if not after[-1].nodes:
        return failed("the first order is gone")
    return check(bool(view.new_errors(start, end)), "refused", "no error was reported")


@suite.judge("IGV-ORD-07", case="second_order")
def no_second_order_while_driving(view: IgvView) -> Finding:
    """The running order stays, the other one is refused with an error."""
    return _kept(view, "driving", "on")


@suite.judge("IGV-ORD-08", case="second_order")
def no_second_order_before_the_horizon(view: IgvView) -> Finding:
    """An order whose horizon is open is still active."""
    return _kept(view, "waiting", "end")


@suite.judge("IGV-ORD-09", case="second_order")
def a_refusal_does_not_stop(view: IgvView) -> Finding:
    """After refusing it drives its own order on."""
    after = view.span("on", "waiting")
    if view.mark("waiting") is None or not view.span("driving", "on"):
        return inconclusive("no second order was sent")
    reached = [one for one in (*after, *view.span("waiting")) if one.at >= 2]
    return check(bool(reached), "it drove on", "it did not reach its last released node")


@suite.case(roles=["track"], limit_s=300)
async def speed_limit(session: IgvSession) -> None:
    """One edge with a low speed limit."""
    slow = session.pixit.slow_m_s
    await session.step("begin")
    await session.take(session.orders.drive([0, 1], speed=slow))
    (ax, ay), (bx, by) = session.pixit.track[:2]
    length_m = ((ax - bx) ** 2 + (ay - by) ** 2) ** 0.5
    await session.until(lambda: session.idle, session.pixit.leg_s + 2 * length_m / slow)
    await session.step("end")


@suite.judge("IGV-SAF-02", case="speed_limit")
def an_edge_limits_speed(view: IgvView) -> Finding:
    """It drives no faster than the edge allows."""
    seen = view.true_span("begin", "end")
    top = max((one.speed_m_s for one in seen), default=0.0)
    if top == 0.0:
        return inconclusive("it did not drive")
    limit = at_most(view.pixit.slow_m_s * 1.05)  # 5 % for the tracker
    return decide("slow enough", "too fast", Measurement("speed", top, "m/s", limit, rule="simple"))
