"""The crane's missions: boxes that arrive, and those that are refused or put back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.crane.ground import NUMBERS, Site, play, until
from twin.devices.crane_words import (
    CraneError,
    CraneParameters,
    Mission,
    MissionState,
    Step,
    Trouble,
)
from twin.world.crane import Axis
from twin.world.yard import Box


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
