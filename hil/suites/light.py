"""A traffic light: which lamps are lit, how bright, and what silence or a power cut does."""

from __future__ import annotations

from itertools import product

from hil.kits.lane_io.papers import LightPics, LightPixit
from hil.kits.light import LightSession, LightView
from hil.kits.light.curves import WITHIN_S
from hil.measurement import Measurement, at_least, at_most
from hil.suite import Suite
from hil.verdict import Finding, check, decide, failed, inconclusive

from .modbus import functions_not_as_declared, probe_functions

suite = Suite[LightSession, LightView](
    "light",
    "1.0",
    view=LightView,
    pics=LightPics,
    pixit=LightPixit,
    declaration="LGT-DOC-01",
)

HELD_S = 30.0
"""How long an order has to hold while the master polls."""


@suite.case()
async def declaration(session: LightSession) -> None:
    """Probe every function code and read every declared lamp's coil."""
    await probe_functions(session)
    await session.sample()


@suite.judge("LGT-DOC-01", case="declaration")
def the_pics_is_true(view: LightView) -> Finding:
    """What is declared is there; what is denied is not."""
    wrong = functions_not_as_declared(view)
    if wrong is None or not view.states:
        return inconclusive("nothing was probed")
    shown = view.states[-1].values
    wrong += [f"{n} is declared, the map has none" for n in view.pics.lamps if n not in shown]
    return check(not wrong, f"functions and {len(view.pics.lamps)} lamps", "; ".join(wrong))


# ---------------------------------------------------------------- lamps


@suite.case(roles=["photometer"], limit_s=900)
async def lamps(session: LightSession) -> None:
    """Each lamp is lit and darkened alone."""
    for name in session.pics.lamps:
        for on in (True, False):
            await session.step(f"{name}-{on}")
            await session.order(name, on)
            await session.watch(3 * session.pixit.switch_s)
            await session.see()
    await session.step("over")


def _until_next(view: LightView, start: str) -> list[tuple[float, set[str]]]:
    """What was lit from a mark to the next one."""
    began = view.mark(start)
    later = [r.t_s for r in view.of("mark") if began is not None and r.t_s > began]
    return [one for one in view.lit(start) if one[0] < min(later, default=float("inf"))]


def _obeys(view: LightView, on: bool) -> Finding:
    """Every lamp takes the ordered state in time."""
    waits: list[float] = []
    for name in view.pics.lamps:
        began, seen = view.mark(f"{name}-{on}"), _until_next(view, f"{name}-{on}")
        if began is None or not seen:
            return inconclusive(f"nobody looked at {name}")
        if (name in seen[-1][1]) != on:
            return failed(f"{name}: ordered {'lit' if on else 'dark'}, it is not")
        waits.append(next(t for t, lit in seen if (name in lit) == on) - began)
    if not view.at_once("photometer"):
        return check(True, f"{len(waits)} lamps; a person cannot be timed", "")
    slowest = Measurement(
        "slowest lamp", max(waits), "s", at_most(view.pixit.switch_s), view.time_uncertainty_s,
        "simple", tuple(waits),
    )  # fmt: skip
    return decide(f"{len(waits)} lamps", "a lamp is too slow", slowest)


@suite.judge("LGT-SIG-01", case="lamps")
def lamps_light(view: LightView) -> Finding:
    """In time after the order."""
    return _obeys(view, True)


@suite.judge("LGT-SIG-02", case="lamps")
def lamps_go_dark(view: LightView) -> Finding:
    """In time after the order."""
    return _obeys(view, False)


@suite.judge("LGT-SIG-04", case="lamps")
def coils_read_as_ordered(view: LightView) -> Finding:
    """The wire says what was ordered."""
    marks = {r.payload["name"]: r.t_s for r in view.of("mark")}
    times = sorted(marks.values())
    for name in view.pics.lamps:
        for on in (True, False):
            began = marks.get(f"{name}-{on}")
            after = next((t for t in times if began is not None and t > began), None)
            states = [s for s in view.states if began is not None and after is not None
                      and began <= s.t_s < after]  # fmt: skip
            if not states:
                return inconclusive("the coils were not read")
            if states[-1].values.get(name) != on:
                return failed(f"{name}: ordered {on}, reads {states[-1].values.get(name)}")
    return check(True, "as ordered", "")


@suite.case(roles=["photometer"], limit_s=900)
async def combinations(session: LightSession) -> None:
    """Every combination of lamps."""
    for ordered in product((False, True), repeat=len(session.pics.lamps)):
        for name, on in zip(session.pics.lamps, ordered, strict=True):
            await session.order(name, on)
        await session.watch(2 * session.pixit.switch_s)
        await session.step("".join("01"[on] for on in ordered))
        await session.sample()
        await session.see()
        await session.step("seen")


@suite.judge("LGT-SIG-03", case="combinations")
def what_is_lit_is_what_was_ordered(view: LightView) -> Finding:
    """No lamp more, no lamp less."""
    looked = 0
    for ordered in product((False, True), repeat=len(view.pics.lamps)):
        wanted = {n for n, on in zip(view.pics.lamps, ordered, strict=True) if on}
        seen = _until_next(view, "".join("01"[on] for on in ordered))
        looked += bool(seen)
        if seen and seen[-1][1] != wanted:
            said = ", ".join(sorted(seen[-1][1])) or "none"
            return failed(f"ordered {', '.join(sorted(wanted)) or 'none'}, lit {said}")
    if looked < 2 ** len(view.pics.lamps):
        return inconclusive(f"only {looked} combinations were looked at")
    return check(True, f"{looked} combinations", "")


