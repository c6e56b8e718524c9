"""A vehicle: updates of an order, where they may begin and what they may change."""

from __future__ import annotations

from hil.kits.igv.orders import Message
from hil.kits.igv.session import IgvSession
from hil.kits.igv.view import MOVES_M_S, IgvView, Said
from hil.verdict import Finding, check, failed, inconclusive

from .igv import suite


async def _sent(session: IgvSession, label: str, order: Message) -> None:
    """One update in its own step."""
    await session.step(label)
    session.wire.send("order", order, label)
    await session.settle()
    await session.fresh_state()


@suite.case(limit_s=900)
async def updates(session: IgvSession) -> None:
    """At a decision point with a horizon: the same again, a wrong start, a new horizon, an old
    number, no horizon, and on from the end."""
    orders, pixit = session.orders, session.pixit
    work, far = orders.work(), orders.work()
    order = orders.drive([0, 1, 2], update=0, released=2, actions={1: [work], 2: [far]})
    name = order["orderId"]
    await session.step("begin")
    await session.take(order, label="begin")
    await session.legs(1, lambda: session.at(2))
    await session.done(work["actionId"], pixit.action_s)
    await session.fresh_state()
    await _sent(session, "same", order)
    other = orders.drive([0, 1], name, released=2, actions={1: [work]})
    await _sent(session, "other", other)
    await _sent(session, "at the horizon", orders.drive([2, 3], name, 1, first=4))
    near = {0: [work]}
    new = orders.drive([1, 2, 3], name, 5, first=2, released=1, actions=near)
    await _sent(session, "new horizon", new)
    await _sent(session, "old number", orders.drive([1, 2], name, 4, first=2, actions=near))
    await _sent(session, "no horizon", orders.drive([1], name, 6, first=2, actions=near))
    await session.step("onward")
    await session.take(orders.drive([1, 2], name, 7, first=2, actions=near), label="onward")
    await session.legs(2)
    await session.fresh_state()
    await session.step("end")


def _last(view: IgvView, start: str, end: str) -> Said | None:
    """The last state of a step that was sent and answered, when it stood at the decision point."""
    states = view.span(start, end)
    sent = view.ours(start)
    return states[-1] if states and sent is not None and view.mark(end) is not None else None


def _stood(view: IgvView) -> bool:
    """Whether the case came to its decision point."""
    before = view.at("same")
    return before is not None and before.at == 2


def _unchanged(view: IgvView, start: str, end: str) -> str:
    """What the vehicle made of a message that it should not have taken; empty if nothing."""
    before, last = view.at(start), _last(view, start, end)
    assert before is not None
    assert last is not None
    wrong = []
    if last.order != before.order:
        wrong.append(f"the state shows order {last.order}")
    if last.nodes != before.nodes:
        wrong.append(f"nodeStates {last.nodes}, before {before.nodes}")
    if any(one.state["driving"] for one in view.span(start, end)):
        wrong.append("it drives")
    return "; ".join(wrong)


@suite.judge("IGV-UPD-02", case="updates")
def the_same_again_is_nothing(view: IgvView) -> Finding:
    """The identical message once more changes nothing and is no error."""
    if not _stood(view) or _last(view, "same", "other") is None:
        return inconclusive("the same was not sent again")
    wrong = _unchanged(view, "same", "other")
    errors = [one.get("errorType") for one in view.new_errors("same", "other")]
    return check(not wrong and not errors, "ignored", f"{wrong} {errors or ''}".strip())


@suite.judge("IGV-UPD-03", case="updates")
def other_content_is_not_taken(view: IgvView) -> Finding:
    """Other content under the number that it has is not taken; 3.0 warns."""
    if not _stood(view) or _last(view, "other", "at the horizon") is None:
        return inconclusive("no other content was sent")
    wrong = _unchanged(view, "other", "at the horizon")
    if wrong:
        return failed(wrong)
    types = [one.get("errorType") for one in view.new_errors("other", "at the horizon")]
    ok = not view.three or view.word("same_update") in types
    return check(ok, "not taken", f"not taken, but reported as {types}")


@suite.judge("IGV-UPD-04", case="updates")
def it_stitches_at_the_base(view: IgvView) -> Finding:
    """An update that begins at the end of the horizon is refused."""
    if not _stood(view) or _last(view, "at the horizon", "new horizon") is None:
        return inconclusive("no such update was sent")
    wrong = _unchanged(view, "at the horizon", "new horizon")
    errors = view.new_errors("at the horizon", "new horizon")
    return check(not wrong and bool(errors), "refused", wrong or "no error was reported")


