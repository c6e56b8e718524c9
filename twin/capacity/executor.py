"""Replications over processes of one machine, with one result for one seed.

joblib (the extra `capacity`) carries them; a replication is a pure function of its arguments, so
neither the number of processes nor their order can change what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from joblib import Parallel, delayed

from twin.capacity.demand import Key
from twin.capacity.model import Run, simulate
from twin.capacity.plan import Plan
from twin.capacity.times import Times

Replicate = Callable[[Plan, Times, Sequence[Key]], list[Run]]


def replicate(jobs: int) -> Replicate:
    """A way to simulate a plan once per key, in `jobs` processes (-1: one per core)."""

    def run(plan: Plan, times: Times, keys: Sequence[Key]) -> list[Run]:
        if jobs == 1:
            return [simulate(plan, times, key) for key in keys]
        found: list[Run] = Parallel(n_jobs=jobs)(delayed(simulate)(plan, times, k) for k in keys)
        return found

    return run
