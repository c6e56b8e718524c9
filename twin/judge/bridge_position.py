"""Rules about how a vehicle knows where it is: its satellite fix and its map."""

from __future__ import annotations

import math

from twin.judge.bridge_facts import BridgeFacts, Point
from twin.judge.verdict import Finding

UNSURE_M = 106.0
"""Way without a satellite fix: dead reckoning drifts by 0.5 % of it (proposed); from 2 cm to the
0.5 m that a lane of 4 m leaves beside a body of 3 m, and 10 m for the stop (proposed)."""

_RTK = ("RTK_FIXED", "RTK_FLOAT")
_PLACES = ("igv.move", "igv.passed", "igv.rest")


def stands_without_position(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each loss of a vehicle's satellite fix (no RTK) until the fix is back.

    Within `unsure_m` of true way from where it lost it, the vehicle comes to rest and stays.
    """
    for name, vehicle in facts.vehicles.items():
        lost: tuple[float, int] | None = None
        way_m, last = 0.0, (0.0, 0.0)
        for t_s, kind, record, data in vehicle.events:
            here = _point(data) if kind in (*_PLACES, "igv.position") else last
            if kind == "igv.position":
                if data["quality"] in _RTK:
                    lost = None
                elif lost is None:
                    lost, way_m = (t_s, record), 0.0
                    finding.checked_count += 1
            elif lost is not None and kind in _PLACES:
                way_m += math.dist(last, here)
                if way_m > UNSURE_M:
                    finding.breach(
                        "drives_blind", t_s, [lost[1], record], vehicle=name, way_m=round(way_m, 1),
                        after_s=round(t_s - lost[0], 1),
                    )  # fmt: skip
                    lost = None
            last = here


def _point(data: dict[str, object]) -> Point:
    return float(str(data["x"])), float(str(data["y"]))
