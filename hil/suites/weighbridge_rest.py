"""When a weight counts: equilibrium, and what may be taken as zero."""

from __future__ import annotations

from hil.kits.weighbridge.metrology import majority_kg
from hil.kits.weighbridge.session import WeighbridgeSession
from hil.kits.weighbridge.view import WeighbridgeView, is_valid, shown_kg
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive, passed
from hil.view import State

from .weighbridge import HOURS, suite

SMALL_SHARE = 0.01
"""A load within the range of every zero-setting device."""

BEYOND_SHARE = 0.05
"""A load beyond the 4 % of Max that zero setting may reach at most."""

TRACKED_E = 2
TRACKED_S = 20.0


def settled_kg(states: list[State]) -> float | None:
    """What the last settled states showed."""
    settled = [shown_kg(state) for state in states if is_valid(state)][-10:]
    return majority_kg(settled) if len(settled) >= 5 else None


# ---------------------------------------------------------------- equilibrium


@suite.case(start="empty", roles=["weights"], limit_s=HOURS)
async def settling(session: WeighbridgeSession) -> None:
    """A load comes down in one go; the weight is read closely until it has long settled."""
    await session.sample()
    await session.drop(session.pixit.repeat_kg)
    await session.watch(session.pixit.settling_s, every_s=session.pixit.poll_s / 2)
    await session.watch(session.pixit.settling_s + 2.0 + session.patience_s)
    session.mark("over")


@suite.judge("WGH-MET-15", case="settling")
def a_settled_weight_is_the_final_one(view: WeighbridgeView) -> Finding:
    """No weight that claims to be settled is more than e away from the final one."""
    states = view.states_between("dropped", "over")
    final_kg = settled_kg(states)
    moving = [state for state in states if state.values["motion"]]
    if final_kg is None or final_kg < 20 * view.e_kg:
        return inconclusive("the load was not seen on the platform, or never settled")
    if not moving and not view.timed:
        return inconclusive("no motion was seen; nobody knows when the load came down")
    claims = [shown_kg(s) for s in states if is_valid(s) and shown_kg(s) > view.e_kg]
    early = [kg for kg in claims if abs(kg - final_kg) > view.e_kg]
    if early:
        return failed(f"{early[0]:g} kg is shown as settled, {final_kg:g} kg is the final weight")
    if view.timed and not moving:
        return failed("the load came down and the weight was never in motion")
    return passed(f"{len(moving)} reads in motion, then {final_kg:g} kg")


@suite.judge("WGH-MET-16", case="settling")
def it_settles_in_time(view: WeighbridgeView) -> Finding:
    """Within the declared settling time, and stays so."""
    began, states = view.mark("dropped"), view.states_between("dropped", "over")
    final_kg = settled_kg(states)
    if began is None or not view.timed or final_kg is None:
        return inconclusive("the instant of the load is not known")
    late = [n for n, s in enumerate(states) if not is_valid(s)]
    if not late:
        return inconclusive("no motion was seen")
    if late[-1] + 1 >= len(states):
        return failed("it never settled")
    after, before = states[late[-1] + 1], states[late[-1]]
    taken = Measurement(
        "settling time",
        (after.t_s + before.t_s) / 2 - began,
        "s",
        at_most(view.pixit.settling_s),
        (after.t_s - before.t_s) / 2,
    )
    return decide("settled", "settled too late", taken)


@suite.case(start="empty", roles=["weights"], limit_s=1800)
async def rolling(session: WeighbridgeSession) -> None:
    """A truck rolls over the platform without a stop."""
    await session.sample()
    await session.roll(session.pixit.rolling_kg)


@suite.judge("WGH-MET-17", case="rolling")
def a_rolling_truck_has_no_weight(view: WeighbridgeView) -> Finding:
    """While wheels roll on the platform, no weight is shown as settled that is not there."""
    states = view.states_between("rolling", "over")
    on = [state for state in states if shown_kg(state) > 20 * view.e_kg]
    if len(on) < 5:
        return inconclusive(f"the truck was seen in {len(on)} reads only")
    wrong = 0
    for state in on:
        load_kg = view.load_at(state.t_s)
        if is_valid(state) and not view.truth:
            return inconclusive("a weight was shown as settled, and nobody knows what was there")
        if is_valid(state) and load_kg is not None:
            wrong += abs(shown_kg(state) - load_kg) > view.e_kg
    return check(
        wrong == 0,
        f"{len(on)} reads with wheels on the platform, none of them wrong and settled",
        f"{wrong} of {len(on)} reads show a wrong weight as settled",
    )


# ---------------------------------------------------------------- zero


@suite.case(start="empty", roles=["weights"], limit_s=HOURS)
async def zero_range(session: WeighbridgeSession) -> None:
    """A zero command with more on the platform than zero setting may take away."""
    await session.load("beyond", BEYOND_SHARE * session.pics.max_kg)
    await session.indication()
    session.mark("ordered")
    await session.scale.command("zero")
    await session.indication()
    session.mark("over")


