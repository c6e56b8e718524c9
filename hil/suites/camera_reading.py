"""A plate camera: what it reads, when it says so, and with which pictures."""

from __future__ import annotations

import datetime as dt
import math
import random
import re

from hil.kits.camera.session import MAIN, CameraSession
from hil.kits.camera.view import SURE, CameraView, Event
from hil.kits.camera.wire import PLATES, TRIGGER
from hil.measurement import Measurement, at_least, at_most
from hil.verdict import Finding, check, decide, failed, inconclusive

from .camera import PLATE, suite

MANDATORY = ("eventType", "eventState", "dateTime", "licensePlate", "confidenceLevel", "UUID")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)$")
COVERED = 5


def plates(count: int, seed: int = 20230530) -> list[str]:
    """Synthetic Vietnamese and Chinese plates, without separators."""
    rng = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        digits = f"{rng.randrange(100_000):05d}"
        vietnamese = f"14{rng.choice('CDFHK')}{digits}"
        found[vietnamese if rng.random() < 0.7 else f"桂P{digits}"] = None
    return list(found)


@suite.case(roles=["scene"], limit_s=7200)
async def reading(session: CameraSession) -> None:
    """Clean plates pass one after the other, then some whose plate is covered with mud."""
    await session.wire.stream(MAIN)
    for plate in plates(session.pixit.plates):
        await session.tell_time()
        await session.show(plate)
        await session.clock.sleep(session.pixit.latency_s + 0.5)
    await session.step("covered")
    for plate in plates(COVERED, seed=1):
        await session.show(plate, covered=True)
        await session.clock.sleep(session.pixit.latency_s + 0.5)


def _pairs(view: CameraView, covered: bool = False) -> list[tuple[float, str, list[Event]]]:
    """For each vehicle: when it passed, its plate, and the events before the next one."""
    return [
        (r.t_s, r.payload["plate"], events)
        for r, events in view.passages()
        if r.payload["covered"] == covered
    ]


@suite.judge("CAM-REA-01", case="reading")
def every_vehicle_is_reported_once(view: CameraView) -> Finding:
    """One event for each, by its identifier."""
    pairs = _pairs(view)
    if not pairs:
        return inconclusive("no vehicle passed")
    for _, plate, events in pairs:
        if len(events) != 1:
            return failed(f"{plate}: {len(events)} events")
    names = [event.fields.get("UUID", "") for _, _, events in pairs for event in events]
    return check(len(set(names)) == len(names), f"{len(pairs)} vehicles", "an identifier twice")


@suite.judge("CAM-REA-02", case="reading")
def events_come_in_time(view: CameraView) -> Finding:
    """Within the declared latency."""
    if not view.instant:
        return inconclusive("a person cannot time a vehicle; bind a trigger")
    waits = [events[0].t_s - t for t, _, events in _pairs(view) if events]
    if not waits:
        return inconclusive("no event came")
    slowest = Measurement(
        "slowest event", max(waits), "s", at_most(view.pixit.latency_s), 0.05, "simple",
        tuple(sorted(waits)[-5:]),
    )  # fmt: skip
    return decide(f"{len(waits)} events", "an event is too late", slowest)


@suite.judge("CAM-REA-03", case="reading")
def clean_plates_are_read(view: CameraView) -> Finding:
    """At least the declared share, whole."""
    pairs = [(plate, events) for _, plate, events in _pairs(view) if events]
    if len(pairs) < 5:
        return inconclusive(f"only {len(pairs)} plates were reported")
    right = sum(events[0].plate == plate for plate, events in pairs)
    share, n = right / len(pairs), len(pairs)
    spread = 2 * math.sqrt(max(share * (1 - share), 1 / n) / n)
    measured = Measurement(
        "read whole", share, "", at_least(view.pixit.read_share), round(spread, 3), "simple"
    )
    return decide(f"{right} of {n} plates", f"only {right} of {n} plates", measured)


@suite.judge("CAM-REA-04", case="reading")
def what_cannot_be_read_is_not_guessed(view: CameraView) -> Finding:
    """A covered plate is unknown, or doubted."""
    pairs = _pairs(view, covered=True)
    seen = [(plate, event) for _, plate, events in pairs for event in events]
    if not seen:
        return inconclusive("no covered plate was reported")
    for plate, event in seen:
        sure = event.confidence
        if event.plate not in ("UNKNOWN", plate) and sure >= SURE:
            return failed(f"a covered {plate} is said to be {event.plate}, {sure:g} of 100 sure")
    return check(True, f"{len(seen)} covered plates", "")


