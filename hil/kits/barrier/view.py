"""What a judge of a barrier sees: the true angle of the arm beside what the wire said.

Angles are degrees, 0 closed and 90 open. Pure functions of records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

from hil.modbus_session import ModbusView

from .papers import BarrierPics, BarrierPixit

OPEN_DEG = 90.0
END_DEG = 3.0
"""An arm this near to an end stands at that end."""

STILL_DEG = 0.5
"""Two samples that differ by no more are an arm at rest, below any instrument's resolution."""


class Sample(NamedTuple):
    """The true angle at one instant."""

    t_s: float
    deg: float


class BarrierView(ModbusView[BarrierPics, BarrierPixit]):
    """Reads one attempt of one case on a barrier."""

    kept = ("position_percent", "last_error", "gate_status")

    def disturbed(self) -> str | None:
        """How far the arm moved."""
        if not self.truth:
            return None
        moved_deg = travel_deg(self.truth)
        return f"the arm moved by {moved_deg:.1f}°" if moved_deg > STILL_DEG else ""

    @property
    def angle_uncertainty_deg(self) -> float:
        """Expanded uncertainty of the true angle."""
        return float(self.info.get("angle_uncertainty_deg", 0.0))

    @property
    def independent_angle(self) -> bool:
        """Whether the true angle comes from another source than the device."""
        return bool(self.info.get("independent_angle", True))

    @cached_property
    def truth(self) -> list[Sample]:
        """All samples of the true angle."""
        return [Sample(r.t_s, float(r.payload["angle_deg"])) for r in self.of("truth")]

    def truth_between(self, start: str, end: str | None = None) -> list[Sample]:
        """Samples of the true angle between two marks (or from one on)."""
        return self.between(self.truth, start, end)


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
