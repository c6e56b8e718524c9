"""A GNSS receiver: several clients, slow and noisy ones, and a power cut."""

from __future__ import annotations

from itertools import pairwise

from hil.kits.gnss.session import GnssSession
from hil.kits.gnss.view import GnssView
from hil.kits.gnss.wire import MAIN
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive, passed

from .gnss import FEW, suite
from .gnss_sky import GAP_STEPS

TOGETHER_S = 5.0
SLOW_S = 30.0
FREE_LIMIT_S = 5.0
NOISE = (
    b"\x00\xff\xfe garbage \r\n",
    b"$GNGGA,000000.00,,,,,0,,,,,,,,*00\r\n",
    b"$" * 500 + b"\r\n",
    bytes(range(256)),
    b"GET / HTTP/1.1\r\n\r\n",
)
NEAR_M = 10.0
"""A place nearer than this to where the antenna rests is no old one; it was moved by 50 m."""
AWAY_M = 50.0


@suite.case(start="fixed", limit_s=180)
async def clients(session: GnssSession) -> None:
    """All places are taken; one comes too many; all go at once, and one comes again."""
    labels = [f"c{number}" for number in range(session.pics.max_connections - 1)]
    for label in labels:
        await session.listen(label)
    await session.pause(2.0)
    session.mark("together")
    await session.pause(TOGETHER_S)
    session.mark("crowded")
    await session.listen("extra")
    await session.pause(TOGETHER_S)
    session.mark("over")
    if session.wire.main is not None:
        session.wire.main.close(abort=True)
    session.disconnect()
    await session.pause(FREE_LIMIT_S)
    await session.listen("again")
    await session.pause(2.0)


def _lines(view: GnssView, label: str, start: str, end: str) -> list[bytes]:
    return [piece.data for piece in view.between(view.pieces(label), start, end)]


def _labels(view: GnssView) -> list[str]:
    return [MAIN, *(f"c{number}" for number in range(view.pics.max_connections - 1))]


@suite.judge("GNS-CON-01", case="clients")
def every_client_gets_everything(view: GnssView) -> Finding:
    """As many as are declared, all the same."""
    most = max((_lines(view, one, "together", "crowded") for one in _labels(view)), key=len)
    if len(most) < FEW:
        return inconclusive("nobody got anything")
    without = [one for one in _labels(view) if not _lines(view, one, "together", "crowded")]
    if without:
        return failed(f"got nothing: {', '.join(without)}")
    # an epoch may be cut in two by the mark for one client and not for another
    room = len(view.pics.sentences) + 1
    fewer = [one for one in _labels(view)
             if len(set(most) - set(_lines(view, one, "together", "crowded"))) > room]  # fmt: skip
    return check(not fewer, f"{len(_labels(view))} clients", f"got less: {', '.join(fewer)}")


@suite.judge("GNS-CON-02", case="clients")
def one_too_many_does_no_harm(view: GnssView) -> Finding:
    """Refused or served, the others go on."""
    if view.mark("over") is None or not any(
        r.payload.get("label") == "extra" for r in view.records
    ):
        return inconclusive("nobody came too many")
    return _go_on(view, _labels(view), "crowded", "over", TOGETHER_S)


def _go_on(view: GnssView, labels: list[str], start: str, end: str, lasts_s: float) -> Finding:
    """Each of them gets epochs all the time."""
    begin_s, end_s = view.mark(start), view.mark(end)
    if begin_s is None or end_s is None:
        return inconclusive("it did not happen")
    worst_s, who = 0.0, ""
    for label in labels:
        times = [epoch.t_s for epoch in view.between(view.epochs(label), start, end)]
        points = [begin_s, *times, end_s]
        gap_s = max(b - a for a, b in pairwise(points))
        worst_s, who = max((worst_s, who), (gap_s, label))
    limit = at_most(max(GAP_STEPS * view.step_s, 1.0))
    measured = Measurement("longest silence", worst_s, "s", limit, 0.0, "simple")
    return decide(f"{len(labels)} go on for {lasts_s:g} s", f"{who} was left silent", measured)


