"""The weighbridge as a measuring instrument: what it shows of what stands on it."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.weighbridge.ground import GEOMETRY, Yard, truck
from twin.clock import NS, Clock, run_virtual
from twin.devices.base import FaultError
from twin.devices.weighbridge import STATUS_BITS, WeighbridgeParameters
from twin.errors import UnknownName

AXLES = (6_500.0, 9_700.0, 8_100.0, 8_000.0, 7_900.0)
GROSS = sum(AXLES)


def bit(name: str, status: int) -> bool:
    return bool(status >> STATUS_BITS.index(name) & 1)


def test_settled_weight_is_true_weight_within_a_division() -> None:
    """A standing truck is shown within one division of its mass, as settled, in whole steps."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock)
        assert yard.scale.read().at_zero
        await yard.stand(*AXLES)
        for _ in range(50):
            await clock.sleep(0.37)
            reading = yard.scale.read()
            assert abs(reading.gross_kg - GROSS) <= 20
            assert reading.gross_kg % 20 == 0
            assert not reading.motion
            assert not reading.at_zero

    run_virtual(main)


def test_axles_roll_on_one_by_one() -> None:
    """The weight climbs axle by axle and comes back to zero behind the truck."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock)
        mover = yard.enter(truck(*AXLES))
        sums = [sum(AXLES[:n]) for n in range(1, 6)]
        # Stop with the n-th axle just on the platform: the rest is still before it.
        for axle, expected in zip(mover.vehicle.axles, sums, strict=True):
            yard.stop_at(mover, GEOMETRY.platform_from_m + axle.offset_m + 0.3)
            await clock.sleep(25)
            assert abs(yard.scale.read().gross_kg - expected) <= 20
        yard.drive_off(mover)
        await clock.sleep(60)
        assert yard.scale.read().gross_kg == 0
        assert yard.scale.read().at_zero

    run_virtual(main)


def test_motion_from_first_wheel_until_settled() -> None:
    """No reading that is off by more than two divisions claims to be settled."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock)
        mover = yard.enter(truck(*AXLES))
        yard.stop_at(mover, GEOMETRY.stop_line_m)
        seen_motion = seen_settled = 0
        first_settled_ns = 0
        for _ in range(1500):
            await clock.sleep(0.02)
            reading = yard.scale.read()
            on_it = yard.lane.axle_load_kg(GEOMETRY.platform_from_m, GEOMETRY.platform_to_m)
            if not reading.motion:
                assert abs(reading.gross_kg - on_it) <= 40
                if on_it == GROSS:
                    seen_settled += 1
                    first_settled_ns = first_settled_ns or clock.now_ns()
            else:
                seen_motion += 1
        assert seen_motion > 100
        assert seen_settled > 100
        stood_ns = mover.motion.end_ns
        # estimate of a terminal: settled 1 to 4 s after the wheels stand
        assert 0.5 < (first_settled_ns - stood_ns) / NS < 4.0

    run_virtual(main)


