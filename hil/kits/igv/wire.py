"""A vehicle's wire: MQTT by paho, every frame recorded with topic, QoS, RETAIN and payload."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import msgspec

from hil.errors import Unreachable
from twin.clock import Clock
from twin.errors import HarnessError
from twin.trace import Trace
from twin.wires.mqtt import MqttClient, Settings

from .orders import Message, Orders
from .papers import IgvPixit
from .shape import in_words

PROBE_S = 1.0
"""How long a late subscriber waits for what is retained."""


class IgvWire:
    """The vehicle as a fleet control sees it; the only way to the device under test."""

    def __init__(
        self,
        host: str,
        port: int,
        pixit: IgvPixit,
        orders: Orders,
        clock: Clock,
        trace: Trace,
        *,
        limit_s: float,
    ) -> None:
        self._host, self._port, self._pixit, self._limit_s = host, port, pixit, limit_s
        self._clock, self._trace, self.orders = clock, trace, orders
        self.base = f"{pixit.prefix}/{pixit.manufacturer}/{pixit.serial_number}"
        self.latest: dict[str, Message] = {}
        """The last message of each topic that was JSON, in the words of 3.0."""
        self.heard = 0
        """States so far."""
        self.instants: set[str] = set()
        """Our instant actions; 2.x lists them among those of the order."""
        self._client: MqttClient | None = None

    @property
    def connected(self) -> bool:
        """Whether the client believes in its connection to the broker."""
        return self._client is not None and self._client.connected

    def _made(self, name: str, on_message: Any) -> MqttClient:
        pixit = self._pixit
        settings = Settings(
            self._host,
            self._port,
            f"gatetwin-certify-{name}",
            keep_alive_s=60,
            user=pixit.user or None,
            password=pixit.password or None,
            backoff=None,
        )
        return MqttClient(
            settings, loop=self._clock.loop, rng=random.Random(name), on_message=on_message
        )

    async def connect(self, limit_s: float | None = None) -> None:
        """Reach broker and vehicle, or raise `Unreachable`."""
        limit = limit_s or self._limit_s
        self.close()
        self._client = self._made("master", self._take)
        self._client.subscribe(f"{self.base}/#", 1)
        self._client.start()
        try:
            await self._client.wait_connected(limit)
        except HarnessError as error:
            self.close()
            raise Unreachable(
                f"vehicle wire: no MQTT broker at {self._host}:{self._port} within {limit:g} s "
                f"({error}); check the address in bench.toml"
            ) from None
        before, end_s = self.heard, self._clock.now_s() + limit
        self.send("instantActions", self.orders.now("stateRequest", id=self.orders.name("hello")))
        while self.heard == before:
            if self._clock.now_s() >= end_s:
                self.close()
                raise Unreachable(
                    f"vehicle wire: no state on {self.base}/state within {limit:g} s; check that "
                    "the vehicle is on and the prefix, manufacturer and serial number in pixit.toml"
                )
            await asyncio.sleep(0.05)

    def close(self) -> None:
        """Leave the broker at once; a closed wire connects again by `connect`."""
        client, self._client = self._client, None
        if client is not None:
            client.kill()

    def send(self, name: str, message: Message | bytes, label: str = "") -> None:
        """Publish at QoS 0, as the standard wants it; recorded as `mqtt.sent`."""
        payload = message if isinstance(message, bytes) else msgspec.json.encode(message)
        if name == "instantActions" and not isinstance(message, bytes):
            self.instants |= {one["actionId"] for one in message["actions"]}
        self._trace(
            "wire", "mqtt.sent", topic=name, label=label, text=payload.decode("utf-8", "replace")
        )
        if self._client is not None:
            self._client.publish(f"{self.base}/{name}", payload, 0)

    def _take(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        name = topic.removeprefix(f"{self.base}/")
        if name in ("order", "instantActions", "zoneSet", "responses"):
            return  # our own
        text = payload.decode("utf-8", "replace")
        self._trace("wire", "mqtt", topic=name, qos=qos, retain=retain, text=text)
        try:
            data = msgspec.json.decode(payload)
        except (msgspec.DecodeError, RecursionError):
            return
        if isinstance(data, dict):
            self.latest[name] = in_words(data, self.orders.dialect)
            self.heard += name == "state"

    async def probe(self) -> None:
        """Subscribe as a stranger; what is retained is recorded as `mqtt.retained`."""

        def take(topic: str, payload: bytes, qos: int, retain: bool) -> None:
            if retain:
                name, text = topic.removeprefix(f"{self.base}/"), payload.decode("utf-8", "replace")
                self._trace("wire", "mqtt.retained", topic=name, qos=qos, text=text)

        client = self._made("late", take)
        client.subscribe(f"{self.base}/#", 1)
        client.start()
        try:
            await client.wait_connected(self._limit_s)
            await self._clock.sleep(PROBE_S)
        finally:
            await client.stop()
        self._trace("wire", "mqtt.probed")
