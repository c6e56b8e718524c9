"""Loops and lamps over the lane's remote I/O: any order of trucks, orders, faults and time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from fixtures.lane_io_machine import LaneIoMachine
from twin.devices.light import TrafficLight
from twin.devices.loops import Loops
from twin.devices.remote_io import RemoteIO

SETTINGS = settings(
    max_examples=60, stateful_step_count=15, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
)  # fmt: skip

SHORT = settings(SETTINGS, max_examples=300, stateful_step_count=10)
"""For planted bugs, which few steps show: shorter examples shrink faster."""

CHECKS = (
    "state.teardown()",
    "state.inputs_tell_where_metal_is()",
    "state.counters_have_every_edge()",
    "state.lamps_are_what_was_ordered()",
)


def shrunk(machine: type[LaneIoMachine], match: str) -> list[str]:
    """The steps that are left of the example in which `machine` fails with `match`."""
    with pytest.raises(AssertionError, match=match) as caught:
        run_state_machine_as_test(machine, settings=SHORT)
    notes = [note for note in getattr(caught.value, "__notes__", []) if "state." in note]
    lines = [line.strip() for line in "\n".join(notes).splitlines()]
    return [line for line in lines if line.startswith("state.") and line not in CHECKS]


@pytest.mark.slow
def test_the_wire_tells_the_truth_about_loops_and_lamps() -> None:
    """Whatever happens, sound channels, counters, coils and lamps are right."""
    run_state_machine_as_test(LaneIoMachine, settings=SETTINGS)


class SwapsChannels(Loops):
    """Planted: the two channels of the arm loop are connected the wrong way round."""

    def occupied(self, channel: str) -> bool:
        swapped = {"arm_a": "arm_b", "arm_b": "arm_a"}.get(channel, channel)
        return super().occupied(swapped)


class GetsTired(Loops):
    """Planted: a presence limit of half a minute that nobody asked for."""

    def occupied(self, channel: str) -> bool:
        return super().occupied(channel) and not self._tired(channel)

    def _tired(self, channel: str) -> bool:
        movers = self._above[channel]
        if not movers:
            self.since.pop(channel, None)
            return False
        return self.clock.now_s() - self.since.setdefault(channel, self.clock.now_s()) > 30

    @property
    def since(self) -> dict[str, float]:
        """When each channel was covered."""
        return self.__dict__.setdefault("_since", {})


class ForgetsRed(TrafficLight):
    """Planted: green puts the red lamp out by itself."""

    def _light(self, cause: int) -> None:
        super()._light(cause)
        if self._relay["green"]:
            self._lamp.set(red=False)


class CountsTwice(RemoteIO):
    """Planted: a counter takes the falling edge for another vehicle."""

    def _count(self, channel: Any) -> None:
        before, counted = channel.state, channel.count
        super()._count(channel)
        if before and not channel.state and channel.count == counted:
            channel.count += 1


@pytest.mark.slow
def test_swapped_channels_shrink_to_one_step() -> None:
    """A truck that stops between the two shows it, or one channel that is stuck."""

    class Planted(LaneIoMachine):
        LOOPS = SwapsChannels

    (step,) = shrunk(Planted, "arm_[ab] shows")
    assert step.startswith(("state.truck_comes(", "state.break_something("))


@pytest.mark.slow
def test_a_loop_that_gets_tired_shrinks_to_a_truck_and_a_wait() -> None:
    """Who stands for long is forgotten: a truck, and the longest wait."""

    class Planted(LaneIoMachine):
        LOOPS = GetsTired

    comes, *waits = shrunk(Planted, "shows False")
    assert comes.startswith("state.truck_comes(")
    assert 1 <= len(waits) <= 2
    assert waits[-1] == "state.wait(seconds=40.0)"


@pytest.mark.slow
def test_a_lamp_that_goes_out_by_itself_shrinks_to_one_order() -> None:
    """Red is lit from the beginning; one green order puts it out."""

    class Planted(LaneIoMachine):
        LIGHT = ForgetsRed

    assert shrunk(Planted, "red: ordered True, a driver sees False") == [
        "state.order(lamp='green', on=True)"
    ]


@pytest.mark.slow
def test_a_counter_that_counts_both_edges_shrinks_to_one_passage() -> None:
    """A truck that comes and goes is counted twice."""

    class Planted(LaneIoMachine):
        IO = CountsTwice

    steps = shrunk(Planted, "has counted 2, 1 came")
    assert steps[0].startswith("state.truck_comes(")
    assert len(steps) == 2
