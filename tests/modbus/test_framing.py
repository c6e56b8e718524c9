"""MBAP framing over real TCP in virtual time: each request once, in order, however it is cut."""

from __future__ import annotations

import pytest

from tests.modbus.bench import READ, Rig, adu, model_of, on_bench


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
