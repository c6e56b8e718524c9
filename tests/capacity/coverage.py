"""How often the intervals of a sizing hold the truth: `python -m tests.capacity.coverage`.

Queues whose truth is known (M/M/c, M/D/1) stand in for the model; its waits are theirs, box by box
(test_theory.py). What is tried is the code of twin.capacity.statistics that every sizing uses,
with the sizes of a sizing: so many boxes a replication, so many replications.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click
import numpy as np

from tests.capacity.recursion import Floats, constant, exponential, stationary_s
from twin.capacity import theory
from twin.capacity.statistics import (
    Interval,
    quantile_interval,
    ratio_interval,
    replications_needed,
)

QUANTILE, PILOT, MOST = 0.95, 30, 120
Estimate = Callable[[Sequence[Floats], float], Interval]


@dataclass(frozen=True, slots=True)
class Case:
    """One queue as a sizing sees it: `boxes` a replication, and so many replications."""

    servers: int
    load: float
    boxes: int
    replications: int
    service: str = "M"

    @property
    def name(self) -> str:
        """Kendall's notation and the load."""
        return f"M/{self.service}/{self.servers} at {self.load:g}"

    @property
    def mean_s(self) -> float:
        """The true mean wait, in service times."""
        rate = self.load * self.servers
        if self.service == "D":
            return theory.mg1_wait_s(rate, 1.0, 0.0)
        return theory.mmc_wait_s(self.servers, rate, 1.0)

    @property
    def quantile_s(self) -> float:
        """The true quantile of the wait."""
        rate = self.load * self.servers
        if self.service == "D":
            return theory.md1_wait_quantile_s(rate, 1.0, QUANTILE)
        return theory.mmc_wait_quantile_s(self.servers, rate, 1.0, QUANTILE)

    def experiments(self, count: int, seed: int, replications: int = 0) -> Floats:
        """Waits; experiments x replications x boxes. The warm-up is ten relaxation times."""
        each = replications or self.replications
        relaxation = self.load / (1 - np.sqrt(self.load)) ** 2  # of M/M/1, in customers
        found = stationary_s(
            self.servers, self.load, self.boxes, count * each,
            warmup=int(10 * relaxation), seed=seed,
            service=constant if self.service == "D" else exponential,
        )  # fmt: skip
        return found.reshape(count, each, self.boxes)


CASES = (
    Case(1, 0.6, 600, 30), Case(1, 0.8, 600, 30), Case(1, 0.8, 3600, 30), Case(1, 0.8, 600, 20),
    Case(1, 0.8, 600, 100), Case(2, 0.6, 600, 30), Case(2, 0.8, 1200, 30), Case(10, 0.8, 1200, 30),
    Case(1, 0.6, 600, 30, "D"), Case(1, 0.8, 600, 30, "D"),
)  # fmt: skip


def of_quantile(samples: Sequence[Floats], confidence: float) -> Interval:
    """As a sizing estimates its quantile."""
    return quantile_interval(samples, QUANTILE, confidence)


def of_mean(samples: Sequence[Floats], confidence: float) -> Interval:
    """As a sizing estimates a mean wait."""
    return ratio_interval([float(one.sum()) for one in samples], [len(one) for one in samples],
                          confidence)  # fmt: skip


def hits(experiments: Floats, truth: float, estimate: Estimate, confidence: float) -> list[int]:
    """How many intervals hold the truth, lie above it, lie below it."""
    found = [0, 0, 0]
    for waits in experiments:
        one = estimate(list(waits), confidence)
        found[1 if one.low > truth else 2 if one.high < truth else 0] += 1
    return found


def two_stage(waits: Floats, precision: float, confidence: float) -> Interval:
    """As a sizing confirms: a pilot says how many replications, and only others are reported."""
    first = list(waits[:PILOT])
    pilot = of_quantile(first, confidence)
    needed = replications_needed(pilot, PILOT, precision * pilot.mean)
    return of_quantile(list(waits[PILOT:][: max(PILOT, needed)]), confidence)


@click.command()
@click.option("--experiments", type=int, default=1000, show_default=True)
@click.option("--confidence", type=float, default=0.95, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def main(experiments: int, confidence: float, seed: int) -> None:
    """Print the coverage of each case; low: the interval lies below the truth."""
    click.echo(f"{experiments} intervals of {confidence:g} each, in percent: held (too low)")
    click.echo(f"{'queue':<16}{'boxes':>6}{'runs':>6}{'mean':>16}{'p95':>16}{'p95, two-stage':>16}")
    for case in CASES:
        data = case.experiments(experiments, seed)
        cells = [
            hits(data, case.mean_s, of_mean, confidence),
            hits(data, case.quantile_s, of_quantile, confidence),
        ]
        few = max(1, experiments // 4)
        more = [two_stage(waits, 0.15, confidence)
                for waits in case.experiments(few, seed + 1, PILOT + MOST)]  # fmt: skip
        truth = case.quantile_s
        low = sum(one.high < truth for one in more)
        cells.append([sum(one.low <= truth <= one.high for one in more), 0, low])
        text = "".join(
            f"{f'{100 * held / n:.1f} ({100 * low / n:.1f})':>16}"
            for (held, _, low), n in zip(cells, (experiments, experiments, few), strict=True)
        )
        click.echo(f"{case.name:<16}{case.boxes:>6}{case.replications:>6}{text}")


if __name__ == "__main__":
    main()
