"""A plate camera's alert stream, read without I/O: parts, events, and how late an event came.

Read here rather than by a client library: a generator holds many streams and has to stay cheaper
than the camera, and cameras bend the form in ways that libraries refuse (LF after a boundary, no
lengths, JSON in place of XML). RFC 2046 for the parts; fields after public captures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from loadtests.errors import SessionBroken

STREAM_PATH = "/ISAPI/Event/notification/alertStream"
PICTURE_PATH = "/ISAPI/Streaming/channels/{channel}/picture"
TRIGGER_PATH = "/ISAPI/ITC/manualTrigger"
INFO_PATH = "/ISAPI/System/deviceInfo"

_PART_MAX = 16 * 2**20
_HEAD_MAX = 16 * 2**10

_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)


def boundary_of(content_type: str) -> bytes:
    """The boundary that a Content-Type names; raises `SessionBroken`."""
    found = _BOUNDARY.search(content_type)
    if not content_type.startswith("multipart/") or found is None:
        raise SessionBroken("no multipart answer", content_type)
    return found[1].encode()


class PartCutter:
    """Cuts an endless multipart body into the bodies of its parts."""

    def __init__(self, boundary: bytes) -> None:
        self._mark = b"--" + boundary
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Bodies that are whole by now; raises `SessionBroken` at the end or at nonsense."""
        self._buffer += data
        while (body := self._next()) is not None:
            yield body

    def _next(self) -> bytes | None:
        buffer, mark = self._buffer, self._mark
        start = buffer.find(mark)
        if start < 0:
            if len(buffer) > _HEAD_MAX:
                raise SessionBroken("malformed part", "no boundary")
            return None
        head = start + len(mark)
        if buffer[head : head + 2] == b"--":
            raise SessionBroken("stream ended")
        body = buffer.find(b"\r\n\r\n", head)
        if body < 0:
            if len(buffer) - head > _HEAD_MAX:
                raise SessionBroken("malformed part", "no end of its head")
            return None
        body += 4
        length = _LENGTH.search(buffer, head, body)
        end = buffer.find(mark, body) if length is None else body + int(length[1])
        if max(end, len(buffer)) - body > _PART_MAX:
            raise SessionBroken("malformed part", f"beyond {_PART_MAX} bytes")
        if end < 0 or end > len(buffer):
            return None
        found = bytes(buffer[body:end])
        del buffer[:end]
        return found if length else found.rstrip(b"\r\n")


@dataclass(frozen=True, slots=True)
class Alert:
    """One event: which it is, and when the camera says that it was (None: it does not say)."""

    type: str
    uuid: str
    manual: bool
    stamp_s: float | None


def _field(name: str) -> re.Pattern[bytes]:
    """A text element of XML, or a member of JSON."""
    key = name.encode()
    return re.compile(rb"<" + key + rb">([^<]*)<|\"" + key + rb'":\s*"?([^",}\]]*)')


_TYPE, _UUID, _DETECT = _field("eventType"), _field("UUID"), _field("detectType")
_ABS_TIME, _DATE_TIME = _field("absTime"), _field("dateTime")


def read_alert(body: bytes) -> Alert | None:
    """The event in a part, or None: a picture is none."""
    kind = _text(_TYPE, body)
    if not kind or body[:2] == b"\xff\xd8":
        return None
    return Alert(kind, _text(_UUID, body), _text(_DETECT, body) == "1", _stamp_s(body))


def _text(pattern: re.Pattern[bytes], body: bytes) -> str:
    found = pattern.search(body)
    if found is None:
        return ""
    return (found[1] or found[2] or b"").decode("utf-8", "replace")


def _stamp_s(body: bytes) -> float | None:
    """Milliseconds where a picture's `absTime` has them, else whole seconds; its zone is lost."""
    precise, plain = _text(_ABS_TIME, body), _text(_DATE_TIME, body)
    try:
        if len(precise) == 17:
            at = datetime.strptime(precise[:14], "%Y%m%d%H%M%S")  # noqa: DTZ007 - differences only
            return at.timestamp() + int(precise[14:]) / 1000
        return datetime.fromisoformat(plain[:19]).timestamp()
    except ValueError:
        return None


class Delays:
    """How late events came against the quickest one: the two clocks need not agree.

    An event's delay is its arrival less its own time stamp, less the smallest such difference of
    the run. It holds what queues and what freezes, not what is common to all events.
    """

    def __init__(self) -> None:
        self.quickest_s: float | None = None
        """Smallest arrival less time stamp so far, seconds."""

    def add(self, seen_s: float, stamp_s: float) -> float:
        """Take one event; its delay against the quickest so far."""
        raw_s = seen_s - stamp_s
        self.quickest_s = raw_s if self.quickest_s is None else min(self.quickest_s, raw_s)
        return raw_s - self.quickest_s
