"""The rule about lanes that are closed."""

from __future__ import annotations

from twin.judge.bridge_facts import BridgeFacts
from twin.judge.verdict import Finding

LEAD_S = 90.0
"""From the closing of a lane: a fleet manager asks each 5 s, and a vehicle whose way into the lane
has been released for 150 m cannot be told otherwise (22 s at 25 km/h; the rest is a margin)."""


def stays_out(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each closing of a lane until it is opened: after `lead_s` no vehicle drives into it.

    Who is on it already may leave it.
    """
    for fault in facts.faults:
        if fault.kind != "closed":
            continue
        finding.checked_count += 1
        for stay in facts.zones.get(fault.target, ()):
            if fault.begin_s + LEAD_S < stay.from_s < fault.end_s:
                finding.breach(
                    "into_closed_lane", stay.from_s, [fault.record, stay.record],
                    vehicle=stay.vehicle, lane=fault.target,
                    after_s=round(stay.from_s - fault.begin_s, 1),
                )  # fmt: skip
