"""Functions of the protocol: which are served, how much one carries, what a short one gets."""

from __future__ import annotations

import pytest

from tests.modbus.bench import Rig, adu, model_of, on_bench
from twin.profiles import load
from twin.wires.modbus import Application


def test_magnetic_refuses_every_other_function() -> None:
    """The Magnetic profile answers 03, 04, 06 and 43; all else is an illegal function."""

    async def check(rig: Rig) -> None:
        for name in (
            "gate_status",
            "position_percent",
            "last_error",
            "operations",
            "board_temperature_c",
            "limit_open",
            "limit_closed",
        ):
            rig.device.add_point(name, lambda: 0)
        for name in ("open", "close", "stop", "reset"):
            rig.device.add_point(name, lambda: False, lambda value, cause=-1: None)
        app = Application(rig.device, load("barrier.magnetic-mgc"))
        for function in range(256):
            answer = app.answer(bytes([function, 0, 0, 0, 1]))
            if function in (3, 4, 6):
                assert answer[0] == function
            elif function == 43:
                assert answer == bytes([0xAB, 1])
            else:
                assert answer == bytes([function | 0x80, 1])

    on_bench(check)


def test_identification_streams_start_over_at_an_unknown_object() -> None:
    """A stream asked from a missing object starts at the first; a single one is an error."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        assert (await client.ask(adu(bytes([43, 14, 1, 9]))))[12:14] == b"\0\3"
        assert (await client.ask(adu(bytes([43, 14, 4, 9]))))[7:] == b"\xab\x02"
        assert (await client.ask(adu(bytes([43, 14, 5, 0]))))[7:] == b"\xab\x03"

    on_bench(check)


def test_compiled_requests_do_not_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many different reads come, only a bounded number stays compiled."""
    monkeypatch.setattr("twin.wires.modbus.pdu._PLANS_MAX", 50)

    async def check(rig: Rig) -> None:
        app, model = Application(rig.device, rig.server.profile), model_of(rig.device)
        for at in range(20):
            for count in range(1, 12):
                pdu = bytes([3, 0, at, 0, count])
                assert app.answer(pdu) == model.pdu(pdu)
        assert 0 < len(app._plans) <= 50

    on_bench(check)


@pytest.mark.parametrize(
    ("function", "count", "size", "code"),
    [
        (15, 1968, 246, 2),
        (15, 1969, 247, 3),
        (16, 123, 246, 2),
        (16, 124, 248, 3),
        (23, 121, 242, 2),
        (23, 122, 244, 3),
    ],
)
def test_the_most_that_one_write_may_carry(function: int, count: int, size: int, code: int) -> None:
    """The largest lawful quantity fails only for its addresses; one more is an illegal value."""

    async def check(rig: Rig) -> None:
        head = bytes([23, 0, 0, 0, 1]) if function == 23 else bytes([function])
        pdu = head + bytes([0, 0]) + count.to_bytes(2) + bytes([size]) + bytes(size)
        app = Application(rig.device, rig.server.profile)
        assert app.answer(pdu) == bytes([function | 0x80, code])

    on_bench(check)


@pytest.mark.parametrize("function", [1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43])
def test_a_request_cut_short_is_an_illegal_value(function: int) -> None:
    """Any served function with nothing, or too little, behind it is answered with 0x03."""

    async def check(rig: Rig) -> None:
        app = Application(rig.device, rig.server.profile)
        for size in range(3):
            pdu = bytes([function, 14, 1][: 1 + size])
            assert app.answer(pdu) == bytes([function | 0x80, 3])

    on_bench(check)
