"""Which kind of carrier takes the boxes over: IGVs on the lane, or a sky-rail above it.

Both take the same missions over the same wire, for the same demand; what differs is the graph, the
bodies, and how a box gets on and off.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator
from enum import Enum

import msgspec

from twin.bridge.vehicles import MAP, Build
from twin.clock import Clock
from twin.devices.rail_line import RailLine
from twin.devices.sky_rail import SkyCarrier
from twin.devices.sky_rail_words import SkyRailParameters
from twin.errors import HarnessError
from twin.physics import Pose, load_drive
from twin.site import Site
from twin.site_bridge import Cargo, Node, Yard
from twin.site_bridge_checks import fleet_problems
from twin.site_sky_rail import SkyRail, seen_with
from twin.trace import Trace
from twin.world.crossing import Zone
from twin.world.docks import Dock, Docks
from twin.world.rail import Rail, RailNode
from twin.world.rail_carrier import RailCarrier
from twin.world.tables import Tables
from twin.world.wind import Wind
from twin.world.yard import Place, PlaceKind
from twin.world.yard import Yard as YardWorld

LINE = "sky-rail"
"""Id of the line, as a target of faults."""
_TABLE_SEAT_M = 1.2
_HALF_RAIL_M = 4.0
"""A carrier is on a rail of the bridge if its centre is this near to it."""


class CarrierKind(Enum):
    """What `--carrier` takes."""

    IGV = "igv"
    SKY_RAIL = "sky-rail"


def in_phase(site: Site, phase: int, kind: CarrierKind) -> Site:
    """The site in Phase 1 or 2; a site without cargo in Phase 1 as it is, for who reads it.

    Raises `HarnessError` for a sky-rail in Phase 2: its rail ends at the yards of Phase 1.
    """
    if phase == 1:
        return site
    if kind is not CarrierKind.IGV:
        raise HarnessError(
            f"phase {phase} of {site.id} goes with carrier igv: the rail of a {kind.value} ends at "
            "the yards of phase 1"
        )
    return site.in_phase(phase)


def with_vehicles(site: Site, count: int) -> Site:
    """The site with so many vehicles; `HarnessError` if there is no room for them."""
    cargo = cargo_of(site, CarrierKind.IGV)
    cargo = msgspec.structs.replace(cargo, fleet=msgspec.structs.replace(cargo.fleet, size=count))
    for problem in fleet_problems(cargo):
        raise HarnessError(f"{site.id}: the fleet {problem}")
    return site.with_cargo(cargo)


def cargo_of(site: Site, kind: CarrierKind) -> Cargo:
    """The cargo side of a site, seen with this kind of carrier; `HarnessError` if it has none."""
    if site.bridge.cargo is None:
        raise HarnessError(f"{site.id} has no [bridge.cargo]: nothing crosses there by itself")
    if kind is CarrierKind.SKY_RAIL and site.bridge.sky_rail is None:
        raise HarnessError(f"{site.id} has no [bridge.sky_rail]: take --carrier igv")
    return seen_with(site.bridge.cargo, site.bridge.sky_rail, kind.value)


def rail_of(spec: SkyRail) -> Rail:
    """The rail as it is built."""
    nodes = [RailNode(n.id, n.x_m, n.y_m, math.radians(n.course_deg)) for n in spec.nodes]
    pieces = [pair for piece in spec.pieces for pair in itertools.pairwise(piece.through)]
    return Rail(nodes, pieces)


def furnish(spec: SkyRail, cargo: Cargo, yard: Yard, world: YardWorld, tables: Tables) -> None:
    """Transfer tables and parking places of one yard."""
    for name in yard.bays:
        node = cargo.node(name)
        place = Place(
            name, PlaceKind.TABLE, node.x_m - yard.origin_x_m,
            spec.table_y_m(node.y_m) - yard.origin_y_m, _TABLE_SEAT_M,
        )  # fmt: skip
        tables.add(Dock(name, node.x_m, node.y_m, yard=world, place=place))
    for name in yard.parks:
        node = cargo.node(name)
        tables.add(Dock(name, node.x_m, node.y_m))


def rail_zones(site: Site, cargo: Cargo) -> Iterator[Zone]:
    """Of each rail of a sky-rail the line's zone and the stretch with one direction.

    A block of a rail, less a carrier's length at its ends, is for one carrier at a time.
    """
    half_m, length_m = cargo.line_zone_m / 2, site.bridge.length_m
    from_m, to_m = cargo.line_m - half_m, cargo.line_m + half_m
    body_m = SkyRailParameters().vehicle.length_m
    on_span = [n for n in cargo.nodes if 0 <= n.x_m <= length_m]
    for y_m in sorted({n.y_m for n in on_span}):
        lane = (y_m - _HALF_RAIL_M, y_m + _HALF_RAIL_M)
        yield Zone(f"line-{y_m:g}", from_m, to_m, across_m=lane)
        yield Zone(f"rail-{y_m:g}", 0.0, length_m, "one-way", across_m=lane)
        xs = sorted(n.x_m for n in on_span if n.y_m == y_m)
        for number, (a, b) in enumerate(itertools.pairwise(xs)):
            yield Zone(f"block-{y_m:g}-{number + 1}", a + body_m, b - body_m, across_m=lane)


def line_of(
    spec: SkyRail | None, clock: Clock, trace: Trace, wind: Wind, engine: str
) -> RailLine | None:
    """The line of a sky-rail; None if there is none. `HarnessError` if `engine` cannot move it."""
    if spec is None:
        return None
    if engine != "kinematic":
        raise HarnessError(
            f"a sky-rail's carriers move in closed form, not in {engine}: take --fidelity kinematic"
        )
    return RailLine(LINE, clock, trace, rail_of(spec), wind)


def hang(line: RailLine | None, tables: Docks, rng: Callable[[str], random.Random]) -> Build | None:
    """A factory of the carriers of one line; None if there is no line."""
    if line is None or not isinstance(tables, Tables):
        return None

    def build(name: str, park: Node) -> tuple[RailCarrier, SkyCarrier]:
        node, parameters = line.rail.nodes[park.id], SkyRailParameters()
        carrier = RailCarrier(
            name, line.clock, line.trace, load_drive("kinematic"), parameters.vehicle,
            parameters.energy, pose=Pose(node.x_m, node.y_m, node.course_rad),
            buffer_s=parameters.buffer_s,
        )  # fmt: skip
        car = SkyCarrier(
            name, line.clock, line.trace, rng(name), carrier=carrier, handover=tables, line=line,
            map_id=MAP, parameters=parameters,
        )  # fmt: skip
        return carrier, car

    return build
