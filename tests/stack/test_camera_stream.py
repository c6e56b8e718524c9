"""The tolerant reader of a camera's alert stream, fed with what cameras in the field send."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.stack.camera import PlateRead, cut_alerts, parse_alert

XML = """<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">
<dateTime>2023-05-30T07:01:02+07:00</dateTime><eventType>{kind}</eventType>
<eventState>active</eventState><UUID>{uuid}</UUID>
<ANPR><licensePlate>{plate}</licensePlate><confidenceLevel>97</confidenceLevel></ANPR>
</EventNotificationAlert>"""

HEARTBEAT = XML.format(kind="videoloss", uuid="0", plate="")
JPEG = b"\xff\xd8" + bytes(range(256)) + b"\r\n--bound" + b"\xff\xd9"


def alert(plate: str, uuid: str = "u") -> str:
    return XML.format(kind="ANPR", plate=plate, uuid=uuid)


def part(
    body: bytes, kind: str = "application/xml", *, end: str = "\r\n", length: bool = True
) -> bytes:  # fmt: skip
    head = f"--boundary{end}Content-Type: {kind}{end}"
    if length:
        head += f"Content-Length: {len(body)}{end}"
    return head.encode() + end.encode() + body + end.encode()


def read(stream: bytes, sizes: list[int] | None = None) -> list[str]:
    """Plates found in `stream`, cut into pieces of these sizes (the last one repeats)."""
    sizes = sizes or [len(stream)]
    found, at, rest = [], 0, b""
    while at < len(stream):
        size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        alerts, rest = cut_alerts(rest + stream[at : at + size])
        for body in alerts:
            event = parse_alert(body, 1.0)
            if event is not None:
                found.append(event.plate or "unknown")
        at += size
    return found


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("length", [True, False])
@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_every_event_is_found_however_it_is_cut(end: str, length: bool, sizes: list[int]) -> None:
    """Line ends, missing lengths and the cuts of TCP do not change what is read."""
    stream = (
        part(HEARTBEAT.encode(), end=end, length=length)
        + part(alert("14C12345").encode(), end=end, length=length)
        + part(JPEG, "image/jpeg", end=end)
        + part(alert("unknown").encode(), end=end, length=length)
        + part(alert("桂P12345").encode(), end=end, length=length)
    )
    assert read(stream, sizes) == ["14C12345", "unknown", "桂P12345"]


@pytest.mark.parametrize("length", [True, False])
def test_an_event_is_given_out_at_once(length: bool) -> None:
    """Nobody waits for the next heartbeat to learn that a part has ended."""
    assert len(cut_alerts(part(alert("14C12345").encode(), length=length))[0]) == 1


def test_an_event_that_breaks_off_costs_no_other() -> None:
    """The next alert is read although the one before it never ended, and what is left is small."""
    stream = alert("14C12345").encode()[:200] + part(JPEG * 100, "image/jpeg")
    assert read(stream + part(alert("14C99999").encode())) == ["14C99999"]
    assert len(cut_alerts(part(JPEG * 100, "image/jpeg"))[1]) <= 200


def test_json_events_are_read() -> None:
    """Some firmware sends JSON, bare or wrapped."""
    event = {"eventType": "ANPR", "ANPR": {"licensePlate": "14c12345", "confidenceLevel": "88"}}
    for body in (event, {"EventNotificationAlert": event}):
        stream = part(json.dumps(body).encode(), "application/json", length=False)
        for size in (1, 7, 10_000):
            assert read(stream + stream, [size]) == ["14C12345", "14C12345"]


def test_a_wrong_length_costs_no_other_event() -> None:
    """A length that reaches into the next part is not believed."""
    first = part(alert("14C12345").encode()).replace(b"Content-Length: ", b"Content-Length: 9")
    assert read(first + part(alert("14C99999").encode())) == ["14C12345", "14C99999"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"<a><b></a>", b"{}", b"<EventNotificationAlert/>", b"\xff\xfe",
             HEARTBEAT.encode(), b'{"eventType": "ANPR", "ANPR": []}', b"[1]"],
)  # fmt: skip
def test_nonsense_is_no_event(body: bytes) -> None:
    """What is not a plate reading is skipped, never an error."""
    assert parse_alert(body, 0.0) is None


@given(st.integers(0, 10_000))
def test_noise_before_an_event_does_not_hide_it(seed: int) -> None:
    """Rubbish between parts is skipped to the next boundary."""
    noise = random.Random(seed).randbytes(200).replace(b"--boundary", b"")
    assert read(noise + part(alert("14C12345").encode())) == ["14C12345"]


def test_fields_of_a_reading() -> None:
    """Plate in upper case, whole confidence, unknown as None."""
    assert parse_alert(alert("14c-123.45", "ab").encode(), 5.0) == PlateRead(
        "14C-123.45", 97, "ab", "2023-05-30T07:01:02+07:00", 5.0
    )
    unknown = parse_alert(alert("unknown").encode(), 5.0)
    assert unknown is not None
    assert unknown.plate is None
