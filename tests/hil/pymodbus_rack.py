"""A rack behind a Modbus server that we did not write: pymodbus' own, in place of the twin's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pymodbus.constants import ExcCodes
from pymodbus.datastore import ModbusServerContext
from pymodbus.exceptions import NoSuchIdException
from pymodbus.server import ModbusTcpServer

from hil.kits.reefer.emulation import EmulatedReefer, ReeferVariant
from twin.clock import Clock
from twin.devices.base import Device
from twin.profiles import Profile, Row
from twin.trace import Trace

_TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input", 5: "coil", 6: "holding",
           15: "coil", 16: "holding"}  # fmt: skip


class Registers(ModbusServerContext):
    """The rack's points by its profile, read and written by our own few lines."""

    def __init__(self, device: Device, profile: Profile) -> None:
        self.old_simulator, self.simdevices = True, []
        self._device, self._units = device, profile.unit_ids
        self._rows: dict[tuple[str, int], Row] = {(r.table, r.address): r for r in profile.rows}

    def device_ids(self) -> list[int]:
        return list(self._units)

    def _found(self, device_id: int, code: int, address: int, count: int) -> list[Row]:
        if device_id not in self._units:
            raise NoSuchIdException(f"no unit {device_id}")
        table = _TABLES.get(code, "")
        rows = [self._rows.get((table, at)) for at in range(address, address + count)]
        return [] if None in rows else cast("list[Row]", rows)

    async def async_getValues(
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> Any:
        rows = self._found(device_id, func_code, address, count)
        return [self._value(row) for row in rows] if rows else ExcCodes.ILLEGAL_ADDRESS

    def _value(self, row: Row) -> int | bool:
        value = self._device.points[row.point].read()
        if row.is_bit_table:
            return bool(value)
        return max(-32_768, min(32_767, round(float(value) / row.scale))) & 0xFFFF

    async def async_setValues(
        self, device_id: int, func_code: int, address: int, values: Sequence[Any]
    ) -> ExcCodes | None:
        rows = self._found(device_id, func_code, address, len(values))
        if not rows or any("w" not in row.access for row in rows):
            return ExcCodes.ILLEGAL_ADDRESS
        orders = []
        for row, raw in zip(rows, values, strict=True):
            write = self._device.points[row.point].write
            assert write is not None
            signed = raw - 0x10000 if row.encoding == "s16" and raw > 0x7FFF else raw
            value = bool(raw) if row.is_bit_table else signed * row.scale
            if row.lowest is not None and not row.lowest <= value <= (row.highest or 1e9):
                return ExcCodes.ILLEGAL_VALUE
            orders.append((write, value))
        for write, value in orders:
            write(value)
        return None


class PymodbusServer:
    """What an emulated bench needs of a server; at most as many clients as pymodbus lets in."""

    def __init__(self, device: Device, profile: Profile, *, clock: Clock, trace: Trace) -> None:
        del clock, trace
        self._context = Registers(device, profile)
        self._place = ("127.0.0.1", 0)
        self._server: ModbusTcpServer | None = None
        self._work: list[Any] = []

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        self._server = ModbusTcpServer(self._context, address=(host, port))
        await self._server.serve_forever(background=True)
        sockets = cast("Any", self._server.transport).sockets
        self._place = (host, sockets[0].getsockname()[1])
        return self._place[1]

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.shutdown()
            self._server = None


class PymodbusRack(EmulatedReefer):
    """The bench of the kit with that server, under the twin's rack."""

    def __init__(self, clock: Clock, trace: Trace) -> None:
        super().__init__(clock, ReeferVariant(), trace)
        self.server = cast("Any", PymodbusServer(self.rack, self.profile, clock=clock, trace=trace))
