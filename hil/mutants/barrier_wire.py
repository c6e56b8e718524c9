# ruff: noqa: D102 - overrides; each class says how it is broken
"""Barriers whose Modbus face is broken in a way that only a barrier's can be."""

from __future__ import annotations

from typing import Any

from twin.wires.modbus import ModbusServer


class ReadsAct(ModbusServer):
    """Reading the firmware registers triggers the step command."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        if pdu[:3] == b"\x03\x00\x01" and pdu[3:5] == b"\x00\x01":
            self.device.command("step")  # type: ignore[attr-defined]
        return super().respond(pdu, unit, cause)


class DeniesCounter(ModbusServer):
    """Has no operation counter although its papers say so."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        if pdu == b"\x03\x00\x68\x00\x02":
            return b"\x83\x02"
        return super().respond(pdu, unit, cause)


class ConnectionIsLife(ModbusServer):
    """When its last client goes while the arm moves, it serves nobody for ten seconds."""

    _locked_until_s = 0.0

    def released(self, number: int, reason: str) -> None:
        moving = self.device.arm.moving  # type: ignore[attr-defined]
        super().released(number, reason)
        if moving and not self.connections and "link_down" not in self.faults:
            self._locked_until_s = self.loop.time() + 15.0

    def admit(self, connection: Any) -> tuple[int, str]:
        if self.loop.time() < self._locked_until_s:
            return -1, "locked"
        return super().admit(connection)
