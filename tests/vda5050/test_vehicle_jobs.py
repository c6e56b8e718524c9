"""What a vehicle does standing: pick, drop, charging, batteries, maps, actions that fail."""

from __future__ import annotations

import pytest

from tests.vda5050.rig import Box, Rig, box, each, name, play


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


@each
def test_an_emergency_stop_outlasts_the_power(version: str) -> None:
    """Stopped while it boots and acknowledged after that, it still waits for its restart."""

    async def story(rig: Rig) -> None:
        rig.igv.inject("battery_dead")
        await rig.clock.sleep(30.0)
        rig.igv.heal("battery_dead")
        rig.igv.inject("remote_stop")
        await rig.until(lambda: rig.fleet.state["operatingMode"] == "AUTOMATIC", 100.0)
        rig.igv.heal("remote_stop")
        assert rig.igv.acknowledge()
        assert rig.igv.needs_restart
        assert rig.igv.restart()

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
