"""A whole vehicle over MQTT in virtual time: orders, stops, faults; every message by its schema."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.physics.engines import RIGID, installed
from tests.vda5050.rig import Box, Rig, play
from tests.vda5050.schemas import check
from twin.devices.igv import Alarm, Mode, StopKind
from twin.physics import BrakeKind

ALL = ("2.0", "2.1", "3.0")
each = pytest.mark.parametrize("version", ALL)


def box(mass_kg: float = 20_000.0) -> Box:
    return Box("MSCU1234566", mass_kg, length_ft=20)


def name(rig: Rig, two: str, three: str) -> str:
    return three if rig.version == "3.0" else two


@each
def test_it_comes_online_with_a_state(version: str) -> None:
    """ONLINE retained, then a state at once and the factsheet retained; never a retained state."""

    async def story(rig: Rig) -> None:
        heard, retained = rig.fleet.heard, rig.fleet.retained
        assert [one["connectionState"] for one in heard["connection"]] == ["ONLINE"]
        assert len(heard["state"]) == 1
        check(version, "factsheet", heard["factsheet"][0])
        late: dict[str, bool] = {}
        rig.fleet.client.unsubscribe("#")
        rig.fleet.client._on_message = lambda t, p, q, r: late.update({t.rpartition("/")[2]: r})
        rig.fleet.client.subscribe("#", 1)
        await rig.clock.sleep(1.0)
        assert late == {"connection": True, "factsheet": True}
        del retained

    rig = play(story, version)
    assert rig.fleet.heard["connection"][-1]["connectionState"] in ("ONLINE", "OFFLINE")


@each
def test_the_last_word_is_offline(version: str) -> None:
    """A vehicle that is stopped in order says OFFLINE, and its will stays silent."""

    async def story(rig: Rig) -> None:
        await rig.vehicle.stop()
        await rig.clock.sleep(1.0)

    rig = play(story, version)
    words = [one["connectionState"] for one in rig.fleet.heard["connection"]]
    assert words == ["ONLINE", "OFFLINE"]


@each
def test_pick_drive_drop(version: str) -> None:
    """A box is taken, carried 200 m and set down, and the fleet sees each step."""

    async def story(rig: Rig) -> None:
        rig.place("A", 0.0, box())
        there = rig.place("C", 200.0)
        action = rig.scribe.action
        actions = {"A": [action("pick", id="p")], "C": [action("drop", id="d")]}
        await rig.order(rig.scribe.way("o", "ABC", step_m=100.0, actions=actions))
        assert rig.fleet.status("p") == "INITIALIZING"
        await rig.until(lambda: rig.fleet.state["loads"])
        await rig.until(lambda: rig.fleet.state["driving"])
        await rig.idle()
        assert [one.number for one in there.boxes] == ["MSCU1234566"]
        assert (rig.fleet.status("p"), rig.fleet.status("d")) == ("FINISHED", "FINISHED")
        assert rig.fleet.state["loads"] == []
        assert abs(rig.carrier.pose.x_m - 200.0) < 1e-6

    play(story, version)


def test_states_come_with_every_event_and_at_least_each_30_s() -> None:
    """Silence is never longer than the limit of the standard, also for an idle vehicle."""

    async def story(rig: Rig) -> None:
        seen = rig.fleet.heard["state"]
        begin = len(seen)
        await rig.clock.sleep(61.0)
        assert len(seen) - begin == 2

    play(story)


def test_header_ids_have_no_gap() -> None:
    """Each topic counts by one, also through a loss of the connection."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "ABC"))
        await rig.idle()
        for topic in ("state", "visualization"):
            ids = [one["headerId"] for one in rig.fleet.heard[topic]]
            assert ids == list(range(ids[0], ids[0] + len(ids)))

    play(story)


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


