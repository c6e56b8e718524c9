"""What a judge sees: the records of one attempt of one case, and the declared values.

Everything here is a pure function of records. Times are seconds of the run's clock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from twin.trace import Record

from .mbap import Frame, split
from .papers import Pics, Pixit

P = TypeVar("P", bound=Pics)
X = TypeVar("X", bound=Pixit)
T = TypeVar("T", bound="Timed")


class Timed(Protocol):
    """Something that was seen at an instant."""

    @property
    def t_s(self) -> float:
        """The instant, s of the run's clock."""


class State(NamedTuple):
    """What the wire said at one instant."""

    t_s: float
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was sent and what came back on one raw connection under one label."""

    label: str
    sent: bytes
    received: bytes
    ended: str
    sent_s: float
    answered_s: float | None

    @property
    def frames(self) -> list[Frame]:
        """The whole frames that came back."""
        return split(self.received)[0]

    @property
    def rest(self) -> bytes:
        """Received bytes that are no whole frame."""
        return split(self.received)[1]


class CaseView(Generic[P, X]):
    """Reads one attempt of one case."""

    def __init__(self, records: Sequence[Record], pics: P, pixit: X) -> None:
        self.records, self.pics, self.pixit = records, pics, pixit

    @cached_property
    def info(self) -> dict[str, Any]:
        """Payload of `case.begin`: the instruments with their uncertainties."""
        return self.records[0].payload

    @property
    def instant(self) -> bool:
        """Whether hands act when they say so, so that time may be judged."""
        return bool(self.info.get("instant", False))

    def true_time(self, t_s: float) -> dt.datetime | None:
        """The true time at an instant of the run; None if nobody told it."""
        told = self.of("time")
        if not told:
            return None
        moment = dt.datetime.fromisoformat(told[0].payload["now"]).astimezone(dt.UTC)
        return moment + dt.timedelta(seconds=t_s - told[0].t_s)

    @property
    def time_uncertainty_s(self) -> float:
        """Expanded uncertainty of an instant: one polling interval."""
        return self.pixit.poll_s

    def of(self, kind: str) -> list[Record]:
        """All records of one kind."""
        return [record for record in self.records if record.kind == kind]

    @cached_property
    def _marks(self) -> dict[str, float]:
        return {record.payload["name"]: record.t_s for record in self.of("mark")}

    def mark(self, name: str) -> float | None:
        """When the case marked `name`; the last time if it did so twice."""
        return self._marks.get(name)

    @cached_property
    def states(self) -> list[State]:
        """All states that were read over the wire."""
        return [State(record.t_s, record.payload) for record in self.of("state")]

    def between(self, seen: Sequence[T], start: str, end: str | None = None) -> list[T]:
        """What was seen between two marks (or from one on)."""
        first, last = self._span(start, end)
        return [one for one in seen if first <= one.t_s <= last]

    def states_between(self, start: str, end: str | None = None) -> list[State]:
        """States between two marks (or from one on)."""
        return self.between(self.states, start, end)

    def _span(self, start: str, end: str | None) -> tuple[float, float]:
        first = self.mark(start)
        last = self.mark(end) if end is not None else float("inf")
        if first is None or last is None:
            return float("inf"), float("-inf")
        return first, last

    def exchange(self, label: str) -> Exchange | None:
        """The raw exchange under `label`, or None if the case never sent it."""
        sent, received, ended = b"", b"", ""
        sent_s: float | None = None
        answered_s: float | None = None
        for record in self.records:
            if record.payload.get("label") != label:
                continue
            if record.kind == "raw.tx":
                sent += bytes.fromhex(record.payload["data"])
                sent_s = record.t_s if sent_s is None else sent_s
            elif record.kind == "raw.rx":
                received += bytes.fromhex(record.payload["data"])
                answered_s = record.t_s if answered_s is None else answered_s
            elif record.kind == "raw.end":
                ended = record.payload["how"]
        if sent_s is None and answered_s is None and not ended:
            return None
        return Exchange(label, sent, received, ended, sent_s or 0.0, answered_s)

    def exchanges(self, prefix: str) -> list[Exchange]:
        """All raw exchanges whose label begins with `prefix`, in order."""
        labels: dict[str, None] = {}
        for record in self.records:
            label = record.payload.get("label")
            if isinstance(label, str) and label.startswith(prefix):
                labels[label] = None
        found = (self.exchange(label) for label in labels)
        return [exchange for exchange in found if exchange is not None]

    def commands(self, point: str) -> list[Record]:
        """All commands of one name; the payload says whether they were acknowledged."""
        return [record for record in self.of("command") if record.payload["point"] == point]


def changes(states: Sequence[State], point: str) -> list[Any]:
    """The values of `point`, repeats left out."""
    listed: list[Any] = []
    for state in states:
        value = state.values.get(point)
        if not listed or listed[-1] != value:
            listed.append(value)
    return listed
