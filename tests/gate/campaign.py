"""The long proof, run by hand: many seeds of the day, and every stack mutant against it.

    python -m tests.gate.campaign --seeds 25          # the reference stack must hold in all
    python -m tests.gate.campaign --mutants           # each must be caught within three seeds

A mutant counts as caught when the invariant named for it breaks. Its day has the faults of
`examples/faults.toml`, since some mistakes show only when something is broken. Prints a line a
run. The exit code is 0 only if everything is as it should be.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from fixtures.stack_mutants import CAUGHT_BY, MUTANTS
from twin import run as running
from twin import site as sites
from twin.judge import judge

SEEDS_TO_CATCH = 3


FAULTS = Path("examples/faults.toml")


def one_day(
    seed: int, hours: float | None, stack: str = "reference", schedule: Path | None = None
) -> tuple[list[str], list[str], float]:
    """Broken invariants, what was seen, and how many times real time it ran."""
    plan = running.Plan(
        site=sites.load("bac-luan-2"), day=dt.date(2023, 5, 30), seed=seed, hours=hours,
        stack=stack, faults=schedule,
    )  # fmt: skip
    outcome = running.run(plan)
    verdict = judge(outcome.records)
    seen = [item.id for item in verdict.sometimes if item.seen]
    return list(verdict.broken), seen, outcome.simulated_s / outcome.wall_s


def seeds(count: int, hours: float | None, workers: int) -> bool:
    """Run `count` days of the reference stack."""
    good, seen = True, Counter[str]()
    with ProcessPoolExecutor(workers) as pool:
        days = [pool.submit(one_day, seed, hours) for seed in range(count)]
        for seed, day in enumerate(days):
            broken, happened, speed = day.result()
            seen.update(happened)
            good &= not broken
            print(f"seed {seed:3d}: {broken or 'held'}  {speed:.0f}x", flush=True)
    print("seen in so many days:", dict(seen.most_common()))
    return good


def mutants(names: Sequence[str], hours: float | None, workers: int) -> bool:
    """Run each mutant until its invariant breaks; prints the table."""
    good = True
    with ProcessPoolExecutor(workers) as pool:
        rows = {name: pool.submit(_hunt, name, hours) for name in names}
        for name, row in rows.items():
            seed, broken = row.result()
            told = f"seed {seed}" if seed is not None else f"NOT in {SEEDS_TO_CATCH} seeds"
            others = ", ".join(other for other in broken if other != CAUGHT_BY[name])
            print(f"{name:28s} {CAUGHT_BY[name]}  {told}  (also: {others or 'none'})", flush=True)
            good &= seed is not None
    return good


def _hunt(name: str, hours: float | None) -> tuple[int | None, list[str]]:
    """The first seed in which the mutant is caught, and all that broke in it."""
    broken: list[str] = []
    for seed in range(SEEDS_TO_CATCH):
        broken, _, _ = one_day(seed, hours, f"tests.gate.mutant_stacks:{name}", FAULTS)
        if CAUGHT_BY[name] in broken:
            return seed, broken
    return None, broken


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--mutants", nargs="*", metavar="NAME", help="these, or every one")
    parser.add_argument("--hours", type=float, default=None)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    held = seeds(asked.seeds, asked.hours, asked.workers) if asked.seeds else True
    wanted = asked.mutants or MUTANTS
    caught = mutants(wanted, asked.hours, asked.workers) if asked.mutants is not None else True
    sys.exit(0 if held and caught else 1)
