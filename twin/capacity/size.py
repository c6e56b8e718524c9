"""The smallest fleet that keeps a promise about waiting, and what limits it.

A fleet keeps the promise if the upper confidence limit of the quantile is within the limit: the
quantile of each replication is one value, Student's interval goes over replications. The search
assumes that a larger fleet waits no longer; all fleets meet the same demand (common random
numbers), which makes that true of the means but for what noise is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from twin.capacity.demand import Key
from twin.capacity.executor import Replicate, replicate
from twin.capacity.model import Run
from twin.capacity.plan import DAY_S, Part, Plan, SizingError, without
from twin.capacity.statistics import Interval, paired, t_interval
from twin.capacity.times import Times, cycle_s

MIN_REPLICATIONS = 20
"""Fewer give intervals that are too short too often (measured on M/M/20)."""
CRANE_LOAD = 0.8
"""The search for cranes begins where the busiest hour loads them to this share."""
CRANE_SHARE = 0.5
"""Cranes are as many that with the largest fleet the wait is at most this share of the limit: what
is left of it is for the fleet. (A choice; `cranes` of the plan overrides it.)"""
_MORE_CRANES = 6


@dataclass(frozen=True, slots=True)
class Target:
    """The promise: the `quantile` of the ready-to-load wait is at most `wait_s`."""

    wait_s: float = 300.0
    quantile: float = 0.95
    confidence: float = 0.95
    replications: int = MIN_REPLICATIONS
    fleet_max: int = 300

    def __post_init__(self) -> None:
        for what, value, low, high in (
            ("wait limit, s", self.wait_s, 0.1, DAY_S),
            ("quantile", self.quantile, 0.01, 0.9999),
            ("confidence", self.confidence, 0.5, 0.9999),
            ("replications", self.replications, MIN_REPLICATIONS, 10_000),
            ("largest fleet, IGVs", self.fleet_max, 1, 2_000),
        ):
            if not low <= value <= high:
                raise SizingError(f"{what}: {value:g}; allowed: {low:g} to {high:g}")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All replications of one plan."""

    plan: Plan
    quantile_s: tuple[float, ...]
    """The quantile of each replication's waits."""
    wait: Interval
    within: Interval
    """Share of the boxes that waited no longer than the limit."""
    mean_wait_s: Interval
    crossing_p95_s: Interval
    igv_use: float
    igv_down: float
    crane_use: tuple[float, float]
    lane_use: float
    kwh_per_box: float
    empty_per_box: float
    delivered_per_day: Interval
    unserved: int

    def keeps(self, target: Target) -> bool:
        """Whether the promise is kept with confidence."""
        return self.wait.high <= target.wait_s and not self.unserved


@dataclass(frozen=True, slots=True)
class Sizing:
    """The answer for one demand. `found` is None if no fleet up to the largest does."""

    boxes_per_day: float
    target: Target
    found: Evaluation | None
    best: Evaluation
    """The found one, or the largest fleet that was tried."""
    evaluations: tuple[Evaluation, ...]
    """All fleets that were tried with these cranes, by size."""
    one_less: Interval
    """By how much the quantile grows with one vehicle less (s), in pairs."""
    limits: tuple[tuple[Part, Interval], ...] = ()
    """How the quantile changes (s) with one more of each, in pairs."""
    n_minus_1: tuple[tuple[Part, Evaluation], ...] = ()

    @property
    def limiting(self) -> Part | None:
        """Of what one more would shorten the wait most; None if of nothing, with confidence."""
        helps = [(change.mean, part) for part, change in self.limits if change.high < 0]
        return min(helps, key=lambda item: item[0])[1] if helps else None


