"""Refrigerated boxes in a run of the bridge: what is kept of them, and the rules about them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twin.judge.verdict import Finding
from twin.trace import Record

if TYPE_CHECKING:
    from twin.judge.bridge_facts import BridgeFacts, Crossing

NOTICE_S = 60.0
"""Until a warm box that was told of is first in the queue (estimate)."""
OVERTAKEN = 2
"""So many boxes that came later may still be lifted before it: their vehicles were nearer."""
PLUG_S = 900.0
"""A reefer that was set on a socket has its plug in within this time (estimate)."""


@dataclass(slots=True)
class Reefer:
    """One refrigerated box while it was here."""

    box: str
    setpoint_c: float
    came_s: float
    warm: list[tuple[float, float]] = field(default_factory=list)
    """From when to when its return air was too warm."""
    alarm: tuple[float, int, float] | None = None
    """Time, record and return air, °C, when it had been too warm for too long."""
    plugged_s: list[float] = field(default_factory=list)
    excursion_s: float = 0.0
    """Time too warm while it was here."""

    def is_warm(self, t_s: float) -> bool:
        """Whether it was too warm at `t_s`."""
        return any(from_s <= t_s < until_s for from_s, until_s in self.warm)


@dataclass(slots=True)
class ColdFacts:
    """All of a run."""

    reefers: dict[str, Reefer] = field(default_factory=dict)
    sockets: dict[str, list[str]] = field(default_factory=dict)
    """Yard to its places with a socket, as `yard:place`."""

    def take(self, record: Record) -> None:
        """Keep what a record of the cold chain says."""
        data, t_s = record.payload, record.t_s
        if record.kind == "reefer.rack":
            self.sockets[data["yard"]] = [f"{data['yard']}:{place}" for place in data["places"]]
            return
        if record.kind == "reefer.came":
            self.reefers[data["box"]] = Reefer(data["box"], data["setpoint_c"], t_s)
        one = self.reefers.get(str(data.get("box", "")))
        if one is None:
            return
        if record.kind == "cold.warm":
            one.warm.append((t_s, math.inf))
        elif record.kind == "cold.cool" and one.warm:
            one.warm[-1] = (one.warm[-1][0], t_s)
        elif record.kind == "cold.alarm":
            one.alarm = (t_s, record.id, data["return_c"])
        elif record.kind == "reefer.plug" and data["plugged"]:
            one.plugged_s.append(t_s)
        elif record.kind == "reefer.left":
            one.excursion_s = data["excursion_s"]


def warm_first(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each container that is too warm while it waits on its truck.

    From `notice_s` after that on, at most `overtaken` containers whose trucks came later are lifted
    before it in its yard; those that are too warm themselves do not count. Trouble with the broker
    excuses.
    """
    for one in facts.crossings.values():
        reefer = facts.cold.reefers.get(one.box)
        if reefer is None or not reefer.warm:
            continue
        from_s = max(one.ready_s, reefer.warm[0][0]) + NOTICE_S
        until_s = min(one.lifted_s or math.inf, one.over_s, facts.end_s)
        if until_s <= from_s:
            continue
        if _faulty(facts, "broker", from_s - NOTICE_S, until_s):
            finding.excused_count += 1
            continue
        finding.checked_count += 1
        before = [
            other for other in facts.crossings.values()
            if _overtook(other, one, from_s, until_s) and not _warm(facts, other)
        ]  # fmt: skip
        if len(before) > OVERTAKEN:
            finding.breach(
                "warm_overtaken", before[OVERTAKEN].lifted_s or 0.0, [one.record], box=one.box,
                count=len(before),
            )  # fmt: skip


def _overtook(other: Crossing, one: Crossing, from_s: float, until_s: float) -> bool:
    same = other.from_yard == one.from_yard and other is not one
    return same and other.ready_s > from_s and (other.lifted_s or math.inf) < until_s


def _warm(facts: BridgeFacts, one: Crossing) -> bool:
    reefer = facts.cold.reefers.get(one.box)
    return reefer is not None and reefer.is_warm(one.lifted_s or 0.0)


def gets_power(facts: BridgeFacts, finding: Finding) -> None:
    """Judge each refrigerated container that is set on a stack of a yard with sockets.

    It stands on a socket, unless none was free; and its plug is in within `plug_s`, unless it is
    gone by then. A fault of anything excuses another place, a fault of the rack a plug.
    """
    stays = _stays(facts)
    for t_s, record, box, on in facts.where:
        place = on[0] if len(on) == 1 else ""
        yard, _, name = place.partition(":")
        sockets = facts.cold.sockets.get(yard, [])
        reefer = facts.cold.reefers.get(box)
        if reefer is None or not name.startswith("stack-") or not sockets:
            continue
        end_s = t_s + PLUG_S
        gone_s = next(until for at, from_s, until in stays[box] if (at, from_s) == (place, t_s))
        if gone_s <= end_s or end_s > facts.end_s:
            continue
        here = place in sockets
        if _faulty(facts, f"rack-{yard}" if here else "", t_s if here else t_s - PLUG_S, end_s):
            finding.excused_count += 1
            continue
        finding.checked_count += 1
        if place not in sockets:
            taken = {
                at for one in stays.values() for at, from_s, until_s in one
                if from_s < end_s and until_s > t_s
            }  # fmt: skip
            free = [socket for socket in sockets if socket not in taken]
            if free:
                finding.breach("no_socket", t_s, [record], box=box, place=place, free=free[0])
        elif not any(t_s <= plugged_s <= end_s for plugged_s in reefer.plugged_s):
            finding.breach("not_plugged", end_s, [record], box=box, place=place)


def _stays(facts: BridgeFacts) -> dict[str, list[tuple[str, float, float]]]:
    """Box to (place, from, until)."""
    found: dict[str, list[tuple[str, float, float]]] = {}
    for t_s, _, box, on in facts.where:
        stays = found.setdefault(box, [])
        if stays and math.isinf(stays[-1][2]):
            stays[-1] = (*stays[-1][:2], t_s)
        stays.append((on[0] if on else "", t_s, math.inf))
    for box, t_s in facts.gone_s.items():
        if box in found:
            found[box][-1] = (*found[box][-1][:2], t_s)
    return found


def _faulty(facts: BridgeFacts, target: str, from_s: float, until_s: float) -> bool:
    return any(
        one.target.startswith(target) and one.begin_s < until_s and one.end_s > from_s
        for one in facts.faults
    )
