"""The barrier's controller under orders: what it does with each, and what it then believes."""

from __future__ import annotations

import itertools

import pytest

from tests.devices.bench import Bench, play
from tests.physics.engines import every_engine
from twin.devices.barrier import COMMANDS, BarrierError, BarrierParameters


@every_engine
def test_a_cycle_passes_through_the_states_a_status_list_needs(name):
    """Closed, opening, open, closing, closed; position follows; two operations are counted."""

    async def script(bench: Bench) -> None:
        assert bench.read("gate_status") == "closed"
        assert bench.read("limit_closed")
        assert await bench.to("open", 1.65) == "opening"
        assert bench.read("position_percent") == pytest.approx(50, abs=2)
        await bench.wait(2)
        assert bench.read("gate_status") == "open"
        assert (bench.read("position_percent"), bench.read("limit_open")) == (100, True)
        assert await bench.to("close", 1.65) == "closing"
        await bench.wait(2)
        assert bench.read("gate_status") == "closed"
        assert (bench.read("position_percent"), bench.read("limit_open")) == (0, False)
        assert (bench.read("operations"), bench.read("last_error")) == (2, 0)

    assert play(script, name=name).states() == ["opening", "open", "closing", "closed"]


def test_every_effect_names_its_cause():
    """Command, state, motion, rest and state again are one chain of causes."""

    async def script(bench: Bench) -> None:
        bench.barrier.command("open", cause=-1)
        await bench.wait(5)

    chain = play(script).records()
    assert [record.kind for record in chain] == [
        "device.command",
        "device.state",
        "arm.motion",
        "arm.rest",
        "device.state",
    ]
    assert all(later.cause == earlier.id for earlier, later in itertools.pairwise(chain))


def test_the_motor_starts_after_its_latency():
    """Nothing is shown before `start_s`; the arm has not moved either."""

    async def script(bench: Bench) -> None:
        bench.write("open", True)
        await bench.wait(0.14)
        assert (bench.read("gate_status"), bench.arm.moving) == ("closed", False)
        await bench.wait(0.02)
        assert (bench.read("gate_status"), bench.arm.moving) == ("opening", True)

    play(script)


def test_an_order_that_is_repeated_faster_than_the_latency_still_starts():
    """A master that writes the same coil every 50 ms does not put the start off for ever."""

    async def script(bench: Bench) -> None:
        for _ in range(10):
            bench.write("open", True)
            await bench.wait(0.05)
        assert bench.read("gate_status") == "opening"

    bench = play(script)
    assert bench.barrier.operations == 1


def test_writing_false_to_a_command_is_no_command():
    """Only a set coil is an order."""

    async def script(bench: Bench) -> None:
        for name in COMMANDS:
            bench.write(name, False)
            assert bench.read(name) is False
        await bench.wait(1)

    assert play(script).records() == []


def test_a_stopped_arm_says_where_it_is():
    """Stop ends between the ends, is not an error, and both ways lead on from there."""

    async def script(bench: Bench) -> None:
        await bench.to("open", 1.5)
        assert await bench.to("stop", 1) == "stopped"
        assert 10 < bench.read("position_percent") < 90
        assert await bench.to("close", 4) == "closed"
        await bench.to("open", 1.5)
        await bench.to("stop", 1)
        assert await bench.to("open", 4) == "open"
        assert bench.read("last_error") == 0

    play(script)


def test_stop_before_the_motor_starts_cancels_the_start():
    """An open and a stop within the latency move nothing."""

    async def script(bench: Bench) -> None:
        bench.barrier.command("open")
        assert await bench.to("stop") == "closed"

    assert play(script).records("arm.motion") == []


def test_a_partial_opening_stops_half_way():
    """It shows its own states, ends at its share, and leads on to open."""

    async def script(bench: Bench) -> None:
        assert await bench.to("partial_open", 1) == "partial_opening"
        await bench.wait(4)
        assert bench.read("gate_status") == "partial_open"
        assert bench.read("position_percent") == 50
        await bench.to("partial_open")
        assert bench.read("operations") == 1  # it is there already
        assert await bench.to("open") == "open"
        assert await bench.to("partial_open") == "open"  # a partial opening never closes

    play(script)


def test_the_step_button_goes_open_stop_close_stop():
    """One button in turn, through a stop while the arm moves."""

    async def script(bench: Bench) -> None:
        assert await bench.to("step", 1) == "opening"
        assert await bench.to("step", 1) == "stopped"
        assert await bench.to("step", 0.5) == "closing"
        assert await bench.to("step", 1) == "stopped"
        assert await bench.to("step", 6) == "open"
        assert await bench.to("step", 6) == "closed"

    play(script)


def test_the_sequential_button_goes_open_close():
    """One button in turn, reversing a moving arm."""

    async def script(bench: Bench) -> None:
        assert await bench.to("sequential", 1) == "opening"
        assert await bench.to("sequential", 1) == "closing"
        assert await bench.to("sequential", 1) == "opening"
        await bench.wait(5)
        assert await bench.to("sequential") == "closed"

    play(script)


def test_reset_clears_error_and_partial_counter_and_stops():
    """After a reset the board is as new, but for the counter of a lifetime."""

    async def script(bench: Bench) -> None:
        bench.barrier.inject("stuck")
        await bench.to("open")
        bench.barrier.heal("stuck")
        assert bench.read("last_error") == BarrierError.DRIVE_BLOCKED
        await bench.to("open", 1)
        assert await bench.to("reset", 1) == "stopped"
        assert bench.read("last_error") == 0
        assert (bench.read("operations"), bench.read("partial_operations")) == (2, 0)

    play(script)


def test_a_relay_contact_is_an_order_and_a_held_one_keeps_the_arm_up():
    """A pulse opens; a held open contact inhibits closing; a bounce is not noticed."""

    async def script(bench: Bench) -> None:
        bench.write("contact_open", True)
        await bench.wait(0.005)
        bench.write("contact_open", False)
        await bench.wait(0.005)
        bench.write("contact_open", True)
        await bench.wait(0.015)
        bench.write("contact_open", False)
        await bench.wait(1)
        assert bench.read("gate_status") == "closed"
        bench.write("contact_open", True)
        await bench.wait(4)
        assert (bench.read("gate_status"), bench.read("contact_open")) == ("open", True)
        assert bench.read("inputs") & 0b10
        assert await bench.to("close") == "open"
        bench.write("contact_open", False)
        bench.write("contact_close", True)
        await bench.wait(0.5)
        bench.write("contact_close", False)
        await bench.wait(4)
        assert bench.read("gate_status") == "closed"
        bench.write("contact_stop", True)
        assert await bench.to("open") == "closed"

    via = {r.payload["via"] for r in play(script).records("device.command")}
    assert via == {"wire", "contact"}


def test_a_cold_controller_searches_its_end_slowly():
    """Unknown and without position until the first move has found an end."""

    async def script(bench: Bench) -> None:
        assert bench.read("gate_status") == "unknown"
        assert bench.read("position_percent") == "unknown"
        assert bench.read("needs_calibration")
        assert await bench.to("open", 4) == "calibrating"
        await bench.to("open", 6)
        assert bench.read("gate_status") == "open"
        assert bench.read("position_percent") == 100
        assert not bench.read("needs_calibration")

    bench = play(script, parameters=BarrierParameters(calibrated=False))
    assert bench.barrier.operations == 1
    assert bench.records("arm.motion")[0].payload["speed"] == 0.4
