"""A vehicle: the radio is lost, it leaves in order, the power is cut."""

from __future__ import annotations

from hil.kits.igv.session import IgvSession
from hil.kits.igv.view import MOVES_M_S, Heard, IgvView
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive

from .igv import BROKEN, suite

QUIET_S = 8.0


def _said(session: IgvSession, word: str) -> bool:
    return session.wire.latest.get("connection", {}).get("connectionState") == word


@suite.case(roles=["link", "track"], limit_s=600)
async def radio(session: IgvSession) -> None:
    """The radio dies while it drives a base with a horizon; it comes back; the rest is released."""
    orders, pixit, link = session.orders, session.pixit, session.require("link")
    order = orders.drive([0, 1, 2, 3, 4, 5], released=5)
    await session.step("begin")
    await session.take(order, label="order")
    await session.begun(lambda: session.state.get("driving"))
    await session.step("silent")
    session.trace("stimulus", "link", up=False)
    await link.link(False)
    limit_s = 1.5 * pixit.keep_alive_s + 5.0
    await session.until(lambda: _said(session, BROKEN), limit_s)
    await session.watch(4 * pixit.leg_s)
    await session.step("broken")
    await session.wire.probe()
    await session.step("back")
    session.trace("stimulus", "link", up=True)
    await link.link(True)
    await session.until(lambda: _said(session, "ONLINE"), 2 * pixit.keep_alive_s + 30.0)
    await session.settle()
    await session.fresh_state()
    await session.step("rest")
    await session.take(orders.drive([4, 5], order["orderId"], 1, first=8), label="update")
    await session.legs(2)
    await session.fresh_state()
    await session.step("end")


def _connections(view: IgvView, start: str, end: str | None = None) -> list[Heard]:
    first = view.mark(start)
    last = view.mark(end) if end else float("inf")
    if first is None or last is None:
        return []
    return [o for o in view.heard if o.topic == "connection" and first <= o.t_s < last]


def _word(one: Heard) -> str:
    return str((one.message or {}).get("connectionState"))


@suite.judge("IGV-CON-06", case="radio")
def a_lost_vehicle_is_told(view: IgvView) -> Finding:
    """Its will says so within one and a half keep alives."""
    start, end = view.mark("silent"), view.mark("broken")
    if start is None or end is None:
        return inconclusive("the radio was not cut")
    told = [one.t_s - start for one in _connections(view, "silent") if _word(one) == BROKEN]
    if not told or told[0] > end - start:
        return failed("nothing was said of the loss")
    limit = at_most(1.5 * view.pixit.keep_alive_s + view.pixit.settle_s)
    return decide("told", "told late", Measurement("after", told[0], "s", limit, rule="simple"))


@suite.judge("IGV-CON-07", case="radio")
def a_will_is_retained(view: IgvView) -> Finding:
    """Who comes later is told of the loss, too; QoS 1."""
    if view.mark("back") is None or not view.of("mqtt.probed"):
        return inconclusive("nobody subscribed late")
    if not any(_word(one) == BROKEN for one in _connections(view, "silent", "broken")):
        return inconclusive("the will was never said")
    found = [one for one in view.retained if one.topic == "connection"]
    ok = bool(found) and _word(found[-1]) == BROKEN and found[-1].qos == 1
    shown = [(_word(one), one.qos) for one in found]
    return check(ok, "retained", f"a late subscriber is told {shown}")


@suite.judge("IGV-CON-08", case="radio")
def it_says_that_it_is_back(view: IgvView) -> Finding:
    """Connected again, it says ONLINE again."""
    if view.mark("rest") is None:
        return inconclusive("the radio was not given back")
    words = [_word(one) for one in _connections(view, "back", "rest")]
    return check("ONLINE" in words, "ONLINE", f"connection after the loss: {words}")


@suite.judge("IGV-SAF-13", case="radio")
def silence_moves_nothing(view: IgvView) -> Finding:
    """Without the radio it drives to its last released node at most."""
    seen = view.true_span("silent", "rest")
    if not seen or view.mark("rest") is None:
        return inconclusive("it was not watched")
    farthest = max(view.along_m(one) for one in seen)
    limit = at_most(view.node_m(4) + view.pixit.deviation_m)
    measured = Measurement("farthest", farthest, "m", limit, rule="simple")
    return decide("it stopped", "it drove past the last released node", measured)


@suite.judge("IGV-REC-02", case="radio")
def silence_does_not_stop_it(view: IgvView) -> Finding:
    """Without the radio it drives on to its last released node (6.2)."""
    seen = view.true_span("silent", "back")
    if not seen or view.mark("back") is None:
        return inconclusive("it was not watched")
    near = view.node_m(4) - view.pixit.deviation_m
    far = max(view.along_m(one) for one in seen)
    return check(far >= near, "it drove on", f"it came {far:.1f} m far, not {near:.1f} m")


@suite.judge("IGV-REC-03", case="radio")
def it_keeps_its_order(view: IgvView) -> Finding:
    """After the silence it has its order still, and takes an update of it."""
    sent, after = view.ours("update"), view.span("rest", "end")
    if sent is None or sent.message is None or not after or view.mark("end") is None:
        return inconclusive("no update was sent")
    last = after[-1]
    ok = last.order == (sent.message["orderId"], 1) and last.at == 10
    return check(ok, "it went on", f"order {last.order} at sequenceId {last.at}")


