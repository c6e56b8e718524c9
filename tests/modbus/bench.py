"""A memory device with every kind of row, its profile, its model, and raw TCP clients."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import msgspec

from tests.modbus.model import Model
from twin.clock import Clock, run_real, run_virtual
from twin.devices.base import Device
from twin.profiles import Profile, loads
from twin.trace import Trace
from twin.wires.modbus import ModbusServer

COILS, DISCRETES, HOLDINGS, INPUTS = 24, 40, 32, 20
READ_ONLY_COILS = range(20, 24)
READ_ONLY_HOLDINGS = range(28, 32)
WIDE = 40
"""Address of a 32-bit holding value, after a gap."""
READ = bytes([3, 0, 0, 0, 2])
"""A lawful request: two holding registers from 0."""
OBJECTS = {0: b"gatetwin", 1: b"BENCH", 2: b"1.0", 4: b"Bench device"}

_HEAD = """
device = "bench"
name = "bench"
title = "A device of plain memory"
protocol = "modbus-tcp"
source = "made for tests"
public_table = false
function_codes = [1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43]
mei_types = [14]
unit_ids = [1]
max_connections = 20
idle_timeout_s = 30.0
frame_timeout_s = 2.0
[identification]
vendor_name = "gatetwin"
product_code = "BENCH"
revision = "1.0"
product_name = "Bench device"
[[blocks]]
table = "holding"
address = 60
count = 4
"""


def _row(table: str, address: int, encoding: str, point: str, access: str) -> str:
    return (
        f'[[rows]]\ntable = "{table}"\naddress = {address}\nencoding = "{encoding}"\n'
        f'point = "{point}"\naccess = "{access}"\ndoc = "{point}"\n'
    )


@cache
def profile_text() -> str:
    """The profile of the bench device as a person would write it."""
    rows = [_HEAD]
    for a in range(COILS):
        rows.append(_row("coil", a, "bit", f"c{a}", "r" if a in READ_ONLY_COILS else "rw"))
    rows += [_row("discrete", a, "bit", f"d{a}", "r") for a in range(DISCRETES)]
    for a in range(HOLDINGS):
        rows.append(_row("holding", a, "u16", f"h{a}", "r" if a in READ_ONLY_HOLDINGS else "rw"))
    rows.append(_row("holding", WIDE, "u32", "wide", "rw"))
    rows += [_row("input", a, "u16", f"i{a}", "r") for a in range(INPUTS)]
    return "".join(rows)


@cache
def profile() -> Profile:
    return loads(profile_text())


class MemoryDevice(Device):
    """Points over a dict; remembers each write with its cause."""

    def __init__(self, clock: Clock, trace: Trace, seed: int = 7) -> None:
        super().__init__("bench", clock, trace, random.Random(seed))
        self.memory: dict[str, Any] = {}
        self.writes: list[tuple[str, float, int]] = []
        draw = random.Random(seed)
        for kind, count, top in (
            ("c", COILS, 1),
            ("d", DISCRETES, 1),
            ("h", HOLDINGS, 65535),
            ("i", INPUTS, 65535),
        ):
            for a in range(count):
                self._offer(f"{kind}{a}", draw.randint(0, top))
        self._offer("wide", 0x12345678)
        for name in ("p5", "p6"):
            self._offer(name, 0)

    def _offer(self, name: str, value: int) -> None:
        self.memory[name] = value

        def write(new: bool | float, cause: int = -1, /) -> None:
            self.memory[name] = int(new)
            self.writes.append((name, new, cause))

        self.add_point(name, lambda: self.memory[name], write)


def model_of(device: MemoryDevice) -> Model:
    """The spec model with the memory that the device has now."""
    m = device.memory
    model = Model(
        coils={a: m[f"c{a}"] for a in range(COILS)},
        discrete={a: m[f"d{a}"] for a in range(DISCRETES)},
        holding={a: m[f"h{a}"] for a in range(HOLDINGS)},
        input={a: m[f"i{a}"] for a in range(INPUTS)},
        whole=[(WIDE, 2)],
        objects=OBJECTS,
    )
    model.holding |= {WIDE: m["wide"] >> 16, WIDE + 1: m["wide"] & 0xFFFF}
    model.holding |= dict.fromkeys(range(60, 64), 0)
    model.read_only |= {("coil", a) for a in READ_ONLY_COILS}
    model.read_only |= {("holding", a) for a in (*READ_ONLY_HOLDINGS, *range(60, 64))}
    return model


@dataclass
class Rig:
    """A running bench: what a test needs at hand."""

    clock: Clock
    trace: Trace
    device: MemoryDevice
    server: ModbusServer
    port: int
    clients: list[Raw] = field(default_factory=list)

    async def connect(self, receive_bytes: int = 0) -> Raw:
        """A client; `receive_bytes` makes its receive buffer small."""
        # With protocol 0, asyncio would not know it for TCP and leave Nagle on.
        sock = socket.socket(proto=socket.IPPROTO_TCP)
        if receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.setblocking(False)
        await self.clock.loop.sock_connect(sock, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=sock)
        client = Raw(reader, writer)
        self.clients.append(client)
        return client

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        return [r.payload for r in self.trace.records() if r.kind == kind]


class Raw:
    """A client that sends bytes and reads bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self, timeout_s: float = 1.0) -> bytes:
        """One whole response frame; b"" when the server has closed."""
        async with asyncio.timeout(timeout_s):
            try:
                head = await self.reader.readexactly(6)
                return head + await self.reader.readexactly(int.from_bytes(head[4:6]))
            except (asyncio.IncompleteReadError, ConnectionError):
                return b""

    async def ask(self, data: bytes) -> bytes:
        self.send(data)
        return await self.answer()

    async def closed(self, timeout_s: float = 1.0) -> bool:
        """Whether the server closes within the time, without another byte."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    async def silent(self, timeout_s: float = 1.0) -> bool:
        """Whether nothing comes and the connection stays."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


def adu(pdu: bytes, transaction: int = 1, unit: int = 1, protocol: int = 0) -> bytes:
    """A request frame."""
    length = (len(pdu) + 1).to_bytes(2)
    return transaction.to_bytes(2) + protocol.to_bytes(2) + length + bytes([unit]) + pdu


T = TypeVar("T")


def on_bench(
    test: Callable[[Rig], Coroutine[Any, Any, T]],
    *,
    seed: int = 1,
    changes: dict[str, Any] | None = None,
    real: bool = False,
    **options: Any,
) -> T:
    """Run `test(rig)` against a served bench device in virtual time, or on the wall clock.

    `changes` replaces fields of the profile; `options` go to the server.
    """

    async def main(clock: Clock) -> T:
        trace = Trace(clock)
        device = MemoryDevice(clock, trace)
        used = msgspec.structs.replace(profile(), **(changes or {}))
        server = ModbusServer(device, used, clock=clock, trace=trace, **options)
        port = await server.start()
        rig = Rig(clock, trace, device, server, port)
        try:
            return await test(rig)
        finally:
            await server.stop()
            for client in rig.clients:
                await client.close()

    return run_real(main) if real else run_virtual(main, seed=seed)
