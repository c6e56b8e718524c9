"""A crane's OPC UA server under load: reads as arrivals, subscriptions that listen beside them.

Clients are asyncua's (extra `cranes`). Reads ask for all nodes at once, as a terminal's control
does; a subscriber notes how late each sample comes against the quickest, by the server's own time
stamps, so that the two clocks need not agree. Nothing is written and no method is called.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from loadtests.alerts import Delays
from loadtests.driver import Session, Steps
from loadtests.errors import CallFailed, LoadError, MissingExtra, SessionBroken, TargetError
from loadtests.streams import StreamLog

try:
    from asyncua import Client, ua
except ImportError as error:
    raise MissingExtra("asyncua", "load of an OPC UA server", "cranes") from error

READ = "read"
CHANGE = "data change"
SUBSCRIBE = "subscribe"

_WALK_MAX = 5_000
"""Nodes that are looked at in search of variables."""

_LOOK_S = 0.1
"""How often a subscriber asks whether its connection stands."""

logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # what breaks is counted, not logged


@dataclass(frozen=True, slots=True)
class OpcUaTarget:
    """A server, the way in and what is asked of it; the password stays out of every text."""

    url: str
    user: str = ""
    password: str = ""
    timeout_s: float = 5.0
    publishing_s: float = 0.1

    def __post_init__(self) -> None:
        if not self.url.startswith("opc.tcp://"):
            raise LoadError(f"{self.url}: not a server; expected opc.tcp://HOST:PORT/PATH")

    def __repr__(self) -> str:
        return f"OpcUaTarget({self.url!r})"

    async def open(self) -> Any:
        """A connected client; raises `SessionBroken`, `OSError` or `TimeoutError`."""
        client = Client(self.url, timeout=self.timeout_s)
        if self.user:
            client.set_user(self.user)
            client.set_password(self.password)
        try:
            await client.connect()
        except ua.UaError as error:
            raise SessionBroken(kind_of(error), str(error)) from error
        return client


def kind_of(error: Exception) -> str:
    """The word that a failure is counted by: the status code's name, where there is one."""
    code = getattr(error, "code", None)
    return f"opcua {ua.status_codes.get_name_and_doc(code)[0]}" if code else type(error).__name__


async def leave(client: Any) -> None:
    """Disconnect; a server that does not answer any more is no failure here."""
    try:
        await client.disconnect()
    except (ua.UaError, OSError, TimeoutError):
        pass


async def find_variables(target: OpcUaTarget, count: int) -> list[str]:
    """The first `count` readable variables below Objects that are not the server's own.

    Raises `TargetError` where the server cannot be reached, `LoadError` where it has none.
    """
    try:
        client = await target.open()
    except (CallFailed, OSError, TimeoutError) as error:
        raise TargetError(
            f"{target.url}: no session ({error}); next: check address, user and password"
        ) from error
    try:
        found: list[str] = []
        seen: set[str] = set()
        waiting = [client.nodes.objects]
        while waiting and len(seen) < _WALK_MAX and len(found) < count:
            node = waiting.pop(0)
            for child in await node.get_children():
                name = child.nodeid.to_string()
                if name in seen or child.nodeid.NamespaceIndex == 0:
                    continue
                seen.add(name)
                waiting.append(child)
                if await child.read_node_class() is ua.NodeClass.Variable:
                    found.append(name)
        if not found:
            raise LoadError(f"{target.url}: has no variables below Objects; next: give --node")
        return found[:count]
    except ua.UaError as error:
        raise TargetError(f"{target.url}: cannot be browsed: {kind_of(error)}") from error
    finally:
        await leave(client)


def node_ids(texts: list[str]) -> list[Any]:
    """Node ids such as `ns=6;s=crane-1.hoist.place`; raises `LoadError`."""
    found = []
    for text in texts:
        try:
            found.append(ua.NodeId.from_string(text))
        except (ua.UaError, ValueError) as error:
            raise LoadError(f"{text!r}: not a node id, as ns=6;s=crane-1.hoist: {error}") from error
    return found


class OpcUaSession:
    """One session that reads."""

    def __init__(self, client: Any, nodes: list[Any]) -> None:
        self._client, self._nodes = client, nodes

    async def call(self, number: int, steps: Steps) -> None:  # noqa: ARG002 - one call, no steps
        """An arrival is one read."""
        await self.read()

    async def read(self) -> None:
        """Read all nodes; one that is bad is the failure of the whole."""
        try:
            values = await self._client.uaclient.read_attributes(self._nodes, ua.AttributeIds.Value)
        except ua.UaError as error:
            raise SessionBroken(kind_of(error)) from error
        for value in values:
            if value.StatusCode is not None and value.StatusCode.is_bad():
                raise CallFailed(f"opcua {value.StatusCode.name}")

    async def close(self) -> None:
        """Let go of the session."""
        await leave(self._client)


class OpcUaWorkload:
    """Reads of all nodes at once."""

    def __init__(self, target: OpcUaTarget, nodes: list[str]) -> None:
        self._target, self._nodes = target, node_ids(nodes)

    def name(self, number: int) -> str:  # noqa: ARG002 - all alike
        """The request name of every arrival."""
        return READ

    async def connect(self) -> Session:
        """Open a session."""
        return OpcUaSession(await self._target.open(), self._nodes)


class SubscriptionListener:
    """One subscription to all nodes."""

    name = "subscription"

    def __init__(self, target: OpcUaTarget, nodes: list[str], delays: Delays) -> None:
        self._target, self._nodes, self._delays = target, node_ids(nodes), delays
        self._seen: list[tuple[float, float]] = []
        self._log: StreamLog | None = None

    async def listen(self, log: StreamLog) -> None:
        """Subscribe and note what comes, until the connection breaks."""
        began_s, self._log = log.now_s(), log
        client = await self._target.open()
        try:
            subscription = await client.create_subscription(
                self._target.publishing_s * 1000.0, self
            )
            await subscription.subscribe_data_change([client.get_node(n) for n in self._nodes])
            log.noted(SUBSCRIBE, began_s, log.now_s())
            while True:
                await asyncio.sleep(_LOOK_S)
                await client.check_connection()
        except (ua.UaError, ConnectionError) as error:
            raise SessionBroken(kind_of(error), str(error)) from error
        finally:
            await leave(client)

    def datachange_notification(self, _node: Any, _value: Any, data: Any) -> None:
        """asyncua's: a sample has come."""
        item = data.monitored_item.Value
        stamp = item.ServerTimestamp or item.SourceTimestamp
        assert self._log is not None
        now_s = self._log.now_s()
        if item.StatusCode is not None and item.StatusCode.is_bad():
            self._log.seen(CHANGE, now_s, now_s, now_s, f"opcua {item.StatusCode.name}")
        elif stamp is not None:
            self._delays.add(now_s, stamp.timestamp())
            self._seen.append((now_s, now_s - stamp.timestamp()))

    async def finish(self, log: StreamLog) -> None:
        """Delays against the quickest sample of all subscribers."""
        quickest_s = self._delays.quickest_s
        for seen_s, raw_s in self._seen:
            assert quickest_s is not None
            due_s = seen_s - (raw_s - quickest_s)
            log.seen(CHANGE, due_s, due_s, seen_s)
