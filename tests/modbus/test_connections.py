"""Connections of the Modbus server: deadlines, limits, faults, slow clients, the end."""

from __future__ import annotations

import asyncio

import pytest

from tests.modbus.bench import READ, Rig, adu, on_bench
from twin.errors import HarnessError
from twin.wires.modbus import ModbusServer


def test_half_a_frame_is_not_waited_for_for_ever() -> None:
    """An incomplete frame ends the connection after `frame_timeout_s`, not before."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        client.send(adu(READ)[:9])
        assert await client.silent(1.9)
        assert await client.closed(0.2)

    on_bench(check)


def test_a_frame_completed_in_time_stops_its_timeout() -> None:
    """A slow frame that completes is answered and its timeout does not fire later."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        client.send(adu(READ)[:9])
        assert await client.silent(1.5)
        client.send(adu(READ)[9:])
        assert (await client.answer())[7] == 3
        assert await client.silent(5)

    on_bench(check)


def test_idle_connections_end_and_busy_ones_do_not() -> None:
    """A connection ends `idle_timeout_s` after its last byte; one that talks stays."""

    async def check(rig: Rig) -> None:
        idle, busy = await rig.connect(), await rig.connect()
        for _ in range(4):
            assert (await busy.ask(adu(READ)))[7] == 3
            await asyncio.sleep(10)
        assert await idle.closed(0.1)
        assert (await busy.ask(adu(READ)))[7] == 3
        (end,) = [p for p in rig.kinds("modbus.conn") if p["event"] == "close"]
        assert end == {"conn": 0, "event": "close", "reason": "idle for 30 s"}

    on_bench(check)


def test_surplus_connections_are_refused_and_traced() -> None:
    """Connection n+1 is ended at once; when one of the n leaves, the next is served."""

    async def check(rig: Rig) -> None:
        first, second = await rig.connect(), await rig.connect()
        assert (await second.ask(adu(READ)))[7] == 3
        surplus = await rig.connect()
        assert await surplus.closed()
        await first.close()
        await asyncio.sleep(0.1)
        assert (await (await rig.connect()).ask(adu(READ)))[7] == 3
        refused = [p for p in rig.kinds("modbus.conn") if p["event"] == "refused"]
        assert refused == [{"conn": 2, "event": "refused", "reason": "all 2 connections are taken"}]

    on_bench(check, changes={"max_connections": 2})


@pytest.mark.slow
def test_a_client_that_never_reads_is_dropped_and_costs_bounded_memory() -> None:
    """Unread answers stop the reading; idle time ends the connection; others are served."""

    async def check(rig: Rig) -> None:
        client = await rig.connect(receive_bytes=4096)
        client.writer.transport.pause_reading()
        client.send(adu(bytes([3, 0, 0, 0, 28])) * 1_000_000)
        await asyncio.sleep(29)
        assert 0 < len(rig.kinds("modbus.rx")) < 20_000
        assert (await (await rig.connect()).ask(adu(READ)))[7] == 3
        await asyncio.sleep(31)
        ends = [p["reason"] for p in rig.kinds("modbus.conn") if p["event"] == "close"]
        assert ends[0] == "answers not read for 30 s"

    on_bench(check)


def test_faults_of_the_wire_begin_and_end() -> None:
    """Silent, busy and slow do what they say and leave nothing behind when healed."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        rig.server.inject("silent")
        client.send(adu(bytes([5, 0, 3, 255, 0])))
        assert await client.silent()
        assert rig.device.writes == []
        rig.server.heal("silent")
        rig.server.inject("busy")
        assert (await client.ask(adu(READ)))[7:] == b"\x83\x06"
        rig.server.heal("busy")
        rig.server.inject("slow", delay_s=0.25)
        began = rig.clock.now_s()
        client.send(adu(READ, 1) + adu(READ, 2))
        client.send(adu(READ, 3))
        assert [(await client.answer())[1] for _ in range(3)] == [1, 2, 3]
        assert rig.clock.now_s() - began == pytest.approx(0.25, abs=0.01)
        rig.server.heal("slow")
        assert (await client.ask(adu(READ)))[7] == 3

    on_bench(check)


def test_a_slow_answer_is_never_overtaken() -> None:
    """Requests sent after `slow` has healed are answered after those sent before."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        rig.server.inject("slow", delay_s=0.5)
        client.send(adu(READ, 1))
        await asyncio.sleep(0.1)
        rig.server.heal("slow")
        client.send(adu(READ, 2))
        assert [(await client.answer())[1] for _ in range(2)] == [1, 2]

    on_bench(check)


