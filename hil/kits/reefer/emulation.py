"""An emulated rack on a bench: the twin's rack, wire and monitoring, test units, hands."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from hil.emulation import Verb
from hil.errors import BenchError
from hil.variant import ModbusVariant
from twin import profiles
from twin.clock import NS, Clock
from twin.devices.reefer import ReeferRack
from twin.documents import containers
from twin.trace import Trace
from twin.wires.modbus import ModbusServer
from twin.wires.mqtt import MqttClient, MqttServer, Settings
from twin.wires.tic40 import ReeferMonitor
from twin.world.reefer import ReeferUnit
from twin.world.yard import Box, Place, PlaceKind, Yard

from .roles import Seen

PROFILE = "reefer-rack"
SOCKETS = 4
START_UP_S = 2.0
"""From power to the first answer of the emulated controller (estimate)."""
AMBIENT_C = 30.0


class TestUnit(ReeferUnit):
    """A unit whose return air can be held at a temperature."""

    __test__ = False  # to pytest a name that begins so is a test

    held_c: float | None = None

    def hold(self, return_c: float | None) -> None:
        """From now on, until it is let go."""
        before = self.excursion_s()
        here_c = self.return_c()
        self.held_c = return_c
        self._excursion_ns = round(before * NS)
        self._from_c = here_c if return_c is None else return_c
        self._since_ns = self._clock.env.now
        for watcher in self._watchers:
            watcher("air")

    def _target(self) -> tuple[float, float]:
        return super()._target() if self.held_c is None else (self.held_c, 1.0)


@dataclass(frozen=True)
class ReeferVariant(ModbusVariant):
    """How an emulated rack differs from the good one."""

    rack: type[ReeferRack] = ReeferRack
    monitor: type[ReeferMonitor] = ReeferMonitor
    faults: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """Of the monitoring system, always there."""
    every_s: float = 900.0
    start_up_s: float = START_UP_S
    unlimited: bool = False
    """Registers take what is not lawful."""
    qos: int = 1
    retain: bool = True


class EmulatedReefer:
    """One rack, its monitoring system with a broker, and everything that hands can do."""

    instant = True

    def __init__(self, clock: Clock, variant: ReeferVariant | None, trace: Trace) -> None:
        self.variant, self.clock, self._trace = variant or ReeferVariant(), clock, trace
        bent = self.variant
        places = [Place(f"rack-{n}", PlaceKind.REEFER_RACK, n, 0.0) for n in range(SOCKETS)]
        self.yard = Yard(trace, places)
        self.units: dict[str, ReeferUnit] = {}
        self.rack = bent.rack(
            "bench.rack", clock, trace, random.Random(1), self.yard, places, self.units,
            attended=False,
        )  # fmt: skip
        self.profile = msgspec.structs.replace(profiles.load(PROFILE), **bent.profile)
        if bent.unlimited:
            rows = [
                msgspec.structs.replace(row, lowest=None, highest=None)
                for row in self.profile.rows
            ]  # fmt: skip
            self.profile = msgspec.structs.replace(self.profile, rows=rows)
        self.server: ModbusServer = bent.server(self.rack, self.profile, clock=clock, trace=trace)
        self.mqtt = MqttServer(clock=clock, trace=trace, rng=random.Random(0), detail="connections")
        self.monitor = bent.monitor(
            self.rack, self._publish, clock=clock, trace=trace, every_s=bent.every_s
        )
        for kind, values in bent.faults:
            self.monitor.inject(kind, **values)
        self._client: MqttClient | None = None
        self._port = 0
        self._powered = True
        self._numbers = random.Random(7)

    def _publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        if self._client is not None and self._powered:
            self._client.publish(
                topic, payload, min(qos, self.variant.qos), retain=retain and self.variant.retain
            )

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Serve Modbus and the broker; returns the port of Modbus."""
        self._port = await self.mqtt.start(host, 0)
        self._client = MqttClient(
            Settings(host, self._port, "bench-rms", keep_alive_s=60, backoff=None),
            loop=self.clock.loop, rng=random.Random(2),
            on_message=lambda topic, payload, qos, retain: self._take(topic, payload),  # noqa: ARG005
        )  # fmt: skip
        self._client.subscribe("terminal/cargo/+/tos", 1)
        self._client.start()
        self.monitor.start()
        return await self.server.start(host, port)

    def _take(self, topic: str, payload: bytes) -> None:
        if self._powered:
            self.monitor.receive(topic, payload)

    async def stop(self) -> None:
        """Serve no more."""
        self.monitor.stop()
        if self._client is not None:
            await self._client.stop()
        await self.server.stop()
        await self.mqtt.stop()

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The hands, as another process calls them; its client is `ReeferTwinHands`."""

        async def see(body: dict[str, Any]) -> Any:
            return (await self.see(int(body["socket"])))._asdict()

        async def now(_: dict[str, Any]) -> Any:
            return {"now": await self.now_iso()}

        async def broker(_: dict[str, Any]) -> Any:
            host, port = await self.broker()
            return {"host": host, "port": port}

        def air(body: dict[str, Any]) -> Any:
            held = body["return_c"]
            return self.air(int(body["socket"]), None if held is None else float(held))

        return {
            "put": lambda body: self.put(int(body["socket"]), float(body["setpoint_c"])),
            "lift": lambda body: self.lift(int(body["socket"])),
            "plug": lambda body: self.plug(int(body["socket"]), bool(body["on"])),
            "mains": lambda body: self.mains(int(body["socket"]), bool(body["on"])),
            "air": air,
            "see": see,
            "time": now,
            "broker": broker,
            "power": lambda body: self.switch(bool(body["on"])),
        }

    # -- units

    def _unit(self, socket: int) -> TestUnit:
        box = self._place(socket).top
        unit = self.units.get(box.number) if box is not None else None
        if not isinstance(unit, TestUnit):
            raise BenchError(f"units: there is no box at socket {socket}; put one there first")
        return unit

    def _place(self, socket: int) -> Place:
        if not 1 <= socket <= SOCKETS:
            raise BenchError(f"units: there is no socket {socket}; it has 1 to {SOCKETS}")
        return self.rack.places[socket - 1]

    async def put(self, socket: int, setpoint_c: float) -> None:
        """See `Units`."""
        box = Box(containers.make(self._numbers), 20_000.0, reefer=True)
        self.units[box.number] = TestUnit(box, self.clock, setpoint_c, AMBIENT_C)
        self.yard.put(self._place(socket), box, "bench")

    async def lift(self, socket: int) -> None:
        """See `Units`."""
        if self._place(socket).top is not None:
            box = self.yard.take(self._place(socket), "bench")
            del self.units[box.number]

    async def plug(self, socket: int, on: bool) -> None:
        """See `Units`."""
        unit = self._unit(socket)
        if unit.plugged != on:
            unit.change("plugged", on)
            self.rack.changed("plugged")

    async def mains(self, socket: int, on: bool) -> None:
        """See `Units`."""
        self._place(socket)
        if on and "socket_dead" in self.rack.faults:
            self.rack.heal("socket_dead")
        elif not on:
            self.rack.inject("socket_dead", socket=str(socket))

    async def air(self, socket: int, return_c: float | None) -> None:
        """See `Units`."""
        self._unit(socket).hold(return_c)

    async def see(self, socket: int) -> Seen:
        """See `Units`."""
        if self._place(socket).top is None:
            return Seen()
        unit = self._unit(socket)
        if not unit.powered:
            return Seen(unit.box.number, unit.plugged, False, unit.setpoint_c)
        return Seen(
            unit.box.number, True, True, unit.setpoint_c, round(unit.supply_c(), 2),
            round(unit.return_c(), 2),
        )  # fmt: skip

    async def now_iso(self) -> str:
        """See `Units`."""
        return self.clock.business_time()

    async def broker(self) -> tuple[str, int]:
        """See `Monitor`."""
        return "127.0.0.1", self._port

    # -- power of the controller

    async def switch(self, on: bool) -> None:
        """The controller's mains off or on; sockets keep theirs."""
        if on == self._powered:
            return
        if on:
            self.clock.call_later(self.variant.start_up_s, self._started)
        else:
            self._powered = False
            self.server.inject("link_down")

    def _started(self) -> None:
        self._powered = True
        self.server.heal("link_down")