@suite.judge("IGV-UPD-05", case="updates")
def a_horizon_is_replaced(view: IgvView) -> Finding:
    """A new horizon takes the place of the old one; its actions' states go with it."""
    last, sent = _last(view, "new horizon", "old number"), view.ours("begin")
    if not _stood(view) or last is None or sent is None or sent.message is None:
        return inconclusive("no new horizon was sent")
    far = sent.message["nodes"][2]["actions"][0]["actionId"]
    wrong = []
    if last.order[1] != 5:
        wrong.append(f"orderUpdateId {last.order[1]}")
    if last.nodes != [4, 6] or last.base:
        wrong.append(f"nodeStates {last.nodes}, released {last.base}")
    if last.status(far):
        wrong.append("an action of the old horizon is still listed")
    return check(not wrong, "replaced", "; ".join(wrong))


@suite.judge("IGV-UPD-06", case="updates")
def done_actions_are_not_repeated(view: IgvView) -> Finding:
    """An action of the resent node that has run stays FINISHED and does not run again."""
    sent, last = view.ours("begin"), view.mark("end")
    if not _stood(view) or sent is None or sent.message is None or last is None:
        return inconclusive("no update was sent")
    name = sent.message["nodes"][1]["actions"][0]["actionId"]
    course = view.course(name)
    if course.count("FINISHED") == 0:
        return inconclusive(f"the action never finished: {course}")
    ran = course.count("RUNNING") > 1 or course[-1] != "FINISHED"
    gone = view.span("new horizon", "onward")
    lost = [one for one in gone if not one.status(name)]
    return check(not ran and not lost, "once", f"it went {course}{', then vanished' * bool(lost)}")


@suite.judge("IGV-UPD-07", case="updates")
def an_old_number_is_refused(view: IgvView) -> Finding:
    """A lower orderUpdateId is refused with an error."""
    if not _stood(view) or _last(view, "old number", "no horizon") is None:
        return inconclusive("no old number was sent")
    before = view.at("old number")
    if before is None or before.order[1] <= 4:
        return inconclusive("it never took a higher number")
    wrong = _unchanged(view, "old number", "no horizon")
    types = [one.get("errorType") for one in view.new_errors("old number", "no horizon")]
    ok = not wrong and view.word("outdated_update") in types
    return check(ok, "refused", wrong or f"reported as {types}")


@suite.judge("IGV-UPD-08", case="updates")
def a_horizon_may_be_dropped(view: IgvView) -> Finding:
    """An update without horizon ends the order at its last released node."""
    last = _last(view, "no horizon", "onward")
    if not _stood(view) or last is None:
        return inconclusive("no such update was sent")
    ok = last.order[1] == 6 and not last.nodes and not last.state["edgeStates"]
    return check(ok, "dropped", f"order {last.order}, nodeStates {last.nodes}")


@suite.judge("IGV-UPD-09", case="updates")
def a_done_order_goes_on(view: IgvView) -> Finding:
    """A completed order is continued from its last node."""
    before, last = view.at("onward"), _last(view, "onward", "end")
    if not _stood(view) or before is None or last is None or before.nodes:
        return inconclusive("no completed order was continued")
    ok = last.order[1] == 7 and last.at == 4 and not last.nodes
    return check(ok, "continued", f"order {last.order} at {last.at}, nodeStates {last.nodes}")


@suite.case(roles=["track"], limit_s=300)
async def rolling(session: IgvSession) -> None:
    """More base comes long before the decision point."""
    orders = session.orders
    order = orders.drive([0, 1, 2], released=2)
    await session.step("begin")
    await session.take(order, label="begin")
    await session.begun(lambda: session.state.get("driving"))
    await session.take(orders.drive([1, 2], order["orderId"], 1, first=2), label="more")
    await session.step("more")
    await session.legs(2)
    await session.step("end")


@suite.judge("IGV-UPD-10", case="rolling")
def it_rolls_through(view: IgvView) -> Finding:
    """Extended in time, it does not stop at the old decision point."""
    seen = view.true_span("more", "end")
    moved = [one for one in seen if one.speed_m_s > MOVES_M_S]
    if not moved or view.ours("more") is None or view.mark("end") is None:
        return inconclusive("it did not drive")
    near, goal = view.node_m(1), view.node_m(2) - view.pixit.deviation_m
    reached = max(view.along_m(one) for one in seen)
    stops = [
        one
        for one in seen
        if one.t_s > moved[0].t_s
        and one.speed_m_s <= MOVES_M_S
        and abs(view.along_m(one) - near) <= 2 * view.pixit.deviation_m
    ]
    if stops:
        return failed(f"it stood at the old decision point at {stops[0].t_s:.2f} s")
    return check(reached >= goal, "through", f"it came {reached:.1f} m far, not {goal:.1f} m")
