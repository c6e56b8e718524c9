"""A vehicle: what its state says while it stands, drives and waits for more base."""

from __future__ import annotations

from itertools import pairwise

from hil.kits.igv.session import IgvSession
from hil.kits.igv.view import ENDED, MOVES_M_S, IgvView, Seen
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive, passed

from .igv import suite

STATE_S = 30.0
JITTER_S = 0.5
"""A broker and a network lie between (estimate)."""


@suite.case(limit_s=300)
async def idle(session: IgvSession) -> None:
    """Nothing happens for more than a minute; then it is asked."""
    session.mark("begin")
    await session.watch(2 * STATE_S + 5.0, every_s=1.0)
    await session.step("asked")
    await session.now("stateRequest", label="ask")
    if "factsheetRequest" in session.pics.instant_actions:
        await session.step("factsheet")
        await session.now("factsheetRequest")
    await session.step("end")


@suite.judge("IGV-STA-01", case="idle")
def a_state_every_30_s(view: IgvView) -> Finding:
    """Two states are never more than 30 s apart."""
    first, last = view.mark("begin"), view.mark("asked")
    if first is None or last is None:
        return inconclusive("it was not watched")
    times = [first, *(one.t_s for one in view.span("begin", "asked")), last]
    gap = max(b - a for a, b in pairwise(times))
    limit = at_most(STATE_S + JITTER_S)
    return decide(
        "often enough", "too seldom", Measurement("interval", gap, "s", limit, rule="simple")
    )


@suite.judge("IGV-INS-01", case="idle")
def a_state_when_asked(view: IgvView) -> Finding:
    """stateRequest is answered by a state that shows it FINISHED."""
    name = view.action_of("ask")
    if not name:
        return inconclusive("it was not asked")
    course = view.course(name)
    return check(course[-1:] == ["FINISHED"], "FINISHED", f"stateRequest is shown as {course}")


@suite.judge("IGV-INS-02", case="idle")
def a_factsheet_when_asked(view: IgvView) -> Finding:
    """factsheetRequest is answered by the factsheet."""
    first, last = view.mark("factsheet"), view.mark("end")
    if first is None or last is None:
        return inconclusive("it was not asked")
    came = [o for o in view.heard if o.topic == "factsheet" and first <= o.t_s <= last]
    return check(bool(came), "it came", "no factsheet came")


@suite.case(roles=["track"], limit_s=900)
async def horizon(session: IgvSession) -> None:
    """An order of two released nodes and a horizon; at the decision point the rest is released."""
    orders = session.orders
    far = orders.work()
    order = orders.drive([0, 1, 2, 3], released=2, actions={3: [far]})
    await session.step("begin")
    await session.take(order, label="order")
    await session.legs(1, lambda: session.at(2) and not session.state.get("driving"))
    await session.step("waiting")
    await session.watch(5.0)
    await session.fresh_state()
    await session.step("extended")
    # numbers may be left out (6.6.2)
    await session.take(orders.drive([1, 2, 3], order["orderId"], 3, first=2), label="update")
    await session.legs(3)
    await session.watch(1.0)
    await session.fresh_state()
    await session.step("end")


@suite.judge("IGV-SAF-01", case="horizon")
def it_waits_at_the_decision_point(view: IgvView) -> Finding:
    """It never drives past the last released node."""
    seen = view.true_span("begin", "extended")
    if not seen or view.mark("extended") is None:
        return inconclusive("it was not watched")
    limit_m = view.node_m(1) + view.pixit.deviation_m
    farthest = max(view.along_m(one) for one in seen)
    measured = Measurement("farthest", farthest, "m", at_most(limit_m), rule="simple")
    return decide("it stopped", "it drove past the last released node", measured)


@suite.judge("IGV-ORD-01", case="horizon")
def an_order_is_taken(view: IgvView) -> Finding:
    """A right order is echoed and its base is driven."""
    sent = view.ours("order")
    waits = view.span("waiting", "extended")
    if sent is None or sent.message is None or not waits:
        return inconclusive("no order was sent")
    wanted = (sent.message["orderId"], 0)
    if not any(one.order == wanted for one in view.span("begin", "waiting")):
        return failed("the state never echoed the order")
    return check(waits[-1].at == 2, "driven", "the released nodes were not driven")


@suite.judge("IGV-ORD-02", case="horizon")
def the_horizon_stays_listed(view: IgvView) -> Finding:
    """While it waits, exactly the horizon is listed, and not as released."""
    waits = view.span("waiting", "extended")
    if not waits:
        return inconclusive("it did not wait")
    last = waits[-1]
    ok = last.nodes == [4, 6] and last.base == []
    return check(ok, "the horizon is listed", f"nodeStates {last.nodes}, released {last.base}")


@suite.judge("IGV-ACT-01", case="horizon")
def horizon_actions_wait(view: IgvView) -> Finding:
    """An action of the horizon is reported WAITING."""
    sent, waits = view.ours("order"), view.span("waiting", "extended")
    if sent is None or sent.message is None or not waits:
        return inconclusive("it did not wait")
    name = sent.message["nodes"][3]["actions"][0]["actionId"]
    found = {one.status(name) for one in waits}
    return check(found == {"WAITING"}, "WAITING", f"shown as {sorted(found)}")


