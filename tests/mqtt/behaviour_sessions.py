"""Rows of behaviour: connecting, sessions, wills and retained messages."""

from __future__ import annotations

from tests.mqtt.behaviour_rows import Row, into, plain, seen
from tests.mqtt.bench import Place
from twin.wires.mqtt import packets as p
from twin.wires.mqtt.packets import Bare, Connect, ConnectCode, Will

ROWS: dict[str, Row] = {}
row = into(ROWS)

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
