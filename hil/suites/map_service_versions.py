"""A map service: versions, when they come into force, and what is downloaded."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

from hil.kits.map_service.session import MapServiceSession, MapServiceView, instant
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive, passed

from .map_service import active_path, suite, version_path

STAMP_S = 2.0
"""How far an announced instant may be from the ordered one."""
_TYPES: dict[str, type] = {
    "mapId": str, "mapVersion": str, "status": str, "activeFrom": str, "sha256": str, "size": int,
    "url": str,
}  # fmt: skip


@suite.case(roles=["office"], limit_s=900)
async def versions(session: MapServiceSession) -> None:
    """A version is published, waits for its time, and comes into force; it is downloaded twice."""
    wire, map_id, pixit = session.wire, session.map_id, session.pixit
    await session.tell_time()
    await session.sample()
    await wire.get(active_path(map_id), "old active")
    await session.step("published")
    made = await session.publish(pixit.lead_s)
    path = version_path(map_id, made.version)
    await session.watch(pixit.lead_s - 2 * pixit.show_s)
    await wire.get(path, "early")
    await wire.get(active_path(map_id), "still active")
    await session.step("due")
    await session.watch(4 * pixit.show_s)
    await wire.get(active_path(map_id), "now active")
    await wire.get(path, "again")
    etag = _header(session, "again", "ETag")
    await wire.get(path, "same", headers={"If-None-Match": etag or '"none"'})
    await wire.get(path, "other", headers={"If-None-Match": '"another"'})
    session.mark("end")


def _header(session: MapServiceSession, label: str, name: str) -> str:
    for record in reversed(list(session.trace.records())):
        if record.kind == "http" and record.payload["label"] == label:
            return str(record.payload.get("headers", {}).get(name, ""))
    return ""


def _made(view: MapServiceView) -> tuple[float, dict[str, Any]] | None:
    """When the version of the test was published, and what."""
    found = view.of("published")
    return (found[0].t_s, found[0].payload) if found else None


def _entry(view: MapServiceView, listed: list[dict[str, Any]]) -> dict[str, Any] | None:
    made = _made(view)
    if made is None:
        return None
    version = made[1]["version"]
    return next((one for one in listed if one.get("mapVersion") == version), None)


def _last(view: MapServiceView) -> list[dict[str, Any]]:
    return view.lists()[-1][1] if view.lists() else []


@suite.judge("MPS-VER-01", case="versions")
def entries_have_their_form(view: MapServiceView) -> Finding:
    """Members and their types, an instant with its offset, a hash of 64 digits."""
    listed = _last(view)
    if not listed:
        return failed("no entries in the list") if view.lists() else inconclusive("no list came")
    for one in listed:
        for name, kind in _TYPES.items():
            if not isinstance(one.get(name), kind) or isinstance(one.get(name), bool):
                return failed(f"{one.get('mapVersion')}: {name} is {one.get(name)!r}")
        if instant(one["activeFrom"]) is None:
            return failed(f"activeFrom {one['activeFrom']!r} is no instant with its offset")
        if len(one["sha256"]) != 64 or set(one["sha256"]) - set("0123456789abcdef"):
            return failed(f"sha256 {one['sha256']!r} is no hash")
        if one["status"] not in ("announced", "active", "retired"):
            return failed(f"status {one['status']!r}")
    return passed(f"{len(listed)} entries")


@suite.judge("MPS-VER-02", case="versions")
def a_new_version_is_shown_in_time(view: MapServiceView) -> Finding:
    """As announced."""
    made = _made(view)
    if made is None:
        return inconclusive("nothing was published")
    if not view.instant:
        return inconclusive("a person's instants are not known")
    began = made[0]
    for t_s, listed in view.lists():
        entry = _entry(view, listed)
        if t_s >= began and entry is not None:
            if entry.get("status") != "announced":
                return failed(f"a version that is not in force yet is {entry.get('status')!r}")
            limit = at_most(view.pixit.show_s)
            measured = Measurement("shown after", t_s - began, "s", limit, 0.0, "simple")
            return decide("announced", "shown too late", measured)
    return failed("never shown")


@suite.judge("MPS-VER-03", case="versions")
def its_time_is_the_ordered_one(view: MapServiceView) -> Finding:
    """activeFrom, in whatever offset."""
    made, entry = _made(view), _entry(view, _last(view))
    if made is None or entry is None or not view.instant:
        return inconclusive("the version is not shown, or nobody knows when it was ordered")
    true, said = view.true_time(made[0]), instant(entry.get("activeFrom"))
    if true is None or said is None:
        return inconclusive("one of the instants is not known")
    off_s = abs((said - true - dt.timedelta(seconds=made[1]["in_s"])).total_seconds())
    measured = Measurement("off by", off_s, "s", at_most(STAMP_S), 0.1, "simple")
    return decide("as ordered", "another instant than was ordered", measured)


@suite.judge("MPS-VER-04", case="versions")
def it_comes_into_force_in_time(view: MapServiceView) -> Finding:
    """Active at its instant, not before, and the one before it retired."""
    made = _made(view)
    if made is None or not view.instant:
        return inconclusive("nothing was published, or a person's instants are not known")
    due_s = made[0] + made[1]["in_s"]
    active_s: float | None = None
    for t_s, listed in view.lists():
        entry = _entry(view, listed)
        if entry is not None and entry.get("status") == "active":
            active_s = t_s
            break
    if active_s is None:
        return failed("never in force")
    if active_s < due_s - view.pixit.poll_s:
        return failed(f"in force {due_s - active_s:.1f} s before its time")
    limit = at_most(view.pixit.show_s)
    measured = Measurement("late", active_s - due_s, "s", limit, view.pixit.poll_s, "simple")
    return decide("in time", "too late", measured)


@suite.judge("MPS-VER-05", case="versions")
def one_version_is_in_force(view: MapServiceView) -> Finding:
    """Of each map exactly one, in every list."""
    lists = [listed for _, listed in view.lists()]
    if len(lists) < 3:
        return inconclusive(f"only {len(lists)} lists were read")
    for listed in lists:
        for map_id in view.pics.maps:
            active = [
                one.get("mapVersion") for one in listed
                if one.get("mapId") == map_id and one.get("status") == "active"
            ]  # fmt: skip
            if len(active) != 1:
                return failed(f"{len(active)} versions of {map_id} are active: {active}")
    return passed(f"{len(lists)} lists")


@suite.judge("MPS-VER-06", case="versions")
def the_active_one_is_told(view: MapServiceView) -> Finding:
    """Before its time the old version, then the new one."""
    made = _made(view)
    told = [(label, view.http(label)) for label in ("old active", "still active", "now active")]
    if made is None or any(not answers for _, answers in told):
        return inconclusive("it was not asked for the version in force")
    said = []
    for label, answers in told:
        if answers[0].payload["status"] != 200:
            return failed(f"{label}: answered {answers[0].payload['status']}")
        said.append(_version_of(answers[0].payload["text"]))
    version = made[1]["version"]
    ok = said[0] == said[1] != version == said[2]
    return check(ok, f"{said[0]}, then {version}", f"it said {said}, {version} was published")


def _version_of(text: str) -> object:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found.get("mapVersion") if isinstance(found, dict) else None


# ---------------------------------------------------------------- downloads


def _downloads(view: MapServiceView) -> list[Any]:
    return [r for label in ("early", "again") for r in view.http(label)]


@suite.judge("MPS-DWN-01", case="versions")
def hash_and_size_are_those_of_the_list(view: MapServiceView) -> Finding:
    """Of what was downloaded."""
    got, entry = _downloads(view), _entry(view, _last(view))
    if not got or entry is None:
        return inconclusive("nothing was downloaded, or the version is not listed")
    for record in got:
        if record.payload["status"] != 200:
            return failed(f"the download is answered with {record.payload['status']}")
        if record.payload["sha256"] != entry.get("sha256"):
            return failed(f"SHA-256 is {record.payload['sha256'][:12]}…, listed is "
                          f"{str(entry.get('sha256'))[:12]}…")  # fmt: skip
        if record.payload["size"] != entry.get("size"):
            return failed(f"{record.payload['size']} bytes, listed are {entry.get('size')}")
    return passed(f"{got[0].payload['size']} bytes")


@suite.judge("MPS-DWN-02", case="versions")
def it_is_what_was_published(view: MapServiceView) -> Finding:
    """Byte for byte, by the office's own hash."""
    got, made = _downloads(view), _made(view)
    if not got or made is None or not made[1]["sha256"]:
        return inconclusive("nobody knows what was published")
    wrong = [r for r in got if r.payload["sha256"] != made[1]["sha256"]]
    return check(not wrong, "as published", "what is downloaded is not what was published")


