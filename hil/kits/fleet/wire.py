"""The bench's side of the broker: two vehicles, and a listener who records everything."""

from __future__ import annotations

import asyncio
import json
import random

from hil.errors import Unreachable
from twin.clock import Clock
from twin.errors import HarnessError
from twin.profiles.vda5050 import load
from twin.trace import Trace
from twin.wires.mqtt import MqttClient, Settings

from .papers import FleetPics, FleetPixit
from .vehicle import BenchVehicle

OURS = ("connection", "state", "visualization", "factsheet")
PROBE_S = 1.0


class FleetWire:
    """Vehicles and listener; the master under test is whoever publishes besides them."""

    def __init__(
        self, host: str, port: int, pics: FleetPics, pixit: FleetPixit, clock: Clock, trace: Trace,
        *, limit_s: float,
    ) -> None:  # fmt: skip
        self._host, self._port, self._limit_s = host, port, limit_s
        self._pixit, self._clock, self._trace = pixit, clock, trace
        self._dialect = load(pics.version)
        self.vehicles: dict[str, BenchVehicle] = {}
        self._listener: MqttClient | None = None

    @property
    def connected(self) -> bool:
        """Whether the listener believes in its connection."""
        return self._listener is not None and self._listener.connected

    def _client(self, name: str, on_message: object) -> MqttClient:
        pixit = self._pixit
        settings = Settings(
            self._host, self._port, f"gatetwin-certify-{name}", keep_alive_s=60,
            user=pixit.user or None, password=pixit.password or None, backoff=None,
        )  # fmt: skip
        client = MqttClient(
            settings, loop=self._clock.loop, rng=random.Random(name),
            on_message=on_message,  # type: ignore[arg-type]
        )  # fmt: skip
        client.subscribe(f"{pixit.prefix}/{pixit.manufacturer}/#", 2)
        return client

    async def connect(self, limit_s: float | None = None) -> None:
        """Listen on the broker, or raise `Unreachable`; vehicles come by `fresh`."""
        limit = limit_s or self._limit_s
        self.close()
        self._listener = self._client("listener", self._take)
        self._listener.start()
        try:
            await self._listener.wait_connected(limit)
        except HarnessError as error:
            self.close()
            raise Unreachable(
                f"fleet wire: no MQTT broker at {self._host}:{self._port} within {limit:g} s "
                f"({error}); check [broker] in bench.toml"
            ) from None

    async def fresh(self) -> None:
        """Vehicles as after a restart at their homes: no order, all in order, ONLINE."""
        pixit, layout = self._pixit, self._pixit.layout
        await self.leave()
        for number, serial in enumerate(pixit.vehicles):
            one = BenchVehicle(
                self._clock, serial, pixit.manufacturer, self._dialect, pixit.prefix, layout,
                pixit.home(number),
            )  # fmt: skip
            self.vehicles[serial] = one
            await self.join(serial)

    async def join(self, serial: str) -> None:
        """Bring a vehicle to the broker."""
        pixit = self._pixit
        client = self.vehicles[serial].wire.connect(
            self._host, self._port, user=pixit.user or None, password=pixit.password or None
        )
        try:
            await client.wait_connected(self._limit_s)
        except HarnessError as error:
            raise Unreachable(f"fleet wire: vehicle {serial}: {error}") from None

    async def leave(self) -> None:
        """All vehicles say OFFLINE and go."""
        for one in self.vehicles.values():
            await one.wire.stop()
        self.vehicles.clear()

    def close(self) -> None:
        """Leave the broker at once."""
        for one in self.vehicles.values():
            if one.wire.client is not None:
                one.wire.client.kill()
                one.wire.client = None
        self.vehicles.clear()
        client, self._listener = self._listener, None
        if client is not None:
            client.kill()

    def _take(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        serial, _, name = topic.rpartition("/")
        serial = serial.rpartition("/")[2]
        vehicle = self.vehicles.get(serial)
        text = payload.decode("utf-8", "replace")
        if name not in OURS:
            self._trace(
                "wire", "master", serial=serial, topic=name, qos=qos, retain=retain, text=text
            )
        elif retain or vehicle is None:
            return  # of before this case
        elif payload in vehicle.wire.said or _is_will(text):
            if name in ("connection", "state"):
                self._trace("wire", "vehicle", serial=serial, topic=name, text=text)
        else:
            self._trace("wire", "foreign", serial=serial, topic=name, text=text)

    def say(self, serial: str, name: str, payload: bytes) -> None:
        """Publish in a vehicle's name what it did not say: an old state, a torn one."""
        vehicle = self.vehicles[serial].wire
        vehicle.said.add(payload)
        if vehicle.client is not None:
            vehicle.client.publish(vehicle.topic(name), payload, 0)

    async def probe(self) -> None:
        """Subscribe as a stranger; what of the master is retained is recorded."""

        def take(topic: str, payload: bytes, qos: int, retain: bool) -> None:  # noqa: ARG001
            name = topic.rpartition("/")[2]
            if retain and name not in OURS:
                self._trace("wire", "retained", topic=name)

        client = self._client("stranger", take)
        client.start()
        try:
            await client.wait_connected(self._limit_s)
            await asyncio.sleep(PROBE_S)
        finally:
            await client.stop()
        self._trace("wire", "probed")


def _is_will(text: str) -> bool:
    try:
        word = json.loads(text).get("connectionState", "")
    except (ValueError, AttributeError):
        return False
    return word in ("CONNECTIONBROKEN", "CONNECTION_BROKEN")
