"""The weighbridge's limits, tare and zero: orders, tracking, and zero behind each truck."""

from __future__ import annotations

import random

import pytest

from tests.weighbridge.ground import AXLES, GROSS, Yard, bit, truck
from twin.clock import Clock, run_virtual
from twin.devices.weighbridge import WeighbridgeParameters


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