@suite.judge("CAM-REA-05", case="reading")
def events_are_whole(view: CameraView) -> Finding:
    """Well-formed, with the fields that a client needs."""
    events = view.plates()
    torn = [event for event in view.events() if not event.well_formed]
    if torn:
        return failed("a document of the stream is not well-formed")
    if not events:
        return inconclusive("no event came")
    for event in events:
        lacks = [name for name in MANDATORY if not event.fields.get(name)]
        if lacks:
            return failed(f"{event.plate or 'an event'} lacks {', '.join(lacks)}")
        if not 0 <= event.confidence <= 100:
            return failed(f"confidence {event.fields['confidenceLevel']!r} is not 0 to 100")
        if not _STAMP.match(event.fields["dateTime"]):
            return failed(f"dateTime {event.fields['dateTime']!r} is not ISO 8601 with an offset")
    return check(True, f"{len(events)} events", "")


@suite.judge("CAM-REA-06", case="reading")
def its_clock_is_right(view: CameraView) -> Finding:
    """Time stamps against the true time."""
    truths = [(r.t_s, dt.datetime.fromisoformat(r.payload["now"])) for r in view.of("time")]
    errors: list[float] = []
    for event in view.plates():
        text = event.fields.get("dateTime", "")
        before = [pair for pair in truths if pair[0] <= event.t_s]
        if before and _STAMP.match(text):
            t_s, true = before[-1]
            stamp = dt.datetime.fromisoformat(text)
            passed_s = event.t_s - t_s
            errors.append((stamp - true).total_seconds() - passed_s)
    if not errors:
        return inconclusive("no time stamp could be compared")
    worst = max(errors, key=abs)
    # Whole seconds, and the event is as late as the latency: both are within the uncertainty.
    spread = 1.0 + view.pixit.latency_s
    excess = max(0.0, abs(worst) - spread)
    measured = Measurement(
        "clock error beyond what cannot be seen", excess, "s", at_most(view.pixit.clock_s), 0.0,
        "simple",
    )  # fmt: skip
    return decide("right", f"its clock is wrong by {worst:.0f} s", measured)


@suite.judge("CAM-REA-07", case="reading")
def pictures_can_be_seen(view: CameraView) -> Finding:
    """Each is a JPEG that a decoder reads, and its length is the declared one."""
    pictures = view.pictures()
    if not pictures:
        return failed("no picture came") if view.plates() else inconclusive("no event came")
    for record in pictures:
        if not record.payload.get("jpeg"):
            return failed("a picture cannot be decoded")
    for record in view.of("part"):
        declared = record.payload.get("declared", -1)
        if declared not in (-1, record.payload["size"]):
            return failed(f"a part of {record.payload['size']} bytes is declared as {declared}")
    least = min(r.payload["width"] for r in pictures)
    return check(len(pictures) >= len(view.plates()), f"{len(pictures)}, {least} px and wider",
                 f"{len(view.plates())} events, {len(pictures)} pictures")  # fmt: skip


# ---------------------------------------------------------------- on demand


@suite.case(roles=["scene"], limit_s=120)
async def trigger(session: CameraSession) -> None:
    """The camera is told to read now, while nothing is there and while a vehicle passes."""
    await session.wire.stream(MAIN)
    await session.step("empty")
    await session.wire.call("PUT", TRIGGER, "trigger")
    await session.clock.sleep(session.pixit.latency_s + 0.5)
    await session.step("over")


@suite.judge("CAM-REA-08", case="trigger")
def a_trigger_is_answered_by_an_event(view: CameraView) -> Finding:
    """Also when nothing is there: then the plate is unknown."""
    told = view.http("trigger")
    if not told or told[0].payload["status"] != 200:
        return failed("the trigger is not acknowledged") if told else inconclusive("not tried")
    events = [e for e in view.plates() if e.t_s >= (view.mark("empty") or 0.0)]
    if not events:
        return failed("acknowledged, and no event came")
    return check(events[0].plate == "UNKNOWN", "an event, plate unknown",
                 f"nothing is there, read {events[0].plate}")  # fmt: skip


@suite.case(roles=["scene"], limit_s=120)
async def polling(session: CameraSession) -> None:
    """A vehicle passes while nobody listens; then the latest plates are asked for."""
    await session.show(PLATE)
    await session.clock.sleep(session.pixit.latency_s + 0.5)
    await session.wire.call("POST", PLATES, "polled", body=b"<x><picTime>0</picTime></x>")


@suite.judge("CAM-REA-09", case="polling")
def plates_can_be_asked_for_later(view: CameraView) -> Finding:
    """What passed while nobody listened is not lost."""
    asked = view.http("polled")
    if not asked or not view.shown():
        return inconclusive("nobody asked")
    text = asked[0].payload["text"].upper()
    return check(view.shown()[-1].payload["plate"] in text, "the plate is there",
                 "the plate that passed is not among the latest")  # fmt: skip
