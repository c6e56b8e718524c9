"""A fleet manager: updates, what it sends again, the zone, cancelling and pausing."""

from __future__ import annotations

import itertools

from hil.kits.fleet.session import FleetSession
from hil.kits.fleet.view import ENDED, FleetView, Message, Sent
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive
from twin.wires.vda5050.records import MalformedError, read_instant_actions

from .fleet import NO_ORDER, suite

# ---------------------------------------------------------------- updates


@suite.judge("FLT-UPD-01", case="declaration")
def update_ids_grow(view: FleetView) -> Finding:
    """An update has a larger orderUpdateId than what was sent before."""
    orders = view.orders()
    for one in orders:
        for other in orders:
            if one.id == other.id and one.content != other.content:
                return failed(f"{one.id} was sent with two contents")
    if not view.pairs():
        return inconclusive("there was no update")
    high: dict[str, int] = {}
    for one in orders:
        name, number = one.id
        if not isinstance(number, int) or number < high.get(str(name), 0):
            return failed(f"{one.id} after update {high.get(str(name))}")
        high[str(name)] = number
    return check(True, "they grow", "")


def _stitched(old: Sent, new: Sent) -> str:
    """What is wrong with where an update begins; empty if nothing is."""
    if not old.base or not new.nodes:
        return f"{new.id}: no released node"
    last, first = old.base[-1], new.nodes[0]
    if (last["nodeId"], last["sequenceId"]) != (first["nodeId"], first["sequenceId"]):
        return (
            f"{new.id} begins at {first['nodeId']} ({first['sequenceId']}), the last released node "
            f"is {last['nodeId']} ({last['sequenceId']})"
        )
    return ""


@suite.judge("FLT-UPD-02", case="declaration")
def updates_begin_at_the_decision_point(view: FleetView) -> Finding:
    """The last released node of what was sent before, and nothing of the base before it."""
    if not view.pairs():
        return inconclusive("there was no update")
    wrong = [text for old, new in view.pairs() if (text := _stitched(old, new))]
    return check(not wrong, f"{len(view.pairs())} updates", "; ".join(wrong))


@suite.judge("FLT-UPD-03", case="declaration")
def the_decision_point_comes_again_unchanged(view: FleetView) -> Finding:
    """The node that both messages share is the same in both, with its actions."""
    if not view.pairs():
        return inconclusive("there was no update")
    seen = 0
    for old, new in view.pairs():
        for node in old.base[-1:]:
            for again in new.nodes:
                if again["sequenceId"] == node["sequenceId"]:
                    seen += 1
                    if again != node:
                        return failed(f"{new.id}: node {node['nodeId']} comes again changed")
    return check(bool(seen), f"{seen} times", "no update shares a node with what was before")


@suite.judge("FLT-UPD-04", case="declaration")
def a_base_is_never_taken_back(view: FleetView) -> Finding:
    """What was released stays so: each update ends its base later or at the same place."""
    if not view.pairs():
        return inconclusive("there was no update")
    for old, new in view.pairs():
        if old.base and (not new.base or new.base[-1]["sequenceId"] < old.base[-1]["sequenceId"]):
            return failed(f"{new.id} ends its base before that of {old.id}")
    return check(True, f"{len(view.pairs())} updates", "")


@suite.judge("FLT-UPD-05", case="declaration")
def the_base_grows_in_time(view: FleetView) -> Finding:
    """A vehicle at its decision point, with a free way beyond, is not left standing."""
    pairs = view.pairs()
    if not pairs:
        return inconclusive("there was no update")
    worst = 0.0
    for old, new in pairs:
        last = old.base[-1]["sequenceId"] if old.base else None
        known = view.when(lambda s, last=last, old=old: s.get("orderId") == old.id[0]
                          and s.get("lastNodeSequenceId") == last, 0, old.t_s)  # fmt: skip
        if known is not None:
            worst = max(worst, new.t_s - known)
    limit = at_most(view.pixit.react_s)
    waited = Measurement("longest wait", worst, "s", limit, 0.1, "simple")
    return decide("the base grows ahead of the vehicle", "left standing on a free way", waited)


