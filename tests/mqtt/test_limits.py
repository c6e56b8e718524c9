"""Limits of our own broker: exact times, queues, windows, packets, clients."""

from __future__ import annotations

import asyncio

import pytest

from tests.mqtt.bench import Place, on_broker
from twin.wires.mqtt import Limits
from twin.wires.mqtt import packets as p
from twin.wires.mqtt.codec import encode
from twin.wires.mqtt.packets import Ack, ConnAck, Connect, ConnectCode, Publish, Will


@pytest.mark.parametrize("keep_alive_s", [1, 10, 15, 65_535])
def test_the_keep_alive_ends_at_one_and_a_half(keep_alive_s: int) -> None:
    """To the microsecond, counted from the last packet [MQTT-3.1.2-24]."""

    async def test(place: Place) -> float:
        client = await place.client("silent", keep_alive_s=keep_alive_s)
        await place.clock.sleep(keep_alive_s * 1.4)
        await client.alive()
        began = place.clock.now_s()
        assert await client.closed(2.0 * keep_alive_s)
        return place.clock.now_s() - began

    assert on_broker(test) == pytest.approx(1.5 * keep_alive_s, abs=1e-6)


def test_half_a_packet_is_no_packet() -> None:
    """Bytes that complete nothing do not keep a client alive."""

    async def test(place: Place) -> None:
        client = await place.client("half", keep_alive_s=2)
        for byte in b"\x30\x7f\x00\x01":
            client.send(bytes((byte,)))
            await place.clock.sleep(0.9)
        assert place.kinds("mqtt.conn")[-1]["event"] == "close"

    on_broker(test)


def test_without_a_keep_alive_nobody_is_ended() -> None:
    """0 switches it off: silent for a week."""

    async def test(place: Place) -> None:
        client = await place.client("silent")
        await place.clock.sleep(7 * 86_400)
        await client.alive()

    on_broker(test)


def test_a_connection_without_connect_is_ended() -> None:
    """After the time that the limits say, whether it sent half of one or nothing."""

    async def test(place: Place) -> None:
        for part in (b"", b"\x10\x20\x00"):
            raw = await place.raw()
            raw.send(part)
            began = place.clock.now_s()
            assert await raw.closed(20)
            assert place.clock.now_s() - began == pytest.approx(10.0)

    on_broker(test)