@suite.case(roles=["attendant"], limit_s=300)
async def leaving(session: IgvSession) -> None:
    """Its control is shut down in order and started again."""
    person, pixit = session.require("attendant"), session.pixit
    await session.step("leaving")
    session.trace("stimulus", "leave", away=True)
    await person.leave(True)
    await session.until(lambda: _said(session, "OFFLINE"), pixit.settle_s + 5.0)
    await session.watch(2.0)
    await session.wire.probe()
    await session.step("returning")
    session.trace("stimulus", "leave", away=False)
    await person.leave(False)
    await session.until(lambda: _said(session, "ONLINE"), pixit.start_up_s + 5.0)
    await session.settle()
    await session.step("end")


@suite.judge("IGV-CON-09", case="leaving")
def it_says_goodbye(view: IgvView) -> Finding:
    """It says OFFLINE, retained, and its will stays unsaid."""
    if view.mark("returning") is None or not view.of("mqtt.probed"):
        return inconclusive("it was not shut down")
    words = [_word(one) for one in _connections(view, "leaving", "returning")]
    kept = [_word(one) for one in view.retained if one.topic == "connection"]
    ok = words == ["OFFLINE"] and kept == ["OFFLINE"]
    return check(ok, "OFFLINE", f"connection said {words}, retained is {kept}")


@suite.judge("IGV-CON-10", case="leaving")
def a_state_at_once(view: IgvView) -> Finding:
    """A state follows its ONLINE without being asked for."""
    online = [one for one in _connections(view, "returning") if _word(one) == "ONLINE"]
    if not online or view.mark("end") is None:
        return inconclusive("it did not come back")
    states = [one.t_s - online[0].t_s for one in view.said if one.t_s >= online[0].t_s]
    if not states:
        return failed("no state came")
    limit = at_most(view.pixit.settle_s)
    return decide("at once", "late", Measurement("after", states[0], "s", limit, rule="simple"))


@suite.case(roles=["power", "track"], limit_s=600)
async def power_cut(session: IgvSession) -> None:
    """Its power is cut while it drives, and comes back; then a cancellation and a new order."""
    pixit = session.pixit
    await session.step("begin")
    await session.take(session.orders.drive([0, 1, 2, 3]), label="order")
    await session.begun(lambda: session.state.get("driving"))
    await session.watch(2.0)
    await session.step("cut")
    await session.power(False)
    await session.watch(pixit.stop_s)
    await session.step("power")
    await session.power(True)
    begun, heard = session.clock.now_s(), session.wire.heard
    limit_s = pixit.start_up_s

    def ready() -> bool:
        fresh = session.wire.heard > heard and _said(session, "ONLINE")
        return fresh and session.state.get("operatingMode") in ("AUTOMATIC", "SEMIAUTOMATIC")

    if await session.until(ready, 2 * limit_s + 10.0):
        session.mark("ready")
    session.trace("instrument", "boot", took_s=session.clock.now_s() - begun)
    await session.watch(QUIET_S)
    await session.step("cancel")
    await session.now("cancelOrder", label="cancel")
    await session.fresh_state()
    await session.step("new")
    if session.state.get("paused"):
        await session.now("stopPause")
    await session.take(session.from_here([1]), label="new")
    await session.legs(2)
    await session.fresh_state()
    await session.step("end")


@suite.judge("IGV-REC-04", case="power_cut")
def it_starts_in_time(view: IgvView) -> Finding:
    """After the power came it is ONLINE and ready within the declared time."""
    start, there = view.mark("power"), view.mark("ready")
    if start is None or view.mark("cancel") is None:
        return inconclusive("the power was not cut")
    if there is None:
        return failed("it never was ready again")
    limit = at_most(view.pixit.start_up_s)
    took = Measurement("start-up", there - start, "s", limit, rule="simple")
    return decide("in time", "too slow", took)


@suite.judge("IGV-SAF-14", case="power_cut")
def power_moves_nothing(view: IgvView) -> Finding:
    """When the power comes back it does not go on by itself."""
    seen = view.true_span("power", "cancel")
    if not seen or view.mark("cancel") is None:
        return inconclusive("it was not watched")
    moves = [one for one in seen if one.speed_m_s > MOVES_M_S]
    return check(not moves, "it stood", "it went on by itself")


@suite.judge("IGV-REC-05", case="power_cut")
def a_cancel_after_the_start(view: IgvView) -> Finding:
    """A cancelOrder after the start is reflected and comes to its end."""
    name = view.action_of("cancel")
    if not name or view.mark("new") is None:
        return inconclusive("nothing was cancelled")
    course = view.course(name)
    ok = course[-1:] in (["FINISHED"], ["FAILED"])
    return check(ok, str(course[-1:]), f"cancelOrder is shown as {course or 'nothing'}")


@suite.judge("IGV-REC-06", case="power_cut")
def it_works_after_the_start(view: IgvView) -> Finding:
    """After the start it takes and drives a new order."""
    sent, after = view.ours("new"), view.span("new", "end")
    if sent is None or sent.message is None or not after or view.mark("end") is None:
        return inconclusive("no new order was sent")
    last = after[-1]
    ok = last.order[0] == sent.message["orderId"] and not last.nodes
    errors = [one.get("errorType") for one in last.errors]
    return check(ok, "driven", f"order {last.order}, nodes {last.nodes}, errors {errors}")
