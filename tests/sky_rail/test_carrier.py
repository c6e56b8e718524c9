"""One carrier of a sky-rail over VDA 5050 in virtual time: missions, hoist, signals, faults."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.sky_rail_bench import STEP_M, SWITCH, SkyRailBench
from tests.sky_rail.rig import BOX, along, play
from twin.devices.base import FaultError
from twin.devices.igv import Alarm, Mode, Way
from twin.devices.sky_rail_words import travel_s
from twin.world.yard import Box


def picked(bench: SkyRailBench) -> Any:
    return bench.scribe.action("pick", id="pick", loadId=BOX)


async def fetch(bench: SkyRailBench, node: int = 4) -> None:
    """Drive to a table with a box and begin to pick it."""
    bench.table("bay", node * STEP_M, Box(BOX, 20_000.0))
    await bench.order(along(bench, "fetch", 0, node, [picked(bench)]))
    await bench.until(lambda: bench.fleet.status("pick") == "RUNNING")


@pytest.mark.parametrize("version", ["2.0", "2.1", "3.0"])
def test_a_box_is_picked_carried_and_dropped(version: str) -> None:
    """The table runs under the rail, the box hangs on the carrier, the next table has it."""

    async def story(bench: SkyRailBench) -> None:
        goal = bench.table("goal", 12 * STEP_M)
        await fetch(bench)
        began_s = bench.clock.now_s()
        start = bench.yard.places["bay"]
        assert not start.present, "a crane does not find it while it is under the rail"
        await bench.idle()
        p = bench.sky
        least_s = sum(
            (travel_s(p.table_m, p.table_m_s, p.table_m_s2), p.lock_s,
             travel_s(p.lift_m, p.hoist_m_s, p.hoist_m_s2),
             travel_s(p.lift_m, p.hoist_empty_m_s, p.hoist_m_s2))
        )  # fmt: skip
        assert least_s <= bench.clock.now_s() - began_s + 1.0 <= least_s + 20.0 <= p.pick_s + 20.0
        assert start.present
        assert not start.boxes
        assert [load["loadId"] for load in bench.fleet.state["loads"]] == [BOX]
        await bench.order(along(bench, "bring", 4, 12, [bench.scribe.action("drop", id="d")]))
        await bench.idle()
        assert bench.fleet.status("d") == "FINISHED"
        assert [box.number for box in goal.boxes] == [BOX]
        assert goal.present
        assert not bench.carrier.boxes

    play(story, version)


def test_the_factsheet_says_what_it_is() -> None:
    """A carrier on a physical line, for one box, without any action of a battery."""

    async def story(bench: SkyRailBench) -> None:
        sheet = bench.fleet.heard["factsheet"][-1]
        kind = sheet["typeSpecification"]
        assert kind["agvClass"] == "CARRIER"
        assert kind["navigationTypes"] == ["PHYSICAL_LINE_GUIDED"]
        assert "no battery" in kind["seriesDescription"]
        assert kind["maxLoadMass"] == 36_000.0
        actions = {one["actionType"] for one in sheet["protocolFeatures"]["agvActions"]}
        assert {"pick", "drop", "cancelOrder", "startPause", "finePositioning"} <= actions
        assert not {"startCharging", "stopCharging", "swapBattery"} & actions
        assert not any(w["isActiveSteered"] for w in sheet["agvGeometry"]["wheelDefinitions"])
        state = bench.fleet.state["batteryState"]
        assert (state["batteryCharge"], state["charging"]) == (100.0, False)
        name = await bench.now("startCharging")
        assert bench.fleet.status(name) == "FAILED"

    play(story)


@pytest.mark.parametrize(
    ("target", "why"), [((100.0, 3.0), "no rail at"), ((75.0, 0.0), "no rail leads")]
)
def test_what_no_rail_leads_to_is_unreachable(target: tuple[float, float], why: str) -> None:
    """It neither leaves its rail nor skips a piece of it, and says why."""

    async def story(bench: SkyRailBench) -> None:
        nodes = [bench.scribe.node("n0", 0), bench.scribe.node("x", 2, *target)]
        await bench.order(
            bench.scribe.order("off", nodes=nodes, edges=[bench.scribe.edge(1, "n0", "x")])
        )
        await bench.clock.sleep(30.0)
        assert bench.fleet.errors == ["nodeUnreachable"]
        assert why in bench.fleet.state["errors"][0]["errorDescription"]
        assert bench.carrier.way_m == 0.0
        await bench.now("cancelOrder")
        await bench.order(along(bench, "on", 0, 2))
        await bench.idle()
        assert bench.fleet.errors == []

    play(story)


def test_without_current_all_brakes_fall_in_and_nothing_starts_by_itself() -> None:
    """It stands within its brake time, says so, keeps its radio, and goes on when told to."""

    async def story(bench: SkyRailBench) -> None:
        await bench.order(along(bench, "far", 0, 30))
        await bench.clock.sleep(25.0)
        assert bench.carrier.speed_m_s > 8.0
        kwh = bench.carrier.throughput_kwh
        bench.line.inject("power_off")
        await bench.clock.sleep(10.0)
        assert not bench.igv.driving
        assert bench.fleet.errors == ["powerLost"]
        assert bench.fleet.state["paused"]
        await bench.clock.sleep(60.0)
        assert bench.fleet.state["batteryState"]["batteryCharge"] < 100
        assert bench.carrier.throughput_kwh >= kwh
        bench.line.heal("power_off")
        await bench.clock.sleep(20.0)
        assert not bench.igv.driving, "no restart by itself after an interruption of power"
        assert bench.fleet.errors == []
        await bench.now("stopPause")
        await bench.idle()

    play(story)


def test_a_buffer_that_is_empty_ends_the_radio_and_current_boots_it_again() -> None:
    """After `buffer_s` it is offline and has lost its order; it comes back by itself."""

    async def story(bench: SkyRailBench) -> None:
        await bench.order(along(bench, "far", 0, 30))
        bench.igv.inject("collector_lost")
        await bench.clock.sleep(bench.sky.buffer_s + 40.0)
        assert bench.fleet.heard["connection"][-1]["connectionState"] == "CONNECTIONBROKEN"
        bench.igv.heal("collector_lost")
        await bench.until(lambda: bench.igv.mode is Mode.AUTOMATIC, 120.0)
        await bench.until(
            lambda: bench.fleet.heard["connection"][-1]["connectionState"] == "ONLINE", 60.0
        )
        assert bench.fleet.state["nodeStates"] == []

    play(story)


def test_a_gale_stops_it_until_it_has_been_calm_for_a_minute() -> None:
    """Beyond 20 m/s it brakes softly, moves no hoist, and goes on by itself afterwards."""

    async def story(bench: SkyRailBench) -> None:
        await bench.order(along(bench, "far", 0, 40))
        await bench.clock.sleep(20.0)
        bench.line.inject("gale", mean_m_s=28.0)
        await bench.until(lambda: not bench.igv.driving, 40.0)
        assert bench.fleet.errors == ["windStop"]
        assert not bench.fleet.state["paused"], "it is no safety stop"
        bench.line.heal("gale")
        await bench.clock.sleep(50.0)
        assert not bench.igv.driving
        await bench.clock.sleep(30.0)
        assert bench.igv.driving
        await bench.idle()

    play(story)


def test_a_switch_without_end_position_stops_it_before_it() -> None:
    """It stands short of the switch, tells, and goes on when the switch is well."""

    async def story(bench: SkyRailBench) -> None:
        bench.line.inject("switch_failure", node=SWITCH)
        await bench.order(along(bench, "over", 0, 12))
        await bench.clock.sleep(90.0)
        assert bench.carrier.pose.x_m == pytest.approx(8 * STEP_M - bench.sky.gap_m, abs=0.01)
        assert bench.fleet.errors == ["pathBlocked"]
        bench.line.heal("switch_failure")
        await bench.idle()
        assert bench.fleet.state["lastNodeId"] == "n12"

    play(story)


def test_a_switch_must_be_one_of_the_line() -> None:
    """The error names what there is."""

    async def story(bench: SkyRailBench) -> None:
        with pytest.raises(FaultError, match=f"'n1' is not one of: {SWITCH}"):
            bench.line.inject("switch_failure", node="n1")

    play(story)


def test_a_tripped_hoist_stands_and_goes_on_after_its_reset() -> None:
    """The box neither falls nor moves meanwhile, and the carrier cannot drive with it down."""

    async def story(bench: SkyRailBench) -> None:
        await fetch(bench)
        await bench.clock.sleep(15.0)
        bench.igv.inject("hoist_fault")
        await bench.clock.sleep(300.0)
        assert bench.fleet.status("pick") == "RUNNING"
        assert bench.fleet.errors == ["hoistFault"]
        assert bench.car.hoist_is_down
        bench.igv.heal("hoist_fault")
        await bench.idle()
        assert bench.fleet.status("pick") == "FINISHED"

    play(story)


def test_a_lock_that_does_not_turn_fails_the_pick_and_leaves_the_box() -> None:
    """The box stays on its table, which runs back to where the crane reaches it."""

    async def story(bench: SkyRailBench) -> None:
        bench.igv.inject("lock_fault")
        await fetch(bench)
        await bench.idle()
        assert bench.fleet.status("pick") == "FAILED"
        assert not bench.carrier.boxes
        await bench.clock.sleep(20.0)
        place = bench.yard.places["bay"]
        assert place.present
        assert [box.number for box in place.boxes] == [BOX]
        assert not bench.car.hoist_is_down

    play(story)


def test_a_cancelled_pick_brings_the_hoist_up_before_it_drives() -> None:
    """With the spreader down it obeys no way, whoever asks."""

    async def story(bench: SkyRailBench) -> None:
        await fetch(bench)
        await bench.until(lambda: bench.car.hoist_is_down)
        await bench.clock.sleep(5.0)
        await bench.now("cancelOrder")
        await bench.order(along(bench, "off", 4, 6))
        await bench.clock.sleep(5.0)
        assert not bench.igv.driving
        await bench.idle()
        assert bench.fleet.state["lastNodeId"] == "n6"

    play(story)


def test_a_pick_after_a_cancelled_one_waits_for_the_hoist_and_the_table() -> None:
    """What the first left to do is not done in the middle of the second."""

    async def story(bench: SkyRailBench) -> None:
        await fetch(bench)
        await bench.until(lambda: bench.car.hoist_is_down)
        await bench.clock.sleep(5.0)
        await bench.now("cancelOrder")
        again = bench.scribe.action("pick", id="again", loadId=BOX)
        await bench.order(along(bench, "second", 4, 4, [again]))
        await bench.idle()
        assert bench.fleet.status("again") == "FINISHED"
        kinds = [r.kind for r in bench.trace.records() if r.kind.startswith(("table.", "load.l"))]
        assert kinds == ["table.away", "table.here", "table.away", "load.locked", "table.here"]

    play(story)


def test_without_current_no_hoist_comes_up() -> None:
    """The buffer moves no box: a spreader that is down stays so until current is back."""

    async def story(bench: SkyRailBench) -> None:
        await fetch(bench)
        await bench.until(lambda: bench.car.hoist_is_down)
        bench.line.inject("power_off")
        await bench.clock.sleep(bench.sky.buffer_s + 300.0)
        assert not bench.igv.online
        assert bench.car.hoist_is_down
        assert not bench.yard.places["bay"].present
        bench.line.heal("power_off")
        await bench.clock.sleep(120.0)
        assert not bench.car.hoist_is_down
        assert bench.yard.places["bay"].present

    play(story)


def test_the_wrong_box_and_an_occupied_table_are_refused() -> None:
    """Pick looks at what stands there, drop at whether there is room, before anything moves."""

    async def story(bench: SkyRailBench) -> None:
        bench.table("bay", 2 * STEP_M, Box(BOX, 20_000.0))
        bench.table("full", 4 * STEP_M, Box("CSQU3054383", 9_000.0))
        other = bench.scribe.action("pick", id="other", loadId="CSQU3054383")
        await bench.order(along(bench, "o1", 0, 2, [other]))
        await bench.idle()
        assert bench.fleet.status("other") == "FAILED"
        await bench.order(along(bench, "o2", 2, 2, [picked(bench)]))
        await bench.idle()
        await bench.order(along(bench, "o3", 2, 4, [bench.scribe.action("drop", id="no")]))
        await bench.idle()
        assert bench.fleet.status("no") == "FAILED"
        assert [box.number for box in bench.carrier.boxes] == [BOX]

    play(story)


def test_a_block_with_somebody_in_it_holds_the_next_carrier() -> None:
    """Whatever both are released to, the second stands before the block of the first."""

    async def story(bench: SkyRailBench) -> None:
        ahead = bench.control("sky-02", bench.hang("sky-02.body", 10 * STEP_M), 7)
        await bench.order(along(bench, "into", 0, 20))
        await bench.clock.sleep(120.0)
        assert bench.carrier.pose.x_m == pytest.approx(9 * STEP_M)
        held = [r for r in bench.trace.records() if r.kind == "rail.signal"]
        assert held[0].payload["held_by"] == "sky-02"
        ahead.set_ways(
            [Way(2 * k, ((k * STEP_M, 0.0),)) for k in range(11, 31)]
        )  # fmt: skip
        ahead.proceed(60)
        await bench.idle()
        await bench.until(lambda: not ahead.driving)
        assert bench.carrier.pose.x_m == pytest.approx(20 * STEP_M)
        assert ahead.carrier.pose.x_m == pytest.approx(30 * STEP_M)

    play(story)


def test_lost_position_codes_stop_it_softly() -> None:
    """It keeps its place on the rail and needs no restart."""

    async def story(bench: SkyRailBench) -> None:
        await bench.order(along(bench, "far", 0, 20))
        await bench.clock.sleep(20.0)
        bench.igv.inject("localization_lost")
        await bench.until(lambda: not bench.igv.driving, 40.0)
        assert Alarm.LOCALIZATION in bench.igv.alarms
        bench.igv.heal("localization_lost")
        await bench.idle()

    play(story)