# ---------------------------------------------------------------- sent again


@suite.case(roles=["jobs"], limit_s=600)
async def lost_order(session: FleetSession) -> None:
    """The vehicle hears neither the first order nor its first repeat."""
    session.one().wire.lose_orders = 2
    await session.job()
    await session.arrives()
    await session.watch(session.pixit.resend_s)


@suite.judge("FLT-RSN-01", case="lost_order")
def a_lost_order_is_sent_again(view: FleetView) -> Finding:
    """Until the state shows it, each time within the declared time."""
    orders = view.orders()
    if not orders:
        return inconclusive(NO_ORDER)
    known = view.reflected(orders[0])
    tries = [one.t_s for one in orders if one.id == orders[0].id and one.t_s <= (known or 1e12)]
    if len(tries) < 2:
        return failed("the order was lost and not sent again")
    worst = max(two - one for one, two in itertools.pairwise(tries))
    if known is None:
        return failed(f"given up after {len(tries)} tries")
    limit = at_most(view.pixit.resend_s)
    waited = Measurement("between two tries", worst, "s", limit, 0.1, "simple")
    return decide(f"taken at try {len(tries)}", "too late", waited)


@suite.judge("FLT-RSN-02", case="lost_order")
def what_is_sent_again_is_the_same(view: FleetView) -> Finding:
    """Another header, nothing else: else a vehicle that has it sees two contents of one update."""
    orders = view.orders()
    again = [one for one in orders if orders and one.id == orders[0].id]
    if len(again) < 2:
        return inconclusive("nothing was sent again")
    same = all(one.content == again[0].content for one in again)
    return check(same, f"{len(again)} times the same", "sent again with another content")


@suite.judge("FLT-RSN-03", case="lost_order")
def what_is_known_is_not_sent_again(view: FleetView) -> Finding:
    """An order that the state has shown for a while is left alone."""
    orders = view.orders()
    if not orders or view.mark("arrived") is None:
        return inconclusive("no order was driven to its end")
    for one in orders:
        first = next(other for other in orders if other.id == one.id)
        known = view.reflected(first)
        if known is not None and one.t_s > known + 1.0:
            return failed(f"{one.id} again, {one.t_s - known:.1f} s after it was shown")
    return check(True, "left alone", "")


@suite.case(roles=["jobs"], limit_s=600)
async def lost_update(session: FleetSession) -> None:
    """The vehicle drives and does not hear the next update."""
    await session.job()
    await session.until(session.holds, session.pixit.react_s)
    session.one().wire.lose_orders = 1
    session.mark("losing")
    await session.arrives()


@suite.judge("FLT-RSN-04", case="lost_update")
def a_lost_update_does_not_stop_the_job(view: FleetView) -> Finding:
    """It comes again, and the vehicle arrives."""
    if len(view.fresh()) < 2:
        return inconclusive("there was no update to lose")
    return check(view.mark("arrived") is not None, "arrived", "it never arrived")


@suite.judge("FLT-RSN-05", case="lost_update")
def no_update_builds_on_a_lost_one(view: FleetView) -> Finding:
    """No update that the vehicle has to reject because it lacks the one before."""
    if len(view.fresh()) < 2 or view.mark("losing") is None:
        return inconclusive("there was no update to lose")
    for one in view.said:
        for error in one.message.get("errors") or ():
            references = str(error.get("errorReferences"))
            if str(view.fresh()[0].id[0]) in references:
                return failed(f"rejected: {error.get('errorType')}")
    return check(True, "nothing was rejected", "")


# ---------------------------------------------------------------- the zone


@suite.case(roles=["jobs"], limit_s=900)
async def shared(session: FleetSession) -> None:
    """Two vehicles want through the zone at the same time."""
    await session.job(0)
    await session.job(1)
    both = session.pixit.goal(0), session.pixit.goal(1)
    limit_s = 2 * session.pixit.drive_s
    await session.until(lambda: session.at(both[0]) and session.at(both[1], 1), limit_s, "both")


