"""Refrigerated boxes on a bridge: the unit of each, sockets on the stacks, and who tells of them.

A unit belongs to its box. Trucks feed it from a generator until they stand under the crane; from
there on it has no power on truck, spreader and vehicle, and warms, until it hangs on a socket of
the stack. A rack's controller (Modbus) plugs in what it is told to; its monitoring system, and off
the rack the modem of the unit itself, tell the terminal (TIC 4.0 over MQTT).
"""

from __future__ import annotations

import datetime as dt
import math
import random
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import simpy

from twin import profiles
from twin.clock import NS, Clock
from twin.devices.base import Faulty
from twin.devices.reefer import ReeferRack
from twin.site import Climate
from twin.site_bridge import Cargo
from twin.trace import Trace
from twin.wires.modbus import ModbusServer
from twin.wires.mqtt import MqttClient, Settings
from twin.wires.mqtt.access import Rule
from twin.wires.tic40 import ReeferMonitor, topic, unit_message
from twin.world.reefer import ReeferUnit
from twin.world.yard import Box
from twin.world.yard import Yard as YardWorld

PREFIX = "terminal"
USER = "rms"
EVERY_S = 900.0
SETPOINTS_C = (-18.0, 4.0, 13.0)
"""Frozen seafood, chilled fruit and vegetables, tropical fruit: one as often as the other
(estimate; -18 °C is the usual set point of frozen cargo)."""
_AMBIENT_C = 27.0
"""Of a site without a climate (estimate)."""
_SOON_S = 1e-3
RULES = (
    Rule(f"{PREFIX}/#", user=USER), Rule(f"{PREFIX}/cargo/+/rms", "read", user="fleet"),
    Rule(f"{PREFIX}/cargo/+/tos", "write", user="fleet"),
)  # fmt: skip


