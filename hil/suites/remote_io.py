"""A remote I/O module: its relays, inputs and counters, its watchdog and its power."""

from __future__ import annotations

from hil.kits.lane_io.papers import RemoteIoPics, RemoteIoPixit
from hil.kits.remote_io import RemoteIoSession, RemoteIoView
from hil.measurement import Measurement, at_most, between
from hil.suite import Suite
from hil.verdict import Finding, check, decide, failed, inconclusive
from twin.trace import Record

from . import modbus, modbus_wrong
from .modbus import functions_not_as_declared, probe_functions

suite = Suite[RemoteIoSession, RemoteIoView](
    "remote-io",
    "1.0",
    view=RemoteIoView,
    pics=RemoteIoPics,
    pixit=RemoteIoPixit,
    declaration="RIO-DOC-01",
)

suite.include(modbus.part, truth=["contacts"])
suite.include(modbus_wrong.part, truth=["contacts"])

EDGES = 20
"""Pulses at an input of the counter's case: at 10 Hz, ten times as fast as axles on a loop."""


@suite.case()
async def declaration(session: RemoteIoSession) -> None:
    """Probe every function code and read every declared channel."""
    await probe_functions(session)
    await session.sample()


@suite.judge("RIO-DOC-01", case="declaration")
def the_pics_is_true(view: RemoteIoView) -> Finding:
    """What is declared is there; what is denied is not."""
    wrong = functions_not_as_declared(view)
    if wrong is None or not view.states:
        return inconclusive("nothing was probed")
    shown = view.states[-1].values
    declared = [*view.pics.inputs, *view.pics.relays, *view.pics.pulsed]
    wrong += [f"{name} is declared, the map has none" for name in declared if name not in shown]
    return check(not wrong, f"functions and {len(declared)} channels", "; ".join(wrong))


# ---------------------------------------------------------------- relays


@suite.case(roles=["contacts"], limit_s=240)
async def relays(session: RemoteIoSession) -> None:
    """Each relay is closed and opened alone; wire and contacts are watched."""
    for name in session.pics.relays:
        for on in (True, False):
            await session.step(f"{name}-{on}")
            await session.order(name, on)
            await session.watch(3 * session.pixit.relay_s + 0.2)
            await session.feel()


def _contacts(view: RemoteIoView, start: str) -> list[Record]:
    """What the meter said from a mark to the next one."""
    began = view.mark(start)
    later = [r.t_s for r in view.of("mark") if began is not None and r.t_s > began]
    end = min(later, default=float("inf"))
    return [r for r in view.of("contacts") if began is not None and began <= r.t_s < end]


def _follows(view: RemoteIoView, on: bool) -> Finding:
    """Every relay's contact takes the ordered state in time."""
    waits: list[float] = []
    for name in view.pics.relays:
        seen = _contacts(view, f"{name}-{on}")
        began = view.mark(f"{name}-{on}")
        if began is None or not seen:
            return inconclusive(f"the contact of {name} was not tested")
        if seen[-1].payload[name] != on:
            return failed(f"{name}: ordered {_word(on)}, the contact stays {_word(not on)}")
        waits.append(next(r.t_s for r in seen if r.payload[name] == on) - began)
    if not view.at_once("contacts"):
        return check(True, f"{len(waits)} relays follow; a person cannot be timed", "")
    slowest = Measurement(
        "slowest contact", max(waits), "s", at_most(view.pixit.relay_s), view.time_uncertainty_s,
        "simple", tuple(waits),
    )  # fmt: skip
    return decide(f"{len(waits)} relays follow", "a relay is too slow", slowest)


def _word(closed: bool) -> str:
    return "closed" if closed else "open"


@suite.judge("RIO-REL-01", case="relays")
def relays_close(view: RemoteIoView) -> Finding:
    """In time after the order."""
    return _follows(view, True)


@suite.judge("RIO-REL-02", case="relays")
def relays_open(view: RemoteIoView) -> Finding:
    """In time after the order."""
    return _follows(view, False)


@suite.judge("RIO-REL-03", case="relays")
def only_the_ordered_relay_moves(view: RemoteIoView) -> Finding:
    """All the others rest."""
    for name in view.pics.relays:
        for record in _contacts(view, f"{name}-True"):
            others = [k for k, v in record.payload.items() if v and k != name]
            if others:
                return failed(f"an order to {name} closed {', '.join(others)}")
    return check(bool(view.of("contacts")), "one contact at a time", "no contact was tested")


@suite.judge("RIO-REL-04", case="relays")
def coils_read_as_ordered(view: RemoteIoView) -> Finding:
    """A coil says what was ordered."""
    for name in view.pics.relays:
        for on in (True, False):
            began = view.mark(f"{name}-{on}")
            states = [s for s in view.states if began is not None and s.t_s >= began]
            if not states:
                return inconclusive("the coils were not read")
            if states[0].values.get(name) != on:
                return failed(f"{name}: ordered {on}, reads {states[0].values.get(name)}")
    return check(True, "as ordered", "")


@suite.case(roles=["contacts"], limit_s=120)
async def pulses(session: RemoteIoSession) -> None:
    """Each pulsed relay is ordered once and watched closely."""
    for name in session.pics.pulsed:
        await session.step(f"{name}-pulse")
        await session.order(name, True)
        await session.watch(2 * session.pixit.pulse_s + 0.5, every_s=session.pixit.poll_s / 2)


