"""The crane's protective functions: twist-locks, overload, stops, wind, drives."""

from __future__ import annotations

import pytest

from tests.crane.ground import NUMBERS, Site, play, until
from twin.devices.base import FaultError
from twin.devices.crane_words import CraneError, CraneMode, MissionState, Protection, Step, Trouble
from twin.errors import UnknownName
from twin.world.crane import Axis
from twin.world.yard import Box


@pytest.mark.parametrize("corner", ["1", "2", "3", "4"])
def test_a_stuck_twist_lock_is_never_hoisted(corner: str) -> None:
    """With one lock open the hoist does not go up with a box; the locks open again."""

    async def test(s: Site) -> None:
        s.crane.inject("twistlock_stuck", corner=corner)
        s.crane.start(s.mission())
        assert await s.until_over() is MissionState.FAILED
        assert s.crane.trouble is Trouble.TWIST_LOCK
        assert s.crane.body.held is None
        assert not any(s.crane.body.locks)
        assert s.kinds("crane.hazard") == []
        assert s.yard.find(NUMBERS[0]) is s.yard.places["truck-1"]

    play(test)


def test_a_lock_that_does_not_open_keeps_the_box_and_stays_down() -> None:
    """Stuck closed at the target: no hoisting, no hazard, and the interlock is shown."""

    async def test(s: Site) -> None:
        s.crane.start(s.mission())
        await until(s, Step.LOWER_TO_SET)
        s.crane.inject("twistlock_stuck", corner="3")
        assert await s.until_over() is MissionState.FAILED
        assert s.crane.body.locks == [False, False, True, False]
        assert Protection.TWIST_LOCK in s.crane.active
        assert all(s.crane.body.landed)
        s.crane.set_mode(CraneMode.MANUAL)
        with pytest.raises(CraneError, match="1 of 4 twist-locks are closed"):
            s.crane.jog(Axis.HOIST, 0.5)
        s.crane.heal("twistlock_stuck")
        s.crane.turn_locks(False)
        await s.clock.sleep(2)
        assert s.yard.find(NUMBERS[0]) is s.yard.places["igv-1"]
        s.crane.jog(Axis.HOIST, 0.5)

    play(test)


def test_a_dead_landing_pin_keeps_the_locks_open() -> None:
    """Without all four pins nothing is locked."""

    async def test(s: Site) -> None:
        s.crane.inject("pin_dead", corner="2")
        s.crane.start(s.mission())
        assert await s.until_over() is MissionState.FAILED
        assert s.crane.trouble is Trouble.MISALIGNED
        assert not any(s.crane.body.locks)

    play(test)


def test_an_overload_is_set_down_again() -> None:
    """50 t on a 40 t crane: the limiter stops the hoist, the box goes back, reset is needed."""

    async def test(s: Site) -> None:
        s.yard.places["truck-1"].boxes[:] = [Box(NUMBERS[0], 50_000.0)]
        s.crane.start(s.mission())
        assert await s.until_over() is MissionState.FAILED
        assert s.crane.trouble is Trouble.OVERLOAD
        assert s.yard.find(NUMBERS[0]) is s.yard.places["truck-1"]
        assert Protection.OVERLOAD in s.crane.active
        records = list(s.trace.records())
        taken = next(r.id for r in records if r.kind == "box.taken")
        rests = [r.payload["at_m"] for r in records[taken:] if r.kind == "crane.rest"]
        assert rests[0] < 3.791 + 0.15  # braked within 15 cm of where it stood
        s.crane.reset()
        assert s.crane.active == set()

    play(test)


