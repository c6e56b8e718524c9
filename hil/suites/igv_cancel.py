"""A vehicle: cancelling an order on the way, within an action, and what comes after."""

from __future__ import annotations

from hil.kits.igv.session import IgvSession
from hil.kits.igv.view import MOVES_M_S, IgvView
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive

from .igv import suite


@suite.case(roles=["track"], limit_s=600)
async def cancel(session: IgvSession) -> None:
    """Cancelled on the way; an update to what is gone; then a new order from where it stands."""
    orders, pixit = session.orders, session.pixit
    work = orders.work()
    order = orders.drive([0, 1, 2, 3], actions={3: [work]})
    await session.step("begin")
    await session.take(order, label="order")
    await session.begun(lambda: session.state.get("driving"))
    await session.watch(2.0)
    await session.step("cancelled")
    name = await session.now("cancelOrder", label="cancel")
    await session.done(name, pixit.stop_s + pixit.settle_s)
    await session.watch(2.0)
    await session.fresh_state()
    await session.step("update")
    update = orders.drive([3, 4], order["orderId"], 1, first=6, actions={0: [work]})
    session.wire.send("order", update, "update")
    await session.settle()
    await session.watch(2.0)
    await session.fresh_state()
    await session.step("new")
    near = 1 if session.at(2) else 0
    await session.take(session.from_here([session.next_on_rail() or near]), label="new")
    await session.legs(2)
    await session.fresh_state()
    await session.step("end")


@suite.judge("IGV-CAN-02", case="cancel")
def a_cancelled_order_is_gone(view: IgvView) -> Finding:
    """cancelOrder is FINISHED; nothing of the order is listed any more, but its name."""
    name, after = view.action_of("cancel"), view.span("cancelled", "update")
    sent = view.ours("order")
    if not name or not after or sent is None or sent.message is None:
        return inconclusive("nothing was cancelled")
    last = after[-1]
    wrong = []
    if last.status(name) != "FINISHED":
        wrong.append(f"cancelOrder is shown as {last.status(name) or 'nothing'}")
    if last.nodes or last.state["edgeStates"]:
        wrong.append(f"still listed: nodes {last.nodes}")
    if last.order[0] != sent.message["orderId"]:
        wrong.append(f"orderId is {last.order[0]!r}")
    return check(not wrong, "gone", "; ".join(wrong))


@suite.judge("IGV-SAF-06", case="cancel")
def a_cancel_stops_in_time(view: IgvView) -> Finding:
    """It stands within the declared time after cancelOrder."""
    start, seen = view.mark("cancelled"), view.true_span("cancelled", "update")
    if start is None or len(seen) < 2 or view.mark("update") is None:
        return inconclusive("nothing was cancelled")
    moves = [one.t_s - start for one in seen if one.speed_m_s > MOVES_M_S]
    if not moves and not any(o.speed_m_s > MOVES_M_S for o in view.true_span("begin", "update")):
        return inconclusive("it did not drive")
    limit = at_most(view.pixit.stop_s)
    last = Measurement("last motion after", max(moves, default=0.0), "s", limit, rule="simple")
    return decide("it stood", "it still moves", last)


@suite.judge("IGV-CAN-03", case="cancel")
def waiting_actions_fail(view: IgvView) -> Finding:
    """An action that waited is FAILED by the cancellation."""
    sent, after = view.ours("order"), view.span("cancelled", "update")
    if sent is None or sent.message is None or not after or not view.action_of("cancel"):
        return inconclusive("nothing was cancelled")
    name = sent.message["nodes"][3]["actions"][0]["actionId"]
    status = after[-1].status(name)
    return check(status == "FAILED", "FAILED", f"shown as {status or 'nothing'}")


