"""Rescue without a fleet manager: who tows, when, to which park, and what if none is free."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("asyncua")

from twin import site
from twin.bridge import Bridge
from twin.bridge.tow_ways import TowWays, along
from twin.bridge.towing import TOW_M_S, WAIT_S
from twin.clock import Clock, run_virtual
from twin.devices.igv import Mode, Way
from twin.physics import Pose
from twin.site_bridge import Node
from twin.trace import Trace

SITE = site.load("bac-luan-2")
CARGO = SITE.bridge.cargo
assert CARGO is not None
LINE_M, LENGTH_M = CARGO.line_m, SITE.bridge.length_m
HOME_PARKS = [park for yard in CARGO.side("home") for park in yard.parks]
FAR_PARKS = [park for yard in CARGO.side("far") for park in yard.parks]
TOW_S, REPAIR_S = 1200.0, 3600.0
"""Of the site."""

Step = tuple[float, Callable[[Bridge], None]]


def put(bridge: Bridge, vehicle: str, x_m: float, y_m: float) -> None:
    """A person drives it there."""
    bridge.igvs[vehicle].move_by_hand(Pose(x_m, y_m, 0.0))
    bridge._put_down(vehicle)


def on_park(bridge: Bridge, vehicle: str, park: str) -> None:
    node = bridge.cargo.node(park)
    put(bridge, vehicle, node.x_m, node.y_m)


def clear_parks(bridge: Bridge) -> None:
    """All vehicles stand far from every road."""
    for index, name in enumerate(bridge.igvs):
        put(bridge, name, 2000.0 + 50.0 * index, 500.0)


def story(*steps: Step, until_s: float) -> tuple[Bridge, list[tuple[float, str, dict[str, Any]]]]:
    """A bridge without boxes and wires, to which `steps` happen; what the people of the tow did."""

    async def main(clock: Clock) -> tuple[Bridge, Trace]:
        trace = Trace(clock)
        bridge = Bridge(SITE, clock, trace)
        clear_parks(bridge)
        for at_s, step in steps:
            await clock.sleep(at_s - clock.now_s())
            step(bridge)
        await clock.sleep(until_s - clock.now_s())
        return bridge, trace

    bridge, trace = run_virtual(main)
    told = [(r.t_s, r.kind, r.payload) for r in trace.records() if r.source == "towing"]
    return bridge, told


def breaks(vehicle: str) -> Callable[[Bridge], None]:
    def step(bridge: Bridge) -> None:
        bridge.igvs[vehicle].inject("breakdown")

    return step


@pytest.mark.parametrize(
    ("x_m", "parks"),
    [(LINE_M - 0.01, HOME_PARKS), (LINE_M, FAR_PARKS), (LINE_M + 0.01, FAR_PARKS)],
)
def test_on_the_line_the_far_side_tows(x_m: float, parks: list[str]) -> None:
    """Who tows is told by the reference point: left of the line home, on it and right of it far."""
    bridge, told = story(
        (1.0, lambda bridge: put(bridge, "igv-01", x_m, -4.0)), (2.0, breaks("igv-01")),
        until_s=2000.0,
    )  # fmt: skip
    assert [kind for _, kind, _ in told] == ["tow.begin", "tow.end"]
    (begin_s, _, begun), (_, _, ended) = told
    assert begun["to"] in parks
    park = bridge.cargo.node(begun["to"])
    assert (ended["x"], ended["y"]) == (park.x_m, park.y_m)
    left_m = x_m if parks is HOME_PARKS else LENGTH_M - x_m
    assert begin_s + left_m / TOW_M_S == pytest.approx(2.0 + TOW_S, abs=0.01)
    assert bridge.igvs["igv-01"].mode is Mode.AUTOMATIC
    assert not bridge.igvs["igv-01"].faults


def test_without_a_free_park_it_is_repaired_where_it_stands() -> None:
    """The people wait ten minutes for a park; then mechanics come, an hour after the breakdown."""

    def all_taken(bridge: Bridge) -> None:
        for name, park in zip(("igv-02", "igv-03", "igv-04"), HOME_PARKS, strict=True):
            on_park(bridge, name, park)
        put(bridge, "igv-01", 100.0, -4.0)

    bridge, told = story((1.0, all_taken), (2.0, breaks("igv-01")), until_s=5000.0)
    (given_up_s, kind, why), (repaired_s, repaired, where) = told
    assert (kind, repaired) == ("tow.given_up", "tow.repaired")
    assert why == {"vehicle": "igv-01", "why": "no free park"}
    assert given_up_s == pytest.approx(2.0 + TOW_S - 100.0 / TOW_M_S + WAIT_S, abs=0.01)
    assert repaired_s == pytest.approx(2.0 + REPAIR_S, abs=0.01)
    assert (where["x"], where["y"]) == (100.0, -4.0)
    igv = bridge.igvs["igv-01"]
    assert not igv.faults
    assert igv.mode is Mode.AUTOMATIC


def test_a_park_that_becomes_free_is_taken() -> None:
    """They look again: a vehicle that leaves a park in time makes room for the broken one."""

    def all_taken(bridge: Bridge) -> None:
        for name, park in zip(("igv-02", "igv-03", "igv-04"), HOME_PARKS, strict=True):
            on_park(bridge, name, park)
        put(bridge, "igv-01", 100.0, -4.0)

    _, told = story(
        (1.0, all_taken), (2.0, breaks("igv-01")),
        (1500.0, lambda bridge: put(bridge, "igv-03", 2000.0, 500.0)), until_s=3000.0,
    )  # fmt: skip
    assert [kind for _, kind, _ in told] == ["tow.begin", "tow.end"]
    assert told[0][2]["to"] == HOME_PARKS[1]
    assert 1500.0 <= told[0][0] <= 1520.0


def test_two_that_are_towed_at_once_get_two_parks() -> None:
    """Behind each other on the span: each has a crew, and a park of its own."""

    def behind(bridge: Bridge) -> None:
        put(bridge, "igv-01", 60.0, -4.0)
        put(bridge, "igv-02", 90.0, -4.0)

    bridge, told = story(
        (1.0, behind), (2.0, breaks("igv-01")), (30.0, breaks("igv-02")), until_s=2500.0
    )
    assert [kind for _, kind, _ in told] == ["tow.begin", "tow.begin", "tow.end", "tow.end"]
    assert len({data["to"] for _, kind, data in told if kind == "tow.begin"}) == 2
    docks = {dock.id: dock.carrier for dock in bridge.yards.docks.docks.values() if dock.carrier}
    assert {carrier.id for carrier in docks.values()} == {"igv-01", "igv-02"}


def test_a_park_that_is_taken_during_the_tow_is_left() -> None:
    """Somebody else comes to the park first: the tow goes on to another one."""
    nearest: list[str] = []

    def comes_first(bridge: Bridge) -> None:
        (call,) = bridge.towing._calls.values()
        nearest.append(call.way[-1].id)
        on_park(bridge, "igv-02", nearest[0])

    bridge, told = story(
        (1.0, lambda bridge: put(bridge, "igv-01", 100.0, -4.0)), (2.0, breaks("igv-01")),
        (1150.0, comes_first), until_s=2500.0,
    )  # fmt: skip
    assert [kind for _, kind, _ in told] == ["tow.begin", "tow.end"]
    assert told[0][2]["to"] == nearest[0]
    stands = bridge.yards.docks.dock_at(told[1][2]["x"], told[1][2]["y"])
    assert stands is not None
    assert stands.id in HOME_PARKS
    assert stands.id != nearest[0]


def test_a_breakdown_that_is_healed_in_time_is_no_tow() -> None:
    """Called off; and after another one the time runs anew."""

    def heal(bridge: Bridge) -> None:
        bridge.igvs["igv-01"].heal("breakdown")

    _, told = story(
        (1.0, lambda bridge: put(bridge, "igv-01", 0.5, -4.0)), (2.0, breaks("igv-01")),
        (500.0, heal), (1000.0, breaks("igv-01")), until_s=3000.0,
    )  # fmt: skip
    assert [kind for _, kind, _ in told] == ["tow.begin", "tow.end"]
    assert told[0][0] == pytest.approx(1000.0 + TOW_S, abs=1.0)


def test_a_park_to_which_somebody_drives_is_not_free() -> None:
    """A way that ends on a park is as good as a vehicle on it."""

    async def main(clock: Clock) -> tuple[bool, bool]:
        bridge = Bridge(SITE, clock, Trace(clock))
        clear_parks(bridge)
        ways = TowWays(bridge.cargo, bridge.igvs)
        node = bridge.cargo.node(HOME_PARKS[0])
        put(bridge, "igv-02", node.x_m + 60.0, node.y_m)
        before = ways.free(node.id, bridge.igvs["igv-01"])
        bridge.igvs["igv-02"].set_ways([Way(2, ((node.x_m, node.y_m),))])
        return before, ways.free(node.id, bridge.igvs["igv-01"])

    assert run_virtual(main) == (True, False)


@pytest.mark.parametrize("step_m", [0.5, 2.8, 7.0])
def test_a_tow_keeps_to_its_way(step_m: float) -> None:
    """Steps are as long as they should be, round corners too, and the last one ends at the park."""
    way = [Node(id=f"n{x}-{y}", x_m=x, y_m=y) for x, y in ((10.0, 0.0), (10.0, 6.0), (3.0, 6.0))]
    pose, left, walked_m = Pose(0.0, 0.0, 0.0), way, 0.0
    while left:
        before = pose
        pose, left = along(pose, left, step_m)
        walked_m += step_m
        assert math.dist((before.x_m, before.y_m), (pose.x_m, pose.y_m)) <= step_m + 1e-9
        assert pose.y_m == 0.0 or pose.x_m == pytest.approx(10.0) or pose.y_m == pytest.approx(6.0)
    assert (pose.x_m, pose.y_m) == (3.0, 6.0)
    assert walked_m - step_m < 23.0 <= walked_m
