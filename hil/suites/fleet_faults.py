"""A fleet manager: silence, modes, errors and charge of its vehicles."""

from __future__ import annotations

from hil.kits.fleet.session import FleetSession
from hil.kits.fleet.view import FleetView, Sent
from hil.verdict import Finding, check, failed, inconclusive

from .fleet import NO_ORDER, suite
from .fleet_orders import intruder

QUIET_S = 15.0
"""How long is watched that nothing is ordered."""


def to_vehicle(found: list[Sent], view: FleetView, number: int = 0) -> list[Sent]:
    """Orders to one vehicle among these messages."""
    return [one for one in found if one.topic == "order" and one.serial == view.serial(number)]


def _none(view: FleetView, start: str, end: str, grace_s: float = 0.0) -> Finding:
    """No order to the first vehicle from `grace_s` after one mark until another."""
    if view.mark(start) is None or view.mark(end) is None or not view.of("job"):
        return inconclusive("the case did not come so far")
    found = to_vehicle(view.after(start, grace_s, end), view)
    return check(not found, "no order", f"{found[0].id} was sent" if found else "")


def arrived(view: FleetView, after: str) -> Finding:
    """The first vehicle arrives after a mark."""
    if view.mark(after) is None or not view.of("job"):
        return inconclusive("the case did not come so far")
    return check(view.mark("arrived") is not None, "arrived", "it never arrived")


def zone_x(session: FleetSession, share: float) -> float:
    """x at a share of the zone's length; of the layout's where there is no zone."""
    layout = session.pixit.layout
    xs = [layout.nodes[name][0] for name in layout.zone] or [x for x, _ in layout.nodes.values()]
    return min(xs) + share * (max(xs) - min(xs))


def middle(session: FleetSession) -> float:
    """Well inside the zone, and far from its end."""
    return zone_x(session, 0.25)


# ---------------------------------------------------------------- silence


@suite.case(roles=["jobs"], limit_s=900)
async def silent(session: FleetSession) -> None:
    """A vehicle loses its radio in the zone; another one wants in; after a minute it is back."""
    await session.job(0)
    await session.drives(middle(session))
    await session.step("silent")
    session.one().radio(False)
    await session.watch(session.pixit.react_s)
    await session.job(1)
    await session.watch(60.0)
    await session.step("back")
    session.one().radio(True)
    await session.arrives()
    await session.arrives(1, "second")


@suite.judge("FLT-SIL-02", case="silent")
def a_silent_vehicle_keeps_thezone_x(view: FleetView) -> Finding:
    """Nobody else is let in while it is there."""
    start, back = view.mark("silent"), view.mark("back")
    if start is None or back is None or len(view.of("job")) < 2:
        return inconclusive("nobody wanted in while a vehicle was silent")
    wrong = intruder(view, start)
    return check(not wrong, "nobody was let in", wrong)


@suite.judge("FLT-SIL-03", case="silent")
def work_goes_on_after_silence(view: FleetView) -> Finding:
    """Both vehicles arrive."""
    if view.mark("back") is None:
        return inconclusive("the vehicle was not silent")
    both = view.mark("arrived") is not None and view.mark("second") is not None
    return check(both, "both arrived", "not both arrived")


@suite.case(roles=["jobs"], limit_s=900)
async def cut(session: FleetSession) -> None:
    """The vehicle at its home has lost its radio when a job comes; then it has it again."""
    session.one().radio(False)
    await session.watch(session.pixit.react_s)
    await session.step("cut")
    await session.job()
    await session.watch(QUIET_S)
    await session.step("back")
    session.one().radio(True)
    await session.arrives()


@suite.judge("FLT-SIL-01", case="cut")
def nothing_is_sent_to_a_broken_connection(view: FleetView) -> Finding:
    """From CONNECTIONBROKEN until ONLINE no order."""
    return _none(view, "cut", "back")


@suite.case(roles=["jobs"], limit_s=900)
async def stale(session: FleetSession) -> None:
    """ONLINE, but no state any more; a job comes when the last one is too old; then states come."""
    session.one().wire.mute = True
    await session.watch(session.pixit.state_age_s + 5.0)
    await session.step("stale")
    await session.job()
    await session.watch(QUIET_S)
    await session.step("back")
    session.one().wire.mute = False
    await session.arrives()


