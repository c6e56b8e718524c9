"""What a run from end to end measures; docs/chain.md says what each figure means."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from twin.judge.bridge_kpis import BridgeKpis, bridge_kpis
from twin.judge.chain_facts import ChainFacts, HaulFacts, gate_crossing
from twin.judge.kpis import kpis
from twin.judge.measures import Kpis, Spread, spread

KINDS = ("all", "perishable", "other")
STAGES = (
    "lane", "to scan", "scan", "to crane", "queue at crane", "load", "to receipt", "collect",
    "home",
)  # fmt: skip
"""Parts of a haul; an import begins at the crane of the far side and ends behind its lane."""


class HaulCounts(Struct, frozen=True):
    """What became of the hauls of one direction."""

    came: int = 0
    at_crane: int = 0
    """Whose truck has stood under the crane."""
    lifted: int = 0
    received: int = 0
    truck_home: int = 0
    """Trucks of the home side that have left again, empty or with what they fetched."""
    out: dict[str, int] = {}
    """Why others did not go by themselves, and how many."""


class ChainKpis(Struct, frozen=True):
    """Figures of one run; flows are `out` and `in`, by `all`, `perishable`, `other` cargo."""

    site: str
    day: str
    seed: int
    simulated_s: float
    wall_s: float
    records: int
    hauls: dict[str, HaulCounts]
    end_to_end_s: dict[str, dict[str, Spread]]
    """From the truck's arrival (at its lane; an import's at the far crane) to the receipt."""
    crane_queue_s: dict[str, dict[str, Spread]]
    """From the truck being there to a place under the crane."""
    ready_to_load_s: dict[str, dict[str, Spread]]
    truck_turn_s: dict[str, Spread]
    """From an export's arrival at its lane until its truck is home; an import's from the receipt
    until its truck is behind its lane."""
    stages_s: dict[str, dict[str, Spread]]
    lanes: Kpis
    bridge: BridgeKpis
    trace_sha256: str = ""
    invariants_held: list[str] = []
    invariants_broken: list[str] = []
    invariants_not_exercised: list[str] = []

    @property
    def speed(self) -> float:
        """Simulated seconds per second of wall clock."""
        return self.simulated_s / self.wall_s if self.wall_s else 0.0


def chain_kpis(facts: ChainFacts, *, wall_s: float = 0.0, trace_sha256: str = "") -> ChainKpis:
    """Measure one run."""
    start = facts.lanes.start
    flows: dict[str, list[HaulFacts]] = {"out": [], "in": []}
    for haul in facts.hauls.values():
        flows[haul.direction].append(haul)

    def by_kind(measure: Callable[[HaulFacts], float | None]) -> dict[str, dict[str, Spread]]:
        return {name: _by_kind(flow, measure) for name, flow in flows.items()}

    return ChainKpis(
        site=str(start.get("site", "")), day=str(start.get("day", "")),
        seed=int(str(start.get("seed") or 0)), simulated_s=facts.bridge.end_s, wall_s=wall_s,
        records=facts.bridge.records,
        hauls={name: _counts(facts, flow) for name, flow in flows.items()},
        end_to_end_s=by_kind(lambda haul: end_to_end_s(facts, haul)),
        crane_queue_s=by_kind(lambda haul: between(haul.queued_s, haul.offered_s)),
        ready_to_load_s=by_kind(lambda haul: between(haul.offered_s, lifted_s(haul))),
        truck_turn_s={
            name: spread(_known(_turn_s(facts, haul) for haul in flow))
            for name, flow in flows.items()
        },
        stages_s={name: _stages(facts, flow) for name, flow in flows.items()},
        lanes=kpis(facts.lanes, wall_s=wall_s or None, trace_sha256=trace_sha256),
        bridge=bridge_kpis(facts.bridge, wall_s=wall_s), trace_sha256=trace_sha256,
    )  # fmt: skip


def between(from_s: float | None, until_s: float | None) -> float | None:
    """A span, if both its ends are known."""
    return None if from_s is None or until_s is None else until_s - from_s


def lifted_s(haul: HaulFacts) -> float | None:
    """When its container left the truck that brought it."""
    return haul.lifts[0][0] if haul.lifts else None


def received_s(facts: ChainFacts, haul: HaulFacts) -> float | None:
    """When its receipt was signed."""
    transfer = facts.crossing(haul)
    return transfer.received_s if transfer is not None else None


def end_to_end_s(facts: ChainFacts, haul: HaulFacts) -> float | None:
    """From its truck's arrival to the signed receipt."""
    return between(haul.bound_s, received_s(facts, haul))


def marks(facts: ChainFacts, haul: HaulFacts) -> list[tuple[str, float | None]]:
    """Each stage and when it was over; an export's `collect` is on the far side, beside `home`."""
    stay = facts.stay(haul)
    passed = gate_crossing(stay)
    left = stay.left if stay is not None and passed is not None else None
    scan = haul.scanned[0][0] if haul.scanned else None
    return [
        ("lane", left.t_s if left is not None else None), ("to scan", haul.portal_s),
        ("scan", scan), ("to crane", haul.queued_s if haul.export else None),
        ("queue at crane", haul.offered_s), ("load", lifted_s(haul)),
        ("to receipt", received_s(facts, haul)), ("collect", haul.collected_s),
        ("home", None if haul.export else haul.home_s),
    ]  # fmt: skip


def stages_s(facts: ChainFacts, haul: HaulFacts) -> dict[str, float]:
    """How long each stage took that is over."""
    found, since_s = {}, haul.bound_s
    for name, at_s in marks(facts, haul):
        if at_s is not None:
            found[name] = at_s - since_s
            since_s = at_s
    return found


def _stages(facts: ChainFacts, flow: list[HaulFacts]) -> dict[str, Spread]:
    times = [stages_s(facts, haul) for haul in flow]
    return {
        name: spread(one[name] for one in times if name in one)
        for name in STAGES
        if any(name in one for one in times)
    }


def _turn_s(facts: ChainFacts, haul: HaulFacts) -> float | None:
    return between(haul.bound_s if haul.export else received_s(facts, haul), haul.home_s)


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _by_kind(
    flow: list[HaulFacts], measure: Callable[[HaulFacts], float | None]
) -> dict[str, Spread]:
    kept = {
        "all": flow, "perishable": [h for h in flow if h.perishable],
        "other": [h for h in flow if not h.perishable],
    }  # fmt: skip
    return {kind: spread(_known(map(measure, kept[kind]))) for kind in KINDS}


def _counts(facts: ChainFacts, flow: list[HaulFacts]) -> HaulCounts:
    out: dict[str, int] = {}
    for haul in flow:
        if haul.out:
            out[haul.out] = out.get(haul.out, 0) + 1
    return HaulCounts(
        came=len(flow), at_crane=sum(haul.offered_s is not None for haul in flow),
        lifted=sum(bool(haul.lifts) for haul in flow),
        received=sum(received_s(facts, haul) is not None for haul in flow),
        truck_home=sum(haul.home_s is not None for haul in flow), out=dict(sorted(out.items())),
    )  # fmt: skip