@each
@pytest.mark.parametrize("laden", [False, True])
def test_an_emergency_stop(version: str, laden: bool) -> None:
    """driving is false within the brake time; neither release nor acknowledgement lets it go on."""

    async def story(rig: Rig) -> None:
        if laden:
            rig.carrier.take(box(30_000.0))
        await rig.order(rig.scribe.way("o", "AB", step_m=300.0))
        await rig.clock.sleep(25.0)
        motion = rig.carrier._motion
        assert motion is not None
        braking = rig.carrier.engine.brake(motion.leg, rig.carrier._state(), BrakeKind.EMERGENCY)
        rig.igv.inject("e_stop")
        key = name(rig, "eStop", "activeEmergencyStop")
        took = await rig.until(lambda: not rig.fleet.state["driving"], 10.0)
        assert took <= braking.duration_s + 0.5
        assert rig.fleet.state["safetyState"][key] == "MANUAL"
        assert rig.fleet.state["paused"]
        x = rig.carrier.pose.x_m
        await rig.now("stopPause", id="too-early")
        assert rig.fleet.status("too-early") == "FAILED"
        rig.igv.heal("e_stop")
        await rig.clock.sleep(30.0)
        assert rig.fleet.state["safetyState"][key] == "MANUAL", "released, not acknowledged"
        rig.igv.acknowledge()
        await rig.clock.sleep(30.0)
        assert rig.fleet.state["safetyState"][key] == "NONE"
        assert rig.carrier.pose.x_m == x, "it did not move by itself"
        await rig.now("stopPause", id="go")
        assert rig.fleet.status("go") == "FINISHED"
        await rig.idle()
        assert rig.fleet.state["lastNodeId"] == "B"

    play(story, version)


def test_the_controller_holds_by_itself() -> None:
    """Whoever tells it to go: held, it stands; and a pressed button cannot be acknowledged."""

    async def story(rig: Rig) -> None:
        rig.igv.inject("e_stop")
        await rig.order(rig.scribe.way("o", "AB", step_m=100.0))
        assert not rig.igv.acknowledge()
        assert rig.igv.stop is StopKind.MANUAL
        rig.igv.proceed(2)
        await rig.clock.sleep(10.0)
        assert rig.carrier.way_m == 0.0
        rig.igv.heal("e_stop")
        assert rig.igv.acknowledge()
        rig.igv.proceed(2)
        await rig.clock.sleep(10.0)
        assert rig.carrier.way_m == 0.0, "acknowledged, not restarted"

    play(story)


def test_a_softer_brake_does_not_ease_an_emergency_stop() -> None:
    """Whatever is told meanwhile, the stop is as short as the brakes make it."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "AB", step_m=300.0))
        await rig.clock.sleep(25.0)
        x = rig.carrier.pose.x_m
        length = rig.carrier.braking_m(BrakeKind.EMERGENCY)
        rig.igv.inject("e_stop")
        await rig.now("cancelOrder")
        await rig.until(lambda: not rig.igv.driving)
        assert rig.carrier.pose.x_m - x == pytest.approx(length, abs=0.01)

    play(story)


@each
def test_something_in_the_field(version: str) -> None:
    """A violated field stops it and is shown; free again, it waits to be started."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "AB", step_m=300.0))
        await rig.clock.sleep(25.0)
        rig.igv.inject("field_violation")
        await rig.until(lambda: not rig.fleet.state["driving"], 12.0)
        assert rig.fleet.state["safetyState"]["fieldViolation"] is True
        rig.igv.heal("field_violation")
        x = rig.carrier.pose.x_m
        await rig.clock.sleep(30.0)
        assert rig.fleet.state["safetyState"]["fieldViolation"] is False
        assert rig.carrier.pose.x_m == x
        assert rig.igv.restart(), "the button at the vehicle"
        await rig.idle()

    play(story, version)


def test_a_pick_is_paused_by_safety_and_goes_on() -> None:
    """3.0 table 5: a pick is PAUSED while a field is violated."""

    async def story(rig: Rig) -> None:
        rig.place("A", 0.0, box())
        pick = rig.scribe.action("pick", id="p")
        await rig.order(rig.scribe.way("o", "AB", actions={"A": [pick]}))
        await rig.clock.sleep(20.0)
        rig.igv.inject("field_violation")
        await rig.clock.sleep(100.0)
        assert rig.fleet.status("p") == "PAUSED"
        rig.igv.heal("field_violation")
        rig.igv.restart()
        took = await rig.until(lambda: rig.fleet.status("p") == "FINISHED")
        assert 20.0 < took < 30.0, "45 s in all, 20 of them before"

    play(story)


