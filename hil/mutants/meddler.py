"""A server that lets every byte pass through hands that may change it: for framing mutants.

The good server listens on a port of its own; clients come to a relay in front of it. So a mutant
of the framing needs to know nothing of the server's inside.
"""

from __future__ import annotations

import asyncio
from typing import cast

from twin.wires.modbus import ModbusServer


class Meddler(ModbusServer):
    """Relays segments; subclasses change what comes in or goes out."""

    _relay: asyncio.Server | None = None

    def incoming(self, data: bytes) -> bytes:
        """What the server gets of a segment of the client."""
        return data

    def outgoing(self, data: bytes) -> bytes:
        """What the client gets of a segment of the server."""
        return data

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen behind and in front; returns the port in front."""
        behind = await super().start(host, 0)
        self._relay = await self.loop.create_server(lambda: _Front(self, host, behind), host, port)
        return int(self._relay.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close both."""
        if self._relay is not None:
            self._relay.close()
        await super().stop()


class _Front(asyncio.Protocol):
    """The client's side of one connection."""

    def __init__(self, owner: Meddler, host: str, port: int) -> None:
        self._owner, self._host, self._port = owner, host, port
        self._waiting: list[bytes] = []
        self._ended = False
        self.transport: asyncio.Transport
        self.back: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport, not its type.
        self.transport = cast("asyncio.Transport", transport)
        self._task = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_connection(
                lambda: _Back(self, self._owner), self._host, self._port
            )
        except OSError:
            self.transport.abort()
            return
        self.back = transport
        for data in self._waiting:
            transport.write(data)
        self._waiting.clear()
        if self._ended:
            transport.close()

    def data_received(self, data: bytes) -> None:
        changed = self._owner.incoming(data)
        if not changed:
            return
        if self.back is None:
            self._waiting.append(changed)
        else:
            self.back.write(changed)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        if self.back is not None:
            self.back.abort() if exc else self.back.close()


class _Back(asyncio.Protocol):
    """The server's side of one connection."""

    def __init__(self, front: _Front, owner: Meddler) -> None:
        self._front, self._owner = front, owner

    def data_received(self, data: bytes) -> None:
        self._front.transport.write(self._owner.outgoing(data))

    def connection_lost(self, exc: Exception | None) -> None:
        self._front.transport.abort() if exc else self._front.transport.close()
