"""A crane's safety over the wire: emergency stop, wind, loss of power, orders by hand."""

from __future__ import annotations

from hil.kits.crane import words
from hil.kits.crane.session import CraneSession
from hil.kits.crane.view import CraneView
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive

from .crane import first_problem, suite

FAST_S, FAST_M_S = 8.0, 1.0
"""A load on its way is stopped at this speed of the gantry, or at what it has after this time."""
LOOK_S = 4.0
"""How long a crane that has to stand is watched."""
CALM_S = 3.0
"""Beyond the declared time, before the wind's release is given up."""
ON_THE_WAY_S = 6.0
"""A move that was resumed is seen within this time."""
LOAD_M = 0.05
"""The load may sag this far when the brakes fall in."""


async def _on_the_way(session: CraneSession) -> None:
    """A mission until its box travels: something moves, and something hangs."""
    session.mark("started")
    await session.start("mission")
    await session.until_step(words.TO_SET)
    await session.until(FAST_S, lambda: abs(session.now("gantry.speed") or 0.0) > FAST_M_S)


async def _stands(session: CraneSession) -> None:
    """What happens after the stimulus: until it stands, and then for a while."""
    await session.watch(session.pixit.stop_s)
    session.mark("due")
    await session.watch(LOOK_S)


def _was_moving(view: CraneView, mark: str) -> Finding | None:
    """None if something moved when the stimulus came."""
    t_s = view.mark(mark)
    if t_s is None or view.mark("due") is None:
        return inconclusive("it was not tried")
    if not any(abs(view.at(f"{axis}.speed", t_s) or 0.0) > 0.05 for axis in words.AXES):
        return inconclusive("nothing moved when it should have been stopped")
    return None


def _stopped(view: CraneView, mark: str, end: str, trouble: str, shown: str) -> Finding:
    """Stands in time, shown, suspended with the reason."""
    if (not_tried := _was_moving(view, mark)) is not None:
        return not_tried
    begun = view.mark(mark) or 0.0
    moving = [t_s for t_s, _, _ in view.speeds(mark, end)]
    limit = at_most(view.pixit.stop_s)
    measured = Measurement(
        "stop", max(moving) - begun, "s", limit, view.time_uncertainty_s, "simple"
    )
    problems = [view.moved("due", end)]
    if shown and view.ever(shown, True, mark, end) is None:
        problems.append(f"{shown} is not shown")
    ended = view.ended(mark)
    if ended is None or ended[0] != words.SUSPENDED:
        problems.append(f"the mission is in state {ended[0] if ended else 'running'}")
    elif view.trouble(ended[1]) != words.TROUBLES[trouble]:
        problems.append(f"trouble {view.trouble(ended[1])}, not {words.TROUBLES[trouble]}")
    listed = [one for one in problems if one]
    if listed:
        return failed(listed[0], measured)
    return decide("stands in time", "moves too long", measured)


# ---------------------------------------------------------------- emergency stop


@suite.case(roles=["attendant", "ground"], limit_s=600)
async def stop_in_motion(session: CraneSession) -> None:
    """The emergency stop is pressed with a load on its way, orders come, it is released."""
    await _on_the_way(session)
    session.mark("pressed")
    await session.hands("estop", True)
    await _stands(session)
    session.mark("orders")
    await session.call("pressed-resume", "ResumeMission")
    await session.watch(1.0)
    session.mark("released")
    await session.hands("estop", False)
    await session.watch(LOOK_S)
    session.mark("resumed")
    await session.call("resume", "ResumeMission")
    await session.watch(ON_THE_WAY_S)
    session.mark("end")


@suite.judge("CRN-SAF-01", case="stop_in_motion")
def the_emergency_stop_stops(view: CraneView) -> Finding:
    """In time, shown, suspended."""
    return _stopped(view, "pressed", "orders", "emergency_stop", "safety.estop")


def _goes_on_by_order(view: CraneView, healed: str) -> Finding:
    """Nothing moves by itself; then it goes on by its order."""
    if (not_tried := _was_moving(view, "pressed")) is not None:
        return not_tried
    if view.mark("end") is None:
        return inconclusive("it was not followed to its end")
    if moved := view.moved(healed, "resumed"):
        return failed(f"by itself: {moved}")
    answer = view.answer("resume")
    if answer is None or not answer["accepted"]:
        return failed(f"ResumeMission is refused: {answer['reason'] if answer else 'no answer'}")
    return check(bool(view.speeds("resumed", "end")), "nothing moves until it is resumed",
                 "resumed, and nothing moves")  # fmt: skip


