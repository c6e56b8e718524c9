"""A GNSS receiver: what it says when signals or corrections are lost, and when they come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from hil.kits.gnss.session import GnssSession
from hil.kits.gnss.view import Epoch, GnssView
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive, passed

from .gnss import FEW, suite

OUTAGE_S = 20.0
GAP_STEPS = 3
"""Steps of silence that are more than a late epoch."""

_MODES = {0: "N", 1: "A", 2: "D", 4: "R", 5: "F"}
"""FAA mode letters for the qualities of GGA (NMEA 0183 v4.11)."""


@suite.case(start="fixed", roles=["sky"], limit_s=900)
async def outage(session: GnssSession) -> None:
    """All signals are gone for twenty seconds, and come back."""
    await session.pause(1.0)
    await session.sky("signal", False)
    session.mark("lost")
    await session.pause(session.pixit.outage_s + OUTAGE_S)
    session.mark("before")
    await session.sky("signal", True)
    session.mark("back")
    await session.settled(2 * session.pixit.best_s + 5.0)
    await session.pause(2.0)
    session.mark("end")


def _seen(view: GnssView, start: str, end: str) -> list[Epoch]:
    return view.between(view.whole(), start, end)


def _silent(view: GnssView) -> list[Epoch]:
    """The epochs in which it has to know that there is nothing."""
    lost_s = view.mark("lost")
    if lost_s is None:
        return []
    return [e for e in _seen(view, "lost", "before") if e.t_s >= lost_s + _told_s(view)]


def _told_s(view: GnssView) -> float:
    return view.pixit.outage_s + view.pixit.latency_s + view.step_s


@suite.judge("GNS-SEN-05", case="outage")
def quality_status_and_mode_agree(view: GnssView) -> Finding:
    """In every epoch, whatever its quality."""
    epochs = [epoch for epoch in view.whole() if "GGA" in epoch.got and "RMC" in epoch.got]
    if len({epoch.quality for epoch in epochs}) < 2:
        return inconclusive("only one quality was seen")
    for epoch in epochs:
        if problem := _disagreement(view, epoch):
            return failed(f"GGA quality {epoch.quality}, {problem}")
    said = sorted({epoch.quality for epoch in epochs})
    return passed(f"{len(epochs)} epochs of the qualities {', '.join(map(str, said))}")


def _disagreement(view: GnssView, epoch: Epoch) -> str:
    if epoch.quality not in _MODES:
        return "which is none of 0, 1, 2, 4, 5"
    letter = _MODES[epoch.quality]
    if view.pics.nmea_version == "2.3" and letter in "RF":
        letter = "D"
    status = "V" if epoch.quality == 0 else "A"
    said = [
        ("RMC status", epoch.text("RMC", 1), status),
        ("RMC mode", epoch.text("RMC", 11), letter),
    ]
    if "VTG" in epoch.got:
        said.append(("VTG mode", epoch.text("VTG", 8), letter))
    if "GSA" in epoch.got:
        none = epoch.quality == 0
        said.append(("GSA fix", str(epoch.text("GSA", 1) == "1"), str(none)))
    return ", ".join(f"{name} {got!r}" for name, got, wanted in said if got != wanted)


@suite.judge("GNS-FIX-01", case="outage")
def a_loss_is_told_in_time(view: GnssView) -> Finding:
    """Quality 0 within the declared time."""
    return _told(view, "lost", "before", lambda e: e.quality == 0, "quality 0", view.pixit.outage_s)


def _told(
    view: GnssView, start: str, end: str, right: Callable[[Epoch], bool], what: str, limit_s: float
) -> Finding:
    began_s = view.mark(start)
    if began_s is None or view.mark(end) is None:
        return inconclusive("it did not happen")
    if not view.instant:
        return inconclusive("a person's instants are not known; let a simulator play the sky")
    first = next((e for e in _seen(view, start, end) if right(e)), None)
    if first is None:
        return failed(f"never {what}")
    # what was true at an epoch is known after the latency; an epoch is a step of the measurement
    spread_s = view.step_s + view.pixit.latency_s
    limit = at_most(limit_s + spread_s)
    measured = Measurement(f"{what} after", first.t_s - began_s, "s", limit, 0.0, "simple")
    return decide(f"{what} in time", f"{what} too late", measured)


@suite.judge("GNS-FIX-02", case="outage")
def sentences_go_on_without_signals(view: GnssView) -> Finding:
    """At the declared rate, whole."""
    lost, before = view.mark("lost"), view.mark("before")
    if lost is None or before is None:
        return inconclusive("the signals were not lost")
    epochs = _seen(view, "lost", "before")
    times = [lost, *(epoch.t_s for epoch in epochs), before]
    longest = max(b - a for a, b in pairwise(times))
    limit = at_most(GAP_STEPS * view.step_s)
    measured = Measurement("longest silence", longest, "s", limit, 0.0, "simple")
    missing = {n for e in epochs for n in view.pics.sentences if n not in e.got}
    if missing:
        return failed(f"without signals it leaves out {', '.join(sorted(missing))}", measured)
    return decide(f"{len(epochs)} epochs", "it falls silent without signals", measured)


@suite.judge("GNS-FIX-03", case="outage")
def no_place_without_a_fix(view: GnssView) -> Finding:
    """Empty fields, so that nobody takes an old place for a new one."""
    epochs = [epoch for epoch in _silent(view) if epoch.quality == 0]
    if len(epochs) < FEW:
        return inconclusive(f"only {len(epochs)} epochs with quality 0")
    for epoch in epochs:
        filled = [f"GGA {epoch.text('GGA', n)}" for n in (1, 3, 8) if epoch.text("GGA", n)]
        filled += [f"RMC {epoch.text('RMC', n)}" for n in (2, 4, 6) if epoch.text("RMC", n)]
        if filled:
            return failed(f"without a fix it says {', '.join(filled)}")
    return passed(f"{len(epochs)} epochs without a place")


@suite.judge("GNS-FIX-04", case="outage")
def the_first_place_comes_in_time(view: GnssView) -> Finding:
    """After the signals are back."""
    limit_s = view.pixit.first_fix_s
    return _told(view, "back", "end", lambda e: e.quality > 0, "a place", limit_s)


@suite.judge("GNS-FIX-05", case="outage")
def the_best_quality_comes_in_time(view: GnssView) -> Finding:
    """After the signals are back."""
    what = f"quality {view.best}"
    return _told(view, "back", "end", lambda e: e.quality == view.best, what, view.pixit.best_s)


# ---------------------------------------------------------------- corrections


@suite.case(start="fixed", roles=["sky"], limit_s=1500)
async def corrections(session: GnssSession) -> None:
    """The reference station is silent for longer than its data are good."""
    await session.sky("corrections", False)
    session.mark("lost")
    await session.pause(session.pixit.correction_limit_s + 10.0)
    session.mark("end")
    await session.sky("corrections", True)


def _helped(quality: int) -> bool:
    return quality in (2, 4, 5)


@suite.judge("GNS-FIX-06", case="corrections")
def old_corrections_are_not_used(view: GnssView) -> Finding:
    """Neither differential nor RTK beyond the declared age."""
    lost_s = view.mark("lost")
    if lost_s is None or view.mark("end") is None:
        return inconclusive("the corrections were not lost")
    late = [e for e in _seen(view, "lost", "end")
            if e.t_s > lost_s + view.pixit.correction_limit_s + _told_s(view)]  # fmt: skip
    if len(late) < FEW:
        return inconclusive(f"only {len(late)} epochs after the corrections had become too old")
    wrong = [epoch for epoch in late if _helped(epoch.quality)]
    limit_s = view.pixit.correction_limit_s
    return check(not wrong, f"not used after {limit_s:g} s",
                 f"quality {wrong[0].quality if wrong else ''} {limit_s:g} s after the last "
                 "correction")  # fmt: skip


@suite.judge("GNS-FIX-07", case="corrections")
def the_age_is_told(view: GnssView) -> Finding:
    """GGA's age grows second by second while they are used."""
    lost_s = view.mark("lost")
    helped = [e for e in _seen(view, "lost", "end") if _helped(e.quality)]
    if lost_s is None or len(helped) < FEW:
        return inconclusive("no epoch used corrections after they were lost")
    ages = _ages(helped)
    if len(ages) < len(helped):
        return failed(f"{len(helped) - len(ages)} epochs use corrections and say no age")
    grown = ages[-1] - ages[0]
    passed_s = helped[-1].t_s - helped[0].t_s
    if passed_s < 5.0:
        return inconclusive(f"corrections were used for {passed_s:.1f} s only")
    off_s = abs(grown - passed_s)
    limit = at_most(2.0)  # an age is often said in whole seconds, and the last data may come late
    measured = Measurement("age against time", off_s, "s", limit, 0.0, "simple")
    return decide("the age grows", f"in {passed_s:.1f} s the age grew by {grown:.1f} s", measured)


def _ages(epochs: Sequence[Epoch]) -> list[float]:
    return [age for epoch in epochs if (age := epoch.number("GGA", 12)) is not None]
