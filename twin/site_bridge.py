"""The cargo side of a bridge as a site file describes it: lane graph, yards, fleet, demand.

Places are metres on one map: x along the bridge from its abutment on the home side (x = 0) to the
far one (x = length), y to the left of that. A crane's frame begins at its yard's origin, gantry
along x and trolley along y.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
Side = Literal["home", "far"]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Share = Annotated[float, Meta(ge=0, le=1)]
Place = Annotated[float, Meta(ge=-20_000, le=20_000)]

_FITS_M = 0.5
MIN_EDGE_M = 7.0
"""Nodes nearer than this cannot be told apart by a vehicle of 15 m (estimate)."""


class Strict(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of what is read from a file: an unknown key is an error."""


class Node(Strict, frozen=True):
    """One place of the lane graph."""

    id: Name
    x_m: Place
    y_m: Place


class Road(Strict, frozen=True):
    """A chain of nodes, driven from the first to the last; both ways if `two_way`."""

    through: Annotated[list[Name], Meta(min_length=2)]
    speed_m_s: Annotated[float, Meta(gt=0, le=15)]
    two_way: bool = False


class SingleLane(Strict, frozen=True):
    """A stretch on which all vehicles drive one way at a time, in platoons."""

    nodes: Annotated[list[Name], Meta(min_length=2)]
    platoon: Annotated[int, Meta(ge=1, le=50)]
    clearance_s: Seconds
    """Between the last vehicle of one direction and the first of the other."""


class Yard(Strict, frozen=True):
    """What lies under one crane, and where vehicles wait."""

    id: Name
    side: Side
    crane: Name
    origin_x_m: Place
    origin_y_m: Place
    bays: Annotated[list[Name], Meta(min_length=1)]
    """Nodes at which the crane serves vehicles."""
    parks: Annotated[list[Name], Meta(min_length=1)]
    """Nodes at which vehicles wait and charge."""
    truck_gantry_m: Annotated[list[Annotated[float, Meta(ge=0, le=120)]], Meta(min_length=1)]
    truck_trolley_m: Annotated[float, Meta(ge=0, le=30)]
    stack_gantry_m: Annotated[list[Annotated[float, Meta(ge=0, le=120)]], Meta(min_length=1)]
    stack_trolley_m: Annotated[float, Meta(ge=0, le=30)]


class Fleet(Strict, frozen=True):
    """The driverless vehicles."""

    size: Annotated[int, Meta(ge=1, le=200)]
    lock_s: Seconds
    """Turning and checking the twist-locks of the bed."""
    acknowledge_s: Seconds
    """Until a person has come to acknowledge an emergency stop whose button is out again."""
    charge_at_start: Annotated[float, Meta(gt=0, le=1)]


class Demand(Strict, frozen=True):
    """Containers of a day, half in each direction."""

    boxes_day: Annotated[int, Meta(ge=0, le=10_000)]
    perishable: Share
    mass_kg: tuple[
        Annotated[float, Meta(gt=2_000, le=40_000)], Annotated[float, Meta(gt=2_000, le=40_000)]
    ]
    release_s: tuple[Seconds, Seconds]
    """Until the second side's release comes, after the truck is ready."""
    collect_s: tuple[Seconds, Seconds]
    """Until a truck fetches a box that has crossed."""
    truck_leaves_s: Seconds


Positive = Annotated[float, Meta(gt=0, le=86_400)]


class Crossing(Strict, frozen=True, kw_only=True):
    """What the capacity tier needs besides; pairs are home side, far side."""

    dock_m: Annotated[float, Meta(ge=0, le=50)]
    """The last metres to the crane, at `dock_speed_m_s`."""
    dock_speed_m_s: Annotated[float, Meta(gt=0, le=15)]
    follow_gap_m: Positive
    gate_s: Seconds
    """Check of vehicle and manifest at the bridge head, one after the other."""
    manual_release_s: Seconds
    """A release by telephone, when the link between the two sides is down."""
    out_share: Share
    reefer_share: Share
    """Perishables included."""
    reefer_plug_s: Seconds
    breakdowns_per_trip: Share
    repair_s: Positive
    tow_s: tuple[Positive, Positive]
    """Until a broken vehicle has left the bridge: with one lane, with two."""
    chargers: Annotated[int, Meta(ge=1, le=100)]
    """Charging points, or swap stations, on each side."""
    demand_weights: Annotated[
        tuple[Annotated[float, Meta(ge=0)], ...], Meta(min_length=24, max_length=24)
    ]
    """Relative demand by civil hour when the bridge works day and night."""


class Cargo(Strict, frozen=True):
    """Everything that makes cargo cross by itself."""

    line_m: Place
    """x of the line between the two countries."""
    line_zone_m: Annotated[float, Meta(gt=0, le=200)]
    """Length of the exclusive zone about the line."""
    nodes: Annotated[list[Node], Meta(min_length=2)]
    roads: Annotated[list[Road], Meta(min_length=1)]
    single_lane: SingleLane
    yards: Annotated[list[Yard], Meta(min_length=2, max_length=2)]
    fleet: Fleet
    demand: Demand
    crossing: Crossing | None = None
    """Without one nothing is known about sizing a fleet."""

    def node(self, id: str) -> Node:
        """The node of this id."""
        return next(node for node in self.nodes if node.id == id)

    def edges(self) -> Iterator[tuple[str, str, float]]:
        """Every directed edge and its speed limit, m/s."""
        for road in self.roads:
            for a, b in itertools.pairwise(road.through):
                yield a, b, road.speed_m_s
                if road.two_way:
                    yield b, a, road.speed_m_s


