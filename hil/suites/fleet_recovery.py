"""A fleet manager: restarts of either side, and messages that cannot be trusted."""

from __future__ import annotations

from hil.kits.fleet.session import FleetSession
from hil.kits.fleet.view import FleetView
from hil.verdict import Finding, check, failed, inconclusive

from .fleet import starts_here, suite
from .fleet_faults import QUIET_S, arrived, middle, to_vehicle, zone_x
from .fleet_orders import intruder

# ---------------------------------------------------------------- recovery


@suite.case(roles=["jobs"], limit_s=900)
async def vehicle_restarts(session: FleetSession) -> None:
    """The vehicle loses its power on the way, between two nodes, and with it its order."""
    await session.job()
    await session.drives(zone_x(session, 0.08))
    await session.step("off")
    session.one().power(False)
    await session.watch(10.0)
    await session.step("on")
    session.one().power(True)
    await session.arrives()


@suite.judge("FLT-REC-01", case="vehicle_restarts")
def a_forgotten_order_is_made_anew(view: FleetView) -> Finding:
    """What the vehicle has lost is not updated: a new orderId from update 0."""
    on = view.mark("on")
    if on is None:
        return inconclusive("the power was not cut")
    old = {one.get("orderId") for one in view.orders() if one.t_s < on}
    new = [one for one in view.orders() if one.t_s >= on]
    if not new:
        return failed("no order came after the restart")
    wrong = [one for one in new if one.get("orderId") in old]
    return check(not wrong, "a new one", f"{wrong[0].id} was lost with the power" if wrong else "")


@suite.judge("FLT-REC-02", case="vehicle_restarts")
def it_begins_where_the_vehicle_stands(view: FleetView) -> Finding:
    """Not where the old order would have been."""
    on = view.mark("on")
    new = [one for one in view.orders() if on is not None and one.t_s >= on]
    if not new:
        return inconclusive("no order came after the restart")
    wrong = starts_here(view, new[0])
    return check(not wrong, "where it stands", wrong)


@suite.judge("FLT-REC-03", case="vehicle_restarts")
def a_restarted_vehicle_arrives(view: FleetView) -> Finding:
    """Its headerIds begin anew, and it is believed."""
    return arrived(view, "on")


@suite.case(roles=["jobs", "power"], limit_s=900)
async def master_restarts(session: FleetSession) -> None:
    """The fleet manager loses its power while a vehicle is in the zone; another one wants in."""
    await session.job(0)
    await session.drives(middle(session))
    await session.step("off")
    await session.power(False)
    await session.watch(10.0)
    await session.step("on")
    await session.power(True)
    await session.watch(session.pixit.start_up_s)
    await session.job(1)
    await session.watch(QUIET_S)
    await session.step("again")
    await session.job(0)
    await session.arrives()


@suite.judge("FLT-REC-04", case="master_restarts")
def the_zone_is_known_after_a_restart(view: FleetView) -> Finding:
    """By the states, not by memory: nobody is let into a zone in which a vehicle stands."""
    on, again = view.mark("on"), view.mark("again")
    if on is None or again is None or len(view.of("job")) < 2:
        return inconclusive("it was not restarted, or nobody wanted in")
    wrong = intruder(view, on)
    return check(not wrong, "nobody was let in", wrong)


@suite.judge("FLT-REC-05", case="master_restarts")
def an_unknown_order_is_cancelled_first(view: FleetView) -> Finding:
    """A vehicle that holds an order is given no other one: cancel it, or continue it."""
    on = view.mark("on")
    if on is None or view.mark("again") is None:
        return inconclusive("it was not restarted")
    new = [one for one in view.orders() if one.t_s >= on]
    if not new:
        return failed("no order came after the restart")
    for one in new:
        state = view.state_at(one.t_s)
        if state.get("nodeStates") and state.get("orderId") != one.get("orderId"):
            return failed(f"{one.id} while the vehicle holds {state.get('orderId')}")
    return check(True, "only who is free is given an order", "")


@suite.judge("FLT-REC-06", case="master_restarts")
def work_goes_on_after_a_restart(view: FleetView) -> Finding:
    """The vehicle that stood there arrives."""
    return arrived(view, "again")


# ---------------------------------------------------------------- what cannot be trusted


@suite.case(roles=["jobs"], limit_s=900)
async def late_state(session: FleetSession) -> None:
    """A state from before the order comes late, in the midst of the drive."""
    old = session.one().wire.last_state
    await session.watch(1.0)
    await session.job()
    await session.drives(middle(session))
    await session.step("late")
    session.old_state(old)
    await session.arrives()


@suite.judge("FLT-ROB-01", case="late_state")
def a_late_state_is_left_alone(view: FleetView) -> Finding:
    """It changes nothing: no new order, no cancellation, and the vehicle arrives."""
    late = view.mark("late")
    if late is None:
        return inconclusive("no state came late")
    known = {one.get("orderId") for one in view.orders() if one.t_s < late}
    new = [one for one in to_vehicle(view.span("late"), view) if one.get("orderId") not in known]
    if new:
        return failed(f"{new[0].id} follows from a state that is over")
    if view.acted("cancelOrder"):
        return failed("it cancelled the order for a state that is over")
    return arrived(view, "late")


@suite.case(roles=["jobs"], limit_s=900)
async def torn_state(session: FleetSession) -> None:
    """States that cannot be read come in the midst of the drive."""
    await session.job()
    await session.drives()
    await session.step("torn")
    session.torn_states()
    await session.arrives()


@suite.judge("FLT-ROB-02", case="torn_state")
def a_torn_state_does_no_harm(view: FleetView) -> Finding:
    """The vehicle arrives."""
    return arrived(view, "torn")
