"""A GNSS receiver: whether its sentences agree with each other, and with where it is."""

from __future__ import annotations

import math
import statistics

from hil.kits.gnss.session import GnssSession
from hil.kits.gnss.view import Epoch, GnssView
from hil.measurement import Measurement, at_least, at_most, between
from hil.nmea import KNOT_KM_H
from hil.verdict import Finding, decide, failed, inconclusive, passed

from .gnss import FEW, epochs_of, suite

M_S_KNOT = KNOT_KM_H / 3.6
STILL_M_S = 0.1
DRIVE_S = 15.0
COURSE_DEG = 3.0
"""Of the course over ground, at a walking pace and more (u-blox F9 and others state 0.3 to 1°)."""
SPEED_SHARE = 0.03
SIGMAS = 3.0
HONEST_SHARE = 0.95
"""Share of epochs whose error is within three stated deviations; 98.9 % if they are normal."""
SLOTS = 12
"""Satellites that one GSA has room for."""


def _fixed(view: GnssView) -> list[Epoch]:
    """Whole epochs of the best quality, at rest."""
    return [epoch for epoch in epochs_of(view) if epoch.quality == view.best]


@suite.judge("GNS-SEN-07", case="stream")
def stated_deviations_are_honest(view: GnssView) -> Finding:
    """Three of them hold the error in 95 of 100 epochs."""
    rounding_m = 1852 * 10.0**-view.pics.decimals
    held = []
    for epoch in _fixed(view):
        north, east = epoch.number("GST", 5), epoch.number("GST", 6)
        if epoch.place is None or north is None or east is None:
            continue
        at = view.local(epoch.place)
        held.append(
            abs(at.north_m) <= SIGMAS * north + rounding_m
            and abs(at.east_m) <= SIGMAS * east + rounding_m
        )
    if len(held) < FEW:
        return inconclusive(f"only {len(held)} epochs with a place and its deviations")
    share = 100 * sum(held) / len(held)
    limit = at_least(100 * HONEST_SHARE)
    measured = Measurement("within three deviations", share, "%", limit, 0.0, "simple")
    return decide("honest", "the error is larger than it says", measured)


@suite.judge("GNS-SEN-08", case="stream")
def satellites_are_counted_once(view: GnssView) -> Finding:
    """GSA lists as many as GGA counts, unless it has no room for more."""
    epochs = [epoch for epoch in _fixed(view) if "GSA" in epoch.got]
    if len(epochs) < FEW:
        return inconclusive(f"only {len(epochs)} epochs with GSA")
    for epoch in epochs:
        lists = [[text for text in gsa.fields[2 : 2 + SLOTS] if text] for gsa in epoch.got["GSA"]]
        listed, counted = sum(map(len, lists)), epoch.number("GGA", 6)
        full = any(len(one) == SLOTS for one in lists)
        if counted is None or counted < listed or (counted > listed and not full):
            return failed(f"GGA counts {epoch.text('GGA', 6)!r}, GSA lists {listed}")
    return passed(f"{len(epochs)} epochs")


@suite.judge("GNS-ACC-01", case="stream")
def it_is_where_it_says(view: GnssView) -> Finding:
    """95 of 100 epochs within the declared distance of the surveyed point."""
    apart = sorted(m for epoch in _fixed(view) if (m := view.apart_m(epoch)) is not None)
    if len(apart) < FEW:
        return inconclusive(f"only {len(apart)} epochs with quality {view.best}")
    value = apart[min(len(apart) - 1, int(0.95 * len(apart)))]
    limit = at_most(view.pixit.accuracy_m)
    measured = Measurement("distance", value, "m", limit, 0.01, "simple")
    return decide("accurate", "too far from the surveyed point", measured)


@suite.judge("GNS-ACC-02", case="stream")
def height_and_separation_fit(view: GnssView) -> Finding:
    """Their sum is the height above the ellipsoid."""
    ups = sorted(abs(view.local(e.place).up_m) for e in _fixed(view) if e.place is not None)
    if len(ups) < FEW:
        return inconclusive(f"only {len(ups)} epochs with quality {view.best}")
    value = ups[min(len(ups) - 1, int(0.95 * len(ups)))]
    limit = at_most(view.pixit.height_m)
    measured = Measurement("error of the height", value, "m", limit, 0.02, "simple")
    return decide("accurate", "height above the geoid and separation do not fit", measured)


@suite.judge("GNS-ACC-03", case="stream")
def it_stands_still(view: GnssView) -> Finding:
    """No speed at rest."""
    speeds = [knots for e in _fixed(view) if (knots := e.number("RMC", 6)) is not None]
    if len(speeds) < FEW:
        return inconclusive(f"only {len(speeds)} epochs with a speed")
    limit = at_most(STILL_M_S)
    measured = Measurement("highest speed", max(speeds) * M_S_KNOT, "m/s", limit, 0.0, "simple")
    return decide("it stands", "it says that it moves", measured)


# ---------------------------------------------------------------- in motion


