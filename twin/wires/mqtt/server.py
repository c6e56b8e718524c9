"""The broker on TCP: its life, its trace and the faults of its links; one socket is `connection`.

It runs on the virtual clock and on the wall clock alike. A record per event, by client
identifier and never by port, so that one seed gives one trace: `mqtt.conn`, `mqtt.subscribe`,
`mqtt.unsubscribe`, `mqtt.rx` (a PUBLISH that came), `mqtt.tx` (one that went, with the former as
its cause), `mqtt.will`, `mqtt.denied`, `mqtt.dropped`, and `link.*` for what a link fault did.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Literal

from twin.clock import Clock
from twin.devices.base import FaultKind, Faulty, Parameter
from twin.errors import CannotListen, HarnessError
from twin.trace import Trace
from twin.wires.impair import Direction, Link
from twin.wires.mqtt.access import Access
from twin.wires.mqtt.broker import Broker
from twin.wires.mqtt.connection import Connection
from twin.wires.mqtt.session import Limits, Message
from twin.wires.mqtt.topics import filter_fault

_STOP_TIMEOUT_S = 5.0

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
