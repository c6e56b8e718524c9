"""Loops and the traffic light: what they see and show, and how they lie when they are broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.devices.lane_bench import GEOMETRY, TRUCK, Bench, on_bench
from twin.clock import NS
from twin.devices.base import Device
from twin.devices.light import TrafficLight
from twin.devices.loops import CHANNELS, Loops
from twin.world.motion import drive_to


def test_a_loop_is_covered_from_the_front_to_the_rear() -> None:
    """Every channel goes on and off at the instants of the closed form, in order of place."""

    async def script(bench: Bench) -> None:
        mover = bench.lane.enter(TRUCK, -2.0)
        motion = drive_to(bench.clock.env.now, -2.0, 0.0, 60.0, TRUCK.limits)
        bench.lane.move(mover, motion)
        await bench.clock.sleep(60)
        spans = {
            "approach": (GEOMETRY.approach_from_m, GEOMETRY.approach_to_m),
            "arm_a": (GEOMETRY.arm_line_m - 1.0, GEOMETRY.arm_line_m),
            "arm_b": (GEOMETRY.arm_line_m, GEOMETRY.arm_line_m + 1.0),
            "exit": (GEOMETRY.exit_from_m, GEOMETRY.exit_to_m),
        }
        for channel, (from_m, to_m) in spans.items():
            on = motion.when(from_m) or 0
            off = motion.when(to_m + TRUCK.length_m) or 0
            heard = [at_s for what, at_s in bench.told if what == channel]
            assert heard == pytest.approx([on / NS, off / NS])

    on_bench(script)


def test_a_parked_truck_covers_what_it_stands_on() -> None:
    """At the stop line a truck covers no arm loop; under the arm it covers both channels."""

    async def at_stop_line(bench: Bench) -> None:
        await bench.park(GEOMETRY.stop_line_m)
        assert bench.shown() == dict.fromkeys(CHANNELS, False)

    async def under_arm(bench: Bench) -> None:
        await bench.park(28.0)
        assert bench.shown() == {"approach": False, "arm_a": True, "arm_b": True, "exit": False}

    on_bench(at_stop_line)
    on_bench(under_arm)


def test_crosstalk_answers_to_the_neighbour() -> None:
    """The exit loop hears the truck above the arm loop, until it is mended."""

    async def script(bench: Bench) -> None:
        await bench.park(28.0)
        bench.loops.inject("crosstalk", channel="exit", heard="arm_b")
        assert bench.shown()["exit"]
        bench.loops.heal("crosstalk")
        assert not bench.shown()["exit"]

    on_bench(script)


@pytest.mark.parametrize("occupied", [True, False])
def test_a_stuck_channel_keeps_its_state(occupied: bool) -> None:
    """Whatever stands there, a stuck channel shows the same."""

    async def script(bench: Bench) -> None:
        bench.loops.inject("stuck", channel="arm_a", occupied=occupied)
        assert bench.shown()["arm_a"] is occupied
        await bench.park(28.0)
        assert bench.shown()["arm_a"] is occupied
        bench.loops.heal("stuck")
        assert bench.shown()["arm_a"]

    on_bench(script)


def test_a_standing_truck_drops_out_after_the_presence_limit() -> None:
    """The detector forgets who stands longer than its limit, and only on that channel."""

    async def script(bench: Bench) -> None:
        bench.loops.inject("max_presence", channel="arm_a", after_s=5.0)
        await bench.park(28.0)
        assert bench.shown()["arm_a"]
        await bench.clock.sleep(6.0)
        assert not bench.shown()["arm_a"]
        assert bench.shown()["arm_b"]

    on_bench(script)


def test_the_presence_limit_counts_from_the_injection_for_who_stands_there_already() -> None:
    """A truck that stands already is dropped too, and comes back when the detector is mended."""

    async def script(bench: Bench) -> None:
        await bench.park(28.0)
        bench.loops.inject("max_presence", channel="arm_a", after_s=5.0)
        await bench.clock.sleep(4.0)
        assert bench.shown()["arm_a"]
        await bench.clock.sleep(2.0)
        assert not bench.shown()["arm_a"]
        bench.loops.heal("max_presence")
        assert bench.shown()["arm_a"]

    on_bench(script)


def test_a_lamp_follows_its_relay() -> None:
    """The driver sees what was switched, and every change is in the trace once."""

    async def script(bench: Bench) -> None:
        lamp, points = bench.lane.lamp, bench.light.points
        for name, on in (("red", False), ("green", True), ("divert", True), ("divert", True)):
            writer = points[name].write
            assert writer is not None
            writer(on)
            assert points[name].read() is on
        assert (lamp.red, lamp.green, lamp.divert) == (False, True, True)
        assert sum(record.kind == "lamp" for record in bench.trace.records()) == 3

    on_bench(script)


def test_a_dead_bulb_is_dark_and_its_relay_does_not_know() -> None:
    """lamp_out: ordered and reported green, seen dark."""

    async def script(bench: Bench) -> None:
        writer = bench.light.points["green"].write
        assert writer is not None
        bench.light.inject("lamp_out", lamp="green")
        writer(True)
        assert bench.light.points["green"].read() is True
        assert not bench.lane.lamp.green
        bench.light.heal("lamp_out")
        assert bench.lane.lamp.green

    on_bench(script)


def test_a_welded_relay_keeps_its_lamp_lit() -> None:
    """welded: ordered dark, seen lit."""

    async def script(bench: Bench) -> None:
        writer = bench.light.points["red"].write
        assert writer is not None
        bench.light.inject("welded", lamp="red")
        writer(False)
        assert bench.lane.lamp.red
        bench.light.heal("welded")
        assert not bench.lane.lamp.red

    on_bench(script)


@pytest.mark.parametrize(("kind", "page"), [(Loops, "loops.md"), (TrafficLight, "light.md")])
def test_the_page_lists_the_fault_menu(kind: type[Device], page: str) -> None:
    """Every fault stands on the page with its words and its parameters."""
    text = (Path(__file__).parents[2] / "docs" / "devices" / page).read_text(encoding="utf-8")
    for fault in kind.FAULTS.values():
        parameters = ", ".join(f"`{name}`" for name in fault.parameters)
        assert f"| `{fault.kind}` | {fault.doc} | {parameters} |" in text
