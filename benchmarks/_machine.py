"""How quiet the machine is: its own jitter before anything is measured, and who else uses it."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass

import psutil

BUSY_SHARE = 0.15
"""Others that use more of the machine than this make a missed bar worthless (estimate)."""
JITTER_MS = 1.0
"""A sleeper that wakes later than this in one of a hundred times tells the same (estimate; an idle
Linux gives 0.1 to 0.3 ms)."""

_PERIOD_S = 0.005


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine is and what it gives while nothing of ours runs."""

    system: str
    python: str
    cpus: int
    others_share: float
    """Share of all its cores that other processes used, 0 to 1."""
    jitter_ms: float
    """99th percentile of how late a sleeping process woke."""

    @property
    def busy(self) -> bool:
        """Whether it is too busy to judge a missed bar."""
        return self.others_share > BUSY_SHARE or self.jitter_ms > JITTER_MS

    def __str__(self) -> str:
        state = "too busy to judge a missed bar" if self.busy else "quiet"
        return (
            f"{self.cpus} CPUs, {self.system}, Python {self.python}; others use "
            f"{self.others_share:.0%} of it, a sleeper wakes {self.jitter_ms:.2f} ms late at p99: "
            f"{state}"
        )


class Neighbours:
    """What share of the machine other processes use between two looks."""

    def __init__(self) -> None:
        self._at_s, self._busy_s, self._ours_s = self._look()

    @staticmethod
    def _look() -> tuple[float, float, float]:
        t = psutil.cpu_times()
        # What a hypervisor takes away counts as a neighbour's; waiting for a disk does not.
        busy_s = t.user + t.system + getattr(t, "irq", 0) + getattr(t, "softirq", 0)
        busy_s += getattr(t, "nice", 0) + getattr(t, "steal", 0)
        own = os.times()
        ours_s = own.user + own.system + own.children_user + own.children_system
        return time.perf_counter(), busy_s, ours_s

    def share(self) -> float:
        """0 to 1, since the last look."""
        at_s, busy_s, ours_s = self._look()
        passed_s = (at_s - self._at_s) * (os.cpu_count() or 1)
        others_s = (busy_s - self._busy_s) - (ours_s - self._ours_s)
        self._at_s, self._busy_s, self._ours_s = at_s, busy_s, ours_s
        return max(0.0, min(1.0, others_s / passed_s)) if passed_s > 0 else 0.0


def measure(seconds: float = 1.5) -> Machine:
    """Sleep on an absolute schedule for a while and look at how late, and at who worked."""
    neighbours = Neighbours()
    late_s = []
    began_s = time.perf_counter()
    for tick in range(1, round(seconds / _PERIOD_S) + 1):
        due_s = began_s + tick * _PERIOD_S
        time.sleep(max(0.0, due_s - time.perf_counter()))
        late_s.append(time.perf_counter() - due_s)
    late_s.sort()
    return Machine(
        system=platform.system(),
        python=platform.python_version(),
        cpus=os.cpu_count() or 1,
        others_share=neighbours.share(),
        jitter_ms=late_s[max(0, -(-len(late_s) * 99 // 100) - 1)] * 1000,
    )
