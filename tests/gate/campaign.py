"""The long proof, run by hand: many seeds of the day, and every stack mutant against it.

    python -m tests.gate.campaign --seeds 25          # the reference stack must hold in all
    python -m tests.gate.campaign --mutants           # each must be caught within three seeds

Prints a line a run. The exit code is 0 only if everything is as it should be.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from fixtures.stack_mutants import MUTANTS
from twin import run as running
from twin import site as sites
from twin.judge import judge

SEEDS_TO_CATCH = 3


def one_day(
    seed: int, hours: float | None, stack: str = "reference"
) -> tuple[list[str], list[str], float]:
    """Broken invariants, what was seen, and how many times real time it ran."""
    plan = running.Plan(
        site=sites.load("bac-luan-2"), day=dt.date(2023, 5, 30), seed=seed, hours=hours, stack=stack
    )
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


def mutants(hours: float | None) -> bool:
    """Run each mutant until it is caught."""
    good = True
    for name in MUTANTS:
        for seed in range(SEEDS_TO_CATCH):
            broken, _, _ = one_day(seed, hours, f"tests.gate.mutant_stacks:{name}")
            if broken:
                print(f"{name}: caught by {', '.join(broken)} in seed {seed}", flush=True)
                break
        else:
            print(f"{name}: NOT caught in {SEEDS_TO_CATCH} seeds", flush=True)
            good = False
    return good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--mutants", action="store_true")
    parser.add_argument("--hours", type=float, default=None)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    held = seeds(asked.seeds, asked.hours, asked.workers) if asked.seeds else True
    caught = mutants(asked.hours) if asked.mutants else True
    sys.exit(0 if held and caught else 1)
