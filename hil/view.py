"""What a judge sees: the records of one attempt of one case, and the declared values.

Everything here is a pure function of records. Times are seconds of the run's clock. Angles are
degrees, 0 closed and 90 open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from twin.trace import Record

from .mbap import Frame, split
from .pics import BarrierPics, BarrierPixit

OPEN_DEG = 90.0
END_DEG = 3.0
"""An arm this near to an end stands at that end."""

STILL_DEG = 0.5
"""Two samples that differ by no more are an arm at rest, below any instrument's resolution."""


class Sample(NamedTuple):
    """The true angle at one instant."""

    t_s: float
    deg: float


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


class CaseView:
    """Reads one attempt of one case."""

    def __init__(self, records: Sequence[Record], pics: BarrierPics, pixit: BarrierPixit) -> None:
        self.records, self.pics, self.pixit = records, pics, pixit

    @cached_property
    def info(self) -> dict[str, Any]:
        """Payload of `case.begin`: the instruments with their uncertainties."""
        return self.records[0].payload

    @property
    def angle_uncertainty_deg(self) -> float:
        """Expanded uncertainty of the true angle."""
        return float(self.info.get("angle_uncertainty_deg", 0.0))

    @property
    def independent_angle(self) -> bool:
        """Whether the true angle comes from another source than the device."""
        return bool(self.info.get("independent_angle", True))

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
    def truth(self) -> list[Sample]:
        """All samples of the true angle."""
        return [Sample(r.t_s, float(r.payload["angle_deg"])) for r in self.of("truth")]

    @cached_property
    def states(self) -> list[State]:
        """All states that were read over the wire."""
        return [State(record.t_s, record.payload) for record in self.of("state")]

    def truth_between(self, start: str, end: str | None = None) -> list[Sample]:
        """Samples of the true angle between two marks (or from one on)."""
        first, last = self._span(start, end)
        return [sample for sample in self.truth if first <= sample.t_s <= last]

    def states_between(self, start: str, end: str | None = None) -> list[State]:
        """States between two marks (or from one on)."""
        first, last = self._span(start, end)
        return [state for state in self.states if first <= state.t_s <= last]

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
        if sent_s is None and not ended:
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


def reached(samples: Sequence[Sample], good: Callable[[float], bool]) -> float | None:
    """When the angle was first good."""
    return next((sample.t_s for sample in samples if good(sample.deg)), None)


def is_open(deg: float) -> bool:
    """The arm stands at its open end."""
    return deg >= OPEN_DEG - END_DEG


def is_closed(deg: float) -> bool:
    """The arm stands at its closed end."""
    return deg <= END_DEG


def travel_deg(samples: Sequence[Sample]) -> float:
    """Largest difference of angle within `samples`; 0 without samples."""
    angles = [sample.deg for sample in samples]
    return max(angles) - min(angles) if angles else 0.0


def sink_deg(samples: Sequence[Sample]) -> float:
    """How far the arm went down from its highest point so far, at worst."""
    highest, worst = float("-inf"), 0.0
    for sample in samples:
        highest = max(highest, sample.deg)
        worst = max(worst, highest - sample.deg)
    return worst


def rise_deg(samples: Sequence[Sample]) -> float:
    """How far the arm went up from its lowest point so far, at worst."""
    lowest, worst = float("inf"), 0.0
    for sample in samples:
        lowest = min(lowest, sample.deg)
        worst = max(worst, sample.deg - lowest)
    return worst


class Instant(NamedTuple):
    """When something happened between two samples: the middle, and half of what is between."""

    t_s: float
    uncertainty_s: float


def _between(before_s: float, after_s: float) -> Instant:
    return Instant((before_s + after_s) / 2, (after_s - before_s) / 2)


def rest(samples: Sequence[Sample]) -> Instant | None:
    """When the arm came to rest for good; None if it still moved at the end."""
    if len(samples) < 2 or abs(samples[-1].deg - samples[-2].deg) > STILL_DEG:
        return None
    final = samples[-1].deg
    moving = [n for n, sample in enumerate(samples) if abs(sample.deg - final) > STILL_DEG]
    if not moving:
        return Instant(samples[0].t_s, 0.0)
    return _between(samples[moving[-1]].t_s, samples[moving[-1] + 1].t_s)


def lowest(samples: Sequence[Sample]) -> Instant:
    """When the arm was lowest: it turned, or it had come to rest by then."""
    least = min(sample.deg for sample in samples)
    first = next(n for n, sample in enumerate(samples) if sample.deg <= least + STILL_DEG)
    return _between(samples[max(0, first - 1)].t_s, samples[min(first + 1, len(samples) - 1)].t_s)


def dwell(samples: Sequence[Sample], below_deg: float) -> Instant:
    """How long the arm was below `below_deg`, with half of what the sampling leaves open."""
    inside = [n for n, sample in enumerate(samples) if sample.deg <= below_deg]
    first, last = inside[0], inside[-1]
    least_s = samples[last].t_s - samples[first].t_s
    most_s = samples[min(last + 1, len(samples) - 1)].t_s - samples[max(0, first - 1)].t_s
    return _between(least_s, most_s)


def changes(states: Sequence[State], point: str) -> list[Any]:
    """The values of `point`, repeats left out."""
    listed: list[Any] = []
    for state in states:
        value = state.values.get(point)
        if not listed or listed[-1] != value:
            listed.append(value)
    return listed
