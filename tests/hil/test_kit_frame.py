"""What every kit inherits: how a bench file is bound, and how mutants are made."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hil import kit as kits
from hil.drivers.twin import TwinHands
from hil.kits.gnss.emulation import GnssVariant
from hil.variant import Maker
from twin.clock import Clock, run_virtual
from twin.trace import Trace
from twin.wires.modbus import ModbusServer
from twin.wires.nmea import NmeaServer


@pytest.mark.parametrize("device", kits.names())
def test_a_template_binds_and_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    """One pair of hands plays every role of the file; session and hands are closed at the end."""
    kit, closed = kits.load(device), []
    file = kit.load_bench(kit.write_templates(tmp_path / "bench", kit.good[0])[0])

    async def note(one: object) -> None:
        closed.append(one)

    monkeypatch.setattr(TwinHands, "close", note)
    for made in kit.session_type.__mro__:
        if "leave" in vars(made):
            monkeypatch.setattr(made, "leave", note)

    async def main(clock: Clock) -> list[object]:
        async with AsyncExitStack() as stack:
            papers = kit.emulated_pics(kit.good[0]), kit.emulated_pixit(kit.good[0])
            session = kit.bind(file, *papers, clock, Trace(clock), stack)
            hands = [session.require(role) for role in kit.emulated_roles]
            assert {type(one) for one in hands} == {kit.twin_hands}
            assert closed == []
            return [session, hands[0]]

    assert run_virtual(main) == closed


def test_a_mutant_is_made_by_its_class() -> None:
    """It stands where the good class stood, speaks for itself, and kills by the whole id."""

    class Deaf(NmeaServer):
        """Hears nothing.

        Not even noise.
        """

    made = Maker(GnssVariant, "GNS-", NmeaServer)("deaf", "CON-05", Deaf, start_up_s=1.0)
    wanted = GnssVariant("deaf", "GNS-CON-05", "Hears nothing.", server=Deaf, start_up_s=1.0)
    assert made == wanted
    assert made.receiver is GnssVariant.receiver
    with pytest.raises(
        ValueError, match="GnssVariant has no part whose good class is ModbusServer"
    ):
        Maker(GnssVariant, "GNS-", ModbusServer)
