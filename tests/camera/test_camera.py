"""The camera as a device: when it sees, what it reads, how it fails."""

from __future__ import annotations

import pytest

from tests.camera.rig import Rig, on_rig, truck
from twin.clock import Clock, run_virtual
from twin.devices.base import FaultError
from twin.devices.camera import UNKNOWN
from twin.documents import ocr
from twin.errors import UnknownName
from twin.world.weather import Weather


def test_a_reading_comes_shortly_after_the_front_passes() -> None:
    """The plate is read when the front passes the trigger line, after the latency, once."""

    async def check(rig: Rig) -> None:
        rig.drive(to_m=3.9)
        await rig.clock.sleep(20)
        assert rig.readings == []
        mover = rig.lane.movers[0]
        rig.lane.remove(mover)
        rig.drive()
        await rig.clock.sleep(30)

    rig = on_rig(check)
    (reading,) = rig.readings
    assert reading.plate == "14C12345"
    assert reading.confidence > 90
    passed_s = 20 + (2 * 4.0) ** 0.5  # 4 m at 1 m/s² from rest
    assert passed_s + 0.05 < reading.t_ns / 1e9 < passed_s + 1.0
    (record,) = rig.records("device.state")
    assert record.payload["vehicle"] == "v1"
    assert record.payload["plate"] == reading.plate
    assert reading.record == record.id


def test_mud_makes_a_plate_unknown() -> None:
    """A plate under mud is reported as unknown with confidence 0, never as a guess."""

    async def check(rig: Rig) -> None:
        rig.drive(truck(dirt=1.0))
        await rig.clock.sleep(30)

    (reading,) = on_rig(check).readings
    assert (reading.plate, reading.confidence, reading.confidences) == (UNKNOWN, 0, ())
    assert not reading.known


def test_dirt_night_and_rain_each_cost_quality() -> None:
    """Every influence alone lowers the quality; together they add up and stay within 0 and 1."""

    async def main(clock: Clock) -> list[float]:
        noon, night = Weather(clock, 12.0), Weather(clock, 23.0)
        rain = Weather(clock, 12.0, rain_mm_h=40.0)
        storm = Weather(clock, 23.0, rain_mm_h=80.0)
        return [
            Rig(clock, weather=weather).camera.quality(truck(dirt=dirt))
            for weather, dirt in [(noon, 0.0), (noon, 0.7), (night, 0.0), (rain, 0.0), (storm, 1.0)]
        ]

    best, dirty, night, rainy, worst = run_virtual(main)
    assert best == 1.0
    assert 0.0 <= worst < min(dirty, night, rainy)
    assert max(dirty, night, rainy) < 0.95


def test_whole_plates_of_a_clean_day_reach_the_operators_target() -> None:
    """Of 400 trucks with the usual dirt by day at least 95 % are read whole, and not all are."""

    async def main(clock: Clock) -> int:
        rig = Rig(clock, weather=Weather(clock, 9.0))
        right = 0
        for number in range(400):
            plate = f"14C{number * 37 % 100000:05d}"
            read, _ = rig.camera._read(truck(plate, dirt=0.25 * (number % 10) / 10))
            right += read == plate
        return right

    assert 380 <= run_virtual(main) < 400


def test_a_manual_snap_reads_what_is_in_view() -> None:
    """A snap reads the truck whose front is in view, and nothing once the front has gone on."""

    async def check(rig: Rig) -> None:
        rig.drive(to_m=6.0)
        await rig.clock.sleep(20)
        rig.camera.snap()
        await rig.clock.sleep(2)
        mover = rig.lane.movers[0]
        rig.lane.remove(mover)
        rig.camera.snap()
        await rig.clock.sleep(2)

    rig = on_rig(check)
    automatic, seen, empty = rig.readings
    assert (automatic.manual, seen.manual, empty.manual) == (False, True, True)
    assert (seen.plate, empty.plate) == ("14C12345", UNKNOWN)
    assert len(rig.records("device.command")) == 2


