"""A vehicle: maps on board, and the zones of 3.0."""

from __future__ import annotations

import math
from typing import Any

from hil.kits.igv.orders import Message
from hil.kits.igv.session import IgvSession
from hil.kits.igv.view import IgvView, Said, Seen
from hil.measurement import Measurement, at_least, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive

from .igv import suite

HALF_M = 6.0
"""Half the width of a test zone, across the track."""
NO_MAP = "gatetwin-no-such-map"


@suite.case(limit_s=300)
async def maps(session: IgvSession) -> None:
    """Maps that are not on board are to be used and deleted."""
    offered = session.pics.instant_actions
    for kind in ("enableMap", "deleteMap"):
        if kind in offered:
            await session.step(kind)
            name = await session.now(kind, label=kind, mapId=NO_MAP, mapVersion="0")
            await session.done(name, session.pixit.action_s)
    await session.fresh_state()
    await session.step("end")


@suite.judge("IGV-MAP-01", case="maps")
def the_map_is_enabled(view: IgvView) -> Finding:
    """The map of the test track is listed, and one version of it is ENABLED."""
    states = view.span("end") or view.said
    if not states or view.mark("end") is None:
        return inconclusive("it said nothing")
    found = [
        one
        for one in states[-1].state.get("maps") or ()
        if one.get("mapId") == view.pixit.map_id and one.get("mapStatus") == "ENABLED"
    ]
    return check(len(found) == 1, "ENABLED", f"{len(found)} versions of it are ENABLED")


def _failed(view: IgvView, label: str) -> Finding:
    name = view.action_of(label)
    if not name or view.mark("end") is None:
        return inconclusive("nothing was sent")
    course = view.course(name)
    return check(course[-1:] == ["FAILED"], "FAILED", f"shown as {course or 'nothing'}")


@suite.judge("IGV-MAP-02", case="maps")
def no_unknown_map(view: IgvView) -> Finding:
    """A map that is not on board cannot be used."""
    return _failed(view, "enableMap")


@suite.judge("IGV-MAP-03", case="maps")
def no_unknown_map_is_deleted(view: IgvView) -> Finding:
    """A map that is not on board cannot be deleted."""
    return _failed(view, "deleteMap")


# ---------------------------------------------------------------- zones


def _zone(session: IgvSession, kind: str, **more: Any) -> Message:
    """A rectangle across the track, from its third node to its fourth."""
    (ax, ay), (bx, by) = session.pixit.track[2:4]
    length = math.dist((ax, ay), (bx, by))
    nx, ny = -(by - ay) / length * HALF_M, (bx - ax) / length * HALF_M
    corners = ((ax + nx, ay + ny), (ax - nx, ay - ny), (bx - nx, by - ny), (bx + nx, by + ny))
    vertices = [{"x": x, "y": y} for x, y in corners]
    name = session.orders.name("zone")
    return {"zoneId": name, "zoneType": kind, "vertices": vertices, **more}


async def _use(session: IgvSession, label: str, *zones: Message) -> str:
    """Send a zone set and use it; its id."""
    name = session.orders.name(label)
    session.wire.send("zoneSet", session.orders.zone_set(name, *zones), label)
    await session.settle()
    await session.fresh_state()
    await session.step(f"{label} stored")
    action = await session.now("enableZoneSet", label=f"{label} enable", zoneSetId=name)
    await session.done(action, session.pixit.action_s)
    await session.fresh_state()
    await session.step(f"{label} used")
    return name


async def _clear(session: IgvSession) -> None:
    """No zone on the track any more: a set with one far away."""
    far = [{"x": 1e5 + x, "y": 1e5 + y} for x, y in ((0, 0), (1, 0), (1, 1))]
    zone = {"zoneId": session.orders.name("far"), "zoneType": "BLOCKED", "vertices": far}
    await _use(session, "clear", zone)


@suite.case(roles=["track"], limit_s=600)
async def release_zone(session: IgvSession) -> None:
    """A RELEASE zone across the way; it waits, is granted, and drives through."""
    pixit = session.pixit
    await session.step("begin")
    zone = _zone(session, "RELEASE", releaseLossBehavior="STOP")
    name = session.orders.name("set")
    message = session.orders.zone_set(name, zone)
    session.wire.send("zoneSet", message, "set")
    await session.settle()
    await session.fresh_state()
    await session.step("again")
    session.wire.send("zoneSet", message, "again")
    await session.settle()
    await session.fresh_state()
    await session.step("enable")
    action = await session.now("enableZoneSet", label="enable", zoneSetId=name)
    await session.done(action, pixit.action_s)
    await session.fresh_state()
    await session.step("drive")
    await session.take(session.orders.drive([0, 1, 2, 3, 4]), label="order")
    await session.watch(3 * pixit.leg_s, lambda: False, every_s=0.5)
    await session.fresh_state()
    await session.step("granted")
    for request in session.state.get("zoneRequests", ()):
        answer = session.orders.responses(**{request["requestId"]: "GRANTED"})
        session.wire.send("responses", answer, "grant")
    await session.legs(5)
    await session.fresh_state()
    await session.step("end")
    await _clear(session)


def _sets(said: Said | None, name: str) -> list[str]:
    listed = (said.state.get("zoneSets") or ()) if said is not None else ()
    return [str(one.get("zoneSetStatus")) for one in listed if one.get("zoneSetId") == name]


def _set_id(view: IgvView, label: str = "set") -> str:
    sent = view.ours(label)
    return str(sent.message["zoneSet"]["zoneSetId"]) if sent is not None and sent.message else ""


