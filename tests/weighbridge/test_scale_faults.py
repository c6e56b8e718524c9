"""The weighbridge's faults: what each does to the reading, and that it heals."""

from __future__ import annotations

import math

import pytest

from tests.weighbridge.ground import AXLES, GEOMETRY, GROSS, Yard, bit, truck
from twin.clock import Clock, run_virtual
from twin.devices.base import FaultError
from twin.errors import UnknownName


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
