"""An emulated fleet manager on a bench: a broker, the small master on it, hands that give jobs."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hil.emulation import Verb
from hil.variant import Variant
from twin.clock import Clock
from twin.profiles.vda5050 import load
from twin.trace import Trace
from twin.wires.mqtt import MqttClient, MqttServer, Settings

from .layout import BENCH
from .master import Master

MANUFACTURER, SERIALS = "gatetwin", ["igv-01", "igv-02"]
TICK_S = 0.25
START_UP_S = 3.0


@dataclass(frozen=True)
class FleetVariant(Variant):
    """How an emulated master differs from the good one."""

    master: type[Master] = Master
    qos: int = 0
    retain: bool = False
    fragile: bool = False
    """A message that cannot be read ends it."""


class EmulatedFleet:
    """A broker and a master on it."""

    def __init__(
        self, clock: Clock, profile: str, variant: FleetVariant | None, trace: Trace
    ) -> None:
        self.clock = clock
        self.variant = variant if isinstance(variant, FleetVariant) else FleetVariant()
        self.dialect = load(profile)
        self.server = MqttServer(
            clock=clock, trace=trace, rng=random.Random(0), detail="connections"
        )
        self.base = f"{self.dialect.interface}/{self.dialect.major}/{MANUFACTURER}"
        self.master: Master
        self._client: MqttClient | None = None
        self._powered = False
        self._port = 0
        self._starts = 0

    def _stamp(self, now_s: float) -> str:
        moment = self.clock.day_start.astimezone(dt.UTC) + dt.timedelta(seconds=now_s)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Serve the broker and bring the master to it; returns the broker's port."""
        self._port = await self.server.start(host, port)
        self._switch_on()
        self._tick()
        return self._port

    async def stop(self) -> None:
        """The master leaves, the broker ends."""
        if self._client is not None:
            await self._client.stop()
        await self.server.stop()

    def _switch_on(self) -> None:
        self._starts += 1
        self.master = self.variant.master(
            BENCH, SERIALS, version=self.dialect.version, manufacturer=MANUFACTURER,
            stamp=self._stamp, run=str(self._starts),
        )  # fmt: skip
        settings = Settings("127.0.0.1", self._port, "master", keep_alive_s=60)
        client = MqttClient(
            settings, loop=self.clock.loop, rng=random.Random(3), on_message=self._take
        )
        client.subscribe(f"{self.base}/+/connection", 1)
        client.subscribe(f"{self.base}/+/state", 0)
        client.start()
        self._client, self._powered = client, True

    def _take(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:  # noqa: ARG002
        serial, name = topic.split("/")[-2:]
        self.master.now_s = self.clock.now_s()
        self._heard(serial, name, payload)
        self._send()

    def _heard(self, serial: str, name: str, payload: bytes) -> None:
        """What cannot be read is left alone, and nothing of it."""
        try:
            message = json.loads(payload)
        except ValueError:
            message = None
        if isinstance(message, dict) and _plausible(name, message):
            self.master.heard(serial, name, message)
        elif self.variant.fragile:
            self._powered = False

    def _tick(self) -> None:
        if self._powered and self._client is not None and self._client.connected:
            self.master.now_s = self.clock.now_s()
            self.master.tick()
            self._send()
        self.clock.call_later(TICK_S, self._tick)

    def _send(self) -> None:
        out, self.master.out = self.master.out, []
        for one in out:
            payload = json.dumps(one.message).encode()
            if self._client is not None:
                topic = f"{self.base}/{one.serial}/{one.topic}"
                self._client.publish(topic, payload, self.variant.qos, self.variant.retain)

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The hands, as another process calls them; its client is `FleetTwinHands`."""
        return {
            "bring": lambda body: self.bring(body["vehicle"], body["start"], body["goal"]),
            "abandon": lambda body: self.abandon(body["vehicle"]),
            "pause": lambda body: self.pause(body["vehicle"], bool(body["on"])),
            "power": lambda body: self.switch(bool(body["on"])),
        }

    async def bring(self, vehicle: str, start: str, goal: str) -> None:
        """See `Jobs`."""
        del start  # it goes by what the vehicle says
        self.master.bring(vehicle, goal)

    async def abandon(self, vehicle: str) -> None:
        """See `Jobs`."""
        self.master.now_s = self.clock.now_s()
        self.master.abandon(vehicle)
        self._send()

    async def pause(self, vehicle: str, on: bool) -> None:
        """See `Jobs`."""
        self.master.now_s = self.clock.now_s()
        self.master.pause(vehicle, on)
        self._send()

    async def switch(self, on: bool) -> None:
        """Mains off or on; it forgets everything."""
        if on and not self._powered:
            self._switch_on()
        elif not on and self._powered:
            self._powered = False
            if self._client is not None:
                self._client.kill()
                self._client = None


def _plausible(name: str, message: dict[str, Any]) -> bool:
    """The members that the master works with have their types."""
    if name != "state":
        return isinstance(message.get("connectionState"), str)
    kinds = {"nodeStates": list, "lastNodeSequenceId": int, "orderId": str, "errors": list}
    return all(isinstance(message.get(key), kind) for key, kind in kinds.items())