def test_step_response_overshoots_and_rings_down() -> None:
    """An axle rolling on swings the platform past its load, as a damped oscillator does."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock, WeighbridgeParameters(roll_noise=0.0, rest_noise_kg=0.0))
        yard.enter(truck(10_000.0, length_m=6.0), 4.0)
        mover = yard.lane.movers[0]
        yard.stop_at(mover, 5.6)
        peak = 0
        for _ in range(3000):
            await clock.sleep(0.005)
            reading = yard.scale.read()
            on_it_kg = yard.lane.axle_load_kg(GEOMETRY.platform_from_m, GEOMETRY.platform_to_m)
            assert reading.motion or abs(reading.gross_kg - on_it_kg) <= 20
            peak = max(peak, reading.gross_kg)
        expected = 10_000 * (1 + math.exp(-math.pi * 0.6 / math.sqrt(1 - 0.36)))
        assert abs(peak - expected) < 60
        assert yard.scale.read().gross_kg == 10_000

    run_virtual(main)


def test_weight_and_its_slope_are_continuous() -> None:
    """A wheel that rolls on while the platform still swings bends the curve and never breaks it."""

    async def main(clock: Clock) -> None:
        quiet = WeighbridgeParameters(roll_noise=0.0, rest_noise_kg=0.0, division_kg=1)
        yard = Yard(clock, quiet)
        yard.drive_off(yard.enter(truck(8e3, 8e3, 8e3, length_m=4.5)))
        await clock.sleep(2.0)
        shown = []
        for _ in range(5000):
            await clock.sleep(0.001)
            shown.append(yard.scale.read().gross_kg)
        assert max(shown) > 20_000
        slopes = [b - a for a, b in itertools.pairwise(shown)]
        bends = [abs(b - a) for a, b in itertools.pairwise(slopes)]
        assert max(map(abs, slopes)) < 120  # kg in a millisecond
        assert max(bends) <= 5  # 0.7 kg by physics, the rest is rounding to whole kilograms

    run_virtual(main)


def test_rolling_wheels_are_motion_even_when_the_weight_stands() -> None:
    """Between two axles the load is constant, yet a rolling truck is never shown as settled."""

    async def main(clock: Clock) -> None:
        # so smooth a road that the weight hardly jumps
        yard = Yard(clock, WeighbridgeParameters(roll_noise=0.00018, rest_noise_kg=0.0))
        mover = yard.enter(truck(20_000.0, 20_000.0, length_m=16.0))
        yard.drive_off(mover)
        rolling = 0
        while (front := yard.lane.position(mover)[0]) < 17.0:
            if front > 13.0:  # the first axle has been on for two seconds, the second is not yet
                rolling += 1
                assert yard.scale.read().motion
            await clock.sleep(0.02)
        assert rolling > 40

    run_virtual(main)


@settings(max_examples=25, deadline=None)
@given(
    reads_s=st.lists(st.floats(0.001, 3.0), max_size=15),
    stop_m=st.floats(5.0, 22.0),
)
def test_reading_does_not_depend_on_reading(reads_s: list[float], stop_m: float) -> None:
    """Whoever reads, and how often, the value at one instant is the same."""

    def at_20_s(pauses_s: list[float]) -> object:
        async def main(clock: Clock) -> object:
            yard = Yard(clock)
            mover = yard.enter(truck(*AXLES))
            yard.stop_at(mover, stop_m)
            for pause_s in pauses_s:
                if clock.now_s() + pause_s > 8.0:
                    break
                await clock.sleep(pause_s)
                yard.scale.read()
            await clock.sleep(8.0 - clock.now_s())
            return yard.scale.read()

        return run_virtual(main)

    assert at_20_s(reads_s) == at_20_s([])


def test_seed_decides_the_noise() -> None:
    """Two seeds shake differently, one seed the same."""

    def readings(seed: int) -> list[int]:
        async def main(clock: Clock) -> list[int]:
            yard = Yard(clock, seed=seed)
            yard.drive_off(yard.enter(truck(*AXLES)))
            found = []
            for _ in range(100):
                await clock.sleep(0.1)
                found.append(yard.scale.read().gross_kg)
            return found

        return run_virtual(main)

    assert readings(1) == readings(1)
    assert readings(1) != readings(2)


def test_noise_is_about_normal() -> None:
    """The hashed noise has mean 0, deviation 1 and hard ends."""

    async def main(clock: Clock) -> None:
        scale = Yard(clock).scale
        values = [scale._noise(bucket) for bucket in range(4000)]
        mean = sum(values) / len(values)
        deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))
        assert abs(mean) < 0.06
        assert abs(deviation - 1) < 0.05
        assert max(map(abs, values)) <= 2 * math.sqrt(3)

    run_virtual(main)


@pytest.mark.parametrize(
    ("load_kg", "shown_kg", "overload"),
    [(80_180, 80_180, False), (80_200, 80_200, True), (120_000, 100_000, True)],
)
def test_overload_begins_above_max_plus_nine_divisions(
    load_kg: int, shown_kg: int, overload: bool
) -> None:
    """The overload flag is set above Max + 9 e and only there; the converter ends at 125 %."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock, WeighbridgeParameters(rest_noise_kg=0.0))
        await yard.stand(load_kg / 2, load_kg / 2)
        reading = yard.scale.read()
        assert reading.gross_kg == shown_kg
        assert reading.overload is overload
        assert reading.out_of_range is overload
        assert bit("overload", yard.scale.status()) is overload

    run_virtual(main)


