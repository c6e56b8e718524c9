"""Real vehicles on a broker in virtual time, and a plain paho client that plays fleet control."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Coroutine
from typing import Any

from fixtures.vda5050_orders import MANUFACTURER, Scribe, raw
from tests.vda5050.schemas import FOLDER, check
from twin.clock import Clock, Session
from twin.devices.igv import Igv, IgvParameters
from twin.physics import Pose, load_drive
from twin.trace import Trace
from twin.wires.mqtt import MqttClient, MqttServer, Settings
from twin.wires.vda5050.switches import Switches
from twin.wires.vda5050.vehicle import Timing, Vehicle
from twin.world.bays import Bay, Bays
from twin.world.carrier import Carrier
from twin.world.yard import Box


class Fleet:
    """What a fleet control has heard: every message by topic, judged by its schema as it comes."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.heard: dict[str, list[dict[str, Any]]] = {}
        self.retained: dict[str, list[bool]] = {}
        self.client = MqttClient(
            Settings("127.0.0.1", rig.port, "fleet", keep_alive_s=60),
            loop=rig.clock.loop,
            rng=random.Random("fleet"),
            on_message=self._message,
        )

    def _message(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        name = topic.rpartition("/")[2]
        message = json.loads(payload)
        if FOLDER.is_dir():
            check(self._rig.version, name, message)
        self.heard.setdefault(name, []).append(message)
        self.retained.setdefault(name, []).append(retain)

    @property
    def state(self) -> dict[str, Any]:
        return self.heard["state"][-1]

    @property
    def errors(self) -> list[str]:
        return [error["errorType"] for error in self.state["errors"]]

    def status(self, action_id: str) -> str:
        lists = ("actionStates", "instantActionStates", "zoneActionStates")
        for one in (one for key in lists for one in self.state.get(key, ())):
            if one["actionId"] == action_id:
                return str(one["actionStatus"])
        return "none"


class Rig:
    """One vehicle at (0, 0) heading along x, bays, a broker, a fleet control."""

    def __init__(
        self,
        clock: Clock,
        version: str = "2.1",
        *,
        parameters: IgvParameters | None = None,
        timing: Timing | None = None,
        prefix: str | None = None,
        **switches: Any,
    ) -> None:
        self.clock, self.version = clock, version
        self.trace = Trace(clock)
        self.server = MqttServer(clock=clock, trace=self.trace, rng=random.Random(0))
        self.port = 0
        self.parameters = parameters or IgvParameters()
        self.carrier = Carrier(
            "igv-01.body",
            clock,
            self.trace,
            load_drive("kinematic"),
            self.parameters.vehicle,
            self.parameters.energy,
            pose=Pose(0.0, 0.0, 0.0),
        )
        self.bays = Bays(self.trace)
        self.igv = Igv(
            "igv-01",
            clock,
            self.trace,
            random.Random(1),
            carrier=self.carrier,
            handover=self.bays,
            parameters=self.parameters,
        )
        self.vehicle = Vehicle(
            self.igv,
            clock,
            self.trace,
            random.Random(2),
            dialect=version,
            switches=Switches(**switches),
            timing=timing,
            prefix=prefix,
        )
        self.scribe = Scribe(version)
        self.fleet: Fleet

    async def start(self) -> None:
        self.port = await self.server.start()
        self.fleet = Fleet(self)
        self.fleet.client.subscribe("#", 1)
        self.fleet.client.start()
        await self.fleet.client.wait_connected()
        client = self.vehicle.connect("127.0.0.1", self.port)
        await client.wait_connected()
        await self.clock.sleep(0.5)

    async def stop(self) -> None:
        await self.vehicle.stop()
        await self.clock.sleep(0.2)
        await self.fleet.client.stop()
        await self.clock.sleep(0.2)
        await self.server.stop()

    def place(self, name: str, x: float, *boxes: Box, charger: bool = False) -> Bay:
        return self.bays.add(Bay(name, x, 0.0, charger=charger, boxes=list(boxes)))

    def send(self, name: str, message: dict[str, Any] | bytes) -> None:
        payload = message if isinstance(message, bytes) else raw(message)
        self.fleet.client.publish(self.vehicle.topic(name), payload, 0)

    async def order(self, message: dict[str, Any] | bytes) -> None:
        self.send("order", message)
        await self.clock.sleep(0.3)

    async def now(self, kind: str, *, id: str | None = None, **parameters: Any) -> str:
        message = self.scribe.now(kind, id=id, **parameters)
        self.send("instantActions", message)
        await self.clock.sleep(0.3)
        return str(message["actions"][0]["actionId"])

    async def until(self, true: Callable[[], object], limit_s: float = 600.0) -> float:
        """Wait until something holds; seconds that it took."""
        began = self.clock.now_s()
        while not true():
            assert self.clock.now_s() - began < limit_s, f"not within {limit_s} s"
            await self.clock.sleep(0.1)
        return self.clock.now_s() - began

    async def idle(self, limit_s: float = 600.0) -> None:
        """Wait until the fleet sees that the order is done."""

        def done() -> bool:
            state = self.fleet.state
            ended = all(
                one["actionStatus"] in ("FINISHED", "FAILED") for one in state["actionStates"]
            )
            return not state["nodeStates"] and ended and not state["driving"]

        await self.until(done, limit_s)


Story = Callable[[Rig], Coroutine[Any, Any, None]]


def play(story: Story, version: str = "2.1", *, seed: int = 0, **options: Any) -> Rig:
    """Tell `story` with a started rig in virtual time; the rig afterwards."""
    with Session.virtual(seed) as session:
        rig = Rig(session.clock, version, **options)

        async def whole() -> None:
            await rig.start()
            try:
                await story(rig)
            finally:
                await rig.stop()

        session.run(whole())
        return rig


__all__ = ["MANUFACTURER", "Box", "Fleet", "Igv", "Rig", "play"]
