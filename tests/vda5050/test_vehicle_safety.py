"""What stops a vehicle and what lets it go on: emergency stops, fields, obstacles, own faults."""

from __future__ import annotations

import pytest

from tests.vda5050.rig import Rig, box, each, name, play
from twin.devices.igv import StopKind
from twin.physics import BrakeKind


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
