"""The barrier with something in its way: reversal, safety input, closing by itself."""

from __future__ import annotations

import pytest

from tests.devices.bench import TRUCK, Bench, play
from tests.physics.engines import every_engine
from twin.devices.barrier import BarrierError, BarrierParameters


@every_engine
def test_an_obstacle_reverses_the_arm_to_open(name):
    """Overload, reversal after its delay, open; the error and the obstacle are shown."""

    async def script(bench: Bench) -> None:
        await bench.to("open")
        bench.arm.set_obstacle(TRUCK)
        await bench.to("close", 8)
        assert bench.read("gate_status") == "open"
        assert bench.read("obstacle")
        assert bench.read("last_error") == BarrierError.OBSTACLE
        bench.arm.set_obstacle(None)
        await bench.to("close")
        assert not bench.read("obstacle")

    bench = play(script, name=name)
    (contact,) = bench.records("arm.contact")
    back = next(
        r
        for r in bench.records("arm.motion")
        if r.t_ns > contact.t_ns and r.payload["direction"] == "up"
    )
    assert back.t_s - contact.t_s < 0.06 + 0.1
    assert contact.payload["after_750ms_n"] < 150


def test_an_open_order_is_obeyed_before_a_late_reversal():
    """Who sees the accident and orders up does not wait for the drive's own reaction."""

    async def script(bench: Bench) -> None:
        await bench.to("open")
        bench.barrier.inject("reversal_late", delay_s=3)
        bench.arm.set_obstacle(TRUCK)
        await bench.to("close", 2)
        assert await bench.to("open", 5) == "open"

    bench = play(script)
    contact = bench.records("arm.contact")[0]
    ups = [r for r in bench.records("arm.motion") if r.t_ns > contact.t_ns]
    assert [r.payload["direction"] for r in ups] == ["up"]
    assert ups[0].t_s - contact.t_s < 1


def test_a_reversal_that_was_forestalled_leaves_the_run_time_watched():
    """The late reversal has nothing left to do, and must not forget that the motor runs."""

    async def script(bench: Bench) -> None:
        await bench.to("open")
        bench.barrier.inject("reversal_late", delay_s=3)
        bench.barrier.inject("limit_switch_dead", which="open")
        bench.arm.set_obstacle(TRUCK)
        await bench.to("close", 2)
        assert await bench.to("open", 8) == "stopped"
        assert bench.read("last_error") == BarrierError.RUN_TIME

    play(script)


def test_a_close_order_does_not_put_off_a_reversal():
    """Closing again at the moment of an obstacle is not heard: first the arm goes up."""

    async def script(bench: Bench) -> None:
        await bench.to("open")
        bench.arm.set_obstacle(TRUCK)
        bench.barrier.command("close")
        for _ in range(300):
            await bench.wait(0.01)
            if bench.read("last_error") == BarrierError.OBSTACLE:
                bench.barrier.command("close")
        assert bench.read("gate_status") in ("opening", "open", "closing")

    bench = play(script)
    contact = bench.records("arm.contact")[0]
    after = [r for r in bench.records("arm.motion") if r.t_ns > contact.t_ns]
    assert after[0].payload["direction"] == "up"
    assert after[0].t_s - contact.t_s < 0.1


def test_the_safety_input_forbids_closing():
    """With something under the arm a close order is taken and nothing moves."""

    async def script(bench: Bench) -> None:
        await bench.to("open")
        bench.barrier.set_safety_input(True)
        assert await bench.to("close") == "open"
        assert bench.read("inputs") & 1
        await bench.to("close", 0.05)
        bench.barrier.set_safety_input(False)
        await bench.wait(6)
        assert bench.read("gate_status") == "open"  # an order of before does not count
        assert await bench.to("close") == "closed"

    play(script)


@pytest.mark.parametrize("at_s", [0.1, 0.16, 1.0, 2.9])
def test_the_safety_input_reverses_a_closing_arm(at_s):
    """Whenever it comes during closing, the arm ends open, and stays so when it goes."""

    async def script(bench: Bench) -> None:
        await bench.to("open")
        await bench.to("close", at_s)
        bench.barrier.set_safety_input(True)
        await bench.wait(6)
        assert bench.read("gate_status") == "open"
        bench.barrier.set_safety_input(False)
        await bench.wait(6)
        assert bench.read("gate_status") == "open"

    play(script)


def test_auto_close_waits_for_a_clear_way():
    """Off by default; where it is on, it closes after its time, but never onto something."""

    async def never(bench: Bench) -> None:
        await bench.to("open", 60)
        assert bench.read("gate_status") == "open"

    async def always(bench: Bench) -> None:
        await bench.to("open", 5)
        bench.barrier.set_safety_input(True)
        await bench.wait(30)
        assert bench.read("gate_status") == "open"
        bench.barrier.set_safety_input(False)
        await bench.wait(15)
        assert bench.read("gate_status") == "closed"

    play(never)
    play(always, parameters=BarrierParameters(auto_close_s=5.0))