@suite.judge("CRN-SAF-02", case="stop_in_motion")
def its_release_moves_nothing(view: CraneView) -> Finding:
    """Between release and resumption nothing moves."""
    if view.mark("released") is not None and view.at("safety.estop", (view.mark("resumed") or 0.0)):
        return inconclusive("the emergency stop is still told as pressed")
    return _goes_on_by_order(view, "released")


@suite.judge("CRN-SAF-03", case="stop_in_motion")
def no_order_passes_an_emergency_stop(view: CraneView) -> Finding:
    """Refused with a reason, nothing moves."""
    answer = view.answer("pressed-resume")
    if answer is None or view.ever("safety.estop", True, "started") is None:
        return inconclusive("no order was given, or the emergency stop was not told")
    problems = [] if not answer["accepted"] else ["ResumeMission is accepted"]
    problems.append(view.moved("orders", "released"))
    return first_problem(problems, "refused, and nothing moves")


# ---------------------------------------------------------------- wind


@suite.case(roles=["attendant", "ground"], limit_s=900)
async def gust(session: CraneSession) -> None:
    """A gust beyond the limit with a load on its way, a try to resume, calm."""
    await _on_the_way(session)
    session.mark("pressed")
    await session.hands("wind", session.pixit.gust_m_s)
    await _stands(session)
    session.mark("orders")
    await session.call("pressed-resume", "ResumeMission")
    await session.watch(1.0)
    session.mark("released")
    await session.hands("wind", None)
    limit_s = session.pixit.gust_release_s + CALM_S
    await session.until(limit_s, lambda: not session.now("p.wind.active"))
    session.mark("calm")
    await session.watch(LOOK_S)
    session.mark("resumed")
    await session.call("resume", "ResumeMission")
    await session.watch(ON_THE_WAY_S)
    session.mark("end")


@suite.judge("CRN-SAF-04", case="gust")
def a_gust_stops(view: CraneView) -> Finding:
    """In time, shown, suspended, and not to be resumed."""
    found = _stopped(view, "pressed", "orders", "wind", "p.wind.active")
    answer = view.answer("pressed-resume")
    if found.verdict.value == "PASS" and (answer is None or answer["accepted"]):
        return failed("the mission is resumed in the gust")
    return found


@suite.judge("CRN-SAF-05", case="gust")
def after_a_gust_somebody_has_to_say_so(view: CraneView) -> Finding:
    """The limiter ends in its time; nothing moves until it is resumed."""
    begun, calm = view.mark("released"), view.mark("calm")
    if view.ever("p.wind.active", True, "started") is None or begun is None or calm is None:
        return inconclusive("the limiter did not act")
    found = _goes_on_by_order(view, "released")
    ended = view.ever("p.wind.active", False, "released", "resumed")
    if ended is None:
        return failed("the limiter does not end")
    limit = at_most(view.pixit.gust_release_s)
    spread_s = view.time_uncertainty_s
    measured = Measurement("calm after", ended - begun, "s", limit, spread_s, "simple")
    if found.verdict.value != "PASS":
        return found
    return decide("calm, and nothing moves until it is resumed", "calm too late", measured)


# ---------------------------------------------------------------- power


@suite.case(roles=["attendant", "ground", "power"], limit_s=900)
async def power_cut(session: CraneSession) -> None:
    """The drives' supply is cut with a load on its way, and returns; the mission goes on."""
    await _on_the_way(session)
    session.mark("pressed")
    await session.power(False)
    await _stands(session)
    session.mark("orders")
    session.mark("released")
    await session.power(True)
    await session.watch(LOOK_S)
    session.mark("resumed")
    await session.call("resume", "ResumeMission")
    await session.watch(ON_THE_WAY_S)
    session.mark("end")
    await session.until_over()
    await session.tell("arrived", session.pixit.box, session.pixit.to_place)


