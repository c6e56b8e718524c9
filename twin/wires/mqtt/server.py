"""The broker on TCP: connections, time, the trace and the faults of links.

It runs on the virtual clock and on the wall clock alike. A record per event, by client
identifier and never by port, so that one seed gives one trace: `mqtt.conn`, `mqtt.subscribe`,
`mqtt.unsubscribe`, `mqtt.rx` (a PUBLISH that came), `mqtt.tx` (one that went, with the former as
its cause), `mqtt.will`, `mqtt.denied`, `mqtt.dropped`, and `link.*` for what a link fault did.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import ssl
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Literal, cast

from twin.clock import Clock
from twin.devices.base import FaultKind, Faulty, Parameter
from twin.errors import CannotListen, HarnessError
from twin.trace import Trace
from twin.wires.impair import Direction, Link, Pipe
from twin.wires.mqtt.access import Access
from twin.wires.mqtt.broker import Broker, Client
from twin.wires.mqtt.codec import Decoder
from twin.wires.mqtt.faulty import Close, Item, Lost, Out, corrupt_in, corrupt_out, topic_of
from twin.wires.mqtt.packets import Connect, Malformed
from twin.wires.mqtt.session import Limits, Message
from twin.wires.mqtt.topics import filter_fault, matches

_LINGER_S = 1.0
"""How long a connection that we ended is still drained: unread bytes would reset it."""

_STOP_TIMEOUT_S = 5.0

_SEND_BUFFER = 256 * 1024
"""Bytes that the kernel holds for one client: a large order at once, and not much more."""

Detail = Literal["payloads", "headers", "connections"]


class MqttServer(Faulty):
    """One broker. `link(PATTERN)` gives the fault menu of the links of some clients."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "down": FaultKind(
            "down",
            "The broker is gone: connections die, none is taken.",
            {"forgets": Parameter(True, doc="Sessions and retained messages are lost with it.")},
        ),
    }

    def __init__(
        self,
        id: str = "broker",
        *,
        clock: Clock,
        trace: Trace,
        rng: random.Random,
        access: Access | None = None,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        detail: Detail = "payloads",
    ) -> None:
        """`rng` seeds the luck of the links; `detail` says how much of a PUBLISH is traced."""
        super().__init__(id, trace)
        self.clock = clock
        self.loop = clock.loop
        self.detail: Detail = detail
        self.broker = Broker(self._tell, access, limits)
        self.limits = self.broker.limits
        self.connections: dict[Connection, None] = {}
        """Every open socket in order of arrival, also those that the broker has given up."""
        self.links: dict[str, Link] = {}
        """Fault menus by the pattern of client identifiers that they are for."""
        self.tls = tls
        self._salt = rng.getrandbits(64)
        self._luck: dict[tuple[str, Direction], random.Random] = {}
        self._server: asyncio.Server | None = None
        self.link("*")

    # --- life ------------------------------------------------------------------------------------

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, and return the port; port 0 takes a free one."""
        if self._server is not None:
            raise HarnessError(f"{self.id} is already started; stop it first")
        try:
            self._server = await self.loop.create_server(
                lambda: Connection(self), host, port, backlog=1024, ssl=self.tls
            )
        except OSError as error:
            raise CannotListen(self.id, host, port, error) from error
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the listener and every connection; wills stay unsaid, as with mosquitto."""
        if self._server is None:
            return
        self._server.close()
        self._cut_all("broker stopped")
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await self._server.wait_closed()
            await asyncio.sleep(0)  # transports go one loop turn after they were told to
        self._server = None

    def _cut_all(self, reason: str) -> None:
        for connection in [*self.connections]:
            if connection.client is not None:
                connection.client.will = None
                connection.client.lost(reason)
            connection.abort()

    def _fault_changed(self, kind: str, cause: int) -> None:  # noqa: ARG002 - a hook
        fault = self.faults.get(kind)
        if fault is None:
            return
        self._cut_all("broker down")
        if fault["forgets"]:
            for session in [*self.broker.sessions.values()]:
                self.broker.forget(session)
            self.broker.retained.clear()

    # --- links -----------------------------------------------------------------------------------

    def link(self, pattern: str = "*") -> Link:
        """The fault menu of all clients whose identifier fits `pattern` (`*`, `?`, `[...]`)."""
        found = self.links.get(pattern)
        if found is not None:
            return found

        def changed(kind: str, ended: Mapping[str, Any] | None) -> None:
            self._links_changed(pattern, kind, ended)

        name = f"{self.id}.link" if pattern == "*" else f"{self.id}.link.{pattern}"
        link = Link(
            name, clock=self.clock, trace=self.trace, changed=changed, topic_fault=filter_fault
        )
        self.links[pattern] = link
        return link

    @property
    def targets(self) -> dict[str, Faulty]:
        """Everything here that has a fault menu, by its id."""
        return {self.id: self} | {link.id: link for link in self.links.values()}

    def links_of(self, client_id: str) -> list[Link]:
        """The links whose faults touch this client."""
        return [link for key, link in self.links.items() if fnmatchcase(client_id, key)]

    def _links_changed(self, pattern: str, kind: str, ended: Mapping[str, Any] | None) -> None:
        for connection in [*self.connections]:
            if connection.named and fnmatchcase(connection.client_id, pattern):
                connection.links_changed(kind, ended)

    def luck(self, client_id: str, direction: Direction) -> random.Random:
        """The random stream of one client's link; it outlives a connection."""
        key = (client_id, direction)
        if key not in self._luck:
            self._luck[key] = random.Random(f"{self._salt}/{client_id}/{direction}")
        return self._luck[key]

    # --- trace -----------------------------------------------------------------------------------

    def _tell(self, kind: str, cause: int = -1, /, **payload: Any) -> int:
        if kind == "mqtt.rx" and self.detail == "connections":
            return -1
        content = payload.pop("payload", None)
        if content is not None:
            payload["size"] = len(content)
            if self.detail == "payloads":
                try:
                    payload["payload"] = content.decode()
                except UnicodeDecodeError:
                    payload["payload_hex"] = content
        return self.trace(self.id, kind, cause, **payload)

    def sent(self, client_id: str, message: Message, qos: int) -> None:
        """A PUBLISH goes out to a client."""
        if self.detail != "connections":
            self.trace(
                self.id, "mqtt.tx", message.cause, client=client_id, topic=message.topic, qos=qos
            )


