"""A reefer rack: time too warm, alarms, and what outlives a power cut of the controller."""

from __future__ import annotations

from hil.kits.reefer.session import ReeferSession, ReeferView
from hil.kits.reefer.wire import NO_READING
from hil.measurement import Measurement, at_least, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive, passed

from .reefer import CHILLED_C, FROZEN_C, step_of, suite

SHARE = 0.02
"""How wrong a time too warm may be; a minute at least, for it is shown in minutes."""
SLOW = 60
"""Looks at a time too warm that leads to an alarm."""
COLD_S = 300.0
CUT_S = 60.0
CUT_WARM_S = 240.0


def _every_s(session: ReeferSession) -> float:
    return max(session.pixit.poll_s, session.pixit.alarm_s / SLOW)


def _room_s(view: ReeferView) -> float:
    """Uncertainty of when an alarm came: a look, and what its count may be wrong."""
    return view.pixit.alarm_s / SLOW + max(60.0, SHARE * view.pixit.alarm_s)


@suite.case(start="any", roles=["units"], limit_s=16_000)
async def excursion(session: ReeferSession) -> None:
    """One unit is too warm until its alarm comes, its neighbour stays just below the limit."""
    over_k = session.pixit.deviation_k
    await session.warm(2, CHILLED_C, over_k - 0.5)
    await session.step("warm")
    await session.warm(1, FROZEN_C, over_k + 3.0)
    await session.watch(1.2 * session.pixit.alarm_s, every_s=_every_s(session))
    await session.step("lifted")
    await session.hands("lift", 1)
    await session.watch(2 * session.pixit.show_s)
    await session.step("next")
    await session.hands("put", 1, FROZEN_C)
    await session.hands("plug", 1, True)
    await session.watch(2 * session.pixit.show_s)
    await session.step("end")


def _alarm_s(view: ReeferView, start: str) -> float | None:
    """From a mark to the first alarm of socket 1."""
    began = view.mark(start)
    if began is None:
        return None
    return next((s.t_s - began for s in view.states_between(start) if s.values["alarm_1"]), None)


@suite.judge("RFR-ALM-01", case="excursion")
def the_alarm_comes_in_time(view: ReeferView) -> Finding:
    """Not later than after the declared time too warm."""
    if not step_of(view, "warm") or view.mark("lifted") is None:
        return inconclusive("no unit was too warm for long enough")
    after_s = _alarm_s(view, "warm")
    if after_s is None:
        return failed(f"no alarm after {1.2 * view.pixit.alarm_s:g} s")
    limit = at_most(view.pixit.alarm_s + _room_s(view))
    measured = Measurement("alarm after", after_s, "s", limit, 0.0, "simple")
    return decide("in time", "too late", measured)


@suite.judge("RFR-ALM-02", case="excursion")
def the_alarm_does_not_come_early(view: ReeferView) -> Finding:
    """Not before the declared time too warm."""
    after_s = _alarm_s(view, "warm")
    if after_s is None:
        return inconclusive("no alarm came")
    limit = at_least(view.pixit.alarm_s - _room_s(view))
    measured = Measurement("alarm after", after_s, "s", limit, 0.0, "simple")
    return decide("not early", "too early", measured)


@suite.judge("RFR-ALM-03", case="excursion")
def below_the_limit_no_alarm_comes(view: ReeferView) -> Finding:
    """Half a degree below it, for longer than the alarm's time."""
    states = step_of(view, "warm")
    if not states or view.mark("lifted") is None:
        return inconclusive("no unit was held just below the limit")
    if any(state.values["alarm_2"] for state in states):
        return failed("an alarm for a unit that is not too warm")
    counted = states[-1].values["excursion_min_2"]
    return check(counted <= 1, "no alarm, no minutes", f"{counted} minutes too warm were counted")


@suite.judge("RFR-ALM-04", case="excursion")
def minutes_are_counted(view: ReeferView) -> Finding:
    """The time too warm is what has passed."""
    states, began = step_of(view, "warm"), view.mark("warm")
    if not states or began is None or states[-1].t_s - began < view.pixit.alarm_s / 2:
        return inconclusive("no unit was too warm for long enough")
    worst = max(abs(s.values["excursion_min_1"] * 60 - (s.t_s - began)) for s in states)
    limit = at_most(max(90.0, SHARE * view.pixit.alarm_s))
    measured = Measurement("worst error", worst, "s", limit, 0.0, "simple")
    return decide("counted", "the time too warm is wrong", measured)


@suite.judge("RFR-ALM-05", case="excursion")
def the_margin_is_what_is_left(view: ReeferView) -> Finding:
    """Minutes until the alarm, as long as nothing changes."""
    states, after_s = step_of(view, "warm"), _alarm_s(view, "warm")
    began = view.mark("warm")
    early = [s for s in states if began is not None and s.t_s - began > view.pixit.show_s]
    if after_s is None or began is None or not early:
        return inconclusive("no alarm came")
    before = [s for s in early if s.t_s - began < after_s]
    if not before:
        return inconclusive("nobody looked before the alarm")
    worst = max(abs(s.values["margin_min_1"] * 60 - (after_s - (s.t_s - began))) for s in before)
    limit = at_most(60.0 + _room_s(view))
    measured = Measurement("worst error", worst, "s", limit, 0.0, "simple")
    return decide("foretold", "the time until the alarm is wrong", measured)


