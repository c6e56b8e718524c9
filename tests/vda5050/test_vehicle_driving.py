"""A vehicle drives orders: base and horizon, updates, cancelling, limits, curves, corridors."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.physics.engines import RIGID, installed
from tests.vda5050.rig import Rig, box, each, name, play
from twin.devices.igv import Mode


@each
def test_it_stops_at_the_decision_point(version: str) -> None:
    """No motion past the last released node, and newBaseRequest before the base runs out."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "ABCD", released=3, step_m=150.0))
        assert not rig.fleet.state["newBaseRequest"]
        await rig.until(lambda: rig.fleet.state["newBaseRequest"])
        assert rig.carrier.way_m + rig.carrier.braking_m() < 300.0
        await rig.until(lambda: not rig.fleet.state["driving"])
        await rig.clock.sleep(60.0)
        assert rig.carrier.pose.x_m == pytest.approx(300.0, abs=1e-6)
        assert [n["nodeId"] for n in rig.fleet.state["nodeStates"]] == ["D"]
        await rig.order(rig.scribe.way("o", "CD", update=1, first=4, step_m=150.0))
        assert not rig.fleet.state["newBaseRequest"]
        await rig.idle()
        assert rig.fleet.state["lastNodeId"] == "D"

    play(story, version)


def test_a_short_base_is_asked_for_at_once() -> None:
    """A base that ends within the braking distance is too short before the vehicle moves."""

    async def story(rig: Rig) -> None:
        rig.place("A", 0.0, box())
        actions = {"A": [rig.scribe.action("pick")]}
        await rig.order(rig.scribe.way("o", "ABC", released=2, step_m=20.0, actions=actions))
        assert rig.fleet.state["newBaseRequest"]
        assert not rig.fleet.state["driving"]

    play(story)


@pytest.mark.slow
@pytest.mark.parametrize("engine", RIGID)
def test_rigid_bodies_drive_the_same_order(engine: str) -> None:
    """A loaded way round a corner and backwards, as the closed form within 2 % and 5 cm."""
    installed(engine)
    ends: dict[str, tuple[float, float, float]] = {}

    def told(name: str) -> None:
        async def story(rig: Rig) -> None:
            rig.carrier.take(box(30_000.0))
            node, edge = rig.scribe.node, rig.scribe.edge
            nodes = [
                node("A", 0),
                node("B", 2, 60.0, deviation=6.0),
                node("C", 4, 60.0, 60.0),
                node("D", 6, 60.0, 30.0),
            ]
            edges = [edge(1, "A", "B"), edge(3, "B", "C"), edge(5, "C", "D")]
            await rig.order(rig.scribe.order("o", nodes=nodes, edges=edges))
            await rig.idle()
            pose = rig.carrier.pose
            ends[name] = (rig.clock.now_s(), pose.x_m, pose.y_m)

        play(story, engine=name)

    told("kinematic")
    told(engine)
    assert ends[engine][0] == pytest.approx(ends["kinematic"][0], rel=0.02)
    assert math.dist(ends[engine][1:], (60.0, 30.0)) < 0.05


def test_an_update_in_time_is_driven_through() -> None:
    """A base that is extended early never lets the vehicle slow down for the old decision point."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "ABC", released=2, step_m=200.0))
        await rig.until(lambda: rig.carrier.speed_m_s > 6.9)
        await rig.order(rig.scribe.way("o", "BC", update=1, first=2, step_m=200.0))
        await rig.until(lambda: rig.fleet.state["lastNodeId"] == "B")
        assert rig.carrier.speed_m_s > 6.9
        await rig.idle()

    play(story)


@each
def test_cancel_on_the_way(version: str) -> None:
    """It brakes at once, is idle between nodes, and takes an order by either of the two methods."""

    async def story(rig: Rig) -> None:
        way = rig.scribe.way
        await rig.order(way("o", "AB", step_m=200.0))
        await rig.clock.sleep(20.0)
        await rig.now("cancelOrder", id="c")
        assert rig.fleet.status("c") == "RUNNING"
        await rig.idle()
        assert rig.fleet.status("c") == "FINISHED"
        x = rig.carrier.pose.x_m
        assert 50.0 < x < 190.0
        wide = way("p", "AB", step_m=200.0)
        wide["nodes"][0] = rig.scribe.node("A", 0, deviation=x + 1.0)
        await rig.order(wide)
        assert rig.fleet.state["orderId"] == "p"
        await rig.clock.sleep(5.0)
        await rig.now("cancelOrder")
        await rig.idle()
        here = rig.scribe.node("here", 0, rig.carrier.pose.x_m)
        there = rig.scribe.node("B", 2, 200.0)
        edge = rig.scribe.edge(1, "here", "B")
        await rig.order(rig.scribe.order("q", nodes=[here, there], edges=[edge]))
        await rig.idle()
        assert (rig.fleet.state["orderId"], rig.fleet.state["lastNodeId"]) == ("q", "B")

    play(story, version)


def test_slow_and_speed_limits() -> None:
    """The edge's limit holds, and a slow drive takes its share of the time more."""

    async def crossing(rig: Rig, **more: Any) -> float:
        await rig.order(rig.scribe.way("o", "AB", step_m=200.0, **more))
        return await rig.until(lambda: rig.fleet.state["lastNodeId"] == "B")

    times: dict[str, float] = {}

    async def story(rig: Rig) -> None:
        times["free"] = await crossing(rig)

    async def limited(rig: Rig) -> None:
        times["limited"] = await crossing(rig, speed=2.0)

    async def slow(rig: Rig) -> None:
        rig.igv.inject("slow", factor=0.5)
        times["slow"] = await crossing(rig)

    play(story)
    play(limited)
    play(slow)
    assert times["limited"] > 100.0
    assert times["free"] < 48.0
    assert 58.0 < times["slow"] < times["free"] * 2