@suite.judge("RIO-REL-05", case="pulses")
def pulses_have_their_length(view: RemoteIoView) -> Finding:
    """As declared, within a fifth; and they end by themselves."""
    if not view.at_once("contacts"):
        return inconclusive("a person cannot time a pulse; bind a meter")
    lengths: list[float] = []
    for name in view.pics.pulsed:
        seen = _contacts(view, f"{name}-pulse")
        closed = [r.t_s for r in seen if r.payload[name]]
        if not closed:
            return failed(f"{name}: ordered, and the contact never closed")
        opened = [r.t_s for r in seen if r.t_s > closed[-1]]
        if not opened:
            return failed(f"{name}: still closed {closed[-1] - closed[0]:.2f} s later")
        lengths.append((closed[-1] + opened[0]) / 2 - closed[0])
    if not lengths:
        return inconclusive("no pulse was ordered")
    nominal = view.pixit.pulse_s
    worst = max(lengths, key=lambda value: abs(value - nominal))
    measured = Measurement(
        "pulse", worst, "s", between(0.8 * nominal, 1.2 * nominal), view.time_uncertainty_s / 2,
        "simple", tuple(lengths),
    )  # fmt: skip
    return decide(f"{len(lengths)} pulses", "a pulse has another length", measured)


@suite.judge("RIO-REL-06", case="pulses")
def a_pulsed_coil_falls_back(view: RemoteIoView) -> Finding:
    """When the pulse is over the coil reads 0 again."""
    for name in view.pics.pulsed:
        began = view.mark(f"{name}-pulse")
        states = [s.values for s in view.states if began is not None and s.t_s >= began]
        if not states:
            return inconclusive("the coils were not read")
        if states[-1].get(name):
            return failed(f"{name}: the coil still reads 1 after its pulse")
    return check(True, "0 after the pulse", "")


# ---------------------------------------------------------------- inputs


@suite.case(roles=["contacts"], limit_s=240)
async def inputs(session: RemoteIoSession) -> None:
    """Each input is closed and opened alone."""
    for name in session.pics.inputs:
        for closed in (True, False):
            await session.step(f"{name}-{closed}")
            await session.close_input(name, closed)
            await session.watch(3 * session.pixit.input_s)


@suite.judge("RIO-INP-01", case="inputs")
def inputs_are_shown(view: RemoteIoView) -> Finding:
    """In time, both ways."""
    waits: list[float] = []
    for name in view.pics.inputs:
        for closed in (True, False):
            began = view.mark(f"{name}-{closed}")
            states = [s for s in view.states if began is not None and s.t_s >= began]
            right = [s.t_s for s in states if s.values.get(name) == closed]
            if began is None or not states:
                return inconclusive("the inputs were not read")
            if not right:
                return failed(f"{name}: {_word(closed)}, and the wire never says so")
            waits.append(right[0] - began)
    if not view.at_once("contacts"):
        return check(True, f"{len(waits) // 2} inputs shown; a person cannot be timed", "")
    slowest = Measurement(
        "slowest input", max(waits), "s", at_most(view.pixit.input_s), view.time_uncertainty_s,
        "simple",
    )  # fmt: skip
    return decide(f"{len(waits) // 2} inputs", "an input is shown too late", slowest)


@suite.judge("RIO-INP-02", case="inputs")
def only_the_closed_input_is_shown(view: RemoteIoView) -> Finding:
    """All the others stay open."""
    for name in view.pics.inputs:
        for state in view.states_between(f"{name}-True", f"{name}-False"):
            others = [k for k in view.pics.inputs if state.values.get(k) and k != name]
            if others:
                return failed(f"{name} was closed, and {', '.join(others)} shown")
    return check(bool(view.states), "one input at a time", "the inputs were not read")


@suite.case(roles=["contacts"], limit_s=120)
async def counters(session: RemoteIoSession) -> None:
    """Twenty short pulses at the first input, which nobody polls; then its counter is cleared."""
    name = session.pics.inputs[0]
    await session.wire.count(name)
    for _ in range(EDGES):
        await session.close_input(name, True)
        await session.clock.sleep(0.05)
        await session.close_input(name, False)
        await session.clock.sleep(0.05)
    await session.wire.count(name)
    await session.order(f"clear_count_{name}", True)
    await session.wire.count(name)


def _counted(view: RemoteIoView) -> tuple[int, int, int] | None:
    """The counter before, after the pulses, and after it was cleared."""
    found = [int(record.payload["counted"]) for record in view.of("count")]
    return (found[0], found[1], found[2]) if len(found) == 3 else None


@suite.judge("RIO-INP-03", case="counters")
def every_edge_counts_once(view: RemoteIoView) -> Finding:
    """Twenty closings, twenty counts."""
    counts = _counted(view)
    if counts is None:
        return inconclusive("the counter was not read")
    rise = counts[1] - counts[0]
    return check(rise == EDGES, f"{EDGES} edges counted", f"{EDGES} edges, {rise} counted")


@suite.judge("RIO-INP-04", case="counters")
def a_cleared_counter_is_zero(view: RemoteIoView) -> Finding:
    """And it is the only way down."""
    counts = _counted(view)
    if counts is None or counts[1] == 0:
        return inconclusive("there was nothing to clear")
    return check(counts[2] == 0, "0 after clearing", f"reads {counts[2]} after clearing")
