"""A broker to test, ours or another, and a client that sends just the bytes it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from twin.clock import Clock, run_real, run_virtual
from twin.trace import Trace
from twin.wires.mqtt import MqttClient, MqttServer, Settings
from twin.wires.mqtt import packets as p
from twin.wires.mqtt.codec import Decoder, encode
from twin.wires.mqtt.packets import (
    Ack,
    Bare,
    ConnAck,
    Connect,
    Malformed,
    Packet,
    Publish,
    SubAck,
    Subscribe,
    Unsubscribe,
)

T = TypeVar("T")

ANSWER_S = 5.0
"""Deadline of an answer that must come; real brokers on a busy machine need some of it."""


@dataclass
class Place:
    """Where a broker is, and how long silence must last to count as silence."""

    clock: Clock
    host: str
    port: int
    quiet_s: float
    server: MqttServer | None = None
    trace: Trace | None = None
    raws: list[Raw] = field(default_factory=list)

    async def raw(self, receive_bytes: int = 0) -> Raw:
        """A bare connection; `receive_bytes` makes its receive buffer small."""
        sock = socket.socket(proto=socket.IPPROTO_TCP)
        if receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.setblocking(False)
        await self.clock.loop.sock_connect(sock, (self.host, self.port))
        reader, writer = await asyncio.open_connection(sock=sock)
        made = Raw(self, reader, writer)
        self.raws.append(made)
        return made

    async def client(self, client_id: str, **options: Any) -> Raw:
        """A connected client; its CONNACK is in `connack`."""
        made = await self.raw()
        made.send(Connect(client_id, **options))
        answer = await made.next()
        assert isinstance(answer, ConnAck), answer
        made.connack = answer
        return made

    async def listener(self, filter_: str, qos: int = 0, client_id: str = "listener") -> Raw:
        """A connected client with one subscription."""
        made = await self.client(client_id)
        assert await made.subscribe(filter_, qos) == (qos,)
        return made

    def paho(self, client_id: str, **options: Any) -> tuple[MqttClient, list[tuple[Any, ...]]]:
        """A paho client on this loop and what it receives."""
        got: list[tuple[Any, ...]] = []
        made = MqttClient(
            Settings(self.host, self.port, client_id, **options),
            loop=self.clock.loop,
            rng=random.Random(client_id),
            on_message=lambda *message: got.append(message),
        )
        return made, got

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        assert self.trace is not None
        return [record.payload for record in self.trace.records() if record.kind == kind]


class Raw:
    """Sends packets or bytes, reads packets."""

    def __init__(
        self, place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.place, self.reader, self.writer = place, reader, writer
        self.connack = ConnAck(-1)
        self._decoder = Decoder()
        self._ready: list[Packet | Malformed] = []
        self._number = 0

    def send(self, *packets: Packet | bytes) -> None:
        for packet in packets:
            self.writer.write(packet if isinstance(packet, bytes) else encode(packet))

    async def next(self, timeout_s: float = ANSWER_S) -> Packet | Malformed | None:
        """The next packet; None when the broker has closed; TimeoutError after the time."""
        async with asyncio.timeout(timeout_s):
            while not self._ready:
                try:
                    data = await self.reader.read(65536)
                except ConnectionError:
                    data = b""
                if not data:
                    return None
                self._ready += self._decoder.feed(data)
        return self._ready.pop(0)

    async def quiet(self) -> None:
        """Nothing comes and the connection stays."""
        try:
            found = await self.next(self.place.quiet_s)
        except TimeoutError:
            return
        raise AssertionError(f"expected silence, got {found!r}")

    async def closed(self, timeout_s: float = ANSWER_S) -> bool:
        """Whether the broker closes within the time, without another packet."""
        try:
            return await self.next(timeout_s) is None
        except TimeoutError:
            return False

    async def subscribe(self, *filters: Any) -> tuple[int, ...]:
        """Subscribe to (filter, qos) pairs or to one filter and QoS; the return codes."""
        pairs = (filters,) if isinstance(filters[0], str) else filters
        self._number += 1
        self.send(Subscribe(self._number, tuple(pairs)))
        answer = await self.next()
        assert isinstance(answer, SubAck), answer
        assert answer.packet_id == self._number
        return answer.codes

    async def unsubscribe(self, *filters: str) -> None:
        self._number += 1
        self.send(Unsubscribe(self._number, filters))
        assert await self.next() == Ack(p.UNSUBACK, self._number)

    async def publish(self, topic: str, payload: bytes = b"", qos: int = 0, **flags: Any) -> None:
        """Publish, and see the acknowledgement through."""
        self._number += 1
        number = self._number if qos else 0
        self.send(Publish(topic, payload, qos, packet_id=number, **flags))
        if qos == 1:
            assert await self.next() == Ack(p.PUBACK, number)
        if qos == 2:
            assert await self.next() == Ack(p.PUBREC, number)
            self.send(Ack(p.PUBREL, number))
            assert await self.next() == Ack(p.PUBCOMP, number)

    async def message(self, timeout_s: float = ANSWER_S) -> Publish:
        """The next PUBLISH, acknowledged."""
        found = await self.next(timeout_s)
        assert isinstance(found, Publish), found
        if found.qos == 1:
            self.send(Ack(p.PUBACK, found.packet_id))
        if found.qos == 2:
            self.send(Ack(p.PUBREC, found.packet_id))
            await self._past(Ack(p.PUBREL, found.packet_id))
            self.send(Ack(p.PUBCOMP, found.packet_id))
        return found

    async def _past(self, wanted: Ack) -> None:
        """Wait for `wanted`, and keep the messages that come before it."""
        before = []
        while (packet := await self.next()) != wanted:
            assert isinstance(packet, Publish), packet
            before.append(packet)
        self._ready[:0] = before

    async def alive(self) -> None:
        """The broker still answers this client."""
        self.send(Bare(p.PINGREQ))
        assert await self.next() == Bare(p.PINGRESP)

    async def leave(self) -> None:
        """DISCONNECT, and the end."""
        self.send(Bare(p.DISCONNECT))
        assert await self.closed()
        await self.close()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    def cut(self) -> None:
        """Reset the connection."""
        self.writer.transport.abort()


def on_broker(
    test: Callable[[Place], Coroutine[Any, Any, T]],
    *,
    seed: int = 1,
    real: bool = False,
    **options: Any,
) -> T:
    """Run `test` against our broker, in virtual time or on the wall clock."""

    async def main(clock: Clock) -> T:
        trace = Trace(clock)
        server = MqttServer(clock=clock, trace=trace, rng=random.Random(seed), **options)
        port = await server.start()
        place = Place(clock, "127.0.0.1", port, 0.2 if real else 60.0, server, trace)
        try:
            return await test(place)
        finally:
            await server.stop()
            for raw in place.raws:
                await raw.close()

    return run_real(main) if real else run_virtual(main, seed=seed)


def at(test: Callable[[Place], Coroutine[Any, Any, T]], host: str, port: int) -> T:
    """Run `test` against a broker of somebody else's, on the wall clock."""

    async def main(clock: Clock) -> T:
        place = Place(clock, host, port, 0.2)
        try:
            return await test(place)
        finally:
            for raw in place.raws:
                await raw.close()

    return run_real(main)