@each
def test_a_corridor_is_not_left(version: str) -> None:
    """Beside its path within the corridor it drives; outside it stops with the edge named."""

    async def story(rig: Rig) -> None:
        corridor = {"leftWidth": 1.5, "rightWidth": 0.5}
        await rig.order(rig.scribe.way("o", "AB", step_m=300.0, corridor=corridor))
        await rig.clock.sleep(20.0)
        rig.igv.inject("off_track", offset_m=1.0)
        await rig.clock.sleep(2.0)
        assert rig.fleet.state["driving"]
        rig.igv.inject("off_track", offset_m=-1.0)
        await rig.until(lambda: not rig.fleet.state["driving"], 20.0)
        error = rig.fleet.state["errors"][0]
        assert error["errorType"] == name(rig, "outsideOfCorridor", "OUTSIDE_OF_CORRIDOR")
        assert error["errorLevel"] == name(rig, "FATAL", "CRITICAL")
        assert {"referenceKey": "edgeId", "referenceValue": "A-B"} in error["errorReferences"]
        rig.igv.heal("off_track")
        await rig.idle()
        assert rig.fleet.errors == []

    play(story, version)


def test_pause_on_the_way() -> None:
    """startPause brakes it, is FINISHED at standstill, and stopPause lets it go on."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "AB", step_m=300.0))
        await rig.clock.sleep(20.0)
        await rig.now("startPause", id="p")
        assert rig.fleet.status("p") == "RUNNING"
        await rig.until(lambda: rig.fleet.status("p") == "FINISHED", 30.0)
        assert rig.fleet.state["paused"]
        assert not rig.fleet.state["driving"]
        await rig.clock.sleep(30.0)
        await rig.now("stopPause")
        await rig.idle()
        assert rig.fleet.state["lastNodeId"] == "B"

    play(story)


def test_manual_driving() -> None:
    """MANUAL clears the order; moved away, the last node is unknown; AUTOMATIC drives again."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "AB", step_m=300.0))
        await rig.clock.sleep(20.0)
        rig.igv.set_mode(Mode.MANUAL)
        await rig.idle()
        assert rig.fleet.state["operatingMode"] == "MANUAL"
        pose = rig.carrier.pose
        rig.igv.move_by_hand(type(pose)(30.0, 0.0, math.pi))
        await rig.clock.sleep(1.0)
        assert rig.fleet.state["lastNodeId"] == ""
        rig.igv.set_mode(Mode.AUTOMATIC)
        order = rig.scribe.way("p", "XY", step_m=30.0)
        for index, x in enumerate((30.0, 90.0)):
            order["nodes"][index]["nodePosition"]["x"] = x
        await rig.order(order)
        await rig.idle()
        assert rig.carrier.pose.x_m == pytest.approx(90.0, abs=1e-6)
        assert abs(rig.carrier.pose.heading_rad) == pytest.approx(math.pi), "it drove backwards"

    play(story)


@pytest.mark.parametrize("deviation", [0.5, 6.0])
def test_corners(deviation: float) -> None:
    """A wide node is rounded without a stop; at a tight one the wheels are turned standing."""

    async def story(rig: Rig) -> None:
        node, edge = rig.scribe.node, rig.scribe.edge
        nodes = [
            node("A", 0),
            node("B", 2, 60.0, 0.0, deviation=deviation),
            node("C", 4, 60.0, 60.0),
        ]
        order = rig.scribe.order("o", nodes=nodes, edges=[edge(1, "A", "B"), edge(3, "B", "C")])
        await rig.order(order)
        await rig.until(lambda: rig.fleet.state["lastNodeId"] == "B")
        corner = rig.carrier.pose
        await rig.idle()
        assert math.dist((corner.x_m, corner.y_m), (60.0, 0.0)) <= deviation + 0.1, (
            "it is some 10 ms late"
        )
        pose = rig.carrier.pose
        assert math.dist((pose.x_m, pose.y_m), (60.0, 60.0)) < 1e-6
        rests = [r for r in rig.trace.records() if r.kind == "igv.rest"]
        assert len(rests) == (2 if deviation < 1 else 1)
        heading = 0.0 if deviation < 1 else math.pi / 2
        assert pose.heading_rad == pytest.approx(heading, abs=1e-6)

    play(story)


def test_a_curve_is_followed() -> None:
    """A NURBS quarter circle of 20 m: its length is driven, and it ends with its direction."""
    root = math.sqrt(0.5)
    curve = {
        "degree": 2,
        "knotVector": [0, 0, 0, 1, 1, 1],
        "controlPoints": [
            {"x": 40.0, "y": 0.0, "weight": 1.0},
            {"x": 60.0, "y": 0.0, "weight": root},
            {"x": 60.0, "y": 20.0, "weight": 1.0},
        ],
    }

    async def story(rig: Rig) -> None:
        node, edge = rig.scribe.node, rig.scribe.edge
        nodes = [
            node("A", 0),
            node("B", 2, 40.0),
            node("C", 4, 60.0, 20.0),
            node("D", 6, 60.0, 60.0),
        ]
        edges = [edge(1, "A", "B"), edge(3, "B", "C", trajectory=curve), edge(5, "C", "D")]
        await rig.order(rig.scribe.order("o", nodes=nodes, edges=edges))
        await rig.idle()
        way_m = 40.0 + 20.0 * math.pi / 2 + 40.0
        assert rig.carrier.odometer_m == pytest.approx(way_m, abs=0.01)
        assert rig.carrier.pose.heading_rad == pytest.approx(math.pi / 2, abs=1e-3)
        assert len([r for r in rig.trace.records() if r.kind == "igv.rest"]) == 1

    play(story)