def test_commands() -> None:
    """Tare, clear and zero act when settled and in their range, and say when they were refused."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock)
        points = yard.scale.points

        def order(name: str) -> None:
            write = points[name].write
            assert write is not None
            write(False)  # a released button is no order
            write(True, 7)

        order("cmd_tare")
        assert bit("tare_refused", yard.scale.status())  # nothing stands there
        mover = await yard.stand(*AXLES)
        order("cmd_tare")
        reading = yard.scale.read()
        assert abs(reading.net_kg) <= 20
        assert abs(points["tare_kg"].read() - GROSS) <= 20
        assert abs(points["net_kg"].read()) <= 20
        assert bit("net", yard.scale.status())
        order("zero")
        assert bit("zero_refused", yard.scale.status())  # a tare is in use
        order("cmd_clear")
        assert points["tare_kg"].read() == 0
        order("cmd_zero")
        assert bit("zero_refused", yard.scale.status())  # 40 t is beyond 2 % of Max
        yard.drive_off(mover)
        await clock.sleep(1.0)
        order("cmd_tare")
        assert bit("tare_refused", yard.scale.status())  # in motion
        await clock.sleep(60)
        order("zero")
        assert not bit("zero_refused", yard.scale.status())
        assert bit("at_zero", yard.scale.status())
        commands = [r for r in yard.trace.records() if r.kind == "device.command"]
        assert [(r.payload["point"], r.payload["value"]) for r in commands] == [
            ("cmd_tare", False), ("cmd_tare", True), ("cmd_zero", False), ("cmd_clear", True),
            ("cmd_zero", False), ("cmd_tare", False), ("cmd_zero", True),
        ]  # fmt: skip
        assert {r.cause for r in commands} == {7}

    run_virtual(main)


def test_zero_tracking_follows_the_slow_drift() -> None:
    """An empty scale stays at zero all day, and a truck is weighed from the zero of its arrival."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock, WeighbridgeParameters(drift_kg=400.0))
        for _ in range(21):  # not a whole number of periods
            await clock.sleep(1800)
            assert yard.scale.read().gross_kg == 0
        await yard.stand(*AXLES)
        assert abs(yard.scale.read().gross_kg - GROSS) <= 20
        before = yard.scale.zero_drift_kg()
        await clock.sleep(3600)  # a truck that stands for an hour is not tracked
        assert abs(yard.scale.zero_drift_kg() - before) > 20

    run_virtual(main)


# --- faults ---------------------------------------------------------------------------------


def test_drift_moves_the_zero_until_zeroed_or_healed() -> None:
    """A drifting scale shows weight on an empty platform; the zero command helps for a while."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock)
        yard.scale.inject("drift", rate_kg_h=1200.0, offset_kg=100.0)
        assert abs(yard.scale.read().gross_kg - 100) <= 20
        await clock.sleep(1800)
        assert abs(yard.scale.read().gross_kg - 700) <= 20
        assert abs(yard.scale.points["zero_drift_kg"].read() - 700) < 1
        write = yard.scale.points["zero"].write
        assert write is not None
        write(True)
        assert yard.scale.read().gross_kg == 0
        await clock.sleep(600)
        assert abs(yard.scale.read().gross_kg - 200) <= 20
        yard.scale.heal("drift")
        assert yard.scale.read().gross_kg == 0

    run_virtual(main)


def test_negative_drift_ends_out_of_range() -> None:
    """Far below zero the weight is shown as negative and flagged as out of range."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock)
        yard.scale.inject("drift", rate_kg_h=0.0, offset_kg=-1000.0)
        reading = yard.scale.read()
        assert abs(reading.gross_kg + 1000) <= 20
        assert reading.underload
        assert reading.out_of_range
        assert not reading.overload

    run_virtual(main)


def test_stuck_repeats_the_last_reading() -> None:
    """A frozen terminal shows the old weight and ignores commands until healed."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock)
        yard.scale.inject("stuck")
        await yard.stand(*AXLES)
        assert yard.scale.read().gross_kg == 0
        assert not yard.scale.read().motion
        for name in ("cmd_tare", "cmd_clear", "cmd_zero"):
            write = yard.scale.points[name].write
            assert write is not None
            write(True)
        yard.scale.heal("stuck")
        assert abs(yard.scale.read().gross_kg - GROSS) <= 20
        assert yard.scale.read().tare_kg == 0

    run_virtual(main)


def test_noisy_scale_jumps_and_flags_motion() -> None:
    """A noisy scale spreads by the sigma it was given and does not claim to be settled."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock)
        await yard.stand(*AXLES)
        yard.scale.inject("noisy", sigma_kg=300.0)
        readings = []
        for _ in range(300):
            await clock.sleep(0.1)
            readings.append(yard.scale.read())
        errors = [reading.gross_kg - GROSS for reading in readings]
        deviation = math.sqrt(sum(error**2 for error in errors) / len(errors))
        assert 240 < deviation < 360
        assert sum(reading.motion for reading in readings) > 290
        yard.scale.heal("noisy")
        await clock.sleep(0.5)
        assert not yard.scale.read().motion

    run_virtual(main)


