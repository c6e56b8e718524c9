"""What is to be simulated: one demand, one fleet, one set of cranes and lanes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

import msgspec

from twin.errors import GateTwinError
from twin.site import Site
from twin.site_bridge import Crossing

DAY_S = 86_400.0
PHASE_1_BOXES = 400
"""Phase 1 of the scheme carries 200 to 400 boxes a day on one lane; more is Phase 2."""

Battery = Literal["charge", "swap", "none"]
Hours = Literal["24/7", "site"]
Handling = Literal["crane", "exponential", "constant"]


class SizingError(GateTwinError):
    """A demand, a fleet or a target that cannot be: names the place, the value and the limit."""


class Scene(Crossing, frozen=True, kw_only=True):
    """The crossing with what the lane graph and the demand of the site say of it."""

    road_speed_m_s: float
    platoon: int
    clearance_s: float
    load_kg: tuple[float, float]
    perishable_share: float


def scene_of(site: Site) -> Scene:
    """The crossing of a site, or `SizingError` if it has none."""
    cargo = site.bridge.cargo
    if cargo is None or cargo.crossing is None:
        raise SizingError(
            f"site {site.id} has no [bridge.cargo.crossing]: nothing is known of its driverless "
            f"lane; sites/bac-luan-2.toml shows what belongs there"
        )
    lane = cargo.lanes[0]
    on_lane = set(lane.nodes)
    return Scene(
        **msgspec.structs.asdict(cargo.crossing),
        road_speed_m_s=min(v for a, b, v in cargo.edges() if {a, b} <= on_lane),
        platoon=lane.platoon,
        clearance_s=lane.clearance_s,
        load_kg=cargo.demand.mass_kg,
        perishable_share=cargo.demand.perishable,
    )


def phase_for(site: Site, boxes_per_day: float) -> int:
    """The phase whose roads and yards carry a demand; 1 if the site file has but one."""
    many = boxes_per_day > PHASE_1_BOXES and site.bridge.phase_2 is not None
    return 2 if many else 1


class Part(Enum):
    """What there may be one of more or less."""

    IGV = "igv"
    CRANE = "crane"
    LANE = "lane"
    LINK = "link"
    GATE = "gate"
    CHARGER = "charger"


N_MINUS_1 = (Part.IGV, Part.CRANE, Part.LANE, Part.LINK)
"""What may be taken away; without a gate nobody goes, and one charger less is no event."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One model. `profile` is the relative demand of the 24 civil hours, `cranes` per side.

    `handling` other than ``crane`` replaces the emulated crane's move times by a distribution of
    mean `handling_s`, lifting and landing each; that is what queueing theory can be asked about.
    `lanes` 0 means that nothing crosses; `free_lane` that the lane never makes anyone wait.
    """

    crossing: Scene
    profile: tuple[float, ...]
    boxes_per_day: float
    igvs: int
    cranes: tuple[int, int]
    lanes: int
    gates: int = 1
    """Customs gates before each bridge head, side by side."""
    days: float = 4.0
    warmup_days: float = 1.0
    open_h: tuple[float, float] | None = None
    """Opening and closing hour of the lane; None is day and night."""
    battery: Battery = "charge"
    breakdowns: bool = True
    link: bool = True
    free_lane: bool = False
    handling: Handling = "crane"
    handling_s: tuple[float, float] = (0.0, 0.0)
    wind_stops_per_day: float = 0.0
    wind_stop_s: float = 1800.0
    network_gaps_per_day: float = 0.0
    network_gap_s: float = 60.0

    def __post_init__(self) -> None:
        _within("boxes a day", self.boxes_per_day, 1, 20_000)
        _within("fleet, IGVs", self.igvs, 0, 2_000)
        for side, count in zip(("near", "far"), self.cranes, strict=True):
            _within(f"cranes on the {side} side", count, 0, 200)
        _within("lanes", self.lanes, 0, 2)
        _within("gates on a side", self.gates, 1, 20)
        _within("days", self.days, 0.01, 3660)
        _within("warm-up days", self.warmup_days, 0, self.days * 0.99)
        _within("wind stops a day", self.wind_stops_per_day, 0, 100)
        _within("network gaps a day", self.network_gaps_per_day, 0, 10_000)
        _within("length of a wind stop, s", self.wind_stop_s, 1, DAY_S)
        _within("length of a network gap, s", self.network_gap_s, 0.01, DAY_S)
        if len(self.profile) != 24 or min(self.profile) < 0 or sum(self.profile) <= 0:
            raise SizingError("the profile of the day needs 24 weights of at least 0, not all 0")

    @property
    def end_s(self) -> float:
        """The instant after which no box counts any more."""
        return self.days * DAY_S

    @property
    def warmup_s(self) -> float:
        """Boxes that are ready before it do not count."""
        return self.warmup_days * DAY_S

    @property
    def peak_per_s(self) -> float:
        """Boxes a second, both directions, in the busiest hour."""
        return self.boxes_per_day * max(self.profile) / sum(self.profile) / 3600


def _within(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high or math.isnan(value):
        raise SizingError(f"{what}: {value:g}; allowed: {low:g} to {high:g}")


def plan_for(
    site: Site, boxes_per_day: float, *, igvs: int = 0, cranes: int = 0, lanes: int | None = None,
    hours: Hours = "24/7", days: float = 4.0, battery: Battery = "charge",
) -> Plan:  # fmt: skip
    """The plan of a site: one lane up to 400 boxes a day and two above, if `lanes` is None.

    Raises `SizingError` if the site has no [bridge.cargo.crossing].
    """
    crossing = scene_of(site)
    if lanes is None:
        lanes = 1 if boxes_per_day <= PHASE_1_BOXES else 2
    by_day = hours == "site"
    opens = site.hours.opens_h
    closes = opens + (site.hours.open_s + site.hours.drain_s) / 3600
    return Plan(
        crossing, tuple(site.traffic.hourly_weights) if by_day else crossing.demand_weights,
        boxes_per_day, igvs, (cranes, cranes), lanes, days=days, battery=battery,
        warmup_days=min(1.0, days / 2), open_h=(opens, min(24.0, closes)) if by_day else None,
    )  # fmt: skip


def without(plan: Plan, part: Part) -> Plan:
    """The plan with one part less (N-1): an IGV, a crane of the near side, a lane, or the link.

    Without the link between the two sides each release goes by telephone: one vehicle at a time
    on a lane, and `manual_release_s` for each.
    """
    if part is Part.IGV:
        return replace(plan, igvs=max(0, plan.igvs - 1))
    if part is Part.CRANE:
        return replace(plan, cranes=(max(0, plan.cranes[0] - 1), plan.cranes[1]))
    if part is Part.LANE:
        return replace(plan, lanes=max(0, plan.lanes - 1))
    return replace(plan, link=False)
