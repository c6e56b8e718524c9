"""When a weight counts: equilibrium, zero and tare, the ends of the range."""

from __future__ import annotations

from hil.kits.weighbridge.metrology import majority_kg
from hil.kits.weighbridge.session import WeighbridgeSession
from hil.kits.weighbridge.view import WeighbridgeView, is_valid, shown_kg
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive, passed
from hil.view import State

from .weighbridge import HOURS, suite
from .weighbridge_error import OFFSET_E, ZERO_E

SMALL_SHARE = 0.01
"""A load within the range of every zero-setting device."""

BEYOND_SHARE = 0.05
"""A load beyond the 4 % of Max that zero setting may reach at most."""

OVER_E = 15
UNDER_E = 50
NEGATIVE_E = 10
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
    await session.watch(session.pixit.settling_s + 2.0)
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
        await session.clock.sleep(session.pixit.poll_s)
        await session.sample()
        session.mark("ordered")
        await session.scale.command(order)
    await session.watch(2 * session.pixit.settling_s + 1.0)
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


# ---------------------------------------------------------------- tare


@suite.case(start="empty", roles=["weights"], limit_s=HOURS)
async def tare(session: WeighbridgeSession) -> None:
    """A tare is taken with a weight between two divisions; then goods are put to it."""
    e_kg, pixit = session.pics.e_kg, session.pixit
    empty_kg = pixit.eccentric_kg + OFFSET_E * e_kg
    await session.load("tared", empty_kg)
    await session.indication()
    session.mark("ordered")
    await session.scale.command("tare")
    await session.clock.sleep(session.pixit.poll_s)
    await session.load("goods-none", empty_kg)
    await session.indication()
    await session.weigh("goods-few", empty_kg + ZERO_E * e_kg)
    await session.weigh("goods-many", empty_kg + pixit.repeat_kg)
    await session.load("nothing", 0.0)
    await session.clear_tare()
    await session.load("gross", empty_kg)
    await session.indication()


def _net_error(view: WeighbridgeView, name: str) -> tuple[float, float, float] | None:
    """Net load, error of the net weight and its uncertainty."""
    tared, found = view.step("tared"), view.weighings(name)
    if tared is None or not found or view.mark("ordered") is None:
        return None
    goods_kg = found[-1].mass_kg - tared.mass_kg
    return goods_kg, found[-1].error_kg + tared.mass_kg, found[-1].uncertainty_kg


@suite.judge("WGH-MET-12", case="tare")
def tare_sets_to_zero(view: WeighbridgeView) -> Finding:
    """Within 0.25 e."""
    none, found = view.step("goods-none"), _net_error(view, "goods-few")
    if none is None or none.indication_kg is None or found is None:
        return inconclusive("the net weight could not be read")
    if none.indication_kg != 0:
        return failed(f"{none.indication_kg:g} kg net after the tare was taken")
    step = view.step("goods-few")
    # The tare load lies there before and after, so what is not known of it drops out.
    weights_kg = step.uncertainty_kg if step else 0.0
    own_kg = max(0.0, found[2] ** 2 - weights_kg**2) ** 0.5
    error = Measurement(
        "error after taring", round(abs(found[1]), 3), "kg", at_most(0.25 * view.e_kg),
        round(own_kg, 2), "simple",
    )  # fmt: skip
    return decide("zero after taring", "the tare leaves a rest", error)


@suite.judge("WGH-MET-13", case="tare")
def net_weights_are_right(view: WeighbridgeView) -> Finding:
    """Within what is permitted at the net load."""
    few, many = _net_error(view, "goods-few"), _net_error(view, "goods-many")
    if few is None or many is None:
        return inconclusive("the net weight could not be read")
    goods_kg, error_kg, own_kg = many
    measured = Measurement(
        f"error of {goods_kg:g} kg net",
        round(abs(error_kg - few[1]), 3),
        "kg",
        at_most(view.mpe_kg(goods_kg)),
        round(own_kg, 2),
    )
    return decide("the net weight is right", "the net weight is wrong", measured)


