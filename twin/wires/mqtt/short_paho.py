"""paho's client with a socket that is handed in, and a shorter way for messages at QoS 0."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode

from twin.errors import HarnessError
from twin.wires.mqtt.codec import encode_publish
from twin.wires.mqtt.packets import PUBLISH

OnMessage = Callable[[str, bytes, int, bool], None]
"""Takes topic, payload, QoS and RETAIN."""


class ShortPaho(paho.Client):
    """paho, but the socket is handed in (`connect` in paho itself would block the loop), and
    messages at QoS 0 take a shorter way: a fleet sends and hears thousands of them a second.

    What is used of paho's inside has stood there since 2.0; `tests/mqtt/test_client.py` asks.
    """

    ready: socket.socket | None = None
    take: OnMessage | None = None

    def _create_socket(self) -> Any:
        sock, self.ready = self.ready, None
        if sock is None:
            raise HarnessError("paho asked for a socket outside of a connection attempt")
        return sock

    def ping_within(self, seconds: float) -> None:
        """Have paho send its PINGREQ after `seconds` of silence, not after the keep alive.

        paho lets the whole keep alive pass first, and is then late [MQTT-3.1.2-23].
        """
        self._keepalive = seconds  # type: ignore[assignment]  # paho only compares and adds it

    def send_at_once(self, topic: str, payload: bytes, retain: bool, now_s: float) -> bool:
        """Write a PUBLISH at QoS 0 past paho's queue; False if it is paho's business after all.

        paho spends five locks, two dictionaries and three copies on it. Whatever is unusual (other
        packets wait, TLS, a full or a broken socket) is left to paho.
        """
        sock = self._sock
        if self._out_packet or type(sock) is not socket.socket:
            return False
        self._raise_for_invalid_topic(topic.encode())
        packet = encode_publish(topic, payload, 0, retain)
        try:
            sent = sock.send(packet)
        except OSError:
            return False  # paho meets it again, and tells of a loss
        if sent < len(packet):
            rest = bytearray(packet[sent:])
            self._packet_queue(PUBLISH << 4, rest, 0, 0, paho.MQTTMessageInfo(0))
        self._last_msg_out = now_s
        return True

    def _handle_publish(self) -> MQTTErrorCode:
        """A PUBLISH at QoS 0 without paho's message object and its locks."""
        first, body = self._in_packet["command"], self._in_packet["packet"]
        end = 2 + int.from_bytes(body[:2])
        if first & 0x06 or not 2 < end <= len(body) or self.take is None:
            return super()._handle_publish()
        try:
            topic = body[2:end].decode()
        except UnicodeDecodeError:
            return super()._handle_publish()
        self.take(topic, bytes(body[end:]), 0, bool(first & 1))
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def vanish(self) -> None:
        """Close the socket without a DISCONNECT and without a callback."""
        self._sock_close()