@each
def test_a_blocked_path(version: str) -> None:
    """It stops before the obstacle, tells of it after a while, and goes on when it is gone."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "AB", step_m=300.0))
        await rig.clock.sleep(20.0)
        at = rig.carrier.way_m + 80.0
        rig.igv.inject("blocked_path", ahead_m=80.0)
        await rig.until(lambda: not rig.fleet.state["driving"])
        assert rig.carrier.way_m == pytest.approx(at - rig.parameters.gap_m, abs=0.01)
        assert rig.fleet.errors == []
        await rig.until(lambda: rig.fleet.errors == ["pathBlocked"], 15.0)
        rig.igv.heal("blocked_path")
        await rig.idle()
        assert rig.fleet.errors == []

    play(story, version)


@each
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("localization_lost", ("localizationError", "LOCALIZATION_ERROR")),
        ("wrong_map", ("localizationError", "LOCALIZATION_ERROR")),
        ("motor_fault", ("driveFault", "driveFault")),
        ("load_lost", ("loadLost", "loadLost")),
    ],
)
def test_faults_that_stop_it(version: str, fault: str, error: tuple[str, str]) -> None:
    """Each stops the vehicle, is an error as long as it lasts, and never clears the order."""

    async def story(rig: Rig) -> None:
        rig.carrier.take(box())
        await rig.order(rig.scribe.way("o", "AB", step_m=300.0))
        await rig.clock.sleep(25.0)
        rig.igv.inject(fault)
        await rig.until(lambda: not rig.fleet.state["driving"], 30.0)
        assert rig.fleet.errors == [name(rig, *error)]
        assert rig.fleet.state["nodeStates"], "the order is still there"
        place = rig.fleet.state[name(rig, "agvPosition", "mobileRobotPosition")]
        known = place[name(rig, "positionInitialized", "localized")]
        assert known is (fault not in ("localization_lost", "wrong_map"))
        await rig.clock.sleep(20.0)
        assert not rig.igv.driving
        rig.igv.heal(fault)
        await rig.clock.sleep(1.0)
        assert rig.fleet.errors == []
        if rig.igv.needs_restart:
            assert not rig.igv.driving
            await rig.now("stopPause")
        await rig.idle()
        assert rig.fleet.state["loads"] == [] or fault != "load_lost"

    play(story, version)


def test_a_worse_position_spoils_a_dock() -> None:
    """Without RTK it drives, but stops too far off for a crane; fine positioning mends it."""

    async def story(rig: Rig) -> None:
        rig.place("B", 40.0, box())
        rig.igv.inject("gnss", fix="float")
        action = rig.scribe.action
        order = rig.scribe.way("o", "AB", step_m=40.0, actions={"B": [action("pick", id="p")]})
        await rig.order(order)
        await rig.idle()
        assert abs(rig.igv.dock_error_m) > 0.05
        assert rig.fleet.status("p") == "FAILED"
        again = rig.scribe.way(
            "o2",
            "B",
            actions={
                "B": [action("finePositioning"), action("pick", id="q")],
            },
        )
        again["nodes"][0]["nodePosition"]["x"] = 40.0
        await rig.order(again)
        await rig.idle()
        assert rig.fleet.status("q") == "FINISHED"

    play(story)


@each
def test_silence_on_the_radio(version: str) -> None:
    """The will speaks, the vehicle drives to the last released node and stays, then comes back."""

    async def story(rig: Rig) -> None:
        broken = name(rig, "CONNECTIONBROKEN", "CONNECTION_BROKEN")
        await rig.order(rig.scribe.way("o", "ABC", released=2, step_m=100.0))
        await rig.clock.sleep(5.0)
        rig.igv.inject("network_silence")
        await rig.until(lambda: rig.fleet.heard["connection"][-1]["connectionState"] == broken)
        states = len(rig.fleet.heard["state"])
        await rig.clock.sleep(90.0)
        assert len(rig.fleet.heard["state"]) == states
        assert rig.carrier.pose.x_m == pytest.approx(100.0, abs=1e-6)
        rig.igv.heal("network_silence")
        await rig.until(lambda: rig.fleet.heard["connection"][-1]["connectionState"] == "ONLINE")
        await rig.clock.sleep(0.5)
        assert rig.fleet.state["lastNodeId"] == "B"
        await rig.order(rig.scribe.way("o", "BC", update=1, first=2, step_m=100.0))
        await rig.idle()

    play(story, version)


def test_the_broker_dies_and_comes_back() -> None:
    """It reconnects by itself and says ONLINE and its state again."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "ABC", released=2, step_m=100.0))
        port = rig.port
        await rig.server.stop()
        await rig.clock.sleep(60.0)
        assert rig.carrier.pose.x_m == pytest.approx(100.0, abs=1e-6)
        rig.fleet.heard.clear()
        await rig.server.start(port=port)
        await rig.until(lambda: "state" in rig.fleet.heard, 120.0)
        assert [one["connectionState"] for one in rig.fleet.heard["connection"]] == ["ONLINE"]
        assert rig.fleet.state["lastNodeId"] == "B"

    play(story)


