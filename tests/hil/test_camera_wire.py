"""What the camera's bench records of a text: the same in every run, whatever port was drawn."""

from __future__ import annotations

import pytest

from hil.kits.camera.wire import CameraWire
from twin.clock import Clock, run_virtual
from twin.trace import Trace

PICTURE = "<picName>20230530000035529000001</picName>"
BYTES = "<size>35529</size>"


def shown(port: int, text: str) -> str:
    async def main(clock: Clock) -> str:
        wire = CameraWire("127.0.0.1", port, "gate", "x", clock, Trace(clock), limit_s=1.0)
        return wire.shown(text.encode())

    return run_virtual(main)


@pytest.mark.parametrize("port", [35_529, 40_000])
def test_a_drawn_port_is_not_recorded_and_nothing_else_is_touched(port: int) -> None:
    """Names and sizes may hold the five digits of the port; they are no ports."""
    text = f"<portNo>{port}</portNo>{PICTURE}{BYTES}"
    assert shown(port, text) == f"<portNo>PORT</portNo>{PICTURE}{BYTES}"


def test_a_port_that_the_bench_file_names_is_recorded() -> None:
    """It is the same in every run."""
    assert shown(8080, "<portNo>8080</portNo>") == "<portNo>8080</portNo>"
