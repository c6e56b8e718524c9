"""A plate camera: who gets in, what wrong requests get, and the alert stream."""

from __future__ import annotations

from itertools import pairwise

from hil.kits.camera.papers import CameraPics, CameraPixit
from hil.kits.camera.session import MAIN, CameraSession
from hil.kits.camera.view import CameraView
from hil.kits.camera.wire import HOST, INFO, PICTURE, PLATES, STREAM, TIME, TRIGGER
from hil.measurement import Measurement, at_most
from hil.suite import Suite
from hil.verdict import Finding, check, decide, failed, inconclusive, passed

suite = Suite[CameraSession, CameraView](
    "camera",
    "1.0",
    view=CameraView,
    pics=CameraPics,
    pixit=CameraPixit,
    declaration="CAM-DOC-01",
)

PROTECTED = (INFO, TIME, PICTURE, STREAM, PLATES, HOST)
WRONG_PASSWORD = "not the password"  # noqa: S105 - on purpose
PLATE = "14C12345"


@suite.case()
async def declaration(session: CameraSession) -> None:
    """Who it is, and whether what is declared answers."""
    await session.wire.get(INFO, "info")
    await session.wire.call("POST", PLATES, "polling", body=b"<x><picTime>0</picTime></x>")
    await session.wire.call("GET", INFO, "challenge", password=None)


@suite.judge("CAM-DOC-01", case="declaration")
def the_pics_is_true(view: CameraView) -> Finding:
    """It names itself, and what is declared is there."""
    info, challenge = view.http("info"), view.http("challenge")
    if not info or not challenge:
        return inconclusive("it was not asked")
    wrong = []
    if info[0].payload["status"] != 200 or "<model>" not in info[0].payload["text"]:
        wrong.append(f"device information is answered with {info[0].payload['status']}")
    polled = view.http("polling")
    there = bool(polled) and polled[0].payload["status"] == 200
    if there != view.pics.polling:
        wrong.append(f"polling is declared {view.pics.polling}, found {there}".lower())
    offered = {
        name for name in ("MD5", "SHA-256")
        if any(f"algorithm={name}" in text.replace('"', "")
               for text in challenge[0].payload.get("challenges", []))
    }  # fmt: skip
    if offered != set(view.pics.digest):
        declared, found = ", ".join(view.pics.digest), ", ".join(sorted(offered)) or "none"
        wrong.append(f"digest is declared {declared}, offered {found}")
    return check(not wrong, "as declared", "; ".join(wrong))


@suite.judge("CAM-DOC-02", case="declaration")
def the_firmware_is_the_one_tested(view: CameraView) -> Finding:
    """The version in the device's information is the product's."""
    info, wanted = view.http("info"), view.info.get("firmware", "")
    if not info or not wanted:
        return inconclusive("the firmware was not asked for")
    shown = f"<firmwareVersion>{wanted}</firmwareVersion>" in info[0].payload["text"]
    return check(shown, wanted, f"the papers say {wanted}, the device something else")


# ---------------------------------------------------------------- access


@suite.case(limit_s=180)
async def access(session: CameraSession) -> None:
    """Every resource without credentials, with a wrong password, by a stolen digest."""
    wire = session.wire
    for path in PROTECTED:
        await wire.call("GET", path, "nobody", password=None)
    await wire.call("PUT", TRIGGER, "nobody", password=None)
    await wire.call("GET", INFO, "wrong", password=WRONG_PASSWORD)
    stolen = await wire.captured()
    session.trace("case", "captured", got=bool(stolen))
    if stolen:
        await wire.call("GET", INFO, "replayed", authorization=stolen)
        await wire.call("GET", TIME, "moved", authorization=stolen)
    await wire.call("GET", INFO, "basic", authorization="Basic Z2F0ZTpnYXRl")
    await wire.call("GET", INFO, "torn", authorization='Digest username="gate')
    await wire.get(INFO, "after")