@suite.judge("IGV-CAN-04", case="cancel")
def finished_when_it_stands(view: IgvView) -> Finding:
    """cancelOrder is FINISHED only when the vehicle stands."""
    name = view.action_of("cancel")
    done = next(view.while_(name, "FINISHED"), None) if name else None
    if done is None:
        return inconclusive("cancelOrder was never FINISHED")
    moves = [one for one in view.truth if one.t_s > done.t_s + view.pixit.poll_s]
    moves = [one for one in moves if one.t_s < (view.mark("update") or 0.0)]
    moving = done.state["driving"] or any(one.speed_m_s > MOVES_M_S for one in moves)
    return check(not moving, "it stood", "it still drives when cancelOrder is FINISHED")


@suite.judge("IGV-CAN-05", case="cancel")
def no_update_of_the_dead(view: IgvView) -> Finding:
    """An update of a cancelled order is refused and moves nothing."""
    after = view.span("update", "new")
    if view.ours("update") is None or not after or view.mark("new") is None:
        return inconclusive("no update was sent")
    if after[-1].nodes or any(one.state["driving"] for one in after):
        return failed("it took the update")
    return check(bool(view.new_errors("update", "new")), "refused", "no error was reported")


@suite.judge("IGV-CAN-06", case="cancel")
def a_new_order_after_a_cancel(view: IgvView) -> Finding:
    """The FAILED actions of the cancelled order do not block the next one."""
    sent, after = view.ours("new"), view.span("new", "end")
    if sent is None or sent.message is None or not after or view.mark("end") is None:
        return inconclusive("no new order was sent")
    last = after[-1]
    ok = last.order[0] == sent.message["orderId"] and not last.nodes
    errors = [one.get("errorType") for one in last.errors]
    return check(ok, "driven", f"order {last.order}, nodes {last.nodes}, errors {errors}")


@suite.case(limit_s=300)
async def cancel_action(session: IgvSession) -> None:
    """Cancelled while an action runs."""
    orders, pixit = session.orders, session.pixit
    work = orders.work()
    order = orders.order(orders.name(), nodes=[session.here() | {"actions": [work]}])
    await session.step("begin")
    await session.take(order, label="order")
    await session.until(lambda: session.status(work["actionId"]) == "RUNNING", pixit.action_s)
    await session.step("cancelled")
    name = await session.now("cancelOrder", label="cancel")
    await session.done(name, pixit.action_s)
    await session.watch(pixit.action_s)  # an executor that was forgotten would report its end
    await session.fresh_state()
    await session.step("end")


@suite.judge("IGV-CAN-07", case="cancel_action")
def a_running_action_fails(view: IgvView) -> Finding:
    """An action that was broken off is FAILED, never FINISHED; then cancelOrder is FINISHED."""
    sent, before, after = view.ours("order"), view.at("cancelled"), view.span("cancelled", "end")
    name = view.action_of("cancel")
    if sent is None or sent.message is None or before is None or not after or not name:
        return inconclusive("nothing was cancelled")
    action = sent.message["nodes"][0]["actions"][0]["actionId"]
    if before.status(action) != "RUNNING":
        return inconclusive("the action was not running")
    pair = (after[-1].status(action), after[-1].status(name))
    return check(
        pair == ("FAILED", "FINISHED"), "FAILED", f"action {pair[0]}, cancelOrder {pair[1]}"
    )


@suite.case(limit_s=300)
async def cancel_other(session: IgvSession) -> None:
    """cancelOrder for an order that it does not have, while it drives another one."""
    await session.step("begin")
    await session.take(session.orders.drive([0, 1]), label="order")
    await session.begun(lambda: session.state.get("driving"))
    await session.step("cancelled")
    await session.now("cancelOrder", label="cancel", orderId="gatetwin-no-such-order")
    await session.legs(2)
    await session.fresh_state()
    await session.step("end")


@suite.judge("IGV-CAN-08", case="cancel_other")
def another_order_is_not_mine(view: IgvView) -> Finding:
    """cancelOrder with another orderId is FAILED, and the order is driven to its end."""
    name, after = view.action_of("cancel"), view.span("cancelled", "end")
    if not name or not after or view.mark("end") is None:
        return inconclusive("nothing was cancelled")
    last = after[-1]
    ok = last.status(name) == "FAILED" and last.at == 2
    return check(ok, "not mine", f"cancelOrder {last.status(name)}, at sequenceId {last.at}")
