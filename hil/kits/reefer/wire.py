"""A rack's own wires: its registers, and the messages of its monitoring system."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from hil.drivers.modbus import ModbusWire
from hil.drivers.raw import Endpoint
from hil.errors import Unreachable
from twin.clock import Clock
from twin.errors import HarnessError
from twin.profiles import Profile, Row
from twin.trace import Trace
from twin.wires.mqtt import MqttClient, Settings

from .roles import Monitor

NAMES = (
    "occupied", "plugged", "powered", "alarm", "setpoint_c", "supply_c", "return_c",
    "excursion_min", "margin_min",
)  # fmt: skip
NO_READING = -3276.8
"""Lowest tenth of a degree of a signed register."""
PROBE_S = 1.0
"""How long a late subscriber waits for what is retained."""


class ReeferWire(ModbusWire):
    """The registers."""

    device = "reefer rack"

    def __init__(
        self, endpoint: Endpoint, profile: Profile, sockets: int, clock: Clock, trace: Trace, *,
        limit_s: float,
    ) -> None:  # fmt: skip
        self.points = tuple(f"{name}_{n}" for n in range(1, sockets + 1) for name in NAMES)
        super().__init__(endpoint, profile, clock, trace, limit_s=limit_s)

    def shown(self, values: dict[str, Any]) -> dict[str, Any]:
        """Tenths without the tail of a binary fraction."""
        return {
            name: round(value, 1) if isinstance(value, float) else value
            for name, value in values.items()
        }

    def row(self, name: str) -> Row:
        """The row of a point; the first of that name."""
        return next(row for row in self.profile.rows if row.key == name)

    async def order(self, name: str, value: float) -> bool:
        """Write a coil or a register in the point's unit; True if it is acknowledged."""
        row = self.row(name)
        number = round(value / row.scale) if row.table == "holding" else int(value)
        good = await self.write_row(row, number & 0xFFFF if row.table == "holding" else number)
        self._trace("wire", "command", point=name, value=value, acknowledged=good)
        return good


class MonitorWire:
    """The messages, as a terminal hears and sends them; recorded as `mqtt` and `mqtt.sent`."""

    def __init__(self, monitor: Monitor, prefix: str, clock: Clock, trace: Trace) -> None:
        self._monitor, self._prefix, self._clock, self._trace = monitor, prefix, clock, trace
        self._client: MqttClient | None = None

    async def _made(self, name: str, kind: str, *, kept: bool) -> MqttClient:
        def take(topic: str, payload: bytes, qos: int, retain: bool) -> None:
            if kept == retain:
                text = payload.decode("utf-8", "replace")
                self._trace("wire", kind, topic=topic, qos=qos, text=text)

        host, port = await self._monitor.broker()
        settings = Settings(host, port, f"gatetwin-certify-{name}", keep_alive_s=60, backoff=None)
        client = MqttClient(
            settings, loop=self._clock.loop, rng=random.Random(name), on_message=take
        )
        client.subscribe(f"{self._prefix}/cargo/+/rms", 1)
        client.start()
        try:
            await client.wait_connected(5.0)
        except HarnessError as error:
            client.kill()
            raise Unreachable(
                f"monitor wire: no MQTT broker at {host}:{port} within 5 s ({error}); check the "
                "address in bench.toml"
            ) from None
        return client

    async def listen(self) -> None:
        """Hear every message from now on."""
        self.close()
        self._client = await self._made("terminal", "mqtt", kept=False)

    async def probe(self) -> None:
        """Subscribe as a stranger; what is retained is recorded as `mqtt.retained`."""
        client = await self._made("late", "mqtt.retained", kept=True)
        try:
            await self._clock.sleep(PROBE_S)
        finally:
            await client.stop()
        self._trace("wire", "mqtt.probed")

    def send(self, number: str, message: dict[str, Any] | bytes, label: str) -> None:
        """To the monitoring system, on the topic of a box."""
        payload = message if isinstance(message, bytes) else msgspec.json.encode(message)
        topic = f"{self._prefix}/cargo/{number}/tos"
        self._trace("wire", "mqtt.sent", topic=topic, label=label,
                    text=payload.decode("utf-8", "replace"))  # fmt: skip
        if self._client is not None:
            self._client.publish(topic, payload, 1)

    def close(self) -> None:
        """Leave the broker."""
        client, self._client = self._client, None
        if client is not None:
            client.kill()
