"""Safety: forces, obstacles, the safety input, the emergency stop."""

from __future__ import annotations

import statistics
from typing import Any

from hil.kits.barrier.papers import pad_angle_deg
from hil.kits.barrier.session import BarrierSession
from hil.kits.barrier.view import (
    OPEN_DEG,
    STILL_DEG,
    BarrierView,
    dwell,
    is_open,
    lowest,
    rest,
    sink_deg,
    travel_deg,
)
from hil.measurement import Measurement, at_least, at_most, below
from hil.verdict import Finding, check, decide, inconclusive

from .barrier import suite
from .barrier_motion import SETTLE_S, STOP_LIMIT_S, comes_to_rest

PEAK_LIMIT_N = 400.0
STATIC_LIMIT_N = 150.0
END_LIMIT_N = 25.0
HITS = 3
"""Each point three times (EN 12453 as quoted by test houses: mean of three)."""


@suite.case(start="open", roles=["force_gauge", "inclinometer"], limit_s=900)
async def forces(session: BarrierSession) -> None:
    """Three hits on the norm's instrument at each declared place."""
    gauge = session.require("force_gauge")
    for gap_mm in session.pixit.pad_gaps_mm:
        angle_deg = pad_angle_deg(session.pixit, gap_mm)
        for hit in range(HITS):
            await session.ready("open")
            await gauge.place(angle_deg)
            session.mark("hit")
            await session.command("close")
            await session.watch(session.pixit.closing_s + 6.0, every_s=0.5)
            record = await gauge.read()
            if record is not None:
                session.trace(
                    "instrument",
                    "force",
                    gap_mm=gap_mm,
                    hit=hit,
                    uncertainty_n=gauge.uncertainty_n,
                    peak_n=record.peak_n,
                    after_750ms_n=record.after_750ms_n,
                    end_n=record.end_n,
                    rate_hz=record.rate_hz,
                    samples_n=[round(n, 1) for n in record.samples_n],
                )
            await gauge.remove()


def _hits(view: BarrierView) -> list[dict[str, Any]]:
    return [record.payload for record in view.of("force")]


def _points(view: BarrierView) -> list[list[dict[str, Any]]]:
    """The hits, grouped by the place of the instrument."""
    gaps = list(dict.fromkeys(hit["gap_mm"] for hit in _hits(view)))
    return [[hit for hit in _hits(view) if hit["gap_mm"] == gap] for gap in gaps]


def _too_few(view: BarrierView) -> Finding | None:
    points = _points(view)
    if len(points) == len(view.pixit.pad_gaps_mm) and all(len(p) == HITS for p in points):
        return None
    return inconclusive(f"{len(_hits(view))} hits recorded; {HITS} at each place are needed")


@suite.judge("BAR-SAF-01", case="forces")
def peak_force(view: BarrierView) -> Finding:
    """Mean of three at most 400 N."""
    measured = []
    for point in _points(view):
        peaks = [float(hit["peak_n"]) for hit in point]
        measured.append(
            Measurement(
                f"peak force at {point[0]['gap_mm']:g} mm",
                statistics.fmean(peaks),
                "N",
                at_most(PEAK_LIMIT_N),
                float(point[0]["uncertainty_n"]),
                "guarded",
                tuple(peaks),
            )
        )
    return _too_few(view) or decide("below the limit", "the peak force is too high", *measured)


@suite.judge("BAR-SAF-02", case="forces")
def force_after_750ms(view: BarrierView) -> Finding:
    """Below 150 N from 0.75 s on, in every hit."""
    measured = []
    for point in _points(view):
        forces = [float(hit["after_750ms_n"]) for hit in point]
        measured.append(
            Measurement(
                f"force after 0.75 s at {point[0]['gap_mm']:g} mm",
                max(forces),
                "N",
                below(STATIC_LIMIT_N),
                float(point[0]["uncertainty_n"]),
                "guarded",
                tuple(forces),
            )
        )
    return _too_few(view) or decide("below the limit", "the arm goes on pressing", *measured)


@suite.judge("BAR-SAF-03", case="forces")
def residual_force(view: BarrierView) -> Finding:
    """At most 25 N at the end of the record."""
    measured = []
    for point in _points(view):
        ends = [float(hit["end_n"]) for hit in point]
        measured.append(
            Measurement(
                f"force after 5 s at {point[0]['gap_mm']:g} mm",
                max(ends),
                "N",
                at_most(END_LIMIT_N),
                0.05 * END_LIMIT_N,
                "simple",
                tuple(ends),
            )
        )
    return _too_few(view) or decide("free", "somebody stays trapped", *measured)


OBSTACLE_DEG = 20.0
NEAR_DEG = 1.5
"""An arm this near to its lowest point is still on the obstacle."""
LEAVE_LIMIT_S = 1.0


@suite.case(start="open", roles=["stimulus", "inclinometer"])
async def obstacle(session: BarrierSession) -> None:
    """Close onto something rigid."""
    await session.require("stimulus").place_obstacle(OBSTACLE_DEG)
    session.trace("stimulus", "obstacle", angle_deg=OBSTACLE_DEG)
    await session.sample()
    session.mark("commanded")
    await session.command("close")
    await session.watch(2 * session.pixit.closing_s + 5.0)
    session.mark("over")
    await session.require("stimulus").remove_obstacle()