@pytest.mark.parametrize("value", [False, True])
def test_motion_stuck(value: bool) -> None:
    """The motion flag keeps the injected value while wheels roll and while they stand."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock)
        yard.scale.inject("motion_stuck", value=value)
        mover = yard.enter(truck(*AXLES))
        yard.stop_at(mover, GEOMETRY.stop_line_m)
        for _ in range(30):
            await clock.sleep(1.0)
            assert yard.scale.read().motion is value
        yard.scale.heal("motion_stuck")
        assert not yard.scale.read().motion

    run_virtual(main)


def test_overload_dead() -> None:
    """Without its overload flag the scale shows the highest valid weight and nothing else."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock)
        yard.scale.inject("overload_dead")
        await yard.stand(60_000.0, 60_000.0)
        reading = yard.scale.read()
        assert reading.gross_kg == 80_180
        assert not reading.out_of_range
        yard.scale.heal("overload_dead")
        assert yard.scale.read().overload

    run_virtual(main)


def test_offline_forgets_tare_and_needs_an_empty_platform() -> None:
    """A terminal that comes back has no tare, and no captured zero while a truck stands on it."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock)
        told: list[str] = []
        yard.scale.on_change(told.append)
        await yard.stand(*AXLES)
        write = yard.scale.points["cmd_tare"].write
        assert write is not None
        write(True)
        yard.scale.inject("offline")
        assert not yard.scale.online
        yard.scale.heal("offline")
        assert yard.scale.online
        assert yard.scale.read().tare_kg == 0
        assert yard.scale.zero_lost
        assert bit("zero_lost", yard.scale.status())
        yard.drive_off(yard.lane.movers[0])
        await clock.sleep(60)
        write = yard.scale.points["cmd_zero"].write
        assert write is not None
        write(True)
        assert not yard.scale.zero_lost
        assert told == ["load", "offline", "offline", "load"]
        states = [r.payload["state"] for r in yard.trace.records() if r.kind == "device.state"]
        assert states == ["loaded", "offline", "online", "empty"]

    run_virtual(main)


def test_power_up_on_an_empty_platform_takes_its_zero() -> None:
    """Coming back with nothing on the platform, the terminal starts at zero."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock)
        yard.scale.inject("drift", rate_kg_h=0.0, offset_kg=300.0)
        yard.scale.inject("offline")
        yard.scale.heal("offline")
        assert yard.scale.read().gross_kg == 0
        assert not yard.scale.zero_lost

    run_virtual(main)


def test_fault_menu_is_checked() -> None:
    """An unknown fault, parameter or value is named, and faults are in the trace."""

    async def main(clock: Clock) -> None:
        scale = Yard(clock).scale
        with pytest.raises(UnknownName, match=r"in-1\.scale|out-1\.scale"):
            scale.inject("drfit")
        with pytest.raises(UnknownName):
            scale.inject("drift", rate=1.0)
        with pytest.raises(FaultError, match="outside"):
            scale.inject("noisy", sigma_kg=-1.0)
        scale.inject("stuck")
        kinds = [(r.kind, r.payload.get("kind")) for r in scale.trace.records()]
        assert kinds == [("fault.begin", "stuck")]

    run_virtual(main)


def test_random_traffic_always_comes_back_to_zero() -> None:
    """Whatever has rolled over it, the empty platform is at zero within three seconds."""

    async def main(clock: Clock) -> None:
        yard, rng = Yard(clock), random.Random(5)
        for number in range(40):
            loads = [rng.uniform(2_000, 10_000) for _ in range(rng.randint(2, 6))]
            mover = yard.enter(truck(*loads, id=f"v{number}"))
            yard.stop_at(mover, rng.uniform(5.0, 22.0))
            await clock.sleep(rng.uniform(5, 40))
            yard.drive_off(mover)
            await clock.sleep(45)
            yard.lane.remove(mover)
            await clock.sleep(3)
            assert yard.scale.read().gross_kg == 0
            assert not yard.scale.read().motion

    run_virtual(main)


def test_a_tare_leaves_less_than_a_quarter_of_a_division() -> None:
    """The filtered weight is taken as tare, not its rounded indication (R 76-1, 4.6.3)."""

    async def main(clock: Clock) -> None:
        yard = Yard(clock, WeighbridgeParameters(rest_noise_kg=0.0, drift_kg=0.0))
        await yard.stand(10_004.5, 10_004.5)  # 20,009 kg are shown as 20,000
        write = yard.scale.points["cmd_tare"].write
        assert write is not None
        write(True)
        reading = yard.scale.read()
        assert (reading.gross_kg, reading.tare_kg, reading.net_kg) == (20_000, 20_000, 0)
        await yard.stand(5_001.0, 5_001.0)  # 30,011 kg gross, 10,002 kg net
        reading = yard.scale.read()
        assert (reading.gross_kg, reading.net_kg) == (30_020, 10_000)

    run_virtual(main)
