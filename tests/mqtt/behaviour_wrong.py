"""Packets that must close a connection, each with the clause that says so."""

from __future__ import annotations

from tests.mqtt.bench import ANSWER_S, Place

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
