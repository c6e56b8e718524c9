"""Metrology: how far what is shown is from what lies there, after OIML R 76-1.

Each error is found with additional weights of 0.1 e (A.4.4.3), so that rounding to the scale
interval is no part of it, and is corrected by the error at 10 e (Ec = E - E0).
"""

from __future__ import annotations

from collections.abc import Sequence

from hil.kits.weighbridge.session import WeighbridgeSession
from hil.kits.weighbridge.view import WeighbridgeView, Weighing, shown_kg
from hil.measurement import Measurement, Rule, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive, passed

from .weighbridge import HOURS, suite

ZERO_E = 10
"""Load at which the error of the zero is found: beyond the reach of zero tracking."""

OFFSET_E = 0.4
"""What lies on the platform when it is set to zero: a good zero takes away even this."""

ENDS = (0.1, 0.5, 0.9)
"""Places of the eccentric load, shares of the platform's length."""


async def _zero_error(session: WeighbridgeSession, name: str) -> None:
    await session.weigh(name, ZERO_E * session.pics.e_kg)


def distance(
    name: str, value_kg: float, limit_kg: float, uncertainty_kg: float, rule: Rule = "guarded"
) -> Measurement:
    """How far a value is from zero, against its limit."""
    value, spread = round(abs(value_kg), 3), round(uncertainty_kg, 2)
    signed = (round(value_kg, 3),)
    return Measurement(name, value, "kg", at_most(limit_kg), spread, rule, signed)


def corrected(view: WeighbridgeView, weighings: Sequence[Weighing], zero: str) -> list[Weighing]:
    """The weighings with the error of the zero taken off; empty where that is not known."""
    found = view.weighings(zero)
    if not found:
        return []
    return [w._replace(error_kg=w.error_kg - found[-1].error_kg) for w in weighings]


def _within(view: WeighbridgeView, prefix: str, zero: str, wanted: int) -> Finding:
    """All errors under `prefix` are within what is permitted at their load."""
    silent = [s for s in view.steps if s.name.startswith(prefix) and s.states and not s.settled]
    if silent:
        return failed(f"no settled and valid weight is shown at {silent[0].mass_kg:g} kg")
    errors = corrected(view, view.weighings(prefix), zero)
    if len(errors) < wanted:
        return inconclusive(f"only {len(errors)} of {wanted} errors could be found")
    if reason := view.unfit(errors):
        return inconclusive(reason)
    measured = [
        distance(
            f"error at {w.mass_kg:g} kg" + (f", place {w.at:g}" if prefix == "at-" else ""),
            w.error_kg,
            view.mpe_kg(w.mass_kg),
            w.uncertainty_kg,
        )
        for w in errors
    ]
    worst = max(errors, key=lambda w: abs(w.error_kg) / view.mpe_kg(w.mass_kg))
    said = f"largest share of what is permitted: {worst.error_kg:+.1f} kg at {worst.mass_kg:g} kg"
    return decide(said, said, *measured)


# ---------------------------------------------------------------- zero


@suite.case(start="empty", roles=["weights"], limit_s=HOURS)
async def zero_setting(session: WeighbridgeSession) -> None:
    """Set to zero with a little on the platform; the error at 10 e says what is left of it."""
    e_kg = session.pics.e_kg
    await session.load("offset", OFFSET_E * e_kg)
    await session.indication()
    session.mark("ordered")
    await session.scale.command("zero")
    await session.weigh("zero", (OFFSET_E + ZERO_E) * e_kg)


@suite.judge("WGH-MET-01", case="zero_setting")
def zero_is_exact(view: WeighbridgeView) -> Finding:
    """Within 0.25 e."""
    found, offset = view.weighings("zero"), view.step("offset")
    if not found or offset is None or view.mark("ordered") is None:
        return inconclusive("the error at zero could not be found")
    error_kg = found[-1].error_kg + offset.mass_kg
    measured = distance(
        "error at zero", error_kg, 0.25 * view.e_kg, found[-1].uncertainty_kg, "simple"
    )
    return decide(f"{error_kg:+.1f} kg", f"the zero is off by {error_kg:+.1f} kg", measured)