def test_a_flood_at_a_slow_server_stays_bounded_and_is_answered() -> None:
    """Two thousand pipelined requests to a slow server get their answers, in order, in turns."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        rig.server.inject("slow", delay_s=0.2)
        client.send(b"".join(adu(bytes([3, 0, 0, 0, 28]), n) for n in range(2000)))
        await asyncio.sleep(0.1)
        assert len(rig.kinds("modbus.rx")) < 1200  # 64 KiB of answers wait, the rest is not read
        for n in range(2000):
            assert int.from_bytes((await client.answer())[:2]) == n

    on_bench(check)


@pytest.mark.slow
def test_a_client_that_reads_late_misses_nothing() -> None:
    """Answers that did not fit are sent when the client reads at last, all and in order."""

    async def check(rig: Rig) -> None:
        client = await rig.connect(receive_bytes=4096)
        client.writer.transport.pause_reading()
        count = 12_000
        client.send(b"".join(adu(bytes([3, 0, 0, 0, 28]), n) for n in range(count)))
        await asyncio.sleep(10)
        assert 0 < len(rig.kinds("modbus.rx")) < count
        client.writer.transport.resume_reading()
        for n in range(count):
            assert int.from_bytes((await client.answer())[:2]) == n

    on_bench(check)


def test_a_pulled_cable_ends_connections_and_takes_none() -> None:
    """`link_down` ends every connection and refuses new ones until healed."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        assert (await client.ask(adu(READ)))[7] == 3
        rig.server.inject("link_down")
        assert await client.closed()
        assert await (await rig.connect()).closed()
        rig.server.heal("link_down")
        assert (await (await rig.connect()).ask(adu(READ)))[7] == 3

    on_bench(check)


def test_stopping_ends_all_and_the_port_is_free() -> None:
    """After `stop` connections are closed, and the same port can be taken again."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        await client.ask(adu(READ))
        await rig.server.stop()
        assert await client.closed()
        assert await rig.server.start(port=rig.port) == rig.port
        assert (await (await rig.connect()).ask(adu(READ)))[7] == 3

    on_bench(check)


def test_a_server_starts_once_and_says_why_it_cannot() -> None:
    """A second start and a taken port are harness errors with the next step; stop is harmless."""

    async def check(rig: Rig) -> None:
        with pytest.raises(HarnessError, match="already started"):
            await rig.server.start()
        other = ModbusServer(rig.device, rig.server.profile, clock=rig.clock, trace=rig.trace)
        await other.stop()
        with pytest.raises(HarnessError, match=r"cannot listen on .* choose another port"):
            await other.start(port=rig.port)
        with pytest.raises(HarnessError, match="choose an address of this computer"):
            await other.start("203.0.113.9")  # kept for documentation (RFC 5737)

    on_bench(check)


def test_a_command_that_cuts_the_cable_ends_the_stream_at_once() -> None:
    """When an order takes the link down, requests behind it are neither carried out nor sent."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()

        def cut(value: bool | float, cause: int = -1, /) -> None:
            rig.server.inject("link_down")

        rig.device.add_point("c5", lambda: False, cut)
        await rig.server.stop()
        rig.server = ModbusServer(rig.device, rig.server.profile, clock=rig.clock, trace=rig.trace)
        rig.port = await rig.server.start()
        client = await rig.connect()
        on = bytes([5, 0, 5, 255, 0])
        client.send(adu(on) + adu(bytes([5, 0, 6, 255, 0])) * 10)
        assert await client.closed()
        assert rig.device.writes == []
        await rig.server.stop()

    on_bench(check)
