"""A barrier's own wire: its state and its orders over Modbus TCP, by the profile's map."""

from __future__ import annotations

from hil.drivers.modbus import ModbusWire
from hil.errors import BenchError
from twin.profiles import Row


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

    async def command(self, name: str) -> bool:
        """Give an order (`open`, `close`, `stop`, `partial_open`); True if it is acknowledged."""
        good = await self.write_row(*self._command_row(name))
        self._trace("wire", "command", point=name, acknowledged=good)
        return good

    def can(self, name: str) -> bool:
        """Whether the profile has this command."""
        try:
            self._command_row(name)
        except BenchError:
            return False
        return True

    def _command_row(self, name: str) -> tuple[Row, int]:
        for row in self.profile.rows:
            if "w" in row.access and row.key in (name, f"barrier_{name}"):
                return row, 1
            if name in row.commands:
                return row, row.commands[name]
        raise BenchError(f"profile {self.profile.name!r} has no command {name!r}")
