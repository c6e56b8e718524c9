"""What wear does to a carrier, formula by formula, and the rescue of one whose drive has failed."""

from __future__ import annotations

import pytest

from fixtures.sky_rail_bench import STEP_M, SkyRailBench
from tests.sky_rail.rig import BOX, along, play
from tests.sky_rail.test_carrier import fetch
from twin.devices.igv import Alarm, StopKind
from twin.devices.sky_rail_wear import PARTS, hoist_share, lift, worn_body, worn_energy
from twin.devices.sky_rail_words import SkyRailParameters, travel_s
from twin.physics.rail_parameters import RAIL_ENERGY, RailCarrierParameters


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0, 2.0])
def test_formulas(share: float) -> None:
    """Energy, hard brakings and hoist by their shares; the service brake stays."""
    body, new = worn_body(RailCarrierParameters(), share), RailCarrierParameters()
    kept = 1 - 0.3 * min(1.5, share)
    assert body.emergency_m_s2 == pytest.approx(1.5 * kept)
    assert body.loaded_protective_m_s2 == pytest.approx(1.0 * kept)
    assert body.service_m_s2 == new.service_m_s2
    energy = worn_energy(RAIL_ENERGY, share)
    assert energy.loaded_kwh_km == pytest.approx(0.95 * (1 + 0.15 * share))
    assert energy.base_kw == RAIL_ENERGY.base_kw
    assert hoist_share(share) == pytest.approx(1 - 0.1 * share)
    assert lift(19_500.0, 39_000.0) == pytest.approx(0.125)


def test_use_ages_the_parts_and_a_new_carrier_shows_nothing_of_it() -> None:
    """Kilometres, emergency brakings and lifts are counted; their effect is below a hundredth."""

    async def story(bench: SkyRailBench) -> None:
        await fetch(bench)
        await bench.idle()
        car, rated_kg = bench.car, 36_000.0 + 3_000.0
        assert car.wear.age("ropes") == pytest.approx((23_000.0 / rated_kg) ** 3)
        await bench.order(along(bench, "on", 4, 20))
        await bench.until(lambda: bench.car.driving)
        await bench.clock.sleep(5.0)
        car.press_stop(StopKind.MANUAL)
        await bench.until(lambda: not bench.car.driving)
        car.release_stop(StopKind.MANUAL)
        car.acknowledge()
        car.restart()
        await bench.idle()
        assert car.wear.age("tyres") == pytest.approx(20 * STEP_M / 1000, abs=0.001)
        assert car.wear.age("brakes") == 1.0
        assert bench.body.parameters == bench.sky.vehicle
        assert bench.body.energy == bench.sky.energy
        assert car.points["tyres_life_percent"].read() == pytest.approx(100, abs=0.01)

    play(story)


def test_a_worn_carrier_brakes_longer_lifts_slower_and_takes_more() -> None:
    """All parts at the end of their rated life: the fault `worn`, and back when it is healed."""
    seen: dict[bool, tuple[float, float, float]] = {}

    async def story(bench: SkyRailBench, worn: bool) -> None:
        if worn:
            bench.car.inject("worn", share=1.0)
        await bench.order(along(bench, "far", 0, 30))
        await bench.until(lambda: bench.body.speed_m_s > 8.3)
        begin_kwh, begin_m = bench.body.throughput_kwh, bench.body.odometer_m
        place_m = bench.body.way_m
        bench.car.press_stop(StopKind.MANUAL)
        await bench.until(lambda: not bench.car.driving)
        braking_m = bench.body.way_m - place_m
        bench.car.release_stop(StopKind.MANUAL)
        bench.car.acknowledge()
        bench.car.restart()
        await bench.idle()
        per_km = (bench.body.throughput_kwh - begin_kwh) / (bench.body.odometer_m - begin_m) * 1000
        seen[worn] = (braking_m, per_km, bench.car.jobs._hoist_s(loaded=True))
        bench.car.heal("worn")
        assert bench.body.parameters == bench.sky.vehicle

    play(lambda bench: story(bench, False))
    play(lambda bench: story(bench, True))
    assert seen[True][0] / seen[False][0] == pytest.approx(1 / 0.7, rel=0.15)
    assert 1.05 < seen[True][1] / seen[False][1] < 1.16
    p = SkyRailParameters()
    assert seen[True][2] == travel_s(p.lift_m, p.hoist_m_s * 0.9, p.hoist_m_s2)
    assert set(PARTS) == {"tyres", "brakes", "ropes"}


