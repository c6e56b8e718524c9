"""The barrier's controller: what it believes and does, and how each fault bends it."""

from __future__ import annotations

import itertools
import math

import pytest

from tests.devices.bench import TRUCK, Bench, play
from tests.physics.engines import every_engine
from twin.devices.barrier import COMMANDS, BarrierError, BarrierParameters, GateStatus
from twin.devices.base import FaultError
from twin.errors import UnknownName
from twin.physics import ArmParameters


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


def test_the_board_warms_with_work_and_cools_with_time():
    """Ten cycles raise the temperature by degrees; two hours bring it back."""

    async def script(bench: Bench) -> None:
        cold = bench.read("board_temperature_c")
        for _ in range(10):
            await bench.to("open", 4)
            await bench.to("close", 4)
        warm = bench.read("board_temperature_c")
        assert warm > cold + 4
        await bench.wait(7200)
        assert bench.read("board_temperature_c") == cold
        await bench.to("open", 4)
        assert bench.read("board_temperature_c") == cold  # the work of before is forgotten

    play(script)


def test_a_barrier_tells_who_it_is():
    """Ids, firmware and serial are what the parameters say."""

    async def script(bench: Bench) -> None:
        names = ("board_id", "fw_major", "fw_minor", "fw_patch", "serial")
        values = tuple(bench.read(name) for name in names)
        assert values == (7, 2, 3, 4, "S-1")

    play(script, parameters=BarrierParameters(board_id=7, firmware=(2, 3, 4), serial="S-1"))


def test_every_point_reads_a_plain_value_and_has_a_doc():
    """Points are what wires can carry."""

    async def script(bench: Bench) -> None:
        for point in bench.barrier.points.values():
            assert isinstance(point.read(), bool | int | float | str)
            assert point.doc

    play(script)


# --- faults ------------------------------------------------------------------------------------


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


def test_wrong_names_are_answered_with_the_right_ones():
    """Unknown commands, contacts, faults and parameters are errors that say what is known."""

    async def script(bench: Bench) -> None:
        with pytest.raises(UnknownName, match="open"):
            bench.barrier.command("opne")
        with pytest.raises(UnknownName, match="stop"):
            bench.barrier.contact("stp", True)
        with pytest.raises(UnknownName, match="stuck"):
            bench.barrier.inject("stuk")
        with pytest.raises(FaultError, match=r"0\.05 to 1"):
            bench.barrier.inject("slow", factor=3)

    play(script)


def test_the_listeners_hear_of_switches_and_states():
    """A wired remote I/O is told when a limit switch changes."""
    heard: list[str] = []

    async def script(bench: Bench) -> None:
        bench.barrier.on_change(heard.append)
        await bench.to("open")

    play(script)
    assert heard.count("limits") == 2
    assert heard.count("gate_status") == 2


def test_the_words_of_the_status_list_are_complete():
    """The nine words that profiles translate into their numbers."""
    assert {status.value for status in GateStatus} == {
        "unknown",
        "calibrating",
        "open",
        "closed",
        "partial_open",
        "stopped",
        "opening",
        "closing",
        "partial_opening",
    }
    assert math.isclose(BarrierParameters().partial_percent, 50)
