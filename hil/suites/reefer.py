"""A reefer rack: what stands where, plugs and power of the sockets, orders to hands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hil.kits.reefer.papers import ReeferPics, ReeferPixit
from hil.kits.reefer.session import ReeferSession, ReeferView
from hil.kits.reefer.wire import NAMES, NO_READING
from hil.measurement import Measurement, at_most
from hil.suite import Suite
from hil.verdict import Finding, check, decide, failed, inconclusive, passed
from hil.view import State

from . import modbus, modbus_wrong
from .modbus import functions_not_as_declared, probe_functions

WITHOUT = ("WIR-20",)
"""No rack that we know of says who it is over Modbus."""

suite = Suite[ReeferSession, ReeferView](
    "reefer",
    "1.0",
    view=ReeferView,
    pics=ReeferPics,
    pixit=ReeferPixit,
    declaration="RFR-DOC-01",
    start="boxed",
)
suite.include(modbus.part, truth=["units"], without=WITHOUT)
suite.include(modbus_wrong.part, truth=["units"], without=WITHOUT)

FROZEN_C, CHILLED_C = -18.0, 4.0


@suite.case(start="any")
async def declaration(session: ReeferSession) -> None:
    """Probe every function code and read every declared socket."""
    await probe_functions(session)
    await session.sample()


@suite.judge("RFR-DOC-01", case="declaration")
def the_pics_is_true(view: ReeferView) -> Finding:
    """What is declared is there; what is denied is not."""
    wrong = functions_not_as_declared(view)
    if wrong is None or not view.states:
        return inconclusive("nothing was probed")
    shown = view.states[-1].values
    names = [f"{name}_{n}" for n in range(1, view.pics.sockets + 1) for name in NAMES]
    wrong += [f"{name} is declared, the map has none" for name in names if name not in shown]
    return check(not wrong, f"functions and {view.pics.sockets} sockets", "; ".join(wrong))


# ---------------------------------------------------------------- boxes


@suite.case(start="any", roles=["units"], limit_s=900)
async def boxes(session: ReeferSession) -> None:
    """A box is set down at each socket and lifted again."""
    for socket in range(1, session.pics.sockets + 1):
        await session.step(f"set-{socket}")
        await session.hands("put", socket, FROZEN_C)
        await session.watch(2 * session.pixit.show_s)
        await session.step(f"lift-{socket}")
        await session.hands("lift", socket)
        await session.watch(2 * session.pixit.show_s)
    await session.step("end")


def step_of(view: ReeferView, name: str) -> list[State]:
    """The states of one step."""
    after = [r for r in view.of("mark") if r.t_s > (view.mark(name) or float("inf"))]
    return view.states_between(name, after[0].payload["name"]) if after else []


def delay_s(view: ReeferView, name: str, right: Callable[[dict[str, Any]], bool]) -> float | None:
    """From a mark to the first state of its step that is right."""
    began = view.mark(name)
    if began is None:
        return None
    return next((s.t_s - began for s in step_of(view, name) if right(s.values)), None)


def in_time(view: ReeferView, steps: dict[str, tuple[str, Any]], what: str) -> Finding:
    """In each step (by mark) a point comes to its value within `show_s`."""
    if not view.instant:
        return inconclusive("a person's instants are not known")
    worst_s, seen = 0.0, 0
    for name, (point, wanted) in steps.items():
        if not step_of(view, name):
            continue
        seen += 1
        took_s = delay_s(view, name, lambda v, p=point, w=wanted: v.get(p) == w)  # type: ignore[misc]
        if took_s is None:
            return failed(f"{point} never shows {wanted}")
        worst_s = max(worst_s, took_s)
    if not seen:
        return inconclusive("it did not happen")
    limit = at_most(view.pixit.show_s)
    measured = Measurement("shown after", worst_s, "s", limit, view.time_uncertainty_s, "simple")
    return decide(f"{what}, {seen} times", f"{what} too late", measured)


def _sockets(view: ReeferView) -> range:
    return range(1, view.pics.sockets + 1)


@suite.judge("RFR-SOC-01", case="boxes")
def a_box_is_shown(view: ReeferView) -> Finding:
    """Occupied within the declared time."""
    steps = {f"set-{n}": (f"occupied_{n}", True) for n in _sockets(view)}
    return in_time(view, steps, "occupied")


@suite.judge("RFR-SOC-02", case="boxes")
def a_free_socket_is_shown(view: ReeferView) -> Finding:
    """Free within the declared time."""
    steps = {f"lift-{n}": (f"occupied_{n}", False) for n in _sockets(view)}
    return in_time(view, steps, "free")


@suite.judge("RFR-SOC-03", case="boxes")
def the_neighbours_are_as_they_are(view: ReeferView) -> Finding:
    """While one box stands on the rack no other socket says anything."""
    seen = 0
    for n in _sockets(view):
        for state in step_of(view, f"set-{n}"):
            seen += 1
            for other in _sockets(view):
                if other != n and state.values.get(f"occupied_{other}"):
                    return failed(f"a box at socket {n} occupies socket {other}")
    return passed(f"{seen} looks") if seen else inconclusive("no box was set down")


# ---------------------------------------------------------------- plugs and mains


@suite.case(start="any", roles=["units"], limit_s=900)
async def plugs(session: ReeferSession) -> None:
    """A plug goes in, the breaker opens and closes, the plug is pulled."""
    await session.hands("put", 1, FROZEN_C)
    await session.hands("put", 2, CHILLED_C)
    await session.hands("plug", 2, True)
    await session.watch(2 * session.pixit.show_s)
    for name, what, on in (
        ("in", "plug", True), ("dead", "mains", False), ("alive", "mains", True),
        ("out", "plug", False),
    ):  # fmt: skip
        await session.step(name)
        await session.hands(what, 1, on)
        await session.watch(2 * session.pixit.show_s)
    await session.step("end")


@suite.judge("RFR-SOC-04", case="plugs")
def a_plug_is_shown(view: ReeferView) -> Finding:
    """In, and out."""
    steps = {"in": ("plugged_1", True), "out": ("plugged_1", False)}
    return in_time(view, steps, "the plug")


@suite.judge("RFR-SOC-05", case="plugs")
def power_is_shown(view: ReeferView) -> Finding:
    """With the plug, with the breaker."""
    steps = {
        "in": ("powered_1", True), "dead": ("powered_1", False), "alive": ("powered_1", True),
        "out": ("powered_1", False),
    }  # fmt: skip
    return in_time(view, steps, "power")


@suite.judge("RFR-SOC-06", case="plugs")
def a_dead_socket_is_no_pulled_plug(view: ReeferView) -> Finding:
    """Without mains the plug is still shown in, and the neighbour keeps its power."""
    late = [s for s in step_of(view, "dead")
            if s.t_s > (view.mark("dead") or 0.0) + view.pixit.show_s]  # fmt: skip
    if not late:
        return inconclusive("the breaker was not opened")
    values = late[-1].values
    wrong = [] if values.get("plugged_1") else ["the plug is shown out"]
    wrong += [] if values.get("powered_2") else ["the neighbour is shown without power"]
    return check(not wrong, "the plug is in, the neighbour has power", ", ".join(wrong))


# ---------------------------------------------------------------- orders


@suite.case(start="any", roles=["units"], limit_s=3600)
async def orders(session: ReeferSession) -> None:
    """A hand is sent to a plug, and sent back; a second order takes the place of the first."""
    plug_s, every_s = session.pixit.plug_s, max(session.pixit.poll_s, 5.0)
    await session.hands("put", 1, FROZEN_C)
    for name, on in (("order-in", True), ("order-out", False)):
        await session.step(name)
        await session.wire.order("plugged_1", on)
        await session.watch(plug_s, every_s=every_s)
        await session.see(1)
    await session.step("first")
    await session.wire.order("plugged_1", True)
    await session.watch(plug_s / 3, every_s=every_s)
    await session.step("second")
    await session.wire.order("plugged_1", False)
    await session.watch(plug_s, every_s=every_s)
    await session.see(1)
    await session.step("end")


@suite.judge("RFR-SOC-07", case="orders")
def an_order_is_carried_out(view: ReeferView) -> Finding:
    """Acknowledged, and the plug is in or out within the declared time."""
    for name, following, on in (("order-in", "order-out", True), ("order-out", "first", False)):
        seen = view.truth(1, name, following)
        given = view.between(view.of("command"), name, following)
        if not seen or not given:
            return inconclusive("nobody looked at the plug after the order")
        if not given[0].payload["acknowledged"]:
            return failed(f"the order {'in' if on else 'out'} is refused")
        if seen[-1].payload["plugged"] != on:
            return failed(
                f"{view.pixit.plug_s:g} s after the order the plug is not {'in' if on else 'out'}"
            )
    return passed("in and out")


@suite.judge("RFR-SOC-08", case="orders")
def the_last_order_counts(view: ReeferView) -> Finding:
    """A plug whose order was taken back stays out."""
    seen = view.truth(1, "second", "end")
    if not seen:
        return inconclusive("nobody looked at the plug")
    moved = [r for r in view.truth(1, "second") if r.payload["plugged"]]
    return check(not moved, "it stayed out", "the order that was taken back was carried out")


@suite.case(roles=["units"], limit_s=1800)
async def empty(session: ReeferSession) -> None:
    """A plug and a set point are ordered at a socket at which there is nothing."""
    await session.step("before")
    await session.sample()
    await session.step("ordered")
    if session.pics.plug_orders:
        await session.wire.order("plugged_3", True)
    if session.pics.setpoint_orders:
        await session.wire.order("setpoint_c_3", 2.0)
    await session.watch(session.pixit.plug_s + session.pixit.show_s, every_s=10.0)
    await session.step("end")


@suite.judge("RFR-SOC-09", case="empty")
def an_empty_socket_takes_nothing(view: ReeferView) -> Finding:
    """Neither it nor another one changes."""
    if not view.between(view.of("command"), "ordered", "end"):
        return inconclusive("nothing was ordered")
    if did := view.disturbed():
        return failed(did)
    if did is None:
        return inconclusive("nobody looked")
    for state in view.states_between("ordered", "end"):
        said = {name: state.values.get(f"{name}_3") for name in ("plugged", "setpoint_c")}
        if said["plugged"] or said["setpoint_c"] != NO_READING:
            return failed(f"the empty socket shows {said}")
    return passed("nothing changed")
