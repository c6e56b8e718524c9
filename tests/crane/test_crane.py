"""The crane's controller: move cycle, interlocks, protective functions, faults."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.crane.ground import NUMBERS, Site
from twin.clock import Clock, run_virtual
from twin.devices.base import FaultError
from twin.devices.crane import Crane
from twin.devices.crane_words import (
    CraneError,
    CraneMode,
    CraneParameters,
    Mission,
    MissionState,
    Protection,
    Step,
    Trouble,
)
from twin.errors import UnknownName
from twin.world.crane import Axis
from twin.world.yard import Box


def play(test: Callable[[Site], Awaitable[None]], **options: Any) -> Site:
    """Run `test` on a site in virtual time."""
    kept: list[Site] = []

    async def main(clock: Clock) -> None:
        kept.append(Site(clock, **options))
        await test(kept[0])

    run_virtual(main)
    return kept[0]


async def until(site: Site, step: Step, limit_s: float = 300.0) -> None:
    end_s = site.clock.now_s() + limit_s
    while site.crane.cycle.step is not step:
        assert site.clock.now_s() < end_s, f"never came to {step.name}"
        await site.clock.sleep(0.05)


def test_a_move_takes_two_to_three_minutes_and_the_box_arrives() -> None:
    """The cycle carries the box from truck to vehicle in the time that terminals report."""

    async def test(s: Site) -> None:
        s.crane.start(s.mission(declared_kg=24_000))
        assert await s.until_over() is MissionState.DONE
        assert 90 <= s.clock.now_s() <= 180
        assert s.yard.find(NUMBERS[0]) is s.yard.places["igv-1"]
        assert s.crane.points["box"].read() == NUMBERS[0]
        assert s.crane.cycles == 1
        assert 0 < 100 - s.crane.dwp() < 0.001
        assert s.crane.moved_m(Axis.GANTRY) == pytest.approx(40.0, abs=0.01)
        assert s.kinds("crane.hazard") == []

    site = play(test)
    assert [r["step"] for r in site.kinds("crane.step")] == [
        "RAISE", "TRAVEL_TO_PICK", "LOWER_TO_PICK", "IDENTIFY", "LOCK", "WEIGH", "HOIST",
        "TRAVEL_TO_SET", "LOWER_TO_SET", "UNLOCK", "IDLE",
    ]  # fmt: skip


@pytest.mark.parametrize("to", ["igv-1", "stack-a", "reefer-1"])
def test_each_kind_of_place_takes_a_box(to: str) -> None:
    """Vehicle, stack and reefer rack all end up with the box on top."""

    async def test(s: Site) -> None:
        s.crane.start(s.mission(to))
        assert await s.until_over() is MissionState.DONE
        top = s.yard.places[to].top
        assert top is not None
        assert top.number == NUMBERS[0]

    play(test)


def test_a_driver_need_not_stop_exactly_but_a_vehicle_must() -> None:
    """A truck is measured by scanners; a vehicle 8 cm off is refused and the box goes back."""

    async def test(s: Site) -> None:
        s.yard.places["truck-1"].offset_m = (0.4, -0.2)
        s.yard.places["igv-1"].offset_m = (0.0, 0.08)
        s.crane.start(s.mission())
        assert await s.until_over() is MissionState.FAILED
        assert s.crane.trouble is Trouble.MISALIGNED
        assert s.yard.find(NUMBERS[0]) is s.yard.places["truck-1"]
        assert s.kinds("crane.hazard") == []

    play(test)


def test_the_wrong_box_is_not_lifted() -> None:
    """Another valid number at the spreader ends the mission with the box where it was."""

    async def test(s: Site) -> None:
        s.crane.start(s.mission(box=5))
        assert await s.until_over() is MissionState.FAILED
        assert s.crane.trouble is Trouble.WRONG_BOX
        assert s.crane.cycle.read_number == NUMBERS[0]
        assert s.yard.find(NUMBERS[0]) is s.yard.places["truck-1"]
        assert s.crane.body.state(Axis.HOIST)[0] >= 7.99
        assert s.kinds("box.taken") == []
        s.crane.start(s.mission(id="m2"))
        assert await s.until_over() is MissionState.DONE

    play(test)


@pytest.mark.parametrize("fault", ["ocr_blind", "ocr_misread"])
def test_a_number_that_cannot_be_is_a_bad_picture_not_another_box(fault: str) -> None:
    """Wrong check digits and empty readings end as unreadable, after three tries."""

    async def test(s: Site) -> None:
        s.crane.inject(fault)
        s.crane.start(s.mission())
        assert await s.until_over() is MissionState.FAILED
        assert s.crane.trouble in (Trouble.UNREADABLE, Trouble.WRONG_BOX)
        if fault == "ocr_blind":
            assert s.crane.trouble is Trouble.UNREADABLE
        assert s.kinds("box.taken") == []

    play(test)


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        (lambda s: s.yard.places["truck-1"].boxes.clear(), Trouble.NO_BOX),
        (lambda s: setattr(s.yard.places["igv-1"], "present", False), Trouble.OCCUPIED),
        (lambda s: s.yard.places["igv-1"].boxes.append(Box(NUMBERS[6], 1.0)), Trouble.OCCUPIED),
    ],
)
def test_an_empty_source_or_a_taken_target_ends_the_mission(
    change: Callable[[Site], None], trouble: Trouble
) -> None:
    """The box is then where it was, and the spreader is raised and empty."""

    async def test(s: Site) -> None:
        change(s)
        s.crane.start(s.mission())
        assert await s.until_over() is MissionState.FAILED
        assert s.crane.trouble is trouble
        assert s.crane.body.held is None
        if trouble is Trouble.OCCUPIED:
            assert s.yard.find(NUMBERS[0]) is s.yard.places["truck-1"]

    play(test)


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


def test_a_box_at_the_rated_load_is_carried() -> None:
    """40 t are within the limit of 110 %."""

    async def test(s: Site) -> None:
        s.yard.places["truck-1"].boxes[:] = [Box(NUMBERS[0], 40_000.0)]
        s.crane.start(s.mission())
        assert await s.until_over() is MissionState.DONE

    play(test)


def test_a_truck_that_holds_its_box_is_noticed() -> None:
    """The weight of box and truck together is more than declared: it is set down."""

    async def test(s: Site) -> None:
        s.yard.places["truck-1"].holds_box = True
        s.crane.start(s.mission(declared_kg=24_000))
        assert await s.until_over() is MissionState.FAILED
        assert s.crane.trouble is Trouble.CARRIER_HELD
        assert s.yard.find(NUMBERS[0]) is s.yard.places["truck-1"]

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


def test_cancelling_leaves_the_box_where_it_is() -> None:
    """A cancelled mission moves nothing on; the next one needs an empty spreader."""

    async def test(s: Site) -> None:
        with pytest.raises(CraneError, match="no mission"):
            s.crane.cancel()
        s.crane.start(s.mission())
        with pytest.raises(CraneError, match="is running"):
            s.crane.start(s.mission(id="m2"))
        await until(s, Step.HOIST)
        s.crane.cancel()
        await s.clock.sleep(20)
        assert s.crane.cycle.state is MissionState.CANCELLED
        assert s.body.held is not None
        with pytest.raises(CraneError, match="hangs on the spreader"):
            s.crane.start(s.mission(id="m3"))
        with pytest.raises(CraneError, match="no mission is suspended"):
            s.crane.resume()

    play(test)


@pytest.mark.parametrize(
    ("mission", "words"),
    [
        (Mission("", NUMBERS[0], "truck-1", "igv-1"), "needs an id"),
        (Mission("m", "ABCU1234567", "truck-1", "igv-1"), "check digit"),
        (Mission("m", NUMBERS[0], "truck-9", "igv-1"), "no place 'truck-9'"),
        (Mission("m", NUMBERS[0], "igv-1", "igv-1"), "where it stands"),
    ],
)
def test_a_mission_that_cannot_be_is_refused_in_words(mission: Mission, words: str) -> None:
    """Ids, numbers and places are checked before anything moves."""

    async def test(s: Site) -> None:
        with pytest.raises(CraneError, match=words):
            s.crane.start(mission)
        assert s.crane.cycle.state is MissionState.NONE

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


def test_fault_parameters_are_checked() -> None:
    """Unknown corners, axes and parameters are refused by name."""

    async def test(s: Site) -> None:
        with pytest.raises(FaultError, match="not one of: 1, 2, 3, 4"):
            s.crane.inject("twistlock_stuck", corner="5")
        with pytest.raises(UnknownName, match="fault of crane-1"):
            s.crane.inject("gremlin")

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


def test_one_seed_gives_one_trace() -> None:
    """Two runs of one seed have the same hash; another wind does not."""

    async def test(s: Site) -> None:
        s.wind.set_mean(16.0)
        s.crane.inject("ocr_misread")
        s.crane.start(s.mission())
        await s.until_over()
        s.crane.heal("ocr_misread")
        s.crane.start(s.mission(id="m2"))
        await s.clock.sleep(400)

    first, again, other = (play(test, seed=seed).trace.sha256() for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_a_slow_crane_takes_longer() -> None:
    """Half the speed makes the same move longer and still completes it."""

    async def test(s: Site) -> None:
        s.crane.inject("slow", factor=0.5)
        s.crane.start(s.mission())
        assert await s.until_over() is MissionState.DONE
        assert s.clock.now_s() > 140

    play(test)


def test_without_anti_sway_the_crane_waits_for_the_load() -> None:
    """The unshaped move is not faster in the end: it waits until the load hangs still."""

    async def test(s: Site) -> None:
        s.crane.start(s.mission())
        state = await s.until_over()
        assert state is MissionState.DONE or s.crane.trouble is Trouble.SWAY

    play(test, parameters=CraneParameters(anti_sway=False))