def intruder(view: FleetView, start_s: float = 0.0) -> str:
    """The first release into the zone while the other one has it; empty if there is none."""
    zone = view.pixit.layout.zone
    for number in (0, 1):
        for one in view.orders(number):
            taken = any(node["nodeId"] in zone for node in one.base[1:])
            if one.t_s >= start_s and taken and view.in_zone(one.t_s, 1 - number):
                holder = view.serial(1 - number)
                return f"{one.id} lets {one.serial} into the zone while {holder} has it"
    return ""


@suite.judge("FLT-ZON-01", case="shared")
def one_vehicle_in_the_zone(view: FleetView) -> Finding:
    """No release into the zone while the other one is in it, or may drive into it."""
    if not view.orders(0) or not view.orders(1):
        return inconclusive("there were no orders for both")
    wrong = intruder(view)
    return check(not wrong, "one after the other", wrong)


@suite.judge("FLT-ZON-02", case="shared")
def both_get_their_turn(view: FleetView) -> Finding:
    """Both arrive."""
    if len(view.of("job")) < 2:
        return inconclusive("there were no jobs for both")
    return check(view.mark("both") is not None, "both arrived", "not both arrived")


# ---------------------------------------------------------------- cancelling


@suite.case(roles=["jobs"], limit_s=900)
async def cancel(session: FleetSession) -> None:
    """The job is abandoned while the vehicle drives; then there is a new one."""
    await session.job()
    await session.drives()
    await session.step("abandon")
    await session.abandon()
    await session.watch(30.0)
    await session.step("anew")
    await session.job()
    await session.arrives()


def _cancelled(view: FleetView) -> tuple[float, str, float | None] | None:
    """When the first cancelOrder came, its actionId, and when the vehicle had ended it."""
    acts = view.acted("cancelOrder")
    if not acts or view.mark("abandon") is None:
        return None
    sent_s, name = acts[0]
    return sent_s, name, view.when(lambda s: _status(s, name) in ENDED, 0, sent_s)


def _status(state: Message, name: str) -> str:
    for key in ("actionStates", "instantActionStates"):
        for one in state.get(key) or ():
            if one.get("actionId") == name:
                return str(one.get("actionStatus"))
    return ""


@suite.judge("FLT-CAN-01", case="cancel")
def an_abandoned_job_is_cancelled(view: FleetView) -> Finding:
    """By cancelOrder, soon."""
    abandoned = view.mark("abandon")
    if abandoned is None or view.mark("driving") is None:
        return inconclusive("nothing was abandoned while it drove")
    found = _cancelled(view)
    if found is None:
        return failed("no cancelOrder")
    limit = at_most(view.pixit.react_s)
    waited = Measurement("until cancelOrder", found[0] - abandoned, "s", limit, 0.1, "simple")
    return decide("cancelled", "too late", waited)


@suite.judge("FLT-CAN-02", case="cancel")
def nothing_is_ordered_while_it_cancels(view: FleetView) -> Finding:
    """No order between cancelOrder and its end."""
    found = _cancelled(view)
    if found is None:
        return inconclusive("nothing was cancelled")
    end_s = found[2]
    if end_s is None:
        return inconclusive("the cancellation did not end")
    first = next(i for i, one in enumerate(view.sent) if one.actions)
    after = [one for one in view.sent[first:] if one.topic == "order" and one.t_s < end_s]
    late = [one for one in after if one.serial == view.serial()]
    return check(not late, "none", f"{late[0].id} while it cancels" if late else "")


@suite.judge("FLT-CAN-03", case="cancel")
def a_cancelled_order_is_not_taken_up(view: FleetView) -> Finding:
    """What comes after has a new orderId."""
    found = _cancelled(view)
    if found is None or view.mark("anew") is None:
        return inconclusive("nothing was cancelled, or nothing followed")
    old = {one.get("orderId") for one in view.orders() if one.t_s < found[0]}
    new = [one for one in view.orders() if one.t_s > found[0]]
    if not new:
        return failed("after the cancellation no order came")
    again = [one for one in new if one.get("orderId") in old]
    return check(not again, "a new orderId", f"{again[0].id} is taken up again" if again else "")


