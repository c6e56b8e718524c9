"""Sessions and connections of the server: roles, commands, tracing, and what links can suffer.

asyncua hands every service of a client to a session object; ours refuses what the user may not do,
turns writes and calls into orders to the crane, and traces both. Connections are traced by
ordinal, never by port, so that one seed gives one trace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession

from twin.wires.opcua.security import Role
from twin.wires.opcua.standard import fill_standard

MESSAGE_MAX = 1 << 20
"""Bytes of one chunk that are waited for; clients agree on 64 kB."""
PARTIAL_S = 10.0
"""How long an incomplete chunk is waited for."""
_KINDS = (b"HEL", b"OPN", b"MSG", b"CLO", b"ERR")


class Face(Protocol):
    """What sessions and connections need of the server."""

    def role(self, session: InternalSession) -> Role | None:
        """What the session's user may do."""

    def order(self, session: InternalSession, value: ua.WriteValue) -> ua.StatusCode:
        """Carry out a write."""

    def call(
        self, session: InternalSession, request: ua.CallMethodRequest
    ) -> Awaitable[ua.CallMethodResult]:
        """Carry out a call."""

    def note(self, session: InternalSession, event: str, reason: str = "") -> int:
        """Trace what became of a session."""

    async def refresh(self, nodes: Iterable[ua.NodeId]) -> None:
        """A client is about to look at these nodes."""

    def watched(self) -> None:
        """A client has begun to monitor something."""

    def admit(self, connection: Connection) -> bool:
        """A connection wants in."""

    def released(self, connection: Connection) -> None:
        """A connection is gone."""

    def delay_s(self) -> float:
        """How late requests are taken; negative: never."""


class Session(InternalSession):  # type: ignore[misc]  # asyncua is not type-checked
    """One client's session."""

    face: Face
    number: int = -1

    def activate_session(
        self, params: ua.ActivateSessionParameters, peer_certificate: bytes | None
    ) -> ua.ActivateSessionResult:
        """As asyncua's, and traced with the user's name or the reason of the refusal."""
        try:
            result = super().activate_session(params, peer_certificate)
        except (ServiceError, ua.UaStatusCodeError) as error:
            self.face.note(self, "refused", ua.StatusCode(error.code).name)
            raise
        self.face.note(self, "activated")
        return result

    async def close_session(self, delete_subs: bool = True) -> None:
        """As asyncua's, and traced."""
        active = self.is_activated()
        await super().close_session(delete_subs)
        if active and self.external:
            self.face.note(self, "closed")

    def _need_active(self) -> None:
        if self.external and not self.is_activated():
            raise ServiceError(ua.StatusCodes.BadSessionNotActivated)

    async def read(self, params: ua.ReadParameters) -> Any:
        """Read, once the session is activated."""
        self._need_active()
        if self.external:
            await self.face.refresh(one.NodeId for one in params.NodesToRead)
        return await super().read(params)

    async def browse(self, params: ua.BrowseParameters) -> Any:
        """Browse, once the session is activated."""
        self._need_active()
        return await super().browse(params)

    async def create_subscription(
        self, params: ua.CreateSubscriptionParameters, callback: Callable[..., Any],
        request_callback: Callable[..., Any] | None = None,
    ) -> Any:  # fmt: skip
        """Subscribe, once the session is activated."""
        self._need_active()
        return await super().create_subscription(params, callback, request_callback)

    async def create_monitored_items(self, params: ua.CreateMonitoredItemsParameters) -> Any:
        """Monitor; the first notification has what is so now."""
        if self.external:
            await self.face.refresh(one.ItemToMonitor.NodeId for one in params.ItemsToCreate)
        result = await super().create_monitored_items(params)
        self.face.watched()
        return result

    async def write(self, params: ua.WriteParameters) -> Any:
        """Writes of clients are orders; the server's own go to the address space."""
        if not self.external:
            return await super().write(params)
        self._need_active()
        return [self.face.order(self, value) for value in params.NodesToWrite]

    async def call(self, params: list[ua.CallMethodRequest]) -> Any:
        """Calls of clients are orders."""
        if not self.external:
            return await super().call(params)
        self._need_active()
        return [await self.face.call(self, request) for request in params]


class Core(InternalServer):  # type: ignore[misc]  # asyncua is not type-checked
    """asyncua's server without network: it makes our sessions and needs no thread."""

    face: Face

    async def load_standard_address_space(self, shelf_file: Any = None) -> None:
        """In this thread: virtual time cannot wait for another one."""
        del shelf_file
        fill_standard(self)

    def create_session(self, name: str, user: Any = None, external: bool = False) -> Session:
        """A session that knows the server's face."""
        more = {} if user is None else {"user": user}
        session = Session(
            self, self.aspace, self.subscription_service, name, external=external, **more
        )
        session.face = self.face
        return session


class Connection(OPCUAProtocol):  # type: ignore[misc]  # asyncua is not type-checked
    """One client's connection; broken framing ends it."""

    face: Face
    number: int = -1
    reason: str = "closed by the client"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit, or end at once."""
        self._loop = asyncio.get_running_loop()
        self._late: asyncio.TimerHandle | None = None
        self._partial: asyncio.TimerHandle | None = None
        self._due_s = 0.0
        if not self.face.admit(self):
            transport.abort()  # type: ignore[attr-defined]
            return
        super().connection_made(transport)

    def connection_lost(self, ex: BaseException | None) -> None:
        """Let go of timers, then as asyncua's."""
        for timer in (self._late, self._partial):
            if timer is not None:
                timer.cancel()
        self.face.released(self)
        if self.transport is not None:
            super().connection_lost(ex)

    def end(self, reason: str) -> None:
        """Cut the connection."""
        self.reason = reason
        if self.transport is not None:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take bytes, late where the link is slow, never where it is silent."""
        delay_s = self.face.delay_s()
        if delay_s < 0:
            return
        now = self._loop.time()
        self._due_s = max(self._due_s, now + delay_s)
        if self._due_s > now:
            self._late = self._loop.call_at(self._due_s, self._take, data)
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        super().data_received(data)
        if self._partial is not None:
            self._partial.cancel()
            self._partial = None
        rest = self._buffer
        if not rest:
            return
        size = int.from_bytes(rest[4:8], "little")
        if not any(kind.startswith(rest[:3]) for kind in _KINDS):
            self.end("no OPC UA message")
        elif len(rest) >= 8 and not 8 <= size <= MESSAGE_MAX:
            self.end(f"message of {size} bytes")
        elif len(rest) >= 8 and len(rest) >= size:
            self.end("unreadable message")
        else:
            self._partial = self._loop.call_later(PARTIAL_S, self.end, "incomplete message")


class Listener(BinaryServer):  # type: ignore[misc]  # asyncua is not type-checked
    """asyncua's TCP server with our connections."""

    face: Face

    def _make_protocol(self) -> Connection:
        connection = Connection(
            iserver=self.iserver, policies=self._policies, clients=self.clients,
            closing_tasks=self.closing_tasks, limits=self.limits,
        )  # fmt: skip
        connection.face = self.face
        return connection
