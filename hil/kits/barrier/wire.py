"""A barrier's own wire: its state and its orders over Modbus TCP, by the profile's map."""

from __future__ import annotations

from hil.drivers.modbus import ModbusWire


class BarrierWire(ModbusWire):
    """The barrier as its client sees it; the only way to the device under test."""

    device = "barrier"
    points = (
        "gate_status",
        "position_percent",
        "needs_calibration",
        "limit_open",
        "limit_closed",
        "last_error",
        "operations",
    )
    before_command = ("", "barrier_")