def problems(cargo: Cargo, length_m: float) -> Iterator[tuple[str, str]]:
    """Key and message of whatever cannot be."""
    key = "bridge.cargo"
    known: dict[str, Node] = {}
    for index, node in enumerate(cargo.nodes):
        if node.id in known:
            yield f"{key}.nodes.{index}.id", f"node {node.id!r} stands twice"
        known[node.id] = node
    if not 0 < cargo.line_m < length_m:
        yield f"{key}.line_m", f"is {cargo.line_m} m, but the bridge is from 0 to {length_m} m"
    yield from _road_problems(key, cargo, known)
    yield from _single_lane_problems(f"{key}.single_lane", cargo, known, length_m)
    yield from _yard_problems(key, cargo, known)
    bays = sum(len(yard.bays) for yard in cargo.yards)
    pockets = bays + sum(len(yard.parks) for yard in cargo.yards)
    if cargo.fleet.size >= bays:
        yield (
            f"{key}.fleet.size",
            (
                f"is {cargo.fleet.size}, but there are {bays} bays: with a vehicle in each, all "
                "would wait for each other's"
            ),
        )
    if cargo.fleet.size > pockets - bays:
        yield f"{key}.fleet.size", f"is {cargo.fleet.size}, with {pockets - bays} parking places"
    crossing = cargo.crossing
    if crossing is not None and crossing.reefer_share < cargo.demand.perishable:
        limit = cargo.demand.perishable
        yield (
            f"{key}.crossing.reefer_share",
            f"is {crossing.reefer_share}, below the share of perishables, {limit}",
        )
    if crossing is not None and sum(crossing.demand_weights) <= 0:
        yield f"{key}.crossing.demand_weights", "are all 0: nothing would ever come"
    for name in ("mass_kg", "release_s", "collect_s"):
        low, high = getattr(cargo.demand, name)
        if low > high:
            yield f"{key}.demand.{name}", f"goes from {low} to {high}"


def _road_problems(key: str, cargo: Cargo, known: dict[str, Node]) -> Iterator[tuple[str, str]]:
    ways: dict[str, set[str]] = {}
    for index, road in enumerate(cargo.roads):
        at = f"{key}.roads.{index}.through"
        unknown = [name for name in road.through if name not in known]
        if unknown:
            yield at, f"names no node {unknown[0]!r}"
            continue
        for a, b in itertools.pairwise(road.through):
            apart_m = math.dist((known[a].x_m, known[a].y_m), (known[b].x_m, known[b].y_m))
            if apart_m < MIN_EDGE_M:
                yield at, f"{a} and {b} are {apart_m:.1f} m apart, at least {MIN_EDGE_M} m needed"
            ways.setdefault(a, set()).add(b)
            if road.two_way:
                ways.setdefault(b, set()).add(a)
    stops = [n for yard in cargo.yards for n in [*yard.bays, *yard.parks] if n in known]
    for start in stops:
        reached, todo = {start}, [start]
        while todo:
            for follower in ways.get(todo.pop(), ()):
                if follower not in reached:
                    reached.add(follower)
                    if follower not in stops:  # nobody drives through a place where others stand
                        todo.append(follower)
        lost = [stop for stop in stops if stop not in reached]
        if lost:
            yield f"{key}.roads", f"no way leads from {start} to {lost[0]}"
            return


def _single_lane_problems(
    at: str, cargo: Cargo, known: dict[str, Node], length_m: float
) -> Iterator[tuple[str, str]]:
    nodes = cargo.single_lane.nodes
    unknown = [name for name in nodes if name not in known]
    if unknown:
        yield f"{at}.nodes", f"names no node {unknown[0]!r}"
        return
    xs = [known[name].x_m for name in nodes]
    if xs != sorted(xs) or xs[0] > _FITS_M or xs[-1] < length_m - _FITS_M:
        yield f"{at}.nodes", f"must lead from x = 0 to x = {length_m} m in order"
    edges = {(a, b) for a, b, _ in cargo.edges()}
    for a, b in itertools.pairwise(nodes):
        if (a, b) not in edges or (b, a) not in edges:
            yield f"{at}.nodes", f"no two-way road joins {a} and {b}"
    half_m = cargo.line_zone_m / 2
    if any(abs(x - cargo.line_m) < half_m for x in xs):
        yield f"{at}.nodes", "one lies within the zone of the line, where nobody may wait"


def _yard_problems(key: str, cargo: Cargo, known: dict[str, Node]) -> Iterator[tuple[str, str]]:
    if {yard.side for yard in cargo.yards} != {"home", "far"}:
        yield f"{key}.yards", "one yard lies on the home side and one on the far side"
    used: set[str] = set()
    for index, yard in enumerate(cargo.yards):
        at = f"{key}.yards.{index}"
        for what in ("bays", "parks"):
            for name in getattr(yard, what):
                if name not in known:
                    yield f"{at}.{what}", f"names no node {name!r}"
                elif name in used:
                    yield f"{at}.{what}", f"{name} is used twice"
                elif (known[name].x_m < cargo.line_m) != (yard.side == "home"):
                    yield f"{at}.{what}", f"{name} lies beyond the line"
                used.add(name)
        for name in yard.bays:
            if name in known:
                gantry = known[name].x_m - yard.origin_x_m
                trolley = known[name].y_m - yard.origin_y_m
                if not (0 <= gantry <= 120 and 0 <= trolley <= 30):
                    yield f"{at}.bays", f"{name} is out of the crane's reach (120 m × 30 m)"