@suite.judge("FLT-SIL-04", case="stale")
def an_old_state_is_no_ground_for_an_order(view: FleetView) -> Finding:
    """ONLINE is no sign of health: without a fresh state nothing is released."""
    return _none(view, "stale", "back")


@suite.judge("FLT-SIL-05", case="stale")
def a_fresh_state_is(view: FleetView) -> Finding:
    """As soon as states come again the job is done."""
    return arrived(view, "back")


@suite.case(roles=["jobs"], limit_s=900)
async def offline(session: FleetSession) -> None:
    """The vehicle left in order, and a job comes; later the vehicle is there again."""
    await session.one().wire.stop()
    await session.watch(session.pixit.react_s)
    await session.step("offline")
    await session.job()
    await session.watch(QUIET_S)
    await session.step("back")
    session.one().wire.writer.header_ids.clear()
    await session.wire.join(session.pixit.vehicles[0])
    await session.arrives()


@suite.judge("FLT-CON-01", case="offline")
def nothing_is_ordered_from_who_is_offline(view: FleetView) -> Finding:
    """OFFLINE: no order."""
    return _none(view, "offline", "back")


@suite.judge("FLT-CON-02", case="offline")
def who_comes_back_is_used(view: FleetView) -> Finding:
    """ONLINE again, its job is done."""
    return arrived(view, "back")


# ---------------------------------------------------------------- modes


@suite.case(roles=["jobs"], limit_s=900)
async def manual(session: FleetSession) -> None:
    """A person has the vehicle when a job comes, and gives it back."""
    session.one().mode("MANUAL")
    await session.watch(session.pixit.react_s)
    await session.step("manual")
    await session.job()
    await session.watch(QUIET_S)
    await session.step("back")
    session.one().mode("AUTOMATIC")
    await session.arrives()


@suite.judge("FLT-MOD-01", case="manual")
def nothing_is_ordered_from_who_is_manual(view: FleetView) -> Finding:
    """operatingMode MANUAL: no order."""
    return _none(view, "manual", "back")


@suite.judge("FLT-MOD-02", case="manual")
def who_is_automatic_again_is_used(view: FleetView) -> Finding:
    """AUTOMATIC again, its job is done."""
    return arrived(view, "back")


@suite.case(roles=["jobs"], limit_s=900)
async def taken_over(session: FleetSession) -> None:
    """A person takes the vehicle while it drives, and gives it back."""
    await session.job()
    await session.drives()
    await session.step("manual")
    session.one().mode("MANUAL")
    await session.watch(QUIET_S)
    await session.step("back")
    session.one().mode("AUTOMATIC")
    await session.arrives()


@suite.judge("FLT-MOD-03", case="taken_over")
def nothing_is_released_to_who_is_taken_over(view: FleetView) -> Finding:
    """From MANUAL on no order and no update."""
    return _none(view, "manual", "back", 1.0)


@suite.judge("FLT-MOD-04", case="taken_over")
def the_job_is_done_after_all(view: FleetView) -> Finding:
    """Given back, it is brought to its goal; its order was cleared, so by a new one."""
    finding = arrived(view, "back")
    back = view.mark("back")
    if back is None or finding.verdict.value != "PASS":
        return finding
    old = {one.get("orderId") for one in view.orders() if one.t_s < back}
    new = {one.get("orderId") for one in view.orders() if one.t_s >= back} - old
    return check(bool(new), "by a new order", "by the order that the vehicle had cleared")


# ---------------------------------------------------------------- errors


@suite.case(roles=["jobs"], limit_s=900)
async def refused(session: FleetSession) -> None:
    """The vehicle refuses every order for a while; then there is another job."""
    session.one().wire.refuse = True
    await session.job()
    await session.watch(6 * session.pixit.resend_s)
    await session.step("over")
    await session.abandon()
    await session.watch(session.pixit.react_s)
    session.one().wire.refuse = False
    await session.step("anew")
    await session.job()
    await session.arrives()