@each
def test_an_empty_battery(version: str) -> None:
    """Brakes fall in, the will speaks; with a new battery it boots without the order."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "AB", step_m=300.0))
        await rig.clock.sleep(25.0)
        rig.igv.inject("battery_dead")
        broken = name(rig, "CONNECTIONBROKEN", "CONNECTION_BROKEN")
        await rig.until(lambda: rig.fleet.heard["connection"][-1]["connectionState"] == broken)
        await rig.until(lambda: not rig.igv.driving, 10.0)
        await rig.clock.sleep(30.0)
        rig.igv.heal("battery_dead")
        await rig.until(lambda: rig.fleet.heard["connection"][-1]["connectionState"] == "ONLINE")
        await rig.until(lambda: rig.fleet.state["operatingMode"] == "AUTOMATIC", 100.0)
        await rig.clock.sleep(1.0)
        assert rig.fleet.state["nodeStates"] == []
        assert not rig.igv.driving
        order = rig.scribe.way("p", "B", step_m=300.0)
        order["nodes"][0]["nodePosition"]["x"] = rig.carrier.pose.x_m
        await rig.order(order)
        assert rig.fleet.state["orderId"] == "p"

    play(story, version)


def test_a_low_battery_is_told_and_charging_ends_it() -> None:
    """Below 20 % an error, not a stop; at a charger it charges, and ends by itself when full."""

    async def story(rig: Rig) -> None:
        rig.place("A", 0.0, charger=True)
        rig.igv.inject("battery_low", charge=0.15)
        await rig.clock.sleep(1.0)
        assert rig.fleet.errors == ["lowBattery"]
        charge = rig.scribe.action("startCharging", id="c")
        await rig.order(rig.scribe.way("o", "A", actions={"A": [charge]}))
        await rig.until(lambda: rig.fleet.status("c") == "FINISHED")
        assert rig.fleet.state["batteryState"]["charging"]
        await rig.clock.sleep(3600.0)
        assert rig.fleet.errors == []
        assert 70.0 < rig.fleet.state["batteryState"]["batteryCharge"] < 90.0
        await rig.until(lambda: not rig.fleet.state["batteryState"]["charging"], 7200.0)
        assert rig.fleet.state["batteryState"]["batteryCharge"] > 99.0

    play(story)


def test_no_charging_without_a_charger() -> None:
    """startCharging fails elsewhere, and a vehicle that charges does not drive."""

    async def story(rig: Rig) -> None:
        await rig.now("startCharging", id="c")
        await rig.until(lambda: rig.fleet.status("c") == "FAILED")
        rig.place("A", 0.0, charger=True)
        await rig.now("startCharging", id="d")
        await rig.until(lambda: rig.fleet.status("d") == "FINISHED")
        await rig.order(rig.scribe.way("o", "AB"))
        await rig.clock.sleep(30.0)
        assert not rig.igv.driving
        await rig.now("stopCharging")
        await rig.idle()

    play(story)


def test_a_battery_is_swapped() -> None:
    """swapBattery takes six minutes at a station and gives a full battery."""

    async def story(rig: Rig) -> None:
        rig.place("A", 0.0, charger=True)
        rig.carrier.drain(0.3)
        swap = rig.scribe.action("swapBattery", id="s")
        await rig.order(rig.scribe.way("o", "A", actions={"A": [swap]}))
        took = await rig.until(lambda: rig.fleet.status("s") == "FINISHED")
        assert took == pytest.approx(360.0, abs=1.0)
        assert rig.fleet.state["batteryState"]["batteryCharge"] > 99.0

    play(story)


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


def test_an_action_that_is_stuck_and_one_that_fails() -> None:
    """A stuck action runs for ever until it is healed; a failing one is FAILED with its reason."""

    async def story(rig: Rig) -> None:
        rig.place("A", 0.0, box())
        rig.igv.inject("stuck_action")
        pick = rig.scribe.action("pick", id="p")
        await rig.order(rig.scribe.way("o", "AB", actions={"A": [pick]}))
        await rig.clock.sleep(600.0)
        assert rig.fleet.status("p") == "INITIALIZING"
        rig.igv.heal("stuck_action")
        await rig.until(lambda: rig.fleet.status("p") == "FINISHED", 60.0)
        await rig.idle()
        rig.igv.inject("failed_action", reason="twist-lock jammed")
        drop = rig.scribe.action("drop", id="d")
        await rig.order(rig.scribe.way("o", "BB", update=1, first=2, actions={"B": [drop]}))
        del drop

    rig = play(story)
    assert rig.igv.faults["failed_action"]["reason"] == "twist-lock jammed"


@pytest.mark.parametrize("version", ["2.1", "3.0"])
def test_maps(version: str) -> None:
    """Maps are downloaded, enabled and deleted; what is not there or in use fails."""

    async def story(rig: Rig) -> None:
        two = {"mapId": "bridge", "mapVersion": "2"}
        for kind, number, how in (
            ("enableMap", "a", "FAILED"),
            ("downloadMap", "b", "FINISHED"),
            ("downloadMap", "c", "FAILED"),
            ("deleteMap", "d", "FINISHED"),
            ("deleteMap", "e", "FAILED"),
        ):
            await rig.now(kind, id=number, **two)
            await rig.clock.sleep(30.0)
            assert rig.fleet.status(number) == how, kind
            if kind == "downloadMap" and how == "FAILED":
                assert name(rig, "duplicateMap", "DUPLICATE_MAP") in rig.fleet.errors
        assert rig.fleet.state["maps"] == [
            {"mapId": "bridge", "mapVersion": "1", "mapStatus": "ENABLED"}
        ]

    play(story, version)


@each
def test_it_is_told_where_it_is(version: str) -> None:
    """initPosition ends a lost position; a pose that does not match what it sees is refused."""

    async def story(rig: Rig) -> None:
        kind = name(rig, "initPosition", "initializePosition")
        rig.igv.inject("localization_lost")
        rig.igv.faults.pop("localization_lost")  # it sees again, and does not know it yet
        await rig.clock.sleep(1.0)
        here = {"theta": 0.0, "mapId": "bridge", "lastNodeId": "N"}
        await rig.now(kind, id="far", x=80.0, y=0.0, **here)
        await rig.until(lambda: rig.fleet.status("far") == "FAILED")
        await rig.now(kind, id="near", x=0.5, y=0.0, **here)
        await rig.until(lambda: rig.fleet.status("near") == "FINISHED")
        assert rig.fleet.state["lastNodeId"] == "N"
        assert not [e for e in rig.fleet.errors if "ocali" in e or "LOCALI" in e]

    play(story, version)


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


def test_a_prefix_of_one_s_own() -> None:
    """Topic names are fixed, the levels before them are not."""

    async def story(rig: Rig) -> None:
        assert rig.vehicle.topic("state") == "gate/border/gatetwin/igv-01/state"
        await rig.order(rig.scribe.way("o", "AB"))
        await rig.idle()

    play(story, prefix="gate/border")


@each
def test_rubbish_does_not_stop_it(version: str) -> None:
    """Broken payloads on every topic are answered or passed over; the order goes on."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "AB", step_m=100.0))
        for topic in rig.vehicle.dialect.topics:
            for payload in (b"", b"{", b"[]", b"\x00\xff", b'{"actions": 7}', b'{"zoneSet": {}}'):
                rig.send(topic, payload)
        await rig.clock.sleep(1.0)
        await rig.until(lambda: rig.vehicle.logic.last_node_id == "B")

    play(story, version, judge=None)


