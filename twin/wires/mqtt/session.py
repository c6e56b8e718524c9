"""What a broker remembers of one client: subscriptions, what is on its way, what waits.

The sender's half of QoS 1 and 2 (section 4.3) lives here and is the same whether the client is
connected or not; bytes go out through the `Peer` only while there is one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from twin.wires.mqtt import packets as p
from twin.wires.mqtt.codec import encode, encode_publish
from twin.wires.mqtt.packets import Ack


class Message(Struct, frozen=True):
    """An application message; `cause` is the trace id of the PUBLISH that brought it."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    cause: int = -1


class Peer(Protocol):
    """The network connection of a client, as a session sees it."""

    def send(self, data: bytes) -> None:
        """Send a packet that is no PUBLISH."""

    def send_publish(self, data: bytes, message: Message, qos: int) -> None:
        """Send a PUBLISH with this message."""

    def congested(self) -> bool:
        """Whether so much waits to be sent that a QoS 0 message is better dropped."""

    def close(self, reason: str) -> None:
        """Close the network connection after what has been sent."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one broker takes; defaults as mosquitto 2.0 where it has the same limit.

    `packet_bytes_max`: whole content of a packet. `inflight_max`: unacknowledged messages towards
    one client (mosquitto `max_inflight_messages`). `queued_max`: messages that wait for one
    client (mosquitto `max_queued_messages`). `backlog_bytes_max`: unsent bytes towards one
    client at which QoS 0 is dropped; at twice as many it is given up. `connect_s`: time from the
    connection to its CONNECT.
    """

    packet_bytes_max: int = 268_435_455
    inflight_max: int = 20
    queued_max: int = 1000
    backlog_bytes_max: int = 16 * 1024 * 1024
    connections_max: int = 10_000
    sessions_max: int = 100_000
    connect_s: float = 10.0


@dataclass(slots=True)
class _Flight:
    """A message on its way to the client at QoS 1 or 2."""

    message: Message
    qos: int
    retain: bool
    sent: bool = False
    received: bool = False
    """At QoS 2: PUBREC has come, so PUBREL is what remains to be acknowledged."""


class Session:
    """The state of one client identifier (section 4.1)."""

    def __init__(self, client_id: str, limits: Limits, *, clean: bool) -> None:
        self.client_id = client_id
        self.clean = clean
        self.user: str | None = None
        self.filters: dict[str, int] = {}
        self.dropped = 0
        """Messages that this client should have got and did not, since the session began."""
        self.incoming: dict[int, None] = {}
        """Packet identifiers of QoS 2 messages that came and are not released yet."""
        self.peer: Peer | None = None
        self._limits = limits
        self._flights: dict[int, _Flight] = {}
        self._queue: deque[_Flight] = deque()
        self._last_id = 0

    @property
    def inflight(self) -> int:
        """Messages sent and not yet acknowledged."""
        return len(self._flights)

    @property
    def queued(self) -> int:
        """Messages that wait to be sent."""
        return len(self._queue)

    def deliver(self, message: Message, qos: int, retain: bool, data: bytes | None = None) -> bool:
        """Send or keep a message at `qos`; false if it had to be dropped, which is counted.

        `data` is the encoded PUBLISH where the caller has it (QoS 0, the same for everybody).
        """
        peer = self.peer
        if qos == 0:
            if peer is None:
                return True  # nothing of QoS 0 is kept for an absent client: no loss
            if peer.congested():
                self.dropped += 1
                return False
            frame = data or encode_publish(message.topic, message.payload, 0, retain)
            peer.send_publish(frame, message, 0)
            return True
        flight = _Flight(message, qos, retain)
        if peer is not None and len(self._flights) < self._limits.inflight_max:
            self._launch(peer, flight)
            return True
        if len(self._queue) >= self._limits.queued_max:
            self.dropped += 1
            return False
        self._queue.append(flight)
        return True

    def _launch(self, peer: Peer, flight: _Flight) -> None:
        number = self._free_id()
        self._flights[number] = flight
        self._send(peer, number, flight)

    def _send(self, peer: Peer, number: int, flight: _Flight) -> None:
        message = flight.message
        # DUP says that the broker sends it again, whatever came in [MQTT-3.3.1-1, MQTT-3.3.1-3].
        data = encode_publish(
            message.topic, message.payload, flight.qos, flight.retain, flight.sent, number
        )
        flight.sent = True
        peer.send_publish(data, message, flight.qos)

    def _free_id(self) -> int:
        """A packet identifier that is not in use [MQTT-2.3.1-4]."""
        while True:
            self._last_id = self._last_id % 0xFFFF + 1
            if self._last_id not in self._flights:
                return self._last_id

    def resume(self) -> None:
        """The client is back: send again what it has not acknowledged, then what waits.

        In the original order and with the original identifiers [MQTT-4.4.0-1, MQTT-4.6.0-1].
        """
        peer = self.peer
        assert peer is not None
        for number, flight in list(self._flights.items()):
            if flight.received:
                peer.send(encode(Ack(p.PUBREL, number)))
            else:
                self._send(peer, number, flight)
        self._refill()

    def acknowledged(self, number: int, kind: int) -> None:
        """Take PUBACK, PUBREC or PUBCOMP; one that fits nothing changes nothing.

        A PUBREC is always answered by PUBREL, so that a client which lost count can finish.
        """
        flight = self._flights.get(number)
        if kind == p.PUBREC:
            if flight is not None and flight.qos == 2:
                flight.received = True
            if self.peer is not None:
                self.peer.send(encode(Ack(p.PUBREL, number)))
            return
        if flight is None or (flight.qos == 1) != (kind == p.PUBACK):
            return
        if kind == p.PUBCOMP and not flight.received:
            return
        del self._flights[number]
        self._refill()

    def _refill(self) -> None:
        peer = self.peer
        while peer is not None and self._queue and self.inflight < self._limits.inflight_max:
            self._launch(peer, self._queue.popleft())