@suite.judge("FLT-CAN-04", case="cancel")
def one_cancellation_is_one_action(view: FleetView) -> Finding:
    """All cancelOrder of one abandonment have the same actionId."""
    if _cancelled(view) is None:
        return inconclusive("nothing was cancelled")
    names = {name for _, name in view.acted("cancelOrder")}
    return check(len(names) == 1, "one actionId", f"{len(names)} actionIds")


@suite.judge("FLT-CAN-05", case="cancel")
def the_next_job_goes_on(view: FleetView) -> Finding:
    """After a cancellation the vehicle can be used again."""
    if view.mark("anew") is None:
        return inconclusive("no job followed")
    return check(view.mark("arrived") is not None, "arrived", "it never arrived")


@suite.case(roles=["jobs"], limit_s=600)
async def lost_cancel(session: FleetSession) -> None:
    """The vehicle does not hear the cancellation."""
    await session.job()
    await session.drives()
    session.one().wire.lose_actions = 1
    await session.step("abandon")
    await session.abandon()
    await session.watch(3 * session.pixit.resend_s)
    session.mark("over")


@suite.judge("FLT-CAN-06", case="lost_cancel")
def a_lost_cancellation_is_sent_again(view: FleetView) -> Finding:
    """With its actionId, until the state reflects it."""
    acts = view.acted("cancelOrder")
    if not acts or view.mark("over") is None:
        return inconclusive("nothing was cancelled")
    if len(acts) < 2:
        return failed("it was lost and not sent again")
    names = {name for _, name in acts}
    return check(len(names) == 1, "the same action again", f"{len(names)} actionIds for one")


# ---------------------------------------------------------------- instant actions


@suite.case(roles=["jobs"], limit_s=600)
async def pause(session: FleetSession) -> None:
    """The vehicle is paused twice on its way, and goes on."""
    await session.job()
    for number, x_m in enumerate((15.0, 45.0)):
        await session.drives(x_m)
        await session.step(f"pause-{number}")
        await session.pause(True)
        await session.watch(12.0)
        await session.step(f"go-{number}")
        await session.pause(False)
        await session.watch(session.pixit.react_s)
    await session.arrives()


@suite.judge("FLT-INS-01", case="pause")
def instant_actions_have_their_structure(view: FleetView) -> Finding:
    """All members that the version demands, under their names."""
    found = [one for one in view.sent if one.topic == "instantActions"]
    if not found:
        return inconclusive("no instant action was sent")
    for one in found:
        try:
            _, findings = read_instant_actions(one.text.encode(), view.dialect)
        except MalformedError as error:
            return failed(str(error))
        if findings:
            return failed(findings[0].text)
    return check(True, f"{len(found)} messages", "")


@suite.judge("FLT-INS-02", case="pause")
def pausing_is_start_and_stop_pause(view: FleetView) -> Finding:
    """startPause when paused, stopPause when it goes on, each soon."""
    if view.mark("go-1") is None:
        return inconclusive("it was not paused twice")
    for number in (0, 1):
        for mark, kind in ((f"pause-{number}", "startPause"), (f"go-{number}", "stopPause")):
            at = view.mark(mark) or 0.0
            times = [t for t, _ in view.acted(kind) if at <= t <= at + view.pixit.react_s]
            if not times:
                return failed(f"no {kind} within {view.pixit.react_s:g} s")
    return check(True, "startPause and stopPause", "")


@suite.judge("FLT-INS-03", case="pause")
def action_ids_are_unique(view: FleetView) -> Finding:
    """Two different instant actions never share an actionId."""
    pauses = {name for _, name in view.acted("startPause")}
    goes = {name for _, name in view.acted("stopPause")}
    if view.mark("go-1") is None or not pauses or not goes:
        return inconclusive("it was not paused twice")
    fine = len(pauses) == 2 and len(goes) == 2 and not pauses & goes
    return check(fine, "four actions, four ids", f"four actions, {len(pauses | goes)} ids")


@suite.judge("FLT-INS-04", case="pause")
def a_paused_vehicle_arrives_after_all(view: FleetView) -> Finding:
    """After the pauses the job is done."""
    if view.mark("go-1") is None:
        return inconclusive("it was not paused twice")
    return check(view.mark("arrived") is not None, "arrived", "it never arrived")
