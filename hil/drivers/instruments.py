"""Instruments with a Modbus face: a remote I/O module whose relay plays the mains, registers.

Each is read with pymodbus on a connection of its own.
"""

from __future__ import annotations

from typing import Any

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from hil.errors import BenchError

from .raw import GONE

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
