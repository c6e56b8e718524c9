"""Rules that no honest fleet manager and no honest vehicle may break (BRIDGE-01 to BRIDGE-16)."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from twin.judge import bridge_clocks, bridge_cold, bridge_lanes, bridge_papers, bridge_position
from twin.judge.bridge_facts import (
    BridgeFacts,
    Crossing,
    FaultSpan,
    Point,
    ZoneStay,
    collect_bridge,
)
from twin.judge.verdict import Finding, InvariantResult, Judgement
from twin.trace import Record

BESIDE_M = 1.5
"""A body may rest this far from its released way: position noise and rounded corners (estimate)."""
BRAKE_S = 10.0
"""An emergency stop from 6.94 m/s at 1.5 m/s² takes under 5 s (agreed deceleration; margin)."""
PROGRESS_S = 600.0
"""After a fault has ended something moves within this time, if cargo waits (estimate)."""
OPEN_S = 10_800.0
"""No container stays on its way longer than this without a fault (estimate)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the bridge's register."""

    id: str
    look: Callable[[BridgeFacts, Finding], None]
    limits: Mapping[str, float] = field(default_factory=dict)

    def judge(self, facts: BridgeFacts) -> InvariantResult:
        """Look at one run."""
        finding = Finding()
        self.look(facts, finding)
        found = sorted(finding.violations, key=lambda one: one.t_s)
        return InvariantResult(
            self.id, not found, found, finding.checked_count, finding.excused_count
        )


BRIDGE: dict[str, Rule] = {}
"""All rules by id."""

_Look = Callable[[BridgeFacts, Finding], None]


def _rule(id: str, **limits: float) -> Callable[[_Look], _Look]:
    def enter(look: _Look) -> _Look:
        BRIDGE[id] = Rule(id, look, limits)
        return look

    return enter


def judge_bridge(records: Iterable[Record] | BridgeFacts) -> Judgement:
    """Hold every rule of the bridge against one run."""
    facts = collect_bridge(records)
    return Judgement([BRIDGE[name].judge(facts) for name in sorted(BRIDGE)], [])


