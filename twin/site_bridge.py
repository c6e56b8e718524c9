"""The cargo side of a bridge as a site file describes it: lane graph, yards, fleet, demand.

Places are metres on one map: x along the bridge from its abutment on the home side (x = 0) to the
far one (x = length), y to the left of that. A crane's frame begins at its yard's origin, gantry
along x and trolley along y.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
Side = Literal["home", "far"]
SIDES: tuple[Side, Side] = ("home", "far")
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Share = Annotated[float, Meta(ge=0, le=1)]
Place = Annotated[float, Meta(ge=-20_000, le=20_000)]


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


class Lane(Strict, frozen=True, kw_only=True):
    """A lane over the bridge, from abutment to abutment.

    `alternating`: all its vehicles drive one way at a time, in platoons. `one-way`: they drive as
    `nodes` are listed; it alternates while no other open lane leads the other way. So its roads
    are two-way in either mode.
    """

    id: Name
    nodes: Annotated[list[Name], Meta(min_length=2)]
    mode: Literal["alternating", "one-way"] = "alternating"
    platoon: Annotated[int, Meta(ge=1, le=50)]
    """So many follow each other while it alternates and somebody waits at the other end."""
    clearance_s: Seconds
    """Between the last vehicle of one direction and the first of the other."""
    at_once: Annotated[int, Meta(ge=1, le=50)] | None = None
    """So many vehicles on it at once; without a limit they follow each other."""


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
    reefer_sockets: Annotated[int, Meta(ge=0, le=4)] = 0
    """The first so many places of the stack have a socket: none, or the four of a rack."""


class Fleet(Strict, frozen=True):
    """The driverless vehicles."""

    size: Annotated[int, Meta(ge=1, le=200)]
    lock_s: Seconds
    """Turning and checking the twist-locks of the bed."""
    acknowledge_s: Seconds
    """Until a person has come to acknowledge an emergency stop whose button is out again."""
    charge_at_start: Annotated[float, Meta(gt=0, le=1)]
    name: Name = "igv"
    """Their ids are igv-01, igv-02 and so on."""


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


class GateTrucks(Strict, frozen=True):
    """Trucks of the gate's own lanes that bring containers to the crane, and take some away."""

    share: Share
    """Of the laden trucks of smart lanes: whose cargo crosses by itself."""
    container_kg: Annotated[float, Meta(gt=0, le=10_000)]
    """Mass of an empty container; the rest of an empty truck is tractor and trailer."""
    way_s: tuple[Seconds, Seconds]
    """Driving from a lane to the scan portal, and again from there to the crane."""
    scan_s: tuple[Seconds, Seconds]
    """A truck's slot in the scan portal."""
    review_s: tuple[Seconds, Seconds]
    """Until the picture is judged."""
    portals: Annotated[int, Meta(ge=1, le=20)]
    leave_by: Literal["lane", "yard"]
    """An emptied truck goes back through a lane of the other direction, or by the yard's gate."""


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


class Canopy(Strict, frozen=True):
    """A roof, m on the map, below which satellite receivers see only `share` of the sky."""

    from_x_m: Place
    to_x_m: Place
    from_y_m: Place
    to_y_m: Place
    share: Share = 0.0


class Cells(Strict, frozen=True, kw_only=True):
    """Where the two operators' radio cells meet on the span, m of x; pairs are home, far."""

    from_m: Place
    to_m: Place
    attach_s: Seconds
    """Who stands between them is in the other network after this time."""
    delay_s: tuple[Seconds, Seconds]
    """One way, of each operator's network."""


class Cargo(Strict, frozen=True):
    """Everything that makes cargo cross by itself."""

    line_m: Place
    """x of the line between the two countries."""
    line_zone_m: Annotated[float, Meta(gt=0, le=200)]
    """Length of the exclusive zone about the line."""
    nodes: Annotated[list[Node], Meta(min_length=2)]
    roads: Annotated[list[Road], Meta(min_length=1)]
    lanes: Annotated[list[Lane], Meta(min_length=1, max_length=2)]
    yards: Annotated[list[Yard], Meta(min_length=2, max_length=40)]
    fleet: Fleet
    demand: Demand
    canopies: list[Canopy] = []
    """Roofs over the lanes: none means open sky everywhere."""
    cells: Cells | None = None
    """Without them one network serves the whole bridge."""
    crossing: Crossing | None = None
    """Without one nothing is known about sizing a fleet."""
    trucks: GateTrucks | None = None
    """Without them lanes and bridge are two worlds."""

    def node(self, id: str) -> Node:
        """The node of this id."""
        return next(node for node in self.nodes if node.id == id)

    def side(self, side: Side) -> list[Yard]:
        """The yards of one side."""
        return [yard for yard in self.yards if yard.side == side]

    def edges(self) -> Iterator[tuple[str, str, float]]:
        """Every directed edge and its speed limit, m/s."""
        for road in self.roads:
            for a, b in itertools.pairwise(road.through):
                yield a, b, road.speed_m_s
                if road.two_way:
                    yield b, a, road.speed_m_s
