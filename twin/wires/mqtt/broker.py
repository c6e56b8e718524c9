"""The broker's rules: what follows from each packet, without sockets and without time.

Whoever carries the bytes makes a `Client` per network connection and tells it what happens:
`packet`, `malformed`, `lost`, `keep_alive_expired`. Answers go out through its `Peer`. Clause
ids in brackets are those of MQTT 3.1.1, so that a reader can hold each rule against its text.
"""

from __future__ import annotations

from typing import Protocol

from twin.wires.mqtt import packets as p
from twin.wires.mqtt.access import Access
from twin.wires.mqtt.codec import encode, encode_publish
from twin.wires.mqtt.packets import (
    Ack,
    Bare,
    ConnAck,
    Connect,
    ConnectCode,
    Malformed,
    Packet,
    Publish,
    SubAck,
    Subscribe,
    Unsubscribe,
    Will,
)
from twin.wires.mqtt.session import Limits, Message, Peer, Session
from twin.wires.mqtt.topics import Subscriptions

_PINGRESP = encode(Bare(p.PINGRESP))


class Tell(Protocol):
    """Takes one record of what happened and returns its id; a trace in a running gate."""

    def __call__(self, kind: str, cause: int = -1, /, **payload: object) -> int:
        """Record `kind`."""


class Broker:
    """All sessions, subscriptions and retained messages of one broker."""

    def __init__(
        self, tell: Tell, access: Access | None = None, limits: Limits | None = None
    ) -> None:
        self.tell = tell
        self.access = access or Access()
        self.limits = limits or Limits()
        self.sessions: dict[str, Session] = {}
        self.clients: dict[str, Client] = {}
        """Who is connected, by client identifier, in order of connection."""
        self.retained: dict[str, Message] = {}
        self.subscriptions: Subscriptions[Session] = Subscriptions()
        self.dropped = 0
        """Messages dropped at a full queue or for a client that does not read, since the start."""
        self._named = 0

    def new_id(self) -> str:
        """A client identifier for a client that brought none [MQTT-3.1.3-6]."""
        while True:
            self._named += 1
            name = f"auto-{self._named}"
            if name not in self.sessions:
                return name

    def publish(self, message: Message) -> None:
        """Give `message` to everybody who listens to its topic, and retain it if it says so."""
        if message.retain:
            self._retain(message)
        data = None
        rules = self.access.rules
        for session, granted in self.subscriptions.listeners(message.topic).items():
            if rules is not None and not self._may_read(session, message.topic):
                continue
            # The lower of what was published and what was granted [MQTT-3.8.4-6]. RETAIN is 0
            # for a subscription that was there before [MQTT-3.3.1-9].
            qos = min(message.qos, granted)
            if qos == 0 and data is None:
                data = encode_publish(message.topic, message.payload)
            if not session.deliver(message, qos, False, data if qos == 0 else None):
                self._lost(session, message)

    def _lost(self, session: Session, message: Message) -> None:
        self.dropped += 1
        self.tell(
            "mqtt.dropped", message.cause, client=session.client_id, topic=message.topic,
            dropped=session.dropped,
        )  # fmt: skip

    def _may_read(self, session: Session, topic: str) -> bool:
        return self.access.allows("read", topic, session.user, session.client_id)

    def _retain(self, message: Message) -> None:
        if message.payload:
            # The latest takes the place of the one before, QoS 0 too
            # [MQTT-3.3.1-5, MQTT-3.3.1-7].
            self.retained[message.topic] = message
        else:
            # An empty one clears and is not itself kept [MQTT-3.3.1-10, MQTT-3.3.1-11].
            self.retained.pop(message.topic, None)

    def subscribe(self, session: Session, filter_: str, qos: int) -> None:
        """Add or replace one subscription and send what is retained for it."""
        session.filters[filter_] = qos
        self.subscriptions.add(filter_, session, qos)
        for message in self._retained_for(filter_):
            if not self._may_read(session, message.topic):
                continue
            # A message sent because of a new subscription has RETAIN 1
            # [MQTT-3.3.1-6, MQTT-3.3.1-8].
            if not session.deliver(message, min(message.qos, qos), True):
                self._lost(session, message)

    def _retained_for(self, filter_: str) -> list[Message]:
        if "+" not in filter_ and "#" not in filter_:
            found = self.retained.get(filter_)
            return [] if found is None else [found]
        tree: Subscriptions[int] = Subscriptions()
        tree.add(filter_, 0, 0)
        return [m for topic, m in self.retained.items() if tree.listeners(topic)]

    def forget(self, session: Session) -> None:
        """End a session: its subscriptions and its messages go."""
        for filter_ in session.filters:
            self.subscriptions.remove(filter_, session)
        session.filters.clear()
        self.sessions.pop(session.client_id, None)


