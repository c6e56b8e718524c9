"""What a trace says, sorted: who was where, what moved, what was asked and what was broken.

Every rule and every figure reads this and nothing else, so a verdict is a pure function of the
trace. Times are seconds of the run's clock; `record` fields are record ids, the evidence of a
verdict. `twin.judge.collecting` makes it.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Event:
    """A record that concerns one vehicle, one lane or one declaration."""

    t_s: float
    record: int
    data: dict[str, Any]


@dataclass(slots=True)
class Stay:
    """One vehicle from its arrival at the queue until it left; ground truth."""

    vehicle: str
    lane: str
    arrived: Event | None = None
    entered: Event | None = None
    crossings: list[Event] = field(default_factory=list)
    diversions: list[Event] = field(default_factory=list)
    left: Event | None = None
    under_arm: list[tuple[float, float]] = field(default_factory=list)
    """From when until when some part of it was under the arm; infinite if it never left."""
    motions: list[tuple[float, bool]] = field(default_factory=list)
    """Instants at which it came to rest (False) or moved off (True)."""

    def truth(self, key: str) -> Any:
        """A field of its arrival: what is true of the vehicle, whatever was read."""
        return self.arrived.data.get(key) if self.arrived is not None else None

    def moved_off_s(self, before_s: float) -> float:
        """When it last moved off before `before_s`; `before_s` itself if nothing says."""
        return max((t for t, moving in self.motions if moving and t <= before_s), default=before_s)

    def at_arm_s(self, crossed_s: float) -> float:
        """When its front came under the arm before the crossing at `crossed_s`."""
        starts = [start for start, _ in self.under_arm if start <= crossed_s]
        return starts[-1] if starts else crossed_s


@dataclass(slots=True)
class Motion:
    """One movement of an arm: from a motion record until the next motion or rest."""

    start_s: float
    end_s: float
    direction: str
    record: int
    cause: int


@dataclass(slots=True)
class Signal:
    """The lamp as a driver saw it, from this instant on."""

    t_s: float
    green: bool
    divert: bool
    record: int


@dataclass(slots=True)
class LaneFacts:
    """What happened in one lane: arm, lamp, commands, and who was there."""

    motions: list[Motion] = field(default_factory=list)
    rests: list[Event] = field(default_factory=list)
    contacts: list[Event] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    commands: list[tuple[float, int, str]] = field(default_factory=list)
    """(t_s, record, "up" or "down" or "stop"): what a stack told the barrier."""
    open_spans: list[tuple[float, float]] = field(default_factory=list)
    closed_spans: list[tuple[float, float]] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    reads: list[Event] = field(default_factory=list)
    """Plate readings that the camera sent."""
    states: list[Event] = field(default_factory=list)

    @property
    def traditional(self) -> bool:
        """Whether an officer serves it by hand."""
        return bool(self.stays) and self.stays[0].truth("lane_kind") == "traditional"

    def green_at(self, t_s: float) -> bool:
        """Whether the lamp was green just before or at `t_s`."""
        index = bisect_right(self.signals, t_s, key=lambda signal: signal.t_s)
        return bool(index) and self.signals[index - 1].green

    def green_spans(self, end_s: float) -> list[tuple[float, float, int]]:
        """From when until when the lamp was green, with the record that lit it."""
        spans: list[tuple[float, float, int]] = []
        since: Signal | None = None
        for signal in self.signals:
            if signal.green and since is None:
                since = signal
            elif not signal.green and since is not None:
                spans.append((since.t_s, signal.t_s, since.record))
                since = None
        if since is not None:
            spans.append((since.t_s, end_s, since.record))
        return spans

    def is_open(self, t_s: float) -> bool:
        """Whether the arm rested open at `t_s`."""
        return _inside(self.open_spans, t_s)

    def is_closed(self, t_s: float) -> bool:
        """Whether the arm rested closed at `t_s`."""
        return _inside(self.closed_spans, t_s)


@dataclass(slots=True)
class Fault:
    """Something was broken from `begin_s` until `end_s` (infinite: until the run's end)."""

    target: str
    kind: str
    begin_s: float
    record: int
    end_s: float = math.inf
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def lane(self) -> str | None:
        """The lane of the broken device or wire (`in-1.io.modbus`), or None for a service."""
        lane, dot, _ = self.target.partition(".")
        return lane if dot else None

    @property
    def role(self) -> str:
        """What is broken: barrier, io, loops, scale, camera, light, customs …"""
        parts = self.target.split(".")
        return parts[1] if len(parts) > 1 else parts[0]


@dataclass(slots=True)
class Facts:
    """All of a run that verdicts and figures are made of."""

    start: dict[str, Any] = field(default_factory=dict)
    end_s: float = 0.0
    ended: bool = False
    opened_s: float | None = None
    closed_s: float | None = None
    records: int = 0
    wall_s: float = 0.0
    stays: dict[str, Stay] = field(default_factory=dict)
    lanes: dict[str, LaneFacts] = field(default_factory=dict)
    declared: dict[str, Event] = field(default_factory=dict)
    preclearances: dict[str, list[Event]] = field(default_factory=dict)
    channels: dict[str, list[Event]] = field(default_factory=dict)
    revoked: dict[str, Event] = field(default_factory=dict)
    rain: list[tuple[float, float, float]] = field(default_factory=list)
    """When it rained: from, to (infinite if to the end), mm/h."""
    releases: list[Event] = field(default_factory=list)
    gate_records: list[Event] = field(default_factory=list)
    alarms: list[Event] = field(default_factory=list)
    officers: list[Event] = field(default_factory=list)
    drivers: list[Event] = field(default_factory=list)
    followers: set[str] = field(default_factory=set)
    """Vehicles whose drivers ever went after the truck ahead without a look at the lamp."""
    requests: list[Event] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    """Number of records by (kind, source)."""
    chain: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Kind and cause of every record that is not a frame."""

    def lane(self, id: str) -> LaneFacts:
        """The facts of one lane, made on first use."""
        found = self.lanes.get(id)
        if found is None:
            found = self.lanes[id] = LaneFacts()
        return found

    def smart(self, stay: Stay) -> bool:
        """Whether machines alone served the vehicle; an officer serves the traditional lanes."""
        return bool(stay.truth("lane_kind") != "traditional")

    def broken(
        self, lane: str | None, from_s: float, to_s: float, *roles: str, slack_s: float = 0.0
    ) -> list[Fault]:
        """Faults of the lane's devices, or of `customs` for lane None, active in the span.

        `roles` narrows to kinds of device; `slack_s` is how long an ended fault still counts.
        """
        return [
            fault
            for fault in self.faults
            if fault.lane == lane
            and (not roles or fault.role in roles)
            and fault.begin_s <= to_s
            and from_s <= fault.end_s + slack_s
        ]

    def rooted_in_fault(self, record: int) -> bool:
        """Whether the chain of causes of `record` leads to a fault that began or ended."""
        for _ in range(32):
            kind, cause = self.chain.get(record, ("", -1))
            if kind.startswith("fault."):
                return True
            if cause < 0:
                return False
            record = cause
        return False


_NOT_PLATE = re.compile(r"[\W_]+")


def normal_plate(plate: object) -> str:
    """A plate without its separators, upper case; empty for none."""
    return _NOT_PLATE.sub("", str(plate)).upper() if plate else ""


def _inside(spans: list[tuple[float, float]], t_s: float) -> bool:
    index = bisect_right(spans, t_s, key=lambda span: span[0])
    return index > 0 and t_s <= spans[index - 1][1]
