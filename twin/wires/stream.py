"""TCP servers that send by themselves: one stream for each client, nothing made without clients."""

from __future__ import annotations

import asyncio
import socket
from typing import ClassVar, cast

from twin.clock import NS, Clock
from twin.devices.base import Device, Faulty
from twin.errors import CannotListen, HarnessError
from twin.trace import Trace

_STOP_TIMEOUT_S = 5.0


class StreamServer(Faulty):
    """Connections, limits and the grid of instants; what is sent is a subclass's business.

    Connections are traced as `<word>.conn` by ordinal, never by port, so that one seed gives one
    trace. The faults `link_down` and `silent` and the device's `offline` are known here.
    """

    WORD: ClassVar[str]
    UNSENT_MAX: ClassVar[int]
    """Bytes that a client may leave unread before it is dropped."""

    def __init__(
        self, device: Device, *, clock: Clock, trace: Trace, rate_hz: float, max_connections: int
    ) -> None:
        super().__init__(f"{device.id}.{self.WORD}", trace)
        self.clock = clock
        self._device, self._rate_hz, self._limit = device, rate_hz, max_connections
        self._connections: dict[int, Connection] = {}
        self._accepted = 0
        self._timer: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None
        device.on_change(self._device_changed)

    @property
    def _online(self) -> bool:
        return bool(getattr(self._device, "online", True))

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, and return the port; port 0 takes a free one."""
        if self._server is not None:
            raise HarnessError(f"{self.id} is already started; stop it first")
        try:
            self._server = await self.clock.loop.create_server(lambda: Connection(self), host, port)
        except OSError as error:
            raise CannotListen(self.id, host, port, error) from error
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is None:
            return
        self._server.close()
        self._drop_all("server stopped")
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await self._server.wait_closed()
        self._server = None

    # --- connections ------------------------------------------------------------------------

    def admit(self, connection: Connection) -> tuple[int, str]:
        """Ordinal of a new connection, and why it is refused (empty: it is not)."""
        number = self._accepted
        self._accepted += 1
        reason = ""
        if "link_down" in self.faults or not self._online:
            reason = "link down"
        elif len(self._connections) >= self._limit:
            reason = f"all {self._limit} connections are taken"
        event = "refused" if reason else "open"
        self.trace(self._device.id, f"{self.WORD}.conn", conn=number, event=event, reason=reason)
        if not reason:
            self._connections[number] = connection
            if self._streams() and self._timer is None:
                self._arm(0)
        return number, reason

    def released(self, number: int, reason: str) -> None:
        """A connection is gone; without clients nothing is made."""
        if self._connections.pop(number, None) is None:
            return
        self.trace(self._device.id, f"{self.WORD}.conn", conn=number, event="close", reason=reason)
        if not self._connections and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def received(self, number: int, data: bytes) -> None:
        """A client has sent something; it is passed over unless a subclass listens."""

    def _drop_all(self, reason: str) -> None:
        for connection in list(self._connections.values()):
            connection.end(reason)

    def _device_changed(self, what: str) -> None:
        if what == "offline" and not self._online:
            self._drop_all("no power")

    def _fault_changed(self, kind: str, cause: int) -> None:  # noqa: ARG002 - a hook
        if kind == "link_down" and kind in self.faults:
            self._drop_all("link down")

    # --- the grid ---------------------------------------------------------------------------

    def _streams(self) -> bool:
        """Whether clients get something without asking."""
        return True

    def _arm(self, earliest: int) -> None:
        """Wait for the next instant of the grid, number `earliest` or later."""
        number = max(earliest, int(self.clock.now_ns() * self._rate_hz / NS) + 1)
        at_s = self.clock.loop_time_of(round(number * NS / self._rate_hz))
        self._timer = self.clock.loop.call_at(at_s, self._tick, number)

    def _tick(self, number: int) -> None:
        self._instant(number)
        self._timer = None
        if self._connections:  # a client that did not read may just have been dropped
            self._arm(number + 1)

    def _instant(self, number: int) -> None:
        """Make what is due at instant `number` of the grid."""
        raise NotImplementedError

    def _broadcast(self, data: bytes) -> None:
        for connection in list(self._connections.values()):
            self.trace.record(
                self._device.id, f"{self.WORD}.tx", conn=connection.number, frame=data
            )
            connection.send(data)


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, server: StreamServer) -> None:
        self._server = server
        self._reason = "closed by the client"
        self._transport: asyncio.Transport
        self.number = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask the server whether there is room."""
        # A cast, not a check: uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)
        self.number, refused = self._server.admit(self)
        if refused:
            self._transport.abort()
            return
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Hand on what the client sends."""
        self._server.received(self.number, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's form
        """Tell the server."""
        self._server.released(self.number, self._reason)

    def send(self, data: bytes) -> None:
        """Send, or drop a client that has not read for long."""
        if self._transport.get_write_buffer_size() > self._server.UNSENT_MAX:
            self.end("does not read")
        else:
            self._transport.write(data)

    def end(self, reason: str) -> None:
        """Cut the connection."""
        self._reason = reason
        self._transport.abort()
        self._server.released(self.number, reason)
