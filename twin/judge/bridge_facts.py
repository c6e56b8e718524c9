"""One pass over the records of a bridge's run: what its rules and figures need."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from twin.judge.bridge_cold import ColdFacts
from twin.trace import Record

Point = tuple[float, float]


@dataclass(slots=True)
class Crossing:
    """One container that is to cross."""

    id: str
    box: str
    from_yard: str
    to_yard: str
    perishable: bool
    ready_s: float
    record: int
    released: list[tuple[float, str, bool]] = field(default_factory=list)
    """(time, side, True for a release, False for one that is taken back)."""
    permitted_s: float | None = None
    received_s: float | None = None
    failed_s: float | None = None
    expired: tuple[float, int, bool] | None = None
    """(time, record, whether it could have been renewed) of its declaration."""
    from_side: str = "home"
    returns: str = ""
    """The transfer that it takes back."""
    lifted_s: float | None = None
    """When the crane had it in the air for the first time."""

    def released_at(self, t_s: float) -> set[str]:
        """Sides whose release holds at `t_s`."""
        sides: set[str] = set()
        for at_s, side, on in self.released:
            if at_s <= t_s:
                (sides.add if on else sides.discard)(side)
        return sides

    @property
    def direction(self) -> str:
        """`home.far` or `far.home`."""
        return "home.far" if self.from_side == "home" else "far.home"

    @property
    def over_s(self) -> float:
        """When it was received or given up; infinite if it is still open."""
        ends = [t for t in (self.received_s, self.failed_s) if t is not None]
        return min(ends, default=math.inf)


@dataclass(slots=True)
class LineEvent:
    """A vehicle touches the line (`entered`), or has wholly passed it (`crossed`)."""

    t_s: float
    record: int
    kind: str
    vehicle: str
    side: str
    boxes: list[str]


@dataclass(slots=True)
class ZoneStay:
    """A vehicle's outline was in a zone; `side` is where it came in."""

    from_s: float
    vehicle: str
    side: str
    one_way: bool
    record: int
    until_s: float = math.inf


@dataclass(slots=True)
class VehicleFacts:
    """What one vehicle did."""

    events: list[tuple[float, str, int, dict[str, object]]] = field(default_factory=list)
    """igv.stop, igv.restart, igv.move, igv.rest, igv.passed, igv.put, igv.position, orders, and
    the order that it shows whenever that changes, one after the other."""
    shown: str = ""
    """The order that its last state has."""
    odometer_m: float = 0.0
    energy_kwh: float = 0.0


@dataclass(slots=True)
class FaultSpan:
    """One fault."""

    target: str
    kind: str
    begin_s: float
    record: int
    end_s: float = math.inf
    parameters: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Tow:
    """A vehicle was towed."""

    vehicle: str
    begin_s: float
    record: int
    end_s: float = math.inf


@dataclass(slots=True)
class BridgeFacts:
    """Everything sorted."""

    run: dict[str, object] = field(default_factory=dict)
    crossings: dict[str, Crossing] = field(default_factory=dict)
    where: list[tuple[float, int, str, list[str]]] = field(default_factory=list)
    hazards: list[tuple[float, int, str, str]] = field(default_factory=list)
    """(time, record, what, box)."""
    line: list[LineEvent] = field(default_factory=list)
    zones: dict[str, list[ZoneStay]] = field(default_factory=dict)
    """By zone, in the order of time."""
    receipts: list[tuple[float, int, str, str, str | None]] = field(default_factory=list)
    """(time, record, transfer, box, what truly stood there)."""
    faults: list[FaultSpan] = field(default_factory=list)
    tows: list[Tow] = field(default_factory=list)
    alarms: list[tuple[float, int, str, str, bool]] = field(default_factory=list)
    """What the stack told the operators: (time, record, code, about whom, raised or over)."""
    vehicles: dict[str, VehicleFacts] = field(default_factory=dict)
    missions: list[tuple[str, float, float, str]] = field(default_factory=list)
    """(crane, from, until, how it ended)."""
    moves_s: list[float] = field(default_factory=list)
    """Instants at which cargo or a vehicle got on."""
    cold: ColdFacts = field(default_factory=ColdFacts)
    gone_s: dict[str, float] = field(default_factory=dict)
    """Box to when a truck drove off with it."""
    maps: list[tuple[float, str]] = field(default_factory=list)
    """(from when in force, version) of the lane map, in order."""
    end_s: float = 0.0
    records: int = 0

    def by_box(self) -> dict[str, Crossing]:
        """Crossings by container number, the last of each."""
        return {one.box: one for one in self.crossings.values()}

    def crossing_at(self, box: str, t_s: float) -> Crossing | None:
        """The transfer that a container was in at `t_s`: its first one, or a return."""
        found = [one for one in self.crossings.values() if one.box == box and one.ready_s <= t_s]
        return max(found, key=lambda one: one.ready_s, default=None)


