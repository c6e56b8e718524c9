"""The codec: what it writes it reads, however it is cut, and paho writes the same bytes."""

from __future__ import annotations

import random
from collections import deque

import paho.mqtt.client as paho
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion

from twin.wires.mqtt import packets as p
from twin.wires.mqtt.codec import REMAINING_MAX, Decoder, encode, frame
from twin.wires.mqtt.packets import (
    Ack,
    Bare,
    ConnAck,
    Connect,
    Malformed,
    Publish,
    SubAck,
    Subscribe,
    Unsubscribe,
    Will,
)
from twin.wires.mqtt.topics import Subscriptions, filter_fault, matches, name_fault

words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0+#"), max_size=12)
names = words.filter(bool)
levels = st.sampled_from(["a", "b", "", "$s", "+"])
filters = st.tuples(st.lists(levels, min_size=1, max_size=4), st.booleans()).map(
    lambda made: "/".join([*made[0], "#"] if made[1] else made[0])
).filter(bool)  # fmt: skip
topics = st.lists(st.sampled_from(["a", "b", "", "$s"]), min_size=1, max_size=4).map(
    "/".join
).filter(bool)  # fmt: skip
ids = st.integers(1, 0xFFFF)
qos = st.integers(0, 2)
wills = st.builds(Will, names, st.binary(max_size=20), qos, st.booleans())


@st.composite
def connects(draw: st.DrawFn) -> Connect:
    user = draw(st.none() | words)
    return Connect(
        draw(words), draw(st.booleans()), draw(st.integers(0, 0xFFFF)), draw(st.none() | wills),
        user, None if user is None else draw(st.none() | st.binary(max_size=9)),
    )  # fmt: skip


@st.composite
def publishes(draw: st.DrawFn) -> Publish:
    level = draw(qos)
    return Publish(
        draw(names), draw(st.binary(max_size=300)), level, draw(st.booleans()),
        bool(level) and draw(st.booleans()), draw(ids) if level else 0,
    )  # fmt: skip


packets = st.one_of(
    connects(), publishes(),
    st.builds(ConnAck, st.integers(1, 5)), st.builds(ConnAck, st.just(0), st.booleans()),
    st.builds(Ack, st.sampled_from([p.PUBACK, p.PUBREC, p.PUBREL, p.PUBCOMP, p.UNSUBACK]), ids),
    st.builds(Subscribe, ids, st.lists(st.tuples(filters, qos), min_size=1, max_size=4).map(tuple)),
    st.builds(SubAck, ids, st.lists(st.sampled_from([0, 1, 2, 128]), max_size=5).map(tuple)),
    st.builds(Unsubscribe, ids, st.lists(filters, min_size=1, max_size=4).map(tuple)),
    st.builds(Bare, st.sampled_from([p.PINGREQ, p.PINGRESP, p.DISCONNECT])),
)  # fmt: skip


@given(st.lists(packets, max_size=6), st.randoms(use_true_random=False))
def test_any_packets_in_any_pieces_come_back(sent: list, cut: random.Random) -> None:
    """Encoding and decoding are inverse, wherever TCP cuts the stream."""
    stream = b"".join(map(encode, sent))
    decoder, got, at = Decoder(), [], 0
    while at < len(stream):
        end = at + cut.randint(1, 40)
        got += decoder.feed(stream[at:end])
        at = end
    assert got == sent
    assert not decoder.waiting


@pytest.mark.parametrize("size", [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])
def test_remaining_length_takes_as_few_bytes_as_it_can(size: int) -> None:
    """The limits of table 2.4 of the standard."""
    data = frame(p.PUBLISH << 4, bytes(size))
    extra = (size > 127) + (size > 16_383) + (size > 2_097_151)
    assert len(data) == 2 + extra + size


def test_the_example_of_the_standard() -> None:
    """Figure 3.6 and the packets of chapter 3, byte by byte."""
    connect = b"\x10\x0c\x00\x04MQTT\x04\xce\x00\x0a\x00\x00"
    (got,) = Decoder().feed(connect)
    assert isinstance(got, Malformed)  # the figure shows a variable header without its payload
    assert encode(Subscribe(10, (("a/b", 1), ("c/d", 2)))) == (
        b"\x82\x0e\x00\x0a\x00\x03a/b\x01\x00\x03c/d\x02"
    )
    assert encode(Unsubscribe(10, ("a/b", "c/d"))) == b"\xa2\x0c\x00\x0a\x00\x03a/b\x00\x03c/d"
    assert encode(Ack(p.PUBREL, 10)) == b"\x62\x02\x00\x0a"
    assert encode(SubAck(10, (0, 2, 128))) == b"\x90\x05\x00\x0a\x00\x02\x80"
    assert Decoder().feed(b"\x32\x07\x00\x03a/b\x00\x0a") == [Publish("a/b", b"", 1, packet_id=10)]
    assert Decoder().feed(b"\xc0\x00\xd0\x00\xe0\x00") == [
        Bare(p.PINGREQ), Bare(p.PINGRESP), Bare(p.DISCONNECT),
    ]  # fmt: skip


def test_a_byte_order_mark_stays() -> None:
    """U+FEFF is a character like any other [MQTT-1.5.3-3]."""
    sent = Publish("\ufeffa", b"")
    assert Decoder().feed(encode(sent)) == [sent]