@suite.judge("IGV-ZON-01", case="release_zone")
def a_set_comes_disabled(view: IgvView) -> Finding:
    """A new zone set is listed, DISABLED."""
    name, states = _set_id(view), view.span("begin", "again")
    if not name or not states or view.mark("again") is None:
        return inconclusive("no zone set was sent")
    shown = _sets(states[-1], name)
    return check(shown == ["DISABLED"], "DISABLED", f"shown as {shown}")


@suite.judge("IGV-ZON-02", case="release_zone")
def a_set_is_sent_once(view: IgvView) -> Finding:
    """A zone set that it has already is answered with an error."""
    if view.ours("again") is None or view.mark("enable") is None:
        return inconclusive("no zone set was sent")
    types = [one.get("errorType") for one in view.new_errors("again", "enable")]
    return check(view.word("duplicate_zone_set") in types, "refused", f"reported as {types}")


@suite.judge("IGV-ZON-03", case="release_zone")
def a_set_is_enabled(view: IgvView) -> Finding:
    """After enableZoneSet it is ENABLED."""
    name, states = _set_id(view), view.span("enable", "drive")
    if not view.action_of("enable") or not states or view.mark("drive") is None:
        return inconclusive("nothing was enabled")
    shown = _sets(states[-1], name)
    return check(shown == ["ENABLED"], "ENABLED", f"shown as {shown}")


def _front_m(view: IgvView, seen: list[Seen]) -> float:
    """How far its front came along the track."""
    return max(view.along_m(one) for one in seen) + view.pixit.length_m / 2


@suite.judge("IGV-ZON-04", case="release_zone")
def no_entry_without_grant(view: IgvView) -> Finding:
    """It does not enter the zone before it is granted."""
    seen = view.true_span("drive", "granted")
    if not seen or view.mark("granted") is None or not any(o.speed_m_s > 0.02 for o in seen):
        return inconclusive("it did not drive")
    front = Measurement("front", _front_m(view, seen), "m", at_most(view.node_m(2)), rule="simple")
    return decide("it waits before the zone", "it is in the zone", front)


@suite.judge("IGV-ZON-05", case="release_zone")
def it_asks_for_access(view: IgvView) -> Finding:
    """While it waits, the state has a request for the zone."""
    states, sent = view.span("drive", "granted"), view.ours("set")
    if not states or sent is None or sent.message is None or view.mark("granted") is None:
        return inconclusive("it did not wait")
    zone = sent.message["zoneSet"]["zones"][0]["zoneId"]
    found = [o for o in states[-1].state.get("zoneRequests") or () if o.get("zoneId") == zone]
    status = [one.get("requestStatus") for one in found]
    return check(status == ["REQUESTED"], "REQUESTED", f"zoneRequests: {status}")


@suite.judge("IGV-ZON-06", case="release_zone")
def a_grant_lets_in(view: IgvView) -> Finding:
    """Granted, it drives through to its end; then the request is gone."""
    states = view.span("granted", "end")
    if view.ours("grant") is None or not states or view.mark("end") is None:
        return inconclusive("nothing was granted")
    last = states[-1]
    if last.at != 8:
        return failed(f"it is at sequenceId {last.at}, not at 8")
    left = [one.get("requestStatus") for one in last.state.get("zoneRequests") or ()]
    return check(not left, "through", f"zoneRequests behind the zone: {left}")


@suite.case(roles=["track"], limit_s=600)
async def other_zones(session: IgvSession) -> None:
    """A zone that limits speed is driven through; then it is a BLOCKED one."""
    slow = session.pixit.slow_m_s
    if "SPEED_LIMIT" in session.pics.zones:
        await _use(session, "slow", _zone(session, "SPEED_LIMIT", maximumSpeed=slow))
        await session.step("slow drive")
        await session.take(session.orders.drive([0, 1, 2, 3, 4]))
        length_m = session.pixit.length_m + math.dist(*session.pixit.track[2:4])
        await session.until(lambda: session.idle, 4 * session.pixit.leg_s + 2 * length_m / slow)
        await session.step("slow end")
        await _clear(session)
        await session.ready("any")
    if "BLOCKED" in session.pics.zones:
        await _use(session, "blocked", _zone(session, "BLOCKED"))
        await session.step("blocked drive")
        await session.take(session.orders.drive([0, 1, 2, 3, 4]))
        await session.watch(3 * session.pixit.leg_s, every_s=0.5)
        await session.step("blocked end")
        await session.cancel()
        await _clear(session)


@suite.judge("IGV-ZON-07", case="other_zones")
def a_zone_limits_speed(view: IgvView) -> Finding:
    """With any part of it in the zone, it is no faster than the zone allows."""
    seen, half = view.true_span("slow drive", "slow end"), view.pixit.length_m / 2
    low, high = view.node_m(2) - half, view.node_m(3) + half
    inside = [one for one in seen if low < view.along_m(one) < high]
    if not inside or max(one.speed_m_s for one in seen) == 0.0:
        return inconclusive("it did not drive through")
    top = max(one.speed_m_s for one in inside)
    limit = at_most(view.pixit.slow_m_s * 1.05)  # 5 % for the tracker
    return decide("slow enough", "too fast", Measurement("speed", top, "m/s", limit, rule="simple"))


@suite.judge("IGV-ZON-08", case="other_zones")
def a_blocked_zone_is_not_entered(view: IgvView) -> Finding:
    """It does not enter a BLOCKED zone."""
    seen = view.true_span("blocked drive", "blocked end")
    if not seen or view.mark("blocked end") is None:
        return inconclusive("no BLOCKED zone was used")
    room = view.node_m(2) - _front_m(view, seen)
    return decide(
        "it stays outside",
        "it is in the zone",
        Measurement("distance to the zone", room, "m", at_least(0.0), rule="simple"),
    )
