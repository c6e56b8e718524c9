"""Messages of a reefer monitoring system (RMS) in the words of TIC 4.0, over MQTT.

TIC 4.0 publishes which data go from the RMS to the terminal operating system and back (reefer
messages, version 2024.012), with their names and their places in its grammar; it does not publish
topics. Ours are `PREFIX/cargo/NUMBER/rms` (retained, QoS 1) and `PREFIX/cargo/NUMBER/tos`.

A message leaves when a box is plugged in or out, when power comes or goes, and every `every_s`.
Sensors that read nothing are null. `publish` is any function of (topic, payload, QoS, retain).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

import msgspec
import simpy

from twin.clock import Clock
from twin.devices.base import FaultKind, Faulty
from twin.devices.reefer import NO_READING, ReeferRack
from twin.trace import Trace


class Publish(Protocol):
    """Sends one message; what it returns is not looked at."""

    def __call__(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False, /) -> Any:
        """Send, or queue."""


class Order(msgspec.Struct, frozen=True):
    """What of a TOS message is acted on; other members are passed over, as receivers must."""

    class _Setpoints(msgspec.Struct, frozen=True):
        temperature_c: float = msgspec.field(name="TemperatureSetpoint")

    class _Container(msgspec.Struct, frozen=True):
        number: str = msgspec.field(name="ContainerID")

    containers: list[_Container] = msgspec.field(name="ContainerData")
    setpoints: list[_Setpoints] = msgspec.field(name="SetpointData")


class _Numbered(Protocol):
    @property
    def number(self) -> str:
        """As painted on it."""


class Unit(Protocol):
    """What of a unit goes into a message."""

    setpoint_c: float
    plugged: bool

    @property
    def box(self) -> _Numbered:
        """The box to which it belongs."""

    @property
    def powered(self) -> bool:
        """Whether it gets power."""


def topic(prefix: str, number: str, end: str = "rms") -> str:
    """Topic of one box."""
    return f"{prefix}/cargo/{number}/{end}"


def unit_message(
    unit: Unit, time_ms: int, ambient_c: float, *, supply_c: float | None,
    return_c: float | None, probe_c: float | None = None,
) -> bytes:  # fmt: skip
    """The message of one unit; `time_ms` of Unix time, None for what is not measured."""
    sensors: dict[str, float | None] = {
        "AmbientTemperature": round(ambient_c, 1), "ReturnTemperature": return_c,
        "SupplyTemperature": supply_c, "USDA1": probe_c, "USDA2": probe_c, "USDA3": probe_c,
        "CO2": None, "O2": None, "Humidity": None,
    }  # fmt: skip
    connected = {
        "ContainerConnected": unit.plugged, "ContainerPowered": unit.powered, "Time": time_ms,
    }  # fmt: skip
    return msgspec.json.encode(
        {
            "ContainerID": unit.box.number, "Events": [connected],
            "MonitoringData": [{"MonitoringTime": time_ms, "SensorData": [sensors]}],
            "SetpointData": [{"TemperatureSetpoint": unit.setpoint_c}],
        }
    )  # fmt: skip


class ReeferMonitor(Faulty):
    """Tells of the boxes on one rack, and takes set points for them."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        fault.kind: fault
        for fault in (
            FaultKind("silent", "nothing is sent; the last retained messages grow old"),
            FaultKind("stale", "messages come with the time of sending and old measurements"),
            FaultKind("usda_fail", "the probes in the cargo read nothing"),
        )
    }

    def __init__(
        self, rack: ReeferRack, publish: Publish, *, clock: Clock, trace: Trace,
        prefix: str = "terminal", every_s: float = 900.0,
        ambient_c: Callable[[], float] | None = None,
    ) -> None:  # fmt: skip
        """`every_s`: a quarter of an hour is what monitoring systems are set to (estimate)."""
        super().__init__(f"{rack.id}.rms", trace)
        self._rack, self._publish, self._clock = rack, publish, clock
        self._prefix, self._every_s = prefix, every_s
        self._ambient_c = ambient_c or (lambda: 27.0)
        self._sent: dict[str, bytes] = {}
        self._timer: simpy.Timeout | None = None
        rack.on_change(self._changed)

    def start(self) -> None:
        """Tell of every box now, and again at each interval."""
        self._tick()

    def stop(self) -> None:
        """Tell no more."""
        if self._timer is not None and self._timer.callbacks is not None:
            self._timer.callbacks.clear()
        self._timer = None

    def topic(self, number: str, end: str = "rms") -> str:
        """Topic of one box."""
        return topic(self._prefix, number, end)

    def message(self, socket: int) -> bytes | None:
        """The message about the box at `socket` (from 0); None if there is none."""
        unit = self._rack.unit(socket)
        if unit is None:
            return None

        def read(sensor: str) -> float | None:
            value = self._rack.reading(socket, sensor)
            return None if value == NO_READING else value

        probe = read("usda") if "usda_fail" not in self.faults else None
        return unit_message(
            unit, self._now(), self._ambient_c(), supply_c=read("supply"),
            return_c=read("return"), probe_c=probe,
        )  # fmt: skip

    def receive(self, topic: str, payload: bytes) -> str:
        """Take a message of the terminal; returns why it was refused, empty if it was not."""
        cause = self.trace(self.id, "tic40.rx", topic=topic, payload=payload[:2000])
        reason = self._take(topic, payload, cause)
        if reason:
            self.trace(self.id, "tic40.refused", cause, reason=reason)
        return reason

    def _take(self, topic: str, payload: bytes, cause: int) -> str:
        try:
            order = msgspec.json.decode(payload, type=Order)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            return f"not a TOS message: {error}"
        if len(order.containers) != len(order.setpoints):
            return f"{len(order.containers)} containers and {len(order.setpoints)} set points"
        for container, setpoint in zip(order.containers, order.setpoints, strict=True):
            if topic != self.topic(container.number, "tos"):
                return f"container {container.number} on topic {topic}"
            if not -40.0 <= setpoint.temperature_c <= 30.0:
                return f"set point {setpoint.temperature_c} °C is outside -40 to 30"
            for socket in range(len(self._rack.places)):
                unit = self._rack.unit(socket)
                if unit is not None and unit.box.number == container.number:
                    write = self._rack.points[f"setpoint_c_{socket + 1}"].write
                    assert write is not None
                    write(setpoint.temperature_c, cause)
                    break
            else:
                return f"container {container.number} is not on {self._rack.id}"
        return ""

    def _now(self) -> int:
        """Milliseconds of Unix time, the `timestamp` of TIC 4.0."""
        instant = self._clock.day_start.astimezone(dt.UTC)
        return round(instant.timestamp() * 1000) + self._clock.env.now // 1_000_000

    def _changed(self, what: str) -> None:
        if self._timer is not None and what in ("occupied", "plugged", "power", "setpoint",
                                                "socket_dead", "unit_broken", "alarm"):  # fmt: skip
            self._tell()

    def _tick(self) -> None:
        self._tell()
        self._timer = self._clock.call_later(self._every_s, self._tick)

    def _tell(self) -> None:
        if "silent" in self.faults:
            return
        for socket in range(len(self._rack.places)):
            payload, unit = self.message(socket), self._rack.unit(socket)
            if payload is None or unit is None:
                continue
            number = unit.box.number
            if "stale" in self.faults and number in self._sent:
                old = msgspec.json.decode(self._sent[number])
                old["MonitoringData"][0]["MonitoringTime"] = self._now()
                payload = msgspec.json.encode(old)
            self._sent[number] = payload
            self.trace(self.id, "tic40.tx", topic=self.topic(number), payload=payload)
            self._publish(self.topic(number), payload, 1, True)
