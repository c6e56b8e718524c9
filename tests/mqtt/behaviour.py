"""What a broker does, as a table: the same rows are run against ours and against mosquitto.

Each row is a coroutine; its docstring states the property, its mark names the clauses.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from tests.mqtt.bench import ANSWER_S, Place
from twin.wires.mqtt import packets as p
from twin.wires.mqtt.packets import Ack, Bare, Connect, ConnectCode, Publish, Will

Row = Callable[[Place], Coroutine[Any, Any, None]]
ROWS: dict[str, Row] = {}
CLAUSES: dict[str, tuple[str, ...]] = {}


def row(*clauses: str) -> Callable[[Row], Row]:
    def take(test: Row) -> Row:
        ROWS[test.__name__] = test
        CLAUSES[test.__name__] = clauses
        return test

    return take


def plain(topic: str, payload: bytes = b"", qos: int = 0, retain: bool = False) -> tuple[Any, ...]:
    return topic, payload, qos, retain


def seen(packet: Publish) -> tuple[Any, ...]:
    return packet.topic, packet.payload, packet.qos, packet.retain


# --- CONNECT and sessions ---------------------------------------------------------------------


@row("MQTT-3.2.0-1", "MQTT-3.2.2-1", "MQTT-3.1.2-6")
async def a_clean_session_starts_empty(place: Place) -> None:
    """With clean session the answer says that nothing is there, also after a kept session."""
    kept = await place.client("one", clean=False)
    await kept.subscribe("a", 1)
    await kept.leave()
    again = await place.client("one", clean=True)
    assert (again.connack.code, again.connack.session_present) == (0, False)
    other = await place.client("other")
    await other.publish("a", b"x", 1)
    await again.quiet()


@row("MQTT-3.1.2-4", "MQTT-3.1.2-5", "MQTT-3.2.2-2", "MQTT-3.2.2-3", "MQTT-4.5.0-1")
async def a_kept_session_is_resumed(place: Place) -> None:
    """Subscriptions and QoS 1 and 2 messages outlive the connection; QoS 0 does not."""
    first = await place.client("keeper", clean=False)
    assert not first.connack.session_present
    await first.subscribe("k/#", 2)
    await first.leave()
    other = await place.client("other")
    for qos in (0, 1, 2):
        await other.publish(f"k/{qos}", b"while away", qos)
    back = await place.client("keeper", clean=False)
    assert back.connack.session_present
    assert [seen(await back.message()) for _ in range(2)] == [
        plain("k/1", b"while away", 1),
        plain("k/2", b"while away", 2),
    ]
    await back.quiet()
    await other.publish("k/live", b"now")
    assert seen(await back.message()) == plain("k/live", b"now")


@row("MQTT-3.1.4-2", "MQTT-3.1.2-8")
async def a_second_connection_takes_over(place: Place) -> None:
    """A client identifier that is taken: the old connection is closed and its will is said."""
    listener = await place.listener("will/#")
    old = await place.client("twin", will=Will("will/twin", b"old"))
    new = await place.client("twin")
    assert await old.closed()
    assert seen(await listener.message()) == plain("will/twin", b"old")
    await new.alive()


@row("MQTT-3.1.3-6", "MQTT-3.1.3-7")
async def an_empty_identifier_is_given_one(place: Place) -> None:
    """Two clients without an identifier are two clients."""
    one, two = await place.client(""), await place.client("")
    await one.alive()
    await two.alive()


@row("MQTT-3.1.3-8", "MQTT-3.2.2-4", "MQTT-3.2.2-5")
async def an_empty_identifier_cannot_keep_a_session(place: Place) -> None:
    """Refused with code 2, then closed."""
    raw = await place.client("", clean=False)
    assert raw.connack.code == ConnectCode.ID_REJECTED
    assert await raw.closed()


@row("MQTT-3.1.2-2")
async def an_unknown_protocol_level_is_refused(place: Place) -> None:
    """Level 9 gets code 1, then the end."""
    raw = await place.client("nine", level=9)
    assert raw.connack.code == ConnectCode.WRONG_LEVEL
    assert await raw.closed()


@row("MQTT-3.1.0-1", "MQTT-3.1.0-2")
async def connect_comes_first_and_once(place: Place) -> None:
    """Anything before CONNECT, and a second CONNECT, close the connection."""
    early = await place.raw()
    early.send(Bare(p.PINGREQ))
    assert await early.closed()
    twice = await place.client("twice")
    twice.send(Connect("twice"))
    assert await twice.closed()


# --- wills ------------------------------------------------------------------------------------


@row("MQTT-3.1.2-8", "MQTT-3.1.2-16", "MQTT-3.1.2-17")
async def the_will_of_a_lost_client_is_said_and_kept(place: Place) -> None:
    """An abrupt close publishes the will with its QoS; with RETAIN it is there for later ones."""
    listener = await place.listener("w", 1)
    lost = await place.client("lost", will=Will("w", b"gone", 1, True))
    lost.cut()
    assert seen(await listener.message()) == plain("w", b"gone", 1)
    late = await place.client("late")
    await late.subscribe("w", 1)
    assert seen(await late.message()) == plain("w", b"gone", 1, True)


@row("MQTT-3.1.2-8", "MQTT-3.1.2-9")
async def the_will_follows_a_protocol_error(place: Place) -> None:
    """A client that is thrown out for a wrong packet has its will said."""
    listener = await place.listener("w")
    wrong = await place.client("wrong", will=Will("w", b"thrown out"))
    wrong.send(b"\xf0\x00")
    assert await wrong.closed()
    assert seen(await listener.message()) == plain("w", b"thrown out")


@row("MQTT-3.1.2-10", "MQTT-3.1.2-12", "MQTT-3.14.4-3")
async def disconnect_takes_the_will_back(place: Place) -> None:
    """After DISCONNECT no will is said."""
    listener = await place.listener("w")
    polite = await place.client("polite", will=Will("w", b"never"))
    await polite.leave()
    await listener.quiet()


@row("MQTT-3.1.2-24")
async def silence_ends_the_connection_and_says_the_will(place: Place) -> None:
    """Nothing for 1.5 keep alives: closed, and the will is said; another with more time stays."""
    listener = await place.listener("w")
    silent = await place.client("silent", keep_alive_s=1, will=Will("w", b"silent"))
    pinging = await place.client("pinging", keep_alive_s=60)
    began = place.clock.now_s()
    assert seen(await listener.message(15.0)) == plain("w", b"silent")  # mosquitto looks each 5 s
    assert place.clock.now_s() - began >= 1.49
    assert await silent.closed()
    await pinging.alive()


# --- retained ---------------------------------------------------------------------------------


@row("MQTT-3.3.1-5", "MQTT-3.3.1-6", "MQTT-3.3.1-8", "MQTT-3.3.1-9", "MQTT-3.3.1-7")
async def the_last_retained_message_waits_for_subscribers(place: Place) -> None:
    """A new subscription gets the last one with RETAIN 1; who was there got it with RETAIN 0."""
    there = await place.listener("r/+", 1, "there")
    other = await place.client("other")
    await other.publish("r/a", b"first", 1, retain=True)
    await other.publish("r/a", b"second", 0, retain=True)
    await other.publish("r/b", b"bee", 1, retain=True)
    got = [seen(await there.message()) for _ in range(3)]
    assert got == [plain("r/a", b"first", 1), plain("r/a", b"second"), plain("r/b", b"bee", 1)]
    late = await place.listener("r/#", 1, "late")
    assert sorted([seen(await late.message()) for _ in range(2)]) == [
        plain("r/a", b"second", 0, True),
        plain("r/b", b"bee", 1, True),
    ]


@row("MQTT-3.3.1-10", "MQTT-3.3.1-11", "MQTT-3.3.1-12")
async def an_empty_retained_message_clears(place: Place) -> None:
    """Empty with RETAIN: handed on as a normal message, the old one gone; without: no change."""
    there = await place.listener("r", 0, "there")
    other = await place.client("other")
    await other.publish("r", b"kept", 1, retain=True)
    await other.publish("r", b"passing", 1)
    await other.publish("r", b"", 1)
    assert [(await there.message()).payload for _ in range(3)] == [b"kept", b"passing", b""]
    late = await place.listener("r", 0, "late")
    assert seen(await late.message()) == plain("r", b"kept", 0, True)
    await other.publish("r", b"", 1, retain=True)
    assert seen(await late.message()) == plain("r")
    last = await place.listener("r", 0, "last")
    await last.quiet()


@row("MQTT-3.8.4-3")
async def subscribing_again_replaces_and_repeats_what_is_retained(place: Place) -> None:
    """The same filter again: new QoS, one copy of each message, retained ones sent again."""
    listener = await place.listener("s", 0)
    other = await place.client("other")
    await other.publish("s", b"kept", 1, retain=True)
    assert seen(await listener.message()) == plain("s", b"kept")
    assert await listener.subscribe("s", 1) == (1,)
    assert seen(await listener.message()) == plain("s", b"kept", 1, True)
    await other.publish("s", b"new", 1)
    assert seen(await listener.message()) == plain("s", b"new", 1)
    await listener.quiet()


# --- QoS --------------------------------------------------------------------------------------


@row("MQTT-3.8.4-6", "MQTT-3.8.4-5", "MQTT-4.3.1-1", "MQTT-4.3.2-1", "MQTT-4.3.3-1")
async def the_lower_qos_of_both_sides_counts(place: Place) -> None:
    """For every pair of published and granted QoS the lower one arrives."""
    other = await place.client("other")
    for granted in (0, 1, 2):
        listener = await place.listener("q", granted, f"q{granted}")
        for published in (0, 1, 2):
            await other.publish("q", bytes([published]), published)
            got = await listener.message()
            assert (got.payload, got.qos, got.dup) == (
                bytes([published]), min(published, granted), False,
            )  # fmt: skip
        await listener.leave()


@row("MQTT-3.3.5-1")
async def overlapping_filters_count_with_the_highest_qos(place: Place) -> None:
    """Several matching filters: at least one copy, at the highest QoS of them."""
    listener = await place.client("listener")
    assert await listener.subscribe(("o/#", 0), ("o/+", 1), ("o/x", 0)) == (0, 1, 0)
    other = await place.client("other")
    await other.publish("o/x", b"", 1)
    await other.publish("o/y", b"", 1)
    copies = []
    while (packet := await listener.message()).topic == "o/x":
        copies.append(packet.qos)
    assert max(copies) == 1


@row("MQTT-3.3.1-1", "MQTT-4.4.0-1", "MQTT-4.6.0-1", "MQTT-4.6.0-6")
async def what_was_not_acknowledged_comes_again(place: Place) -> None:
    """On reconnection, in order, with DUP and the same identifiers; then it is over."""
    first = await place.client("slow", clean=False)
    await first.subscribe("d", 1)
    other = await place.client("other")
    for number in range(3):
        await other.publish("d", b"%d" % number, 1)
    sent = [await first.next() for _ in range(3)]
    assert all(isinstance(packet, Publish) and not packet.dup for packet in sent)
    first.send(Ack(p.PUBACK, sent[0].packet_id))  # type: ignore[union-attr]
    await first.alive()
    first.cut()
    again = await place.client("slow", clean=False)
    for before in sent[1:]:
        got = await again.message()
        assert (got.payload, got.packet_id, got.dup) == (before.payload, before.packet_id, True)  # type: ignore[union-attr]
    await again.leave()
    third = await place.client("slow", clean=False)
    await third.quiet()


@row("MQTT-4.3.3-2", "MQTT-3.3.4-1")
async def qos_2_arrives_once(place: Place) -> None:
    """The same identifier before PUBREL is one message, after PUBCOMP another."""
    listener = await place.listener("t", 2)
    other = await place.client("other", clean=False)
    other.send(Publish("t", b"one", 2, packet_id=7))
    assert await other.next() == Ack(p.PUBREC, 7)
    other.cut()
    other = await place.client("other", clean=False)
    other.send(Publish("t", b"one", 2, dup=True, packet_id=7))
    assert await other.next() == Ack(p.PUBREC, 7)
    other.send(Ack(p.PUBREL, 7))
    assert await other.next() == Ack(p.PUBCOMP, 7)
    other.send(Publish("t", b"two", 2, packet_id=7))
    assert await other.next() == Ack(p.PUBREC, 7)
    other.send(Ack(p.PUBREL, 7))
    assert await other.next() == Ack(p.PUBCOMP, 7)
    assert [(await listener.message()).payload for _ in range(2)] == [b"one", b"two"]
    await listener.quiet()


@row("MQTT-4.3.3-1", "MQTT-4.4.0-1")
async def an_unfinished_release_is_repeated(place: Place) -> None:
    """After PUBREC only PUBREL is sent again, never the message."""
    first = await place.client("half", clean=False)
    await first.subscribe("h", 2)
    other = await place.client("other")
    await other.publish("h", b"once", 2)
    got = await first.next()
    assert isinstance(got, Publish)
    first.send(Ack(p.PUBREC, got.packet_id))
    assert await first.next() == Ack(p.PUBREL, got.packet_id)
    first.cut()
    again = await place.client("half", clean=False)
    assert await again.next() == Ack(p.PUBREL, got.packet_id)
    again.send(Ack(p.PUBCOMP, got.packet_id))
    await again.quiet()


@row("MQTT-4.3.2-2", "MQTT-3.3.1-3")
async def a_repeated_publish_is_a_message_and_dup_is_not_passed_on(place: Place) -> None:
    """At QoS 1 a PUBLISH with DUP is handed on like any other, without DUP."""
    listener = await place.listener("t", 1)
    other = await place.client("other")
    for dup in (False, True):
        other.send(Publish("t", b"x", 1, dup=dup, packet_id=9))
        assert await other.next() == Ack(p.PUBACK, 9)
    assert [(await listener.message()).dup for _ in range(2)] == [False, False]


@row("MQTT-4.6.0-5", "MQTT-4.6.0-6")
async def order_is_kept(place: Place) -> None:
    """A hundred messages of one topic arrive in the order in which they were published."""
    listener = await place.listener("n", 1)
    other = await place.client("other")
    for number in range(100):
        other.send(Publish("n", b"%d" % number, 1, packet_id=number + 1))
    assert [int((await listener.message()).payload) for _ in range(100)] == list(range(100))


@row("MQTT-3.3.2-3", "MQTT-4.7.3-4")
async def a_large_payload_arrives_whole(place: Place) -> None:
    """300 kB at QoS 1, also to two subscribers."""
    one, two = await place.listener("big", 1, "one"), await place.listener("big", 0, "two")
    payload = bytes(range(256)) * 1200
    other = await place.client("other")
    await other.publish("big", payload, 1)
    assert (await one.message()).payload == payload
    assert (await two.message()).payload == payload


# --- subscriptions and topics -----------------------------------------------------------------


@row("MQTT-3.8.4-1", "MQTT-3.8.4-2", "MQTT-3.8.4-4", "MQTT-3.9.3-1", "MQTT-3.9.3-2")
async def a_subscribe_is_answered_filter_by_filter(place: Place) -> None:
    """One code for each filter, in their order, under the identifier of the SUBSCRIBE."""
    client = await place.client("client")
    assert await client.subscribe(("a", 2), ("b/+", 0), ("c/#", 1)) == (2, 0, 1)


@row("MQTT-4.7.1-2", "MQTT-4.7.1-3", "MQTT-4.7.2-1")
async def wildcards_match_as_the_standard_says(place: Place) -> None:
    """The examples of section 4.7, each filter against each topic."""
    topics = (
        "sport",
        "sport/",
        "sport/tennis",
        "sport/tennis/p1",
        "/finance",
        "/",
        "$X/a",
        "Sport",
    )
    wanted = {
        "sport/#": {"sport", "sport/", "sport/tennis", "sport/tennis/p1"},
        "sport/+": {"sport/", "sport/tennis"},
        "+": {"sport", "Sport"},
        "+/+": {"sport/", "sport/tennis", "/finance", "/"},
        "/+": {"/finance", "/"},
        "#": set(topics) - {"$X/a"},
        "+/a": set(),
        "$X/#": {"$X/a"},
        "$X/+": {"$X/a"},
        "+/tennis/#": {"sport/tennis", "sport/tennis/p1"},
    }
    other = await place.client("other")
    for index, (filter_, matching) in enumerate(wanted.items()):
        listener = await place.client(f"l{index}")
        await listener.subscribe((filter_, 0), ("the end/of it", 0))
        for topic in (*topics, "the end/of it"):
            await other.publish(topic, b"", 1)
        got = set()
        while (topic := (await listener.message()).topic) != "the end/of it":
            got.add(topic)
        assert got == matching, filter_
        await listener.leave()


@row("MQTT-3.10.4-1", "MQTT-3.10.4-2", "MQTT-3.10.4-4", "MQTT-3.10.4-5", "MQTT-3.10.4-6")
async def unsubscribing_is_answered_and_ends_delivery(place: Place) -> None:
    """UNSUBACK for every UNSUBSCRIBE; only the very filter goes."""
    client = await place.client("client")
    await client.subscribe(("u/a", 0), ("u/+", 0), ("v", 0))
    await client.unsubscribe("never subscribed")
    await client.unsubscribe("u/+", "v")
    other = await place.client("other")
    for topic in ("v", "u/b", "u/a"):
        await other.publish(topic, b"", 1)
    assert (await client.message()).topic == "u/a"
    await client.quiet()


@row("MQTT-3.12.4-1")
async def a_ping_is_answered(place: Place) -> None:
    """PINGREQ gets PINGRESP."""
    client = await place.client("client")
    await client.alive()


@row("MQTT-4.8.0-1")
async def one_client_s_error_is_nobody_else_s(place: Place) -> None:
    """A protocol error closes one connection; the others go on."""
    good = await place.listener("g", 1)
    bad = await place.client("bad")
    bad.send(b"\x30\x03\x00\x05a")
    assert await bad.closed()
    await bad.close()
    other = await place.client("other")
    await other.publish("g", b"still here", 1)
    assert (await good.message()).payload == b"still here"


# --- packets that must close a connection -----------------------------------------------------

WRONG: dict[str, tuple[str, bytes]] = {
    "packet type 0": ("MQTT-4.8.0-1", b"\x00\x00"),
    "packet type 15": ("MQTT-4.8.0-1", b"\xf0\x00"),
    "PUBLISH at QoS 3": ("MQTT-3.3.1-4", b"\x36\x05\x00\x01a\x00\x01"),
    "PUBLISH with a wildcard": ("MQTT-3.3.2-2", b"\x30\x05\x00\x03a/+"),
    "PUBLISH with # in its name": ("MQTT-4.7.1-1", b"\x30\x05\x00\x03a/#"),
    "PUBLISH whose topic does not fit": ("MQTT-3.3.2-1", b"\x30\x03\x00\x09a"),
    "PUBLISH without a topic": ("MQTT-4.7.3-1", b"\x30\x02\x00\x00"),
    "PUBLISH with a null character": ("MQTT-1.5.3-2", b"\x30\x05\x00\x03a\x00b"),
    "PUBLISH with a null in its name": ("MQTT-4.7.3-2", b"\x30\x03\x00\x01\x00"),
    "PUBLISH with bad UTF-8": ("MQTT-1.5.3-1", b"\x30\x04\x00\x02\xc3\x28"),
    "PUBLISH with a surrogate": ("MQTT-1.5.3-1", b"\x30\x05\x00\x03\xed\xa0\x80"),
    "PUBLISH with identifier 0": ("MQTT-2.3.1-1", b"\x32\x05\x00\x01a\x00\x00"),
    "PUBLISH without its identifier": ("MQTT-2.3.1-1", b"\x32\x03\x00\x01a"),
    "PUBLISH, DUP at QoS 0": ("MQTT-3.3.1-2", b"\x38\x03\x00\x01a"),
    "PUBACK with flags": ("MQTT-2.2.2-2", b"\x43\x02\x00\x01"),
    "PUBREL without its flags": ("MQTT-3.6.1-1", b"\x60\x02\x00\x01"),
    "SUBSCRIBE without its flags": ("MQTT-3.8.1-1", b"\x80\x06\x00\x01\x00\x01a\x00"),
    "SUBSCRIBE without a filter": ("MQTT-3.8.3-3", b"\x82\x02\x00\x01"),
    "SUBSCRIBE at QoS 3": ("MQTT-3.8.3-4", b"\x82\x06\x00\x01\x00\x01a\x03"),
    "SUBSCRIBE with reserved bits": ("MQTT-3.8.3-4", b"\x82\x06\x00\x01\x00\x01a\x80"),
    "SUBSCRIBE with identifier 0": ("MQTT-2.3.1-1", b"\x82\x06\x00\x00\x00\x01a\x00"),
    "SUBSCRIBE with a bad filter": ("MQTT-4.7.1-2", b"\x82\x08\x00\x01\x00\x03#/a\x00"),
    "SUBSCRIBE with + inside a level": ("MQTT-4.7.1-3", b"\x82\x07\x00\x01\x00\x02a+\x00"),
    "SUBSCRIBE with bad UTF-8": ("MQTT-3.8.3-1", b"\x82\x07\x00\x01\x00\x02\xc3\x28\x00"),
    "UNSUBSCRIBE without its flags": ("MQTT-3.10.1-1", b"\xa0\x05\x00\x01\x00\x01a"),
    "UNSUBSCRIBE without a filter": ("MQTT-3.10.3-2", b"\xa2\x02\x00\x01"),
    "UNSUBSCRIBE with bad UTF-8": ("MQTT-3.10.3-1", b"\xa2\x06\x00\x01\x00\x02\xc3\x28"),
    "DISCONNECT with flags": ("MQTT-3.14.1-1", b"\xe1\x00"),
    "PINGREQ with flags": ("MQTT-2.2.2-2", b"\xc2\x00"),
    "CONNACK from a client": ("MQTT-4.8.0-1", b"\x20\x02\x00\x00"),
    "SUBACK from a client": ("MQTT-4.8.0-1", b"\x90\x03\x00\x01\x00"),
    "a length of five bytes": ("MQTT-4.8.0-1", b"\x30\xff\xff\xff\xff\x01"),
}
"""A packet after CONNECT, and the clause that makes it close the connection."""

WRONG_CONNECT: dict[str, tuple[str, bytes]] = {
    "reserved flag": ("MQTT-3.1.2-3", b"\x00\x04MQTT\x04\x03\x00\x00\x00\x01a"),
    "will QoS 3": ("MQTT-3.1.2-14", b"\x00\x04MQTT\x04\x1e\x00\x00\x00\x01a\x00\x01w\x00\x00"),
    "will QoS without a will": ("MQTT-3.1.2-13", b"\x00\x04MQTT\x04\x0a\x00\x00\x00\x01a"),
    "will retain without a will": ("MQTT-3.1.2-15", b"\x00\x04MQTT\x04\x22\x00\x00\x00\x01a"),
    "password without user": ("MQTT-3.1.2-22", b"\x00\x04MQTT\x04\x42\x00\x00\x00\x01a\x00\x01p"),
    "protocol name": ("MQTT-3.1.2-1", b"\x00\x04XXXX\x04\x02\x00\x00\x00\x01a"),
    "identifier is not UTF-8": ("MQTT-3.1.3-4", b"\x00\x04MQTT\x04\x02\x00\x00\x00\x02\xc3\x28"),
    "identifier with a null": ("MQTT-1.5.3-2", b"\x00\x04MQTT\x04\x02\x00\x00\x00\x03a\x00b"),
    "will that is not there": ("MQTT-3.1.2-11", b"\x00\x04MQTT\x04\x06\x00\x00\x00\x01a"),
    "will topic not UTF-8": (
        "MQTT-3.1.3-10", b"\x00\x04MQTT\x04\x06\x00\x00\x00\x01a\x00\x02\xc3\x28\x00\x00",
    ),
    "user that is not there": ("MQTT-3.1.2-19", b"\x00\x04MQTT\x04\x82\x00\x00\x00\x01a"),
    "user not UTF-8": (
        "MQTT-3.1.3-11", b"\x00\x04MQTT\x04\x82\x00\x00\x00\x01a\x00\x02\xc3\x28",
    ),
    "identifier that is not there": ("MQTT-3.1.3-3", b"\x00\x04MQTT\x04\x02\x00\x00"),
    "cut short": ("MQTT-3.1.4-1", b"\x00\x04MQTT\x04"),
}  # fmt: skip
"""The content of a CONNECT, and the clause that forbids it."""


async def closes(place: Place, data: bytes, limit_s: float = ANSWER_S) -> None:
    """The packet ends this connection without an answer."""
    client = await place.client("wrong")
    client.send(data)
    assert await client.closed(limit_s)


async def refuses(place: Place, body: bytes) -> None:
    """The CONNECT ends the connection, at most with a CONNACK that refuses."""
    raw = await place.raw()
    raw.send(bytes((0x10, len(body))) + body)
    answer = await raw.next()
    assert answer is None or getattr(answer, "code", 0) > 0
    assert answer is None or await raw.closed()