@suite.judge("BAR-SAF-04", case="obstacle")
def reverses_on_an_obstacle(view: BarrierView) -> Finding:
    """Off within 1 s, and away by at least 10°."""
    samples = view.truth_between("commanded", "over")
    if len(samples) < 5:
        return inconclusive("the true angle was not recorded")
    least = min(sample.deg for sample in samples)
    if least > OBSTACLE_DEG + 10.0:
        return inconclusive(f"the arm came down to {least:.0f}° only, not to the obstacle")
    stay = dwell(samples, least + NEAR_DEG)
    left_s = max(sample.t_s for sample in samples if sample.deg <= least + NEAR_DEG)
    away = max(sample.deg for sample in samples if sample.t_s >= left_s) - least
    risen = Measurement("rise after contact", away, "°", at_least(10.0), view.angle_uncertainty_deg)
    stayed = Measurement(
        "time on the obstacle", stay.t_s, "s", at_most(LEAVE_LIMIT_S), stay.uncertainty_s
    )
    return decide("reversed", "did not leave the obstacle as it should", risen, stayed)


@suite.case(start="open", roles=["stimulus", "inclinometer"])
async def occupied(session: BarrierSession) -> None:
    """Close with the safety input active, then release it."""
    await session.set_input("safety", True)
    await session.watch(0.5)
    session.mark("commanded")
    await session.command("close")
    await session.watch(session.pixit.closing_s + 2.0)
    session.mark("released")
    await session.set_input("safety", False)
    await session.watch(SETTLE_S)


@suite.judge("BAR-SAF-05", case="occupied")
def no_start_onto_an_occupied_lane(view: BarrierView) -> Finding:
    """No downward motion while the input is active."""
    samples = view.truth_between("commanded", "released")
    if len(samples) < 5 or not view.commands("close"):
        return inconclusive("the close command or the angle were not recorded")
    if not is_open(samples[0].deg):
        return inconclusive(f"the arm stood at {samples[0].deg:.0f}° to begin with")
    sunk = sink_deg(samples)
    return check(sunk <= STILL_DEG, "the arm stayed up", f"the arm went down by {sunk:.0f}°")


@suite.case(start="open", roles=["stimulus", "inclinometer"])
async def safety_during_closing(session: BarrierSession) -> None:
    """The safety input becomes active during closing; later it is released."""
    await session.sample()
    await session.command("close")
    await session.watch(
        2 * session.pixit.closing_s,
        lambda: session.deg is not None and session.deg < OPEN_DEG * 0.6,
    )
    session.mark("active")
    await session.set_input("safety", True)
    await session.watch_closely(1.0)
    await session.watch(2 * session.pixit.opening_s + 2.0)
    session.mark("released")
    await session.set_input("safety", False)
    await session.watch(SETTLE_S)
    session.mark("over")


@suite.judge("BAR-SAF-06", case="safety_during_closing")
def safety_input_ends_downward_motion(view: BarrierView) -> Finding:
    """No lower after 0.5 s than at 0.5 s."""
    began, samples = view.mark("active"), view.truth_between("active", "released")
    before = [s for s in view.truth if began is not None and s.t_s <= began]
    if began is None or len(samples) < 5:
        return inconclusive("the true angle was not recorded")
    if sink_deg(before) < 10.0:
        return inconclusive("the arm was not closing when the input became active")
    least, ended = min(sample.deg for sample in samples), lowest(samples)
    taken = Measurement(
        "time until downward motion ended",
        ended.t_s - began,
        "s",
        at_most(STOP_LIMIT_S),
        ended.uncertainty_s,
    )
    return decide(f"turned or stopped at {least:.0f}°", "went on down", taken)


@suite.judge("BAR-SAF-07", case="safety_during_closing")
def release_of_the_safety_input_moves_nothing(view: BarrierView) -> Finding:
    """No downward motion by itself within 5 s."""
    samples = view.truth_between("released", "over")
    if len(samples) < 5:
        return inconclusive("the true angle was not recorded")
    sunk = sink_deg(samples)
    return check(
        sunk <= STILL_DEG,
        "nothing moved down",
        f"moved down by {sunk:.0f}° after the input was released",
    )


@suite.case(start="closed", roles=["stimulus", "inclinometer"])
async def emergency_stop(session: BarrierSession) -> None:
    """Emergency stop during opening, commands while it is active, then release."""
    await session.sample()
    await session.command("open")
    await session.watch(
        2 * session.pixit.opening_s, lambda: session.deg is not None and session.deg > OPEN_DEG / 3
    )
    session.mark("stopped")
    await session.set_input("emergency_stop", True)
    await session.watch_closely(1.5)
    session.mark("held")
    for order in ("open", "close"):
        await session.command(order)
        await session.watch(2.0)
    session.mark("released")
    await session.set_input("emergency_stop", False)
    await session.watch(SETTLE_S)
    session.mark("over")


@suite.judge("BAR-SAF-08", case="emergency_stop")
def emergency_stop_stops(view: BarrierView) -> Finding:
    """At rest within 0.5 s."""
    return comes_to_rest(view, "stopped", "held", STOP_LIMIT_S)


def _rests(view: BarrierView, start: str, end: str, what: str) -> Finding:
    samples = view.truth_between(start, end)
    if len(samples) < 5:
        return inconclusive("the true angle was not recorded")
    if rest(view.truth_between("stopped", "held")) is None:
        return inconclusive("the arm was not at rest to begin with")
    moved = travel_deg(samples)
    return check(moved <= STILL_DEG, "nothing moved", f"{what} the arm moved by {moved:.0f}°")


@suite.judge("BAR-SAF-09", case="emergency_stop")
def emergency_stop_holds(view: BarrierView) -> Finding:
    """Commands move nothing."""
    if not view.commands("close"):
        return inconclusive("no command was given while the emergency stop was active")
    return _rests(view, "held", "released", "with the emergency stop active")


@suite.judge("BAR-SAF-10", case="emergency_stop")
def release_of_the_emergency_stop_moves_nothing(view: BarrierView) -> Finding:
    """Nothing moves for 5 s."""
    return _rests(view, "released", "over", "after the release of the emergency stop")