def test_a_broken_carrier_creeps_on_by_its_back_up_drive_and_is_repaired_where_its_order_ends() -> (
    None
):
    """It stands until somebody has engaged the drive, keeps the order, creeps, and is whole."""

    async def story(bench: SkyRailBench) -> None:
        p = bench.sky
        await bench.order(along(bench, "far", 0, 12))
        await bench.until(lambda: bench.body.way_m > 100.0)
        bench.car.inject("breakdown")
        began_s = bench.clock.now_s()
        await bench.clock.sleep(p.rescue_call_s - 5.0)
        assert not bench.car.driving
        assert Alarm.DRIVE_FAULT in bench.car.alarms
        here_m = bench.body.way_m
        await bench.clock.sleep(30.0)
        assert bench.car.driving
        assert bench.body.speed_m_s == pytest.approx(p.rescue_m_s)
        assert Alarm.BACKUP_DRIVE in bench.car.alarms
        assert "backupDrive" in {one["errorType"] for one in bench.fleet.state["errors"]}
        left_s = (12 * STEP_M - here_m) / p.rescue_m_s
        await bench.until(lambda: not bench.car.router.placed, limit_s=2 * left_s)
        took_s = bench.clock.now_s() - began_s - p.rescue_call_s
        assert took_s == pytest.approx(left_s, abs=10.0)
        assert "breakdown" in bench.car.faults
        await bench.clock.sleep(p.repair_s + 1.0)
        assert "breakdown" not in bench.car.faults
        assert not bench.car.alarms
        kinds = [r.kind for r in bench.trace.records() if r.kind.startswith("rail.rescue")]
        assert kinds == ["rail.rescue_called", "rail.rescue", "rail.rescue_end"]
        await bench.order(along(bench, "again", 12, 20))
        await bench.until(lambda: bench.body.speed_m_s > 5.0)

    play(story)


def test_nobody_engages_the_back_up_drive_while_something_else_holds_it() -> None:
    """A pressed stop is waited for; a fault that is healed before calls the rescue off."""

    async def story(bench: SkyRailBench) -> None:
        p = bench.sky
        await bench.order(along(bench, "far", 0, 12))
        await bench.until(lambda: bench.body.way_m > 50.0)
        bench.car.inject("breakdown")
        bench.car.press_stop(StopKind.MANUAL)
        await bench.clock.sleep(2 * p.rescue_call_s)
        assert not bench.car.driving
        assert not bench.car.rescue.engaged
        bench.car.release_stop(StopKind.MANUAL)
        bench.car.acknowledge()
        await bench.clock.sleep(70.0)
        assert bench.car.driving
        bench.car.heal("breakdown")
        assert not bench.car.rescue.engaged
        bench.car.inject("breakdown")
        bench.car.heal("breakdown")
        await bench.clock.sleep(2 * p.rescue_call_s)
        assert not bench.car.rescue.engaged

    play(story)


def test_a_box_on_the_spreader_comes_along() -> None:
    """Broken with a box, it brings the box to where it was to go, and sets it down."""

    async def story(bench: SkyRailBench) -> None:
        goal = bench.table("goal", 12 * STEP_M)
        await fetch(bench)
        await bench.idle()
        await bench.order(along(bench, "bring", 4, 12, [bench.scribe.action("drop", id="d")]))
        await bench.until(lambda: bench.body.speed_m_s > 5.0)
        bench.car.inject("breakdown")
        await bench.until(lambda: bench.fleet.status("d") == "FINISHED", limit_s=1200.0)
        assert [box.number for box in goal.boxes] == [BOX]
        await bench.until(lambda: "breakdown" not in bench.car.faults, limit_s=1200.0)

    play(story)
