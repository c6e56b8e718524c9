"""Latencies in a log-linear histogram that merges without loss.

`HdrHistogram` keeps three significant digits from 1 µs to 1 h, so a percentile is within 0.1 %
of the sample it stands for: Locust's own buckets round 1,449 ms to 1,400 ms and can hide a
breach of a 1,400 ms limit. Count, sum and maximum are kept exactly beside it, as whole
microseconds, so that merging in any order gives the same numbers to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from loadtests.errors import MissingExtra

try:
    from hdrh.histogram import HdrHistogram
except ImportError as error:
    raise MissingExtra("hdrhistogram", "the load generator") from error

US = 1_000_000
"""Microseconds in a second."""

MAX_US = 3_600 * US
"""One hour: longer latencies are counted as one hour, with their exact maximum kept."""

DIGITS = 3
"""Significant digits: a percentile is at most 0.1 % above the sample it stands for."""


class PackedLatencies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A histogram as it travels between processes: HdrHistogram's V2 blob and what is exact."""

    blob: str
    count: int
    sum_us: int
    max_us: int


class Latencies:
    """How long something took, many times; times go in and come out in seconds."""

    __slots__ = ("_hdr", "count", "max_us", "sum_us")

    def __init__(self, samples_s: Iterable[float] = ()) -> None:
        self._hdr: Any = HdrHistogram(1, MAX_US, DIGITS)
        self.count = 0
        self.sum_us = 0
        self.max_us = 0
        for sample_s in samples_s:
            self.record(sample_s)

    def record(self, latency_s: float) -> None:
        """Count one latency; a negative one (clock noise) counts as 0."""
        value = max(0, round(latency_s * US))
        self._hdr.record_value(min(value, MAX_US))
        self._extend(1, value, value)

    def merge(self, other: Latencies) -> None:
        """Add all samples of `other`; no order of merging changes any figure."""
        if other.count:
            self._hdr.add(other._hdr)
            self._extend(other.count, other.sum_us, other.max_us)

    def _extend(self, count: int, sum_us: int, max_us: int) -> None:
        self.max_us = max(self.max_us, max_us)
        self.count += count
        self.sum_us += sum_us

    def percentile_s(self, percent: float) -> float:
        """The smallest latency that at least `percent` % of the samples do not exceed, seconds.

        Nearest rank, upper edge of the bucket, never above the true maximum: with few samples a
        high percentile is the maximum and never hides it.
        """
        return self.percentiles_s([percent])[0]

    def percentiles_s(self, percents: list[float]) -> list[float]:
        """Several percentiles in one pass, in the order asked."""
        found = {}
        waiting = sorted(set(percents))
        seen = 0
        for value_us, count in self.buckets_us():
            seen += count
            # Nearest rank: `percent` of all samples, rounded up.
            while waiting and seen * 100 >= waiting[0] * self.count:
                found[waiting.pop(0)] = value_us / US
        return [found.get(p, self.max_s) for p in percents]

    def buckets_us(self) -> list[tuple[int, int]]:
        """Each used bucket as (largest value in it in µs, samples), in rising order.

        The last one ends at the exact maximum.
        """
        if not self.count:
            return []
        # The package's own iterator walks all 24,000 cells in Python: 50 ms for one percentile.
        cells = np.ctypeslib.as_array(self._hdr.counts)
        used = np.flatnonzero(cells)
        upper = self._hdr.get_highest_equivalent_value
        value_of = self._hdr.get_value_from_index
        buckets = [(int(upper(value_of(int(i)))), int(cells[i])) for i in used]
        buckets[-1] = (self.max_us, buckets[-1][1])
        return buckets

    @property
    def mean_s(self) -> float:
        """Exact mean, seconds; 0 without samples."""
        return self.sum_us / US / self.count if self.count else 0.0

    @property
    def max_s(self) -> float:
        """Exact maximum, seconds; 0 without samples."""
        return self.max_us / US

    def pack(self) -> PackedLatencies:
        """The form that travels: a few hundred bytes for thousands of samples."""
        blob = self._hdr.encode()
        text = blob.decode("ascii") if isinstance(blob, bytes) else str(blob)
        return PackedLatencies(text, self.count, self.sum_us, self.max_us)

    @classmethod
    def unpack(cls, packed: PackedLatencies) -> Latencies:
        """The histogram that was packed."""
        self = cls()
        if packed.count:
            self._hdr.decode_and_add(packed.blob)
            self._extend(packed.count, packed.sum_us, packed.max_us)
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Latencies):
            return NotImplemented
        mine = (self.count, self.sum_us, self.max_us)
        theirs = (other.count, other.sum_us, other.max_us)
        return mine == theirs and self.buckets_us() == other.buckets_us()

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        p50, p99 = self.percentiles_s([50, 99])
        return f"<Latencies n={self.count} p50={p50:.6f}s p99={p99:.6f}s max={self.max_s:.6f}s>"