@suite.judge("IGV-STA-02", case="horizon")
def it_asks_for_more_base(view: IgvView) -> Finding:
    """newBaseRequest is true at the latest when it waits at the decision point."""
    waits = view.span("waiting", "extended")
    if not waits:
        return inconclusive("it did not wait")
    return check(
        bool(waits[-1].state.get("newBaseRequest")), "it asks", "newBaseRequest is not true"
    )


@suite.judge("IGV-UPD-01", case="horizon")
def an_update_continues(view: IgvView) -> Finding:
    """An update at the decision point is taken and driven to its end; its number may jump."""
    sent, after = view.ours("update"), view.span("extended", "end")
    if sent is None or sent.message is None or not after:
        return inconclusive("no update was sent")
    last = after[-1]
    if last.order != (sent.message["orderId"], 3):
        return failed(f"the state shows order {last.order}")
    return check(last.at == 6, "driven to its end", f"it is at sequenceId {last.at}, not at 6")


@suite.judge("IGV-STA-03", case="horizon")
def done_is_empty(view: IgvView) -> Finding:
    """After the last node nothing is listed as to be done; the order keeps its name."""
    after = view.span("extended", "end")
    if not after or view.mark("end") is None:
        return inconclusive("it did not come to its end")
    last = after[-1]
    open_ = [
        one["actionId"]
        for one in last.state["actionStates"]
        if one["actionStatus"] not in ENDED and one["actionId"] not in view.instants
    ]
    wrong = []
    if last.nodes or last.state["edgeStates"]:
        wrong.append(f"still listed: nodes {last.nodes}")
    if open_:
        wrong.append(f"not ended: {open_}")
    if not last.order[0]:
        wrong.append("orderId is empty")
    return check(not wrong, "nothing left", "; ".join(wrong))


@suite.judge("IGV-STA-04", case="horizon")
def nodes_are_passed_in_order(view: IgvView) -> Finding:
    """lastNodeSequenceId takes every node once, in order; a passed node is listed no more."""
    states = view.span("begin", "end")
    own = [one for one in states if one.state["orderId"] == _order_id(view)]
    if not own or view.mark("end") is None:
        return inconclusive("it drove no order")
    if not view.three:  # 2.x does not say when the first node counts as traversed
        own = [one for one in own if 0 not in one.nodes]
    passed_: list[int] = []
    for one in own:
        if not passed_ or passed_[-1] != one.at:
            passed_.append(one.at)
        listed = [sequence for sequence in one.nodes if sequence <= one.at]
        if listed:
            return failed(f"at {one.t_s:.2f} s it is at {one.at} and lists {listed}")
        edges = [e["sequenceId"] for e in one.state["edgeStates"] if e["sequenceId"] < one.at]
        if edges:
            return failed(f"at {one.t_s:.2f} s it is at {one.at} and lists the edges {edges}")
    return check(passed_ == [0, 2, 4, 6], "0, 2, 4, 6", f"lastNodeSequenceId was {passed_}")


def _order_id(view: IgvView) -> str:
    sent = view.ours("order")
    return str(sent.message["orderId"]) if sent is not None and sent.message else ""


@suite.judge("IGV-STA-05", case="horizon")
def it_says_that_it_drives(view: IgvView) -> Finding:
    """`driving` is what it really does, within the time to settle."""
    seen = view.true_span("begin", "end")
    if len(seen) < 2 or not any(one.speed_m_s > MOVES_M_S for one in seen):
        return inconclusive("it did not drive")
    wrong_from: float | None = None
    for one in seen:
        moving = one.speed_m_s > MOVES_M_S
        said = next((s for s in reversed(view.said) if s.t_s <= one.t_s), None)
        if said is None or bool(said.state["driving"]) is moving:
            wrong_from = None
        elif wrong_from is None:
            wrong_from = one.t_s
        elif one.t_s - wrong_from > view.pixit.settle_s:
            does = "drives" if moving else "stands"
            return failed(f"at {one.t_s:.2f} s it {does}, driving is {not moving}".lower())
    return passed("as it drives")


@suite.judge("IGV-STA-06", case="horizon")
def it_knows_where_it_is(view: IgvView) -> Finding:
    """The reported position is the true one."""
    worst, count = 0.0, 0
    for said in view.span("begin", "end"):
        position = said.state.get("mobileRobotPosition")
        near = [one for one in view.truth if abs(one.t_s - said.t_s) <= view.pixit.poll_s]
        still = [one for one in near if one.speed_m_s <= MOVES_M_S]
        if not position or not still:
            continue
        count += 1
        worst = max(worst, _off_m(still[0], position["x"], position["y"]))
    if not count or view.mark("end") is None:
        return inconclusive("it never stood with a position")
    limit = at_most(view.pixit.position_m)
    return decide(
        "where it stands", "elsewhere", Measurement("off", worst, "m", limit, rule="simple")
    )


def _off_m(seen: Seen, x: float, y: float) -> float:
    return float(((seen.x_m - x) ** 2 + (seen.y_m - y) ** 2) ** 0.5)
