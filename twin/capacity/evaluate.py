"""The figures of one plan over many replications, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from twin.capacity.demand import Floats
from twin.capacity.invariants import Held, together
from twin.capacity.model import Run
from twin.capacity.plan import Plan, SizingError
from twin.capacity.statistics import (
    Interval,
    paired_quantile,
    quantile_interval,
    ratio_interval,
    settled,
    t_interval,
)

FLOWS = ("all", "out", "in")
"""Both directions together, from the near side to the far one, and back."""


@dataclass(frozen=True, slots=True)
class Flow:
    """The boxes of one direction; times in seconds."""

    name: str
    wait_p50_s: Interval
    wait_p95_s: Interval
    landed_p50_s: Interval
    """From ready until landed on the other side."""
    landed_p95_s: Interval
    delivered_per_day: Interval


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All replications of one plan."""

    plan: Plan
    replications: int
    wait: Interval
    """The promised quantile of the ready-to-load wait, of all boxes together (s)."""
    within: Interval
    """Share of the boxes that waited no longer than the limit."""
    mean_wait_s: Interval
    flows: tuple[Flow, ...]
    use: dict[str, Interval]
    """Shares of the time, by `USES`."""
    kwh_per_box: Interval
    empty_per_box: Interval
    """Trips without a box, for each box."""
    unserved: int
    settled: bool | None
    """Whether the first counted day is like the last; None: fewer than two whole days count."""
    held: tuple[Held, ...]
    quantile: float
    waits: tuple[Floats, ...] = field(repr=False)
    """The waits of each replication, for comparisons in pairs."""

    def flow(self, name: str) -> Flow | None:
        """One of `FLOWS`; None if no box went that way."""
        return next((flow for flow in self.flows if flow.name == name), None)

    def against(self, other: Evaluation, confidence: float) -> Interval:
        """How much longer the promised quantile is here than in `other` (s), in pairs."""
        return paired_quantile(self.waits, other.waits, self.quantile, confidence)


_Use = Callable[[Run], float]
USES: dict[str, _Use] = {
    "igv": lambda run: run.igv_use,
    "igv_down": lambda run: run.igv_down,
    "crane_near": lambda run: run.crane_use[0],
    "crane_far": lambda run: run.crane_use[1],
    "lane": lambda run: run.lane_use,
    "gate_near": lambda run: run.gate_use[0],
    "gate_far": lambda run: run.gate_use[1],
    "charger": lambda run: run.charger_use,
}
"""What is used, and how a run tells it; `igv_down`: charging, being swapped or repaired."""


def evaluate(
    plan: Plan, runs: Sequence[Run], *, limit_s: float, quantile: float, confidence: float
) -> Evaluation:
    """Judge the replications of a plan. Raises `SizingError` if no box came in any of them."""
    counts = [float(len(run.wait_s)) for run in runs]
    if not sum(counts):
        raise SizingError(
            f"{plan.boxes_per_day:g} boxes a day over {plan.days - plan.warmup_days:g} days: no "
            f"replication had a box; give it more days"
        )

    def per_box(values: list[float]) -> Interval:
        return ratio_interval(values, counts, confidence)

    waits = tuple(run.wait_s for run in runs)
    return Evaluation(
        plan=plan,
        replications=len(runs),
        wait=quantile_interval(waits, quantile, confidence),
        within=per_box([float((wait <= limit_s).sum()) for wait in waits]),
        mean_wait_s=per_box([float(wait.sum()) for wait in waits]),
        flows=tuple(
            flow for name in FLOWS if (flow := _flow(name, plan, runs, confidence)) is not None
        ),
        use={name: t_interval([use(run) for run in runs], confidence)
             for name, use in USES.items()},
        kwh_per_box=per_box([run.energy_kwh for run in runs]),
        empty_per_box=per_box([float(run.trips_empty) for run in runs]),
        unserved=sum(run.unserved for run in runs),
        settled=_settled(runs),
        held=together([run.held for run in runs]),
        quantile=quantile,
        waits=waits,
    )  # fmt: skip


def _flow(name: str, plan: Plan, runs: Sequence[Run], confidence: float) -> Flow | None:
    sides = {"all": (0, 1), "out": (0,), "in": (1,)}[name]
    chosen = [np.isin(run.side, sides) for run in runs]
    waits = [run.wait_s[mine] for run, mine in zip(runs, chosen, strict=True)]
    landed = [run.ready_to_landed_s[mine] for run, mine in zip(runs, chosen, strict=True)]
    if not any(len(wait) for wait in waits):
        return None
    days = plan.days - plan.warmup_days
    return Flow(
        name,
        quantile_interval(waits, 0.5, confidence),
        quantile_interval(waits, 0.95, confidence),
        quantile_interval(landed, 0.5, confidence),
        quantile_interval(landed, 0.95, confidence),
        t_interval([sum(run.delivered[side] for side in sides) / days for run in runs],
                   confidence),
    )  # fmt: skip


def _settled(runs: Sequence[Run]) -> bool | None:
    days = [run.day_wait_s for run in runs if run.day_wait_s]
    pairs = [(day[0], day[-1]) for day in days
             if len(day) > 1 and not math.isnan(day[0] + day[-1])]  # fmt: skip
    return settled(*zip(*pairs, strict=True)) if len(pairs) > 1 else None
