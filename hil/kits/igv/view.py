"""What a judge sees of a vehicle: states in the words of 3.0, other messages, the true motion."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from hil.view import CaseView
from twin.profiles.vda5050 import Dialect, load

from .orders import Message
from .papers import IgvPics, IgvPixit
from .shape import in_words

ENDED = frozenset({"FINISHED", "FAILED"})
MOVES_M_S = 0.02
"""Slower than this counts as standing (a tracker's noise)."""


class Heard(NamedTuple):
    """One message of the vehicle; `message` in the words of 3.0, None if it is no JSON object."""

    t_s: float
    topic: str
    message: Message | None
    qos: int
    retain: bool
    text: str


class Said(NamedTuple):
    """One state in the words of 3.0."""

    t_s: float
    state: Message

    @property
    def nodes(self) -> list[int]:
        """sequenceIds of its nodeStates."""
        return [one["sequenceId"] for one in self.state["nodeStates"]]

    @property
    def base(self) -> list[int]:
        """sequenceIds of those that are released."""
        return [one["sequenceId"] for one in self.state["nodeStates"] if one["released"]]

    @property
    def order(self) -> tuple[str, int]:
        """orderId and orderUpdateId."""
        return self.state["orderId"], self.state["orderUpdateId"]

    @property
    def errors(self) -> list[Message]:
        """Its errors."""
        return list(self.state["errors"])

    def status(self, action_id: str) -> str:
        """Of one action, of the order or instant; empty if it is not listed."""
        for key in ("actionStates", "instantActionStates", "zoneActionStates"):
            for one in self.state.get(key, ()):
                if one["actionId"] == action_id:
                    return str(one["actionStatus"])
        return ""

    @property
    def at(self) -> int:
        """lastNodeSequenceId."""
        return int(self.state["lastNodeSequenceId"])


class Seen(NamedTuple):
    """Where it really was."""

    t_s: float
    x_m: float
    y_m: float
    speed_m_s: float


class Sent(NamedTuple):
    """One message of ours."""

    t_s: float
    topic: str
    label: str
    message: Message | None


_NEEDED = ("orderId", "orderUpdateId", "nodeStates", "edgeStates", "actionStates", "errors")
_NEEDED_TOO = ("driving", "lastNodeSequenceId", "lastNodeId")


def identity(error: Message) -> str:
    """An error by its type and what it refers to."""
    references = sorted(
        f"{one.get('referenceKey')}={one.get('referenceValue')}"
        for one in error.get("errorReferences") or ()
    )
    return f"{error.get('errorType')} {references}"


class IgvView(CaseView[IgvPics, IgvPixit]):
    """Reads one attempt of one case on a vehicle."""

    @cached_property
    def dialect(self) -> Dialect:
        """Of the declared version."""
        return load(self.pics.version)

    @property
    def tracked(self) -> bool:
        """Whether the true motion was followed."""
        return bool(self.info.get("tracked", False))

    def _parsed(self, text: str) -> Message | None:
        return _in_words(text, self.pics.version)

    def _heard(self, kind: str) -> list[Heard]:
        return [
            Heard(
                r.t_s,
                r.payload["topic"],
                self._parsed(r.payload["text"]),
                r.payload["qos"],
                r.payload.get("retain", True),
                r.payload["text"],
            )
            for r in self.of(kind)
        ]

    @cached_property
    def heard(self) -> list[Heard]:
        """Everything that the vehicle published."""
        return self._heard("mqtt")

    @cached_property
    def retained(self) -> list[Heard]:
        """What late subscribers were given."""
        return self._heard("mqtt.retained")

    @cached_property
    def said(self) -> list[Said]:
        """All states that have the members a judge works with."""
        needed = (*_NEEDED, *_NEEDED_TOO)
        return [
            Said(one.t_s, one.message)
            for one in self.heard
            if one.topic == "state" and one.message and all(key in one.message for key in needed)
        ]

    @cached_property
    def sent(self) -> list[Sent]:
        """Everything that we published."""
        return [
            Sent(
                r.t_s, r.payload["topic"], r.payload["label"], self._parsed_ours(r.payload["text"])
            )
            for r in self.of("mqtt.sent")
        ]

    @staticmethod
    def _parsed_ours(text: str) -> Message | None:
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return data if isinstance(data, dict) else None

    @cached_property
    def instants(self) -> set[str]:
        """Ids of our instant actions; 2.x lists them among those of the order."""
        return {
            one["actionId"]
            for sent in self.sent
            if sent.topic == "instantActions" and sent.message
            for one in sent.message.get("actions", ())
        }

    def ours(self, label: str) -> Sent | None:
        """The message that was sent under this label."""
        return next((one for one in self.sent if one.label == label), None)

    def action_of(self, label: str) -> str:
        """actionId of the instant action that was sent under this label."""
        one = self.ours(label)
        actions = one.message["actions"] if one is not None and one.message else []
        return str(actions[0]["actionId"]) if actions else ""

    def span(self, start: str, end: str | None = None) -> list[Said]:
        """States from one mark on and before the next."""
        first, last = self._span(start, end)
        return [one for one in self.said if first <= one.t_s < last]

    def at(self, mark: str) -> Said | None:
        """The last state before a mark; what a message at the mark did is not in it."""
        when = self.mark(mark)
        if when is None:
            return None
        return next((one for one in reversed(self.said) if one.t_s < when), None)

    @cached_property
    def truth(self) -> list[Seen]:
        """Where it really was."""
        return [
            Seen(r.t_s, r.payload["x_m"], r.payload["y_m"], r.payload["speed_m_s"])
            for r in self.of("truth")
        ]

    def true_span(self, start: str, end: str | None = None) -> list[Seen]:
        """The true motion between two marks."""
        first, last = self._span(start, end)
        return [one for one in self.truth if first <= one.t_s < last]

    def along_m(self, seen: Seen) -> float:
        """How far along the track a place is, m: by its nearest point on the track."""
        best, along, passed = float("inf"), 0.0, 0.0
        track = self.pixit.track
        for (ax, ay), (bx, by) in pairwise(track):
            dx, dy = bx - ax, by - ay
            length = (dx * dx + dy * dy) ** 0.5
            raw = ((seen.x_m - ax) * dx + (seen.y_m - ay) * dy) / (length * length)
            share = min(1.0, max(0.0, raw))
            off = ((ax + share * dx - seen.x_m) ** 2 + (ay + share * dy - seen.y_m) ** 2) ** 0.5
            if off < best - 1e-9:
                best, along = off, passed + share * length
            passed += length
        return along

    def node_m(self, place: int) -> float:
        """How far along the track a node of it is, m."""
        track = self.pixit.track
        return sum(math.dist(a, b) for a, b in pairwise(track[: place + 1]))

    def new_errors(self, start: str, end: str | None = None) -> list[Message]:
        """Errors that came up between two marks."""
        before = self.at(start)
        known = {identity(one) for one in before.errors} if before else set()
        found: dict[str, Message] = {}
        for one in self.span(start, end):
            for error in one.errors:
                if identity(error) not in known:
                    found.setdefault(identity(error), error)
        return list(found.values())

    def course(self, action_id: str) -> list[str]:
        """The statuses of an action over the case, repeats left out."""
        listed: list[str] = []
        for one in self.said:
            status = one.status(action_id)
            if status and (not listed or listed[-1] != status):
                listed.append(status)
        return listed

    def while_(self, action_id: str, *statuses: str) -> Iterator[Said]:
        """States while an action has one of these statuses."""
        return (one for one in self.said if one.status(action_id) in statuses)

    def word(self, key: str) -> str:
        """errorType of a problem in the version."""
        return self.dialect.errors[key].type

    @property
    def three(self) -> bool:
        """Version 3.0."""
        return self.pics.version == "3.0"


@lru_cache(maxsize=4096)
def _in_words(text: str, version: str) -> Message | None:
    """A message in the words of 3.0; all judges share it and none alters it."""
    try:
        data = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return in_words(data, load(version)) if isinstance(data, dict) else None


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")
