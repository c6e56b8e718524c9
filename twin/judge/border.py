"""Who may cross: releases, channels and the truth about a vehicle (LANE-01, 03, 04, 09).

Only smart lanes are judged: in a traditional lane an officer decides on the spot. Some crossings
are beyond the stack's control: a tail-gater, who goes through on the opening of another, and a
driver who goes on without a green light through an arm that broken equipment keeps open. The stack
can only raise the alarm; if it has, they are excused here.
"""

from __future__ import annotations

import math

from twin.judge.control import beyond_control
from twin.judge.facts import Event, Facts, Stay
from twin.judge.verdict import Finding, invariant

NOTICE_S = 10.0
"""A change of mind of the authorities binds the gate this long after it was made: the news has to
travel, the lamp to change and a moving truck to stop (estimate)."""


def _crossings(facts: Facts) -> list[tuple[Stay, Event]]:
    return [
        (stay, crossing)
        for stay in facts.stays.values()
        if facts.smart(stay)
        for crossing in stay.crossings
    ]


def _declaration(stay: Stay, crossing: Event) -> str | None:
    found = crossing.data.get("declaration", stay.truth("declaration"))
    return str(found) if found else None


def _acknowledged_s(facts: Facts, declaration: str) -> float:
    """When the far side acknowledged; infinite if it never did."""
    for answer in facts.preclearances.get(declaration, ()):
        if answer.data.get("status") == "acknowledged":
            return answer.t_s
    declared = facts.declared.get(declaration)
    if declared is not None and declared.data.get("preclearance") == "acknowledged":
        return -math.inf  # answered before the run began
    return math.inf


@invariant("LANE-01", notice_s=NOTICE_S)
def released_by_both(facts: Facts, finding: Finding) -> None:
    """Judge each crossing of a smart lane.

    Before the front of the vehicle came under the arm, its own declaration must have been
    released by customs and acknowledged by the partner. A revocation made more than `notice_s`
    before that instant voids the release.

    Excused: what was beyond control (see above); a revocation whose news an outage of
    customs kept from the gate.
    """
    releases: dict[str, Event] = {}
    for release in facts.releases:
        if release.data.get("decision") == "released":
            releases.setdefault(str(release.data["declaration"]), release)
    for stay, crossing in _crossings(facts):
        finding.checked_count += 1
        if beyond_control(facts, stay, crossing):
            finding.excused_count += 1
            continue
        declaration = _declaration(stay, crossing)
        at_arm_s = stay.at_arm_s(crossing.t_s)
        said = {"lane": stay.lane, "vehicle": stay.vehicle, "declaration": declaration}
        given = releases.get(declaration or "")
        if given is None or given.t_s > at_arm_s:
            finding.breach("not_released", crossing.t_s, [crossing.record], **said)
            continue
        evidence = [crossing.record, given.record]
        if _acknowledged_s(facts, declaration or "") > at_arm_s:
            finding.breach("not_precleared", crossing.t_s, evidence, **said)
        revoked = facts.revoked.get(declaration or "")
        if revoked is not None and revoked.t_s + NOTICE_S < at_arm_s:
            if facts.broken(None, revoked.t_s, at_arm_s, "customs"):
                finding.excused_count += 1
            else:
                evidence.append(revoked.record)
                finding.breach("revoked", crossing.t_s, evidence, **said)


@invariant("LANE-03")
def exactly_once(facts: Facts, finding: Finding) -> None:
    """Judge each vehicle, declaration and release; tail-gaters and all lanes included.

    A vehicle crosses once; a declaration crosses once; customs gives one release for it (the
    same answer replayed under the same key is the same release); two passed records of different
    declarations never name one release. A request for a release that is answered with 409 is a
    breach as well: the stack asked anew, under another key, instead of repeating its question.
    """
    crossed: dict[str, Event] = {}
    for stay in facts.stays.values():
        if not stay.crossings:
            continue
        finding.checked_count += 1
        said = {"lane": stay.lane, "vehicle": stay.vehicle}
        for again in stay.crossings[1:]:
            records = [again.record, stay.crossings[0].record]
            finding.breach("crossed_twice", again.t_s, records, **said)
        first = stay.crossings[0]
        declaration = _declaration(stay, first)
        if declaration is None:
            continue
        before = crossed.setdefault(declaration, first)
        if before is not first:
            finding.breach(
                "declaration_crossed_twice", first.t_s, [first.record, before.record],
                declaration=declaration, **said,
            )  # fmt: skip
    _one_release_each(facts, finding)