_ORDER_ID = re.compile(r'"orderId": ?"([^"]*)"')
_VEHICLE = frozenset(
    {"igv.stop", "igv.restart", "igv.move", "igv.rest", "igv.passed", "igv.put", "igv.power",
     "igv.position", "igv.map"}
)  # fmt: skip
_MOVES = frozenset({"igv.passed", "crane.step", "line.crossed", "transfer.received"})


def is_bridge(records: Sequence[Record]) -> bool:
    """Whether these are the records of a run of the bridge, not of the lanes."""
    return bool(records) and records[0].payload.get("scope") == "bridge"


def collect_bridge(records: Iterable[Record] | BridgeFacts) -> BridgeFacts:
    """Sort the records of one run; facts pass through."""
    if isinstance(records, BridgeFacts):
        return records
    facts = BridgeFacts()
    open_zones: dict[tuple[str, str], ZoneStay] = {}
    running: dict[str, float] = {}
    for record in records:
        facts.records += 1
        facts.end_s = record.t_s
        kind, source, data = record.kind, record.source, record.payload
        if kind in _MOVES:
            facts.moves_s.append(record.t_s)
        if kind in _VEHICLE:
            vehicle = facts.vehicles.setdefault(source, VehicleFacts())
            vehicle.events.append((record.t_s, kind, record.id, data))
        elif kind == "vda5050.rx" and data["topic"] == "order":
            _order(facts, record)
        elif kind == "vda5050.tx" and data["topic"] == "state":
            _shown(facts, record)
        elif kind.startswith("transfer."):
            _transfer(facts, record)
        elif kind in ("line.entered", "line.crossed"):
            facts.line.append(
                LineEvent(
                    record.t_s, record.id, kind.removeprefix("line."), data["vehicle"],
                    data["side"], list(data["boxes"]),
                )
            )  # fmt: skip
        elif kind == "zone.entered":
            one_way = data["zone_kind"] == "one-way"
            stay = ZoneStay(record.t_s, data["vehicle"], data["side"], one_way, record.id)
            open_zones[data["zone"], data["vehicle"]] = stay
            facts.zones.setdefault(data["zone"], []).append(stay)
        elif kind == "zone.left":
            left = open_zones.pop((data["zone"], data["vehicle"]), None)
            if left is not None:
                left.until_s = record.t_s
        elif kind == "box.where":
            on = list(data["on"])
            facts.where.append((record.t_s, record.id, data["box"], on))
            if on and on[0].startswith("crane"):
                _lifted(facts, data["box"], record.t_s)
        elif kind == "map.published":
            facts.maps.append((data["active_from_s"], data["version"]))
        elif kind == "box.gone":
            facts.gone_s[data["box"]] = record.t_s
        elif kind.startswith(("reefer.", "cold.")):
            facts.cold.take(record)
        elif kind == "load.unlocked":
            facts.hazards.append((record.t_s, record.id, "driven_off_unlocked", data["box"]))
        elif kind == "crane.hazard":
            facts.hazards.append((record.t_s, record.id, data["kind"], str(data.get("box", "–"))))
        elif kind == "crane.mission":
            _mission(facts, running, record)
        elif kind == "fault.begin":
            span = FaultSpan(data["target"], data["kind"], record.t_s, record.id)
            span.parameters = data.get("parameters", {})
            facts.faults.append(span)
        elif kind == "fault.end":
            for fault in facts.faults:
                if (fault.target, fault.kind) == (data["target"], data["kind"]):
                    fault.end_s = min(fault.end_s, record.t_s)
        elif kind == "operators.alarm":
            told = record.t_s, record.id, data["code"], data["about"], bool(data["raised"])
            facts.alarms.append(told)
        elif kind == "tow.begin":
            facts.tows.append(Tow(data["vehicle"], record.t_s, record.id))
        elif kind == "tow.end":
            for tow in facts.tows:
                if tow.vehicle == data["vehicle"]:
                    tow.end_s = min(tow.end_s, record.t_s)
        elif kind == "run.start":
            facts.run = dict(data)
        elif kind == "vehicle.totals":
            vehicle = facts.vehicles.setdefault(data["vehicle"], VehicleFacts())
            vehicle.odometer_m, vehicle.energy_kwh = data["odometer_m"], data["energy_kwh"]
    for crane, begun_s in running.items():
        facts.missions.append((crane, begun_s, facts.end_s, "open"))
    return facts


