"""One connection of the broker: a socket, its deadlines, and what its links do to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from twin.wires.impair import Direction, Link, Pipe
from twin.wires.mqtt.broker import Client
from twin.wires.mqtt.codec import Decoder
from twin.wires.mqtt.faulty import Close, Item, Lost, Out, corrupt_in, corrupt_out, topic_of
from twin.wires.mqtt.packets import Connect, Malformed
from twin.wires.mqtt.session import Message
from twin.wires.mqtt.topics import matches

if TYPE_CHECKING:
    from twin.wires.mqtt.server import MqttServer

_LINGER_S = 1.0
"""How long a connection that we ended is still drained: unread bytes would reset it."""

_SEND_BUFFER = 256 * 1024
"""Bytes that the kernel holds for one client: a large order at once, and not much more."""


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
