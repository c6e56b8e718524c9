"""Wear of what acts, held against its formula: drive, lamps and relays; a worn lane still works."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from tests.devices import wear_pages
from tests.devices.bench import Bench, play
from tests.devices.lane_bench import Bench as LaneBench
from tests.devices.lane_bench import on_bench
from twin import site as sites
from twin.clock import Clock, run_virtual
from twin.devices import barrier_wear
from twin.devices.base import Device, FaultError
from twin.devices.light import SEEN_FROM, STRINGS
from twin.devices.remote_io import RemoteIO
from twin.devices.wear import Part, Wear
from twin.errors import GateTwinError, UnknownName
from twin.rig import Rig
from twin.trace import Trace


def test_age_is_what_was_before_and_what_was_used() -> None:
    """Site, fault, use and running hours add up; ending the fault takes its share away."""

    async def main(clock: Clock) -> None:
        faults: dict[str, Any] = {}
        wear = Wear(clock, {"a": Part("h", 100, "test"), "b": Part("cycles", 10, "test")}, faults)
        wear.begin(0.5, "a")
        wear.run("a", 2.0)
        wear.use("b", 3.0)
        await clock.sleep(3600)
        wear.run("a", 0.0)
        await clock.sleep(3600)
        assert wear.age("a") == pytest.approx(52.0)
        assert wear.share("b") == pytest.approx(0.3)
        faults["worn"] = {"share": 1.0, "part": "b"}
        assert wear.share("a") == pytest.approx(0.52)
        assert wear.share("b") == pytest.approx(1.3)
        faults.clear()
        assert wear.share("b") == pytest.approx(0.3)
        with pytest.raises(UnknownName):
            wear.begin(0.5, "c")
        with pytest.raises(GateTwinError, match="outside 0"):
            wear.begin(2.5)

    run_virtual(main)


def test_a_worn_device_is_in_the_trace() -> None:
    """Beginning and end of the fault record age, unit and share of each part it touches."""

    async def script(bench: Bench) -> None:
        bench.barrier.inject("worn", share=0.5)
        bench.barrier.heal("worn")

    begun, ended = play(script).records("device.wear")
    assert begun.payload == {"part": "drive", "age": 1e6, "unit": "cycles", "share": 0.5}
    assert ended.payload["age"] == 0.0


def test_a_share_beyond_twice_the_life_is_refused() -> None:
    """The message names device, fault, value and limit."""

    async def script(bench: Bench) -> None:
        with pytest.raises(FaultError, match=r"worn: share: 2\.5 is outside 0 to 2"):
            bench.barrier.inject("worn", share=2.5)

    play(script)


async def _open_s(bench: Bench) -> float:
    """Travel time of one opening."""
    await bench.to("close", 15)
    await bench.to("open", 15)
    moves = bench.records("arm.motion", "arm.rest")[-2:]
    return (moves[1].t_ns - moves[0].t_ns) / 1e9


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0, 2.0])
def test_a_worn_drive_is_slower_by_its_line_of_speed_over_torque(share: float) -> None:
    """Travel time, friction, spring and motor load are those of the formula."""

    async def script(bench: Bench) -> None:
        new = bench.arm.parameters
        bench.barrier.inject("worn", share=share)
        took_s = await _open_s(bench)
        gravity_nm = new.mass_kg * 9.80665 * new.length_m / 2
        load_new = new.friction_nm + (1 - new.balance_share) * gravity_nm
        friction = new.friction_nm * (1 + 2 * share)
        load_worn = friction + (1 - new.balance_share * (1 - 0.08 * share)) * gravity_nm
        pace = (new.motor_limit_nm - load_worn) / (new.motor_limit_nm - load_new)
        assert took_s == pytest.approx(new.open_s / pace, rel=2e-3)
        assert bench.arm.parameters.friction_nm == pytest.approx(friction)
        assert bench.read("motor_load_percent") == pytest.approx(
            100 * load_worn / new.motor_limit_nm, abs=0.06
        )

    play(script)


def test_a_new_drive_is_as_it_was_made() -> None:
    """A thousand moves cost a new drive nothing that anybody could measure."""
    new = play(_nothing).arm.parameters
    share = 500 / barrier_wear.PARTS["drive"].rated
    worn = barrier_wear.worn_arm(new, share, barrier_wear.DriveWear())
    assert barrier_wear.pace(new, worn) == 1.0


async def _nothing(bench: Bench) -> None:
    del bench


def test_an_old_barrier_has_a_high_counter() -> None:
    """The wire's counter shows what it did before, and goes on counting."""

    async def script(bench: Bench) -> None:
        bench.barrier.begin_worn(0.25)
        await bench.to("open")
        assert bench.read("operations") == 1_000_001
        assert bench.read("partial_operations") == 1
        assert bench.barrier.wear.age("drive") == pytest.approx(500_000.5)

    play(script)