def test_a_full_queue_drops_the_newest_and_counts() -> None:
    """Five fit; three are dropped, counted and traced; the five arrive in order."""

    async def test(place: Place) -> None:
        keeper = await place.client("keeper", clean=False)
        await keeper.subscribe("k", 1)
        await keeper.leave()
        sender = await place.client("sender")
        for number in range(8):
            await sender.publish("k", b"%d" % number, 1)
        assert place.server.broker.dropped == 3
        assert [r["dropped"] for r in place.kinds("mqtt.dropped")] == [1, 2, 3]
        back = await place.client("keeper", clean=False)
        assert [(await back.message()).payload for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
        await back.quiet()

    on_broker(test, limits=Limits(queued_max=5))


def test_no_more_than_the_window_is_unacknowledged() -> None:
    """Three are sent; the next comes when one is acknowledged."""

    async def test(place: Place) -> None:
        listener = await place.listener("t", 1)
        sender = await place.client("sender")
        for number in range(5):
            await sender.publish("t", b"%d" % number, 1)
        sent = [await listener.next() for _ in range(3)]
        await listener.quiet()
        listener.send(Ack(p.PUBACK, sent[1].packet_id))
        assert (await listener.next()).payload == b"3"
        await listener.quiet()

    on_broker(test, limits=Limits(inflight_max=3))


def test_a_client_that_does_not_read_loses_qos_0_and_hurts_nobody() -> None:
    """Its backlog is bounded, the loss is counted, a reader gets everything."""

    async def test(place: Place) -> None:
        sleepy = await place.listener("t", 0, "sleepy")
        sleepy.writer.transport.pause_reading()
        reader = await place.listener("t", 0, "reader")
        sender = await place.client("sender")
        for _ in range(200):
            await sender.publish("t", bytes(100_000), 1)
            assert len((await reader.message()).payload) == 100_000
        session = place.server.broker.sessions["sleepy"]
        assert session.dropped > 50
        assert place.server.broker.sessions["reader"].dropped == 0
        (connection,) = [c for c in place.server.connections if c.client_id == "sleepy"]
        assert connection._transport.get_write_buffer_size() < 1_200_000
        sleepy.writer.transport.resume_reading()

    on_broker(test, limits=Limits(backlog_bytes_max=1_000_000))


@pytest.mark.slow
def test_a_client_that_never_reads_its_acknowledgements_is_given_up() -> None:
    """Not even acknowledgements pile up without end; its will is said, others go on."""

    async def test(place: Place) -> None:
        listener = await place.listener("w", 1)
        deaf = await place.raw(receive_bytes=4096)
        deaf.send(Connect("deaf", will=Will("w", b"deaf")))
        assert await deaf.next() == ConnAck(0)
        deaf.writer.transport.pause_reading()
        some = encode(Publish("t", b"", 1, packet_id=1)) * 20_000
        for _ in range(50):
            if "deaf" not in place.server.broker.clients:
                break
            deaf.send(some)
            await asyncio.sleep(0.001)
        assert (await listener.message()).payload == b"deaf"
        assert place.kinds("mqtt.conn")[-1]["reason"] == "does not read what it is sent"
        await listener.alive()

    on_broker(test, limits=Limits(backlog_bytes_max=10_000), detail="connections")


def test_a_packet_over_the_limit_closes_the_connection() -> None:
    """Refused by its length; the limit itself passes [MQTT-4.8.0-2]."""

    async def test(place: Place) -> None:
        client = await place.client("big")
        await client.publish("a", bytes(1000 - 5), 1)
        client.send(Publish("a", bytes(1000), 1, packet_id=1))
        assert await client.closed()
        assert "1000 is the limit" in place.kinds("mqtt.conn")[-1]["reason"]

    on_broker(test, limits=Limits(packet_bytes_max=1000))


def test_too_many_clients_are_told_so() -> None:
    """Code 3 at the limit; a known one may still take over."""

    async def test(place: Place) -> None:
        await place.client("one", clean=False)
        await place.client("two")
        third = await place.client("three")
        assert third.connack.code == ConnectCode.UNAVAILABLE
        assert await third.closed()

    on_broker(test, limits=Limits(connections_max=2))
    on_broker(test, limits=Limits(sessions_max=2))


def test_packet_identifiers_are_never_used_twice_at_once() -> None:
    """One stays unacknowledged while 65,535 others come and go [MQTT-2.3.1-4]."""
    from twin.wires.mqtt.session import Message, Session

    class Sink:
        def __init__(self) -> None:
            self.numbers: list[int] = []

        def send(self, data: bytes) -> None: ...
        def send_publish(self, data: bytes, message: Message, qos: int) -> None:
            self.numbers.append(int.from_bytes(data[5:7]))

        def congested(self) -> bool:
            return False

        def close(self, reason: str) -> None: ...

    session, sink = Session("s", Limits(), clean=True), Sink()
    session.peer = sink
    session.deliver(Message("t", b"", 1), 1, False)
    for _ in range(65_536):
        session.deliver(Message("t", b"", 1), 1, False)
        session.acknowledged(sink.numbers[-1], p.PUBACK)
    assert sink.numbers[0] == 1
    assert 1 not in sink.numbers[1:]
    assert 0 not in sink.numbers
    assert session.inflight == 1


def test_qos_0_for_an_absent_client_is_no_loss() -> None:
    """Nothing is kept of it, nothing is counted, nothing is traced as dropped."""

    async def test(place: Place) -> None:
        keeper = await place.client("keeper", clean=False)
        await keeper.subscribe("k", 0)
        await keeper.leave()
        sender = await place.client("sender")
        for qos in (0, 1):
            await sender.publish("k", b"x", qos)
        assert place.server.broker.dropped == 0
        assert place.kinds("mqtt.dropped") == []
        back = await place.client("keeper", clean=False)
        await back.quiet()

    on_broker(test)
