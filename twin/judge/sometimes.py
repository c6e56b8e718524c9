"""Things that must happen in some run of a campaign, lest its green runs prove nothing."""

from __future__ import annotations

from collections.abc import Callable

from twin.judge.facts import Facts, normal_plate
from twin.judge.verdict import SometimesResult

Times = list[float]


def _reversed(facts: Facts) -> Times:
    """An arm that was going down went up again before it had come to rest."""
    return [
        after.start_s
        for lane in facts.lanes.values()
        for before, after in zip(lane.motions, lane.motions[1:], strict=False)
        if before.direction == "down"
        and after.direction == "up"
        and not any(
            before.start_s < rest.t_s <= after.start_s and rest.data.get("at") == "closed"
            for rest in lane.rests
        )
    ]


def _why(*whys: str) -> Callable[[Facts], Times]:
    return lambda facts: [
        stay.arrived.t_s
        for stay in facts.stays.values()
        if stay.arrived is not None and stay.truth("why") in whys
    ]


def _behaviour(name: str) -> Callable[[Facts], Times]:
    return lambda facts: [
        driver.t_s for driver in facts.drivers if driver.data.get("behaviour") == name
    ]


def misreads(facts: Facts) -> list[tuple[float, str, str]]:
    """(t_s, vehicle, plate as read) of each reading that differs from the true plate."""
    found = []
    for lane in facts.lanes.values():
        for state in lane.states:
            vehicle = state.data.get("vehicle")
            if state.data.get("state") != "read" or vehicle not in facts.stays:
                continue
            true, told = facts.stays[vehicle].truth("plate"), state.data.get("plate")
            if normal_plate(true) != normal_plate(told):
                found.append((state.t_s, str(vehicle), str(told)))
    return found


def _late_preclearance(facts: Facts) -> Times:
    arrived = {
        str(stay.truth("declaration")): stay.arrived.t_s
        for stay in facts.stays.values()
        if stay.arrived is not None and stay.truth("declaration")
    }
    return [
        answer.t_s
        for declaration, answers in facts.preclearances.items()
        for answer in answers
        if answer.t_s > arrived.get(declaration, float("inf"))
    ]


SOMETIMES: dict[str, Callable[[Facts], Times]] = {
    "arm_reversed": _reversed,
    "arm_contact": lambda facts: [
        contact.t_s for lane in facts.lanes.values() for contact in lane.contacts
    ],
    "red_channel": _why("channel_red"),
    "yellow_channel": _why("channel_yellow"),
    "misdeclared": _why("overweight", "weight_mismatch", "plate_mismatch"),
    "misread": lambda facts: [t_s for t_s, _, _ in misreads(facts)],
    "tail_gater": lambda facts: [
        crossing.t_s
        for stay in facts.stays.values()
        for crossing in stay.crossings
        if crossing.data.get("followed")
    ],
    "stopped_under_arm": _behaviour("stops_under_arm"),
    "hesitated": _behaviour("hesitates"),
    "late_preclearance": _late_preclearance,
    "diverted": lambda facts: [
        diversion.t_s for stay in facts.stays.values() for diversion in stay.diversions
    ],
    "manual_check": lambda facts: [officer.t_s for officer in facts.officers],
    "alarm": lambda facts: [alarm.t_s for alarm in facts.alarms if alarm.data.get("raised", True)],
    "release_refused": lambda facts: [
        release.t_s for release in facts.releases if release.data.get("decision") == "refused"
    ],
    "revoked": lambda facts: [event.t_s for event in facts.revoked.values()],
    "fault": lambda facts: [fault.begin_s for fault in facts.faults],
    "fault_healed": lambda facts: [
        fault.end_s for fault in facts.faults if fault.end_s <= facts.end_s
    ],
}
"""Each property by id, with the function that finds the instants at which it was seen."""


def look(facts: Facts) -> list[SometimesResult]:
    """How often each of them was seen in one run."""
    found = []
    for name, times_of in SOMETIMES.items():
        times = times_of(facts)
        found.append(SometimesResult(name, len(times), min(times, default=None)))
    return found