@dataclass(slots=True)
class Search:
    """One search for one demand; remembers what it has simulated."""

    times: Times
    target: Target
    seed: int = 0
    run: Replicate = field(default_factory=lambda: replicate(1))
    progress: Callable[[Plan], None] = lambda _: None
    _known: dict[Plan, Evaluation] = field(default_factory=dict)

    def evaluate(self, plan: Plan) -> Evaluation:
        """Simulate a plan, or remember."""
        if plan not in self._known:
            self.progress(plan)
            scenario = round(plan.boxes_per_day)
            keys = [Key(self.seed, scenario, n) for n in range(self.target.replications)]
            self._known[plan] = _evaluation(plan, self.target, self.run(plan, self.times, keys))
        return self._known[plan]

    def smallest(self, plan: Plan) -> Evaluation | None:
        """The smallest fleet that keeps the promise, by doubling steps and halving."""
        low = max(0, self.guess(plan) - 1)
        step, high = max(1, low // 4), min(low + 1, self.target.fleet_max)
        while not self.evaluate(replace(plan, igvs=high)).keeps(self.target):
            if high >= self.target.fleet_max:
                return None
            low, high = high, min(high + step, self.target.fleet_max)
            step *= 2
        if high == self.guess(plan):  # which may be above the answer
            low = 0
        while high - low > 1:
            middle = (low + high) // 2
            if self.evaluate(replace(plan, igvs=middle)).keeps(self.target):
                high = middle
            else:
                low = middle
        return self.evaluate(replace(plan, igvs=high))

    def guess(self, plan: Plan) -> int:
        """Where the search begins: square-root staffing for the busiest hour.

        The load is counted as if every vehicle found a box to bring back.
        """
        load = plan.peak_per_s * cycle_s(self.times) / 2
        return max(1, min(math.ceil(load + 2 * math.sqrt(load)), self.target.fleet_max))

    def cranes(self, plan: Plan) -> int:
        """Cranes per side by the rule of `CRANE_LOAD`: each box is lifted once on each side."""
        plug_s = plan.crossing.reefer_share * plan.crossing.reefer_plug_s
        load = plan.peak_per_s * (self.times.mean_move_s + plug_s)
        return max(1, math.ceil(load / CRANE_LOAD))


def find_fleet(
    plan: Plan, times: Times, target: Target, *, seed: int = 0, parts: Sequence[Part] = (),
    run: Replicate | None = None, progress: Callable[[Plan], None] = lambda _: None,
) -> Sizing:  # fmt: skip
    """Size one demand. Cranes of `plan` that are 0 are found too; `parts` are for N-1."""
    search = Search(times, target, seed, run or replicate(1), progress)
    plan = replace(plan, igvs=target.fleet_max)
    if plan.cranes == (0, 0):
        plan = _with_cranes(search, plan)
    found = search.smallest(plan) if search.evaluate(plan).keeps(target) else None
    best = found or search.evaluate(plan)
    tried = sorted(
        (e for e in search._known.values() if e.plan.cranes == best.plan.cranes),
        key=lambda e: e.plan.igvs,
    )
    return Sizing(
        plan.boxes_per_day, target, found, best, tuple(tried),
        one_less=_change(search, without(best.plan, Part.IGV), best),
        limits=tuple((part, _change(search, more, best)) for part, more in _one_more(best.plan)),
        n_minus_1=tuple((part, search.evaluate(without(best.plan, part))) for part in parts),
    )  # fmt: skip


def _with_cranes(search: Search, plan: Plan) -> Plan:
    """The plan with as many cranes that they leave the fleet its share of the wait."""
    count = search.cranes(plan)
    for more in range(_MORE_CRANES):
        plan = replace(plan, cranes=(count + more, count + more))
        largest = search.evaluate(plan)
        if largest.wait.high <= CRANE_SHARE * search.target.wait_s:
            break
        if largest.crane_use[0] < CRANE_LOAD / 4:
            break  # it is not for want of cranes
    return plan


def _one_more(plan: Plan) -> list[tuple[Part, Plan]]:
    found = [
        (Part.IGV, replace(plan, igvs=plan.igvs + 1)),
        (Part.CRANE, replace(plan, cranes=(plan.cranes[0] + 1, plan.cranes[1] + 1))),
    ]
    if plan.lanes == 1:
        found.append((Part.LANE, replace(plan, lanes=2)))
    return found


def _change(search: Search, other: Plan, best: Evaluation) -> Interval:
    return paired(search.evaluate(other).quantile_s, best.quantile_s, search.target.confidence)


def _evaluation(plan: Plan, target: Target, runs: Sequence[Run]) -> Evaluation:
    empty = [run for run in runs if not len(run.wait_s)]
    if empty:
        raise SizingError(
            f"{plan.boxes_per_day:g} boxes a day over {plan.days - plan.warmup_days:g} days: a "
            f"replication had no box at all; give it more days"
        )

    def interval(values: list[float]) -> Interval:
        return t_interval(values, target.confidence)

    quantiles = [float(np.quantile(run.wait_s, target.quantile)) for run in runs]
    count = sum(len(run.wait_s) for run in runs)
    crossed = [run.ready_to_landed_s for run in runs]
    span = plan.days - plan.warmup_days
    return Evaluation(
        plan=plan,
        quantile_s=tuple(quantiles),
        wait=interval(quantiles),
        within=interval([float((run.wait_s <= target.wait_s).mean()) for run in runs]),
        mean_wait_s=interval([float(run.wait_s.mean()) for run in runs]),
        crossing_p95_s=interval(
            [float(np.quantile(times, 0.95)) if len(times) else math.inf for times in crossed]
        ) if all(len(times) for times in crossed) else Interval(math.inf, math.inf, math.inf),
        igv_use=_mean([run.igv_use for run in runs]),
        igv_down=_mean([run.igv_down for run in runs]),
        crane_use=(
            _mean([run.crane_use[0] for run in runs]), _mean([run.crane_use[1] for run in runs])
        ),
        lane_use=_mean([run.lane_use for run in runs]),
        kwh_per_box=sum(run.energy_kwh for run in runs) / count,
        empty_per_box=sum(run.trips_empty for run in runs) / count,
        delivered_per_day=interval([run.delivered / span for run in runs]),
        unserved=sum(run.unserved for run in runs),
    )  # fmt: skip


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