@suite.judge("WGH-MET-09", case="zero_range")
def a_load_is_not_zeroed_away(view: WeighbridgeView) -> Finding:
    """The load is shown as before."""
    step, final_kg = view.step("beyond"), settled_kg(view.states_between("ordered", "over"))
    if step is None or final_kg is None:
        return inconclusive("the load was not read after the command")
    return check(
        abs(final_kg - step.mass_kg) <= 2 * view.e_kg,
        f"{final_kg:g} kg after the command",
        f"{step.mass_kg:g} kg were set to zero: {final_kg:g} kg are shown",
    )


async def _order_in_motion(session: WeighbridgeSession, order: str) -> None:
    await session.sample()
    if await session.drop(SMALL_SHARE * session.pics.max_kg):
        await session.clock.sleep(session.pixit.poll_s)  # the platform is half-way by then
        session.mark("ordered")
        await session.scale.command(order)
    await session.watch(2 * session.pixit.settling_s + 1.0 + session.patience_s)
    session.mark("over")


def _ordered_in_motion(view: WeighbridgeView) -> tuple[float, State] | Finding:
    """What is shown in the end, and the last state; or why that says nothing."""
    before = view.states_between("dropped", "ordered")
    states = view.states_between("ordered", "over")
    final_kg = settled_kg(states)
    if not before or not before[-1].values["motion"]:
        return inconclusive("the weight was not in motion when the command was given")
    if final_kg is None:
        return inconclusive("the weight did not settle afterwards")
    return final_kg, states[-1]


@suite.case(start="empty", roles=["weights"], limit_s=HOURS)
async def zero_in_motion(session: WeighbridgeSession) -> None:
    """A zero command while a load is coming to rest."""
    await _order_in_motion(session, "zero")


@suite.judge("WGH-MET-10", case="zero_in_motion")
def no_zero_in_motion(view: WeighbridgeView) -> Finding:
    """Refused, or the zero is that of the load at rest."""
    found = _ordered_in_motion(view)
    if isinstance(found, Finding):
        return found
    final_kg, mass_kg = found[0], SMALL_SHARE * view.pics.max_kg
    return check(
        min(abs(final_kg), abs(final_kg - mass_kg)) <= view.e_kg,
        f"{final_kg:g} kg afterwards",
        f"a weight in motion was taken as zero: {final_kg:g} kg are left of {mass_kg:g} kg",
    )


@suite.case(start="empty", roles=["weights"], limit_s=HOURS)
async def tare_in_motion(session: WeighbridgeSession) -> None:
    """A tare command while a load is coming to rest."""
    await _order_in_motion(session, "tare")


@suite.judge("WGH-MET-11", case="tare_in_motion")
def no_tare_in_motion(view: WeighbridgeView) -> Finding:
    """Refused, or the tare is the load at rest."""
    found = _ordered_in_motion(view)
    if isinstance(found, Finding):
        return found
    final_kg, last = found
    wanted_kg = 0.0 if last.values["net"] else SMALL_SHARE * view.pics.max_kg
    return check(
        abs(final_kg - wanted_kg) <= view.e_kg,
        "refused" if wanted_kg else "the tare is that of the load at rest",
        f"a weight in motion was taken as tare: {final_kg:g} kg are shown",
    )


@suite.case(start="empty", roles=["weights"], limit_s=600)
async def zero_signal(session: WeighbridgeSession) -> None:
    """Nothing on the platform, then one e."""
    await session.load("nothing", 0.0)
    await session.indication()
    await session.load("one-e", session.pics.e_kg)
    await session.indication()


@suite.judge("WGH-MET-18", case="zero_signal")
def zero_is_signalled(view: WeighbridgeView) -> Finding:
    """On at zero, off one e away from it."""
    empty, loaded = view.step("nothing"), view.step("one-e")
    if empty is None or loaded is None or not empty.settled or not loaded.settled:
        return inconclusive("the signal was not read with and without load")
    if not empty.settled[-1].values["at_zero"]:
        return failed("no signal at zero")
    return check(
        not loaded.settled[-1].values["at_zero"],
        "on at zero, off with one e",
        f"signals zero with {loaded.mass_kg:g} kg on the platform",
    )


@suite.case(start="empty", roles=["weights"], limit_s=600)
async def tracking(session: WeighbridgeSession) -> None:
    """A small load stays for a while."""
    await session.load("small", TRACKED_E * session.pics.e_kg)
    await session.indication()
    await session.watch(TRACKED_S, every_s=1.0)
    await session.indication()


@suite.judge("WGH-MET-23", case="tracking")
def small_loads_are_not_tracked_away(view: WeighbridgeView) -> Finding:
    """Still shown after twenty seconds."""
    step = view.step("small")
    if step is None or step.states[-1].t_s - step.states[0].t_s < TRACKED_S:
        return inconclusive("the small load was not watched for long enough")
    final_kg = settled_kg(step.states)
    if final_kg is None:
        return inconclusive("the weight did not settle")
    return check(
        abs(final_kg - step.mass_kg) <= view.e_kg,
        f"{final_kg:g} kg of {step.mass_kg:g} kg",
        f"{step.mass_kg:g} kg have become {final_kg:g} kg",
    )
