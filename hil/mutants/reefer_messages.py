# ruff: noqa: D102 - overrides; each class says how it is broken
"""Broken monitoring systems: the messages that they send and take."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import msgspec

from twin.wires.tic40 import ReeferMonitor

# ---------------------------------------------------------------- messages


class _Bends(ReeferMonitor, ABC):
    """Changes every message before it leaves."""

    @abstractmethod
    def bend(self, message: dict[str, Any]) -> None: ...

    def message(self, socket: int) -> bytes | None:
        made = super().message(socket)
        if made is None:
            return None
        data = msgspec.json.decode(made)
        self.bend(data)
        return msgspec.json.encode(data)


class NumbersAsTexts(_Bends):
    """Readings are texts."""

    def bend(self, message: dict[str, Any]) -> None:
        sensors = message["MonitoringData"][0]["SensorData"][0]
        for name in ("ReturnTemperature", "SupplyTemperature"):
            if sensors[name] is not None:
                sensors[name] = str(sensors[name])


class ZerosForNothing(_Bends):
    """Says 0 °C where there is no reading."""

    def bend(self, message: dict[str, Any]) -> None:
        sensors = message["MonitoringData"][0]["SensorData"][0]
        for name in ("ReturnTemperature", "SupplyTemperature"):
            sensors[name] = sensors[name] or 0.0


class LocalTime(_Bends):
    """Its time is seven hours ahead: local time for UTC."""

    def bend(self, message: dict[str, Any]) -> None:
        message["Events"][0]["Time"] += 7 * 3_600_000
        message["MonitoringData"][0]["MonitoringTime"] += 7 * 3_600_000


class OneTopic(ReeferMonitor):
    """All boxes share a topic."""

    def topic(self, number: str, end: str = "rms") -> str:
        return super().topic("rack" if end == "rms" else number, end)


class NoEvents(ReeferMonitor):
    """Sends at its interval alone."""

    def _changed(self, what: str) -> None:
        """Nobody is told."""


class DeafToTheTerminal(ReeferMonitor):
    """Takes no message with a member that it does not know."""

    def _take(self, topic: str, payload: bytes, cause: int) -> str:
        return "unknown member" if b'"Note"' in payload else super()._take(topic, payload, cause)


class TakesEverySetpoint(ReeferMonitor):
    """Takes set points of any height."""

    def _take(self, topic: str, payload: bytes, cause: int) -> str:
        reason = super()._take(topic, payload, cause)
        if "outside" in reason:
            unit = self._rack.unit(0)
            if unit is not None:
                unit.change("setpoint_c", 50.0)
        return reason
