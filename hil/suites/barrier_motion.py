"""Motion: times, position, status, stop, reversal, counter."""

from __future__ import annotations

import statistics
from itertools import pairwise

from hil.kits.barrier.session import BarrierSession
from hil.kits.barrier.view import (
    OPEN_DEG,
    STILL_DEG,
    BarrierView,
    Sample,
    is_closed,
    is_open,
    lowest,
    reached,
    rest,
    rise_deg,
    travel_deg,
)
from hil.measurement import Measurement, at_least, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive, passed
from hil.view import changes

from .barrier import suite

STOP_LIMIT_S = 0.5
SETTLE_S = 5.0
POSITION_TOLERANCE_PERCENT = 10.0
NEAR_END_DEG = 6.0
MOVING_STATES = {"opening", "closing", "partial_opening", "calibrating", "unknown"}


async def _full_move(session: BarrierSession, order: str) -> None:
    """Give an order from the opposite end and sample until well after its declared time."""
    await session.sample()
    session.mark(f"{order}-commanded")
    await session.command(order)
    opening = order == "open"
    declared_s = session.pixit.opening_s if opening else session.pixit.closing_s
    at = session.at_open if opening else session.at_closed
    await session.watch(2 * declared_s + 2.0, at)
    await session.watch(1.0)
    session.mark(f"{order}-over")


def _travel_time(
    view: BarrierView, order: str, limit_s: float, at_end: bool
) -> tuple[float | None, Finding]:
    """Seconds from command to the end position, and the finding about its limit."""
    samples = view.truth_between(f"{order}-commanded", f"{order}-over")
    started = view.mark(f"{order}-commanded")
    if started is None or len(samples) < 5:
        return None, inconclusive("the true angle was not recorded during the move")
    ended = reached(samples, is_open if at_end else is_closed)
    if ended is None:
        return None, failed(f"{order}: the arm got to {samples[-1].deg:.0f}° only")
    measured = Measurement(
        f"{order} time", ended - started, "s", at_most(limit_s), view.time_uncertainty_s
    )
    return ended - started, decide(f"{order} in time", f"{order} too slow", measured)


@suite.case(start="closed", roles=["inclinometer"])
async def cycle(session: BarrierSession) -> None:
    """Open from closed, close from open."""
    await _full_move(session, "open")
    await _full_move(session, "close")


@suite.judge("BAR-MOT-01", case="cycle")
def opens_in_time(view: BarrierView) -> Finding:
    """Within the declared opening time."""
    return _travel_time(view, "open", view.pixit.opening_s, True)[1]


@suite.judge("BAR-MOT-02", case="cycle")
def closes_in_time(view: BarrierView) -> Finding:
    """Within the declared closing time."""
    return _travel_time(view, "close", view.pixit.closing_s, False)[1]


def _pairs(view: BarrierView) -> list[tuple[Sample, dict[str, object], float]]:
    """True angle, wire state and the spread of the angle around each read of the wire.

    The wire is read just before the angle; the arm may be anywhere between the sample before
    and the sample after, so that spread is granted on top of the tolerance.
    """
    found = []
    truth = view.truth
    for state in view.states:
        after = next((i for i, sample in enumerate(truth) if sample.t_s >= state.t_s), None)
        if after is None:
            continue
        near = truth[max(0, after - 1) : after + 2]
        found.append((truth[after], state.values, travel_deg(near)))
    return found


@suite.judge("BAR-MOT-03", case="cycle")
def position_is_true(view: BarrierView) -> Finding:
    """Within 10 % of travel at every instant."""
    if not view.independent_angle:
        return inconclusive("the angle comes from the device itself; bind an inclinometer")
    errors: list[float] = []
    for sample, values, spread in _pairs(view):
        position = values.get("position_percent")
        if isinstance(position, int | float):
            error = abs(float(position) - 100 * sample.deg / OPEN_DEG)
            errors.append(max(0.0, error - 100 * spread / OPEN_DEG))
    if len(errors) < 10:
        return inconclusive(f"only {len(errors)} positions could be compared")
    worst = Measurement(
        "position error",
        max(errors),
        "%",
        at_most(POSITION_TOLERANCE_PERCENT),
        100 * view.angle_uncertainty_deg / OPEN_DEG,
    )
    return decide(f"{len(errors)} positions are true", "the position on the wire is wrong", worst)


