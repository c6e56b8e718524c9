"""The device's own wire: reading and commanding over Modbus TCP, and raw bytes for wrong frames.

`ModbusWire` uses pymodbus as an independent client, by the profile's map. `RawLink` is a bare
TCP stream, because no client library sends the frames that a negative test needs. Both write
every byte to the trace: kinds `wire.tx`, `wire.rx`, `raw.tx`, `raw.rx`.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from hil.errors import BenchError, Unreachable
from hil.mbap import build, split
from twin.clock import Clock
from twin.profiles import Profile, Row
from twin.trace import Trace

from .raw import GONE, Endpoint, RawLink

# pymodbus complains on standard error about what this bench provokes on purpose.
logging.getLogger("pymodbus.logging").addHandler(logging.NullHandler())

_RELEASE_S = 0.02
_READ = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}


@dataclass(frozen=True, slots=True)
class _Block:
    table: str
    address: int
    count: int
    rows: tuple[Row, ...]


class ModbusWire:
    """A device as its Modbus client sees it; the only way to the device under test.

    `device` is its name in messages, `points` are those that make up its state, where its
    profile has them.
    """

    device = "device"
    points: tuple[str, ...] = ()
    before_command: tuple[str, ...] = ("",)
    """What profiles may put before the name of a command."""

    def __init__(
        self, endpoint: Endpoint, profile: Profile, clock: Clock, trace: Trace, *, limit_s: float
    ) -> None:
        self.endpoint = endpoint
        self.profile = profile
        self._clock, self._trace, self._limit_s = clock, trace, limit_s
        self._client: AsyncModbusTcpClient | None = None
        self._links = 0
        self.last_state: dict[str, Any] = {}
        self._blocks = _blocks([row for row in profile.rows if row.key in self.points])

    @property
    def connected(self) -> bool:
        """Whether the client believes in its connection."""
        return self._client is not None and bool(self._client.connected)

    async def connect(self, limit_s: float | None = None) -> None:
        """Connect within `limit_s` (the default: the driver's), or raise `Unreachable`."""
        self.close()
        limit = limit_s or self._limit_s
        client = AsyncModbusTcpClient(
            self.endpoint.host,
            port=self.endpoint.port,
            timeout=limit,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._packet,
        )
        _guard(client, self._trace)
        try:
            good = await client.connect()
        except (ModbusException, *GONE):
            good = False
        if not good:
            client.close()
            raise Unreachable(
                f"{self.device} wire: no connection to {self.endpoint.host}:{self.endpoint.port} "
                f"within {limit:g} s; check power, cable and the address in bench.toml"
            )
        self._client = client

    def close(self) -> None:
        """Close the connection; a closed wire connects again by `connect`."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def abort(self) -> None:
        """Drop the connection as a cut cable does: reset, without a good-bye."""
        transport = self._client.ctx.transport if self._client is not None else None
        if transport is not None:
            # uvloop's transports have the methods of asyncio.Transport, not its type.
            cast("asyncio.Transport", transport).abort()
        self.close()

    def _packet(self, sending: bool, data: bytes) -> bytes:
        if data:
            self._trace("wire", "wire.tx" if sending else "wire.rx", frame=bytes(data))
        return data

    async def read_state(self) -> dict[str, Any]:
        """Read all state points and record them as one `state`; raises `Unreachable`."""
        values: dict[str, Any] = {}
        for block in self._blocks:
            words = await self._read(block)
            for row in block.rows:
                values[row.key] = _decode(row, words[row.address - block.address :])
        values = self.shown(values)
        self.last_state = values
        self._trace("wire", "state", **values)
        return values

    def shown(self, values: dict[str, Any]) -> dict[str, Any]:
        """What the values of the rows amount to; a kit may put several into one."""
        return values

    async def command(self, name: str) -> bool:
        """Give the order `name`; True if it is acknowledged."""
        good = await self.write_row(*self.command_row(name))
        self._trace("wire", "command", point=name, acknowledged=good)
        return good

    def can(self, name: str) -> bool:
        """Whether the profile has this command."""
        try:
            self.command_row(name)
        except BenchError:
            return False
        return True

    def command_row(self, name: str) -> tuple[Row, int]:
        """The row of a command and the value to write; `BenchError` if the profile has none."""
        spellings = [before + name for before in self.before_command]
        for row in self.profile.rows:
            if "w" in row.access and row.key in spellings:
                return row, 1
            for spelling in spellings:
                if spelling in row.commands:
                    return row, row.commands[spelling]
        raise BenchError(f"profile {self.profile.name!r} has no command {name!r}")

    async def read_row(self, row: Row) -> Any:
        """The value of one row of the profile."""
        words = await self._read(_Block(row.table, row.address, row.words, (row,)))
        return _decode(row, words)

    async def _read(self, block: _Block) -> list[int]:
        answer = await self._call(_READ[block.table], block.address, block.count)
        if answer.isError():
            raise BenchError(
                f"{self.device} wire: reading {block.count} {block.table} from {block.address} "
                f"gives {answer}; does profile {self.profile.name!r} fit this device?"
            )
        words = answer.bits if block.table in ("coil", "discrete") else answer.registers
        return [int(word) for word in words[: block.count]]

    async def write_row(self, row: Row, value: int) -> bool:
        """Write one coil or register of the profile; True if it is acknowledged."""
        bit = row.table == "coil"
        answer = await self._call(5 if bit else 6, row.address, bool(value) if bit else value)
        return not answer.isError()

    async def _call(self, function: int, address: int, argument: Any) -> Any:
        if self._client is None:
            await self.connect()
        client, unit = self._client, self.endpoint.unit
        assert client is not None
        try:
            match function:
                case 1:
                    call = client.read_coils(address, count=argument, device_id=unit)
                case 2:
                    call = client.read_discrete_inputs(address, count=argument, device_id=unit)
                case 3:
                    call = client.read_holding_registers(address, count=argument, device_id=unit)
                case 4:
                    call = client.read_input_registers(address, count=argument, device_id=unit)
                case 5:
                    call = client.write_coil(address, argument, device_id=unit)
                case _:
                    call = client.write_register(address, argument, device_id=unit)
            return await call
        except (ModbusException, *GONE) as error:
            self.close()
            raise Unreachable(
                f"{self.device} wire: no answer to function {function} at {address} within "
                f"{self._limit_s:g} s: {error}"
            ) from error

    async def link(self, label: str) -> RawLink:
        """A fresh raw connection; a refused one is recorded and comes back closed."""
        number, self._links = self._links, self._links + 1
        return await RawLink.open(
            self.endpoint, number, label, self._clock, self._trace, count=_frames
        )

    async def exchange(
        self, label: str, data: bytes | Iterable[bytes], *, answers: int = 1, limit_s: float = 1.0
    ) -> bytes:
        """Send bytes on a fresh connection, collect up to `answers` frames, close."""
        link = await self.link(label)
        try:
            for chunk in [data] if isinstance(data, bytes) else data:
                await link.send(chunk)
            return await link.receive(answers, limit_s)
        finally:
            link.close()
            # The device must see this connection end before the next one asks for its place.
            await self._clock.sleep(_RELEASE_S)

    def frame(self, transaction: int, pdu: bytes, **wrong: int) -> bytes:
        """A frame to this unit; `protocol`, `length` and `unit` may be wrong on purpose."""
        return build(transaction, wrong.pop("unit", self.endpoint.unit), pdu, **wrong)


def _frames(stream: bytes) -> int:
    """How many whole frames `stream` begins with."""
    return len(split(stream)[0])


def _guard(client: AsyncModbusTcpClient, trace: Trace) -> None:
    """Let an answer that pymodbus cannot decode time out instead of breaking the event loop."""
    decode = client.ctx.callback_data

    def guarded(data: bytes, addr: Any = None) -> int:
        try:
            return int(decode(data, addr))
        except (ModbusException, IndexError, struct.error) as error:
            trace("wire", "wire.undecodable", detail=str(error))
            return len(data)

    client.ctx.callback_data = guarded  # type: ignore[method-assign]


def _blocks(rows: list[Row]) -> list[_Block]:
    blocks: list[_Block] = []
    for row in sorted(rows, key=lambda row: (row.table, row.address)):
        last = blocks[-1] if blocks else None
        if last and last.table == row.table and row.address - last.address - last.count <= 0:
            count = max(last.count, row.address + row.words - last.address)
            blocks[-1] = _Block(last.table, last.address, count, (*last.rows, row))
        else:
            blocks.append(_Block(row.table, row.address, row.words, (row,)))
    return blocks


def _decode(row: Row, words: list[int]) -> Any:
    """The value of `row` from the words at its address; texts for enumerated values."""
    if row.is_bit_table:
        return bool(words[0]) != row.invert
    if row.encoding == "bit":
        return bool(words[0] >> (row.bit or 0) & 1) != row.invert
    if row.encoding == "ascii":
        raw = b"".join(struct.pack(">H", word) for word in words[: row.length])
        return raw.decode("ascii", "replace").rstrip("\0 ")
    taken = words[: row.words] if row.word_order == "msw" else words[: row.words][::-1]
    raw = b"".join(struct.pack(">H", word) for word in taken)
    form = {"u16": ">H", "s16": ">h", "u32": ">I", "s32": ">i", "f32": ">f"}[row.encoding]
    number = struct.unpack(form, raw)[0]
    for text, value in row.values.items():
        if value == number:
            return text
    return number * row.scale if row.scale != 1.0 else number
