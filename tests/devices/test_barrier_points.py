"""What the barrier tells and takes: its points, words, names, and who listens."""

from __future__ import annotations

import math

import pytest

from tests.devices.bench import Bench, play
from twin.devices.barrier import BarrierParameters, GateStatus
from twin.devices.base import FaultError
from twin.errors import UnknownName


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


def test_the_listeners_hear_of_switches_and_states():
    """A wired remote I/O is told when a limit switch changes."""
    heard: list[str] = []

    async def script(bench: Bench) -> None:
        bench.barrier.on_change(heard.append)
        await bench.to("open")

    play(script)
    assert heard.count("limits") == 2
    assert heard.count("gate_status") == 2


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
