"""The fourteen control packets of MQTT 3.1.1 as records; no bytes here.

`Malformed` is a value, not an exception: a decoder hands on the good packets before it, and the
session decides what a wrong one costs.
"""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(1, 8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = range(8, 15)

PROTOCOL_NAME = "MQTT"
PROTOCOL_LEVEL = 4
"""MQTT 3.1.1 [MQTT-3.1.2-1, MQTT-3.1.2-2]."""

SUBSCRIBE_FAILED = 0x80
"""Return code in a SUBACK for a filter that was not granted [MQTT-3.9.3-2]."""


class ConnectCode(IntEnum):
    """Return codes of a CONNACK (table 3.1 of the standard)."""

    ACCEPTED = 0
    WRONG_LEVEL = 1
    ID_REJECTED = 2
    UNAVAILABLE = 3
    BAD_CREDENTIALS = 4
    NOT_AUTHORISED = 5


class Malformed(Struct, frozen=True):
    """What cannot be read, and the clause that it breaks."""

    clause: str
    reason: str

    def __str__(self) -> str:
        return f"{self.reason} [{self.clause}]" if self.clause else self.reason


class Will(Struct, frozen=True):
    """The message that the broker publishes when its client is lost."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


class Connect(Struct, frozen=True):
    """CONNECT. `password` never reaches a log or a trace."""

    client_id: str
    clean: bool = True
    keep_alive_s: int = 0
    will: Will | None = None
    user: str | None = None
    password: bytes | None = None
    protocol: str = PROTOCOL_NAME
    level: int = PROTOCOL_LEVEL

    def __repr__(self) -> str:
        return f"Connect(client_id={self.client_id!r}, user={self.user!r})"


class ConnAck(Struct, frozen=True):
    """CONNACK."""

    code: int
    session_present: bool = False


class Publish(Struct, frozen=True):
    """PUBLISH; `packet_id` is 0 at QoS 0."""

    topic: str
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int = 0


class Ack(Struct, frozen=True):
    """PUBACK, PUBREC, PUBREL, PUBCOMP or UNSUBACK: `kind` and a packet identifier."""

    kind: int
    packet_id: int


class Subscribe(Struct, frozen=True):
    """SUBSCRIBE: pairs of topic filter and requested QoS."""

    packet_id: int
    filters: tuple[tuple[str, int], ...]


class SubAck(Struct, frozen=True):
    """SUBACK: a granted QoS or `SUBSCRIBE_FAILED` per filter."""

    packet_id: int
    codes: tuple[int, ...]


class Unsubscribe(Struct, frozen=True):
    """UNSUBSCRIBE."""

    packet_id: int
    filters: tuple[str, ...]


class Bare(Struct, frozen=True):
    """PINGREQ, PINGRESP or DISCONNECT: a packet without content."""

    kind: int


Packet = Connect | ConnAck | Publish | Ack | Subscribe | SubAck | Unsubscribe | Bare