def test_a_plate_that_has_gone_by_is_not_in_view() -> None:
    """With the front beyond the view a snap reads nothing, although the body still stands there."""

    async def check(rig: Rig) -> None:
        rig.drive(to_m=15.0)
        await rig.clock.sleep(20)
        assert rig.camera.sight().plate is None
        rig.camera.snap()
        await rig.clock.sleep(2)

    assert [reading.plate for reading in on_rig(check).readings] == ["14C12345", UNKNOWN]


def test_the_truck_behind_stays_in_view_when_the_one_ahead_leaves() -> None:
    """The rear of one truck leaving the view does not hide the front of the next."""

    async def check(rig: Rig) -> None:
        first = rig.drive(truck("14C11111"), to_m=16.0)
        await rig.clock.sleep(20)
        rig.drive(truck("14C22222", id="v2"), to_m=3.0)
        await rig.clock.sleep(20)
        rig.lane.remove(first)
        assert rig.camera.sight().plate == "14C22222"

    on_rig(check)


def test_points_show_the_last_reading() -> None:
    """The points carry what a wire needs: online, plate, confidence, count, snap."""

    async def check(rig: Rig) -> None:
        points = rig.camera.points
        assert (points["plate"].read(), points["reads"].read()) == ("", 0)
        assert points["online"].read() is True
        rig.drive(to_m=7.0)
        await rig.clock.sleep(20)
        assert points["plate"].read() == "14C12345"
        assert points["confidence"].read() == rig.readings[0].confidence
        snap = points["snap"].write
        assert snap is not None
        snap(False)
        snap(True)
        await rig.clock.sleep(5)
        assert points["reads"].read() == 2
        assert points["snap"].read() is False

    on_rig(check)


async def _pass(rig: Rig, vehicle_id: str = "v1", plate: str = "14C12345") -> None:
    mover = rig.drive(truck(plate, id=vehicle_id))
    await rig.clock.sleep(20)
    rig.lane.remove(mover)


@pytest.mark.parametrize("kind", ["blind", "offline", "frozen"])
def test_a_camera_that_cannot_see_or_speak_says_nothing(kind: str) -> None:
    """While blind, offline or frozen no plate is reported; after healing the next one is."""

    async def check(rig: Rig) -> None:
        rig.camera.inject(kind)
        await _pass(rig, "v1")
        assert rig.readings == []
        rig.camera.heal(kind)
        await _pass(rig, "v2")

    rig = on_rig(check)
    states = [(r.payload["state"], r.payload["vehicle"]) for r in rig.records("device.state")]
    assert states == [("missed", "v1"), ("read", "v2")]
    assert len(rig.readings) == 1
    assert [record.payload["kind"] for record in rig.records("fault.begin")] == [kind]
    assert len(rig.records("fault.end")) == 1


def test_slow_recognition_comes_late() -> None:
    """`slow` adds its delay to the latency and changes nothing else."""

    async def check(rig: Rig) -> None:
        rig.camera.inject("slow", delay_s=12.0)
        rig.drive()
        await rig.clock.sleep(60)

    (late,) = on_rig(check).readings
    assert late.plate == "14C12345"
    assert 14.5 < late.t_ns / 1e9 < 16


@pytest.mark.parametrize("characters", [1, 2])
def test_misread_is_near_but_wrong(characters: int) -> None:
    """A forced misreading differs in as many look-alikes as asked, and is near the truth."""

    async def check(rig: Rig) -> None:
        rig.camera.inject("misread", characters=characters)
        for number in range(2):
            await _pass(rig, f"v{number}")

    for reading in on_rig(check).readings:
        pairs = zip(reading.plate, "14C12345", strict=True)
        wrong = [(seen, true) for seen, true in pairs if seen != true]
        assert len(wrong) == characters
        assert all(ocr.confusable(seen, true) for seen, true in wrong)
        assert ocr.near(reading.plate, "14C12345")


def test_unreadable_and_dirty_lens() -> None:
    """`unreadable` hides each plate, a fully dirty lens too."""

    async def check(rig: Rig) -> None:
        rig.camera.inject("unreadable")
        await _pass(rig, "v1")
        rig.camera.heal("unreadable")
        rig.camera.inject("dirty_lens", amount=1.0)
        await _pass(rig, "v2")

    assert [reading.plate for reading in on_rig(check).readings] == [UNKNOWN, UNKNOWN]