def _refused(view: CameraView, label: str) -> Finding:
    asked = view.http(label)
    if not asked:
        return inconclusive("it was not tried")
    for record in asked:
        got = record.payload["status"]
        if got != 401:
            return failed(f"{record.payload['method']} {record.payload['path']}: answered {got}")
    return passed(f"{len(asked)} refused")


@suite.judge("CAM-ACC-01", case="access")
def nobody_gets_in(view: CameraView) -> Finding:
    """401 and a digest challenge for everything."""
    refused = _refused(view, "nobody")
    for record in view.http("nobody"):
        if not any(c.startswith("Digest ") for c in record.payload.get("challenges", [])):
            return failed(f"{record.payload['path']}: no digest challenge")
    return refused


@suite.judge("CAM-ACC-02", case="access")
def a_wrong_password_is_refused(view: CameraView) -> Finding:
    """401."""
    return _refused(view, "wrong")


@suite.judge("CAM-ACC-03", case="access")
def a_replay_is_refused(view: CameraView) -> Finding:
    """What was good once is not good again."""
    return _refused(view, "replayed")


@suite.judge("CAM-ACC-04", case="access")
def a_digest_is_good_for_one_target(view: CameraView) -> Finding:
    """Signed for one resource, refused for another."""
    return _refused(view, "moved")


@suite.judge("CAM-ACC-05", case="access")
def broken_credentials_are_refused(view: CameraView) -> Finding:
    """Another scheme, a torn header; and the right ones still get in."""
    for label in ("basic", "torn"):
        finding = _refused(view, label)
        if finding.verdict.value != "PASS":
            return finding
    after = view.http("after")
    if not after:
        return inconclusive("the right credentials were not tried afterwards")
    got = after[0].payload["status"]
    return check(got == 200, "refused, and the right ones get in", f"afterwards answered {got}")


# ---------------------------------------------------------------- wrong requests


@suite.case(limit_s=180)
async def wrong_requests(session: CameraSession) -> None:
    """An unknown resource, a wrong method, a broken and a huge body, a document type."""
    wire = session.wire
    await wire.get("/ISAPI/No/Such/Thing", "unknown")
    await wire.call("DELETE", INFO, "method")
    await wire.call("PUT", HOST, "broken", body=b"<HttpHostNotification><id>1</id>")
    entity = b'<!DOCTYPE a [<!ENTITY b "c">]><HttpHostNotification>&b;</HttpHostNotification>'
    await wire.call("PUT", HOST, "entity", body=entity)
    huge = b"<a>" + b"x" * 1_000_000 + b"</a>"
    status, _ = await wire.call("PUT", HOST, "huge", body=huge, limit_s=10.0, record=False)
    # An answer that comes before the body is through may be seen or lost: only this is certain.
    session.trace("case", "huge", accepted=status == 200)
    await wire.get(INFO, "after")


def _answered(view: CameraView, label: str, codes: set[int]) -> Finding:
    asked = view.http(label)
    if not asked:
        return inconclusive("it was not tried")
    got = asked[0].payload["status"]
    wanted = " or ".join(str(code) for code in sorted(codes))
    return check(got in codes, f"answered {got}", f"answered {got}, wanted {wanted}")


@suite.judge("CAM-NEG-01", case="wrong_requests")
def an_unknown_resource_is_not_found(view: CameraView) -> Finding:
    """An error, and never an empty success."""
    return _answered(view, "unknown", {400, 403, 404})


@suite.judge("CAM-NEG-02", case="wrong_requests")
def a_wrong_method_is_refused(view: CameraView) -> Finding:
    """An error."""
    return _answered(view, "method", {400, 403, 404, 405, 501})


@suite.judge("CAM-NEG-03", case="wrong_requests")
def broken_documents_are_refused(view: CameraView) -> Finding:
    """400 for what does not end, and for what brings its own entities."""
    first = _answered(view, "broken", {400})
    return first if first.verdict.value != "PASS" else _answered(view, "entity", {400})


