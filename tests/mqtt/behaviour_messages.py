"""Rows of behaviour: quality of service, subscriptions and topics."""

from __future__ import annotations

from tests.mqtt.behaviour_rows import Row, into
from tests.mqtt.bench import Place
from twin.wires.mqtt import packets as p
from twin.wires.mqtt.packets import Ack, Publish

ROWS: dict[str, Row] = {}
row = into(ROWS)

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
