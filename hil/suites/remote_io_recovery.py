"""A remote I/O module: a silent master, a lost connection, a power cut."""

from __future__ import annotations

from hil.kits.remote_io import RemoteIoSession, RemoteIoView
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive

from .remote_io import suite


@suite.case(roles=["contacts"], limit_s=180)
async def silence(session: RemoteIoSession) -> None:
    """A relay is closed, the master polls on, then falls silent, then orders again."""
    name = session.pics.relays[1]
    await session.order(name, True)
    await session.step("polled")
    await session.watch(2 * session.pixit.watchdog_s)
    await session.step("silent")
    await session.watch(1.5 * session.pixit.watchdog_s + 1.0, sample=session.feel)
    await session.step("back")
    await session.sample()
    await session.order(name, True)
    await session.watch(3 * session.pixit.relay_s + 0.2)
    await session.feel()


def _closed(view: RemoteIoView, start: str, end: str | None) -> list[tuple[float, set[str]]]:
    seen = view.between(view.of("contacts"), start, end)
    return [(r.t_s, {name for name, closed in r.payload.items() if closed}) for r in seen]


@suite.judge("RIO-REC-01", case="silence")
def silence_leads_to_the_fallback(view: RemoteIoView) -> Finding:
    """The declared relays closed, the others open, in time."""
    seen, began = _closed(view, "silent", "back"), view.mark("silent")
    if began is None or not seen:
        return inconclusive("the contacts were not tested while the master was silent")
    wanted = set(view.pics.fallback)
    if seen[-1][1] != wanted:
        return failed(
            f"at the end of the silence closed: {', '.join(sorted(seen[-1][1])) or 'none'}; "
            f"declared: {', '.join(sorted(wanted)) or 'none'}"
        )
    fell_s = next(t for t, closed in seen if closed == wanted) - began
    limit = at_most(view.pixit.watchdog_s + 0.5)
    measured = Measurement("fallback after", fell_s, "s", limit, view.time_uncertainty_s, "simple")
    return decide("fallback as declared", "fallback too late", measured)


@suite.judge("RIO-REC-02", case="silence")
def a_polling_master_is_not_silent(view: RemoteIoView) -> Finding:
    """Reading is enough to keep the outputs."""
    seen, name = _closed(view, "polled", "silent"), view.pics.relays[1]
    if not seen:
        return inconclusive("the contacts were not tested")
    lost = [t for t, closed in seen if name not in closed and t > seen[0][0] + view.pixit.relay_s]
    return check(not lost, "the relay stays closed", f"{name} fell although the master polled")


@suite.judge("RIO-REC-03", case="silence")
def after_the_fallback_orders_count_again(view: RemoteIoView) -> Finding:
    """The first order after the silence is carried out."""
    seen, name = _closed(view, "back", None), view.pics.relays[1]
    if not seen:
        return inconclusive("the contacts were not tested after the silence")
    return check(name in seen[-1][1], f"{name} closes again", f"{name} stays open after the order")


@suite.case(roles=["power", "contacts"], limit_s=180)
async def power_cut(session: RemoteIoSession) -> None:
    """Relays are closed, the power goes for five seconds and returns."""
    for name in session.pics.relays:
        await session.order(name, True)
    await session.watch(3 * session.pixit.relay_s)
    await session.step("cut")
    await session.power(False)
    session.disconnect()
    await session.watch(5.0, sample=session.feel)
    await session.step("returned")
    await session.power(True)
    if await session.reconnect(2 * session.pixit.start_up_s + 2.0):
        session.mark("served")
        await session.clock.sleep(session.pixit.poll_s)
        await session.sample()


@suite.judge("RIO-REC-04", case="power_cut")
def without_power_relays_are_open(view: RemoteIoView) -> Finding:
    """A closed contact without power would be an order that nobody gives."""
    seen = _closed(view, "cut", "returned")
    if not seen:
        return inconclusive("the contacts were not tested while the power was off")
    left = seen[-1][1]
    return check(not left, "all open", f"without power closed: {', '.join(sorted(left))}")


@suite.judge("RIO-REC-05", case="power_cut")
def it_starts_with_relays_open(view: RemoteIoView) -> Finding:
    """Old orders are forgotten: coils read 0, contacts are open."""
    seen, states = _closed(view, "served", None), view.states_between("served")
    if not seen or not states:
        return inconclusive("the module was not seen after the power returned")
    coils = [name for name in view.pics.relays if states[-1].values.get(name)]
    closed = sorted(seen[-1][1] | set(coils))
    return check(not closed, "coils 0, contacts open", f"starts with {', '.join(closed)} closed")


@suite.judge("RIO-REC-06", case="power_cut")
def it_serves_in_time(view: RemoteIoView) -> Finding:
    """Within the declared start-up time."""
    returned, served = view.mark("returned"), view.mark("served")
    if returned is None:
        return inconclusive("the power was not given back")
    if served is None:
        return failed("never served after the power returned")
    limit = at_most(view.pixit.start_up_s)
    measured = Measurement("start-up", served - returned, "s", limit, view.time_uncertainty_s)
    return decide("served", "served too late", measured)
