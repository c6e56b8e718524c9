"""The page about the weighbridge says what the code does."""

from __future__ import annotations

from pathlib import Path

from tests.weighbridge.ground import Yard
from twin.clock import Clock, run_virtual
from twin.profiles import toledo
from twin.wires.toledo import ToledoServer

PAGE = (Path(__file__).parents[2] / "docs/devices/weighbridge.md").read_text(encoding="utf-8")


def test_points_stand_on_the_page() -> None:
    """Each point has its row, with its access, unit and words."""

    async def main(clock: Clock) -> None:
        for name, point in Yard(clock).scale.points.items():
            access = "rw" if point.write else "r"
            assert f"| `{name}` | {access} | {point.unit} | {point.doc} |" in PAGE

    run_virtual(main)


def test_faults_and_quirks_stand_on_the_page() -> None:
    """Each fault of device and wire, each parameter and each quirk is named."""

    async def main(clock: Clock) -> None:
        for menu in (Yard(clock).scale.FAULTS, ToledoServer.FAULTS):
            for kind, fault in menu.items():
                (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{kind}` |")]
                for name, parameter in fault.parameters.items():
                    default = parameter.default
                    shown = "false" if default is False else str(default).removesuffix(".0")
                    assert f"`{name}` = {shown}" in row

    run_virtual(main)
    for quirk in toledo.load().quirks:
        assert f"| `{quirk.id}` | {'on' if quirk.on else 'off'} |" in PAGE