@suite.judge("WGH-MET-14", case="tare")
def a_tare_is_shown(view: WeighbridgeView) -> Finding:
    """Net is said with a tare and not without."""
    tared, none, gross = (view.step(name) for name in ("tared", "goods-none", "gross"))
    if tared is None or none is None or gross is None or not gross.settled:
        return inconclusive("the states with and without tare were not read")
    if any(state.values["net"] for state in tared.settled[:5]):
        return failed("net is said before a tare was taken")
    if not all(state.values["net"] for state in none.settled):
        return failed("net is not said while a tare is in use")
    return check(
        not gross.settled[-1].values["net"],
        "net with a tare, gross without",
        "net is still said after the tare was cleared",
    )


# ---------------------------------------------------------------- the ends of the range


@suite.case(start="empty", roles=["weights"], limit_s=HOURS)
async def overload(session: WeighbridgeSession) -> None:
    """More than Max + 9 e, then nothing."""
    pics = session.pics
    await session.load("over", pics.max_kg + OVER_E * pics.e_kg)
    await session.clock.sleep(session.pixit.settling_s)
    await session.watch(2.0)
    await session.load("under", 0.0)
    await session.indication()


@suite.judge("WGH-MET-20", case="overload")
def no_weight_above_the_range(view: WeighbridgeView) -> Finding:
    """Flagged as out of range, and valid again without the load."""
    over, back = view.step("over"), view.step("under")
    if over is None or back is None or len(over.states) < 5:
        return inconclusive("the overload was not read")
    valid = [state for state in over.states if not state.values["out_of_range"]]
    if valid:
        return failed(
            f"{over.mass_kg:g} kg on the platform, {shown_kg(valid[0]):g} kg are shown as valid"
        )
    return check(
        back.indication_kg is not None and abs(back.indication_kg) <= view.e_kg,
        "out of range with the overload, zero without",
        f"{back.indication_kg} kg after the overload was taken off",
    )


@suite.case(start="empty", roles=["weights"], limit_s=HOURS)
async def below_zero(session: WeighbridgeSession) -> None:
    """Loads are set to zero and taken off: a little below zero, then far below it."""
    for name, load_e in (("little", NEGATIVE_E), ("far", UNDER_E)):
        await session.load(f"{name}-on", load_e * session.pics.e_kg)
        await session.indication()
        await session.scale.command("zero")
        await session.indication()
        await session.load(f"{name}-off", 0.0)
        await session.clock.sleep(session.pixit.settling_s)
        await session.watch(1.0)
        await session.scale.command("zero")
        await session.clock.sleep(session.pixit.poll_s)
    session.mark("over")


def _zeroed(view: WeighbridgeView, name: str) -> bool:
    """The load was taken as zero."""
    step = view.step(f"{name}-on")
    if step is None or not step.settled:
        return False
    return abs(shown_kg(step.settled[-1])) <= view.e_kg


@suite.judge("WGH-MET-21", case="below_zero")
def no_weight_far_below_zero(view: WeighbridgeView) -> Finding:
    """Flagged as out of range."""
    off = view.step("far-off")
    if not _zeroed(view, "far") or off is None or len(off.states) < 3:
        return inconclusive(f"{UNDER_E} e could not be set to zero and taken off")
    valid = [state for state in off.states[:5] if not state.values["out_of_range"]]
    return check(
        not valid,
        f"out of range at -{UNDER_E} e",
        f"{shown_kg(valid[0]) if valid else 0:g} kg are shown as valid",
    )


@suite.judge("WGH-MET-22", case="below_zero")
def a_negative_weight_is_negative(view: WeighbridgeView) -> Finding:
    """Shown with its sign."""
    on, off = view.step("little-on"), view.step("little-off")
    if on is None or off is None or not _zeroed(view, "little") or not off.states:
        return inconclusive(f"{NEGATIVE_E} e could not be set to zero and taken off")
    got_kg = majority_kg([shown_kg(state) for state in off.states[:5]])
    return check(
        abs(got_kg + on.mass_kg) <= 2 * view.e_kg,
        f"{got_kg:g} kg",
        f"{got_kg:g} kg instead of {-on.mass_kg:g} kg",
    )