@suite.case(roles=["photometer"], limit_s=300)
async def holding(session: LightSession) -> None:
    """Green is lit, and the master does nothing but poll."""
    green = session.pics.lamps[1]
    await session.order(green, True)
    await session.watch(3 * session.pixit.switch_s)
    await session.step("held")
    await session.watch(HELD_S, every_s=10 * session.pixit.poll_s)
    await session.see()


@suite.judge("LGT-SIG-05", case="holding")
def an_order_holds(view: LightView) -> Finding:
    """As long as the master polls."""
    seen, green = view.lit("held"), view.pics.lamps[1]
    began = view.mark("held")
    if began is None or not seen:
        return inconclusive("nobody looked")
    lost = [t - began for t, lit in seen if lit != {green}]
    return check(not lost, f"held for {HELD_S:g} s",
                 f"changed without an order after {min(lost, default=0):.1f} s")  # fmt: skip


@suite.judge("LGT-PHO-01", case="lamps")
def lamps_are_bright_enough(view: LightView) -> Finding:
    """At least the declared luminous intensity."""
    best = {n: max((r.payload.get(n, 0.0) for r in view.of("light")), default=0.0)
            for n in view.pics.lamps}  # fmt: skip
    if not view.of("light"):
        return inconclusive("nobody measured")
    measured = [
        Measurement(f"luminous intensity of {name}", value, "cd",
                    at_least(view.pixit.intensity_cd_min), view.light_uncertainty_cd)
        for name, value in best.items()
    ]  # fmt: skip
    return decide(f"{len(measured)} lamps", "a lamp is too dim", *measured)


# ---------------------------------------------------------------- recovery


@suite.case(roles=["photometer"], limit_s=180)
async def silence(session: LightSession) -> None:
    """Green is lit, the master falls silent, comes back and lights green again."""
    red, green = session.pics.lamps[:2]
    await session.order(green, True)
    await session.watch(3 * session.pixit.switch_s)
    await session.step("silent")
    await session.watch(1.5 * session.pixit.watchdog_s + 1.0, sample=session.see)
    await session.step("back")
    await session.sample()
    await session.order(red, False)
    await session.order(green, True)
    await session.watch(3 * session.pixit.switch_s)
    await session.see()


@suite.judge("LGT-REC-01", case="silence")
def silence_shows_red(view: LightView) -> Finding:
    """Red and nothing else, in time."""
    seen, began, red = view.lit("silent", "back"), view.mark("silent"), view.pics.lamps[0]
    if began is None or not seen:
        return inconclusive("nobody looked while the master was silent")
    if seen[-1][1] != {red}:
        return failed(f"lit at the end of the silence: {', '.join(sorted(seen[-1][1])) or 'none'}")
    fell_s = next(t for t, lit in seen if lit == {red}) - began
    limit = at_most(view.pixit.watchdog_s + WITHIN_S)
    measured = Measurement("red after", fell_s, "s", limit, view.time_uncertainty_s, "simple")
    return decide("red", "red too late", measured)


@suite.judge("LGT-REC-02", case="silence")
def after_the_silence_orders_count_again(view: LightView) -> Finding:
    """The first orders after the silence are carried out."""
    seen, green = view.lit("back"), view.pics.lamps[1]
    if not seen:
        return inconclusive("nobody looked after the silence")
    shown = ", ".join(sorted(seen[-1][1])) or "none"
    return check(seen[-1][1] == {green}, "green again", f"ordered green, lit {shown}")


@suite.case(roles=["power", "photometer"], limit_s=180)
async def power_cut(session: LightSession) -> None:
    """Green is lit when the power goes; it returns five seconds later."""
    await session.order(session.pics.lamps[1], True)
    await session.watch(3 * session.pixit.switch_s)
    await session.step("cut")
    await session.power(False)
    session.disconnect()
    await session.watch(5.0, sample=session.see)
    await session.step("returned")
    await session.power(True)
    await session.watch(session.pixit.start_up_s + 1.0, sample=session.see)
    await session.step("over")


@suite.judge("LGT-REC-03", case="power_cut")
def without_power_green_is_dark(view: LightView) -> Finding:
    """A green lamp without control lets everybody pass."""
    seen, green = view.lit("cut", "returned"), view.pics.lamps[1]
    if not seen:
        return inconclusive("nobody looked while the power was off")
    return check(green not in seen[-1][1], "dark", "green is lit without power")


@suite.judge("LGT-REC-04", case="power_cut")
def green_waits_for_an_order(view: LightView) -> Finding:
    """When the power returns, no lamp but red is lit by itself."""
    seen, red = view.lit("returned", "over"), view.pics.lamps[0]
    if not seen:
        return inconclusive("nobody looked after the power returned")
    wrong = {name for _, lit in seen for name in lit} - {red}
    return check(not wrong, "no lamp by itself", f"lit by itself: {', '.join(sorted(wrong))}")


@suite.case(roles=["photometer"], limit_s=120)
async def connection(session: LightSession) -> None:
    """Green is lit, the connection is cut and made again at once."""
    await session.order(session.pics.lamps[1], True)
    await session.watch(3 * session.pixit.switch_s)
    await session.step("cut")
    session.wire.abort()
    await session.watch(0.5, sample=session.see)
    await session.reconnect(2.0)
    await session.watch(0.5)
    await session.see()


@suite.judge("LGT-REC-05", case="connection")
def a_lost_connection_changes_nothing(view: LightView) -> Finding:
    """Before the time of the watchdog the lamps stay."""
    seen, green = view.lit("cut"), view.pics.lamps[1]
    if not seen:
        return inconclusive("nobody looked")
    wrong = [lit for _, lit in seen if lit != {green}]
    shown = ", ".join(sorted(wrong[0])) or "none" if wrong else ""
    return check(not wrong, "the lamps stay", f"lit after the connection was cut: {shown}")