class ColdChain:
    """All refrigerated boxes on one bridge."""

    def __init__(
        self, cargo: Cargo, clock: Clock, trace: Trace, *, rng: Callable[[str], random.Random],
        yards: Mapping[str, YardWorld], climate: Climate | None,
    ) -> None:  # fmt: skip
        self._clock, self._trace, self._luck = clock, trace, rng("reefers")
        month = clock.day_start.month - 1
        self.ambient_c = climate.temperature_c[month] if climate is not None else _AMBIENT_C
        """The day's mean; the units do not follow the hours of the day."""
        self.units: dict[str, ReeferUnit] = {}
        """Of the boxes that are here now."""
        self._brought_s: dict[str, float] = {}
        """How long each was too warm before it came."""
        self._warm: set[str] = set()
        self._alarmed: set[str] = set()
        self._due: simpy.Timeout | None = None
        self._tick: simpy.Timeout | None = None
        self._client: MqttClient | None = None
        self._client_rng = rng("rms")
        self.racks: dict[str, ReeferRack] = {}
        self.servers: dict[str, ModbusServer] = {}
        self.monitors: dict[str, ReeferMonitor] = {}
        self._ports: dict[str, int] = {}
        for spec in cargo.yards:
            if spec.reefer_sockets:
                self._rack(spec.id, spec.reefer_sockets, yards[spec.id], rng(f"rack-{spec.id}"))

    def _rack(self, yard: str, sockets: int, world: YardWorld, rng: random.Random) -> None:
        places = [world.places[f"stack-{number + 1}"] for number in range(sockets)]
        rack = ReeferRack(
            f"rack-{yard}", self._clock, self._trace, rng, world, places, self.units,
            attended=False,
        )  # fmt: skip
        self.racks[yard] = rack
        self.servers[yard] = ModbusServer(
            rack, profiles.load("reefer-rack"), clock=self._clock, trace=self._trace
        )
        self.monitors[yard] = ReeferMonitor(
            rack, self._publish, clock=self._clock, trace=self._trace, prefix=PREFIX,
            every_s=EVERY_S, ambient_c=lambda: self.ambient_c,
        )  # fmt: skip

    # --- boxes come and go -----------------------------------------------------------------------

    def came(self, box: Box, unpowered_s: float = 0.0) -> None:
        """A truck stands under its crane; its generator has been off for `unpowered_s`."""
        if not box.reefer:
            return
        unit = ReeferUnit(
            box, self._clock, self._luck.choice(SETPOINTS_C), self.ambient_c,
            unpowered_s=unpowered_s,
        )  # fmt: skip
        self.units[box.number] = unit
        self._brought_s[box.number] = unit.excursion_s()
        self._trace(
            "cold-chain", "reefer.came", box=box.number, setpoint_c=unit.setpoint_c,
            return_c=round(unit.return_c(), 2), excursion_s=round(unit.excursion_s(), 1),
        )  # fmt: skip
        unit.on_change(lambda _: self._look())
        self._tell(unit)
        self._look()

    def unplug(self, box: Box) -> None:
        """Whoever fetches a box has it unplugged first."""
        unit = self.units.get(box.number)
        if unit is not None:
            unit.change("plugged", False)

    def left(self, number: str, how: str) -> None:
        """A truck has driven off with it."""
        unit = self.units.pop(number, None)
        if unit is None:
            return
        here_s = unit.excursion_s() - self._brought_s.pop(number)
        self._trace(
            "cold-chain", "reefer.left", box=number, how=how, return_c=round(unit.return_c(), 2),
            excursion_s=round(here_s, 1),
        )  # fmt: skip
        self._warm.discard(number)

    def tell_totals(self) -> None:
        """Record how long the boxes that are still here were too warm."""
        for number in list(self.units):
            self.left(number, "still here")

    # --- too warm --------------------------------------------------------------------------------

    def _look(self) -> None:
        """Tell who has become too warm or cool again, and wait for the next one."""
        if self._due is not None and self._due.callbacks is not None:
            self._due.callbacks.clear()
        self._due = None
        soonest = math.inf
        for number, unit in self.units.items():
            warm = unit.return_c() > unit.limit_c
            if warm is not (number in self._warm):
                (self._warm.add if warm else self._warm.discard)(number)
                self._notice("cold.warm" if warm else "cold.cool", unit)
            margin_s = unit.margin_s()
            if margin_s <= 0 and number not in self._alarmed:
                self._alarmed.add(number)
                self._notice("cold.alarm", unit)
            dues = (unit.seconds_until(unit.limit_c), margin_s)
            soonest = min([soonest, *(due_s for due_s in dues if due_s > 0)])
        if soonest < math.inf:
            self._due = self._clock.call_later(soonest + _SOON_S, self._look)

    def _notice(self, kind: str, unit: ReeferUnit) -> None:
        self._trace(
            "cold-chain", kind, box=unit.box.number, setpoint_c=unit.setpoint_c,
            return_c=round(unit.return_c(), 2), excursion_s=round(unit.excursion_s(), 1),
        )  # fmt: skip
        self._tell(unit)

    # --- messages --------------------------------------------------------------------------------

    def _tell(self, unit: ReeferUnit) -> None:
        """The unit's own modem tells what it measures, unless a rack reads it."""
        if self._client is None or unit.powered:
            return
        instant = self._clock.day_start.astimezone(dt.UTC).timestamp() * 1000
        message = unit_message(
            unit, round(instant) + self._clock.now_ns() * 1000 // NS, self.ambient_c,
            supply_c=round(unit.supply_c(), 1), return_c=round(unit.return_c(), 1),
        )  # fmt: skip
        name = topic(PREFIX, unit.box.number)
        self._trace("cold-chain", "tic40.tx", topic=name, payload=message)
        self._publish(name, message, 1, True)

    def _tell_all(self) -> None:
        for unit in self.units.values():
            self._tell(unit)
        self._tick = self._clock.call_later(EVERY_S, self._tell_all)

    def _publish(self, name: str, payload: bytes, qos: int = 0, retain: bool = False, /) -> None:
        if self._client is not None:
            self._client.publish(name, payload, qos, retain)

    def _heard(self, name: str, payload: bytes, qos: int, retain: bool) -> None:
        del qos, retain
        number = name.split("/")[2]
        for yard, rack in self.racks.items():
            if any(p.top is not None and p.top.number == number for p in rack.places):
                self.monitors[yard].receive(name, payload)
                return
        self._trace("cold-chain", "tic40.refused", topic=name, reason="on no rack")

    # --- assembly --------------------------------------------------------------------------------

    async def start(
        self, host: str, ports: Iterator[int], broker: str, broker_port: int, password: str | None,
        tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        """Serve the racks on `host` at the next of `ports`; have their monitoring on the broker."""
        for yard, server in self.servers.items():
            self._ports[yard] = await server.start(host, next(ports))
            places = [place.id for place in self.racks[yard].places]
            self._trace("cold-chain", "reefer.rack", yard=yard, places=places)
        if not self.racks:
            return
        settings = Settings(
            host=broker, port=broker_port, client_id="gatetwin-rms", password=password, tls=tls,
            user=None if password is None else USER,
        )  # fmt: skip
        self._client = MqttClient(
            settings, loop=self._clock.loop, rng=self._client_rng, on_message=self._heard
        )
        self._client.subscribe(topic(PREFIX, "+", "tos"), 1)
        self._client.start()
        await self._client.wait_connected()
        for monitor in self.monitors.values():
            monitor.start()
        self._tick = self._clock.call_later(EVERY_S, self._tell_all)

    async def stop(self) -> None:
        """Disconnect and close the wires."""
        for monitor in self.monitors.values():
            monitor.stop()
        if self._tick is not None and self._tick.callbacks is not None:
            self._tick.callbacks.clear()
        client, self._client = self._client, None
        if client is not None:
            await client.stop()
        for server in self.servers.values():
            await server.stop()

    def rack_entry(self, yard: str, host: str) -> dict[str, Any] | None:
        """What a stack is told of the rack of a yard."""
        if yard not in self.racks:
            return None
        rack, profile = self.racks[yard], self.servers[yard].profile
        return {
            "id": rack.id, "places": [place.id for place in rack.places],
            "modbus": {
                "id": rack.id, "protocol": "modbus-tcp", "profile": profile.name, "host": host,
                "port": self._ports[yard], "unit": profile.unit_ids[0] or 1,
                "points": profiles.wire_points(profile),
            },
        }  # fmt: skip

    @property
    def targets(self) -> list[Faulty]:
        """What has a fault menu here."""
        return [*self.racks.values(), *self.servers.values(), *self.monitors.values()]
