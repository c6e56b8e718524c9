"""A vehicle: instant actions, and what a pause does."""

from __future__ import annotations

import json

from hil.kits.igv.session import IgvSession
from hil.kits.igv.view import ENDED, MOVES_M_S, IgvView
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive

from .igv import suite


@suite.case(limit_s=300)
async def instants(session: IgvSession) -> None:
    """Two at once, an unknown one, one that is cut off, the same again, nothing to cancel."""
    orders = session.orders
    await session.clean()
    await session.step("two")
    both = [orders.action("stateRequest", "NONE", id=orders.name("two")) for _ in range(2)]
    session.wire.send("instantActions", orders.instant(*both), "two")
    await session.settle()
    await session.step("unknown")
    await session.now("gatetwinNoSuchAction", label="unknown")
    await session.fresh_state()
    await session.step("cut off")
    payload = json.dumps(orders.now("stateRequest", id=orders.name("cut"))).encode()[:-5]
    session.wire.send("instantActions", payload, "cut off")
    await session.settle()
    await session.fresh_state()
    await session.step("nothing")
    await session.now("cancelOrder", label="nothing")
    await session.fresh_state()
    await session.step("end")


@suite.judge("IGV-INS-03", case="instants")
def each_is_shown(view: IgvView) -> Finding:
    """Every instant action of a message is reflected in the state."""
    sent = view.ours("two")
    if sent is None or sent.message is None or view.mark("unknown") is None:
        return inconclusive("nothing was sent")
    courses = {one["actionId"]: view.course(one["actionId"]) for one in sent.message["actions"]}
    missing = [name for name, course in courses.items() if course[-1:] != ["FINISHED"]]
    return check(not missing, "both are shown", f"not shown as FINISHED: {missing}")


@suite.judge("IGV-INS-04", case="instants")
def an_unknown_one_fails(view: IgvView) -> Finding:
    """An unknown instant action is reported FAILED."""
    name = view.action_of("unknown")
    if not name or view.mark("cut off") is None:
        return inconclusive("nothing was sent")
    course = view.course(name)
    return check(course[-1:] == ["FAILED"], "FAILED", f"shown as {course or 'nothing'}")


@suite.judge("IGV-INS-05", case="instants")
def a_broken_one_is_an_error(view: IgvView) -> Finding:
    """Instant actions that cannot be read are answered with an error."""
    if view.ours("cut off") is None or view.mark("nothing") is None:
        return inconclusive("nothing was sent")
    found = [one.get("errorType") for one in view.new_errors("cut off", "nothing")]
    return check(bool(found), str(found), "no error was reported")


@suite.judge("IGV-CAN-01", case="instants")
def nothing_to_cancel(view: IgvView) -> Finding:
    """cancelOrder without an order is FAILED, with the error that says so."""
    name = view.action_of("nothing")
    if not name or view.mark("end") is None:
        return inconclusive("nothing was sent")
    course = view.course(name)
    if course[-1:] != ["FAILED"]:
        return failed(f"shown as {course or 'nothing'}")
    types = [one.get("errorType") for one in view.new_errors("nothing", "end")]
    wanted = view.word("no_order_to_cancel")
    return check(wanted in types, "FAILED", f"reported as {types}, not {wanted}")


@suite.case(limit_s=300)
async def report_and_drive(session: IgvSession) -> None:
    """An instant action that takes some time, and an order at once."""
    await session.step("begin")
    report = session.orders.now("logReport", id=session.orders.name("report"), reason="test")
    session.wire.send("instantActions", report, "report")
    await session.take(session.orders.drive([0, 1]), label="order")
    await session.legs(2)
    await session.fresh_state()
    await session.step("end")


@suite.judge("IGV-INS-06", case="report_and_drive")
def an_instant_action_is_no_order(view: IgvView) -> Finding:
    """While an instant action runs, an order is taken."""
    sent, after = view.ours("order"), view.span("begin", "end")
    if sent is None or sent.message is None or not after or view.mark("end") is None:
        return inconclusive("no order was sent")
    taken = any(one.order[0] == sent.message["orderId"] for one in after)
    errors = [one.get("errorType") for one in view.new_errors("begin", "end")]
    return check(taken, "taken", f"not taken: {errors}")


@suite.case(roles=["track"], limit_s=600)
async def pause(session: IgvSession) -> None:
    """Paused on the way and let go; then an order to a paused vehicle."""
    pixit = session.pixit
    await session.step("begin")
    await session.take(session.orders.drive([0, 1, 2]), label="order")
    await session.begun(lambda: session.state.get("driving"))
    await session.watch(1.0)
    await session.step("paused")
    await session.now("startPause", label="pause")
    await session.until(
        lambda: session.state.get("paused") and not session.state.get("driving"), pixit.stop_s
    )
    await session.watch(3.0)
    await session.fresh_state()
    await session.step("resumed")
    await session.now("stopPause", label="resume")
    await session.legs(3)
    await session.fresh_state()
    await session.step("done")
    await session.now("startPause")
    await session.step("asleep")
    await session.take(session.orders.drive([2, 3]), label="asleep")
    await session.watch(5.0)
    await session.fresh_state()
    await session.step("awake")
    await session.now("stopPause")
    await session.legs(2)
    await session.step("end")


