"""The barrier's faults: how each bends what it does and tells, and that it heals."""

from __future__ import annotations

import pytest

from tests.devices.bench import TRUCK, Bench, play
from tests.physics.engines import every_engine
from twin.devices.barrier import BarrierError
from twin.physics import ArmParameters


def test_stuck_gives_up_and_says_so_and_heals():
    """The motor strains, the drive reports blocked, nothing has moved; healed, it opens."""

    async def script(bench: Bench) -> None:
        bench.barrier.inject("stuck")
        assert await bench.to("open", 1) == "stopped"
        assert bench.read("last_error") == BarrierError.DRIVE_BLOCKED
        assert bench.arm.angle_deg() == 0
        bench.barrier.heal("stuck")
        assert await bench.to("open") == "open"

    play(script)


def test_stuck_while_closing_ends_stopped():
    """It takes the jam for an obstacle, tries to reverse, and gives up."""

    async def script(bench: Bench) -> None:
        await bench.to("open")
        await bench.to("close", 1.5)
        bench.barrier.inject("stuck")
        await bench.wait(1)
        assert bench.read("gate_status") == "stopped"

    states = play(script).states()
    assert states[-2:] == ["opening", "stopped"]


def test_slow_takes_longer_by_its_factor():
    """At half speed a travel takes twice its time; below two thirds the run time runs out."""

    async def half(bench: Bench) -> None:
        bench.barrier.inject("slow", factor=0.6)
        assert await bench.to("open", 4.5) == "opening"
        await bench.wait(1)
        assert bench.read("gate_status") == "open"

    async def tenth(bench: Bench) -> None:
        bench.barrier.inject("slow", factor=0.1)
        assert await bench.to("open", 10) == "stopped"
        assert bench.read("last_error") == BarrierError.RUN_TIME

    play(half)
    play(tenth)


@pytest.mark.parametrize("which", ["open", "both"])
def test_a_dead_limit_switch_leaves_the_controller_in_the_dark(which):
    """The arm is open, the switch is not: after its run time the drive stops with an error."""

    async def script(bench: Bench) -> None:
        bench.barrier.inject("limit_switch_dead", which=which)
        assert await bench.to("open", 4) == "opening"
        assert (bench.arm.angle_deg(), bench.read("limit_open")) == (90, False)
        await bench.wait(4)
        assert bench.read("gate_status") == "stopped"
        assert bench.read("last_error") == BarrierError.RUN_TIME
        bench.barrier.heal("limit_switch_dead")
        assert bench.read("limit_open")
        assert await bench.to("close") == "closed"

    play(script)


def test_ok_but_no_motion_takes_the_order_and_does_nothing():
    """The command is in the trace, the arm is where it was, and no error is shown."""

    async def script(bench: Bench) -> None:
        bench.barrier.inject("ok_but_no_motion")
        assert await bench.to("open") == "closed"
        assert bench.read("last_error") == 0
        bench.barrier.heal("ok_but_no_motion")
        assert await bench.to("open") == "open"

    bench = play(script)
    assert len(bench.records("device.command")) == 2
    assert len(bench.records("arm.motion")) == 1


def contact_and_reversal(*fault: str, **parameters: float) -> tuple[float, float | None, float]:
    """Time from contact to the way up, or None, with a fault; and the force from 0.75 s on."""

    async def script(bench: Bench) -> None:
        await bench.to("open")
        for kind in fault:
            bench.barrier.inject(kind, **parameters)
        bench.arm.set_obstacle(TRUCK)
        await bench.to("close", 9)

    # A short arm that is hit near its hinge: there a drive's static force is highest.
    bench = play(script, arm=ArmParameters(motor_torque_nm=400.0))
    (contact,) = bench.records("arm.contact")
    ups = [
        r.t_s - contact.t_s
        for r in bench.records("arm.motion")
        if r.t_ns > contact.t_ns and r.payload["direction"] == "up"
    ]
    peak_n, after_n = contact.payload["peak_n"], contact.payload["after_750ms_n"]
    return float(peak_n), ups[0] if ups else None, float(after_n)