@_rule("BRIDGE-01")
def released_by_both_sides(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each container on each vehicle that touches the line.

    At that instant both sides' releases must hold, the permit must have been given, and the
    transfer not have been given up. An empty vehicle needs none.
    """
    for event in facts.line:
        if event.kind != "entered":
            continue
        for box in event.boxes:
            finding.checked_count += 1
            one = facts.crossing_at(box, event.t_s)
            sides = one.released_at(event.t_s) if one is not None else set()
            permit = one is not None and (one.permitted_s or math.inf) <= event.t_s
            over = one is not None and (one.failed_s or math.inf) <= event.t_s
            if one is None or sides != {"home", "far"} or not permit or over:
                finding.breach(
                    "crossed_unreleased", event.t_s, [event.record], vehicle=event.vehicle,
                    box=box, released=", ".join(sorted(sides)) or None,
                )  # fmt: skip


@_rule("BRIDGE-02")
def on_one_carrier(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each change of place of each container, and each hazard of a load.

    At every instant a container is on exactly one truck, stack, spreader or vehicle. It is never
    dropped, set on the ground, lifted with its carrier, or driven off without its locks.
    """
    for t_s, record, box, on in facts.where:
        finding.checked_count += 1
        if len(on) != 1:
            finding.breach(
                "on_several_carriers", t_s, [record], box=box, carriers=", ".join(on) or None
            )
    for t_s, record, what, box in facts.hazards:
        finding.breach("load_hazard", t_s, [record], box=box, what=what)


@_rule("BRIDGE-03")
def crosses_once(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each container: it passes the line at most once, and exactly once when it is received.

    Counted are vehicles that have wholly passed the line. What the other side does not want goes
    back once more, as a transfer of its own that names the received one; any other passage counts
    as one of the transfer before.
    """
    times: dict[str, list[tuple[float, int]]] = {}
    for event in facts.line:
        if event.kind == "crossed":
            for box in event.boxes:
                one = _lawful(facts, facts.crossing_at(box, event.t_s))
                if one is not None:
                    times.setdefault(one.id, []).append((event.t_s, event.record))
    for one in facts.crossings.values():
        passed = times.get(one.id, [])
        received = one.received_s is not None
        if not passed and not received:
            continue
        finding.checked_count += 1
        if len(passed) > 1 or (received and not passed):
            t_s, record = passed[1] if len(passed) > 1 else (one.received_s or 0.0, one.record)
            finding.breach("crossed_times", t_s, [record], box=one.box, count=len(passed))


def _lawful(facts: BridgeFacts, one: Crossing | None) -> Crossing | None:
    """The transfer itself, or, of one that names no received transfer, the first of its box."""
    if one is None:
        return None
    taken = facts.crossings.get(one.returns)
    back = taken is not None and taken.box == one.box and taken.from_side != one.from_side
    if taken is not None and back and (taken.received_s or math.inf) <= one.ready_s:
        return one
    return next(other for other in facts.crossings.values() if other.box == one.box)


@_rule("BRIDGE-04")
def one_in_a_zone(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each stay in a zone, by the outline of the body.

    Two vehicles are never in an exclusive zone at once (the line's, on each lane), nor in a one-way
    zone (a lane, whichever way it leads now) when they came in from different sides.
    """
    for zone, stays in facts.zones.items():
        inside: list[ZoneStay] = []
        for stay in stays:
            finding.checked_count += 1
            inside = [one for one in inside if one.until_s > stay.from_s]
            for other in inside:
                if not stay.one_way or other.side != stay.side:
                    finding.breach(
                        "two_in_zone", stay.from_s, [stay.record, other.record], zone=zone,
                        vehicle=stay.vehicle, other=other.vehicle,
                    )  # fmt: skip
            inside.append(stay)


@_rule("BRIDGE-05", beside_m=BESIDE_M)
def not_past_the_base(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each rest and each passed node of each vehicle against the orders that it has received.

    It is never farther than `beside_m` from the way through the released nodes of the order that it
    shows, or of the one that has come last, which it may not have shown yet. A way begins where the
    vehicle stood when the order came. An order that it refuses changes nothing.
    """
    for name, vehicle in facts.vehicles.items():
        ways: dict[str, list[Point]] = {}
        shown, last = "", ""
        here: Point | None = None
        for t_s, kind, record, data in vehicle.events:
            if kind == "order":
                nodes = data["nodes"]
                assert isinstance(nodes, list)
                last = str(data["order"])
                way = ways.setdefault(last, [here] if here is not None else [])
                way.extend((x, y) for x, y, _ in nodes)
            elif kind == "shown":
                shown = str(data["order"])
                ways = {one: way for one, way in ways.items() if one in (shown, last)}
            elif kind == "igv.put":
                ways, here = {}, _point(data)
            elif kind in ("igv.rest", "igv.passed"):
                here = _point(data)
                released = [ways[one] for one in (shown, last) if one in ways]
                if not released:
                    continue
                finding.checked_count += 1
                off_m = min(_beside(way, here) for way in released)
                if off_m > BESIDE_M:
                    finding.breach(
                        "past_the_base", t_s, [record], vehicle=name, order=shown or last,
                        off_m=round(off_m, 2),
                    )  # fmt: skip


def _point(data: Mapping[str, object]) -> Point:
    return float(str(data["x"])), float(str(data["y"]))


def _beside(way: list[Point], at: Point) -> float:
    best = min((math.dist(at, p) for p in way), default=math.inf)
    for (ax, ay), (bx, by) in itertools.pairwise(way):
        dx, dy = bx - ax, by - ay
        length2 = dx * dx + dy * dy
        if length2 > 0:
            share = max(0.0, min(1.0, ((at[0] - ax) * dx + (at[1] - ay) * dy) / length2))
            best = min(best, math.dist(at, (ax + share * dx, ay + share * dy)))
    return best


@_rule("BRIDGE-06", brake_s=BRAKE_S)
def stays_stopped(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each emergency stop of a vehicle until its restart.

    It stands within `brake_s`, and does not begin to move before it was told to restart, whatever
    is released or acknowledged meanwhile.
    """
    for name, vehicle in facts.vehicles.items():
        stopped_s: float | None = None
        for t_s, kind, record, data in vehicle.events:
            if kind == "igv.stop" and data["kind"] != "NONE":
                if stopped_s is None:
                    stopped_s = t_s
                    finding.checked_count += 1
            elif kind in ("igv.restart", "igv.put"):
                stopped_s = None
            elif stopped_s is not None:
                starts = kind == "igv.move" and "braking" not in data
                late = kind in ("igv.passed", "igv.rest") and t_s > stopped_s + BRAKE_S
                if starts or late:
                    finding.breach(
                        "moved_after_stop", t_s, [record], vehicle=name,
                        after_s=round(t_s - stopped_s, 1),
                    )  # fmt: skip
                    stopped_s = None


@_rule("BRIDGE-07")
def says_what_is(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each receipt that the stack asks for: the container truly stands where it says."""
    for t_s, record, transfer, box, seen in facts.receipts:
        finding.checked_count += 1
        if seen != box:
            finding.breach("receipt_untrue", t_s, [record], transfer=transfer, box=box, seen=seen)


@_rule("BRIDGE-08", progress_s=PROGRESS_S, open_s=OPEN_S)
def goes_on(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each container, and each fault that ends while cargo waits.

    When a fault has ended and nothing else is broken, something must get on within `progress_s`: a
    vehicle passes a node, a crane begins a step, a box is received; if the fault was a vehicle's,
    or an emergency stop of the facility caught it under way, and it has a permitted box on it, that
    box must get on. A container must be received or given up
    within `open_s` of its truck's arrival; time with a fault does not count.
    """
    for fault in facts.faults:
        end_s = fault.end_s
        if end_s + PROGRESS_S > facts.end_s or any(
            other.begin_s < end_s + PROGRESS_S and other.end_s > end_s for other in facts.faults
        ):
            continue
        waits = (one.ready_s < end_s < one.over_s - PROGRESS_S for one in facts.crossings.values())
        if not any(waits):
            continue
        finding.checked_count += 1
        index = bisect_right(facts.moves_s, end_s)
        still = index == len(facts.moves_s) or facts.moves_s[index] > end_s + PROGRESS_S
        if still or any(_stuck(facts, name, end_s) for name in _struck(facts, fault)):
            finding.breach(
                "stands_still", end_s, [fault.record], target=fault.target, kind=fault.kind
            )
    for one in facts.crossings.values():
        finding.checked_count += 1
        until_s = min(one.over_s, facts.end_s)
        broken_s = sum(
            max(0.0, min(fault.end_s, until_s) - max(fault.begin_s, one.ready_s))
            for fault in facts.faults
        )
        if until_s - one.ready_s - broken_s > OPEN_S:
            finding.breach("never_crossed", one.ready_s, [one.record], transfer=one.id, box=one.box)


def _struck(facts: BridgeFacts, fault: FaultSpan) -> list[str]:
    """The fault's vehicle; of another fault, those that were stopped under way while it lasted."""
    name, _, _ = fault.target.partition(".")
    if name in facts.vehicles:
        return [name]
    found = []
    for name, vehicle in facts.vehicles.items():
        moving = False
        for t_s, kind, _, data in vehicle.events:
            if kind in ("igv.move", "igv.rest"):
                moving = kind == "igv.move"
            stopped = kind == "igv.stop" and data["kind"] == "REMOTE"
            if stopped and moving and fault.begin_s <= t_s <= fault.end_s:
                found.append(name)
                break
    return found


def _stuck(facts: BridgeFacts, name: str, end_s: float) -> bool:
    """Whether a vehicle still stands there after its fault with a box that may cross."""
    vehicle = facts.vehicles[name]
    bound_s = end_s + PROGRESS_S
    on = {box: places for t_s, _, box, places in facts.where if t_s <= end_s}
    laden = any(
        on.get(one.box) == [name] and (one.permitted_s or math.inf) <= end_s
        for one in facts.crossings.values()
    )
    moved = any(kind == "igv.move" and end_s < t_s <= bound_s for t_s, kind, _, _ in vehicle.events)
    changed = any(
        end_s < t_s <= bound_s and on.get(box) == [name] for t_s, _, box, _ in facts.where
    )
    return laden and not moved and not changed


_rule("BRIDGE-09", unsure_m=bridge_position.UNSURE_M)(bridge_position.stands_without_position)
_rule("BRIDGE-10", notice_s=bridge_cold.NOTICE_S, overtaken=bridge_cold.OVERTAKEN)(
    bridge_cold.warm_first
)
_rule("BRIDGE-11", plug_s=bridge_cold.PLUG_S)(bridge_cold.gets_power)
_rule("BRIDGE-12", stop_s=bridge_position.STOP_S)(bridge_position.map_in_force)
_rule("BRIDGE-13", lead_s=bridge_lanes.LEAD_S)(bridge_lanes.stays_out)
_rule("BRIDGE-14")(bridge_lanes.held_for_a_tow)
_rule("BRIDGE-15", off_s=bridge_clocks.OFF_S, notice_s=bridge_clocks.NOTICE_S)(
    bridge_clocks.wrong_clock_is_told
)
_rule("BRIDGE-16", renew_s=bridge_papers.RENEW_S)(bridge_papers.renewed_in_time)