def test_the_last_plate_is_resent_as_if_new() -> None:
    """Repeats have the old plate, a fresh UUID and a fresh time, and end with the next truck."""

    async def check(rig: Rig) -> None:
        rig.camera.inject("resend_last_plate", period_s=4.0, count=2)
        await _pass(rig, "v1", "14C11111")
        await _pass(rig, "v2", "14C22222")
        rig.camera.heal("resend_last_plate")
        await rig.clock.sleep(30)

    rig = on_rig(check)
    plates = [reading.plate for reading in rig.readings]
    assert plates == ["14C11111"] * 3 + ["14C22222"] * 3
    assert [reading.repeat for reading in rig.readings] == [False, True, True] * 2
    assert len({reading.uuid for reading in rig.readings}) == 6
    assert rig.readings[1].t_ns - rig.readings[0].t_ns == 4_000_000_000
    assert len(rig.camera.readings) == 2


def test_a_ghost_is_a_plate_without_a_truck() -> None:
    """`ghost` reports its plate at once, believed, with no vehicle behind it."""

    async def check(rig: Rig) -> None:
        rig.camera.inject("ghost", plate="29C99999")

    rig = on_rig(check)
    (reading,) = rig.readings
    assert (reading.plate, reading.sight.plate) == ("29C99999", None)
    assert reading.confidence >= 90
    assert rig.records("device.state")[0].payload["vehicle"] is None


def test_clock_skew_moves_only_the_cameras_time() -> None:
    """A skewed clock shifts time stamps by its skew; the reading itself is on time."""

    async def check(rig: Rig) -> None:
        right = rig.camera.business_time()
        rig.camera.inject("clock_skew", skew_s=-3600)
        assert (right, rig.camera.business_time()) == (
            "2023-05-30T00:00:00.000+07:00", "2023-05-29T23:00:00.000+07:00",
        )  # fmt: skip

    on_rig(check)


def test_faults_are_checked_at_injection() -> None:
    """A fault, parameter or value that does not exist is refused and named."""

    async def check(rig: Rig) -> None:
        with pytest.raises(UnknownName, match="blind"):
            rig.camera.inject("blnd")
        with pytest.raises(UnknownName, match="delay_s"):
            rig.camera.inject("slow", delay=1)
        with pytest.raises(FaultError, match="outside"):
            rig.camera.inject("misread", probability=2.0)

    on_rig(check)


def test_one_seed_one_trace() -> None:
    """The same seed gives the same readings, UUIDs and trace; another seed gives others."""

    async def check(rig: Rig) -> None:
        rig.camera.inject("misread", probability=0.5)
        for number in range(4):
            await _pass(rig, f"v{number}")

    first, again, other = on_rig(check), on_rig(check), on_rig(check, seed=2)
    assert first.trace.sha256() == again.trace.sha256() != other.trace.sha256()


@pytest.mark.parametrize("kind", ["offline", "frozen"])
def test_a_reading_under_way_is_lost_with_the_camera(kind: str) -> None:
    """A fault that begins between the picture and the result lets no result out."""

    async def check(rig: Rig) -> None:
        rig.camera.inject("slow", delay_s=10.0)
        rig.drive()
        await rig.clock.sleep(5)
        rig.camera.inject(kind)
        await rig.clock.sleep(30)

    assert on_rig(check).readings == []


def test_repeats_begin_with_the_fault_and_only_once() -> None:
    """Injected after a reading the fault repeats that one; injected again it starts anew."""

    async def check(rig: Rig) -> None:
        rig.camera.inject("resend_last_plate")
        rig.camera.heal("resend_last_plate")
        await _pass(rig)
        rig.camera.inject("resend_last_plate", period_s=2.0, count=5)
        await rig.clock.sleep(3)
        rig.camera.inject("resend_last_plate", period_s=2.0, count=2)
        await rig.clock.sleep(60)

    plates = [reading.repeat for reading in on_rig(check).readings]
    assert plates == [False, True, True, True]
