"""A busy day of the whole model, for tests of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.capacity import bare
from twin.capacity.demand import Key
from twin.capacity.model import Run, simulate
from twin.capacity.plan import Plan, plan_for
from twin.capacity.times import Times, times_of

TIMES = times_of(bare.SITE)


def busy(boxes: float = 300, **changes: object) -> Plan:
    plan = plan_for(bare.SITE, boxes, igvs=10, cranes=2, days=1.5)
    return replace(plan, warmup_days=0.5, **changes)  # type: ignore[arg-type]


def run(plan: Plan, replication: int = 0, times: Times = TIMES) -> Run:
    return simulate(plan, times, Key(7, round(plan.boxes_per_day), replication))


def p95(plan: Plan, n: int = 10) -> list[float]:
    return [float(np.quantile(run(plan, r).wait_s, 0.95)) for r in range(n)]
