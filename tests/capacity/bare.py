"""The model stripped to what queueing theory can answer, by parameters alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from twin import site as sites
from twin.capacity import Plan, Times
from twin.capacity.plan import Scene, scene_of
from twin.capacity.times import Ways

SITE = sites.load("bac-luan-2")
FULL = scene_of(SITE)
FLAT = (1.0,) * 24


def crossing(**changes: Any) -> Scene:
    """All boxes go out, are dry, and nothing breaks."""
    plain = {"out_share": 1.0, "perishable_share": 0.0, "reefer_share": 0.0,
             "breakdowns_per_trip": 0.0, **changes}  # fmt: skip
    return msgspec.structs.replace(FULL, **plain)


def times(there_s: float = 0.0, back_s: float = 0.0) -> Times:
    """Ways that take these times; no gate, no headway."""

    def way(travel_s: float) -> Ways:
        return Ways((0.0, 0.0), travel_s, (0.0, 0.0), 1.0)

    return Times(way(back_s), way(there_s), 0.0, 0.0, (0.0,))


def plan(rate_per_s: float, **changes: Any) -> Plan:
    """A stationary stream over a lane that never makes anyone wait."""
    base = Plan(
        crossing(), FLAT, rate_per_s * 86_400, igvs=50, cranes=(50, 50), lanes=1, days=3.0,
        warmup_days=0.5, battery="none", breakdowns=False, free_lane=True,
        handling="exponential", handling_s=(0.0, 0.0),
    )  # fmt: skip
    return replace(base, **changes)
