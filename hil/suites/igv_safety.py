"""A vehicle: what stops it, and that nothing lets it start by itself. No claim of conformity.

VDA 5050 is no safety protocol: these tests hold that what comes over it never creates motion.
"""

from __future__ import annotations

from hil.kits.igv.session import IgvSession
from hil.kits.igv.view import MOVES_M_S, IgvView, Seen
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive

from .igv import suite

ROLES = ["attendant", "track"]
WATCH_S = 8.0


async def _drive(session: IgvSession) -> None:
    await session.step("begin")
    await session.take(session.orders.drive([0, 1, 2, 3, 4]), label="order")
    await session.begun(lambda: session.state.get("driving"))
    await session.watch(3.0)


@suite.case(roles=ROLES, limit_s=300)
async def emergency_stop(session: IgvSession) -> None:
    """Pressed while it drives; pulled out and acknowledged; nothing else."""
    person = session.require("attendant")
    await _drive(session)
    await session.step("pressed")
    session.trace("stimulus", "stop", pressed=True)
    await person.stop(True)
    await session.watch(session.pixit.stop_s)
    await session.fresh_state()
    await session.step("released")
    session.trace("stimulus", "stop", pressed=False)
    await person.stop(False)
    await person.acknowledge()
    await session.watch(WATCH_S)
    await session.step("end")


@suite.case(roles=ROLES, limit_s=300)
async def protective_field(session: IgvSession) -> None:
    """A body comes into the field while it drives."""
    person = session.require("attendant")
    await _drive(session)
    await session.step("violated")
    session.trace("stimulus", "field", violated=True)
    await person.field(True)
    await session.watch(session.pixit.stop_s)
    await session.fresh_state()
    await session.step("end")


def _moved(seen: list[Seen]) -> list[Seen]:
    return [one for one in seen if one.speed_m_s > MOVES_M_S]


def _stopped(view: IgvView, start: str, end: str) -> Finding:
    when, seen = view.mark(start), view.true_span(start, end)
    if when is None or len(seen) < 2 or view.mark(end) is None:
        return inconclusive("it was not stopped")
    before = _moved(view.true_span("begin", start))
    if not before:
        return inconclusive("it did not drive")
    last_s = max((one.t_s - when for one in _moved(seen)), default=0.0)
    limit = at_most(view.pixit.stop_s - view.pixit.poll_s)
    measured = Measurement("last motion after", last_s, "s", limit, rule="simple")
    return decide("it stood", "it still moves", measured)


@suite.judge("IGV-SAF-07", case="emergency_stop")
def an_emergency_stop_stops(view: IgvView) -> Finding:
    """Pressed, it stands within the declared time."""
    return _stopped(view, "pressed", "released")


@suite.judge("IGV-SAF-08", case="emergency_stop")
def an_emergency_stop_is_told(view: IgvView) -> Finding:
    """The state says which stop is pressed, and that it does not drive."""
    after = view.span("pressed", "released")
    if not after or view.mark("released") is None:
        return inconclusive("it was not stopped")
    last = after[-1]
    stop = last.state["safetyState"]["activeEmergencyStop"]
    ok = stop != "NONE" and not last.state["driving"]
    return check(ok, f"eStop {stop}", f"eStop {stop}, driving {last.state['driving']}".lower())


@suite.judge("IGV-SAF-09", case="emergency_stop")
def no_start_by_release(view: IgvView) -> Finding:
    """Released and acknowledged, it does not go on by itself."""
    seen = view.true_span("released", "end")
    if not seen or view.mark("end") is None or not _moved(view.true_span("begin", "pressed")):
        return inconclusive("it was not stopped on its way")
    moves = [one for one in _moved(seen) if one.t_s > seen[0].t_s]
    return check(not moves, "it stood", "it went on by itself")


@suite.judge("IGV-SAF-10", case="protective_field")
def a_field_stops(view: IgvView) -> Finding:
    """With a body in its field it stands within the declared time."""
    return _stopped(view, "violated", "end")


@suite.judge("IGV-SAF-11", case="protective_field")
def a_field_is_told(view: IgvView) -> Finding:
    """The state says that the field is violated."""
    after = view.span("violated", "end")
    if not after or view.mark("end") is None:
        return inconclusive("nothing came into its field")
    told = after[-1].state["safetyState"]["fieldViolation"]
    return check(told is True, "fieldViolation", "fieldViolation is not true")


@suite.case(roles=ROLES, limit_s=300)
async def manual_mode(session: IgvSession) -> None:
    """The key is turned to MANUAL; an order comes."""
    person = session.require("attendant")
    await session.step("manual")
    session.trace("stimulus", "mode", name="MANUAL")
    await person.mode("MANUAL")
    await session.settle()
    await session.fresh_state()
    await session.step("order")
    session.wire.send("order", session.orders.drive([0, 1]), "order")
    await session.watch(WATCH_S)
    await session.fresh_state()
    await session.step("end")
    await person.mode("AUTOMATIC")
    await session.settle()


@suite.judge("IGV-SAF-12", case="manual_mode")
def manual_takes_no_order(view: IgvView) -> Finding:
    """In MANUAL no order is taken, and none moves it."""
    sent, after = view.ours("order"), view.span("order", "end")
    if sent is None or sent.message is None or not after or view.mark("end") is None:
        return inconclusive("no order was sent")
    if _moved(view.true_span("order", "end")):
        return failed("it drives in MANUAL")
    taken = any(one.order[0] == sent.message["orderId"] and one.nodes for one in after)
    return check(not taken, "not taken", "it took the order")


@suite.judge("IGV-STA-07", case="manual_mode")
def the_mode_is_told(view: IgvView) -> Finding:
    """The state says MANUAL."""
    after = view.span("manual", "order")
    if not after or view.mark("order") is None:
        return inconclusive("the key was not turned")
    mode = after[-1].state.get("operatingMode")
    return check(mode == "MANUAL", "MANUAL", f"operatingMode {mode}")