@suite.case(start="fixed", roles=["sky"], limit_s=900)
async def drive(session: GnssSession) -> None:
    """Straight on at the declared speed."""
    await session.sky("drive", session.pixit.speed_m_s, session.pixit.course_deg)
    await session.pause(1.0)
    session.mark("begin")
    await session.pause(DRIVE_S)
    session.mark("end")
    await session.sky("drive", 0.0, 0.0)


def _moving(view: GnssView) -> list[Epoch]:
    return [epoch for epoch in epochs_of(view) if epoch.place is not None]


def _far(view: GnssView) -> str:
    """Why nothing can be said of motion; empty if there was enough of it."""
    epochs = _moving(view)
    if len(epochs) < FEW:
        return f"only {len(epochs)} epochs with a place"
    way_m = _way(view, epochs[0], epochs[-1])[0]
    wanted_m = 0.5 * view.pixit.speed_m_s * DRIVE_S
    return "" if way_m >= wanted_m else f"it moved {way_m:.1f} m, wanted are {wanted_m:.0f} m"


def _way(view: GnssView, first: Epoch, last: Epoch) -> tuple[float, float]:
    """Distance, m, and course, degrees, between the places of two epochs."""
    assert first.place is not None
    assert last.place is not None
    a, b = view.local(first.place), view.local(last.place)
    east, north = b.east_m - a.east_m, b.north_m - a.north_m
    return math.hypot(east, north), math.degrees(math.atan2(east, north)) % 360


@suite.judge("GNS-SEN-04", case="drive")
def one_epoch_one_place(view: GnssView) -> Finding:
    """GGA and RMC say the same."""
    if why := _far(view):
        return inconclusive(why)
    epochs = [epoch for epoch in _moving(view) if "RMC" in epoch.got]
    for epoch in epochs:
        gga = [epoch.text("GGA", number) for number in range(1, 5)]
        rmc = [epoch.text("RMC", number) for number in range(2, 6)]
        if gga != rmc:
            return failed(f"GGA {' '.join(gga)}, RMC {' '.join(rmc)}")
    if len(epochs) < FEW:
        return inconclusive(f"only {len(epochs)} epochs with GGA and RMC")
    return passed(f"{len(epochs)} epochs")


@suite.judge("GNS-SEN-06", case="drive")
def speeds_agree(view: GnssView) -> Finding:
    """RMC in knots, VTG in knots and km/h; courses, too."""
    if why := _far(view):
        return inconclusive(why)
    judged = 0
    for epoch in _moving(view):
        knots, vtg, km_h = epoch.number("RMC", 6), epoch.number("VTG", 4), epoch.number("VTG", 6)
        if knots is None or vtg is None or km_h is None:
            continue
        judged += 1
        rmc_kn, vtg_kn = _half(epoch.text("RMC", 6)), _half(epoch.text("VTG", 4))
        room_km_h = KNOT_KM_H * vtg_kn + _half(epoch.text("VTG", 6))
        if abs(knots - vtg) > rmc_kn + vtg_kn or abs(vtg * KNOT_KM_H - km_h) > room_km_h:
            return failed(f"RMC {knots} kn, VTG {vtg} kn and {km_h} km/h")
        if epoch.text("RMC", 7) != epoch.text("VTG", 0):
            return failed(f"course: RMC {epoch.text('RMC', 7)}, VTG {epoch.text('VTG', 0)}")
    if judged < FEW:
        return inconclusive(f"only {judged} epochs with all three speeds")
    return passed(f"{judged} epochs")


def _half(text: str) -> float:
    """Half of the last decimal, and a hair for binary fractions."""
    return 0.5 * 10.0 ** -len(text.partition(".")[2]) + 1e-9


@suite.judge("GNS-ACC-04", case="drive")
def speed_and_course_are_those_of_the_motion(view: GnssView) -> Finding:
    """By the places at its begin and its end."""
    if why := _far(view):
        return inconclusive(why)
    epochs = _moving(view)
    way_m, true_deg = _way(view, epochs[0], epochs[-1])
    lasted_s = sum(view.steps_s(epochs))
    knots = [value for e in epochs if (value := e.number("RMC", 6)) is not None]
    courses = [value for e in epochs if (value := e.number("RMC", 7)) is not None]
    if len(knots) < FEW or len(courses) < FEW or lasted_s <= 0:
        return inconclusive("no speed and course in motion")
    truth = way_m / lasted_s
    off = [(one - true_deg + 180) % 360 - 180 for one in courses]
    wide = between((1 - SPEED_SHARE) * truth, (1 + SPEED_SHARE) * truth)
    measured = (
        Measurement("speed", statistics.fmean(knots) * M_S_KNOT, "m/s", wide, 0.0, "simple"),
        Measurement("course, error", statistics.fmean(off), "°",
                    between(-COURSE_DEG, COURSE_DEG), 0.0, "simple"),
    )  # fmt: skip
    return decide("as it moves", "not as it moves", *measured)
