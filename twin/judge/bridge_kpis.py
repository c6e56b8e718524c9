"""What a run of the bridge measures; docs/bridge.md says what each figure means."""

from __future__ import annotations

from msgspec import Struct

from twin.judge.bridge_facts import BridgeFacts, Crossing, VehicleFacts
from twin.judge.measures import Spread, spread


class BoxCounts(Struct, frozen=True):
    """What became of the containers of one direction."""

    ready: int = 0
    crossed: int = 0
    failed: int = 0
    under_way: int = 0


class ColdAlarm(Struct, frozen=True):
    """One container whose air was too warm for too long: what a quality claim begins with."""

    box: str
    t_s: float
    return_c: float
    setpoint_c: float
    where: str


class ColdChain(Struct, frozen=True):
    """Refrigerated containers."""

    boxes: int = 0
    warm: int = 0
    """So many were too warm at some time."""
    excursion_min: float = 0.0
    """Minutes too warm while they were here, all together."""
    excursion_min_max: float = 0.0
    alarms: list[ColdAlarm] = []


class BridgeKpis(Struct, frozen=True):
    """Figures of one run. Directions are `home.far` and `far.home`; times in seconds."""

    site: str
    seed: int
    carrier: str
    """What carried the containers: `igv` or `sky-rail`."""
    demand: str
    """How boxes were spread over the day: `even`, `peaks` (the hours of the site), or `lanes`."""
    boxes_day: int | None
    """Boxes of a whole day, both ways, that this demand means; None: what the lanes bring."""
    simulated_s: float
    wall_s: float
    records: int
    boxes: dict[str, BoxCounts]
    ready_to_load_s: dict[str, Spread]
    """From the truck being ready to its box being lifted."""
    release_s: dict[str, Spread]
    """From the truck being ready to the last release: lawful examination, not waiting."""
    cycle_s: dict[str, Spread]
    """From the truck being ready to the signed receipt."""
    vehicle_moving_share: dict[str, float]
    vehicle_km: dict[str, float]
    vehicle_kwh: dict[str, float]
    crane_busy_share: dict[str, float]
    line_crossings_empty: int
    line_crossings_laden: int
    cold_chain: ColdChain = ColdChain()
    returns: BoxCounts = BoxCounts()
    """What a laboratory has sent back; in none of the figures by direction."""
    trace_sha256: str = ""
    invariants_held: list[str] = []
    invariants_broken: list[str] = []
    invariants_not_exercised: list[str] = []

    @property
    def speed(self) -> float:
        """Simulated seconds per second of wall clock."""
        return self.simulated_s / self.wall_s if self.wall_s else 0.0


def bridge_kpis(facts: BridgeFacts, *, wall_s: float = 0.0) -> BridgeKpis:
    """Measure one run."""
    flows: dict[str, list[Crossing]] = {}
    for one in facts.crossings.values():
        if one.returns:
            continue
        flows.setdefault(one.direction, []).append(one)
    flows = dict(sorted(flows.items()))
    end_s = facts.end_s or 1.0
    crossed = [event for event in facts.line if event.kind == "crossed"]
    cranes: dict[str, float] = {}
    for crane, from_s, until_s, _ in facts.missions:
        cranes[crane] = cranes.get(crane, 0.0) + until_s - from_s
    vehicles = dict(sorted(facts.vehicles.items()))
    return BridgeKpis(
        site=str(facts.run.get("site", "")),
        seed=int(str(facts.run.get("seed", 0))),
        carrier=str(facts.run.get("carrier", "igv")),
        demand=str(facts.run.get("demand", "lanes")),
        boxes_day=None if (day := facts.run.get("boxes_day")) is None else int(str(day)),
        simulated_s=facts.end_s,
        wall_s=wall_s,
        records=facts.records,
        boxes={name: _counts(flow) for name, flow in flows.items()},
        returns=_counts([one for one in facts.crossings.values() if one.returns]),
        ready_to_load_s={
            name: spread(one.lifted_s - one.ready_s for one in flow if one.lifted_s is not None)
            for name, flow in flows.items()
        },
        release_s={
            name: spread(
                max(t for t, _, on in one.released if on) - one.ready_s
                for one in flow if one.permitted_s is not None
            )
            for name, flow in flows.items()
        },
        cycle_s={
            name: spread(one.received_s - one.ready_s for one in flow if one.received_s is not None)
            for name, flow in flows.items()
        },
        vehicle_moving_share={
            name: round(_moving_s(vehicle, facts.end_s) / end_s, 4)
            for name, vehicle in vehicles.items()
        },
        vehicle_km={name: round(one.odometer_m / 1000, 3) for name, one in vehicles.items()},
        vehicle_kwh={name: round(one.energy_kwh, 2) for name, one in vehicles.items()},
        crane_busy_share={name: round(busy / end_s, 4) for name, busy in sorted(cranes.items())},
        line_crossings_empty=sum(not event.boxes for event in crossed),
        line_crossings_laden=sum(bool(event.boxes) for event in crossed),
        cold_chain=_cold_chain(facts),
    )  # fmt: skip


def _cold_chain(facts: BridgeFacts) -> ColdChain:
    reefers = facts.cold.reefers.values()
    alarms = []
    for one in reefers:
        if one.alarm is not None:
            t_s, _, return_c = one.alarm
            on = [o for at_s, _, box, o in facts.where if box == one.box and at_s <= t_s]
            where = ", ".join(on[-1]) if on else ""
            alarms.append(ColdAlarm(one.box, round(t_s, 1), return_c, one.setpoint_c, where))
    return ColdChain(
        boxes=len(reefers), warm=sum(bool(one.warm) for one in reefers),
        excursion_min=round(sum(one.excursion_s for one in reefers) / 60, 1),
        excursion_min_max=round(max((one.excursion_s for one in reefers), default=0.0) / 60, 1),
        alarms=sorted(alarms, key=lambda alarm: alarm.t_s),
    )  # fmt: skip


def _counts(flow: list[Crossing]) -> BoxCounts:
    received = sum(one.received_s is not None for one in flow)
    failed = sum(one.failed_s is not None for one in flow)
    return BoxCounts(len(flow), received, failed, len(flow) - received - failed)


def _moving_s(vehicle: VehicleFacts, end_s: float) -> float:
    total_s, began_s = 0.0, None
    for t_s, kind, _, _ in vehicle.events:
        if kind == "igv.move" and began_s is None:
            began_s = t_s
        elif kind == "igv.rest" and began_s is not None:
            total_s, began_s = total_s + t_s - began_s, None
    return total_s + (end_s - began_s if began_s is not None else 0.0)