@pytest.mark.parametrize("step", [s for s in Step if s not in (Step.IDLE, Step.PUT_BACK)])
@pytest.mark.parametrize("fault", ["estop", "power"])
def test_a_stop_in_any_step_holds_everything_and_resume_finishes(step: Step, fault: str) -> None:
    """Nothing moves after the brakes have acted, healing moves nothing, resume completes."""
    if step is Step.RAISE:
        pytest.skip("the spreader begins raised: the step takes no time")

    async def test(s: Site) -> None:
        s.crane.start(s.mission())
        await until(s, step)
        await s.clock.sleep(0.4)
        s.crane.inject(fault)
        assert s.crane.cycle.state is MissionState.SUSPENDED
        await s.clock.sleep(5)
        held = s.crane.body.held
        before = [s.crane.body.state(axis) for axis in Axis]
        with pytest.raises(CraneError):
            s.crane.resume()
        await s.clock.sleep(600)
        s.crane.heal(fault)
        await s.clock.sleep(60)
        assert [s.crane.body.state(axis) for axis in Axis] == before
        assert s.crane.body.held is held
        s.crane.resume()
        assert await s.until_over() is MissionState.DONE
        assert s.yard.find(NUMBERS[0]) is s.yard.places["igv-1"]
        assert s.kinds("crane.hazard") == []

    play(test)


def test_a_stop_when_the_box_was_just_set_down_ends_in_done() -> None:
    """Locks open, power fails in that instant: resumed, it does not look for the box again."""

    async def test(s: Site) -> None:
        s.crane.start(s.mission())
        while s.yard.find(NUMBERS[0]) is not s.yard.places["igv-1"]:
            await s.clock.sleep(0.05)
        s.crane.inject("power")
        assert s.crane.cycle.state is MissionState.SUSPENDED
        s.crane.heal("power")
        s.crane.resume()
        assert await s.until_over() is MissionState.DONE
        assert s.yard.find(NUMBERS[0]) is s.yard.places["igv-1"]

    play(test)


def test_wind_stops_the_crane_and_lets_go_slowly() -> None:
    """Above 20 m/s everything brakes; after 60 s below 18 m/s it may be resumed, not before."""

    async def test(s: Site) -> None:
        s.crane.start(s.mission())
        await until(s, Step.TRAVEL_TO_SET)
        s.wind.set_mean(25.0)
        await s.clock.sleep(20)
        assert s.crane.trouble is Trouble.WIND
        assert s.crane.cycle.state is MissionState.SUSPENDED
        assert not any(s.body.moving(axis) for axis in Axis)
        s.wind.set_mean(5.0)
        await s.clock.sleep(30)
        with pytest.raises(CraneError, match="WindLimiter"):
            s.crane.resume()
        await s.clock.sleep(60)
        s.crane.resume()
        assert await s.until_over() is MissionState.DONE

    play(test)


def test_a_stuck_anemometer_sees_no_storm() -> None:
    """The fault is one that a crane scheduler must notice elsewhere."""

    async def test(s: Site) -> None:
        s.crane.inject("anemometer_stuck", value_m_s=2.0)
        s.wind.set_mean(30.0)
        await s.clock.sleep(30)
        assert s.crane.points["wind_m_s"].read() == 2.0
        assert s.crane.active == set()
        s.crane.heal("anemometer_stuck")
        assert Protection.WIND in s.crane.active or s.wind.speed_m_s() <= 20.0

    play(test)


def test_a_tripped_drive_suspends_and_does_not_start() -> None:
    """The axis stops short; until it is healed, resuming ends at the same place."""

    async def test(s: Site) -> None:
        s.crane.start(s.mission())
        await until(s, Step.TRAVEL_TO_SET)
        await s.clock.sleep(3)
        s.crane.inject("drive_trip", axis="gantry")
        await s.clock.sleep(10)
        assert s.crane.trouble is Trouble.DRIVE
        s.crane.resume()
        assert await s.until_over() is MissionState.SUSPENDED
        s.crane.heal("drive_trip")
        s.crane.resume()
        assert await s.until_over() is MissionState.DONE

    play(test)


def test_fault_parameters_are_checked() -> None:
    """Unknown corners, axes and parameters are refused by name."""

    async def test(s: Site) -> None:
        with pytest.raises(FaultError, match="not one of: 1, 2, 3, 4"):
            s.crane.inject("twistlock_stuck", corner="5")
        with pytest.raises(UnknownName, match="fault of crane-1"):
            s.crane.inject("gremlin")

    play(test)
