"""A map service: who gets in, what wrong requests get, many vehicles at once, a restart."""

from __future__ import annotations

import asyncio
import json

from hil.kits.map_service.papers import MapServicePics, MapServicePixit
from hil.kits.map_service.session import MapServiceSession, MapServiceView, entries
from hil.kits.map_service.wire import LIST
from hil.measurement import Measurement, at_most
from hil.suite import Suite
from hil.verdict import Finding, check, decide, failed, inconclusive, passed

suite = Suite[MapServiceSession, MapServiceView](
    "map-service",
    "1.0",
    view=MapServiceView,
    pics=MapServicePics,
    pixit=MapServicePixit,
    declaration="MPS-DOC-01",
)

WRONG_TOKEN = "not the token"  # noqa: S105 - on purpose
PROBLEM = "application/problem+json"


def version_path(map_id: str, version: str) -> str:
    """The path of one version."""
    return f"{LIST}/{map_id}/{version}"


def active_path(map_id: str) -> str:
    """The path of the version in force."""
    return f"{LIST}/{map_id}/active"


@suite.case()
async def declaration(session: MapServiceSession) -> None:
    """The list, and the version in force of each declared map."""
    await session.wire.get(LIST, "list")
    for map_id in session.pics.maps:
        await session.wire.get(active_path(map_id), f"active {map_id}")
        await session.wire.get(version_path(map_id, _active(session, map_id)), "version")


def _active(session: MapServiceSession, map_id: str) -> str:
    """The version that the service says to be in force; `none` where it says nothing."""
    for record in reversed(list(session.trace.records())):
        if record.kind == "http" and record.payload["label"] == f"active {map_id}":
            try:
                found = json.loads(record.payload.get("text", ""))
            except ValueError:
                break
            if isinstance(found, dict):
                return str(found.get("mapVersion", "none"))
    return "none"


@suite.judge("MPS-DOC-01", case="declaration")
def the_pics_is_true(view: MapServiceView) -> Finding:
    """Every declared map has a version in force; headers are as declared."""
    if not view.http("list"):
        return inconclusive("it was not asked")
    wrong = []
    for map_id in view.pics.maps:
        answers = view.http(f"active {map_id}")
        if not answers or answers[0].payload["status"] != 200:
            wrong.append(f"map {map_id!r} has no version in force")
    versions = [r for r in view.http("version") if r.payload["status"] == 200]
    for name, declared in (("ETag", view.pics.conditional), ("Repr-Digest", view.pics.digest)):
        there = bool(versions) and all(name in r.payload["headers"] for r in versions)
        if versions and there != declared:
            wrong.append(f"{name} is declared {declared}, found {there}".lower())
    return check(not wrong, f"{len(view.pics.maps)} maps, headers as declared", "; ".join(wrong))


# ---------------------------------------------------------------- access


@suite.case()
async def access(session: MapServiceSession) -> None:
    """Every resource without a token, with a wrong one, and by other schemes."""
    version = version_path(session.map_id, "1")
    for path in (LIST, active_path(session.map_id), version, f"{LIST}/none/none"):
        await session.wire.get(path, "nobody", token=None)
        await session.wire.get(path, "wrong", token=WRONG_TOKEN)
    for value in ("Basic Z2F0ZTpnYXRl", "Bearer", "Bearer  ", "bearer"):
        await session.wire.get(LIST, "scheme", token=None, headers={"Authorization": value})
    await session.wire.get(LIST, "after")


def _refused(view: MapServiceView, label: str) -> Finding:
    asked = view.http(label)
    if not asked:
        return inconclusive("it was not tried")
    for record in asked:
        if record.payload["status"] != 401:
            return failed(f"{record.payload['path']}: answered {record.payload['status']}")
        if not record.payload["headers"].get("WWW-Authenticate", "").startswith("Bearer"):
            return failed(f"{record.payload['path']}: 401 without a challenge for Bearer")
    return passed(f"{len(asked)} refused")


