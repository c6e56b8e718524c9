"""Bytes to packets and back: MQTT 3.1.1, both directions, no sockets and no state of a session.

Own code, because no maintained library fits: paho keeps its codec private, `mqtt-codec` (last
release 2019) no longer builds, `mqttproto` speaks MQTT 5 only, those of amqtt and gmqtt cannot be
had without their sessions.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct as Layout

from twin.wires.mqtt import packets as p
from twin.wires.mqtt.packets import (
    Ack,
    Bare,
    ConnAck,
    Connect,
    Malformed,
    Packet,
    Publish,
    SubAck,
    Subscribe,
    Unsubscribe,
    Will,
)
from twin.wires.mqtt.topics import filter_fault, name_fault

REMAINING_MAX = 268_435_455
"""Largest remaining length that four bytes can say (section 2.2.3)."""

_U16 = Layout(">H")
_FLAGS = {p.PUBREL: 0b0010, p.SUBSCRIBE: 0b0010, p.UNSUBSCRIBE: 0b0010}
"""Fixed-header flags that are not 0000 (table 2.2); PUBLISH has flags of its own."""


class _Wrong(Exception):  # noqa: N818 - carries a value out of nested readers, is never shown
    def __init__(self, clause: str, reason: str) -> None:
        self.fault = Malformed(clause, reason)


class Decoder:
    """Cuts a byte stream into packets; after a `Malformed` it gives nothing any more."""

    def __init__(self, packet_bytes_max: int = REMAINING_MAX) -> None:
        self._max = packet_bytes_max
        self._buffer = bytearray()
        self._need = 2
        self._dead = False

    @property
    def waiting(self) -> bool:
        """Whether a part of a packet is here and its rest is not."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Packet | Malformed]:
        """The packets that `data` completes, in order; a `Malformed` is the last."""
        found: list[Packet | Malformed] = []
        if self._dead:
            return found
        buffer = self._buffer
        buffer += data
        if len(buffer) < self._need:  # a large payload comes in pieces: look when it is whole
            return found
        position, size = 0, len(buffer)
        while size - position >= 2:
            length = buffer[position + 1]
            start = position + 2
            if length & 0x80:
                length, start = _remaining(buffer, position, size)
            end = start + length
            if length > self._max:
                text = f"packet of {length} bytes; {self._max} is the limit here"
                return self._end(found, Malformed("MQTT-4.8.0-2", text))
            if length < 0 or end > size:
                if start < 0:
                    text = "remaining length takes more than four bytes"
                    return self._end(found, Malformed("MQTT-4.8.0-1", text))
                break
            packet = decode(buffer[position], bytes(buffer[start:end]))
            position = end
            if type(packet) is Malformed:
                return self._end(found, packet)
            found.append(packet)
        del buffer[:position]
        self._need = self._needed()
        return found

    def _needed(self) -> int:
        """Bytes that the packet at the front has when whole; 0 while nobody can tell."""
        buffer = self._buffer
        if len(buffer) < 2:
            return 2
        length, start = _remaining(buffer, 0, len(buffer))
        return start + length if length >= 0 else 0

    def _end(self, found: list[Packet | Malformed], why: Malformed) -> list[Packet | Malformed]:
        self._dead = True
        self._buffer.clear()
        found.append(why)
        return found


def _remaining(buffer: bytearray, position: int, size: int) -> tuple[int, int]:
    """Remaining length and where the rest starts; (-1, 0) unfinished, (-1, -1) too long."""
    length = 0
    for index in range(4):
        at = position + 1 + index
        if at >= size:
            return -1, 0
        byte = buffer[at]
        length |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return length, at + 1
    return -1, -1


def decode(first: int, body: bytes) -> Packet | Malformed:
    """The packet with fixed-header byte `first` and content `body`."""
    kind = first >> 4
    try:
        if kind == p.PUBLISH:
            return _publish(first, body)
        reader = _READERS.get(kind)
        if reader is None:
            return Malformed("MQTT-4.8.0-1", f"packet type {kind} is reserved")
        if first & 0x0F != _FLAGS.get(kind, 0):
            return Malformed(
                _FLAG_CLAUSE.get(kind, "MQTT-2.2.2-2"),
                f"flags {first & 0x0F:04b} of packet type {kind} are not as prescribed",
            )
        return reader(kind, body)
    except _Wrong as wrong:
        return wrong.fault


_FLAG_CLAUSE = {
    p.PUBREL: "MQTT-3.6.1-1",
    p.SUBSCRIBE: "MQTT-3.8.1-1",
    p.UNSUBSCRIBE: "MQTT-3.10.1-1",
    p.DISCONNECT: "MQTT-3.14.1-1",
}