# ---------------------------------------------------------------- the weighing test


@suite.case(start="empty", roles=["weights"], limit_s=HOURS)
async def weighing(session: WeighbridgeSession) -> None:
    """Rising and falling loads, the platform never emptied between them."""
    await _zero_error(session, "zero-before")
    loads = session.pixit.loads_kg
    for mass_kg in loads:
        await session.weigh(f"up-{mass_kg:g}", mass_kg)
    for mass_kg in reversed(loads[:-1]):
        await session.weigh(f"down-{mass_kg:g}", mass_kg)


@suite.judge("WGH-MET-02", case="weighing")
def rising_loads_are_right(view: WeighbridgeView) -> Finding:
    """Within the maximum permissible errors."""
    return _within(view, "up-", "zero-before", len(view.pixit.loads_kg))


@suite.judge("WGH-MET-03", case="weighing")
def falling_loads_are_right(view: WeighbridgeView) -> Finding:
    """The same on the way down."""
    return _within(view, "down-", "zero-before", len(view.pixit.loads_kg) - 1)


@suite.judge("WGH-MET-19", case="weighing")
def whole_divisions(view: WeighbridgeView) -> Finding:
    """Every weight is a multiple of e."""
    shown = [shown_kg(state) for state in view.states]
    if len(shown) < 10:
        return inconclusive(f"only {len(shown)} weights were read")
    odd = [kg for kg in shown if abs(kg - view.e_kg * round(kg / view.e_kg)) > 1e-6]
    return check(
        not odd,
        f"{len(shown)} weights in steps of {view.e_kg:g} kg",
        f"shows {odd[0] if odd else 0:g} kg, which is no multiple of {view.e_kg:g} kg",
    )


@suite.case(start="empty", roles=["weights"], limit_s=HOURS)
async def discrimination(session: WeighbridgeSession) -> None:
    """1.4 e more at Min, half of Max and Max."""
    pics = session.pics
    for mass_kg in (pics.min_kg, pics.max_kg / 2, pics.max_kg):
        await session.load(f"base-{mass_kg:g}", mass_kg)
        await session.indication()
        await session.load(f"more-{mass_kg:g}", mass_kg, extra_kg=1.4 * pics.e_kg)
        await session.indication()


@suite.judge("WGH-MET-04", case="discrimination")
def small_changes_are_shown(view: WeighbridgeView) -> Finding:
    """Each addition changes what is shown."""
    pairs = 0
    for step in view.steps:
        if not step.name.startswith("base-"):
            continue
        more = view.step(step.name.replace("base-", "more-"))
        if more is None or step.indication_kg is None or more.indication_kg is None:
            continue
        pairs += 1
        if more.indication_kg < step.indication_kg + view.e_kg:
            return failed(
                f"{more.extra_kg:g} kg more at {step.mass_kg:g} kg: still {more.indication_kg:g} kg"
            )
    if pairs < 3:
        return inconclusive(f"only {pairs} of 3 loads were seen with and without the addition")
    return passed("1.4 e is seen at Min, half of Max and Max")


# ---------------------------------------------------------------- the same load again, elsewhere


@suite.case(start="empty", roles=["weights"], limit_s=HOURS)
async def repeatability(session: WeighbridgeSession) -> None:
    """The same load several times, the platform empty between."""
    for number in range(session.pixit.repeats):
        await session.load("between", 0.0)
        await session.indication()
        await session.weigh(f"again-{number}", session.pixit.repeat_kg)


