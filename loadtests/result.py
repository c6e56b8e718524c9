"""What a load run measured, per request name, and how well the generator itself did.

Two times stand side by side. **Response time** runs from the instant a request was *meant* to
start, so it holds the queue that a slow server causes. **Service time** runs from the instant
it was really sent. A closed generator sees only the second and misses a freeze.

Everything merges: each process keeps a `Recorder`, and the sum of their parts is the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from loadtests.errors import LoadError
from loadtests.histogram import Latencies, PackedLatencies

FORMAT = 1
"""Version of result.json."""

HEAT_PER_DECADE = 20
"""Rows of the heat map per factor of ten of latency: 12 % each, enough for the eye."""


class RunInfo(msgspec.Struct, forbid_unknown_fields=True):
    """What was run: enough to run it again."""

    workload: str
    target: str
    model: Literal["open", "paced users"]
    rate_per_s: float
    shape: str
    seed: int
    connections: int
    timeout_s: float
    planned_s: float
    warm_up_s: float
    started_at: str = ""
    aborted: str = ""
    slot_s: float = 1.0
    """Width of one slot of the time line, seconds."""


class PackedSeries(msgspec.Struct, forbid_unknown_fields=True):
    """One request name, as it travels."""

    response: PackedLatencies
    service: PackedLatencies
    ok: int
    failures: dict[str, int]
    dropped: int
    step: bool = False


class Slot(msgspec.Struct, forbid_unknown_fields=True):
    """A piece of the time line, by intended start; `heat` counts response times by log bucket."""

    offered: int = 0
    ok: int = 0
    failed: int = 0
    dropped: int = 0
    max_s: float = 0.0
    heat: dict[int, int] = {}


class PackedResult(msgspec.Struct, forbid_unknown_fields=True):
    """`result.json`: a run, or one worker's share of it."""

    format: int
    info: RunInfo
    series: dict[str, PackedSeries]
    slots: dict[int, Slot]
    lag: PackedLatencies
    cpu_share: float
    processes: int
    end_s: float


@dataclass(slots=True)
class Series:
    """What happened to the requests of one name, outside the warm-up."""

    response: Latencies = field(default_factory=Latencies)
    service: Latencies = field(default_factory=Latencies)
    ok: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    dropped: int = 0
    step: bool = False
    """A part of an arrival (one call of a journey), not an arrival itself."""

    @property
    def failed(self) -> int:
        """Requests that were sent and failed."""
        return sum(self.failures.values())

    @property
    def count(self) -> int:
        """All arrivals: answered, failed and dropped."""
        return self.ok + self.failed + self.dropped

    @property
    def error_rate(self) -> float:
        """Share of arrivals that were not answered well, 0 to 1; a dropped one counts."""
        return (self.failed + self.dropped) / self.count if self.count else 0.0

    @property
    def dropped_rate(self) -> float:
        """Share of arrivals that were never sent, 0 to 1."""
        return self.dropped / self.count if self.count else 0.0

    def merge(self, other: Series) -> None:
        """Add what another process saw."""
        self.response.merge(other.response)
        self.service.merge(other.service)
        self.ok += other.ok
        self.dropped += other.dropped
        self.step = self.step or other.step
        for kind, count in other.failures.items():
            self.failures[kind] = self.failures.get(kind, 0) + count


def slot_width_s(planned_s: float) -> float:
    """A time line of at most 400 slots of at least 100 ms, so that it stays small for any run."""
    return max(0.1, math.ceil(planned_s / 400 * 10) / 10)


def heat_row(latency_s: float) -> int:
    """Row of the heat map that a latency falls into; 1 µs and less is row 0."""
    return max(0, math.floor(HEAT_PER_DECADE * math.log10(max(latency_s, 1e-6) * 1e6)))


def heat_edge_s(row: float) -> float:
    """Lower edge of a row of the heat map, seconds."""
    return float(10 ** (row / HEAT_PER_DECADE)) * 1e-6


