"""Ways of the capacity tier: routes through the lane graph, driven by the emulated vehicle."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import msgspec
import pytest

from twin import roads
from twin import site as sites
from twin.capacity import SizingError, times_of
from twin.capacity.plan import phase_for, scene_of
from twin.capacity.routes import Routes
from twin.capacity.trips import Trips
from twin.physics.drive import DriveState, Leg, SpeedLimit
from twin.physics.drive_kinematic import KinematicDrive
from twin.physics.path import Path, Piece
from twin.physics.vehicle_parameters import VehicleParameters
from twin.site_bridge import Cargo, Lane, Node, Road

SITE = sites.load("bac-luan-2")
BODY = VehicleParameters()
BRIDGE_M = SITE.bridge.length_m


def straight(*corners: Node) -> Cargo:
    """A bridge with one bay 200 m before it and one 150 m behind, over `corners`."""
    assert SITE.bridge.cargo is not None
    nodes = [
        Node(id="near", x_m=-200, y_m=0), Node(id="head", x_m=0, y_m=0),
        Node(id="end", x_m=BRIDGE_M, y_m=0), *corners, Node(id="far", x_m=BRIDGE_M + 150, y_m=0),
    ]  # fmt: skip
    chain = [node.id for node in nodes]
    places = {"home": ["near"], "far": ["far"]}
    return msgspec.structs.replace(
        SITE.bridge.cargo,
        nodes=nodes,
        roads=[Road(through=chain, speed_m_s=5.0, two_way=True)],
        lanes=[Lane(id="lane", nodes=["head", "end"], platoon=4, clearance_s=30)],
        yards=[
            msgspec.structs.replace(yard, bays=places[yard.side], parks=places[yard.side])
            for yard in SITE.bridge.cargo.yards
        ],
    )


def trips(cargo: Cargo) -> Trips:
    return Trips(cargo, BRIDGE_M, scene_of(SITE), BODY)


def closed_form(length_m: float, *limits: SpeedLimit, load_kg: float = 0.0) -> float:
    leg = Leg(BODY, Path([Piece(0.0, 0.0, 0.0, length_m)]), load_kg)
    return KinematicDrive().plan(leg, DriveState(0.0), length_m, limits).duration_s


@pytest.mark.parametrize("load_kg", [0.0, 30_000.0])
def test_a_straight_trip_takes_what_the_closed_form_says(load_kg: float) -> None:
    """To the bridge head, and over the bridge with slow docking."""
    scene = scene_of(SITE)
    (first,) = trips(straight()).to_gate(0, load_kg)
    assert first.duration_s == pytest.approx(
        closed_form(200, SpeedLimit(0, 200, 5.0), load_kg=load_kg), abs=1e-3
    )
    (rest,) = trips(straight()).onward(0, load_kg)
    end_m = BRIDGE_M + 150
    limits = (
        SpeedLimit(0, end_m, 5.0), SpeedLimit(end_m - scene.dock_m, end_m, scene.dock_speed_m_s)
    )  # fmt: skip
    assert rest.duration_s == pytest.approx(closed_form(end_m, *limits, load_kg=load_kg), abs=1e-3)
    assert rest.metres == pytest.approx(end_m)
    assert 0 < rest.mark_s < rest.duration_s


def test_a_sharp_corner_costs_a_stop_and_a_turn_of_the_wheels() -> None:
    """Two legs from rest to rest and the time in which the wheels turn."""
    detour = straight(
        Node(id="up", x_m=BRIDGE_M, y_m=40), Node(id="on", x_m=BRIDGE_M + 150, y_m=40)
    )

    def legs() -> float:
        scene, end_m = scene_of(SITE), 40.0
        dock = SpeedLimit(end_m - scene.dock_m, end_m, scene.dock_speed_m_s)
        return (
            closed_form(BRIDGE_M, SpeedLimit(0, BRIDGE_M, 5.0))
            + closed_form(40, SpeedLimit(0, 40, 5.0))
            + closed_form(150, SpeedLimit(0, 150, 5.0))
            + closed_form(end_m, SpeedLimit(0, end_m, 5.0), dock)
        )

    (trip,) = trips(detour).onward(0, 0.0)
    turning_s = trip.duration_s - legs()
    assert trip.metres == pytest.approx(BRIDGE_M + 40 + 150 + 40)
    # three corners, each a quarter turn of all wheels
    assert turning_s / 3 == pytest.approx((math.pi / 2) / BODY.steer_rad_s, rel=0.1)


def test_a_bay_too_near_the_bridge_is_refused() -> None:
    """The tail has to leave the lane before the crane is reached."""
    near = straight()
    nodes = [msgspec.structs.replace(n, x_m=BRIDGE_M + 10) if n.id == "far" else n
             for n in near.nodes]  # fmt: skip
    with pytest.raises(SizingError, match="does not clear the bridge"):
        trips(msgspec.structs.replace(near, nodes=nodes)).onward(0, 0.0)


def _all_ways(start: str, goal: str, names: list[str]) -> Iterator[tuple[str, ...]]:
    others = [name for name in names if name not in (start, goal)]
    for count in range(len(others) + 1):
        for between in itertools.permutations(others, count):
            yield (start, *between, goal)


def test_routes_are_the_shortest_of_all() -> None:
    """By trying every way through a small graph, one-way roads heeded."""
    cargo = straight(Node(id="a", x_m=700, y_m=50), Node(id="b", x_m=700, y_m=-30))
    cargo = msgspec.structs.replace(
        cargo,
        roads=[
            Road(through=["near", "head", "end", "a", "far"], speed_m_s=5.0),
            Road(through=["end", "b", "far"], speed_m_s=3.0),
            Road(through=["far", "a"], speed_m_s=4.0),
        ],
    )
    routes, edges = Routes(cargo), roads.graph(cargo).edges
    names = [node.id for node in cargo.nodes]
    for start, goal in itertools.permutations(names, 2):
        ways = [
            way for way in _all_ways(start, goal, names)
            if all(pair in edges for pair in itertools.pairwise(way))
        ]  # fmt: skip
        if not ways:
            with pytest.raises(SizingError, match=f"no road leads from {start} to {goal}"):
                routes.route(start, goal)
            continue
        shortest = min(sum(edges[pair]["m"] for pair in itertools.pairwise(way)) for way in ways)
        found = list(itertools.pairwise(routes.route(start, goal)))
        assert sum(edges[pair]["m"] for pair in found) == pytest.approx(shortest)
        assert set(found) <= set(edges)
    assert routes.speed_m_s("end", "b") == 3.0


@pytest.mark.slow
def test_phase_2_has_longer_ways_with_more_corners() -> None:
    """Its yards reach further, and its crossing is the same bridge."""
    one, two = (times_of(SITE.in_phase(phase)) for phase in (1, 2))
    assert two.loaded.metres > one.loaded.metres
    assert two.loaded.to_gate_s[0] > one.loaded.to_gate_s[0]
    assert two.loaded.bridge_s == pytest.approx(one.loaded.bridge_s, abs=2.0)
    assert [phase_for(SITE, boxes) for boxes in (200, 400, 401, 1200)] == [1, 1, 2, 2]
