"""Rules from paper to receipt, over lanes and bridge together (E2E-01 to E2E-04)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from twin.judge.bridge import judge_bridge
from twin.judge.chain_facts import ChainFacts, HaulFacts, collect_chain, gate_crossing
from twin.judge.sometimes import look as look_sometimes
from twin.judge.verdict import REGISTRY, Finding, InvariantResult, Judgement
from twin.trace import Record

LIFT_NOTICE_S = 180.0
"""A crane that has begun sets down nothing for news that comes later: a move takes 2 to 3 minutes
(estimate)."""
PERISHABLE_S = 900.0
"""A perishable may find all vehicles on their way: one that is free comes within 10 minutes, and
the crane takes 3 (estimate)."""


@dataclass(frozen=True, slots=True)
class ChainRule:
    """One rule of the register from end to end."""

    id: str
    look: Callable[[ChainFacts, Finding], None]
    limits: Mapping[str, float] = field(default_factory=dict)

    def judge(self, facts: ChainFacts) -> InvariantResult:
        """Look at one run."""
        finding = Finding()
        self.look(facts, finding)
        found = sorted(finding.violations, key=lambda one: one.t_s)
        return InvariantResult(
            self.id, not found, found, finding.checked_count, finding.excused_count
        )


CHAIN: dict[str, ChainRule] = {}
"""All rules by id."""

_Look = Callable[[ChainFacts, Finding], None]


def _rule(id: str, **limits: float) -> Callable[[_Look], _Look]:
    def enter(look: _Look) -> _Look:
        CHAIN[id] = ChainRule(id, look, limits)
        return look

    return enter


def judge_chain(records: Iterable[Record] | ChainFacts) -> Judgement:
    """Hold every rule against one run: those of the lanes, of the bridge, and from end to end."""
    facts = collect_chain(records)
    lanes = [REGISTRY[name].judge(facts.lanes) for name in sorted(REGISTRY)]
    joined = [CHAIN[name].judge(facts) for name in sorted(CHAIN)]
    bridge = judge_bridge(facts.bridge).invariants
    return Judgement([*joined, *lanes, *bridge], look_sometimes(facts.lanes))


@_rule("E2E-01", lift_notice_s=LIFT_NOTICE_S)
def lifted_when_released(facts: ChainFacts, finding: Finding) -> None:
    """Judge each lift of an export from the truck that brought it.

    Before the lift the truck passed its lane, customs released its declaration, the scan was clear,
    and the home side released the transfer. A release that was taken back more than `lift_notice_s`
    before the lift does not count.
    """
    for haul in facts.hauls.values():
        for t_s, record in haul.lifts if haul.export else ():
            finding.checked_count += 1
            missing = _missing(facts, haul, t_s)
            if missing:
                finding.breach(
                    "lifted_unreleased", t_s, [record, haul.record], vehicle=haul.vehicle,
                    box=haul.box, missing=", ".join(missing),
                )  # fmt: skip


def _missing(facts: ChainFacts, haul: HaulFacts, t_s: float) -> list[str]:
    passed, transfer = gate_crossing(facts.stay(haul)), facts.crossing(haul)
    revoked = facts.lanes.revoked.get(haul.declaration)
    held = [
        (passed is not None and passed.t_s <= t_s, "passage of a lane"),
        (facts.released_s(haul) <= t_s, "release at the lane"),
        (revoked is None or revoked.t_s + LIFT_NOTICE_S >= t_s, "release that still holds"),
        (any(at <= t_s and said == "clear" for at, _, said in haul.scanned), "clear scan"),
        (
            transfer is not None
            and any("home" in transfer.released_at(at) for at in _instants(t_s)),
            "home side's release",
        ),
    ]
    return [what for holds, what in held if not holds]


def _instants(t_s: float) -> tuple[float, float]:
    """Now, and as long ago as news may take."""
    return t_s, t_s - LIFT_NOTICE_S


@_rule("E2E-02")
def only_green_crosses(facts: ChainFacts, finding: Finding) -> None:
    """Judge each container on each vehicle that touches the line, by the channel of its paper.

    The channel in force at that instant is green. Customs changes no channel after its permit.
    """
    known = facts.by_box()
    for event in facts.bridge.line:
        for box in event.boxes if event.kind == "entered" else ():
            haul = known.get(box)
            if haul is None:
                continue
            finding.checked_count += 1
            channel, said = facts.channel_at(haul.declaration, event.t_s)
            if channel != "green":
                finding.breach(
                    "crossed_in_channel", event.t_s, [event.record, said], vehicle=event.vehicle,
                    box=box, channel=channel, declaration=haul.declaration,
                )  # fmt: skip


@_rule("E2E-03")
def papers_to_receipt(facts: ChainFacts, finding: Finding) -> None:
    """Judge each container that crossed the line, and each receipt.

    The number on the container is that of its declaration, which customs has released (an import's
    is registered; its lane releases it later), and the permit was given. A receipt is for exactly
    the declared number, and only after the container has crossed.
    """
    known, crossed = facts.by_box(), dict[str, float]()
    for event in facts.bridge.line:
        for box in event.boxes if event.kind == "crossed" else ():
            finding.checked_count += 1
            crossed.setdefault(box, event.t_s)
            why = _unpapered(facts, known.get(box), event.t_s)
            if why:
                finding.breach(
                    "crossed_without_papers", event.t_s, [event.record], vehicle=event.vehicle,
                    box=box, missing=why,
                )  # fmt: skip
    for haul in facts.hauls.values():
        transfer = facts.crossing(haul)
        if transfer is None or transfer.received_s is None:
            continue
        finding.checked_count += 1
        too_early = crossed.get(haul.container, math.inf) > transfer.received_s
        if transfer.box != haul.container or too_early:
            finding.breach(
                "receipt_of_another", transfer.received_s, [haul.record, transfer.record],
                box=transfer.box, container=haul.container, declaration=haul.declaration,
            )  # fmt: skip


def _unpapered(facts: ChainFacts, haul: HaulFacts | None, t_s: float) -> str:
    if haul is None:
        return "a declaration"
    if haul.box != haul.container:
        return f"a declaration of this number (its paper says {haul.container})"
    if haul.declaration not in facts.lanes.declared:
        return "a registered declaration"
    if haul.export and facts.released_s(haul) > t_s:
        return "a released declaration"
    transfer = facts.crossing(haul)
    if transfer is None or transfer.permitted_s is None or transfer.permitted_s > t_s:
        return "a permit"
    return ""


@_rule("E2E-04", perishable_s=PERISHABLE_S)
def perishables_first(facts: ChainFacts, finding: Finding) -> None:
    """Judge each lift of other cargo at a crane where perishables may wait.

    No perishable that stands released under the same crane has waited longer than `perishable_s`
    at that instant. Time with a fault of anything is excused.
    """
    waiting: dict[str, list[tuple[float, float, HaulFacts]]] = {}
    for haul in facts.hauls.values():
        crossing = facts.crossing(haul)
        released_s = facts.own_release_s(haul)
        if haul.perishable and crossing is not None and released_s is not None:
            lifted_s = haul.lifts[0][0] if haul.lifts else crossing.over_s
            waiting.setdefault(haul.yard, []).append((released_s, lifted_s, haul))
    for haul in facts.hauls.values():
        for t_s, record in () if haul.perishable else haul.lifts[:1]:
            for since_s, until_s, other in waiting.get(haul.yard, ()):
                if not since_s < t_s < until_s:
                    continue
                finding.checked_count += 1
                if t_s - since_s <= PERISHABLE_S:
                    continue
                if any(f.begin_s <= t_s and f.end_s >= since_s for f in facts.bridge.faults):
                    finding.excused_count += 1
                    continue
                finding.breach(
                    "perishable_waited", t_s, [record, other.record], box=haul.box,
                    other=other.box, waited_s=round(t_s - since_s),
                )  # fmt: skip