@suite.judge("GNS-CON-03", case="clients")
def dead_clients_free_their_places(view: GnssView) -> Finding:
    """Five seconds after all are gone."""
    if not any(r.payload.get("label") == "again" for r in view.records):
        return inconclusive("nobody came again")
    return check(bool(view.pieces("again")), "served again", "a new client gets nothing")


@suite.case(start="fixed", limit_s=180)
async def slow(session: GnssSession) -> None:
    """A second client connects and takes nothing off the wire."""
    await session.listen("slow", reads=False)
    session.mark("slow")
    await session.pause(SLOW_S)
    session.mark("over")


@suite.judge("GNS-CON-04", case="slow")
def a_slow_client_stalls_nobody(view: GnssView) -> Finding:
    """The other one gets every epoch in time."""
    if not any(r.payload.get("label") == "slow" and r.kind == "raw.open" for r in view.records):
        return inconclusive("the slow client was not let in")
    return _go_on(view, [MAIN], "slow", "over", SLOW_S)


@suite.case(start="fixed", limit_s=180)
async def noise(session: GnssSession) -> None:
    """A client sends garbage, a sentence, 500 dollar signs, a request for a page."""
    feed = await session.listen("noise")
    await session.pause(1.0)
    session.mark("noise")
    for data in NOISE:
        feed.send(data)
        await session.pause(1.0)
    session.mark("over")


@suite.judge("GNS-CON-05", case="noise")
def noise_does_no_harm(view: GnssView) -> Finding:
    """Nobody's sentences change or stop."""
    if not any(r.kind == "raw.tx" for r in view.records):
        return inconclusive("nothing was sent")
    return _go_on(view, [MAIN], "noise", "over", float(len(NOISE)))


# ---------------------------------------------------------------- recovery


@suite.case(start="fixed", roles=["power", "sky"], limit_s=900)
async def power_cut(session: GnssSession) -> None:
    """The power goes; the antenna is moved by fifty metres; the power returns."""
    session.mark("cut")
    await session.power(False)
    session.disconnect()
    await session.sky("drive", session.pixit.speed_m_s, session.pixit.course_deg)
    await session.pause(AWAY_M / session.pixit.speed_m_s)
    await session.sky("drive", 0.0, 0.0)
    session.mark("returned")
    await session.power(True)
    if await session.reconnect(2 * session.pixit.start_up_s + 5.0):
        session.mark("served")
        await session.settled(2 * session.pixit.best_s + 5.0)
        session.mark("settled")
        await session.pause(2.0)


@suite.judge("GNS-REC-01", case="power_cut")
def it_sends_in_time(view: GnssView) -> Finding:
    """The first sentence within the declared start-up time."""
    returned_s = view.mark("returned")
    if returned_s is None:
        return inconclusive("the power was not given back")
    after = [piece.t_s for piece in view.pieces() if piece.t_s >= returned_s]
    if not after:
        return failed("never sent anything after the power returned")
    limit = at_most(view.pixit.start_up_s)
    spread_s = view.time_uncertainty_s
    measured = Measurement("start-up", after[0] - returned_s, "s", limit, spread_s, "simple")
    return decide("sends", "sends too late", measured)


@suite.judge("GNS-REC-02", case="power_cut")
def nothing_is_said_of_before(view: GnssView) -> Finding:
    """Every place after the start is near the one at which it settles."""
    after = [e for e in view.between(view.whole(), "served") if e.place is not None]
    settled = [e for e in view.between(after, "settled") if e.quality == view.best]
    if len(settled) < FEW:
        return inconclusive("it did not settle after the power returned")
    end = settled[-1].place
    assert end is not None
    rest = view.local(end)
    before = [e for e in view.whole() if e.place is not None and e.quality == view.best]
    here_m = view.apart_m(before[0]) if before else None
    if here_m is None or (rest.east_m**2 + rest.north_m**2) ** 0.5 < here_m + 2 * NEAR_M:
        return inconclusive("the antenna was not moved while the power was off")
    for epoch in after:
        assert epoch.place is not None
        at = view.local(epoch.place)
        apart_m = ((at.east_m - rest.east_m) ** 2 + (at.north_m - rest.north_m) ** 2) ** 0.5
        if apart_m > NEAR_M:
            return failed(f"after the start it says to be {apart_m:.1f} m from where it is")
    return passed(f"{len(after)} places after the start")