def _one_release_each(facts: Facts, finding: Finding) -> None:
    given: dict[str, Event] = {}
    for release in facts.releases:
        if release.data.get("decision") != "released":
            continue
        finding.checked_count += 1
        declaration = str(release.data["declaration"])
        before = given.setdefault(declaration, release)
        if before.data.get("release") != release.data.get("release"):
            finding.breach(
                "released_twice", release.t_s, [release.record, before.record],
                lane=str(release.data.get("lane", "")), declaration=declaration,
            )  # fmt: skip
    for request in facts.requests:
        path = str(request.data.get("path", "")).partition("?")[0]
        if path.endswith("/releases") and request.data.get("status") == 409:
            key = str(request.data.get("key"))
            finding.breach("asked_twice", request.t_s, [request.record], key=key)
    used: dict[str, Event] = {}
    for record in facts.gate_records:
        number = record.data.get("release")
        if record.data.get("event") != "passed" or not number:
            continue
        before = used.setdefault(str(number), record)
        if before is not record and (
            before.data.get("declaration") != record.data.get("declaration")
        ):
            finding.breach(
                "release_used_twice", record.t_s, [record.record, before.record],
                lane=str(record.data.get("lane", "")), release=str(number),
            )  # fmt: skip


@invariant("LANE-04", notice_s=NOTICE_S)
def only_green_passes(facts: Facts, finding: Finding) -> None:
    """Judge each crossing of a smart lane by the channel of its declaration.

    The channel that counts is the one in force when the front came under the arm; a change
    within the last `notice_s` does not bind yet.

    Excused: what was beyond control (see above); a change whose news an outage of customs
    kept from the gate.
    """
    for stay, crossing in _crossings(facts):
        declaration = _declaration(stay, crossing)
        if declaration is None or declaration not in facts.declared:
            continue
        finding.checked_count += 1
        at_arm_s = stay.at_arm_s(crossing.t_s)
        declared = facts.declared[declaration]
        history = [(-math.inf, str(declared.data.get("channel", "green")), declared.record)]
        history += [
            (change.t_s, str(change.data["channel"]), change.record)
            for change in facts.channels.get(declaration, ())
        ]
        lately = [entry for entry in history if entry[0] <= at_arm_s]
        if lately[-1][1] == "green" or lately[-1][0] + NOTICE_S >= at_arm_s:
            continue
        if beyond_control(facts, stay, crossing):
            finding.excused_count += 1
            continue
        if lately[-1][0] > 0 and facts.broken(None, lately[-1][0], at_arm_s, "customs"):
            finding.excused_count += 1  # the news of the change could not reach the gate
            continue
        finding.breach(
            "wrong_channel", crossing.t_s, [crossing.record, lately[-1][2]], lane=stay.lane,
            vehicle=stay.vehicle, channel=lately[-1][1], declaration=declaration,
        )  # fmt: skip


_MISDECLARED = frozenset({"overweight", "weight_mismatch", "plate_mismatch"})


@invariant("LANE-09")
def nothing_false_passes(facts: Facts, finding: Finding) -> None:
    """Judge each vehicle that is truly overweight, of another weight, or of another plate.

    It must not cross a smart lane. Ground truth decides, not what was weighed or read.

    Excused: what was beyond control (see above); a wrong weight while the lane's scale was
    broken.
    """
    for stay in facts.stays.values():
        why = str(stay.truth("why") or "ok")
        if why not in _MISDECLARED or not facts.smart(stay):
            continue
        finding.checked_count += 1
        for crossing in stay.crossings:
            entered_s = stay.entered.t_s if stay.entered is not None else crossing.t_s
            blind = why != "plate_mismatch" and facts.broken(
                stay.lane, entered_s, crossing.t_s, "scale"
            )
            if blind or beyond_control(facts, stay, crossing):
                finding.excused_count += 1
                continue
            records = [crossing.record]
            if stay.arrived is not None:
                records.append(stay.arrived.record)
            finding.breach(
                f"passed_{why}", crossing.t_s, records, lane=stay.lane, vehicle=stay.vehicle,
                gross_kg=round(float(stay.truth("gross_kg") or 0)), plate=stay.truth("plate"),
            )  # fmt: skip
