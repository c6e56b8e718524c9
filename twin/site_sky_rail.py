"""A sky-rail as a site file describes it: `[bridge.sky_rail]`, and the bridge seen with it.

It is another way to carry the same cargo: `with_sky_rail` gives the same yards, cranes, trucks and
demand, with the rail's nodes in place of the lane's and its carriers in place of the vehicles.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from twin import site_bridge_checks
from twin.site_bridge import Cargo, Name, Node, Place, Road, Seconds, Strict


class RailNode(Strict, frozen=True):
    """One place of the rail; `course_deg` is where the rail leads to there, 0 along the bridge."""

    id: Name
    x_m: Place
    y_m: Place
    course_deg: Annotated[float, Meta(ge=-360, le=360)]


class RailPiece(Strict, frozen=True):
    """A chain of nodes, one way, with a speed limit."""

    through: Annotated[list[Name], Meta(min_length=2)]
    speed_m_s: Annotated[float, Meta(gt=0, le=20)]


class RailYard(Strict, frozen=True):
    """Where carriers stop on one side; `id` is that of the yard."""

    id: Name
    bays: Annotated[list[Name], Meta(min_length=1)]
    parks: Annotated[list[Name], Meta(min_length=1)]


class SkyRail(Strict, frozen=True):
    """One rail, its stations and its carriers."""

    nodes: Annotated[list[RailNode], Meta(min_length=2)]
    pieces: Annotated[list[RailPiece], Meta(min_length=1)]
    yards: Annotated[list[RailYard], Meta(min_length=2, max_length=2)]
    carriers: Annotated[int, Meta(ge=1, le=200)]
    table_m: Annotated[float, Meta(gt=0, le=15)]
    """From below the rail to where a crane reaches a transfer table, away from y = 0."""
    acknowledge_s: Seconds

    def table_y_m(self, y_m: float) -> float:
        """Where the table of a bay at `y_m` stands under the sky."""
        return y_m + math.copysign(self.table_m, y_m)


def with_sky_rail(cargo: Cargo, rail: SkyRail) -> Cargo:
    """The same cargo on the rail; its alternating lane has no nodes, for nobody shares a way."""
    stations = {yard.id: yard for yard in rail.yards}
    replace = msgspec.structs.replace
    return replace(
        cargo,
        nodes=[Node(id=n.id, x_m=n.x_m, y_m=n.y_m) for n in rail.nodes],
        roads=[Road(through=p.through, speed_m_s=p.speed_m_s) for p in rail.pieces],
        lanes=[],
        yards=[
            replace(yard, bays=stations[yard.id].bays, parks=stations[yard.id].parks)
            for yard in cargo.yards
        ],
        fleet=replace(
            cargo.fleet, name="sky", size=rail.carriers, acknowledge_s=rail.acknowledge_s
        ),
    )  # fmt: skip


def seen_with(cargo: Cargo, rail: SkyRail | None, carrier: str) -> Cargo:
    """The cargo side as `carrier` has it: `sky-rail`, or whatever is on the lane."""
    return with_sky_rail(cargo, rail) if carrier == "sky-rail" and rail is not None else cargo


def problems(cargo: Cargo | None, rail: SkyRail) -> Iterator[tuple[str, str]]:
    """Key and message of whatever cannot be: as of the lane, and courses, tables, stations."""
    key = "bridge.sky_rail"
    if cargo is None:
        yield key, "needs [bridge.cargo]: yards, cranes and a demand"
        return
    known = {node.id: node for node in rail.nodes}
    if {yard.id for yard in rail.yards} != {yard.id for yard in cargo.yards}:
        yield f"{key}.yards", "the rail's stations are not those of the yards"
        return
    for at, text in site_bridge_checks.graph_problems(key, with_sky_rail(cargo, rail)):
        yield at.replace(".roads", ".pieces").replace(".fleet.size", ".carriers"), text
    for index, piece in enumerate(rail.pieces):
        for a, b in itertools.pairwise(piece.through):
            if a in known and b in known and not _leads(known[a], known[b]):
                yield (
                    f"{key}.pieces.{index}.through",
                    f"between {a} and {b} the rail's courses at the two lead elsewhere",
                )
    half_m = cargo.line_zone_m / 2
    for node in rail.nodes:
        if abs(node.x_m - cargo.line_m) < half_m:
            yield f"{key}.nodes", f"{node.id} lies within the zone of the line"
    frames = {yard.id: yard for yard in cargo.yards}
    for index, yard in enumerate(rail.yards):
        frame = frames[yard.id]
        for name in yard.bays:
            if name not in known:
                continue
            trolley_m = rail.table_y_m(known[name].y_m) - frame.origin_y_m
            if not 0 <= trolley_m <= 30:
                yield (
                    f"{key}.yards.{index}.bays",
                    f"the table of {name} is out of reach",
                )


def _leads(a: RailNode, b: RailNode) -> bool:
    """Whether the rail's directions at both ends are within a right angle of the way between."""
    way = math.atan2(b.y_m - a.y_m, b.x_m - a.x_m)
    turns = (math.radians(node.course_deg) - way for node in (a, b))
    return all(math.cos(turn) > 0.0 for turn in turns)
