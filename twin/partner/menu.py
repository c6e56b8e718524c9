"""What can be wrong with the system of an authority."""

from __future__ import annotations

from collections.abc import Mapping

from twin.devices.base import FaultKind, Parameter

MENU: Mapping[str, FaultKind] = {
    kind.kind: kind
    for kind in (
        FaultKind(
            "down",
            "no service: every request fails as `how` says until healed",
            {
                "how": Parameter(
                    "unavailable",
                    choices=("unavailable", "closed", "lost_answer", "hang"),
                    doc="unavailable: 503; closed: the connection is cut before anything is "
                    "done; lost_answer: the request takes effect, its answer never comes; hang: "
                    "nothing happens until healed",
                )
            },
        ),
        FaultKind(
            "slow",
            "every answer comes late; the decision itself is made at once",
            {"delay_s": Parameter(5.0, "s", 0.0, 3600.0, doc="extra time of each answer")},
        ),
        FaultKind(
            "duplicate",
            "the feed delivers events twice, with one event_id and two sequence numbers",
            {"share": Parameter(1.0, "", 0.0, 1.0, doc="share of the events that are repeated")},
        ),
        FaultKind(
            "out_of_order",
            "the feed delivers neighbouring events in the wrong order",
            {
                "hold_s": Parameter(
                    30.0, "s", 0.0, 3600.0, doc="longest time that an event is held back"
                )
            },
        ),
        FaultKind(
            "stale",
            "look-ups and the feed show the book as it was `age_s` ago; decisions are current",
            {"age_s": Parameter(120.0, "s", 0.0, 86400.0, doc="age of what is shown")},
        ),
    )
}
