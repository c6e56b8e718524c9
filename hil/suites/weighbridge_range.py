"""Tare and net weights, and the ends of the range."""

from __future__ import annotations

from hil.kits.weighbridge.metrology import majority_kg
from hil.kits.weighbridge.session import WeighbridgeSession
from hil.kits.weighbridge.view import WeighbridgeView, shown_kg
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive

from .weighbridge import HOURS, suite
from .weighbridge_error import OFFSET_E, ZERO_E

OVER_E = 15
UNDER_E = 50
NEGATIVE_E = 10

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