@suite.judge("BAR-MOT-04", case="cycle")
def position_travels(view: BarrierView) -> Finding:
    """Monotonic, with at least four values between the ends."""
    for order, sign in (("open", 1), ("close", -1)):
        states = view.states_between(f"{order}-commanded", f"{order}-over")
        values = [v for v in changes(states, "position_percent") if isinstance(v, int | float)]
        if len(values) < 2:
            return failed(f"{order}: the position never changed")
        steps = [sign * (b - a) for a, b in pairwise(values)]
        if any(step < 0 for step in steps):
            return failed(f"{order}: the position goes back and forth: {values}")
        if len(values) - 2 < 4:
            return failed(f"{order}: only {len(values) - 2} values between the ends: {values}")
    return passed("monotonic in both directions")


@suite.judge("BAR-MOT-05", case="cycle")
def status_follows_the_sequence(view: BarrierView) -> Finding:
    """closed, opening, open; open, closing, closed."""
    wanted = {"open": ["closed", "opening", "open"], "close": ["open", "closing", "closed"]}
    for order, sequence in wanted.items():
        seen = changes(view.states_between(f"{order}-commanded", f"{order}-over"), "gate_status")
        before = view.states_between("open-commanded") if order == "open" else []
        if not seen and not before:
            return inconclusive("the status was not read during the move")
        # The first read after the command may already show the motion.
        if seen not in (sequence, sequence[1:]):
            return failed(f"{order}: the status went {' > '.join(map(str, seen))}")
    return passed("closed > opening > open > closing > closed")


@suite.judge("BAR-MOT-06", case="cycle")
def open_means_open(view: BarrierView) -> Finding:
    """Never says an end while the arm is away from it."""
    if not view.independent_angle:
        return inconclusive("the angle comes from the device itself; bind an inclinometer")
    worst, ends = 0.0, 0
    for sample, values, spread in _pairs(view):
        status = values.get("gate_status")
        if status in ("open", "closed"):
            ends += 1
            away = abs(sample.deg - (OPEN_DEG if status == "open" else 0.0))
            worst = max(worst, away - spread)
    if ends < 2:
        return inconclusive("the status never said open or closed")
    measured = Measurement(
        "distance from the end that the status says",
        worst,
        "°",
        at_most(NEAR_END_DEG),
        view.angle_uncertainty_deg,
    )
    return decide(f"true in {ends} reads", "the status says an end that is not there", measured)


@suite.case(start="closed", roles=["inclinometer", "stimulus"])
async def blocked_drive(session: BarrierSession) -> None:
    """The drive cannot move the arm, and an open command is given."""
    await session.sample()
    await session.require("stimulus").block_drive(True)
    session.trace("stimulus", "block", active=True)
    session.mark("commanded")
    await session.command("open")
    await session.watch(2 * session.pixit.opening_s + 2.0)
    session.mark("over")
    session.trace("stimulus", "block", active=False)
    await session.require("stimulus").block_drive(False)


@suite.judge("BAR-MOT-07", case="blocked_drive")
def motion_is_confirmed_by_motion(view: BarrierView) -> Finding:
    """The status never says open while the arm lies closed."""
    samples = view.truth_between("commanded", "over")
    states = view.states_between("commanded", "over")
    if len(samples) < 5 or not states:
        return inconclusive("angle or status were not recorded")
    if any(is_open(sample.deg) for sample in samples):
        return inconclusive("the drive was not blocked: the arm opened")
    lies = [state for state in states if state.values.get("gate_status") == "open"]
    return check(
        not lies,
        f"the status said {' > '.join(map(str, changes(states, 'gate_status')))}",
        f"the status said open at {samples[-1].deg:.0f}°",
    )


@suite.case(start="closed", roles=["inclinometer"])
async def stop(session: BarrierSession) -> None:
    """Stop in the middle of opening, then wait."""
    await session.sample()
    await session.command("open")
    await session.watch(
        2 * session.pixit.opening_s, lambda: session.deg is not None and session.deg > OPEN_DEG / 3
    )
    session.mark("stopped")
    await session.command("stop")
    await session.watch_closely(1.0)
    session.mark("hold")
    await session.watch(SETTLE_S)
    session.mark("over")


