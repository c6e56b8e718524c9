"""A plate camera: pushing to a host, a power cut."""

from __future__ import annotations

from hil.kits.camera.session import MAIN, CameraSession
from hil.kits.camera.view import CameraView
from hil.kits.camera.wire import HOST
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive

from .camera import PLATE, suite


def _document(session: CameraSession) -> bytes:
    return (
        "<HttpHostNotification><id>1</id><url>/push</url><protocolType>HTTP</protocolType>"
        "<parameterFormatType>XML</parameterFormatType><addressingFormatType>ipaddress"
        f"</addressingFormatType><ipAddress>{session.pixit.push_host}</ipAddress>"
        f"<portNo>{session.host.port}</portNo>"
        "<httpAuthenticationMethod>none</httpAuthenticationMethod></HttpHostNotification>"
    ).encode()


@suite.case(roles=["scene"], limit_s=300)
async def push(session: CameraSession) -> None:
    """A host is registered; it takes one event, refuses the next once, and is deleted."""
    host, wait_s = session.host, session.pixit.latency_s + 1.0
    await host.start(session.pixit.push_host)
    try:
        await session.wire.call("PUT", HOST, "register", body=_document(session))
        await session.step("first")
        await session.show(PLATE)
        await session.clock.sleep(wait_s)
        await session.step("refused")
        host.refuse = 1
        await session.show("14C54321")
        await session.clock.sleep(wait_s + 2 * session.pixit.push_retry_s)
        await session.step("deleted")
        await session.wire.call("DELETE", HOST, "delete")
        await session.show("14C11111")
        await session.clock.sleep(wait_s)
    finally:
        await host.stop()


def _pushed(view: CameraView, start: str, end: str | None) -> list[tuple[int, str, str]]:
    """Status that we gave, plate and retransmission mark of each push in a step."""
    first = view.mark(start)
    last = view.mark(end) if end else float("inf")
    if first is None or last is None:
        return []
    statuses = [(r.t_s, r.payload["status"]) for r in view.of("push")]
    found = []
    for event in view.pushed():
        if first <= event.t_s < last:
            status = next((s for t, s in reversed(statuses) if t <= event.t_s), 0)
            found.append((status, event.plate, event.fields.get("isDataRetransmission", "")))
    return found


@suite.judge("CAM-PSH-01", case="push")
def events_are_pushed(view: CameraView) -> Finding:
    """Once, with a picture."""
    registered = view.http("register")
    if not registered:
        return inconclusive("no host was registered")
    if registered[0].payload["status"] != 200:
        return failed(f"registering is answered with {registered[0].payload['status']}")
    got = _pushed(view, "first", "refused")
    if len(got) != 1:
        return failed(f"one vehicle, {len(got)} pushes")
    return check(bool(view.pictures("push.part")), "pushed with its picture", "without a picture")


@suite.judge("CAM-PSH-02", case="push")
def a_refused_push_is_repeated(view: CameraView) -> Finding:
    """And marked as a repetition."""
    got = _pushed(view, "refused", "deleted")
    if not got or got[0][0] != 503:
        return inconclusive("the host did not refuse")
    if len(got) < 2:
        return failed("refused once, and never tried again")
    return check(got[1][2].lower() == "true", "repeated and marked",
                 f"the repetition is marked {got[1][2]!r}")  # fmt: skip


@suite.judge("CAM-PSH-03", case="push")
def a_deleted_host_gets_nothing(view: CameraView) -> Finding:
    """Data must not go to an address that was taken back."""
    if not view.http("delete"):
        return inconclusive("the host was not deleted")
    first = view.mark("deleted") or 0.0
    late = [r for r in view.of("push") if r.t_s > first]
    return check(not late, "nothing more", f"{len(late)} posts after the host was deleted")


# ---------------------------------------------------------------- recovery


@suite.case(roles=["power", "scene"], limit_s=300)
async def power_cut(session: CameraSession) -> None:
    """The power goes for two seconds while a client listens, and returns."""
    await session.wire.stream(MAIN)
    await session.step("cut")
    await session.power(False)
    await session.clock.sleep(2.0)
    await session.wire.drop()
    await session.step("returned")
    await session.power(True)
    if await session.reconnect(2 * session.pixit.start_up_s + 2.0):
        session.mark("served")
        await session.wire.stream("after")
        await session.show(PLATE)
        await session.clock.sleep(session.pixit.latency_s + 0.5)


@suite.judge("CAM-REC-01", case="power_cut")
def it_serves_in_time(view: CameraView) -> Finding:
    """Within the declared start-up time."""
    returned, served = view.mark("returned"), view.mark("served")
    if returned is None:
        return inconclusive("the power was not given back")
    if served is None:
        return failed("never served after the power returned")
    limit = at_most(view.pixit.start_up_s)
    measured = Measurement("start-up", served - returned, "s", limit, 0.1, "simple")
    return decide("served", "served too late", measured)


@suite.judge("CAM-REC-02", case="power_cut")
def it_reads_again(view: CameraView) -> Finding:
    """The first vehicle after the start is reported."""
    if view.mark("served") is None or not view.shown():
        return inconclusive("no vehicle passed after the start")
    return check(bool(view.plates("after")), "reported", "it serves, and reports no vehicle")
