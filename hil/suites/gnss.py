"""A GNSS receiver: the form of its sentences, their order and rate, and time."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Callable

from hil import nmea
from hil.kits.gnss.papers import GnssPics, GnssPixit
from hil.kits.gnss.session import GnssSession
from hil.kits.gnss.view import Epoch, GnssView
from hil.measurement import Measurement, at_most, between
from hil.suite import Suite
from hil.verdict import Finding, check, decide, failed, inconclusive, passed

suite = Suite[GnssSession, GnssView](
    "gnss",
    "1.0",
    view=GnssView,
    pics=GnssPics,
    pixit=GnssPixit,
    declaration="GNS-DOC-01",
)

FEW = 5
"""Epochs that a judgement needs."""
STREAM_S = 30.0
BOUNDARY_SHARE = 0.2
"""Of the last decimal: so far below a whole degree the antenna is put, so that it is rounded up."""
RIGHT_S = 2.0
"""A time of day that is further off is wrong, not late."""


@suite.case()
async def declaration(session: GnssSession) -> None:
    """Whatever comes, long enough for ten epochs."""
    await session.pause(max(3.0, 10 / session.pics.rate_hz))


@suite.judge("GNS-DOC-01", case="declaration")
def the_pics_is_true(view: GnssView) -> Finding:
    """What is declared comes, and nothing else."""
    seen = {sentence.formatter for piece in view.pieces() if (sentence := nmea.parse(piece.data))}
    if not view.pieces():
        return inconclusive("nothing came")
    wanted = set(view.pics.sentences)
    if not {"GGA", "RMC"} <= wanted:
        return failed("GGA and RMC have to be declared: without them there is neither quality nor "
                      "date")  # fmt: skip
    missing, more = sorted(wanted - seen), sorted(seen - wanted)
    wrong = [f"declared and never sent: {', '.join(missing)}"] if missing else []
    wrong += [f"sent and not declared: {', '.join(more)}"] if more else []
    return check(not wrong, "as declared", "; ".join(wrong))


# ---------------------------------------------------------------- form


@suite.case(start="fixed", roles=["sky"], limit_s=300)
async def stream(session: GnssSession) -> None:
    """Half a minute at rest on the surveyed point."""
    await session.tell_time()
    session.mark("begin")
    await session.pause(STREAM_S)
    session.mark("end")


def _each(view: GnssView, wrong: Callable[[bytes], str], good: str) -> Finding:
    pieces = view.pieces()
    if len(pieces) < FEW * len(view.pics.sentences):
        return inconclusive(f"only {len(pieces)} lines came")
    for piece in pieces:
        if text := wrong(piece.data):
            return failed(f"{piece.data!r} {text}")
    return passed(f"{len(pieces)} sentences: {good}")


@suite.judge("GNS-FRM-01", case="stream")
def sentences_have_their_form(view: GnssView) -> Finding:
    """`$`, address, fields, checksum, CR LF."""
    return _each(view, nmea.form_problem, "form")


@suite.judge("GNS-FRM-02", case="stream")
def checksums_are_right(view: GnssView) -> Finding:
    """Every one."""
    return _each(view, nmea.checksum_problem, "checksum")


@suite.judge("GNS-FRM-03", case="stream")
def no_sentence_is_too_long(view: GnssView) -> Finding:
    """82 characters with `$`, CR and LF."""
    pieces = view.pieces()
    if len(pieces) < FEW:
        return inconclusive(f"only {len(pieces)} lines came")
    longest = max(len(piece.data) for piece in pieces)
    measured = Measurement("longest sentence", longest, "characters", at_most(nmea.LENGTH_MAX))
    return decide("short enough", "too long", measured)


@suite.judge("GNS-FRM-04", case="stream")
def the_talker_is_declared(view: GnssView) -> Finding:
    """One and the same in all sentences."""
    talkers = {s.talker for piece in view.pieces() if (s := nmea.parse(piece.data))}
    if not talkers:
        return inconclusive("no lawful sentence came")
    said = ", ".join(sorted(talkers))
    return check(talkers == {view.pics.talker}, said, f"{said}, declared: {view.pics.talker}")


@suite.case(start="fixed", roles=["sky"])
async def boundary(session: GnssSession) -> None:
    """The antenna stands just below a whole degree of latitude."""
    north = round(session.pixit.latitude_deg) + (0 if session.pixit.latitude_deg < 0 else 1)
    below_deg = BOUNDARY_SHARE * 10.0**-session.pics.decimals / 60
    await session.sky("place", north - below_deg, session.pixit.longitude_deg)
    await session.pause(1.0)
    session.mark("there")
    await session.pause(5.0)


@suite.judge("GNS-FRM-05", case="boundary")
def angles_have_their_form(view: GnssView) -> Finding:
    """Two and three digits of degrees, minutes below 60, the declared decimals."""
    epochs = view.between(view.whole(), "there")
    if len(epochs) < FEW:
        return inconclusive(f"only {len(epochs)} epochs came")
    decimals = view.pics.decimals
    rounded = False
    for epoch in epochs:
        for formatter, number in (("GGA", 1), ("RMC", 2)):
            texts = ((epoch.text(formatter, number), 2), (epoch.text(formatter, number + 2), 3))
            for text, digits in texts:
                if problem := nmea.angle_problem(text, digits, decimals):
                    return failed(f"{formatter}: {problem}")
        rounded = rounded or float(epoch.text("GGA", 1)[2:]) < 1.0
    return (passed(f"{len(epochs)} epochs at a whole degree") if rounded else
            inconclusive("no latitude was rounded up to the whole degree"))  # fmt: skip


# ---------------------------------------------------------------- order, rate and time


def epochs_of(view: GnssView) -> list[Epoch]:
    """The whole epochs of the case; the first may have begun before we came."""
    return view.between(view.whole(), "begin", "end")


@suite.judge("GNS-SEN-01", case="stream")
def every_epoch_is_whole(view: GnssView) -> Finding:
    """All declared sentences."""
    epochs = epochs_of(view)
    if len(epochs) < FEW:
        return inconclusive(f"only {len(epochs)} epochs came")
    for epoch in epochs:
        missing = [name for name in view.pics.sentences if name not in epoch.got]
        if missing:
            return failed(f"epoch {epoch.text('GGA', 0)} lacks {', '.join(missing)}")
    return passed(f"{len(epochs)} epochs are whole")


@suite.judge("GNS-SEN-02", case="stream")
def epochs_come_at_the_declared_rate(view: GnssView) -> Finding:
    """None is left out, none is between."""
    steps = view.steps_s(epochs_of(view))
    if len(steps) < FEW:
        return inconclusive(f"only {len(steps) + 1} epochs came")
    worst = max(steps, key=lambda step: abs(step - view.step_s))
    limit = between(0.98 * view.step_s, 1.02 * view.step_s)
    measured = Measurement("step that is most wrong", worst, "s", limit, 0.0, "simple")
    return decide(f"{len(steps)} steps", "steps are not those of the declared rate", measured)


@suite.judge("GNS-SEN-03", case="stream")
def one_epoch_one_time(view: GnssView) -> Finding:
    """GGA, RMC and GST say the same."""
    epochs = epochs_of(view)
    if len(epochs) < FEW:
        return inconclusive(f"only {len(epochs)} epochs came")
    for epoch in epochs:
        said = {name: epoch.text(name, 0) for name in ("GGA", "RMC", "GST") if name in epoch.got}
        if len(set(said.values())) > 1:
            return failed(", ".join(f"{name} {text}" for name, text in said.items()))
    return passed(f"{len(epochs)} epochs, each with one time")


@suite.judge("GNS-TIM-01", case="stream")
def time_goes_on(view: GnssView) -> Finding:
    """Each epoch is later than the one before it."""
    steps = view.steps_s(epochs_of(view))
    if len(steps) < FEW:
        return inconclusive(f"only {len(steps) + 1} epochs came")
    wrong = sum(1 for step in steps if step <= 0)
    return check(not wrong, f"{len(steps)} steps forward", f"{wrong} steps not forward")


@suite.judge("GNS-TIM-02", case="stream")
def the_time_is_utc(view: GnssView) -> Finding:
    """Not GPS time, not local time."""
    late = [one for epoch in epochs_of(view) if (one := view.late_s(epoch)) is not None]
    if len(late) < FEW:
        return inconclusive("the true time is not known, or no time came")
    usual = statistics.median(late)
    measured = Measurement("difference from UTC", usual, "s", between(-RIGHT_S, RIGHT_S), 0.1)
    return decide("UTC", "not UTC", measured)


@suite.judge("GNS-TIM-03", case="stream")
def the_date_is_right(view: GnssView) -> Finding:
    """That of the true time."""
    epochs = epochs_of(view)
    seen = [(nmea.date(e.text("RMC", 8)), view.true_time(e.t_s)) for e in epochs if "RMC" in e.got]
    if len(seen) < FEW or seen[0][1] is None:
        return inconclusive("the true date is not known, or no RMC came")
    for said, true in seen:
        assert true is not None
        if said not in (true.date(), (true - dt.timedelta(seconds=RIGHT_S)).date()):
            return failed(f"says {said}, it is {true.date()}")
    return passed(f"{seen[0][0]}")


@suite.judge("GNS-TIM-04", case="stream")
def sentences_come_in_time(view: GnssView) -> Finding:
    """99 of 100 epochs within the declared latency, none from the future."""
    late = sorted(one for epoch in epochs_of(view) if (one := view.late_s(epoch)) is not None)
    if len(late) < FEW:
        return inconclusive("the true time is not known, or no time came")
    clock_s = view.pixit.clock_s
    if late[0] < -clock_s - 0.01:
        return failed(f"an epoch came {-late[0]:.3f} s before its own time")
    value = late[min(len(late) - 1, int(0.99 * len(late)))]
    limit = at_most(view.pixit.latency_s)
    measured = Measurement("latency", value, "s", limit, clock_s, "simple")
    busy_s = max((r.payload["late_s"] for r in view.of("overslept")), default=0.0)
    if measured.outcome == "FAIL" and busy_s > view.pixit.latency_s / 2:
        return inconclusive(f"too late, but the bench itself was {busy_s:.2f} s late", measured)
    return decide("in time", "too late", measured)
