"""Modbus TCP: a byte-faithful server for any device that has a profile.

The framing, the queue and the checks are our own; the PDU codec is pymodbus', hidden in `codec`.
"""

from __future__ import annotations

from twin.profiles import wire_points
from twin.wires.modbus.pdu import Application
from twin.wires.modbus.server import ModbusServer

__all__ = ["Application", "ModbusServer", "wire_points"]