def test_reversal_late_and_no_reversal_hurt_longer():
    """The delay shows in the trace, and the force from 0.75 s on breaks the norm's 150 N."""
    good_peak, good_s, good_n = contact_and_reversal()
    late_peak, late_s, late_n = contact_and_reversal("reversal_late", delay_s=1.5)
    never_peak, never_s, never_n = contact_and_reversal("no_reversal")
    assert good_s == pytest.approx(0.07, abs=0.01)
    assert late_s == pytest.approx(1.57, abs=0.01)
    assert never_s is None
    assert good_n < 150 < late_n
    assert never_n > 150
    assert good_peak == pytest.approx(never_peak, rel=0.2)
    assert late_peak == never_peak


def test_no_reversal_stops_when_its_run_time_is_over():
    """Even then the motor is not on for ever."""

    async def script(bench: Bench) -> None:
        await bench.to("open")
        bench.barrier.inject("no_reversal")
        bench.arm.set_obstacle(TRUCK)
        await bench.to("close", 9)
        assert bench.read("gate_status") == "stopped"
        assert bench.read("last_error") == BarrierError.RUN_TIME

    play(script)


@every_engine
def test_a_power_cut_between_the_ends_costs_the_position(name):
    """Dead while it lasts; then unknown, and the first order searches the end slowly."""

    async def script(bench: Bench) -> None:
        await bench.to("open", 1.6)
        bench.barrier.inject("power_cut")
        assert not bench.barrier.online
        assert await bench.to("open", 3) == "unknown"
        bench.barrier.heal("power_cut")
        assert bench.read("gate_status") == "unknown"
        assert bench.read("last_error") == BarrierError.POWER_FAILED
        assert await bench.to("close", 2) == "calibrating"
        await bench.wait(6)
        assert (bench.read("gate_status"), bench.read("position_percent")) == ("closed", 0)

    bench = play(script, name=name)
    assert [r.payload["on"] for r in bench.records("arm.power")] == [False, True]


def test_a_power_cut_at_an_end_is_recovered_by_its_switch():
    """A closed arm is known closed again at once."""

    async def script(bench: Bench) -> None:
        bench.barrier.inject("power_cut")
        await bench.wait(3)
        bench.barrier.heal("power_cut")
        assert bench.read("gate_status") == "closed"

    play(script)


def test_without_position_feedback_only_the_switches_speak():
    """Position is unknown, states still come, and partial opening still works by time."""

    async def script(bench: Bench) -> None:
        bench.barrier.inject("no_position_feedback")
        assert await bench.to("open") == "open"
        assert bench.read("position_percent") == "unknown"

    play(script)


def test_a_sticky_counter_counts_no_more():
    """Operations stand still while the arm works."""

    async def script(bench: Bench) -> None:
        bench.barrier.inject("counter_sticky")
        await bench.to("open")
        assert bench.read("operations") == 0
        bench.barrier.heal("counter_sticky")
        await bench.to("close")
        assert bench.read("operations") == 1

    play(script)


def test_manual_release_loses_the_position():
    """Unknown while a hand has it; an end switch restores it, between the ends nothing does."""

    async def script(bench: Bench) -> None:
        bench.barrier.release(True)
        assert bench.read("gate_status") == "unknown"
        assert await bench.to("open") == "unknown"
        bench.arm.push(90.0)
        await bench.wait(10)
        bench.barrier.release(False)
        assert bench.read("gate_status") == "open"
        bench.barrier.release(True)
        bench.arm.push(40.0)
        await bench.wait(10)
        bench.barrier.release(False)
        assert bench.read("gate_status") == "unknown"

    play(script)


@pytest.mark.parametrize(
    "kind", sorted(__import__("twin.devices.barrier", fromlist=["Barrier"]).Barrier.FAULTS)
)
def test_every_fault_begins_and_ends_in_the_trace_and_is_survived(kind):
    """Injected in the middle of a cycle and healed, the barrier opens and closes again."""

    async def script(bench: Bench) -> None:
        await bench.to("open", 1.2)
        bench.barrier.inject(kind)
        await bench.wait(12)
        bench.barrier.heal(kind)
        await bench.to("reset")
        assert await bench.to("open", 12) == "open"
        assert await bench.to("close", 12) == "closed"

    bench = play(script)
    begin, end = bench.records("fault.begin", "fault.end")
    assert (begin.payload["kind"], end.payload["kind"]) == (kind, kind)
