"""A first test of a stack: drive a lane, break a device, break a rule on purpose."""

import pytest


@pytest.mark.gate(lanes=["in-1"])
def test_a_slow_barrier_is_waited_for(gate):
    """The lamp turns green only when the arm is really up, however long that takes."""
    gate.inject("in-1.barrier", "slow", factor=0.4)
    gate.vehicle()
    assert gate.until_clear(limit_s=300)
    assert gate.judge().held


@pytest.mark.gate(lanes=["in-1"], stack="examples.naive_stack:create")
def test_a_naive_stack_is_caught(gate):
    """A stack that opens for whoever comes lets a red truck through, and the judge says so."""
    gate.vehicle(why="channel_red")
    gate.until_clear(limit_s=300)
    assert "LANE-04" in gate.judge().broken
