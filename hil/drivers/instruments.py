"""Instruments with a Modbus face, and the device's own feedback as a last resort.

A remote I/O module with relays plays power and inputs; an inclinometer with a register plays the
true angle. Both are read with pymodbus on a connection of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from hil.errors import BenchError

from .base import Input
from .modbus import GONE, BarrierWire

LIMIT_S = 1.0


class ModbusInstrument:
    """One connection to a Modbus instrument; every call is bounded and named in its error."""

    def __init__(self, name: str, host: str, port: int, unit: int) -> None:
        self._name, self._host, self._port, self._unit = name, host, port, unit
        self._client: AsyncModbusTcpClient | None = None

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _open(self) -> AsyncModbusTcpClient:
        if self._client is None or not self._client.connected:
            client = AsyncModbusTcpClient(
                self._host, port=self._port, timeout=LIMIT_S, retries=1, reconnect_delay=0
            )
            if not await client.connect():
                raise BenchError(f"{self._name}: no connection to {self._host}:{self._port}")
            self._client = client
        return self._client

    async def write_coil(self, address: int, on: bool) -> None:
        """Write one coil."""
        await self._checked("write_coil", address, on)

    async def read_register(self, table: str, address: int) -> int:
        """Read one register as a signed number."""
        verb = "read_input_registers" if table == "input" else "read_holding_registers"
        answer = await self._checked(verb, address)
        word = int(answer.registers[0])
        return word - 0x10000 if word & 0x8000 else word

    async def _checked(self, verb: str, *arguments: Any) -> Any:
        client = await self._open()
        try:
            answer = await getattr(client, verb)(*arguments, device_id=self._unit)
        except (ModbusException, *GONE) as error:
            await self.close()
            raise BenchError(f"{self._name}: {verb} {arguments}: {error}") from error
        if answer.isError():
            raise BenchError(f"{self._name}: {verb} {arguments} is answered with {answer}")
        return answer


class RelayPower:
    """The mains by a relay of an I/O module."""

    def __init__(self, instrument: ModbusInstrument, coil: int, *, on_closed: bool) -> None:
        self._instrument, self._coil, self._on_closed = instrument, coil, on_closed

    async def switch(self, on: bool) -> None:
        """See `Power`."""
        await self._instrument.write_coil(self._coil, on == self._on_closed)


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