@suite.judge("WGH-MET-05", case="repeatability")
def the_same_load_weighs_the_same(view: WeighbridgeView) -> Finding:
    """Differences within what is permitted at the load."""
    found = view.weighings("again-")
    if len(found) < view.pixit.repeats:
        return inconclusive(f"only {len(found)} of {view.pixit.repeats} weighings")
    errors = [weighing.error_kg for weighing in found]
    step = view.step(found[0].name)
    weights_kg = step.uncertainty_kg if step else 0.0
    # The weights are the same each time, so what is not known of them drops out.
    own_kg = max(0.0, found[0].uncertainty_kg ** 2 - weights_kg**2) ** 0.5
    spread = Measurement(
        f"spread of {len(errors)} weighings of {found[0].mass_kg:g} kg",
        round(max(errors) - min(errors), 3),
        "kg",
        at_most(view.mpe_kg(found[0].mass_kg)),
        round(2**0.5 * own_kg, 2),
        series=tuple(round(error, 2) for error in errors),
    )
    return decide("the weighings agree", "the weighings differ", spread)


@suite.case(start="empty", roles=["weights"], limit_s=HOURS)
async def eccentricity(session: WeighbridgeSession) -> None:
    """One load at the entry, in the middle and at the exit of the platform."""
    await _zero_error(session, "zero-before")
    for at in ENDS:
        await session.weigh(f"at-{at:g}", session.pixit.eccentric_kg, at=at)


@suite.judge("WGH-MET-06", case="eccentricity")
def the_place_does_not_matter(view: WeighbridgeView) -> Finding:
    """Within the permissible error at each place."""
    return _within(view, "at-", "zero-before", len(ENDS))


# ---------------------------------------------------------------- creep and return to zero


@suite.case(start="empty", roles=["weights"], limit_s=HOURS)
async def creep(session: WeighbridgeSession) -> None:
    """A load stays for the declared time; the error at once, half-way, at the end, and unloaded."""
    pixit = session.pixit
    await _zero_error(session, "zero-before")
    await session.weigh("creep-first", pixit.creep_kg)
    await session.pause(pixit.creep_s / 2)
    await session.weigh("creep-half", pixit.creep_kg)
    await session.pause(pixit.creep_s / 2)
    await session.weigh("creep-last", pixit.creep_kg)
    await _zero_error(session, "zero-after")


def _one(view: WeighbridgeView, name: str) -> Weighing | None:
    return next(iter(view.weighings(name)), None)


@suite.judge("WGH-MET-07", case="creep")
def a_standing_load_does_not_creep(view: WeighbridgeView) -> Finding:
    """0.5 e over the time, 0.2 e over its second half."""
    first, half, last = (_one(view, f"creep-{name}") for name in ("first", "half", "last"))
    if first is None or half is None or last is None:
        return inconclusive("the load was not weighed at the beginning, half-way and at the end")
    return decide(
        f"{last.error_kg - first.error_kg:+.1f} kg in {view.pixit.creep_s / 60:g} min",
        f"the standing load creeps by {last.error_kg - first.error_kg:+.1f} kg",
        *(
            # The same weights lie there: what is not known of them drops out of the difference.
            distance(name, late.error_kg - early.error_kg, limit_e * view.e_kg, 0.0, "simple")
            for name, early, late, limit_e in (
                ("creep over the whole time", first, last, 0.5),
                ("creep over its second half", half, last, 0.2),
            )
        ),
    )


@suite.judge("WGH-MET-08", case="creep")
def the_zero_comes_back(view: WeighbridgeView) -> Finding:
    """Within 0.5 e of the zero before."""
    before, after = _one(view, "zero-before"), _one(view, "zero-after")
    if before is None or after is None or _one(view, "creep-last") is None:
        return inconclusive("the zero was not known before and after the load")
    back_kg = after.error_kg - before.error_kg
    own_kg = (before.uncertainty_kg**2 + after.uncertainty_kg**2) ** 0.5
    measured = distance("return to zero", back_kg, 0.5 * view.e_kg, own_kg)
    return decide(f"{back_kg:+.1f} kg", f"{back_kg:+.1f} kg stay after unloading", measured)