@suite.judge("MPS-ACC-01", case="access")
def nobody_gets_in(view: MapServiceView) -> Finding:
    """401 with a challenge, whether the resource exists or not."""
    return _refused(view, "nobody")


@suite.judge("MPS-ACC-02", case="access")
def a_wrong_token_is_refused(view: MapServiceView) -> Finding:
    """401."""
    return _refused(view, "wrong")


@suite.judge("MPS-ACC-03", case="access")
def other_schemes_are_refused(view: MapServiceView) -> Finding:
    """And the right token still gets in."""
    refused, after = _refused(view, "scheme"), view.http("after")
    if refused.verdict.value != "PASS":
        return refused
    if not after:
        return inconclusive("the right token was not tried afterwards")
    status = after[0].payload["status"]
    return check(status == 200, "refused, and the right one gets in", f"afterwards {status}")


# ---------------------------------------------------------------- wrong requests


@suite.case()
async def wrong_requests(session: MapServiceSession) -> None:
    """Unknown maps and versions, paths that climb, wrong methods, a body, a long path."""
    wire, map_id = session.wire, session.map_id
    await wire.get(version_path(map_id, "no-such-version"), "unknown")
    await wire.get(active_path("no-such-map"), "unknown")
    await wire.get(version_path("no-such-map", "1"), "unknown")
    climbing = ("/v1/maps/../../etc/passwd", "/v1/maps/..%2f..%2f..%2fetc%2fpasswd/1")
    for path in (*climbing, f"{LIST}/{map_id}/..%2f1", f"{LIST}/%00/1", f"{LIST}/{'x' * 4000}/1"):
        await wire.get(path, "path")
    for method in ("POST", "PUT", "DELETE"):
        await wire.get(version_path(map_id, "1"), "method", method=method, body=b"{}")
    await wire.get(LIST, "after")


@suite.judge("MPS-NEG-01", case="wrong_requests")
def what_is_not_there_is_not_found(view: MapServiceView) -> Finding:
    """404 as problem details."""
    asked = view.http("unknown")
    if not asked:
        return inconclusive("it was not tried")
    for record in asked:
        where, status = record.payload["path"], record.payload["status"]
        if status != 404:
            return failed(f"{where}: answered {status}, wanted 404")
        if record.payload["content_type"] != PROBLEM:
            return failed(f"{where}: 404 as {record.payload['content_type']!r}, wanted {PROBLEM}")
        if _status_of(record.payload["text"]) != 404:
            return failed(f"{where}: the problem does not say 404")
    return passed(f"{len(asked)} not found")


def _status_of(text: str) -> object:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found.get("status") if isinstance(found, dict) else None


@suite.judge("MPS-NEG-02", case="wrong_requests")
def no_path_climbs(view: MapServiceView) -> Finding:
    """An error, never a file of the host; afterwards it serves."""
    asked, after = view.http("path"), view.http("after")
    if not asked or not after:
        return inconclusive("it was not tried")
    for record in asked:
        if not 400 <= record.payload["status"] < 500:
            return failed(f"{record.payload['path'][:60]}: answered {record.payload['status']}")
    status = after[0].payload["status"]
    return check(status == 200, f"{len(asked)} refused", f"afterwards answered {status}")


@suite.judge("MPS-NEG-03", case="wrong_requests")
def nothing_can_be_written(view: MapServiceView) -> Finding:
    """POST, PUT and DELETE are refused."""
    asked = view.http("method")
    if not asked:
        return inconclusive("it was not tried")
    for record in asked:
        if record.payload["status"] not in (403, 404, 405, 501):
            return failed(f"{record.payload['method']}: answered {record.payload['status']}")
    return passed("refused")