@suite.judge("MPS-DWN-03", case="versions")
def it_says_what_it_is(view: MapServiceView) -> Finding:
    """A JSON document with its own mapId and mapVersion."""
    got, made = view.http("again"), _made(view)
    if not got or made is None:
        return inconclusive("nothing was downloaded")
    payload = got[0].payload
    if payload["content_type"] != "application/json":
        return failed(f"it is sent as {payload['content_type']!r}")
    head = payload["text"]
    try:
        found = json.loads(head)
    except ValueError:
        if payload["size"] > len(head):
            return inconclusive("it is longer than what is recorded of it")
        return failed("it is no JSON")
    said = (found.get("mapId"), found.get("mapVersion")) if isinstance(found, dict) else None
    wanted = (made[1]["map_id"], made[1]["version"])
    return check(said == wanted, f"{wanted}", f"it says {said}, it is {wanted}")


@suite.judge("MPS-DWN-04", case="versions")
def who_has_it_is_told_so(view: MapServiceView) -> Finding:
    """304 without a body for its ETag, the map for another one; early and late the same ETag."""
    early, again = view.http("early"), view.http("again")
    same, other = view.http("same"), view.http("other")
    if not (early and again and same and other):
        return inconclusive("it was not asked")
    tags = {r.payload["headers"].get("ETag", "") for r in (early[0], again[0])}
    if len(tags) != 1 or not next(iter(tags)).startswith('"'):
        return failed(f"ETags of one version: {sorted(tags)}")
    if same[0].payload["status"] != 304 or same[0].payload["size"]:
        return failed(f"its own ETag is answered with {same[0].payload['status']}, "
                      f"{same[0].payload['size']} bytes")  # fmt: skip
    status = other[0].payload["status"]
    return check(status == 200, "304, else 200", f"another ETag is answered with {status}")


@suite.judge("MPS-DWN-05", case="versions")
def the_digest_is_that_of_the_content(view: MapServiceView) -> Finding:
    """Repr-Digest, sha-256."""
    got = [r for r in _downloads(view) if r.payload["status"] == 200]
    if not got:
        return inconclusive("nothing was downloaded")
    for record in got:
        right = base64.b64encode(bytes.fromhex(record.payload["sha256"])).decode()
        said = record.payload["headers"].get("Repr-Digest", "")
        if f"sha-256=:{right}:" not in said:
            return failed(f"Repr-Digest is {said!r}, its content's is {right}")
    return passed("the content's own")


@suite.judge("MPS-DWN-06", case="versions")
def a_url_leads_there(view: MapServiceView) -> Finding:
    """The listed URL is the path of the version."""
    entry, made = _entry(view, _last(view)), _made(view)
    if entry is None or made is None:
        return inconclusive("the version is not listed")
    wanted = version_path(made[1]["map_id"], made[1]["version"])
    said = str(entry.get("url"))
    return check(said.endswith(wanted), said, f"url is {said!r}, it is at {wanted!r}")