@suite.judge("BAR-MOT-08", case="stop")
def stop_stops(view: BarrierView) -> Finding:
    """At rest within 0.5 s."""
    return comes_to_rest(view, "stopped", "over", STOP_LIMIT_S)


def comes_to_rest(view: BarrierView, start: str, end: str, limit_s: float) -> Finding:
    """The arm moved until `start` and rests within `limit_s` of it."""
    began, samples = view.mark(start), view.truth_between(start, end)
    before = [sample for sample in view.truth if began is not None and sample.t_s <= began]
    if began is None or len(samples) < 3:
        return inconclusive("the true angle was not recorded")
    if travel_deg(before[-3:] + samples[:1]) <= STILL_DEG:
        return inconclusive("the arm did not move when it was to be stopped")
    rested = rest(samples)
    if rested is None:
        return failed(f"still moving {samples[-1].t_s - began:.1f} s later")
    taken = Measurement(
        "time to rest", rested.t_s - began, "s", at_most(limit_s), rested.uncertainty_s
    )
    if is_open(samples[-1].deg) or is_closed(samples[-1].deg):
        return failed(f"went on to its end at {samples[-1].deg:.0f}°", taken)
    return decide(f"rests at {samples[-1].deg:.0f}°", "came to rest too late", taken)


@suite.judge("BAR-MOT-09", case="stop")
def stopped_stays_stopped(view: BarrierView) -> Finding:
    """No motion for 5 s, and the status says between."""
    samples = view.truth_between("hold", "over")
    states = view.states_between("hold", "over")
    if len(samples) < 5:
        return inconclusive("the true angle was not recorded")
    if travel_deg(samples) > STILL_DEG:
        return failed(f"moved {travel_deg(samples):.1f}° after it had been stopped")
    shown = {str(state.values.get("gate_status")) for state in states}
    wrong = shown & {"open", "closed", *MOVING_STATES}
    if view.pics.status_register and wrong:
        return failed(f"at rest at {samples[-1].deg:.0f}°, but the status says {sorted(wrong)}")
    return passed(f"rested for {SETTLE_S:g} s at {samples[-1].deg:.0f}°")


@suite.case(start="open", roles=["inclinometer"])
async def reversal(session: BarrierSession) -> None:
    """Open while closing."""
    await session.sample()
    await session.command("close")
    await session.watch(
        2 * session.pixit.closing_s,
        lambda: session.deg is not None and session.deg < OPEN_DEG * 0.6,
    )
    session.mark("reversed")
    await session.command("open")
    await session.watch_closely(1.5)
    await session.watch(2 * session.pixit.opening_s + 2.0, session.at_open)
    await session.watch(0.5)


@suite.judge("BAR-MOT-10", case="reversal")
def reverses_on_command(view: BarrierView) -> Finding:
    """Upwards within 1 s, without reaching closed."""
    began, samples = view.mark("reversed"), view.truth_between("reversed")
    if began is None or len(samples) < 5:
        return inconclusive("the true angle was not recorded")
    least, turned = min(sample.deg for sample in samples), lowest(samples)
    if is_closed(least):
        return failed("went down to closed before it turned")
    turn = Measurement("time to turn", turned.t_s - began, "s", at_most(1.0), turned.uncertainty_s)
    if not is_open(samples[-1].deg):
        return failed(f"turned at {least:.0f}°, but got to {samples[-1].deg:.0f}° only", turn)
    return decide(f"turned at {least:.0f}°", "turned too late", turn)


@suite.case(start="open", roles=["inclinometer"])
async def repeated_open(session: BarrierSession) -> None:
    """Open an open arm."""
    await session.sample()
    session.mark("commanded")
    await session.command("open")
    await session.watch(SETTLE_S)


@suite.judge("BAR-MOT-11", case="repeated_open")
def repeated_open_is_harmless(view: BarrierView) -> Finding:
    """No motion for 5 s."""
    samples = view.truth_between("commanded")
    if len(samples) < 5:
        return inconclusive("the true angle was not recorded")
    moved = travel_deg(samples)
    return check(moved <= STILL_DEG, "the arm rested", f"the open arm moved {moved:.0f}°")


@suite.case(start="closed", roles=["inclinometer"])
async def pulses(session: BarrierSession) -> None:
    """Open, close, and wait for a second opening that must not come."""
    await _full_move(session, "open")
    await _full_move(session, "close")
    session.mark("closed")
    await session.watch(SETTLE_S)


