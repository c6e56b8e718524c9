"""MBAP framing, connections and limits, over real TCP in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from tests.modbus.bench import Rig, adu, model_of, on_bench
from twin.errors import HarnessError
from twin.wires.modbus import ModbusServer

READ = bytes([3, 0, 0, 0, 2])


def test_twenty_requests_in_one_segment_get_twenty_answers_in_order() -> None:
    """Every one of 20 coalesced requests is answered once, in the order of the requests."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        requests = [adu(bytes([3, 0, n, 0, 1]), transaction=1000 + n) for n in range(20)]
        expected, _, _ = model_of(rig.device).stream(b"".join(requests))
        client.send(b"".join(requests))
        assert [await client.answer() for _ in requests] == expected

    on_bench(check)


def test_one_byte_at_a_time_is_one_request() -> None:
    """A request that arrives byte by byte is answered once, after its last byte."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        frame = adu(READ)
        for byte in frame[:-1]:
            client.send(bytes([byte]))
            assert await client.silent(0.05)
        client.send(frame[-1:])
        assert (await client.answer())[7] == 3
        assert len(rig.kinds("modbus.rx")) == 1

    on_bench(check)


def test_a_frame_and_a_half_then_the_rest() -> None:
    """The half frame behind a whole one is kept until its rest comes."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        two = adu(READ, 1) + adu(READ, 2)
        client.send(two[:17])
        assert (await client.answer())[:2] == b"\0\1"
        client.send(two[17:])
        assert (await client.answer())[:2] == b"\0\2"

    on_bench(check)


def test_foreign_protocol_is_skipped_and_the_stream_stays_in_step() -> None:
    """A frame with protocol id 1 gets no answer; the request right behind it does."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        client.send(adu(READ, 7, protocol=1) + adu(READ, 8))
        assert (await client.answer())[:2] == b"\0\x08"

    on_bench(check)


def test_foreign_protocol_closes_where_the_profile_says_so() -> None:
    """With `foreign_protocol = "close"` the connection ends, and the next client is served."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        client.send(adu(READ, 7, protocol=1))
        assert await client.closed()
        assert (await (await rig.connect()).ask(adu(READ)))[7] == 3

    on_bench(check, changes={"foreign_protocol": "close"})


@pytest.mark.parametrize("length", [0, 1, 255, 256, 65535])
def test_impossible_length_closes_after_earlier_answers(length: int) -> None:
    """Answers to frames before it leave; then the connection ends; the next client is served."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        client.send(adu(READ, 5) + b"\0\6\0\0" + length.to_bytes(2))
        assert (await client.answer())[:2] == b"\0\5"
        assert await client.closed()
        (end,) = [p for p in rig.kinds("modbus.conn") if p["event"] == "close"]
        assert end["reason"] == f"broken frame: length field {length} is outside 2 to 254"
        assert (await (await rig.connect()).ask(adu(READ)))[7] == 3

    on_bench(check)


def test_the_longest_lawful_frame_is_answered() -> None:
    """A length field of 254 is lawful: 253 bytes of PDU, here of a wrong length for function 3."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        assert (await client.ask(adu(bytes([3]) + bytes(252))))[7:] == b"\x83\x03"

    on_bench(check)


def test_a_lone_function_code_is_answered() -> None:
    """The shortest lawful frame has a length field of 2 and gets an exception, not silence."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        assert (await client.ask(adu(b"\3")))[7:] == b"\x83\x03"

    on_bench(check)


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


@pytest.mark.parametrize(
    ("manners", "reply"), [("gateway", b"\x83\x0b"), ("answer", b"\3\2\0\0"), ("silent", None)]
)
def test_foreign_units_are_met_as_the_profile_says(manners: str, reply: bytes | None) -> None:
    """Another unit id gets the gateway exception, an answer, or silence, and its id back."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        rig.device.memory["h0"] = 0
        client.send(adu(bytes([3, 0, 0, 0, 1]), unit=9))
        if reply is None:
            assert await client.silent()
        else:
            answer = await client.answer()
            assert (answer[6], answer[7:]) == (9, reply)
        assert (await client.ask(adu(READ)))[7] == 3

    on_bench(check, changes={"unknown_unit": manners})


def test_writes_carry_the_trace_id_of_their_frame() -> None:
    """The cause of a write, and of its answer, is the record of the request frame."""

    async def check(rig: Rig) -> None:
        client = await rig.connect()
        await client.ask(adu(bytes([5, 0, 3, 255, 0])))
        records = list(rig.trace.records())
        (rx,) = [r for r in records if r.kind == "modbus.rx"]
        (tx,) = [r for r in records if r.kind == "modbus.tx"]
        assert rig.device.writes == [("c3", True, rx.id)]
        assert tx.cause == rx.id
        assert rx.payload == {"conn": 0, "frame": adu(bytes([5, 0, 3, 255, 0])).hex()}
        assert tx.payload == rx.payload
        assert rx.source == "bench"

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


def test_one_seed_one_trace() -> None:
    """The same traffic from three clients gives the same trace hash twice."""

    async def traffic(rig: Rig) -> str:
        clients = [await rig.connect() for _ in range(3)]
        for n in range(10):
            for client in clients:
                client.send(adu(READ, n))
            for client in clients:
                await client.answer()
        return rig.trace.sha256()

    assert on_bench(traffic, seed=5) == on_bench(traffic, seed=5)


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


@pytest.mark.slow
def test_the_same_manners_on_the_wall_clock() -> None:
    """On the loop of the real tiers (uvloop) pipelining, limits and timeouts hold as well."""
    request, count = bytes([3, 0, 0, 0, 28]), 6000

    async def check(rig: Rig) -> None:
        late = await rig.connect(receive_bytes=4096)
        late.writer.transport.pause_reading()
        late.send(b"".join(adu(request, n) for n in range(count)))
        broken, half = await rig.connect(), await rig.connect()
        broken.send(adu(READ, 5) + bytes(6))
        half.send(b"\0\1")
        assert (await broken.answer())[:2] == b"\0\5"
        assert await broken.closed()
        assert await half.closed()
        assert 0 < len(rig.kinds("modbus.rx")) < count
        late.writer.transport.resume_reading()
        for n in range(count):
            assert int.from_bytes((await late.answer())[:2]) == n
        rig.server.inject("slow", delay_s=0.05)
        late.send(b"".join(adu(request, n) for n in range(2000)))
        for n in range(2000):
            assert int.from_bytes((await late.answer())[:2]) == n

    on_bench(check, real=True, changes={"frame_timeout_s": 0.2})
