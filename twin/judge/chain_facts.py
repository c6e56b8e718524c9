"""What a trace says of hauls: containers from the truck's lane to the receipt and home again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from twin.judge.bridge_facts import BridgeFacts, Crossing, collect_bridge
from twin.judge.collecting import collect
from twin.judge.facts import Event, Facts, Stay
from twin.trace import Record


@dataclass(slots=True)
class HaulFacts:
    """One container that was meant to cross by itself. Times in seconds of the run, or None."""

    vehicle: str
    direction: str
    declaration: str
    container: str
    """As declared."""
    box: str
    """What truly was on the trailer."""
    perishable: bool
    bound_s: float
    record: int
    portal_s: float | None = None
    scanned: list[tuple[float, int, str]] = field(default_factory=list)
    """(time, record, `clear` or `refer`)."""
    queued_s: float | None = None
    offered_s: float | None = None
    transfer: str = ""
    yard: str = ""
    place: str = ""
    lifts: list[tuple[float, int]] = field(default_factory=list)
    """When a crane has taken it from its truck, with the record."""
    left_crane_s: float | None = None
    collected_s: float | None = None
    home_s: float | None = None
    home_by: str = ""
    out: str = ""
    """Why it did not go by itself."""
    out_s: float | None = None

    @property
    def export(self) -> bool:
        """Whether it goes out from the home side."""
        return self.direction == "out"


@dataclass(slots=True)
class ChainFacts:
    """Everything sorted: for the rules of the lanes, those of the bridge, and what joins them."""

    lanes: Facts
    bridge: BridgeFacts
    hauls: dict[str, HaulFacts] = field(default_factory=dict)
    """By vehicle of the home side."""

    def crossing(self, haul: HaulFacts) -> Crossing | None:
        """The transfer of a haul."""
        return self.bridge.crossings.get(haul.transfer)

    def stay(self, haul: HaulFacts) -> Stay | None:
        """The passage of an export's truck through its lane."""
        return self.lanes.stays.get(haul.vehicle) if haul.export else None

    def by_box(self) -> dict[str, HaulFacts]:
        """Hauls by what is truly on the trailer."""
        return {haul.box: haul for haul in self.hauls.values()}

    def released_s(self, haul: HaulFacts) -> float:
        """When customs released its declaration at the lane; infinite if it never did."""
        return min(
            (
                release.t_s for release in self.lanes.releases
                if release.data.get("declaration") == haul.declaration
                and release.data.get("decision") == "released"
            ), default=math.inf,
        )  # fmt: skip

    def own_release_s(self, haul: HaulFacts) -> float | None:
        """When the side on which its truck stands released the transfer first."""
        transfer, side = self.crossing(haul), "home" if haul.export else "far"
        if transfer is None:
            return None
        return next((t_s for t_s, by, on in transfer.released if on and by == side), None)

    def channel_at(self, declaration: str, t_s: float) -> tuple[str, int]:
        """The channel in force at `t_s`, and the record that says so; empty if none is known."""
        declared = self.lanes.declared.get(declaration)
        if declared is None:
            return "", -1
        found = (str(declared.data.get("channel", "green")), declared.record)
        for change in self.lanes.channels.get(declaration, ()):
            if change.t_s <= t_s:
                found = (str(change.data["channel"]), change.record)
        return found


def is_chain(records: Sequence[Record]) -> bool:
    """Whether lanes and bridge ran together."""
    return bool(records) and bool(records[0].payload.get("chain"))


def collect_chain(records: Iterable[Record] | ChainFacts) -> ChainFacts:
    """Sort the records of one run; facts pass through."""
    if isinstance(records, ChainFacts):
        return records
    kept = list(records)
    lanes = {record.source.partition(".")[0] for record in kept if record.kind == "lamp"}
    facts = ChainFacts(
        collect(record for record in kept if _of_lanes(record, lanes)),
        collect_bridge(record for record in kept if _of_bridge(record, lanes)),
    )
    on: dict[str, str] = {}
    for record in kept:
        if record.kind.startswith("haul."):
            _haul(facts, record)
        elif record.kind == "box.where":
            _where(facts, on, record)
    return facts


def _of_lanes(record: Record, lanes: set[str]) -> bool:
    """A crane's or a vehicle's own state and faults are none of a lane's."""
    if record.kind.startswith("fault."):
        target = str(record.payload["target"])
        return target == "customs" or target.partition(".")[0] in lanes
    return not record.kind.startswith("device.") or record.source.partition(".")[0] in lanes


def _of_bridge(record: Record, lanes: set[str]) -> bool:
    """Nothing has to get on under the cranes because a lane or a paper is right again."""
    if record.kind.startswith("fault."):
        target = str(record.payload["target"])
        return target not in ("customs", "papers") and target.partition(".")[0] not in lanes
    return True


def _haul(facts: ChainFacts, record: Record) -> None:
    what, data, t_s = record.kind.removeprefix("haul."), record.payload, record.t_s
    name = str(data["vehicle"])
    if what == "bound":
        facts.hauls[name] = HaulFacts(
            name, data["direction"], data["declaration"], data["container"], data["box"],
            bool(data["perishable"]), t_s, record.id,
        )  # fmt: skip
        return
    haul = facts.hauls.get(name)
    if haul is None:
        return
    if what == "at_portal":
        haul.portal_s = t_s
    elif what == "scanned":
        haul.scanned.append((t_s, record.id, data["outcome"]))
    elif what == "queued":
        haul.queued_s, haul.yard = t_s, data["yard"]
    elif what == "offered":
        haul.offered_s, haul.transfer, haul.place = t_s, data["transfer"], data["place"]
    elif what == "left_crane":
        haul.left_crane_s = t_s
    elif what == "collected":
        haul.collected_s = t_s
    elif what == "truck_home":
        haul.home_s, haul.home_by = t_s, data["by"]
    elif what == "out":
        haul.out, haul.out_s = data["why"], t_s


def _where(facts: ChainFacts, on: dict[str, str], record: Record) -> None:
    """Note when a crane takes a container from the truck that brought it."""
    box, places = str(record.payload["box"]), list(record.payload["on"])
    before, on[box] = on.get(box, ""), places[0] if places else ""
    yard, _, place = before.partition(":")
    if not place.startswith("truck") or on[box].partition(":")[2]:
        return
    for haul in facts.hauls.values():
        standing = haul.left_crane_s is None or haul.left_crane_s >= record.t_s
        if (haul.yard, haul.place) == (yard, place) and haul.offered_s is not None and standing:
            haul.lifts.append((record.t_s, record.id))


def gate_crossing(stay: Stay | None) -> Event | None:
    """When a truck passed the arm of its lane."""
    return stay.crossings[0] if stay is not None and stay.crossings else None