@suite.judge("MPS-NEG-04", case="wrong_requests")
def the_token_is_never_told(view: MapServiceView) -> Finding:
    """Not in errors either."""
    answered = [r for r in view.of("http") if r.payload["status"]]
    if len(answered) < 5:
        return inconclusive("too few answers")
    told = [r.payload["path"] for r in answered if r.payload["leaks"]]
    return check(not told, f"{len(answered)} answers", f"the token is in the answer to {told[:1]}")


# ---------------------------------------------------------------- a fleet


@suite.case(limit_s=300)
async def fleet(session: MapServiceSession) -> None:
    """All vehicles download the version in force at the same time."""
    await session.wire.get(active_path(session.map_id), f"active {session.map_id}")
    path = version_path(session.map_id, _active(session, session.map_id))
    await session.step("begin")
    await asyncio.gather(
        *(
            session.wire.get(path, "vehicle", limit_s=session.pixit.fleet_s)
            for _ in range(session.pixit.fleet)
        )
    )
    session.mark("end")


@suite.judge("MPS-FLT-01", case="fleet")
def a_fleet_is_served(view: MapServiceView) -> Finding:
    """Everyone gets the whole map, and in time."""
    asked = [r for r in view.of("http") if r.payload["label"] == "vehicle"]
    begin_s, end_s = view.mark("begin"), view.mark("end")
    if len(asked) < view.pixit.fleet or begin_s is None or end_s is None:
        return inconclusive("the fleet did not ask")
    bad = [r.payload["status"] for r in asked if r.payload["status"] != 200]
    if bad:
        return failed(f"{len(bad)} of {len(asked)} vehicles got {sorted(set(bad))}, 0 is nothing")
    if len({r.payload["sha256"] for r in asked}) > 1:
        return failed("vehicles got different maps for one version")
    limit = at_most(view.pixit.fleet_s)
    measured = Measurement("all served after", end_s - begin_s, "s", limit, 0.0, "simple")
    return decide(f"{len(asked)} vehicles", "too slow", measured)


# ---------------------------------------------------------------- restart


@suite.case(roles=["power", "office"], limit_s=300)
async def restart(session: MapServiceSession) -> None:
    """A version is announced; the service stops and starts."""
    await session.publish(session.pixit.lead_s)
    await session.clock.sleep(session.pixit.show_s)
    await session.wire.get(LIST, "before")
    await session.step("cut")
    await session.power(False)
    await session.wire.drop()
    await session.clock.sleep(3.0)
    await session.step("returned")
    await session.power(True)
    if await session.reconnect(2 * session.pixit.start_up_s + 5.0):
        session.mark("served")
        await session.wire.get(LIST, "afterwards")
    await session.clock.sleep(session.pixit.lead_s)  # the next case begins with it in force


@suite.judge("MPS-REC-01", case="restart")
def it_serves_in_time(view: MapServiceView) -> Finding:
    """Within the declared start-up time."""
    returned, served = view.mark("returned"), view.mark("served")
    if returned is None:
        return inconclusive("it was not started again")
    if served is None:
        return failed("never served after the start")
    limit = at_most(view.pixit.start_up_s)
    spread_s = view.time_uncertainty_s
    measured = Measurement("start-up", served - returned, "s", limit, spread_s, "simple")
    return decide("served", "served too late", measured)


@suite.judge("MPS-REC-02", case="restart")
def versions_outlive_a_restart(view: MapServiceView) -> Finding:
    """The list is what it was, what was announced included."""
    before, after = view.http("before"), view.http("afterwards")
    if not before or not after:
        return inconclusive("the list was not read before and after")
    keys = ("mapId", "mapVersion", "activeFrom", "sha256")
    first, last = (
        [tuple(one.get(key) for key in keys) for one in entries(r[0].payload["text"])]
        for r in (before, after)
    )
    if len(first) < 2:
        return inconclusive(f"only {len(first)} versions before the restart")
    return check(first == last, f"{len(first)} versions", f"{len(first)} and then {len(last)}")