class Client:
    """One network connection, from CONNECT to its end."""

    def __init__(self, broker: Broker, peer: Peer) -> None:
        self.broker = broker
        self.session: Session | None = None
        self.id = ""
        self.keep_alive_s = 0
        self.will: Will | None = None
        self.over = False
        """Whether the broker has nothing to do with this connection any more."""
        self._peer = peer

    # --- what happens to a connection ------------------------------------------------------------

    def packet(self, packet: Packet) -> None:
        """Take one packet."""
        if self.over:
            return  # what comes after DISCONNECT is not read [MQTT-3.14.4-2]
        if self.session is None:
            if isinstance(packet, Connect):
                self._connect(packet)
            else:
                self.malformed(Malformed("MQTT-3.1.0-1", "the first packet is not CONNECT"))
            return
        match packet:
            case Publish():
                self._publish(packet)
            case Ack(kind, number) if kind == p.PUBREL:
                self.session.incoming.pop(number, None)
                # Always answered, known or not [MQTT-4.3.3-2].
                self._peer.send(encode(Ack(p.PUBCOMP, number)))
            case Ack(kind, number) if kind != p.UNSUBACK:
                self.session.acknowledged(number, kind)
            case Subscribe():
                self._subscribe(packet)
            case Unsubscribe():
                self._unsubscribe(packet)
            case Bare(p.PINGREQ):
                self._peer.send(_PINGRESP)  # [MQTT-3.12.4-1]
            case Bare(p.DISCONNECT):
                self.will = None  # [MQTT-3.14.4-3]
                self._end("disconnected")
            case Connect():
                self.malformed(Malformed("MQTT-3.1.0-2", "a second CONNECT"))
            case _:
                text = f"a client does not send {type(packet).__name__}"
                self.malformed(Malformed("MQTT-4.8.0-1", text))

    def malformed(self, fault: Malformed) -> None:
        """A protocol error closes the network connection [MQTT-4.8.0-1]."""
        if not self.over:
            self._end(f"protocol error: {fault}")

    def lost(self, reason: str = "connection lost") -> None:
        """The network connection is gone without a DISCONNECT."""
        if not self.over:
            self._end(reason)

    def keep_alive_expired(self) -> None:
        """Nothing came for one and a half times the keep alive [MQTT-3.1.2-24]."""
        if not self.over:
            self._end(f"nothing received for 1.5 × {self.keep_alive_s} s")

    def _end(self, reason: str) -> None:
        """Leave; the will is published unless DISCONNECT has taken it back [MQTT-3.1.2-8]."""
        self.over = True
        broker, session, will = self.broker, self.session, self.will
        event = "refused" if session is None else "close"
        cause = broker.tell("mqtt.conn", -1, client=self.id, event=event, reason=reason)
        if session is None:
            self._peer.close(reason)
            return
        session.peer = None
        del broker.clients[self.id]
        self._peer.close(reason)
        if session.clean:
            broker.forget(session)
        self.will = None  # [MQTT-3.1.2-10]
        if will is not None:
            self._publish_will(will, cause)

    def _publish_will(self, will: Will, cause: int) -> None:
        broker = self.broker
        user = self.session.user if self.session is not None else None
        if not broker.access.allows("write", will.topic, user, self.id):
            broker.tell("mqtt.denied", cause, client=self.id, topic=will.topic, right="write")
            return
        number = broker.tell(
            "mqtt.will", cause, client=self.id, topic=will.topic, qos=will.qos,
            retain=will.retain, payload=will.payload,
        )  # fmt: skip
        # QoS and RETAIN are those of the will [MQTT-3.1.2-16, MQTT-3.1.2-17].
        broker.publish(Message(will.topic, will.payload, will.qos, will.retain, number))

    # --- CONNECT ---------------------------------------------------------------------------------

    def _connect(self, packet: Connect) -> None:
        broker = self.broker
        if packet.protocol != p.PROTOCOL_NAME:
            text = f"protocol name is {packet.protocol!r}"
            self.malformed(Malformed("MQTT-3.1.2-1", text))
            return
        code = self._refusal(packet)
        if code is not ConnectCode.ACCEPTED:
            # [MQTT-3.2.2-4]: session present is 0; [MQTT-3.2.2-5]: and then the end.
            self._peer.send(encode(ConnAck(code)))
            self.id = packet.client_id
            self._end(code.name.lower().replace("_", " "))
            return
        self.id = packet.client_id or broker.new_id()
        old = broker.clients.get(self.id)
        if old is not None:
            old.lost("taken over by a new connection")  # [MQTT-3.1.4-2]
        session, present = self._session(packet)
        self.session = session
        self.will, self.keep_alive_s = packet.will, packet.keep_alive_s
        broker.clients[self.id] = self
        broker.tell(
            "mqtt.conn", -1, client=self.id, event="open", clean=packet.clean, present=present,
            keep_alive_s=packet.keep_alive_s, will=packet.will is not None,
        )  # fmt: skip
        # The first packet to a client is CONNACK [MQTT-3.2.0-1].
        self._peer.send(encode(ConnAck(ConnectCode.ACCEPTED, present)))
        session.peer = self._peer
        session.resume()

    def _refusal(self, packet: Connect) -> ConnectCode:
        broker = self.broker
        if packet.level != p.PROTOCOL_LEVEL:
            return ConnectCode.WRONG_LEVEL  # [MQTT-3.1.2-2]
        if not packet.client_id and not packet.clean:
            return ConnectCode.ID_REJECTED  # [MQTT-3.1.3-8]
        if not broker.access.admits(packet.user, packet.password):
            return ConnectCode.NOT_AUTHORISED  # the code that mosquitto gives, too
        if len(broker.clients) >= broker.limits.connections_max or (
            packet.client_id not in broker.sessions
            and len(broker.sessions) >= broker.limits.sessions_max
        ):
            return ConnectCode.UNAVAILABLE
        return ConnectCode.ACCEPTED

    def _session(self, packet: Connect) -> tuple[Session, bool]:
        """The session of this connection, and whether it was there before."""
        broker = self.broker
        session = broker.sessions.get(self.id)
        if session is not None and packet.clean:
            broker.forget(session)  # [MQTT-3.1.2-6]
            session = None
        present = session is not None  # [MQTT-3.2.2-1, MQTT-3.2.2-2, MQTT-3.2.2-3]
        if session is None:
            session = Session(self.id, broker.limits, clean=packet.clean)
            broker.sessions[self.id] = session
        session.user = packet.user
        return session, present

    # --- the rest --------------------------------------------------------------------------------

    def _publish(self, packet: Publish) -> None:
        session, broker = self.session, self.broker
        assert session is not None
        topic, qos = packet.topic, packet.qos
        number = broker.tell(
            "mqtt.rx", -1, client=self.id, topic=topic, qos=qos, retain=packet.retain,
            payload=packet.payload,
        )  # fmt: skip
        again = qos == 2 and packet.packet_id in session.incoming
        if broker.access.rules is not None and not broker.access.allows(
            "write", topic, session.user, self.id
        ):
            # Acknowledged like any other, then dropped [MQTT-3.3.5-2].
            broker.tell("mqtt.denied", number, client=self.id, topic=topic, right="write")
            again = True
        if qos == 2:
            # Method B of section 4.3.3: remember the identifier, hand on once [MQTT-4.3.3-2].
            session.incoming[packet.packet_id] = None
        if qos:  # [MQTT-3.3.4-1, MQTT-4.3.2-2]
            kind = p.PUBACK if qos == 1 else p.PUBREC
            self._peer.send(encode(Ack(kind, packet.packet_id)))
        if not again:
            broker.publish(Message(topic, packet.payload, qos, packet.retain, number))

    def _subscribe(self, packet: Subscribe) -> None:
        session, broker = self.session, self.broker
        assert session is not None
        broker.tell(
            "mqtt.subscribe", -1, client=self.id, filters=[list(pair) for pair in packet.filters]
        )
        # One code for each filter, in their order, under the same identifier
        # [MQTT-3.8.4-1, MQTT-3.8.4-2, MQTT-3.8.4-5, MQTT-3.9.3-1].
        self._peer.send(encode(SubAck(packet.packet_id, tuple(qos for _, qos in packet.filters))))
        for filter_, qos in packet.filters:  # as if each had come alone [MQTT-3.8.4-4]
            broker.subscribe(session, filter_, qos)

    def _unsubscribe(self, packet: Unsubscribe) -> None:
        session, broker = self.session, self.broker
        assert session is not None
        broker.tell("mqtt.unsubscribe", -1, client=self.id, filters=list(packet.filters))
        for filter_ in packet.filters:
            # Compared sign by sign; what is on its way is still finished
            # [MQTT-3.10.4-1, MQTT-3.10.4-2, MQTT-3.10.4-3].
            if session.filters.pop(filter_, None) is not None:
                broker.subscriptions.remove(filter_, session)
        # Also if there was none [MQTT-3.10.4-4, MQTT-3.10.4-5, MQTT-3.10.4-6].
        self._peer.send(encode(Ack(p.UNSUBACK, packet.packet_id)))