def test_a_packet_over_the_limit_is_refused_before_it_is_read() -> None:
    """Its length alone is enough; nothing is kept of it."""
    decoder = Decoder(1000)
    head = frame(p.PUBLISH << 4, bytes(1001))[:3]
    (got,) = decoder.feed(head)
    assert isinstance(got, Malformed)
    assert "1001 bytes" in got.reason
    assert decoder.feed(b"\xc0\x00") == []
    with pytest.raises(ValueError, match="268435455"):
        frame(0, bytes(REMAINING_MAX + 1))


class _Wire(paho.Client):
    """paho, writing into a list."""

    def written(self) -> bytes:
        out: deque = self._out_packet
        return b"".join(bytes(packet["packet"]) for packet in out)


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> _Wire:
    client = _Wire(CallbackAPIVersion.VERSION2, "vehicle")
    monkeypatch.setattr(client, "loop_write", lambda: 0)
    client._sock = object()  # type: ignore[assignment]  # it only must not be None
    yield client
    client._sock = None


def test_paho_writes_what_we_read_and_write(foreign: _Wire) -> None:
    """The bytes of an independent client decode to what it was asked, and encode to the same.

    Also the order of the fields of CONNECT [MQTT-3.1.3-1].
    """
    foreign.username_pw_set("user", "secret")
    foreign.will_set("w", b"gone", 1, True)
    foreign._send_connect(15)
    foreign._send_publish(3, b"t/1", b"payload", 1, True, True)
    foreign._send_publish(0, b"t/2", b"x" * 300)
    foreign._send_subscribe(False, [(b"a/+", 1), (b"#", 0)])
    foreign._send_unsubscribe(False, [b"a/+"])
    foreign._send_pubrel(5)
    foreign._send_pingreq()
    data = foreign.written()
    got = Decoder().feed(data)
    assert got[0] == Connect("vehicle", True, 15, Will("w", b"gone", 1, True), "user", b"secret")
    assert got[1:3] == [
        Publish("t/1", b"payload", 1, True, True, 3),
        Publish("t/2", b"x" * 300),
    ]
    assert [type(packet) for packet in got[3:]] == [Subscribe, Unsubscribe, Ack, Bare]
    assert b"".join(map(encode, got)) == data  # type: ignore[arg-type]


def test_a_name_of_65535_bytes_passes_and_one_more_does_not() -> None:
    """[MQTT-4.7.3-3]."""
    sent = Publish("ä" * 32_767 + "x", b"y")
    assert Decoder().feed(encode(sent)) == [sent]
    with pytest.raises(ValueError, match="65536 bytes; 65535 is the limit"):
        encode(Publish("ä" * 32_768, b"y"))


def test_a_password_is_in_no_text() -> None:
    """Neither repr nor str of a CONNECT shows it."""
    packet = Connect("id", user="user", password=b"secret")
    assert "secret" not in f"{packet!r} {packet}"


@given(st.dictionaries(filters, qos, max_size=6), topics)
def test_the_tree_finds_what_the_plain_rule_finds(held: dict[str, int], topic: str) -> None:
    """Listeners of a topic are those whose filter matches it, with their highest QoS; after
    everything is taken away nothing is left."""
    tree: Subscriptions[str] = Subscriptions()
    for index, (filter_, granted) in enumerate(held.items()):
        tree.add(filter_, "one", granted)
        tree.add(filter_, f"own{index}", granted)
    fitting = [granted for filter_, granted in held.items() if matches(filter_, topic)]
    found = tree.listeners(topic)
    assert found.get("one") == max(fitting, default=None)
    assert len(found) == len(fitting) + bool(fitting)
    for index, filter_ in enumerate(held):
        assert tree.remove(filter_, "one")
        assert tree.remove(filter_, f"own{index}")
        assert not tree.remove(filter_, "one")
    assert tree.listeners(topic) == {}
    assert tree._root.children == {}


@pytest.mark.parametrize(
    ("filter_", "topic", "covered"),
    [
        ("#", "$s", False), ("+", "$s", False), ("+/a", "$s/a", False), ("#", "$s/a", False),
        ("$s/#", "$s", True), ("$s/+", "$s/a", True), ("a/+", "a/$s", True), ("a/#", "a", True),
    ],
)  # fmt: skip
def test_a_first_wildcard_does_not_see_dollar(filter_: str, topic: str, covered: bool) -> None:
    """Neither in the plain rule nor in the tree [MQTT-4.7.2-1]."""
    tree: Subscriptions[str] = Subscriptions()
    tree.add(filter_, "one", 0)
    assert matches(filter_, topic) == bool(tree.listeners(topic)) == covered


@settings(max_examples=500)
@given(filters, topics)
def test_paho_matches_the_same_topics(filter_: str, topic: str) -> None:
    """paho's matcher, by other authors, agrees on every filter and topic."""
    assert matches(filter_, topic) == paho.topic_matches_sub(filter_, topic)


@pytest.mark.parametrize("filter_", ["a/#/b", "a#", "#a", "a+/b", "+a", "##", "", "a\0"])
def test_filters_that_are_none(filter_: str) -> None:
    """Wildcards stand alone in their level, # at the end."""
    assert filter_fault(filter_) is not None


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a\0"])
def test_names_that_are_none(topic: str) -> None:
    """A topic name holds no wildcard, no null, and something."""
    assert name_fault(topic) is not None