def test_hibernation_and_shutdown() -> None:
    """3.0: HIBERNATING ends the states until stopHibernation; shutdown says OFFLINE."""

    async def story(rig: Rig) -> None:
        words = rig.fleet.heard["connection"]
        await rig.now("startHibernation", id="h")
        await rig.clock.sleep(1.0)
        assert words[-1]["connectionState"] == "HIBERNATING"
        assert rig.fleet.status("h") == "FINISHED"
        states = len(rig.fleet.heard["state"])
        await rig.clock.sleep(120.0)
        assert len(rig.fleet.heard["state"]) == states
        await rig.now("stopHibernation")
        assert words[-1]["connectionState"] == "ONLINE"
        await rig.now("shutdown")
        await rig.clock.sleep(2.0)
        assert words[-1]["connectionState"] == "OFFLINE"

    play(story, "3.0")


def test_a_failed_pick_is_retried() -> None:
    """3.0: an empty bay makes a retriable pick RETRIABLE; with a box there, retry finishes it."""

    async def story(rig: Rig) -> None:
        bay = rig.place("A", 0.0)
        pick = rig.scribe.action("pick", id="p", retriable=True)
        await rig.order(rig.scribe.way("o", "AB", actions={"A": [pick]}))
        await rig.until(lambda: rig.fleet.status("p") == "RETRIABLE")
        await rig.clock.sleep(60.0)
        assert not rig.fleet.state["driving"]
        bay.boxes.append(box())
        await rig.now("retry", id="r", actionId="p")
        assert rig.fleet.status("r") == "FINISHED"
        await rig.idle()
        assert rig.fleet.status("p") == "FINISHED"
        assert rig.fleet.state["loads"][0]["loadId"] == "MSCU1234566"

    play(story, "3.0")


