"""Rules of our own broker beyond the shared table: limits, rights, exact times, the trace."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.mqtt.bench import Place, on_broker
from twin.errors import ConfigError, HarnessError
from twin.wires.mqtt import Access, Limits, acl_text, parse_acl
from twin.wires.mqtt import packets as p
from twin.wires.mqtt.codec import encode
from twin.wires.mqtt.packets import Ack, Bare, ConnAck, Connect, ConnectCode, Publish, Will

# --- time -------------------------------------------------------------------------------------


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


# --- limits -----------------------------------------------------------------------------------


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


# --- odd but lawful ---------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("user", "password", "enters"),
    [
        ("u", b"right", True), ("u", b"wrong", False), ("u", b"", False), ("u", None, False),
        ("nobody", b"", False), ("nobody", None, False), ("nobody", b"right", False),
        (None, None, False),
    ],
)  # fmt: skip
def test_who_may_connect(user: str | None, password: bytes | None, enters: bool) -> None:
    """A known name with its own password; an unknown one with none is not let in by accident."""
    assert Access({"u": "right", "void": ""}, anonymous=False).admits(user, password) is enters


# --- rights -----------------------------------------------------------------------------------

TEXT = """\
# a comment
topic read notice/#
user fleet
topic readwrite uagv/#
topic deny uagv/secret
topic fleet/own
pattern write uagv/%u/state
pattern read uagv/%c/order
"""


def test_rights_follow_mosquitto_s_file() -> None:
    """Lines before a user are for nobody's; patterns are for all; deny wins; else refused."""
    access = Access(rules=parse_acl(TEXT))

    def may(right, topic, user=None, id_="c"):
        return access.allows(right, topic, user, id_)

    assert may("read", "notice/1")
    assert not may("write", "notice/1")
    assert not may("read", "notice/1", "fleet")
    assert may("read", "uagv/x", "fleet")
    assert may("write", "uagv/x", "fleet")
    assert not may("read", "uagv/secret", "fleet")
    assert may("write", "fleet/own", "fleet")
    assert may("write", "uagv/v1/state", "v1")
    assert not may("read", "uagv/v1/state", "v1")
    assert not may("write", "uagv/v1/state", "v2")
    assert may("read", "uagv/c/order")
    assert not may("read", "uagv/c/order", id_="d")


@pytest.mark.parametrize("name", ["+", "#", "a/b", ""])
def test_a_name_cannot_widen_a_pattern(name: str) -> None:
    """A client that calls itself + does not read everybody's orders."""
    access = Access(rules=parse_acl("pattern readwrite uagv/%c/order\n"))
    for topic in ("uagv/x/order", f"uagv/{name}/order", "uagv/a/b/order"):
        assert not access.allows("read", topic, None, name)


def test_rights_survive_their_text() -> None:
    """What `acl_text` writes, `parse_acl` reads as the same rights."""
    rules = parse_acl(TEXT)
    assert set(parse_acl(acl_text(rules))) == set(rules)


@pytest.mark.parametrize("line", ["topic", "topic read a/#/b", "users x", "user", "pattern"])
def test_a_wrong_line_is_named(line: str) -> None:
    """File, line number and keyword."""
    with pytest.raises(ConfigError, match=r"rights:2: "):
        parse_acl(f"\n{line}\n", "rights")


def test_what_may_not_be_published_is_acknowledged_and_goes_nowhere() -> None:
    """[MQTT-3.3.5-2]; a will neither; the trace says denied."""

    async def test(place: Place) -> None:
        listener = await place.listener("#", 1, "listener")
        client = await place.client("c", will=Will("no/will", b""))
        for qos in (0, 1, 2):
            await client.publish("no", b"x", qos, retain=True)
        await client.publish("yes", b"x", 1)
        client.cut()
        assert (await listener.message()).topic == "yes"
        await listener.quiet()
        assert [r["topic"] for r in place.kinds("mqtt.denied")] == ["no", "no", "no", "no/will"]
        assert place.server.broker.retained == {}

    rules = parse_acl("topic readwrite yes\ntopic read #\n")
    on_broker(test, access=Access(rules=rules))


def test_rights_go_with_the_user_name() -> None:
    """Two clients, two names: each reads its own and not the other's."""

    async def test(place: Place) -> None:
        one = await place.client("a", user="igv-1", password=b"1")
        two = await place.client("b", user="igv-2", password=b"2")
        for client in (one, two):
            await client.subscribe("+/order", 1)
        await one.publish("igv-2/order", b"not mine to say", 1)
        hub = await place.client("c", user="hub", password=b"3")
        for number in (1, 2):
            await hub.publish(f"igv-{number}/order", b"%d" % number, 1)
        assert (await one.message()).payload == b"1"
        assert (await two.message()).payload == b"2"
        await one.quiet()
        await two.quiet()

    rules = parse_acl("pattern read %u/order\nuser hub\ntopic write +/order\n")
    users = {"igv-1": "1", "igv-2": "2", "hub": "3"}
    on_broker(test, access=Access(users, anonymous=False, rules=rules))


def test_a_retained_message_is_not_read_without_the_right() -> None:
    """Neither live nor by a new subscription."""

    async def test(place: Place) -> None:
        sender = await place.client("s")
        await sender.publish("own/s", b"x", 1, retain=True)
        other = await place.listener("own/#", 1, "o")
        await sender.publish("own/s", b"y", 1)
        await other.quiet()
        mine = await place.client("s")
        await mine.subscribe("own/+", 0)
        assert (await mine.message()).payload == b"x"

    on_broker(test, access=Access(rules=parse_acl("pattern readwrite own/%c\n")))


def test_a_password_is_in_no_record() -> None:
    """Neither a right nor a wrong one, in no encoding."""

    async def test(place: Place) -> str:
        for word in (b"right-secret", b"wrong-secret"):
            raw = await place.raw()
            raw.send(Connect("c", user="u", password=word))
            await raw.next()
            await raw.close()
        await place.clock.sleep(1)
        return " ".join(str(record) for record in place.trace.records())

    access = Access(users={"u": "right-secret"})
    text = on_broker(test, access=access) + repr(access)
    assert "secret" not in text
    assert b"secret".hex() not in text


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


# --- many at once -----------------------------------------------------------------------------


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