@suite.judge("CAM-NEG-04", case="wrong_requests")
def a_huge_body_does_no_harm(view: CameraView) -> Finding:
    """Refused or cut off; afterwards it serves."""
    huge, after = view.of("huge"), view.http("after")
    if not huge or not after:
        return inconclusive("it was not tried")
    if huge[0].payload["accepted"]:
        return failed("a body of 1 MB was accepted")
    then = after[0].payload["status"]
    return check(then == 200, "not accepted, and it serves on", f"afterwards answered {then}")


# ---------------------------------------------------------------- stream


@suite.case(limit_s=900)
async def quiet(session: CameraSession) -> None:
    """The stream is watched with nothing before the lens."""
    await session.step("open")
    await session.wire.stream(MAIN)
    await session.clock.sleep(session.pixit.quiet_s)
    session.mark("over")


@suite.judge("CAM-STR-01", case="quiet")
def the_stream_is_a_multipart(view: CameraView) -> Finding:
    """200, multipart with a boundary, and it goes on."""
    begun = view.of("stream.begin")
    if not begun:
        return inconclusive("the stream was not opened")
    head = begun[0].payload
    if head["status"] != 200 or not head["content_type"].startswith("multipart/"):
        return failed(f"answered {head['status']} {head['content_type']!r}")
    ended = [r for r in view.of("stream.end") if r.t_s < (view.mark("over") or 0.0)]
    return check(not ended, "it goes on", f"ended: {ended[0].payload['how']}" if ended else "")


@suite.judge("CAM-STR-02", case="quiet")
def silence_is_broken_by_heartbeats(view: CameraView) -> Finding:
    """Never longer than the declared interval, from the first moment on."""
    opened, over = view.mark("open"), view.mark("over")
    events = view.events()
    if opened is None or over is None:
        return inconclusive("the stream was not watched")
    times = [opened, *(event.t_s for event in events), over]
    worst = max(after - before for before, after in pairwise(times))
    limit = at_most(view.pixit.heartbeat_s + 2.0)
    measured = Measurement("longest silence", worst, "s", limit, 0.1, "simple")
    return decide(f"{len(events)} signs of life", "silent for too long", measured)


@suite.judge("CAM-STR-03", case="quiet")
def nothing_is_reported_where_nothing_is(view: CameraView) -> Finding:
    """No plate without a vehicle."""
    if not view.events():
        return inconclusive("nothing came over the stream")
    ghosts = [event.plate for event in view.plates()]
    return check(not ghosts, "no plate", f"reported with nothing there: {', '.join(ghosts)}")


@suite.case(roles=["scene"], limit_s=300)
async def many_streams(session: CameraSession) -> None:
    """All declared clients listen; one vehicle passes; one client goes and another comes."""
    for number in range(session.pics.streams):
        await session.wire.stream(f"s{number}")
    await session.step("all")
    await session.show(PLATE)
    await session.clock.sleep(session.pixit.latency_s + 1.0)
    await session.wire.drop()
    await session.clock.sleep(2.0)
    await session.wire.stream("again")
    await session.step("again")
    await session.show("14C54321")
    await session.clock.sleep(session.pixit.latency_s + 1.0)


@suite.judge("CAM-STR-04", case="many_streams")
def every_client_gets_every_event(view: CameraView) -> Finding:
    """As many as are declared, each one."""
    if not view.shown():
        return inconclusive("no vehicle passed")
    without = [f"s{n}" for n in range(view.pics.streams) if not view.plates(f"s{n}")]
    return check(not without, f"{view.pics.streams} clients", f"got nothing: {', '.join(without)}")


@suite.judge("CAM-STR-05", case="many_streams")
def a_dropped_client_frees_its_place(view: CameraView) -> Finding:
    """Two seconds after all are gone a new one is served."""
    if view.mark("again") is None:
        return inconclusive("nobody came again")
    return check(bool(view.plates("again")), "served again", "a new client gets nothing")
