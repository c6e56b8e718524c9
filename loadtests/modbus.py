"""Modbus TCP polling: what a gate's stack does to every device, all day.

The frames are written and read here rather than by a client library: a load generator has to be
several times cheaper than what it loads, and a library's retries and reconnects would hide the
failures that are to be counted. Modbus Application Protocol V1.1b3, Modbus Messaging on TCP/IP
V1.0b.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from loadtests.driver import Session, Steps
from loadtests.errors import CallFailed, LoadError, SessionBroken

READS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"coil": (1, 2000), "discrete": (2, 2000), "holding": (3, 125), "input": (4, 125)}
)
"""Function code and largest quantity by table."""

_HEADER = struct.Struct(">HHHB")
_REQUEST = struct.Struct(">HHHBBHH")


@dataclass(frozen=True, slots=True)
class ReadBlock:
    """A block that a poll reads: table, first address on the wire (from 0) and quantity."""

    table: str
    address: int
    count: int
    label: str = ""

    @property
    def name(self) -> str:
        """The request name it is counted under: its label, or e.g. `modbus holding 100+2`."""
        return self.label or f"modbus {self.table} {self.address}+{self.count}"

    @property
    def reply_bytes(self) -> int:
        """Data bytes in a correct reply."""
        return (self.count + 7) // 8 if self.table in {"coil", "discrete"} else 2 * self.count

    def request(self, transaction: int, unit: int) -> bytes:
        """The frame that asks for it."""
        code = READS[self.table][0]
        return _REQUEST.pack(transaction, 0, 6, unit, code, self.address, self.count)

    def check(self, transaction: int, unit: int, header: bytes, pdu: bytes) -> None:
        """Raise unless the reply is the right one; a foreign reply breaks the session."""
        got, protocol, _, got_unit = _HEADER.unpack(header)
        if (got, protocol, got_unit) != (transaction, 0, unit):
            raise SessionBroken(
                "foreign reply",
                f"asked transaction {transaction} unit {unit}, got {got} unit {got_unit}",
            )
        code = READS[self.table][0]
        if len(pdu) == 2 and pdu[0] == code | 0x80:
            raise CallFailed(f"modbus exception {pdu[1]}", self.name)
        if pdu[:2] != bytes((code, self.reply_bytes)) or len(pdu) != 2 + self.reply_bytes:
            raise SessionBroken("malformed reply", f"{self.name}: {pdu[:16].hex()}")


def parse_block(text: str) -> ReadBlock:
    """Read `TABLE:ADDRESS[:COUNT]`, e.g. `holding:100:2`; raises `LoadError`."""
    table, _, rest = text.partition(":")
    address, _, count = rest.partition(":")
    if table not in READS:
        raise LoadError(f"read {text!r}: unknown table {table!r}; known: {', '.join(READS)}")
    try:
        block = ReadBlock(table, int(address), int(count or "1"))
    except ValueError:
        raise LoadError(
            f"read {text!r}: expected TABLE:ADDRESS[:COUNT], e.g. holding:100:2"
        ) from None
    most = READS[table][1]
    if not (0 <= block.address <= 0xFFFF and 1 <= block.count <= most):
        raise LoadError(
            f"read {text!r}: address must be 0 to 65535 and count 1 to {most} for {table}"
        )
    return block


def parse_target(text: str, default_port: int = 502) -> tuple[str, int]:
    """Read `HOST[:PORT]` or `[IPv6]:PORT`; raises `LoadError`."""
    text = text.removeprefix("modbus://").removeprefix("tcp://")
    host, separator, port = text.rpartition(":")
    if not separator or text.endswith("]"):
        host, port = text, str(default_port)
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise LoadError(f"target {text!r}: expected HOST:PORT, e.g. 127.0.0.1:502")
    return host.strip("[]"), int(port)


class ModbusSession:
    """One connection of the open driver."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        workload: ModbusWorkload,
    ) -> None:
        self._reader, self._writer, self._workload = reader, writer, workload
        self._transaction = 0

    async def call(self, number: int, steps: Steps) -> None:  # noqa: ARG002 - one call, no steps
        """Poll the block whose turn it is."""
        block, unit = self._workload.block(number), self._workload.unit
        self._transaction = (self._transaction + 1) & 0xFFFF
        self._writer.write(block.request(self._transaction, unit))
        try:
            header = await self._reader.readexactly(7)
            length = int.from_bytes(header[4:6], "big")
            if not 2 <= length <= 254:
                raise SessionBroken("malformed reply", f"length field {length}")
            pdu = await self._reader.readexactly(length - 1)
        except asyncio.IncompleteReadError as error:
            raise SessionBroken("closed by peer") from error
        block.check(self._transaction, unit, header, pdu)

    async def close(self) -> None:
        """Drop the connection at once: a broken peer must not hold the generator up."""
        self._writer.transport.abort()
        # Let the transport close its socket before anyone asks whether it did.
        await asyncio.sleep(0)


class ModbusWorkload:
    """Polls blocks of one unit in turn."""

    def __init__(self, target: str, blocks: Sequence[ReadBlock], unit: int = 1) -> None:
        self._host, self._port = parse_target(target)
        if not blocks:
            raise LoadError("no block to read; next: give --read TABLE:ADDRESS:COUNT")
        self._blocks = tuple(blocks)
        self.unit = unit

    def block(self, number: int) -> ReadBlock:
        """The block that poll `number` reads."""
        return self._blocks[number % len(self._blocks)]

    def name(self, number: int) -> str:
        """The request name of poll `number`."""
        return self.block(number).name

    async def connect(self) -> Session:
        """Open one connection; asyncio sets TCP_NODELAY on it."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        return ModbusSession(reader, writer, self)


class BlockingModbus:
    """The same poll over a blocking socket, for Locust: gevent makes it cooperative."""

    def __init__(self, target: str, unit: int = 1, timeout_s: float = 3.0) -> None:
        self._address = parse_target(target)
        self._unit, self._timeout_s = unit, timeout_s
        self._transaction = 0
        self._socket: socket.socket | None = None

    def poll(self, block: ReadBlock) -> None:
        """Read one block; raises `CallFailed`, `OSError` or `TimeoutError`."""
        try:
            link = self._socket or self._connect()
            self._transaction = (self._transaction + 1) & 0xFFFF
            link.sendall(block.request(self._transaction, self._unit))
            header = self._read(link, 7)
            length = int.from_bytes(header[4:6], "big")
            if not 2 <= length <= 254:
                raise SessionBroken("malformed reply", f"length field {length}")
            pdu = self._read(link, length - 1)
            block.check(self._transaction, self._unit, header, pdu)
        except (SessionBroken, OSError):
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection; the next poll opens another."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _connect(self) -> socket.socket:
        link = socket.create_connection(self._address, timeout=self._timeout_s)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = link
        return link

    @staticmethod
    def _read(link: socket.socket, size: int) -> bytes:
        parts = b""
        while len(parts) < size:
            part = link.recv(size - len(parts))
            if not part:
                raise SessionBroken("closed by peer")
            parts += part
        return parts
