"""Whatever orders, inputs, faults and vehicles come in whatever order, some things stay true."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.devices.bench import TRUCK, Bench, play
from twin.devices.barrier import COMMANDS, Barrier
from twin.devices.barrier_words import MOVING

orders = st.tuples(st.just("command"), st.sampled_from(COMMANDS))
inputs = st.tuples(
    st.sampled_from(["safety", "vehicle", "contact_open", "contact_stop"]), st.booleans()
)
faults = st.tuples(st.sampled_from(["inject", "heal"]), st.sampled_from(sorted(Barrier.FAULTS)))
acts = st.tuples(st.one_of(orders, inputs, faults), st.integers(0, 40).map(lambda n: n / 10))


def act(bench: Bench, what: str, value: object) -> None:
    barrier = bench.barrier
    match what:
        case "command":
            barrier.command(str(value))
        case "safety":
            barrier.set_safety_input(bool(value))
        case "vehicle":
            bench.arm.set_obstacle(TRUCK if value else None)
        case "inject":
            barrier.inject(str(value))
        case "heal":
            barrier.heal(str(value))
        case _:
            bench.write(what, bool(value))


def check(bench: Bench) -> None:
    barrier, arm = bench.barrier, bench.arm
    assert -0.01 <= arm.angle_deg() <= 90.01
    assert bench.read("position_percent") in (*range(101), "unknown")
    assert not (bench.read("limit_open") and bench.read("limit_closed"))
    if bench.read("gate_status") == "open":
        assert arm.angle_deg() > 85 or arm.moving or barrier.faults
    if barrier.status not in MOVING and not arm.moving and barrier.online:
        assert bench.read("gate_status") != "closed" or arm.angle_deg() < 5 or barrier.faults


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.lists(acts, max_size=20))
def test_a_barrier_survives_any_history_and_closes_in_the_end(history):
    """Never beyond its ends, never both switches, and once all is well it obeys again."""

    async def script(bench: Bench) -> None:
        for (what, value), wait_s in history:
            act(bench, what, value)
            await bench.wait(wait_s)
            check(bench)
        for kind in list(bench.barrier.faults):
            bench.barrier.heal(kind)
        bench.barrier.set_safety_input(False)
        bench.arm.set_obstacle(None)
        bench.write("contact_open", False)
        bench.write("contact_stop", False)
        await bench.to("reset", 15)
        assert await bench.to("open", 15) == "open"
        assert await bench.to("close", 15) == "closed"

    play(script)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(acts, max_size=12))
def test_one_history_gives_one_trace(history):
    """Played twice, the traces have one hash."""

    async def script(bench: Bench) -> None:
        for (what, value), wait_s in history:
            act(bench, what, value)
            await bench.wait(wait_s)

    assert play(script).trace.sha256() == play(script).trace.sha256()


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(orders, st.integers(0, 30).map(lambda n: n / 10)), max_size=12))
def test_with_the_safety_input_active_the_arm_never_goes_down(history):
    """No sequence of orders lowers the arm onto what the safety input sees."""

    async def script(bench: Bench) -> None:
        await bench.to("open")
        bench.barrier.set_safety_input(True)
        await bench.wait(1)
        lowest = bench.arm.angle_deg()
        for (what, value), wait_s in history:
            act(bench, what, value)
            await bench.wait(wait_s)
            assert bench.arm.angle_deg() >= lowest - 1e-6

    bench = play(script)
    downs = [r for r in bench.records("arm.motion") if r.payload["direction"] == "down"]
    assert downs == []


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(acts, max_size=8))
def test_a_rigid_arm_survives_any_history_too(history):
    """The same invariants hold with the plain rigid body in place of the closed form."""

    async def script(bench: Bench) -> None:
        for (what, value), wait_s in history:
            act(bench, what, value)
            await bench.wait(wait_s)
            assert -1.0 <= bench.arm.angle_deg() <= 91.0

    play(script, name="ode")