@each
def test_a_button_ends_a_wait(version: str) -> None:
    """WaitForTrigger holds the vehicle until a trigger comes at the vehicle."""

    async def story(rig: Rig) -> None:
        wait = rig.scribe.action("waitForTrigger", id="w")
        await rig.order(rig.scribe.way("o", "AB", actions={"A": [wait]}))
        await rig.clock.sleep(300.0)
        assert rig.fleet.status("w") == "RUNNING"
        rig.igv.jobs.trigger()
        await rig.idle()
        assert rig.fleet.status("w") == "FINISHED"

    play(story, version)


def test_a_box_too_heavy_or_one_too_many() -> None:
    """Payload and spots are limits of the vehicle, and the failed pick says which."""

    async def story(rig: Rig) -> None:
        rig.place("A", 0.0, Box("MSCU1234566", 71_000.0, length_ft=20))
        pick = rig.scribe.action("pick", id="p")
        await rig.order(rig.scribe.way("o", "A", actions={"A": [pick]}))
        await rig.until(lambda: rig.fleet.status("p") == "FAILED")
        results = [one.get("resultDescription", "") for one in rig.fleet.state["actionStates"]]
        assert "70000 kg" in results[0]
        rig.carrier.take(Box("TGHU0000001", 10_000.0, length_ft=40))
        rig.bays.bays["A"].boxes[:] = [box()]
        pick = rig.scribe.action("pick", id="q")
        await rig.order(rig.scribe.way("o2", "A", actions={"A": [pick]}))
        await rig.until(lambda: rig.fleet.status("q") == "FAILED")
        assert "no spot" in rig.fleet.state["actionStates"][0]["resultDescription"]

    play(story)


@each
def test_qos_and_retain_of_each_topic(version: str) -> None:
    """QoS 1 for connection alone; retained are connection and factsheet, nothing else."""

    async def story(rig: Rig) -> None:
        await rig.order(rig.scribe.way("o", "AB"))
        await rig.now("factsheetRequest")
        await rig.idle()

    rig = play(story, version)
    seen = {
        (r.payload["topic"].rpartition("/")[2], r.payload["qos"], r.payload["retain"])
        for r in rig.trace.records()
        if r.kind == "mqtt.rx" and "igv-01" in r.payload["client"]
    }
    assert seen == {
        ("connection", 1, True),
        ("factsheet", 0, True),
        ("state", 0, False),
        ("visualization", 0, False),
    }


def test_one_seed_one_trace() -> None:
    """The same story twice is the same trace."""

    async def story(rig: Rig) -> None:
        rig.place("A", 0.0, box())
        pick = rig.scribe.action("pick", id="p")
        await rig.order(rig.scribe.way("o", "ABC", actions={"A": [pick]}))
        rig.igv.inject("gnss", fix="float")
        await rig.idle()

    assert play(story).trace.sha256() == play(story).trace.sha256()


def test_every_fault_stands_in_the_trace() -> None:
    """Whatever is injected and healed is recorded, and leaves a vehicle that still works."""

    async def story(rig: Rig) -> None:
        for kind in rig.igv.FAULTS:
            rig.igv.inject(kind)
            await rig.clock.sleep(20.0)
            rig.igv.heal(kind)
            rig.igv.acknowledge()
            rig.igv.restart()
            await rig.clock.sleep(90.0)
        assert rig.igv.alarms.keys() <= {Alarm.LOW_BATTERY}
        assert rig.igv.stop is StopKind.NONE
        order = rig.scribe.way("o", "AB", step_m=30.0)
        await rig.order(order)
        await rig.idle()
        assert rig.fleet.state["lastNodeId"] == "B"

    rig = play(story)
    kinds = [r.payload["kind"] for r in rig.trace.records() if r.kind == "fault.begin"]
    assert kinds == list(rig.igv.FAULTS)