class Connection(asyncio.Protocol):
    """One socket; the `Peer` of its client."""

    def __init__(self, server: MqttServer) -> None:
        self.client: Client | None = None
        self.client_id = ""
        self.named = False
        """Whether CONNECT has come, so that the links are known."""
        self._server = server
        self._loop = server.loop
        self._decoder = Decoder(server.limits.packet_bytes_max)
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._leaving = False
        self._gone = False
        self._active_s = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._up: Pipe[Item] | None = None
        self._down: Pipe[Out | Close] | None = None
        self._transport: asyncio.Transport

    # --- asyncio ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has opened a connection."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own type, same methods
        server = self._server
        server.connections[self] = None
        if server.faults:
            self._leaving = True
            self._transport.abort()
            return
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Left alone, the kernel would buffer megabytes for a client that does not read.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self.client = Client(server.broker, self)
        self._active_s = self._loop.time()
        self._watch = self._loop.call_later(server.limits.connect_s, self._watch_out)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._leaving:
            return
        for item in self._decoder.feed(data):
            if not self.named and type(item) is Connect:
                self.named = True
                self.client_id = item.client_id
                self._bind()
            if self._up is None:
                self._take(item)
            else:
                self._up.put(item, topic_of(item))

    def eof_received(self) -> bool:
        """The client has closed; over a bad link the broker sees it late. TLS cannot wait."""
        if self._up is None or self._up.clear or self._server.tls is not None:
            return False
        self._up.put(Lost("closed by the client"), None, message=False)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whomever."""
        self._gone = True
        reason = "connection reset" if exc is not None else "closed by the client"
        if self._up is None:
            self._take(Lost(reason))
        else:
            self._up.put(Lost(reason), None, message=False)
        self._settle()

    def _settle(self) -> None:
        """Forget a connection once the socket is closed and the broker has seen it."""
        if self._gone and (self.client is None or self.client.over):
            self._server.connections.pop(self, None)
            self._forget()

    # --- up: from the client ---------------------------------------------------------------------

    def _take(self, item: Item) -> None:
        client = self.client
        if client is None or client.over:
            return
        if type(item) is Lost:
            client.lost(item.reason)
            self._settle()
        elif type(item) is Malformed:
            client.malformed(item)
        else:
            self._active_s = self._loop.time()
            client.packet(item)  # type: ignore[arg-type]  # the rest of the union
            if type(item) is Connect and client.session is not None and not client.over:
                self.client_id = client.id
                self._watch_keep_alive(client)

    def _watch_keep_alive(self, client: Client) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if client.keep_alive_s:
            self._watch = self._loop.call_later(1.5 * client.keep_alive_s, self._watch_out)

    def _watch_out(self) -> None:
        """Time is up, unless something came since the timer was set."""
        self._watch = None
        client = self.client
        if client is None or client.over:
            return
        if client.session is None:
            client.lost(f"no CONNECT within {self._server.limits.connect_s:g} s")
            return
        limit_s = 1.5 * client.keep_alive_s
        left_s = self._active_s + limit_s - self._loop.time()
        if left_s <= 1e-6:
            client.keep_alive_expired()
        else:
            self._watch = self._loop.call_later(left_s, self._watch_out)

    # --- down: the Peer of a session -------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send a packet that is no PUBLISH."""
        if self._down is None:
            self._write(data)
        else:
            self._down.put(Out(data), None)

    def send_publish(self, data: bytes, message: Message, qos: int) -> None:
        """Send a PUBLISH."""
        self._server.sent(self.client_id, message, qos)
        if self._down is None:
            self._write(data)
        else:
            self._down.put(Out(data, len(message.payload)), message.topic)

    def congested(self) -> bool:
        """Whether the client reads so slowly that QoS 0 is better dropped."""
        waiting = self._out_bytes
        if not self._gone:
            waiting += self._transport.get_write_buffer_size()
        return waiting > self._server.limits.backlog_bytes_max

    def close(self, reason: str) -> None:
        """Close after what has been sent; over a held link the client does not notice."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._down is None:
            self._shut()
        else:
            self._down.put(Close(reason), None, message=False)

    def _emit(self, item: Out | Close) -> None:
        if type(item) is Out:
            self._write(item.data)
        else:
            self._shut()

    def _write(self, data: bytes) -> None:
        if self._gone or self._leaving:
            return
        if not self._out:
            # One write per loop turn, however many packets: a system call costs more than they.
            self._loop.call_soon(self._flush)
        self._out.append(data)
        self._out_bytes += len(data)

    def _flush(self) -> None:
        out = self._out
        if out and not self._gone:
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))
        out.clear()
        self._out_bytes = 0
        if self._transport.get_write_buffer_size() > 2 * self._server.limits.backlog_bytes_max:
            # QoS 0 was dropped before; these are acknowledgements that nobody reads.
            if self.client is not None:
                self.client.lost("does not read what it is sent")
            self.abort()

    def _shut(self) -> None:
        """End our side and drain the other; what is unread would reset the connection."""
        if self._gone or self._leaving:
            return
        self._flush()
        self._leaving = True
        if self._transport.can_write_eof():
            with contextlib.suppress(OSError):  # the client may have gone a moment ago
                self._transport.write_eof()
            self._watch = self._loop.call_later(_LINGER_S, self.abort)
        else:
            self._transport.close()

    def abort(self) -> None:
        """Cut the connection at once."""
        self._leaving = True
        if not self._gone:
            self._transport.abort()
        self._forget()

    def _forget(self) -> None:
        for pipe in (self._up, self._down):
            if pipe is not None:
                pipe.drop()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    # --- link faults -----------------------------------------------------------------------------

    def _bind(self) -> None:
        """CONNECT tells who it is; from here on the faults of its links touch it."""
        links = self._server.links_of(self.client_id)
        if any(link.faults for link in links):
            self._impair(links)

    def _impair(self, links: list[Link]) -> None:
        server, name = self._server, self.client_id
        told = self._told
        if self._up is None:
            self._up = Pipe(
                "up", clock=server.clock, rng=server.luck(name, "up"), deliver=self._take,
                corrupt=corrupt_in, matches=matches, told=told("up"),
            )  # fmt: skip
            self._down = Pipe(
                "down", clock=server.clock, rng=server.luck(name, "down"), deliver=self._emit,
                corrupt=corrupt_out, matches=matches, told=told("down"),
            )  # fmt: skip
        assert self._down is not None
        self._up.follow(links)
        self._down.follow(links)

    def _told(self, direction: Direction) -> Callable[[str, str, Mapping[str, Any]], None]:
        def tell(what: str, topic: str, details: Mapping[str, Any]) -> None:
            kind = f"link.{what.replace(' ', '_')}"
            client = self.client_id
            self._server.trace(
                self._server.id, kind, client=client, direction=direction, topic=topic, **details
            )

        return tell

    def links_changed(self, kind: str, ended: Mapping[str, Any] | None) -> None:
        """A fault of one of this client's links has begun, or ended with these parameters."""
        links = self._server.links_of(self.client_id)
        if self._up is None and not any(link.faults for link in links):
            return
        self._impair(links)
        assert self._up is not None
        assert self._down is not None
        if ended is None:
            return
        after = ended.get("after") if kind == "handover" else "all"
        self._up.open(lose=after != "all")
        self._down.open(lose=after != "all")
        if after == "reset":
            if self.client is not None:
                self.client.lost("connection reset after a handover")
            self.abort()
