"""The wire list, the settings, and how points become requests."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from fixtures.stack import StackError, create
from fixtures.stack.modbus import _decode, _plan
from fixtures.stack.wirelist import Point, load, load_settings

FOLDER = Path(__file__).parents[2] / "fixtures" / "stack"


def test_the_stack_imports_nothing_of_ours() -> None:
    """Whoever copies a file of it needs no twin."""
    allowed = ("fixtures.stack",)
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                ours = name.split(".")[0] in ("twin", "hil", "loadtests", "fixtures", "tests")
                assert not ours or name.startswith(allowed), f"{path.name} imports {name}"


def test_neighbours_are_read_in_one_request() -> None:
    """Loops and limit switches of one module are one block; a gap or a table begins another."""
    points = {
        "b": Point("discrete", 1), "a": Point("discrete", 0), "c": Point("discrete", 2),
        "far": Point("discrete", 9), "weight": Point("input", 0, "u32"),
        "flag": Point("input", 2, "bit", bit=3),
    }  # fmt: skip
    plan = _plan(points, ("a", "b", "c", "far", "weight", "flag"))
    assert plan == [["a", "b", "c"], ["far"], ["weight", "flag"]]


@pytest.mark.parametrize(
    ("point", "registers", "value"),
    [
        (Point("holding", 0), [500], 500),
        (Point("holding", 0, "s16"), [0xFFFF], -1),
        (Point("holding", 0, "u32"), [1, 2], 65538),
        (Point("holding", 0, "u32", word_order="lsw"), [2, 1], 65538),
        (Point("holding", 0, "f32"), [0x41C8, 0x0000], 25.0),
        (Point("holding", 0, scale=0.1), [255], 25.5),
        (Point("input", 0, "bit", bit=3), [0b1000], True),
        (Point("input", 0, "bit", bit=3, invert=True), [0b1000], False),
    ],
)
def test_registers_become_values(point: Point, registers: list[int], value: float) -> None:
    """Sign, word order, scale and bits as the wire list says."""
    assert _decode(point, registers, 0) == pytest.approx(value)


def test_a_wrong_wire_list_is_named() -> None:
    """The message says which key is wrong."""
    with pytest.raises(StackError, match="lanes"):
        load({"site": "x", "lanes": 1, "services": {"customs": {"url": "", "token": ""}}})


def test_an_unknown_setting_is_an_error() -> None:
    """A misspelt deadline must not become the default, and mutants are no option."""
    assert load_settings({"plate_s": 3.0}).plate_s == 3.0
    with pytest.raises(StackError, match="plate_ss"):
        load_settings({"plate_ss": 3.0})
    with pytest.raises(StackError, match="mutant"):
        create({"site": "x", "lanes": [], "services": {"customs": {"url": "", "token": ""}}},
               {"mutant": "x"})  # fmt: skip


def test_a_barrier_that_nobody_can_see_is_refused() -> None:
    """No status and no limit switches: such a barrier must not be driven."""
    from fixtures.stack.barrier import Barrier
    from fixtures.stack.modbus import ModbusDevice
    from fixtures.stack.wirelist import Endpoint, LaneWires

    blind = Endpoint("modbus-tcp", points={"open": Point("coil", 1), "close": Point("coil", 3)})
    empty = Endpoint("modbus-tcp")

    async def main() -> None:
        with pytest.raises(StackError, match="nobody can see"):
            Barrier(LaneWires("in-9", "in", blind, empty, empty, empty), ModbusDevice(empty))

    import asyncio

    asyncio.run(main())
