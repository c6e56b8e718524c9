"""Locust user of an OPC UA server: `locust -f loadtests/locust_opcua.py OpcUaReader`.

asyncua is asyncio code. Locust's patches make asyncio's selector wait in gevent, so one event loop
in one greenlet serves all users of a process; a user hands it a coroutine and waits as greenlets
do. Each user is a session that reads all nodes at a pace and has a subscription to them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, TypeVar

import gevent
from gevent.event import AsyncResult
from locust import User

from loadtests.alerts import Delays
from loadtests.errors import CallFailed, SessionBroken
from loadtests.locust_users import fire, start_pace
from loadtests.opcua import (
    CHANGE,
    READ,
    SUBSCRIBE,
    OpcUaSession,
    OpcUaTarget,
    find_variables,
    kind_of,
    leave,
    node_ids,
)
from loadtests.streams import RETRY_S

T = TypeVar("T")
CONNECT = "connect"
_BROWSE_S = 60.0
"""How long the search for variables may take."""

_loops: list[asyncio.AbstractEventLoop] = []
_found: dict[str, list[str]] = {}
_delays = Delays()


def wait(work: Coroutine[Any, Any, T], limit_s: float) -> T:
    """Have the process's event loop do `work` and wait; raises what it does, or `TimeoutError`."""
    if not _loops:
        _loops.append(asyncio.new_event_loop())
        gevent.spawn(_loops[0].run_forever)
    loop, answer = _loops[0], AsyncResult()

    async def bounded() -> None:
        try:
            async with asyncio.timeout(limit_s):
                answer.set(await work)
        except BaseException as error:  # noqa: BLE001 - handed to the greenlet that waits
            answer.set_exception(error)

    loop.call_soon_threadsafe(loop.create_task, bounded())
    result: T = answer.get()
    return result


class OpcUaReader(User):  # type: ignore[misc]  # Locust ships no types we could follow
    """Reads all nodes at `--rate-per-user` and hears their changes; `--host opc.tcp://…`."""

    def on_start(self) -> None:
        """Connect and subscribe before the first read is due; a failure is counted, tried again."""
        options = self.environment.parsed_options
        self._limit_s = float(options.timeout_s)
        self._target = OpcUaTarget(
            self.environment.host, options.opcua_user, options.opcua_password, self._limit_s
        )
        self._client: Any = None
        self._nodes: list[str] = options.opcua_node or []
        self._browse: int = options.opcua_browse
        while not self._opened():
            gevent.sleep(RETRY_S)
        self._pace = start_pace(self)

    def _opened(self) -> bool:
        began_s = time.perf_counter()
        try:
            if not self._nodes:  # looked for once in a process
                url = self._target.url
                if url not in _found:
                    _found[url] = wait(find_variables(self._target, self._browse), _BROWSE_S)
                self._nodes, began_s = _found[url], time.perf_counter()
            self._client = wait(self._target.open(), self._limit_s)
            fire(self, "OPCUA", CONNECT, began_s, None, {})
            began_s = time.perf_counter()
            wait(self._subscribed(), self._limit_s)
        except Exception as failed:  # noqa: BLE001 - whatever keeps it out is what is counted
            name = CONNECT if self._client is None else SUBSCRIBE
            self._closed()
            fire(self, "OPCUA", name, began_s, _counted(failed), {})
            return False
        fire(self, "OPCUA", SUBSCRIBE, began_s, None, {})
        self._session = OpcUaSession(self._client, node_ids(self._nodes))
        return True

    async def _subscribed(self) -> None:
        subscription = await self._client.create_subscription(
            self._target.publishing_s * 1000.0, self
        )
        nodes = [self._client.get_node(one) for one in node_ids(self._nodes)]
        await subscription.subscribe_data_change(nodes)

    def datachange_notification(self, _node: Any, _value: Any, data: Any) -> None:
        """asyncua's: a sample has come; late against the quickest of this process so far."""
        item = data.monitored_item.Value
        stamp = item.ServerTimestamp or item.SourceTimestamp
        if stamp is not None:
            delay_s = _delays.add(time.time(), stamp.timestamp())
            fire(self, "OPCUA", CHANGE, time.perf_counter() - delay_s, None, {})

    def wait_time(self) -> float:
        """Until the next read is due."""
        return self._pace.wait_s()

    def read(self) -> None:
        """Read all nodes in one request; a broken session is opened again."""
        late_s, began_s = self._pace.late_s(), time.perf_counter()
        error: BaseException | None = None
        broken = False
        try:
            wait(self._session.read(), self._limit_s)
        except CallFailed as failed:
            error, broken = failed, isinstance(failed, SessionBroken)
        except Exception as failed:  # noqa: BLE001 - whatever a client raises is counted
            error, broken = _counted(failed), True
        fire(self, "OPCUA", READ, began_s, error, {"late_s": late_s})
        if broken:
            self._closed()
            while not self._opened():
                gevent.sleep(RETRY_S)

    def _closed(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            try:
                wait(leave(client), self._limit_s)
            except Exception:  # noqa: BLE001, S110 - it is gone either way
                pass

    def on_stop(self) -> None:
        """Let go of the session."""
        self._closed()

    tasks: ClassVar[list[Callable[..., None]]] = [read]


def _counted(error: Exception) -> CallFailed:
    """A failure under the word that it is counted by."""
    return error if isinstance(error, CallFailed) else CallFailed(kind_of(error), str(error))