def _order(facts: BridgeFacts, record: Record) -> None:
    try:
        order = json.loads(record.payload["payload"])
        nodes = [
            (float(n["nodePosition"]["x"]), float(n["nodePosition"]["y"]), int(n["sequenceId"]))
            for n in order["nodes"] if n["released"]
        ]  # fmt: skip
        data = {"order": order["orderId"], "nodes": nodes}
    except (KeyError, TypeError, ValueError):
        return  # what cannot be read releases nothing
    vehicle = facts.vehicles.setdefault(record.source.removesuffix(".vda5050"), VehicleFacts())
    vehicle.events.append((record.t_s, "order", record.id, data))


def _shown(facts: BridgeFacts, record: Record) -> None:
    """Which order a vehicle says that it has, whenever that changes."""
    vehicle = facts.vehicles.setdefault(record.source.removesuffix(".vda5050"), VehicleFacts())
    found = _ORDER_ID.search(record.payload["payload"])
    if found is not None and found[1] != vehicle.shown:
        vehicle.shown = found[1]
        vehicle.events.append((record.t_s, "shown", record.id, {"order": found[1]}))


def _transfer(facts: BridgeFacts, record: Record) -> None:
    data, t_s = record.payload, record.t_s
    what = record.kind.removeprefix("transfer.")
    if what == "ready":
        facts.crossings[data["transfer"]] = Crossing(
            data["transfer"], data["box"], data["from_yard"], data["to_yard"],
            bool(data["perishable"]), t_s, record.id, from_side=data.get("from_side", "home"),
            returns=data.get("returns", ""),
        )  # fmt: skip
        return
    one = facts.crossings.get(data["transfer"])
    if one is None:
        return
    if what in ("released", "revoked"):
        one.released.append((t_s, data["side"], what == "released"))
    elif what == "permitted":
        one.permitted_s = t_s
    elif what == "received":
        one.received_s = t_s
    elif what == "failed":
        one.failed_s = t_s
    elif what == "expired":
        one.expired = t_s, record.id, bool(data["renewable"])
    elif what == "receipt_asked":
        facts.receipts.append((t_s, record.id, one.id, one.box, data["seen"]))


def _lifted(facts: BridgeFacts, box: str, t_s: float) -> None:
    one = facts.by_box().get(box)
    if one is not None and one.lifted_s is None:
        one.lifted_s = t_s


def _mission(facts: BridgeFacts, running: dict[str, float], record: Record) -> None:
    state, crane = record.payload["state"], record.source
    if state == "RUNNING":
        running.setdefault(crane, record.t_s)
    elif state in ("DONE", "FAILED", "CANCELLED") and crane in running:
        facts.missions.append((crane, running.pop(crane), record.t_s, state.lower()))
