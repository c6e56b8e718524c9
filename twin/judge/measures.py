"""The shapes of the figures of a run; docs/kpis.md says what each of them means."""

from __future__ import annotations

import math
from collections.abc import Iterable

from msgspec import Struct


class Spread(Struct, frozen=True):
    """How a quantity is spread, in its own unit."""

    n: int = 0
    mean: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    max: float = 0.0


class Interval(Struct, frozen=True):
    """The worst quarter of an hour of a flow, by its 95th percentile."""

    start_s: float
    n: int
    p95: float


class Vehicles(Struct, frozen=True):
    """What became of a flow's vehicles; the first equals the sum of the next three."""

    arrived: int = 0
    crossed: int = 0
    diverted: int = 0
    waiting: int = 0
    laden: int = 0
    empty: int = 0
    laden_crossed: int = 0


class Decisions(Struct, frozen=True):
    """The stack's decisions in smart lanes against ground truth; tail-gaters are not decided on."""

    right_pass: int = 0
    right_divert: int = 0
    wrong_pass: int = 0
    """Crossed, and must not have."""
    wrong_divert: int = 0
    """Diverted, and had a right to pass."""
    undecided: int = 0
    by_why: dict[str, dict[str, int]] = {}
    """Ground truth (`ok`, `channel_red` …) to outcome (`crossed`, `diverted`) to number."""

    @property
    def right(self) -> int:
        """All that were right."""
        return self.right_pass + self.right_divert

    @property
    def wrong(self) -> int:
        """All that were wrong."""
        return self.wrong_pass + self.wrong_divert


class Plates(Struct, frozen=True):
    """How often a camera's first reading of a vehicle was the true plate."""

    vehicles: int = 0
    first_right: int = 0
    first_right_share: float | None = None


class Kpis(Struct, frozen=True, kw_only=True):
    """All figures of a run. Flows: `all`, `in`, `out`, `smart`, `traditional`, `in.smart` …"""

    trace_sha256: str = ""
    site: str = ""
    day: str | None = None
    seed: int | str | None = None
    fidelity: str = ""
    engine: str = ""
    simulated_s: float
    wall_s: float | None = None
    speed: float | None = None
    """Simulated time over wall time."""
    records: int
    invariants_held: list[str] = []
    invariants_broken: list[str] = []
    invariants_not_exercised: list[str] = []
    vehicles: dict[str, Vehicles]
    waiting_s: dict[str, Spread]
    waiting_worst_interval: dict[str, Interval]
    transaction_s: dict[str, Spread]
    authority_s: dict[str, Spread]
    driver_s: dict[str, Spread]
    stages_s: dict[str, dict[str, Spread]]
    """Lane to stage of its transactions."""
    queue_max: dict[str, int]
    queue_mean: dict[str, float]
    throughput_per_h: dict[str, float]
    throughput_peak_per_h: dict[str, int]
    """Most crossings within one clock hour of the run."""
    barrier_cycles: dict[str, int]
    decisions: Decisions
    plates: Plates
    alarms: dict[str, int]
    """Alarms raised, by code."""
    tail_gaters: int = 0
    tail_gating_alarms: int = 0
    manual_checks: int = 0
    faults: dict[str, int] = {}
    frames: dict[str, int] = {}
    """Messages on the wires, by kind of record."""
    frames_per_s: float = 0.0


def spread(values: Iterable[float]) -> Spread:
    """Describe `values` by number, mean and nearest-rank percentiles."""
    ordered = sorted(values)
    if not ordered:
        return Spread()

    def rank(share: float) -> float:
        return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 3)

    mean = round(math.fsum(ordered) / len(ordered), 3)
    return Spread(len(ordered), mean, rank(0.50), rank(0.95), rank(0.99), rank(1.0))
