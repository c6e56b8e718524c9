"""Wear of what senses, held against its formula: scale, camera and loops."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.camera.rig import Rig as CameraRig
from tests.camera.rig import truck
from tests.devices.lane_bench import TRUCK, on_bench
from tests.devices.lane_bench import Bench as LaneBench
from tests.weighbridge.ground import GEOMETRY, Yard
from twin.clock import Clock, run_virtual
from twin.devices.camera import CameraParameters
from twin.devices.loops import DETECTION_HEIGHT_M, DETECTION_LOSS_M
from twin.world.motion import drive_to, stop_at
from twin.world.weather import Weather


async def _exact_kg(clock: Clock, share: float, weather: Weather | None = None) -> float:
    """Error of the load, without noise and rounding, of 40 t that stood for two hours."""
    yard = Yard(clock)
    yard.scale.weather = weather
    yard.scale.begin_worn(share)
    await yard.stand(6_000.0, 10_000.0, 8_000.0, 8_000.0, 8_000.0)
    await clock.sleep(7200)
    return yard.scale._load_error_kg(clock.now_ns())


def test_a_new_scale_creeps_as_its_class_allows() -> None:
    """A ten-thousandth of the load in the end: 4 kg of 40 t, less than half a division."""

    async def main(clock: Clock) -> None:
        assert await _exact_kg(clock, 0.0) == pytest.approx(4.0, abs=0.01)

    run_virtual(main)


@pytest.mark.parametrize("share", [0.5, 1.0, 2.0])
def test_worn_cells_lose_span_and_are_uneven(share: float) -> None:
    """Span, creep and corner error are those of the formula, from where the axles stand."""

    async def main(clock: Clock) -> None:
        error_kg = await _exact_kg(clock, share)
        loads = (6_000.0, 10_000.0, 8_000.0, 8_000.0, 8_000.0)
        places = [GEOMETRY.stop_line_m - (1.5 + 13.0 / 4 * n) for n in range(5)]
        middle_m = (GEOMETRY.platform_from_m + GEOMETRY.platform_to_m) / 2
        half_m = (GEOMETRY.platform_to_m - GEOMETRY.platform_from_m) / 2
        lever = sum(load * (at - middle_m) / half_m for load, at in zip(loads, places, strict=True))
        once = share + 1 / 1_000_000  # its own loading
        expected = 40_000 * (1e-4 + 4e-4 * once - 3e-3 * once) + 2e-3 * once * lever
        assert error_kg == pytest.approx(expected, abs=0.05)

    run_virtual(main)


def test_span_follows_the_temperature() -> None:
    """Ten parts in a million and kelvin: 4 kg of 40 t at 30 °C."""

    async def main(clock: Clock) -> None:
        warm = Weather(clock, 12.0, mean_c=30.0)
        cold = await _exact_kg(clock, 0.0)
        kelvin = warm.temperature_c() - 20.0
        assert 5 < kelvin < 15
        yard = Yard(clock)
        yard.scale.weather = warm
        await yard.stand(40_000.0)
        await clock.sleep(7200)
        expected = cold + 40_000 * 1e-5 * (warm.temperature_c() - 20.0)
        assert yard.scale._load_error_kg(clock.now_ns()) == pytest.approx(expected, abs=0.05)

    run_virtual(main)


def test_a_worn_scale_shows_less_over_its_terminal() -> None:
    """At the end of its life 40 t are shown more than 3 e short: out of tolerance in service."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock)
        yard.scale.inject("worn", share=1.0)
        await yard.stand(8_000.0, 8_000.0, 8_000.0, 8_000.0, 8_000.0)
        assert 40_000 - 160 <= yard.scale.read().gross_kg < 40_000 - 60

    run_virtual(main)


def _quality(hour: float, share: float, part: str) -> float:
    async def main(clock: Clock) -> float:
        rig = CameraRig(clock, weather=Weather(clock, hour))
        rig.camera.inject("worn", share=share, part=part)
        return rig.camera.quality(truck())

    return run_virtual(main)