@suite.judge("FLT-ERR-01", case="refused")
def a_refused_order_is_not_sent_for_ever(view: FleetView) -> Finding:
    """After the refusal at most as often as declared."""
    orders, over = view.orders(), view.mark("over")
    if not orders or over is None:
        return inconclusive(NO_ORDER)
    name = orders[0].id[0]
    known = view.when(lambda s: any(str(name) in str(error) for error in s.get("errors") or ()))
    if known is None:
        return inconclusive("the refusal was not reported")
    again = [one for one in orders if one.id[0] == name and known + 0.5 < one.t_s < over]
    fine = len(again) <= view.pixit.refused_most
    return check(fine, f"{len(again)} times more", f"{len(again)} times more")


@suite.judge("FLT-ERR-02", case="refused")
def after_a_refusal_there_is_a_new_order(view: FleetView) -> Finding:
    """The next job has an orderId of its own, and is done."""
    over = view.mark("anew")
    if over is None:
        return inconclusive("there was no next job")
    old = {one.get("orderId") for one in view.orders() if one.t_s < over}
    new = {one.get("orderId") for one in view.orders() if one.t_s >= over}
    if not new or new & old:
        return failed("no new orderId")
    return arrived(view, "anew")


@suite.case(roles=["jobs"], limit_s=900)
async def broken(session: FleetSession) -> None:
    """The drive has failed when a job comes, and is mended."""
    session.one().broken(True)
    await session.watch(session.pixit.react_s)
    await session.step("broken")
    await session.job()
    await session.watch(QUIET_S)
    await session.step("mended")
    session.one().broken(False)
    await session.arrives()


@suite.judge("FLT-ERR-03", case="broken")
def nothing_is_released_to_the_broken(view: FleetView) -> Finding:
    """While a FATAL error stands no order and no update."""
    return _none(view, "broken", "mended")


@suite.case(roles=["jobs"], limit_s=900)
async def breaks_down(session: FleetSession) -> None:
    """The drive fails on the way, and is mended."""
    await session.job()
    await session.drives()
    await session.step("broken")
    session.one().broken(True)
    await session.watch(QUIET_S)
    await session.step("mended")
    session.one().broken(False)
    await session.arrives()


@suite.judge("FLT-ERR-04", case="breaks_down")
def who_is_mended_goes_on(view: FleetView) -> Finding:
    """The error gone, the job is done."""
    return arrived(view, "mended")


@suite.case(roles=["jobs"], limit_s=900)
async def blocked(session: FleetSession) -> None:
    """Something stands on the way for half a minute."""
    await session.job()
    await session.drives()
    await session.step("blocked")
    session.one().blocked(True)
    await session.watch(30.0)
    await session.step("clear")
    session.one().blocked(False)
    await session.arrives()


@suite.judge("FLT-ERR-05", case="blocked")
def a_warning_does_not_end_the_job(view: FleetView) -> Finding:
    """Nothing is cancelled for a WARNING, and the vehicle arrives."""
    if view.mark("clear") is None:
        return inconclusive("nothing stood on the way")
    if view.acted("cancelOrder"):
        return failed("it cancelled the order")
    return arrived(view, "clear")


@suite.case(roles=["jobs"], limit_s=900)
async def low_battery(session: FleetSession) -> None:
    """The battery is nearly empty when a job comes; then it is swapped."""
    session.one().low()
    await session.watch(session.pixit.react_s)
    await session.step("low")
    await session.job()
    await session.watch(QUIET_S)
    await session.step("full")
    session.one().full()
    await session.arrives()


@suite.judge("FLT-BAT-01", case="low_battery")
def no_transport_on_an_empty_battery(view: FleetView) -> Finding:
    """Below the declared charge the job waits; a way to elsewhere, to charge, is allowed."""
    if view.mark("full") is None:
        return inconclusive("the battery was never low")
    goal = view.pixit.goal(0)
    found = [one for one in to_vehicle(view.span("low", "full"), view)
             if one.nodes and one.nodes[-1]["nodeId"] == goal]  # fmt: skip
    return check(not found, "the job waits", "it is sent on its transport")


@suite.judge("FLT-BAT-02", case="low_battery")
def a_full_battery_is_used(view: FleetView) -> Finding:
    """Charged again, the job is done."""
    return arrived(view, "full")
