"""Rules about how a vehicle knows where it is: its satellite fix and its map."""

from __future__ import annotations

import math

from twin.judge.bridge_facts import BridgeFacts, Point
from twin.judge.verdict import Finding

UNSURE_M = 106.0
"""Way without a satellite fix: dead reckoning drifts by 0.5 % of it (proposed); from 2 cm to the
0.5 m that a lane of 4 m leaves beside a body of 3 m, and 10 m for the stop (proposed)."""

STOP_S = 20.0
"""A vehicle under way stands within this time: service braking from 6.94 m/s at 0.6 m/s² (proposed)
takes 12 s, and its jerk some more."""

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


def map_in_force(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each version of the map that comes into force, for each vehicle.

    Without having it in use a vehicle does not set out any more, and one that is under way stands
    within `stop_s`.
    """
    for name, vehicle in facts.vehicles.items():
        enabled = facts.maps[0][1] if facts.maps else ""
        finding.checked_count += max(0, len(facts.maps) - 1)
        told: set[str] = set()
        for t_s, kind, record, data in vehicle.events:
            if kind == "igv.map" and data["how"] == "enable":
                enabled = str(data["version"])
            begun = [one for one in facts.maps if one[0] <= t_s]
            if not begun or enabled == begun[-1][1] or begun[-1][1] in told:
                continue
            begun_s, active = begun[-1]
            sets_out = kind == "igv.move" and "braking" not in data and t_s > begun_s
            if sets_out or (kind == "igv.passed" and t_s > begun_s + STOP_S):
                told.add(active)
                finding.breach(
                    "old_map", t_s, [record], vehicle=name, version=enabled, active=active
                )


def _point(data: dict[str, object]) -> Point:
    return float(str(data["x"])), float(str(data["y"]))