@pytest.mark.parametrize("share", [0.5, 1.0, 2.0])
def test_aged_leds_cost_quality_at_night_only(share: float) -> None:
    """By day nothing; at night what is missing of 0.7 to the power of the share."""
    p = CameraParameters()
    assert _quality(12.0, share, "leds") == pytest.approx(1.0)
    lost = p.night_weight + p.leds_weight * (1 - 0.7**share)
    assert _quality(23.0, share, "leds") == pytest.approx(1 - lost)


def test_dirt_on_the_glass_grows_with_hours_and_faster_in_rain() -> None:
    """A dry day, then a wet one: 24 h and 96 h of dirt, as shares of a month's weight."""

    async def main(clock: Clock) -> None:
        weather = Weather(clock, 12.0)
        rig = CameraRig(clock, weather=weather)
        p = rig.camera.parameters
        await clock.sleep(24 * 3600)
        assert rig.camera.quality(truck()) == pytest.approx(1 - p.glass_weight * 24 / 720)
        weather.set_rain(10.0)
        await clock.sleep(24 * 3600)
        weather.set_rain(0.0)
        lost = p.glass_weight * (24 + 24 * p.splash) / 720
        assert rig.camera.quality(truck()) == pytest.approx(1 - lost)

    run_virtual(main)


def test_an_old_camera_is_less_sure_at_night() -> None:
    """The confidence that the wire shows falls with the light of its lamps."""

    def believed(share: float) -> float:
        async def main(clock: Clock) -> float:
            rig = CameraRig(clock, weather=Weather(clock, 22.0))
            rig.camera.inject("worn", share=share, part="leds")
            for number in range(20):
                rig.drive(truck(id=f"v{number}"))
                await clock.sleep(60)
            return sum(reading.confidence for reading in rig.readings) / len(rig.readings)

        return run_virtual(main)

    assert believed(0.0) > believed(2.0) + 5


@pytest.mark.parametrize(
    ("share", "seen"), [(0.0, True), (0.45, True), (0.55, False), (1.0, False)]
)
def test_a_worn_loop_loses_a_high_bed_between_the_axles(share: float, seen: bool) -> None:
    """A bed at 1.15 m is seen while the detection height is above it, whatever else is worn."""

    async def script(bench: LaneBench) -> None:
        bench.loops.inject("worn", share=share)
        height_m = DETECTION_HEIGHT_M - DETECTION_LOSS_M * share
        assert bench.loops.detection_height_m() == pytest.approx(height_m, abs=1e-3)
        bed = replace(TRUCK, bed_m=1.15)
        mover = bench.lane.enter(bed, -2.0)
        motion = stop_at(bench.clock.env.now, -2.0, 0.0, 28.0, bed.limits)
        bench.lane.move(mover, motion)
        await bench.clock.sleep(60)
        # Front at 28 m: axles at 26.6 and 21.0, so the arm loops at 23 to 25 see only the bed.
        assert bench.shown()["arm_a"] is seen
        assert bench.shown()["arm_b"] is seen
        bench.loops.heal("worn")
        assert bench.shown()["arm_a"]
        bench.lane.remove(mover)
        assert not any(bench.shown().values())

    on_bench(script)


def test_a_worn_loop_sees_wheels_and_comes_back_for_the_bogie() -> None:
    """While a truck drives over it, the loop drops out once, between the axles."""

    async def script(bench: LaneBench) -> None:
        bench.loops.inject("worn", share=1.5)
        high = replace(TRUCK, bed_m=1.15)
        mover = bench.lane.enter(high, -2.0)
        bench.lane.move(mover, drive_to(bench.clock.env.now, -2.0, 0.0, 60.0, high.limits))
        await bench.clock.sleep(60)
        seen = [at_s for what, at_s in bench.told if what == "arm_a"]
        assert len(seen) == 4
        g = GEOMETRY
        fronts = [mover.motion.at(round(at_s * 1e9))[0] for at_s in seen]
        low_m, high_m = 1.4 + 0.5, 7.0 - 0.5
        assert fronts == pytest.approx(
            [g.arm_line_m - 1, g.arm_line_m + low_m, g.arm_line_m - 1 + high_m,
             g.arm_line_m + high.length_m], abs=1e-3,
        )  # fmt: skip

    on_bench(script)
