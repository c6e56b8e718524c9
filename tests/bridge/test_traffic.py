"""Claims of the reference fleet manager: one way at a time, in platoons, nobody waits for ever."""

from __future__ import annotations

import itertools
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.stack.fleet.graph import Graph
from fixtures.stack.fleet.traffic import Lane, Traffic
from twin import site
from twin.bridge import graph_of
from twin.bridge.less import Part, without


def drawn(plan: site.Site) -> tuple[dict[str, Any], set[str]]:
    """The graph of a site as the stack gets it, and its stops."""
    cargo = plan.bridge.cargo
    assert cargo is not None
    return graph_of(cargo), {name for yard in cargo.yards for name in [*yard.bays, *yard.parks]}


SITE = site.load("bac-luan-2")
GRAPH, STOPS = drawn(SITE)
GRAPHS = {
    "phase 1": (GRAPH, STOPS),
    "phase 2": drawn(SITE.in_phase(2)),
    "phase 2, one lane": drawn(without(SITE.in_phase(2), Part.LANE)),
    "phase 2, no link": drawn(without(SITE.in_phase(2), Part.LINK)),
}


@given(
    wishes=st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=60),
    platoon=st.integers(1, 4),
)
def test_the_lane_is_one_way_and_whoever_asks_gets_it(
    wishes: list[tuple[int, bool]], platoon: int
) -> None:
    """Never two directions inside; emptied, it takes every vehicle that waits, in bounded turns."""
    now = [0.0]
    lane = Lane(["a", "b"], platoon, 30.0, lambda: now[0])
    way: dict[str, bool] = {}
    for number, forward in wishes:
        name = f"igv-{number}"
        if name in lane.inside:
            lane.leave(name)
            way.pop(name)
        elif lane.enter(name, way.setdefault(name, forward)):
            assert {way[one] for one in lane.inside} == {lane.forward}
        now[0] += 7.0
    for name in sorted(lane.inside):
        lane.leave(name)
        way.pop(name)
    for _ in range(2 * len(way)):
        now[0] += 31.0
        for name, forward in sorted(way.items()):
            if lane.enter(name, forward):
                lane.leave(name)
                del way[name]
                now[0] += 31.0
                break
    assert not way


def test_the_other_direction_waits_for_the_clearance() -> None:
    """The first of the other direction goes 30 s after the last of this one has left."""
    now = [100.0]
    lane = Lane(["a", "b"], 4, 30.0, lambda: now[0])
    assert lane.enter("one", True)
    assert not lane.enter("two", False)
    lane.leave("one")
    now[0] += 29.9
    assert not lane.enter("two", False)
    now[0] += 0.1
    assert lane.enter("two", False)


def test_a_platoon_ends_when_the_other_side_waits() -> None:
    """Four follow each other; the fifth stays behind who waits on the other side."""
    lane = Lane(["a", "b"], 4, 30.0, lambda: 0.0)
    assert all(lane.enter(f"igv-{number}", True) for number in range(4))
    assert not lane.enter("other", False)
    assert not lane.enter("igv-4", True)
    lane.waiting.clear()
    assert lane.enter("igv-4", True)


def test_after_a_turn_the_other_side_has_a_whole_platoon() -> None:
    """Four of the new direction go although the old one waits; the fifth does not."""
    now = [0.0]
    lane = Lane(["a", "b"], 4, 30.0, lambda: now[0])
    assert lane.enter("first", True)
    lane.leave("first")
    now[0] += 31.0
    assert lane.enter("other-0", False)
    assert not lane.enter("second", True)
    assert all(lane.enter(f"other-{number}", False) for number in (1, 2, 3))
    assert not lane.enter("other-4", False)


def test_every_stop_is_reached_from_every_other_without_driving_through_a_third() -> None:
    """Ways of the graph of Bắc Luân II: shortest, along its edges, past no other stop."""
    graph = Graph(GRAPH, STOPS)
    for start in sorted(STOPS):
        for goal in sorted(STOPS - {start}):
            way = graph.route(start, goal)
            assert not STOPS & set(way[1:-1])
            assert all((a, b) in graph.speed for a, b in itertools.pairwise(way))
            crossings = [graph.crosses_line(a, b) for a, b in itertools.pairwise(way)]
            assert sum(crossings) == (start[:2] != goal[:2])


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32), st.integers(2, 6), st.sampled_from(sorted(GRAPHS)),
    st.sampled_from([set(), {"lane-1"}, {"lane-2"}]),
)  # fmt: skip
def test_vehicles_that_claim_in_order_always_all_arrive(
    seed: int, count: int, name: str, closed: set[str]
) -> None:
    """Any vehicles, any goals, any order of steps: no node has two owners, and nobody is stuck."""
    luck = random.Random(seed)
    drawing, stops = GRAPHS[name]
    graph, now = Graph(drawing, stops), [0.0]
    traffic = Traffic(drawing["lanes"], lambda: now[0], lambda: None)
    if len(traffic.lanes) > 1:
        traffic.close(closed)
    graph.barred = traffic.barred()
    places = luck.sample(sorted(stops), 2 * count)
    at = {f"igv-{number}": places[number] for number in range(count)}
    routes = {}
    for number, (name, start) in enumerate(at.items()):
        goal = places[count + number]
        assert traffic.claim(name, start)
        assert traffic.claim(name, goal)
        routes[name] = graph.route(start, goal)
    index = dict.fromkeys(routes, 0)
    for _ in range(100 * count):
        now[0] += 5.0
        for name in luck.sample(sorted(routes), count):  # each has its turn
            route, here = routes[name], index[name]
            if here + 1 < len(route) and traffic.claim_next(name, route, here + 1):
                index[name] = here + 1
                traffic.give_back(name, route[: here + 1])
                assert traffic.owner[route[here + 1]] == name
    assert all(index[name] == len(route) - 1 for name, route in routes.items())
