"""Clients and a server that we did not write: pymodbus and libmodbus."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient

from tests.modbus import libmodbus
from tests.modbus.bench import (
    COILS,
    DISCRETES,
    HOLDINGS,
    INPUTS,
    READ_ONLY_COILS,
    READ_ONLY_HOLDINGS,
    MemoryDevice,
    Rig,
    adu,
    model_of,
    on_bench,
    profile,
)
from twin.clock import Clock, run_real
from twin.trace import Trace
from twin.wires.modbus import Application, ModbusServer


def _with_pymodbus(test: Callable[[Rig, AsyncModbusTcpClient], Any], **options: Any) -> None:
    async def check(rig: Rig) -> None:
        client = AsyncModbusTcpClient("127.0.0.1", port=rig.port, retries=0, timeout=1)
        assert await client.connect()
        try:
            await test(rig, client)
        finally:
            client.close()
            await asyncio.sleep(0.01)

    on_bench(check, **options)


def test_pymodbus_reads_what_the_device_holds() -> None:
    """Functions 1 to 4 give pymodbus the memory of the device."""

    async def check(rig: Rig, client: AsyncModbusTcpClient) -> None:
        memory = rig.device.memory
        bits = (await client.read_coils(0, count=COILS, device_id=1)).bits
        assert [int(b) for b in bits[:COILS]] == [memory[f"c{n}"] for n in range(COILS)]
        bits = (await client.read_discrete_inputs(3, count=30, device_id=1)).bits
        assert [int(b) for b in bits[:30]] == [memory[f"d{n}"] for n in range(3, 33)]
        registers = (await client.read_holding_registers(0, count=HOLDINGS, device_id=1)).registers
        assert registers == [memory[f"h{n}"] for n in range(HOLDINGS)]
        registers = (await client.read_input_registers(5, count=10, device_id=1)).registers
        assert registers == [memory[f"i{n}"] for n in range(5, 15)]

    _with_pymodbus(check)


def test_pymodbus_writes_reach_the_device() -> None:
    """Functions 5, 6, 15, 16, 22 and 23 change the memory as pymodbus means them to."""

    async def check(rig: Rig, client: AsyncModbusTcpClient) -> None:
        memory = rig.device.memory
        await client.write_coil(2, True, device_id=1)
        await client.write_register(3, 0xBEEF, device_id=1)
        await client.write_coils(8, [True, False, True, True, False] * 2, device_id=1)
        await client.write_registers(10, [1, 2, 3], device_id=1)
        await client.mask_write_register(address=10, and_mask=0xF0F0, or_mask=0x0505, device_id=1)
        await client.write_registers(40, [0xCAFE, 0xF00D], device_id=1)
        both = await client.readwrite_registers(
            read_address=3, read_count=1, write_address=3, values=[7], device_id=1
        )
        assert memory["c2"] == 1
        assert [memory[f"c{n}"] for n in range(8, 18)] == [1, 0, 1, 1, 0] * 2
        assert [memory[f"h{n}"] for n in (10, 11, 12)] == [0x0505, 2, 3]
        assert memory["wide"] == 0xCAFEF00D
        assert both.registers == [7]

    _with_pymodbus(check)


def test_pymodbus_sees_exceptions_and_identification() -> None:
    """Wrong requests raise no doubt in pymodbus, and 43/14 names the device."""

    async def check(rig: Rig, client: AsyncModbusTcpClient) -> None:
        assert (await client.read_coils(500, device_id=1)).exception_code == 2
        assert (await client.read_coils(0, device_id=9)).exception_code == 0x0B
        found = (await client.read_device_information(read_code=2, device_id=1)).information
        assert found == {0: b"gatetwin", 1: b"BENCH", 2: b"1.0", 4: b"Bench device"}

    _with_pymodbus(check)


def test_pymodbus_reconnects_after_a_pulled_cable() -> None:
    """The client fails while the link is down and works again after it is healed."""

    async def check(rig: Rig, client: AsyncModbusTcpClient) -> None:
        rig.server.inject("link_down")
        with pytest.raises(ModbusException):
            await client.read_coils(0, device_id=1)
        rig.server.heal("link_down")
        await asyncio.sleep(5)
        assert not (await client.read_coils(0, device_id=1)).isError()

    _with_pymodbus(check)


@pytest.mark.system
@pytest.mark.slow
def test_libmodbus_client_and_the_server_understand_each_other() -> None:
    """Every function that libmodbus can ask gives what it should, over real TCP on real time."""
    libmodbus.need()

    def talk(port: int, device: MemoryDevice) -> None:
        memory = device.memory
        client = libmodbus.Client(port)
        try:
            assert client.read_bits(1, 0, COILS) == [memory[f"c{n}"] for n in range(COILS)]
            assert client.read_bits(2, 1, 9) == [memory[f"d{n}"] for n in range(1, 10)]
            assert client.read_registers(3, 0, 32) == [memory[f"h{n}"] for n in range(32)]
            assert client.read_registers(4, 2, 5) == [memory[f"i{n}"] for n in range(2, 7)]
            client.write_bit(4, not memory["c4"])
            client.write_register(5, 4711)
            client.write_bits(6, [1, 0, 0, 1])
            client.write_registers(7, [9, 8, 7])
            client.mask_write(7, 0x000F, 0x0F00)
            assert client.write_and_read(9, [1, 2], 7, 4) == [0x0F09, 8, 1, 2]
            assert client.read_bits(1, 6, 4) == [1, 0, 0, 1]
            for bad, text in [
                (lambda: client.read_bits(1, 400, 1), "Illegal data address"),
                (lambda: client.write_bit(READ_ONLY_COILS[0], True), "Illegal data address"),
                (lambda: client.write_register(READ_ONLY_HOLDINGS[0], 1), "Illegal data address"),
            ]:
                with pytest.raises(libmodbus.LibmodbusError, match=text):
                    bad()
        finally:
            client.close()
        stranger = libmodbus.Client(port, unit=17)
        with pytest.raises(libmodbus.LibmodbusError, match="Target device failed to respond"):
            stranger.read_bits(1, 0, 1)
        stranger.close()

    async def main(clock: Clock) -> None:
        trace = Trace(clock)
        device = MemoryDevice(clock, trace)
        server = ModbusServer(device, profile(), clock=clock, trace=trace)
        port = await server.start()
        try:
            await asyncio.get_running_loop().run_in_executor(None, talk, port, device)
        finally:
            await server.stop()

    run_real(main)


def _well_formed(rng: random.Random) -> bytes:
    """A request whose length fits its function; addresses and quantities may be wrong."""

    def u16(*numbers: int) -> bytes:
        return b"".join(n.to_bytes(2) for n in numbers)

    function = rng.choice([1, 2, 3, 4, 5, 6, 15, 16, 22, 23])
    at, count = rng.randrange(34), rng.choice([0, 1, 1, 2, 3, 8, 9, 126, 2001])
    head = bytes([function])
    if function <= 4:
        return head + u16(at, count)
    if function == 5:  # two faults at once have no one answer: a wrong value, a right address
        return head + rng.choice([u16(at, 0), u16(at, 0xFF00), u16(at % 20, 0x1234)])
    if function == 6:
        return head + u16(at, rng.randrange(65536))
    few = rng.randrange(1, 5)
    if function == 15:
        return head + u16(at, few) + bytes([1, rng.randrange(256)])
    words = rng.randbytes(2 * few)
    if function == 16:
        return head + u16(at, few) + bytes([2 * few]) + words
    if function == 22:
        return head + u16(at, rng.randrange(65536), rng.randrange(65536))
    return head + u16(rng.randrange(34), rng.randrange(1, 5), at, few) + bytes([2 * few]) + words


@pytest.mark.system
@pytest.mark.parametrize("count", [300, pytest.param(5000, marks=pytest.mark.slow)])
def test_libmodbus_server_gives_the_same_answers(count: int) -> None:
    """On well-formed requests our answers and memory are those of libmodbus, byte by byte.

    Kept out: what libmodbus gets wrong (it ignores protocol id, length and unit, and takes an
    impossible quantity in functions 15, 16 and 23 by its byte count) and, because its memory has
    no holes, read-only and 32-bit places.
    """
    libmodbus.need()
    rng = random.Random(20)

    async def check(rig: Rig) -> None:
        device = rig.device
        application = Application(device, profile())
        shape = (READ_ONLY_COILS.start, DISCRETES, READ_ONLY_HOLDINGS.start, INPUTS)
        with libmodbus.oracle(*shape) as other:
            for n in range(shape[0]):
                other.memory.tab_bits[n] = device.memory[f"c{n}"]
            for n in range(shape[1]):
                other.memory.tab_input_bits[n] = device.memory[f"d{n}"]
            for n in range(shape[2]):
                other.memory.tab_registers[n] = device.memory[f"h{n}"]
            for n in range(shape[3]):
                other.memory.tab_input_registers[n] = device.memory[f"i{n}"]
            compared = 0
            while compared < count:
                pdu = _well_formed(rng)
                if _touches(pdu, shape):
                    continue
                assert adu(application.answer(pdu), compared % 65536) == other.ask(
                    adu(pdu, compared % 65536)
                ), pdu.hex()
                compared += 1
            assert list(other.memory.tab_bits[: shape[0]]) == [
                model_of(device).coils[n] for n in range(shape[0])
            ]

    on_bench(check)


def _touches(pdu: bytes, shape: tuple[int, int, int, int]) -> bool:
    """Whether the request may reach places that exist on one side only."""
    function = pdu[0]
    edge = {1: shape[0], 5: shape[0], 15: shape[0], 2: shape[1], 4: shape[3]}.get(
        function, shape[2]
    )
    spans = [(1, 3)]
    if function == 23:
        spans.append((5, 7))
    for at, size in spans:
        address = int.from_bytes(pdu[at : at + 2])
        count = 1 if function in (5, 6, 22) else int.from_bytes(pdu[size : size + 2])
        # Beyond the edge ours has read-only places; both say 0x02 there only to writes.
        if address + count > edge and count <= 125:
            return function in (1, 3, 16, 22, 23, 15)
    return False