class _Body:
    """Reads the fields of one packet in order."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def more(self) -> bool:
        return self.at < len(self.data)

    def byte(self, what: str) -> int:
        if self.at >= len(self.data):
            raise _Wrong("MQTT-4.8.0-1", f"packet ends before its {what}")
        self.at += 1
        return self.data[self.at - 1]

    def u16(self, what: str) -> int:
        if self.at + 2 > len(self.data):
            raise _Wrong("MQTT-4.8.0-1", f"packet ends before its {what}")
        self.at += 2
        return int(_U16.unpack_from(self.data, self.at - 2)[0])

    def binary(self, what: str) -> bytes:
        size = self.u16(what)
        end = self.at + size
        if end > len(self.data):
            raise _Wrong("MQTT-4.8.0-1", f"{what} of {size} bytes does not fit in its packet")
        self.at = end
        return self.data[end - size : end]

    def text(self, what: str, clause: str = "MQTT-1.5.3-1") -> str:
        raw = self.binary(what)
        try:
            # Python's strict decoder refuses surrogates and keeps U+FEFF [MQTT-1.5.3-3].
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise _Wrong(clause, f"{what} is not UTF-8") from None
        if "\0" in text:
            raise _Wrong("MQTT-1.5.3-2", f"{what} holds the null character")
        return text

    def packet_id(self) -> int:
        number = self.u16("packet identifier")
        if number == 0:
            raise _Wrong("MQTT-2.3.1-1", "packet identifier is 0")
        return number

    def done(self, what: str) -> None:
        if self.at != len(self.data):
            extra = len(self.data) - self.at
            raise _Wrong("MQTT-4.8.0-1", f"{extra} bytes too many in a {what}")


def _publish(first: int, body: bytes) -> Publish | Malformed:
    qos = first >> 1 & 3
    if qos == 3:
        return Malformed("MQTT-3.3.1-4", "QoS 3 does not exist")
    if first & 0x08 and qos == 0:
        return Malformed("MQTT-3.3.1-2", "DUP is set at QoS 0")
    if len(body) < 2:
        return Malformed("MQTT-3.3.2-1", "packet ends before its topic name")
    at = 2 + (body[0] << 8 | body[1])
    if at > len(body):
        return Malformed("MQTT-3.3.2-1", "topic name does not fit in its packet")
    try:
        topic = body[2:at].decode("utf-8")
    except UnicodeDecodeError:
        return Malformed("MQTT-1.5.3-1", "topic name is not UTF-8")
    wrong = name_fault(topic)
    if wrong is not None:
        return Malformed(*wrong)
    number = 0
    if qos:
        if at + 2 > len(body):
            return Malformed("MQTT-2.3.1-1", "packet ends before its packet identifier")
        number = body[at] << 8 | body[at + 1]
        at += 2
        if number == 0:
            return Malformed("MQTT-2.3.1-1", "packet identifier is 0")
    return Publish(topic, body[at:], qos, bool(first & 1), bool(first & 8), number)


def _connect(_: int, data: bytes) -> Connect:
    body = _Body(data)
    protocol = body.text("protocol name")
    level = body.byte("protocol level")
    if protocol != p.PROTOCOL_NAME or level != p.PROTOCOL_LEVEL:
        # Another version lays out the rest as it likes; who it is does not matter any more.
        return Connect("", protocol=protocol, level=level)
    flags = body.byte("connect flags")
    if flags & 0x01:
        raise _Wrong("MQTT-3.1.2-3", "the reserved connect flag is set")
    will_flag, will_qos, will_retain = flags >> 2 & 1, flags >> 3 & 3, flags >> 5 & 1
    if will_qos == 3:
        raise _Wrong("MQTT-3.1.2-14", "will QoS 3 does not exist")
    if not will_flag and will_qos:
        raise _Wrong("MQTT-3.1.2-13", "will QoS without a will")
    if not will_flag and will_retain:
        raise _Wrong("MQTT-3.1.2-15", "will retain without a will")
    user_flag, password_flag = flags >> 7 & 1, flags >> 6 & 1
    if password_flag and not user_flag:
        raise _Wrong("MQTT-3.1.2-22", "a password without a user name")
    keep_alive_s = body.u16("keep alive")
    # The order of the fields: [MQTT-3.1.3-1].
    client_id = body.text("client identifier", "MQTT-3.1.3-4")
    will = None
    if will_flag:
        topic = body.text("will topic", "MQTT-3.1.3-10")
        wrong = name_fault(topic)
        if wrong is not None:
            raise _Wrong(*wrong)
        will = Will(topic, body.binary("will message"), will_qos, bool(will_retain))
    user = body.text("user name", "MQTT-3.1.3-11") if user_flag else None
    password = body.binary("password") if password_flag else None
    body.done("CONNECT")
    return Connect(client_id, bool(flags & 2), keep_alive_s, will, user, password)


def _connack(_: int, data: bytes) -> ConnAck:
    body = _Body(data)
    flags, code = body.byte("flags"), body.byte("return code")
    body.done("CONNACK")
    if flags & 0xFE:
        raise _Wrong("MQTT-2.2.2-2", f"acknowledge flags {flags:#04x} are reserved")
    if flags and code:
        raise _Wrong("MQTT-3.2.2-4", "session present with a refusal")
    return ConnAck(code, bool(flags))


def _ack(kind: int, data: bytes) -> Ack:
    body = _Body(data)
    number = body.packet_id()
    body.done("acknowledgement")
    return Ack(kind, number)


def _subscribe(_: int, data: bytes) -> Subscribe:
    body = _Body(data)
    number = body.packet_id()
    filters = []
    while body.more():
        text = _filter(body, "MQTT-3.8.3-1")
        qos = body.byte("requested QoS")
        if qos > 2:
            raise _Wrong("MQTT-3.8.3-4", f"requested QoS byte {qos:#04x}")
        filters.append((text, qos))
    if not filters:
        raise _Wrong("MQTT-3.8.3-3", "SUBSCRIBE without a topic filter")
    return Subscribe(number, tuple(filters))


def _suback(_: int, data: bytes) -> SubAck:
    body = _Body(data)
    number = body.packet_id()
    codes = tuple(data[body.at :])
    for code in codes:
        if code not in (0, 1, 2, p.SUBSCRIBE_FAILED):
            raise _Wrong("MQTT-3.9.3-2", f"return code {code:#04x} is reserved")
    return SubAck(number, codes)


def _unsubscribe(_: int, data: bytes) -> Unsubscribe:
    body = _Body(data)
    number = body.packet_id()
    filters = []
    while body.more():
        filters.append(_filter(body, "MQTT-3.10.3-1"))
    if not filters:
        raise _Wrong("MQTT-3.10.3-2", "UNSUBSCRIBE without a topic filter")
    return Unsubscribe(number, tuple(filters))


def _filter(body: _Body, clause: str) -> str:
    text = body.text("topic filter", clause)
    wrong = filter_fault(text)
    if wrong is not None:
        raise _Wrong(*wrong)
    return text


def _bare(kind: int, data: bytes) -> Bare:
    if data:
        raise _Wrong("MQTT-4.8.0-1", f"{len(data)} bytes in a packet without content")
    return Bare(kind)


_READERS: dict[int, Callable[[int, bytes], Packet]] = {
    p.CONNECT: _connect,
    p.CONNACK: _connack,
    p.PUBACK: _ack,
    p.PUBREC: _ack,
    p.PUBREL: _ack,
    p.PUBCOMP: _ack,
    p.SUBSCRIBE: _subscribe,
    p.SUBACK: _suback,
    p.UNSUBSCRIBE: _unsubscribe,
    p.UNSUBACK: _ack,
    p.PINGREQ: _bare,
    p.PINGRESP: _bare,
    p.DISCONNECT: _bare,
}


def frame(first: int, body: bytes) -> bytes:
    """A packet from its first byte and its content; the length in as few bytes as it takes."""
    length = len(body)
    if length < 0x80:
        return bytes((first, length)) + body
    if length > REMAINING_MAX:
        raise ValueError(f"packet of {length} bytes; MQTT ends at {REMAINING_MAX}")
    head = bytearray((first,))
    while length >= 0x80:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + body


def _field(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    if len(raw) > 0xFFFF:
        raise ValueError(f"field of {len(raw)} bytes; 65535 is the limit")  # [MQTT-4.7.3-3]
    return _U16.pack(len(raw)) + raw


def encode_publish(
    topic: str,
    payload: bytes,
    qos: int = 0,
    retain: bool = False,
    dup: bool = False,
    number: int = 0,
) -> bytes:
    """The bytes of a PUBLISH; `number` is its packet identifier and belongs to QoS 1 and 2."""
    first = p.PUBLISH << 4 | dup << 3 | qos << 1 | retain
    return frame(first, _field(topic) + (_U16.pack(number) if qos else b"") + payload)


def encode(packet: Packet) -> bytes:
    """The bytes of `packet`."""
    match packet:
        case Publish():
            return encode_publish(
                packet.topic, packet.payload, packet.qos, packet.retain, packet.dup,
                packet.packet_id,
            )  # fmt: skip
        case Ack(kind, number):
            return frame(kind << 4 | _FLAGS.get(kind, 0), _U16.pack(number))
        case Bare(kind):
            return frame(kind << 4, b"")
        case ConnAck(code, present):
            return frame(p.CONNACK << 4, bytes((present, code)))
        case Connect():
            return frame(p.CONNECT << 4, _connect_body(packet))
        case Subscribe(number, pairs):
            listed = b"".join(_field(text) + bytes((qos,)) for text, qos in pairs)
            return frame(p.SUBSCRIBE << 4 | 2, _U16.pack(number) + listed)
        case SubAck(number, codes):
            return frame(p.SUBACK << 4, _U16.pack(number) + bytes(codes))
        case Unsubscribe(number, filters):
            return frame(p.UNSUBSCRIBE << 4 | 2, _U16.pack(number) + b"".join(map(_field, filters)))


def _connect_body(packet: Connect) -> bytes:
    will = packet.will
    flags = packet.clean << 1
    fields = [_field(packet.client_id)]
    if will is not None:
        flags |= 0x04 | will.qos << 3 | will.retain << 5
        fields += [_field(will.topic), _field(will.payload)]
    if packet.user is not None:
        flags |= 0x80
        fields.append(_field(packet.user))
    if packet.password is not None:
        flags |= 0x40
        fields.append(_field(packet.password))
    head = _field(packet.protocol) + bytes((packet.level, flags)) + _U16.pack(packet.keep_alive_s)
    return head + b"".join(fields)
