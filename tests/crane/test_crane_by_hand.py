"""The crane moved axis by axis: jogging, its interlocks and their mutants, limits, worn brakes."""

from __future__ import annotations

import pytest

from tests.crane.ground import Site, play, until
from twin.devices.crane import Crane
from twin.devices.crane_words import CraneError, CraneMode, MissionState, Step
from twin.world.crane import Axis


def test_jogging_needs_manual_mode_and_a_hand_on_the_lever() -> None:
    """A jog ends by itself after the dead-man time."""

    async def test(s: Site) -> None:
        with pytest.raises(CraneError, match="mode FULLAUTOMATIC"):
            s.crane.jog(Axis.TROLLEY, 1.0)
        s.crane.set_mode(CraneMode.MANUAL)
        with pytest.raises(CraneError, match="outside -1 to 1"):
            s.crane.jog(Axis.TROLLEY, 1.5)
        with pytest.raises(CraneError, match="mode MANUAL"):
            s.crane.start(s.mission())
        s.crane.jog(Axis.TROLLEY, 1.0)
        for _ in range(6):
            await s.clock.sleep(0.5)
            s.crane.jog(Axis.TROLLEY, 1.0)
        assert s.body.state(Axis.TROLLEY)[1] == pytest.approx(0.9, abs=0.01)
        await s.clock.sleep(1.01)
        speed = s.body.state(Axis.TROLLEY)[1]
        await s.clock.sleep(0.5)
        assert s.body.state(Axis.TROLLEY)[1] < speed
        await s.clock.sleep(10)
        assert s.body.state(Axis.TROLLEY)[1] == 0.0

    play(test)


def test_nothing_is_unlocked_under_load_by_hand() -> None:
    """With a box in the air the order to unlock is refused, whatever the mode."""

    async def test(s: Site) -> None:
        s.crane.start(s.mission())
        await until(s, Step.TRAVEL_TO_SET)
        s.crane.stop()
        await s.clock.sleep(10)
        assert s.crane.cycle.state is MissionState.SUSPENDED
        s.crane.set_mode(CraneMode.MANUAL)
        with pytest.raises(CraneError, match="hang on the locks"):
            s.crane.turn_locks(False)
        s.crane.inject("load_cell_drift", offset_kg=-24_000)
        with pytest.raises(CraneError, match="landing pin"):
            s.crane.turn_locks(False)
        assert s.body.held is not None

    play(test)


def test_mutant_unlock_under_load_is_a_hazard_in_the_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without its interlock the crane drops the box, and the trace shows it."""
    monkeypatch.setattr(Crane, "why_not_unlock", lambda self: "")

    async def test(s: Site) -> None:
        s.crane.start(s.mission())
        await until(s, Step.TRAVEL_TO_SET)
        s.crane.stop()
        await s.clock.sleep(5)
        s.crane.set_mode(CraneMode.MANUAL)
        s.crane.turn_locks(False)
        await s.clock.sleep(3)
        assert [h["kind"] for h in s.kinds("crane.hazard")] == ["dropped"]

    play(test)


def test_mutant_hoist_on_three_locks_is_a_hazard_in_the_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without its interlock the crane lifts a box askew, and the trace shows it."""
    monkeypatch.setattr(Crane, "why_not_hoist", lambda self: "")

    async def test(s: Site) -> None:
        s.crane.inject("twistlock_stuck", corner="2")
        s.crane.start(s.mission())
        await until(s, Step.LOCK)
        await s.clock.sleep(2.0)
        s.crane.stop()
        await s.clock.sleep(1)
        s.crane.set_mode(CraneMode.MANUAL)
        for _ in range(4):
            s.crane.jog(Axis.HOIST, 1.0)
            await s.clock.sleep(0.5)
        assert [h["kind"] for h in s.kinds("crane.hazard")] == ["lifted_askew"]

    play(test)


def test_speed_limits_of_clients_are_kept() -> None:
    """Half the rated speed in one direction doubles the cruise, and zero stands still."""

    async def test(s: Site) -> None:
        write = {name: point.write for name, point in s.crane.points.items()}
        write["gantry_limit_plus"](50.0)
        write["gantry_limit_plus_on"](True)
        s.crane.go(Axis.GANTRY, 60.0)
        await s.clock.sleep(15)
        assert s.body.state(Axis.GANTRY)[1] == pytest.approx(1.0)
        s.crane.go(Axis.GANTRY, 0.0)
        await s.clock.sleep(8)
        assert s.body.state(Axis.GANTRY)[1] < -1.1
        write["trolley_limit_plus"](0.0)
        write["limit_all_on"](True)
        s.crane.go(Axis.TROLLEY, 30.0)
        assert not s.body.moving(Axis.TROLLEY)

    play(test)


def test_worn_brakes_need_a_longer_way_and_a_worn_hoist_shows_it() -> None:
    """At the end of their life brakes stop in 1/0.7 of the way; the working period is used up."""

    def braked_m(worn: bool) -> float:
        ways: list[float] = []

        async def test(s: Site) -> None:
            if worn:
                s.crane.inject("worn", share=1.0)
                assert s.crane.dwp() == 0.0
            s.crane.go(Axis.GANTRY, 100.0)
            await s.clock.sleep(20)
            before = s.body.state(Axis.GANTRY)[0]
            s.crane.inject("estop")
            await s.clock.sleep(20)
            ways.append(s.body.state(Axis.GANTRY)[0] - before)
            s.crane.heal("estop")
            if worn:
                s.crane.heal("worn")
                assert s.crane.dwp() == 100.0

        play(test)
        return ways[0]

    assert braked_m(False) == pytest.approx(2.0**2 / (2 * 0.8), rel=1e-3)
    assert braked_m(True) / braked_m(False) == pytest.approx(1 / 0.7, rel=1e-3)
