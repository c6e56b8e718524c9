"""Speed figures as ratios with a named reference: `python -m benchmarks`, or `make bench`.

A benchmark is one module here with one function::

    USUAL_S = 10.0   # how long it takes on two quiet cores, for the progress bar
    LIMIT_S = 60.0   # after this it is ended, and says so

    def run(quick: bool) -> Iterable[Ratio]: ...

It runs in a process of its own and measures the reference next to our own code, in the same
process and minute, because absolute times say little on a shared machine. `quick` asks for a smoke
run of a second or so. A benchmark that needs something absent raises `Skipped` with the reason and
the next step.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

USUAL_S = 10.0
LIMIT_S = 60.0


class Skipped(Exception):  # noqa: N818 - it names what happened, not a failure
    """A benchmark cannot run here; the text says why and what to install."""


class Verdict(StrEnum):
    """What a figure says about its bars. ``busy``: missed, but on a machine that others used."""

    MET = "met"
    MISSED = "missed"
    BUSY = "busy"
    NO_BAR = "no bar"


@dataclass(frozen=True, slots=True)
class Ratio:
    """One speed figure beside its reference.

    `better` says which way is good. `limit` is the bar for `ours` in the same unit; None where
    there is no bar. `ratio_limit` is the bar for ours ÷ reference. `counted` is a figure that no
    neighbour can change, such as a count in virtual time. `floor` says that nothing on this machine
    can be better than the reference.
    """

    name: str
    ours: float
    reference: float
    unit: str
    reference_name: str
    better: Literal["higher", "lower"] = "higher"
    limit: float | None = None
    ratio_limit: float | None = None
    counted: bool = False
    floor: bool = False

    @property
    def ratio(self) -> float:
        """Ours ÷ reference."""
        return self.ours / self.reference if self.reference else float("inf")

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

    def verdict(self, *, busy: bool) -> Verdict:
        """What is to be said of it; `busy` when others used the machine meanwhile.

        A missed bar counts only where the machine could have met it: on a quiet one, and not
        where the machine's own floor lies beyond the bar.
        """
        if self.held is None:
            return Verdict.NO_BAR
        if self.held:
            return Verdict.MET
        if self.counted:
            return Verdict.MISSED
        beyond = self.floor and self.limit is not None and self.reference > self.limit
        return Verdict.BUSY if busy or beyond else Verdict.MISSED
