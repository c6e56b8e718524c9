"""The weighbridge as a measuring instrument: what it shows of what stands on it."""

from __future__ import annotations

import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.weighbridge.ground import AXLES, GEOMETRY, GROSS, Yard, truck
from twin.clock import NS, Clock, run_virtual
from twin.devices.weighbridge import WeighbridgeParameters


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