@pytest.mark.parametrize("share", [0.0, 1.0, 1.3, 1.5, 2.0])
def test_leds_fade_by_l70_and_lose_strings_beyond(share: float) -> None:
    """0.7 to the power of the share, less a quarter for each string; dark below three tenths."""

    async def script(bench: LaneBench) -> None:
        bench.light.inject("worn", share=share, part="green")
        writer = bench.light.points["green"].write
        assert writer is not None
        writer(True)
        failed = math.floor(max(0.0, share - 1) * 4) / STRINGS
        expected = 0.7**share * (1 - failed)
        assert bench.light.brightness("green") == pytest.approx(expected)
        assert bench.lane.lamp.green is (expected >= SEEN_FROM)
        assert bench.light.points["green"].read() is True, "its relay knows nothing of it"
        assert not bench.lane.lamp.red, "nobody has switched it on"

    on_bench(script)


def test_a_lamp_ages_while_it_is_lit() -> None:
    """Hours are counted for each lamp from its relay."""

    async def script(bench: LaneBench) -> None:
        writer = bench.light.points["green"].write
        assert writer is not None
        await bench.clock.sleep(3600)
        writer(True)
        await bench.clock.sleep(1800)
        writer(False)
        await bench.clock.sleep(3600)
        assert bench.light.wear.age("green") == pytest.approx(0.5)
        assert bench.light.wear.age("red") == 0.0, "nobody has switched it on"

    on_bench(script)


def _switched(share: float, orders: int, seed: int = 3) -> tuple[int, int, RemoteIO]:
    """How often a relay missed and welded in so many operations."""
    found: list[tuple[int, int, RemoteIO]] = []

    async def main(clock: Clock) -> None:
        trace = Trace(clock)
        io = RemoteIO("io", clock, trace, random.Random(seed))
        io.begin_worn(share, "lamp_green")
        write = io.points["lamp_green"].write
        assert write is not None
        for number in range(2 * orders):
            write(number % 2 == 0)
            await clock.sleep(0.1)
        states = [r.payload["state"] for r in trace.records() if r.kind == "device.state"]
        found.append((states.count("missed"), states.count("welded"), io))

    run_virtual(main)
    return found[0]


def test_a_new_relay_follows_its_coil() -> None:
    """No contact of a new relay fails in a thousand operations, and they are counted."""
    missed, welded, io = _switched(0.0, 1000)
    assert (missed, welded) == (0, 0)
    assert io.wear.age("lamp_green") == pytest.approx(1000)


def test_worn_contacts_fail_at_the_rate_of_the_formula() -> None:
    """At twice the rated life 16 % of the moves fail, of both kinds, within 99.9 % of chance."""
    missed, welded, io = _switched(2.0, 1000)
    rate = 0.01 * 2.0**4
    assert io.failure_rate("lamp_green") == pytest.approx(rate, rel=0.05)
    # After a failed move the next order finds the contact where it wants it: no draw.
    expected = rate / (1 + rate)
    sigma = math.sqrt(expected * (1 - expected) / 2000)
    assert abs((missed + welded) / 2000 - expected) < 3.3 * sigma
    assert missed
    assert welded


def test_a_worn_lane_is_a_site_file_away() -> None:
    """`wear` of a lane ages its devices, and the wire's counter shows it."""
    path = sites.SITES / "bac-luan-2.toml"
    text = path.read_text(encoding="utf-8")
    text = text.replace(
        "arm = { length_m = 4.0, travel_s = 3.0 }", "arm = { length_m = 4.0, travel_s = 3.0 }\n"
        "wear = { barrier = 0.8, light = 0.5 }", 1,
    ).replace("\n[sources]", '\n[sources]\n"lanes.*.wear.*" = "estimate: a worn lane"')  # fmt: skip
    with Rig(sites.loads(text), lanes=["in-1"]) as rig:
        lane = rig.gate.devices["in-1"]
        assert lane.barrier.points["operations"].read() == 3_200_000
        assert lane.light.brightness("red") == pytest.approx(0.7**0.5, rel=1e-6)
        aged = {r.source: r.payload for r in rig.records if r.kind == "device.wear"}
        assert aged["in-1.barrier"]["share"] == 0.8
        rig.vehicle()
        assert rig.until_clear(300)
        assert rig.judge().held


@pytest.mark.slow
@pytest.mark.parametrize("share", [1.0, 1.5])
def test_the_reference_stack_runs_a_worn_lane(share: float) -> None:
    """With every device at the end of its life trucks still pass lawfully."""
    with Rig(lanes=["in-1"]) as rig:
        for role in ("barrier", "scale", "camera", "light", "io"):
            rig.inject(f"in-1.{role}", "worn", share=share if role != "light" else 1.0)
        for _ in range(4):
            rig.vehicle()
            rig.wait(60)
        assert rig.until_clear(1200)
        assert rig.judge().held


@pytest.mark.parametrize("kind", wear_pages.DEVICES.values(), ids=lambda kind: kind.__name__)
def test_every_device_of_a_lane_wears(kind: type[Device]) -> None:
    """Each has parts with a rated life and a source, and the fault that ages them."""
    assert kind.PARTS
    for part in kind.PARTS.values():
        assert part.rated > 0
        assert part.source
    assert set(kind.FAULTS["worn"].parameters["part"].choices) == {"all", *kind.PARTS}


def test_the_page_lists_every_part() -> None:
    """Regenerating changes nothing; if it does: python -m tests.devices.wear_pages."""
    text = wear_pages.PAGE.read_text(encoding="utf-8")
    assert wear_pages.filled(text) == text
    assert text.count("| `io` |") == len(RemoteIO.PARTS)
