"""A site with its crane's OPC UA server, and clients, for the tests of the wire."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from asyncua import Client, ua

from tests.crane.ground import NUMBERS, Site
from twin.clock import Clock, run_virtual
from twin.wires.opcua import serve_crane

logging.getLogger("asyncua").setLevel(logging.CRITICAL)


class Port:
    """A site, its server, and clients for one test."""

    def __init__(self, clock: Clock, **options: Any) -> None:
        self.clock = clock
        self.site = Site(clock)
        self.server = serve_crane(self.site.crane, clock=clock, trace=self.site.trace, **options)
        self.port = 0

    @asynccontextmanager
    async def client(self, **more: Any) -> AsyncIterator[Client]:
        """A connected client; `user` and `password` if given."""
        client = Client(f"opc.tcp://127.0.0.1:{self.port}/", timeout=more.pop("timeout", 30))
        for name, value in more.items():
            getattr(client, f"set_{name}")(value)
        await client.connect()
        try:
            yield client
        finally:
            with suppress(Exception):
                await client.disconnect()

    def node(self, client: Client, name: str) -> Any:
        return client.get_node(ua.NodeId(f"crane-1.{name}", 6))


def play(test: Callable[[Port], Awaitable[None]], *, seed: int = 0, **options: Any) -> Port:
    kept: list[Port] = []

    async def main(clock: Clock) -> None:
        port = Port(clock, **options)
        kept.append(port)
        port.port = await port.server.start()
        try:
            async with asyncio.timeout(100_000):
                await test(port)
        finally:
            await port.server.stop()

    run_virtual(main, seed=seed)
    return kept[0]


async def start(client: Client, port: Port, box: str = NUMBERS[0]) -> list[Any]:
    found: list[Any] = await port.node(client, "missions").call_method(
        "6:StartMission", "m1", box, "truck-1", "igv-1", 24_000.0
    )
    return found


class Watcher:
    def __init__(self) -> None:
        self.values: list[tuple[Any, Any, Any]] = []
        self.events: list[Any] = []

    def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
        item = data.monitored_item.Value
        self.values.append((value, item.SourceTimestamp, item.StatusCode.name))

    def event_notification(self, event: Any) -> None:
        self.events.append(event)