@suite.judge("BAR-MOT-12", case="pulses")
def commands_are_pulses(view: BarrierView) -> Finding:
    """It stays closed."""
    samples = view.truth_between("closed")
    if len(samples) < 5:
        return inconclusive("the true angle was not recorded")
    if not is_closed(min(sample.deg for sample in view.truth_between("close-commanded"))):
        return inconclusive("the arm did not close, so a second opening could not be seen")
    risen = rise_deg(samples)
    return check(
        risen <= STILL_DEG and is_closed(samples[-1].deg),
        "stays closed",
        f"opened again by {risen:.0f}° without a command",
    )


CYCLES = 3


@suite.case(start="closed", roles=["inclinometer"], limit_s=240)
async def counting(session: BarrierSession) -> None:
    """Three complete cycles, the counter read at rest."""
    await session.sample()
    for number in range(CYCLES):
        session.mark(f"cycle-{number}")
        session.mark("open-commanded")
        await session.command("open")
        await session.watch(2 * session.pixit.opening_s + 2.0, session.at_open)
        session.mark(f"opened-{number}")
        await session.watch(0.5)
        await session.command("close")
        await session.watch(2 * session.pixit.closing_s + 2.0, session.at_closed)
        await session.watch(0.5)
    session.mark("over")
    await session.sample()


@suite.judge("BAR-MOT-13", case="counting")
def the_counter_counts(view: BarrierView) -> Finding:
    """The declared number per cycle, never falling."""
    values = [s.values["operations"] for s in view.states if "operations" in s.values]
    done = sum(1 for n in range(CYCLES) if view.mark(f"opened-{n}") is not None)
    if len(values) < 2 or done < CYCLES:
        return inconclusive(f"{done} cycles, {len(values)} counter reads")
    if any(b < a for a, b in pairwise(values)):
        return failed("the counter fell")
    counted, wanted = values[-1] - values[0], CYCLES * view.pixit.counts_per_cycle
    return check(
        counted == wanted,
        f"{CYCLES} cycles raised the counter by {counted}",
        f"{CYCLES} cycles raised the counter from {values[0]} to {values[-1]}",
    )


@suite.judge("BAR-MOT-14", case="counting")
def opening_times_repeat(view: BarrierView) -> Finding:
    """Within 10 % of their mean."""
    times = []
    for number in range(CYCLES):
        began, ended = view.mark(f"cycle-{number}"), view.mark(f"opened-{number}")
        if began is not None and ended is not None:
            times.append(ended - began)
    if len(times) < CYCLES:
        return inconclusive(f"only {len(times)} openings were timed")
    mean = statistics.fmean(times)
    spread = 100 * max(abs(value - mean) for value in times) / mean
    granted = 100 * view.time_uncertainty_s / mean
    measured = Measurement(
        "spread of opening times",
        spread,
        "%",
        at_most(10.0 + granted),
        granted,
        "simple",
        tuple(times),
    )
    return decide(f"mean {mean:.2f} s", "the opening time scatters", measured)


@suite.case(start="closed", roles=["inclinometer"])
async def partial_opening(session: BarrierSession) -> None:
    """Partial open from closed."""
    await session.sample()
    session.mark("commanded")
    await session.command("partial_open")
    await session.watch(2 * session.pixit.opening_s + 1.0)
    session.mark("hold")
    await session.watch(1.0)


@suite.judge("BAR-MOT-15", case="partial_opening")
def partially_open(view: BarrierView) -> Finding:
    """At rest between the ends, and the status says so."""
    samples, states = view.truth_between("hold"), view.states_between("hold")
    if len(samples) < 5:
        return inconclusive("the true angle was not recorded")
    if travel_deg(samples) > STILL_DEG:
        return failed("the arm did not come to rest")
    deg = samples[-1].deg
    room = Measurement(
        "distance from the nearer end",
        min(deg, OPEN_DEG - deg),
        "°",
        at_least(10.0),
        view.angle_uncertainty_deg,
    )
    said = changes(states, "gate_status")
    if said != ["partial_open"]:
        return failed(f"at {deg:.0f}° the status says {said}", room)
    return decide(f"rests at {deg:.0f}°", "does not rest between its ends", room)
