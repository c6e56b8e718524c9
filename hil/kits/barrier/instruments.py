"""A barrier's instruments with a Modbus face, and its own feedback as a last resort.

A remote I/O module with relays plays the inputs; an inclinometer with a register plays the true
angle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hil.drivers.instruments import ModbusInstrument

from .roles import Input
from .wire import BarrierWire


class RelayStimulus:
    """Inputs by relays of an I/O module; what no relay can do is left to `hands`."""

    def __init__(
        self, instrument: ModbusInstrument, coils: Mapping[Input, int], hands: Any
    ) -> None:
        self._instrument, self._coils, self._hands = instrument, coils, hands

    async def set_input(self, name: Input, active: bool) -> None:
        """See `Stimulus`."""
        if name in self._coils:
            await self._instrument.write_coil(self._coils[name], active)
        else:
            await self._hands.set_input(name, active)

    async def place_obstacle(self, angle_deg: float) -> None:
        """See `Stimulus`."""
        await self._hands.place_obstacle(angle_deg)

    async def remove_obstacle(self) -> None:
        """See `Stimulus`."""
        await self._hands.remove_obstacle()

    async def block_drive(self, blocked: bool) -> None:
        """See `Stimulus`."""
        await self._hands.block_drive(blocked)


class RegisterInclinometer:
    """An inclinometer whose register holds the angle: degrees = register × scale + offset."""

    independent = True
    continuous = True

    def __init__(
        self,
        instrument: ModbusInstrument,
        *,
        table: str,
        address: int,
        scale: float,
        offset_deg: float,
        uncertainty_deg: float,
    ) -> None:
        self._instrument, self._table, self._address = instrument, table, address
        self._scale, self._offset_deg = scale, offset_deg
        self.uncertainty_deg = uncertainty_deg

    async def angle_deg(self) -> float | None:
        """See `Inclinometer`."""
        word = await self._instrument.read_register(self._table, self._address)
        return word * self._scale + self._offset_deg


class FeedbackAngle:
    """The device's own position as its angle: motion can be judged, honesty cannot."""

    independent = False
    continuous = True

    def __init__(self, wire: BarrierWire, uncertainty_deg: float = 3.0) -> None:
        self._wire, self.uncertainty_deg = wire, uncertainty_deg

    async def angle_deg(self) -> float | None:
        """See `Inclinometer`: None while the wire is dead or the position is unknown."""
        shown = self._wire.last_state.get("position_percent") if self._wire.connected else None
        return 0.9 * float(shown) if isinstance(shown, int | float) else None