@suite.judge("CRN-SAF-06", case="power_cut")
def a_load_stays_without_power(view: CraneView) -> Finding:
    """Stands in time; the load hangs where it hung, on four locks."""
    found = _stopped(view, "pressed", "orders", "power", "")
    if found.verdict.value not in ("PASS", "MARGINAL"):
        return found
    problems = [
        f"{lock} is told as open" for lock in words.LOCKS
        if view.ever(lock, False, "pressed", "released") is not None
    ]  # fmt: skip
    due, orders = view.mark("due"), view.mark("orders")
    assert due is not None
    assert orders is not None
    heights = [view.at("hoist.place", t_s) for t_s in (due, orders)]
    if all(isinstance(one, int | float) for one in heights):
        sunk_m = abs(heights[1] - heights[0])
        if sunk_m > LOAD_M:
            problems.append(f"the load has sunk by {sunk_m:.2f} m")
    seen = view.truth_between("due", "released")
    if any(not one.values["held"] or one.values["locks"] != 4 for one in seen):
        problems.append("the load does not hang on four locks any more")
    if view.at("on", orders) is not False:
        problems.append("SystemOn says that the drives have power")
    return failed(problems[0]) if problems else found


@suite.judge("CRN-SAF-07", case="power_cut")
def the_return_of_power_moves_nothing(view: CraneView) -> Finding:
    """Nothing by itself, and the mission comes to its end."""
    found = _goes_on_by_order(view, "released")
    if found.verdict.value != "PASS":
        return found
    resumed = view.mark("resumed") or 0.0
    if view.at("on", resumed) is not True:
        return failed("SystemOn does not say that the power is back")
    if view.at("mission.state", resumed) != words.SUSPENDED:
        return failed(
            f"after the return the mission is in state {view.at('mission.state', resumed)}"
        )
    stands = view.records_of("stands", "arrived")
    if not stands:
        return inconclusive("nobody looked where the box stands")
    return check(bool(stands[-1].payload["stands"]), "nothing moves by itself; the box arrives",
                 "resumed, the box does not arrive")  # fmt: skip


# ---------------------------------------------------------------- by hand, under load


@suite.case(roles=["ground"], limit_s=600)
async def by_hand(session: CraneSession) -> None:
    """A stopped mission with a hanging load: the locks are to open, the trolley is jogged once."""
    await _on_the_way(session)
    await session.call("stop", "Stop")
    await session.until_still()
    await session.set_mode(words.MANUAL)
    session.mark("hangs")
    await session.look()
    await session.call("unlock", "TurnLocks", False)
    await session.watch(LOOK_S)
    session.mark("locked")
    session.mark("jogged")
    await session.jog("jog", "trolley", -0.3)
    await session.watch(3 * session.pixit.dead_man_s)
    session.mark("end")


@suite.judge("CRN-MIS-05", case="by_hand")
def nothing_unlocks_under_load(view: CraneView) -> Finding:
    """Refused; the locks stay closed and the box hangs."""
    answer, hangs = view.answer("unlock"), view.mark("hangs")
    if answer is None or hangs is None or view.mark("locked") is None:
        return inconclusive("the order was not given")
    load = view.at("hoist.load.mass", hangs)
    if not isinstance(load, int | float) or load < view.pixit.mass_kg / 2:
        return inconclusive("nothing hung on the spreader")
    problems = ["the order is accepted"] if answer["accepted"] else []
    problems += [f"{lock} opens" for lock in words.LOCKS
                 if view.ever(lock, False, "hangs", "locked") is not None]  # fmt: skip
    seen = view.truth_between("hangs", "locked")
    if any(one.values["locks"] != 4 or not one.values["held"] for one in seen):
        problems.insert(0, "the box does not hang on four locks any more")
    if not answer["accepted"] and answer["status"] == "Good" and not answer["reason"]:
        problems.append("refused without a reason")
    return first_problem(problems, "refused, and the locks stay closed")


@suite.judge("CRN-SAF-08", case="by_hand")
def an_order_by_hand_ends_by_itself(view: CraneView) -> Finding:
    """From the order until the trolley stands."""
    begun, answer = view.mark("jogged"), view.answer("jog")
    if begun is None or answer is None or view.mark("end") is None:
        return inconclusive("the order was not given")
    moving = [t_s for t_s, axis, _ in view.speeds("jogged", "end") if axis == "trolley"]
    if not moving:
        return inconclusive(f"the trolley did not move: {answer['reason'] or answer['status']}")
    limit = at_most(view.pixit.dead_man_s)
    spread_s = view.time_uncertainty_s
    measured = Measurement("motion", moving[-1] - begun, "s", limit, spread_s, "simple")
    return decide("ends by itself", "goes on", measured)
