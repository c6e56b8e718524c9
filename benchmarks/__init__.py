"""Speed figures as ratios with a named reference: `python -m benchmarks`, or `make bench`.

A benchmark is one module here with one function::

    def run(quick: bool) -> Iterable[Ratio]: ...

It measures the reference next to our own code, in the same process and minute, because absolute
times say little on a shared machine. `quick` asks for a smoke run of a second or so. A benchmark
that needs something absent raises `Skipped` with the reason and the next step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


class Skipped(Exception):  # noqa: N818 - it names what happened, not a failure
    """A benchmark cannot run here; the text says why and what to install."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """One speed figure beside its reference.

    `better` says which way is good. `limit` is the bar for `ours` in the same unit; None where
    there is no bar. `ratio_limit` is the bar for ours ÷ reference.
    """

    name: str
    ours: float
    reference: float
    unit: str
    reference_name: str
    better: Literal["higher", "lower"] = "higher"
    limit: float | None = None
    ratio_limit: float | None = None

    @property
    def ratio(self) -> float:
        """Ours ÷ reference."""
        return self.ours / self.reference if self.reference else float("inf")

    @property
    def machine_missed(self) -> bool:
        """A time that the reference itself does not reach: a busy machine, not our code."""
        return self.limit is not None and self.better == "lower" and self.reference > self.limit

    @property
    def held(self) -> bool | None:
        """Whether every bar is held; None where there is none."""
        bars = [(self.ours, self.limit), (self.ratio, self.ratio_limit)]
        checks = [
            value >= bar if self.better == "higher" else value <= bar
            for value, bar in bars
            if bar is not None
        ]
        return all(checks) if checks else None
