"""A fleet manager of 3.0: requests for RELEASE zones, and their leases."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from hil.kits.fleet.session import FleetSession
from hil.kits.fleet.view import FleetView
from hil.measurement import Measurement, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive
from twin.wires.vda5050.records import MalformedError, read_responses

from .fleet import suite


@suite.case(roles=["jobs"], limit_s=900)
async def lease(session: FleetSession) -> None:
    """A vehicle asks for the zone, is held up in it for longer than a lease, and leaves."""
    await session.job(0)
    await session.until(lambda: session.beyond(45.0), session.pixit.drive_s, "inside")
    session.one().blocked(True)
    await session.watch(session.pixit.lease_s + 10.0)
    await session.step("free")
    session.one().blocked(False)
    await session.arrives()


class Answer(NamedTuple):
    """One answer of the master to one request."""

    t_s: float
    serial: str
    request: str
    grant: str
    expiry: str


def answers(view: FleetView) -> list[Answer]:
    """All of them, in order."""
    return [
        Answer(one.t_s, one.serial, str(item.get("requestId")), str(item.get("grantType")),
               str(item.get("leaseExpiry") or ""))
        for one in view.sent
        if one.topic == "responses"
        for item in one.get("responses") or ()
        if isinstance(item, dict)
    ]  # fmt: skip


def requests(view: FleetView, number: int = 0) -> dict[str, float]:
    """requestIds and when they were first seen."""
    found: dict[str, float] = {}
    for one in view.said:
        if one.topic == "state" and one.serial == view.serial(number):
            for request in one.message.get("zoneRequests") or ():
                found.setdefault(str(request["requestId"]), one.t_s)
    return found


@suite.judge("FLT-LEA-01", case="lease")
def every_request_is_answered(view: FleetView) -> Finding:
    """Soon; with whatever answer."""
    asked = requests(view)
    if not asked:
        return inconclusive("the vehicle asked for nothing")
    worst = 0.0
    for name, when in asked.items():
        first = next((one.t_s for one in answers(view) if one.request == name), None)
        if first is None:
            return failed(f"request {name} was never answered")
        worst = max(worst, first - when)
    limit = at_most(view.pixit.react_s)
    waited = Measurement("longest wait", worst, "s", limit, 0.1, "simple")
    return decide(f"{len(asked)} answered", "too late", waited)


@suite.judge("FLT-LEA-02", case="lease")
def answers_have_their_structure(view: FleetView) -> Finding:
    """All members, with grantType as the schema has it."""
    found = [one for one in view.sent if one.topic == "responses"]
    if not found:
        return inconclusive("nothing was answered")
    for one in found:
        try:
            read_responses(one.text.encode(), view.dialect)
        except MalformedError as error:
            return failed(str(error))
    return check(True, f"{len(found)} messages", "")


@suite.judge("FLT-LEA-03", case="lease")
def only_requests_are_answered(view: FleetView) -> Finding:
    """Each answer names a request of the vehicle that it is sent to."""
    found = answers(view)
    if not found:
        return inconclusive("nothing was answered")
    asked = {view.serial(number): requests(view, number) for number in (0, 1)}
    for one in found:
        if one.t_s < asked.get(one.serial, {}).get(one.request, 1e12):
            return failed(f"{one.serial} never asked by the name {one.request!r}")
    return check(True, f"{len(found)} answers", "")


@suite.judge("FLT-LEA-04", case="lease")
def a_lease_does_not_end_inside(view: FleetView) -> Finding:
    """A vehicle that is held up in the zone is granted it again before its lease is over."""
    if view.mark("inside") is None or view.mark("free") is None:
        return inconclusive("no vehicle was held up in the zone")
    lost = view.when(
        lambda s: (
            any(
                request.get("requestStatus") in ("EXPIRED", "REVOKED")
                for request in s.get("zoneRequests") or ()
            )
            or any(error.get("errorType") == "RELEASE_LOST" for error in s.get("errors") or ())
        )
    )
    return check(lost is None, "renewed in time", "the lease ended with the vehicle inside")


@suite.judge("FLT-LEA-05", case="lease")
def a_lease_ends_in_the_future(view: FleetView) -> Finding:
    """leaseExpiry is a time stamp, later than the message that brings it."""
    granted = [one for one in answers(view) if one.grant == "GRANTED"]
    if not granted:
        return inconclusive("nothing was granted")
    stamps = {one.t_s: str(one.get("timestamp")) for one in view.sent if one.topic == "responses"}
    for one in granted:
        if not one.expiry:
            continue  # without an end
        try:
            end = dt.datetime.fromisoformat(one.expiry)
            sent = dt.datetime.fromisoformat(stamps[one.t_s])
            late = end <= sent
        except (ValueError, TypeError):
            return failed(f"leaseExpiry {one.expiry!r} cannot be read")
        if late:
            return failed(f"leaseExpiry {one.expiry} in a message of {stamps[one.t_s]}")
    return check(True, f"{len(granted)} grants", "")


@suite.judge("FLT-LEA-06", case="shared")
def one_lease_at_a_time(view: FleetView) -> Finding:
    """The zone is not granted to a vehicle while another one holds its grant."""
    granted = [one for one in answers(view) if one.grant == "GRANTED"]
    if {one.serial for one in granted} != set(view.pixit.vehicles):
        return inconclusive("not both vehicles were granted the zone")
    for one in granted:
        other = 1 - view.pixit.vehicles.index(one.serial)
        state = view.state_at(one.t_s, other)
        held = [r for r in state.get("zoneRequests") or () if r.get("requestStatus") == "GRANTED"]
        if held:
            return failed(f"granted to {one.serial} while {view.serial(other)} holds it")
    return check(True, "one after the other", "")