@suite.judge("RFR-ALM-06", case="excursion")
def an_alarm_goes_with_its_box(view: ReeferView) -> Finding:
    """Neither the empty socket nor the next box has it."""
    if _alarm_s(view, "warm") is None:
        return inconclusive("no alarm came")
    for name, what in (("lifted", "the empty socket"), ("next", "the next box")):
        began = view.mark(name)
        late = [s for s in step_of(view, name)
                if began is not None and s.t_s - began > view.pixit.show_s]  # fmt: skip
        if not late:
            return inconclusive(f"{what} was not looked at")
        if late[-1].values["alarm_1"]:
            return failed(f"{what} has the alarm of the box that is gone")
    return passed("it went with its box")


@suite.case(start="any", roles=["units"], limit_s=16_000)
async def parts(session: ReeferSession) -> None:
    """A unit is too warm twice, and cold in between; together it is enough for an alarm."""
    alarm_s, every_s = session.pixit.alarm_s, _every_s(session)
    await session.step("first")
    await session.warm(1, FROZEN_C, session.pixit.deviation_k + 3.0)
    await session.watch(0.6 * alarm_s, every_s=every_s)
    await session.step("cold")
    await session.hands("air", 1, FROZEN_C)
    await session.watch(COLD_S, every_s=every_s)
    await session.step("again")
    await session.hands("air", 1, FROZEN_C + session.pixit.deviation_k + 3.0)
    await session.watch(0.6 * alarm_s, every_s=every_s)
    await session.step("end")


@suite.judge("RFR-ALM-07", case="parts")
def times_too_warm_add_up(view: ReeferView) -> Finding:
    """The second time goes on where the first one ended, and cold time does not count."""
    if view.mark("end") is None:
        return inconclusive("the unit was not warmed twice")
    if any(s.values["alarm_1"] for s in view.states_between("first", "again")):
        return failed("the alarm came in the first part, or while it was cold")
    after_s = _alarm_s(view, "again")
    if after_s is None:
        return failed("no alarm although the parts are more than the alarm's time")
    off_s = abs(after_s - 0.4 * view.pixit.alarm_s)
    limit = at_most(_room_s(view))
    measured = Measurement("off the sum", off_s, "s", limit, 0.0, "simple")
    return decide("they add up", "they do not add up", measured)


# ---------------------------------------------------------------- power of the controller


@suite.case(start="any", roles=["power", "units"], limit_s=1800)
async def power_cut(session: ReeferSession) -> None:
    """The controller loses its power while a unit is too warm; meanwhile another box goes."""
    await session.hands("put", 2, CHILLED_C)
    await session.hands("plug", 2, True)
    await session.warm(1, FROZEN_C, session.pixit.deviation_k + 3.0)
    await session.watch(CUT_WARM_S, every_s=10.0)
    await session.step("cut")
    await session.sample()
    await session.power(False)
    session.wire.close()
    await session.hands("lift", 2)
    await session.clock.sleep(CUT_S)
    await session.step("returned")
    await session.power(True)
    if await session.reconnect(2 * session.pixit.start_up_s + 5.0):
        session.mark("served")
        await session.watch(3 * session.pixit.show_s)


@suite.judge("RFR-REC-01", case="power_cut")
def it_serves_in_time(view: ReeferView) -> Finding:
    """Within the declared start-up time."""
    returned, served = view.mark("returned"), view.mark("served")
    if returned is None:
        return inconclusive("the power was not given back")
    if served is None:
        return failed("never served after the power returned")
    limit = at_most(view.pixit.start_up_s)
    spread_s = view.time_uncertainty_s
    measured = Measurement("start-up", served - returned, "s", limit, spread_s, "simple")
    return decide("served", "served too late", measured)


@suite.judge("RFR-REC-02", case="power_cut")
def it_finds_what_is_there(view: ReeferView) -> Finding:
    """The box that stayed, with its readings; not the one that went."""
    states = view.states_between("served")
    if not states:
        return inconclusive("it was not read after the power returned")
    values = states[-1].values
    wrong = [] if values["occupied_1"] and values["powered_1"] else ["the box that stayed is gone"]
    wrong += ["it has no temperature"] if values["return_c_1"] == NO_READING else []
    wrong += ["the box that went is still there"] if values["occupied_2"] else []
    return check(not wrong, "what is there", ", ".join(wrong))


@suite.judge("RFR-REC-03", case="power_cut")
def minutes_outlive_the_power(view: ReeferView) -> Finding:
    """The time too warm is not forgotten."""
    before, after = view.states_between("cut", "returned"), view.states_between("served")
    if not before or not after:
        return inconclusive("the minutes were not read before and after")
    first, last = before[0].values["excursion_min_1"], after[-1].values["excursion_min_1"]
    if first < 2:
        return inconclusive(f"only {first} minutes too warm before the power went")
    return check(last >= first, f"{first} and then {last} min", f"{first} and then {last} min")