class Recorder:
    """Takes every outcome of one process; seconds run from the start of the load."""

    def __init__(self, info: RunInfo) -> None:
        self.info = info
        self.series: dict[str, Series] = {}
        self.slots: dict[int, Slot] = {}
        self.lag = Latencies()
        """Lateness of the generator's own 10 ms tick: how far its clock can be believed."""
        self.cpu_share = 0.0
        """CPU time ÷ wall time of the busiest generator process."""
        self.processes = 1
        self.end_s = 0.0
        """When the last outcome was known."""

    @property
    def measured_s(self) -> float:
        """Length of the part that counts: after the warm-up, to the last outcome."""
        return max(self.end_s, self.info.planned_s) - self.info.warm_up_s

    def record(
        self, name: str, intended_s: float, sent_s: float, done_s: float, failure: str = ""
    ) -> None:
        """A request was sent and ended, well (`failure` empty) or badly."""
        response_s = done_s - intended_s
        slot = self._slot(intended_s, response_s, done_s)
        slot.ok += not failure
        slot.failed += bool(failure)
        if intended_s < self.info.warm_up_s:
            return
        series = self.series.setdefault(name, Series())
        self._count(series, response_s, done_s - sent_s, failure)

    @staticmethod
    def _count(series: Series, response_s: float, service_s: float, failure: str) -> None:
        # A failed request keeps its time: leaving time-outs out would mend the percentiles.
        series.response.record(response_s)
        series.service.record(service_s)
        if failure:
            series.failures[failure] = series.failures.get(failure, 0) + 1
        else:
            series.ok += 1

    def record_step(
        self, name: str, arrival_s: float, sent_s: float, done_s: float, failure: str = ""
    ) -> None:
        """One call ended inside the arrival that was meant to start at `arrival_s`.

        The call itself was meant to start when the one before it ended, so it has one time. It
        counts when its arrival does: the warm-up cuts a journey whole or not at all.
        """
        self.end_s = max(self.end_s, done_s)
        if arrival_s < self.info.warm_up_s:
            return
        series = self.series.setdefault(name, Series(step=True))
        self._count(series, done_s - sent_s, done_s - sent_s, failure)

    def drop(self, name: str, intended_s: float, given_up_s: float) -> None:
        """An arrival found no free connection and was given up.

        Its waiting so far counts as its response time: a lower bound, so that dropping can
        never make a percentile look better.
        """
        response_s = given_up_s - intended_s
        self._slot(intended_s, response_s, given_up_s).dropped += 1
        if intended_s >= self.info.warm_up_s:
            series = self.series.setdefault(name, Series())
            series.response.record(response_s)
            series.dropped += 1

    def _slot(self, intended_s: float, response_s: float, done_s: float) -> Slot:
        self.end_s = max(self.end_s, done_s)
        slot = self.slots.setdefault(int(intended_s / self.info.slot_s), Slot())
        slot.offered += 1
        slot.max_s = max(slot.max_s, response_s)
        row = heat_row(response_s)
        slot.heat[row] = slot.heat.get(row, 0) + 1
        return slot

    def merge(self, other: Recorder) -> None:
        """Add what another process measured."""
        for name, series in other.series.items():
            self.series.setdefault(name, Series()).merge(series)
        for index, slot in other.slots.items():
            mine = self.slots.setdefault(index, Slot())
            mine.offered += slot.offered
            mine.ok += slot.ok
            mine.failed += slot.failed
            mine.dropped += slot.dropped
            mine.max_s = max(mine.max_s, slot.max_s)
            for row, count in slot.heat.items():
                mine.heat[row] = mine.heat.get(row, 0) + count
        self.lag.merge(other.lag)
        self.cpu_share = max(self.cpu_share, other.cpu_share)
        self.processes += other.processes
        self.end_s = max(self.end_s, other.end_s)
        self.info.aborted = self.info.aborted or other.info.aborted

    def total(self) -> Series:
        """All arrivals together, whatever their name; steps are parts of them and not added."""
        total = Series()
        for series in self.series.values():
            if not series.step:
                total.merge(series)
        return total

    def pack(self) -> PackedResult:
        """The form that travels and is written to disk."""
        packed = {
            name: PackedSeries(
                s.response.pack(),
                s.service.pack(),
                s.ok,
                dict(sorted(s.failures.items())),
                s.dropped,
                s.step,
            )
            for name, s in sorted(self.series.items())
        }
        for slot in self.slots.values():
            slot.heat = dict(sorted(slot.heat.items()))
        return PackedResult(
            FORMAT,
            self.info,
            packed,
            dict(sorted(self.slots.items())),
            self.lag.pack(),
            self.cpu_share,
            self.processes,
            self.end_s,
        )

    @classmethod
    def unpack(cls, packed: PackedResult) -> Recorder:
        """The recorder that was packed."""
        self = cls(packed.info)
        for name, s in packed.series.items():
            self.series[name] = Series(
                Latencies.unpack(s.response),
                Latencies.unpack(s.service),
                s.ok,
                dict(s.failures),
                s.dropped,
                s.step,
            )
        self.slots = dict(packed.slots)
        self.lag = Latencies.unpack(packed.lag)
        self.cpu_share, self.processes = packed.cpu_share, packed.processes
        self.end_s = packed.end_s
        return self

    def to_json(self) -> bytes:
        """The packed form as JSON text."""
        return msgspec.json.encode(self.pack())

    @classmethod
    def from_json(cls, text: bytes | str) -> Recorder:
        """Read what `to_json` wrote; raises `LoadError` on anything else."""
        try:
            packed = msgspec.json.decode(text, type=PackedResult)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise LoadError(f"not a load result: {error}; expected result.json") from error
        if packed.format != FORMAT:
            raise LoadError(f"load result of format {packed.format}; this version reads {FORMAT}")
        return cls.unpack(packed)

    @classmethod
    def read(cls, path: Path) -> Recorder:
        """Read a `result.json`, or the folder that holds one."""
        path = path / "result.json" if path.is_dir() else path
        try:
            return cls.from_json(path.read_bytes())
        except OSError as error:
            raise LoadError(f"{path}: cannot be read: {error.strerror}") from error
