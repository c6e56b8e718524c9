"""The vehicle of vda5050-sdk 0.2 on a bench: a vehicle that we did not write, in virtual time.

It has no body: `node_delay` is a drive, its place jumps. So what is seen of its motion is its own
word, and only what the wire shows is judged.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import Awaitable, Callable
from typing import Any

from vda5050.client.agv.client import VehicleClient
from vda5050.client.agv.executor import OrderExecutor
from vda5050.config import VehicleConfig
from vda5050.domain.execution.policy import ArrivalToleranceDefaults
from vda5050.model.enums import MapStatus
from vda5050.model.instant_actions import InstantActions
from vda5050.model.order import Order
from vda5050.model.state import Map

from hil.kits.igv.emulation import MANUFACTURER, MAP, SERIAL
from hil.kits.igv.roles import TruePose
from twin.clock import Clock
from twin.trace import Trace
from twin.wires.mqtt import MqttClient, MqttServer, Settings, Will

Handler = Callable[[str, bytes], Awaitable[None]]
LEG_S, ACTION_S = 4.0, 3.0


class RunClock:
    """The sdk's clock on ours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> dt.datetime:
        return self._clock.day_start + dt.timedelta(seconds=self._clock.now_s())

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


class Transport:
    """The sdk's transport on our paho client."""

    def __init__(self, clock: Clock, port: int) -> None:
        self._clock, self._port = clock, port
        self._handlers: dict[str, Handler] = {}
        self._tasks: set[Any] = set()
        self.client: MqttClient | None = None

    def _message(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        handler = self._handlers.get(topic)
        if handler is not None:
            task = self._clock.loop.create_task(handler(topic, payload))  # type: ignore[arg-type]
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: Any) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # the sdk's own business, as its transports have it

    async def connect(self, *, will: Any = None) -> None:
        last = will and Will(will.topic, will.payload, will.qos, will.retain)
        settings = Settings("127.0.0.1", self._port, "sdk-vehicle", will=last)
        self.client = MqttClient(
            settings, loop=self._clock.loop, rng=random.Random(5), on_message=self._message
        )
        self.client.start()
        await self.client.wait_connected()

    async def disconnect(self) -> None:
        assert self.client is not None
        for task in list(self._tasks):
            task.cancel()
        await self.client.stop()

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False
    ) -> None:
        assert self.client is not None
        self.client.publish(topic, payload, qos, retain)

    async def subscribe(self, topic: str, handler: Handler, *, qos: int = 0) -> None:
        assert self.client is not None
        self._handlers[topic] = handler
        self.client.subscribe(topic, qos)


class SdkBench:
    """A broker and the sdk's vehicle with its reference executor; a cancellation ends the drive,
    which is an integrator's duty. Nothing else is mended."""

    instant = True

    def __init__(self, clock: Clock, trace: Trace, *, mended: bool = True) -> None:
        """`mended`: a cancellation ends the drive and what runs on it."""
        self._clock, self._mended = clock, mended
        self.server = MqttServer(clock=clock, trace=trace, rng=random.Random(0))
        self.vehicle: VehicleClient
        self._drives: set[asyncio.Task[Any]] = set()
        self._road = asyncio.Lock()

    async def start(self) -> int:
        port = await self.server.start()
        config = VehicleConfig(manufacturer=MANUFACTURER, serial_number=SERIAL)
        self.vehicle = VehicleClient(
            config, transport=Transport(self._clock, port), clock=RunClock(self._clock)
        )
        self.vehicle.on_order(self._drive)
        self.vehicle.on_instant_actions(self._told)
        await self.vehicle.connect()
        publisher = self.vehicle.publisher
        publisher.update_position(x=0.0, y=0.0, theta=0.0, map_id=MAP)
        publisher.set_maps([Map(map_id=MAP, map_version="1", map_status=MapStatus.ENABLED)])
        await self.vehicle.publish_state()
        return port

    async def _drive(self, order: Order) -> None:
        """One drive after the other; what was cancelled drives no more."""
        task = asyncio.current_task()
        assert task is not None
        self._drives.add(task)
        try:
            async with self._road:
                await self._execute(order)
        finally:
            self._drives.discard(task)

    def _told(self, message: InstantActions) -> None:
        if self._mended and any(one.action_type == "cancelOrder" for one in message.actions):
            for task in self._drives:
                task.cancel()
            self.vehicle.publisher.set_driving(False)

    async def _execute(self, order: Order) -> None:
        executor = OrderExecutor(
            self.vehicle.publisher,
            node_delay=LEG_S,
            action_delay=ACTION_S,
            arrival_defaults=ArrivalToleranceDefaults(
                tolerance_xy=0.5, tolerance_theta=0.5, timeout=5.0
            ),
            clock=RunClock(self._clock),
        )
        await executor.run(order)

    async def stop(self) -> None:
        await self.vehicle.disconnect()
        await self.server.stop()

    async def pose(self) -> TruePose:
        """Its own word."""
        place = self.vehicle.publisher.agv_position
        assert place is not None
        return TruePose(place.x, place.y, float(self.vehicle.publisher.snapshot().driving))
