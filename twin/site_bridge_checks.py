"""What cannot be in the cargo side of a site file: geometry, names, a fleet that blocks itself."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from twin.site_bridge import Cargo, Cells, Node

_FITS_M = 0.5
MIN_EDGE_M = 7.0
"""Nodes nearer than this cannot be told apart by a vehicle of 15 m (estimate)."""
MIN_LANES_M = 5.0
"""Centre lines of two lanes: a vehicle of 3 m and a safety field on either side (estimate)."""

_SOCKETS = 4
"""Of a rack, as its profile has them."""


def problems(cargo: Cargo, length_m: float, key: str = "bridge.cargo") -> Iterator[tuple[str, str]]:
    """Key and message of whatever cannot be; `key` is where it stands in the file."""
    known = {node.id: node for node in cargo.nodes}
    if not 0 < cargo.line_m < length_m:
        yield f"{key}.line_m", f"is {cargo.line_m} m, but the bridge is from 0 to {length_m} m"
    for index in range(len(cargo.lanes)):
        yield from _lane_problems(f"{key}.lanes.{index}", cargo, index, known, length_m)
    yield from graph_problems(key, cargo)
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

    if cargo.cells is not None:
        yield from _cell_problems(f"{key}.cells", cargo.cells, cargo, length_m)
    if cargo.trucks is not None:
        for name in ("way_s", "scan_s", "review_s"):
            low, high = getattr(cargo.trucks, name)
            if low > high:
                yield f"{key}.trucks.{name}", f"goes from {low} to {high}"


def _cell_problems(
    key: str, cells: Cells, cargo: Cargo, length_m: float
) -> Iterator[tuple[str, str]]:
    """Between the cells lies a part of the span on which nobody has to wait."""
    if not 0 <= cells.from_m < cells.to_m <= length_m:
        yield (
            f"{key}.from_m",
            f"to to_m is {cells.from_m} to {cells.to_m} m, not a part of 0 to {length_m} m",
        )
    for lane in cargo.lanes:
        for name in lane.nodes:
            node = next((one for one in cargo.nodes if one.id == name), None)
            if node is not None and cells.from_m <= node.x_m <= cells.to_m:
                deaf = f"node {name} lies between the cells: who waits there is deaf"
                yield f"{key}.from_m", deaf


def graph_problems(key: str, cargo: Cargo) -> Iterator[tuple[str, str]]:
    """Of nodes, roads, stops and the size of the fleet, for any kind of carrier."""
    known: dict[str, Node] = {}
    for index, node in enumerate(cargo.nodes):
        if node.id in known:
            yield f"{key}.nodes.{index}.id", f"node {node.id!r} stands twice"
        known[node.id] = node
    yield from _road_problems(key, cargo, known)
    yield from _yard_problems(key, cargo, known)
    for problem in fleet_problems(cargo):
        yield f"{key}.fleet.size", problem


def fleet_problems(cargo: Cargo) -> Iterator[str]:
    """Why the site has no room for so many vehicles."""
    bays = sum(len(yard.bays) for yard in cargo.yards)
    parks = sum(len(yard.parks) for yard in cargo.yards)
    if cargo.fleet.size >= bays:
        yield (
            f"is {cargo.fleet.size}, but there are {bays} bays: with a vehicle in each, all "
            "would wait for each other's"
        )
    if cargo.fleet.size > parks:
        yield f"is {cargo.fleet.size}, with {parks} parking places"


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


def _lane_problems(
    at: str, cargo: Cargo, index: int, known: dict[str, Node], length_m: float
) -> Iterator[tuple[str, str]]:
    lane, before = cargo.lanes[index], cargo.lanes[:index]
    if lane.id in [one.id for one in before]:
        yield f"{at}.id", f"lane {lane.id!r} stands twice"
    unknown = [name for name in lane.nodes if name not in known]
    if unknown:
        yield f"{at}.nodes", f"names no node {unknown[0]!r}"
        return
    shared = [name for one in before for name in one.nodes if name in lane.nodes]
    if shared:
        yield f"{at}.nodes", f"{shared[0]} lies on two lanes"
    places = [known[name] for name in lane.nodes]
    xs = [place.x_m for place in places]
    if xs != sorted(xs):
        xs.reverse()
    if xs != sorted(xs) or xs[0] > _FITS_M or xs[-1] < length_m - _FITS_M:
        yield f"{at}.nodes", f"must lead from x = 0 to x = {length_m} m, or back, in order"
    across = [place.y_m for place in places]
    if max(across) - min(across) > _FITS_M:
        yield f"{at}.nodes", f"goes from y = {min(across)} to {max(across)} m: a lane is straight"
    for one in before:
        apart_m = abs(across[0] - known[one.nodes[0]].y_m) if one.nodes[0] in known else math.inf
        if apart_m < MIN_LANES_M:
            yield f"{at}.nodes", f"{apart_m} m beside {one.id}, at least {MIN_LANES_M} m needed"
    edges = {(a, b) for a, b, _ in cargo.edges()}
    for a, b in itertools.pairwise(lane.nodes):
        if (a, b) not in edges or (b, a) not in edges:
            yield f"{at}.nodes", f"no two-way road joins {a} and {b}"
    half_m = cargo.line_zone_m / 2
    if any(abs(x - cargo.line_m) < half_m for x in xs):
        yield f"{at}.nodes", "one lies within the zone of the line, where nobody may wait"
    if len(cargo.lanes) == 1 and lane.mode == "one-way":
        yield f"{at}.mode", "is one-way, and there is no lane for the way back"
    headings = {known[one.nodes[-1]].x_m > known[one.nodes[0]].x_m for one in [*before, lane]}
    if index and len(headings) == 1 and all(one.mode == "one-way" for one in cargo.lanes):
        yield f"{at}.nodes", "leads the same way as the other lane: nobody would come back"


def _yard_problems(key: str, cargo: Cargo, known: dict[str, Node]) -> Iterator[tuple[str, str]]:
    if {yard.side for yard in cargo.yards} != {"home", "far"}:
        yield f"{key}.yards", "at least one lies on the home side and one on the far side"
    for what in ("id", "crane"):
        names = [getattr(yard, what) for yard in cargo.yards]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield f"{key}.yards.{index}.{what}", f"{name!r} stands twice"
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
        if yard.reefer_sockets not in (0, _SOCKETS):
            yield f"{at}.reefer_sockets", f"a rack has {_SOCKETS} sockets; none is 0"
        elif yard.reefer_sockets > len(yard.stack_gantry_m):
            yield f"{at}.reefer_sockets", f"there are only {len(yard.stack_gantry_m)} stack places"
