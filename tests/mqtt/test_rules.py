"""Rules of our own broker beyond the shared table: what is odd but lawful, and the trace."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.mqtt.bench import Place, on_broker
from twin.errors import HarnessError
from twin.wires.mqtt import Access
from twin.wires.mqtt import packets as p
from twin.wires.mqtt.codec import encode
from twin.wires.mqtt.packets import Ack, Bare, ConnAck, Connect, ConnectCode, Publish, Will


def test_unsubscribing_does_not_break_off_what_was_sent() -> None:
    """An unacknowledged message is still repeated and acknowledged [MQTT-3.10.4-3]."""

    async def test(place: Place) -> None:
        first = await place.client("u", clean=False)
        await first.subscribe("t", 1)
        sender = await place.client("sender")
        await sender.publish("t", b"sent", 1)
        sent = await first.next()
        await first.unsubscribe("t")
        first.cut()
        again = await place.client("u", clean=False)
        repeated = await again.message()
        assert (repeated.payload, repeated.dup, repeated.packet_id) == (
            b"sent",
            True,
            sent.packet_id,
        )
        await again.quiet()

    on_broker(test)


def test_acknowledgements_of_nothing_are_answered_and_harmless() -> None:
    """PUBREL gets PUBCOMP, PUBREC gets PUBREL, PUBACK and PUBCOMP get nothing."""

    async def test(place: Place) -> None:
        client = await place.client("odd")
        for kind in (p.PUBACK, p.PUBCOMP, p.PUBREL, p.PUBREC):
            client.send(Ack(kind, 77))
        assert await client.next() == Ack(p.PUBCOMP, 77)
        assert await client.next() == Ack(p.PUBREL, 77)
        await client.alive()

    on_broker(test)


def test_an_acknowledgement_of_the_wrong_kind_finishes_nothing() -> None:
    """PUBACK for QoS 2, PUBCOMP before PUBREC, PUBREC for QoS 1: the message comes again."""

    async def test(place: Place) -> None:
        first = await place.client("odd", clean=False)
        await first.subscribe("t", 2)
        sender = await place.client("sender")
        for qos in (1, 2):
            await sender.publish("t", b"%d" % qos, qos)
        one, two = await first.next(), await first.next()
        first.send(Ack(p.PUBACK, two.packet_id), Ack(p.PUBCOMP, two.packet_id))
        first.send(Ack(p.PUBREC, one.packet_id), Ack(p.PUBCOMP, one.packet_id))
        assert await first.next() == Ack(p.PUBREL, one.packet_id)
        await first.alive()
        first.cut()
        again = await place.client("odd", clean=False)
        for before in (one, two):
            got = await again.message()
            assert (got.payload, got.dup) == (before.payload, True)
        await again.quiet()

    on_broker(test)


def test_a_refusal_reaches_a_client_that_has_already_said_more() -> None:
    """The CONNACK is read although bytes that nobody reads lie in the socket."""

    async def test(place: Place) -> None:
        for _ in range(20):
            raw = await place.raw()
            raw.send(Connect("c", user="u", password=b"no"))
            raw.send(encode(Publish("t", bytes(1000))) * 200)
            assert await raw.next() == ConnAck(ConnectCode.NOT_AUTHORISED)
            assert await raw.closed()

    on_broker(test, access=Access({"u": "yes"}, anonymous=False))


def test_what_follows_disconnect_is_not_read() -> None:
    """[MQTT-3.14.4-2]; nor does it bring the will back."""

    async def test(place: Place) -> None:
        listener = await place.listener("#", 0)
        client = await place.client("late", will=Will("w", b"x"))
        client.send(Bare(p.DISCONNECT), Publish("t", b"too late"), b"\xf0\x00")
        assert await client.closed()
        await listener.quiet()

    on_broker(test)


def test_publishing_before_connack_is_lawful() -> None:
    """A client need not wait for CONNACK; CONNACK still comes first [MQTT-3.2.0-1]."""

    async def test(place: Place) -> None:
        raw = await place.raw()
        raw.send(Connect("eager"), Publish("t", b"", 1, packet_id=4))
        assert await raw.next() == ConnAck(0)
        assert await raw.next() == Ack(p.PUBACK, 4)

    on_broker(test)


def test_an_mqtt_5_client_is_told_the_protocol_level() -> None:
    """Code 1 in the form of 3.1.1, which MQTT 5 clients know."""

    async def test(place: Place) -> None:
        raw = await place.raw()
        raw.send(b"\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03abc")
        assert await raw.next() == ConnAck(ConnectCode.WRONG_LEVEL)
        assert await raw.closed()

    on_broker(test)


def test_nagle_is_off() -> None:
    """TCP_NODELAY on both ends of every connection."""

    async def test(place: Place) -> None:
        client, _ = place.paho("v")
        client.start()
        await client.wait_connected()
        (connection,) = place.server.connections
        ours = connection._transport.get_extra_info("socket")
        for sock in (ours, client._paho.socket()):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await client.stop()

    on_broker(test)


def test_two_brokers_do_not_take_one_port() -> None:
    """The error names address and port, and says what to do."""

    async def test(place: Place) -> None:
        with pytest.raises(HarnessError, match="already started"):
            await place.server.start()
        again = type(place.server)(
            clock=place.clock, trace=place.trace, rng=place.server.luck("x", "up")
        )
        with pytest.raises(HarnessError, match=rf"127\.0\.0\.1 port {place.port}.*0 for a free"):
            await again.start(port=place.port)

    on_broker(test)


def test_the_trace_tells_who_got_what_because_of_what() -> None:
    """A `mqtt.tx` names the `mqtt.rx` behind it; binary payloads are told as hex."""

    async def test(place: Place) -> None:
        listener = await place.listener("t", 1)
        sender = await place.client("sender")
        await sender.publish("t", '{"über": 1}'.encode(), 1)
        await sender.publish("t", b"\xff\x00", 0)
        for _ in range(2):
            await listener.message()
        records = list(place.trace.records())
        came = [r for r in records if r.kind == "mqtt.rx"]
        went = [r for r in records if r.kind == "mqtt.tx"]
        assert [r.payload.get("payload") for r in came] == ['{"über": 1}', None]
        assert came[1].payload["payload_hex"] == "ff00"
        assert [r.cause for r in went] == [r.id for r in came]
        assert {r.payload["client"] for r in went} == {"listener"}

    on_broker(test)


def test_a_slow_world_does_not_lose_a_turn() -> None:
    """Fifty clients publish at one instant: everything arrives, once, in each one's order."""

    async def test(place: Place) -> None:
        listener = await place.listener("t/+", 1)
        clients = [await place.client(f"c{n}") for n in range(50)]

        async def say(number: int) -> None:
            for index in range(5):
                await clients[number].publish(f"t/{number}", b"%d" % index, 1)

        talks = asyncio.gather(*(say(number) for number in range(50)))
        got = [await listener.message() for _ in range(250)]
        await talks
        for number in range(50):
            mine = [int(m.payload) for m in got if m.topic == f"t/{number}"]
            assert mine == [0, 1, 2, 3, 4]

    on_broker(test)