@suite.judge("IGV-INS-07", case="pause")
def a_pause_stops(view: IgvView) -> Finding:
    """startPause brings it to a stop, says `paused`, and is FINISHED then."""
    name, after = view.action_of("pause"), view.span("paused", "resumed")
    if not name or not after or view.mark("resumed") is None:
        return inconclusive("it was not paused")
    last = after[-1]
    if not last.state.get("paused") or last.state["driving"]:
        return failed(f"paused {last.state.get('paused')}, driving {last.state['driving']}".lower())
    if not last.nodes:
        return inconclusive("it had come to its end already")
    return check(last.status(name) == "FINISHED", "it stands", f"shown as {last.status(name)}")


@suite.judge("IGV-SAF-04", case="pause")
def a_pause_stops_in_time(view: IgvView) -> Finding:
    """It stands within the declared time, and until it is let go."""
    start = view.mark("paused")
    seen = view.true_span("paused", "resumed")
    if start is None or len(seen) < 2 or view.mark("resumed") is None:
        return inconclusive("it was not paused")
    moves = [one.t_s - start for one in seen if one.speed_m_s > MOVES_M_S]
    limit = at_most(view.pixit.stop_s)
    last = Measurement("last motion after", max(moves, default=0.0), "s", limit, rule="simple")
    return decide("it stood", "it still moves", last)


@suite.judge("IGV-INS-08", case="pause")
def it_goes_on(view: IgvView) -> Finding:
    """stopPause ends the pause; it drives its order to the end."""
    name, after = view.action_of("resume"), view.span("resumed", "done")
    if not name or not after or view.mark("done") is None:
        return inconclusive("it was not let go")
    last = after[-1]
    ok = last.status(name) == "FINISHED" and not last.state.get("paused") and last.at == 4
    bad = f"stopPause {last.status(name)}, paused {last.state.get('paused')}, at {last.at}"
    return check(ok, "it went on", bad)


@suite.judge("IGV-SAF-05", case="pause")
def an_order_wakes_nobody(view: IgvView) -> Finding:
    """An order does not move a paused vehicle."""
    seen = view.true_span("asleep", "awake")
    if not seen or view.ours("asleep") is None or view.mark("awake") is None:
        return inconclusive("no order was sent")
    if not (view.at("asleep") or seen) or not _paused_at(view, "asleep"):
        return inconclusive("it was not paused")
    moves = [one for one in seen if one.speed_m_s > MOVES_M_S]
    return check(not moves, "it stood", "it drives although it is paused")


def _paused_at(view: IgvView, mark: str) -> bool:
    one = view.at(mark)
    return one is not None and bool(one.state.get("paused"))


@suite.case(limit_s=300)
async def pause_action(session: IgvSession) -> None:
    """Paused while an action runs, and let go."""
    work = session.orders.work()
    name = work["actionId"]
    order = session.orders.order(
        session.orders.name(), nodes=[session.here() | {"actions": [work]}]
    )
    await session.step("begin")
    await session.take(order, label="order")
    await session.until(lambda: session.status(name) == "RUNNING", session.pixit.action_s)
    await session.step("paused")
    await session.now("startPause")
    await session.watch(2.0)
    await session.fresh_state()
    await session.step("resumed")
    await session.now("stopPause")
    await session.done(name, 2 * session.pixit.action_s)
    await session.step("end")


@suite.judge("IGV-ACT-11", case="pause_action")
def an_action_is_paused(view: IgvView) -> Finding:
    """A pausable action is PAUSED with the vehicle and goes on afterwards."""
    sent, before = view.ours("order"), view.at("paused")
    after = view.span("paused", "resumed")
    if sent is None or sent.message is None or before is None or not after:
        return inconclusive("it was not paused")
    name = sent.message["nodes"][0]["actions"][0]["actionId"]
    if before.status(name) != "RUNNING":
        return inconclusive("the action was not running")
    course = view.course(name)
    ok = after[-1].status(name) == "PAUSED" and course[-1] in ENDED
    return check(ok, "PAUSED and on", f"it went {course}")


@suite.case(limit_s=300)
async def position(session: IgvSession) -> None:
    """It is told where it is: where it stands already."""
    place = session.state["mobileRobotPosition"]
    kind = "initializePosition" if session.pics.version == "3.0" else "initPosition"
    values = {key: place[key] for key in ("x", "y", "theta", "mapId")}
    await session.step("begin")
    message = session.orders.now(kind, id=session.orders.name("place"), **values)
    session.wire.send("instantActions", message, "place")
    await session.done(message["actions"][0]["actionId"], session.pixit.action_s)
    await session.step("end")


@suite.judge("IGV-INS-09", case="position")
def it_takes_a_position(view: IgvView) -> Finding:
    """The position is taken, and stays where it was."""
    name, after = view.action_of("place"), view.span("begin", "end")
    if not name or not after or view.mark("end") is None:
        return inconclusive("nothing was sent")
    course = view.course(name)
    if course[-1:] != ["FINISHED"]:
        return failed(f"shown as {course or 'nothing'}")
    now = after[-1].state.get("mobileRobotPosition") or {}
    return check(bool(now.get("localized")), "taken", "it is not localized afterwards")
