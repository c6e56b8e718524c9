"""paho-mqtt on the run's own event loop: no thread, no `select()`, no wall clock.

paho's own loop stops silently at 338 clients in a process and sleeps on the wall clock. Here the
loop watches paho's sockets (its documented external-loop mode), its `time_func` is the loop's
time, and one timer per client stands where its next keep alive is due. So 500 vehicles fit in a
process, and the same code runs in virtual time.

Sockets are opened here, without blocking, and have TCP_NODELAY: with Nagle's algorithm a PINGREQ
waits up to 40 ms of real time, in which a virtual clock passes every deadline.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from twin.errors import HarnessError
from twin.wires.mqtt.short_paho import OnMessage as OnMessage
from twin.wires.mqtt.short_paho import ShortPaho

_WALL_TIME: Callable[[], float] = paho.time_func
_outside: asyncio.AbstractEventLoop | None = None


def _loop_time() -> float:
    """The time of the loop that runs, for paho; the wall clock's in a thread without one."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return _outside.time() if _outside is not None else _WALL_TIME()


paho.time_func = _loop_time

_PING_AFTER = 0.6
"""Silence, in keep alives, after which a PINGREQ is due; seen at most `_LOOK_EACH` later, so it
is sent within one keep alive [MQTT-3.1.2-23]."""

_LOOK_EACH = 0.25
"""How often paho looks after its keep alive, in keep alives: a fleet of hundreds has few timers."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waiting before a new connection: doubled each time, up to a limit; estimates.

    `jitter` is the largest part that is added by chance, so that a fleet does not come at once.
    """

    first_s: float = 1.0
    max_s: float = 30.0
    jitter: float = 0.25

    def delay_s(self, attempt: int, rng: random.Random) -> float:
        """Seconds before attempt `attempt` (0 is the first after a loss)."""
        base_s = min(self.max_s, self.first_s * 2.0 ** min(attempt, 32))
        return base_s * (1.0 + self.jitter * rng.random())


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes when this client is lost."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True


@dataclass(frozen=True, slots=True)
class Settings:
    """How to connect. `tls` is a client context; `password` stays out of every text."""

    host: str
    port: int
    client_id: str
    clean: bool = True
    keep_alive_s: int = 15
    will: Will | None = None
    user: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    connect_timeout_s: float = 10.0
    backoff: Backoff | None = Backoff()
    """None: a lost connection stays lost."""

    def __repr__(self) -> str:
        return f"Settings({self.client_id!r} at {self.host}:{self.port})"


class MqttClient:
    """One MQTT client that connects, and connects again, until it is stopped.

    `on_connect(session_present)`, `on_disconnect(reason)`, `on_subscribed(granted)` and
    `on_message(topic, payload, qos, retain)` are called on the loop. Subscriptions are made again
    after every connection.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        loop: asyncio.AbstractEventLoop,
        rng: random.Random,
        on_connect: Callable[[bool], None] | None = None,
        on_disconnect: Callable[[str], None] | None = None,
        on_message: OnMessage | None = None,
        on_subscribed: Callable[[bool], None] | None = None,
    ) -> None:
        self.settings = settings
        self.connected = False
        self.refusals = 0
        """CONNACKs that said no, since the start."""
        self._loop = loop
        self._rng = rng
        self._on_connect = on_connect
        self._on_disconnect = on_disconnect
        self._on_message = on_message
        self._on_subscribed = on_subscribed
        self._filters: dict[str, int] = {}
        self._running = False
        self._attempt = 0
        self._connecting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        self._socket_open = False
        self._write_wanted = False
        self._write_watched = False
        self._paho = self._made()

    def _made(self) -> ShortPaho:
        settings = self.settings
        client = ShortPaho(
            CallbackAPIVersion.VERSION2,
            settings.client_id,
            clean_session=settings.clean,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_async(settings.host, settings.port, settings.keep_alive_s)
        if settings.user is not None:
            client.username_pw_set(settings.user, settings.password)
        if settings.will is not None:
            will = settings.will
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        client.on_socket_open = self._opened
        client.on_socket_close = self._closing
        client.on_socket_register_write = self._wants_write
        client.on_socket_unregister_write = self._wants_no_write
        client.on_connect = self._acknowledged
        client.on_disconnect = self._disconnected
        client.on_message, client.take = self._received, self._take
        client.on_subscribe = self._granted
        return client

    # --- for the user ----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect; `wait_connected` tells when it is done."""
        if self._running:
            raise HarnessError(f"MQTT client {self.settings.client_id} is already started")
        self._running = True
        self._attempt = 0
        self._connect_soon(0.0)

    async def wait_connected(self, timeout_s: float = 10.0) -> None:
        """Wait for the CONNACK; `HarnessError` after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._up.wait()
        except TimeoutError:
            raise HarnessError(
                f"{self.settings!r} did not connect within {timeout_s:g} s; refused "
                f"{self.refusals} times"
            ) from None

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> bool:
        """Send a message, or queue it at QoS 1 and 2; false if it is lost for want of a link."""
        if qos == 0 and not self.connected:
            return False
        if qos == 0 and self._paho.send_at_once(topic, payload, retain, self._loop.time()):
            return True
        with _on(self._loop):
            result = self._paho.publish(topic, payload, qos, retain)
        return result.rc is MQTTErrorCode.MQTT_ERR_SUCCESS or qos > 0

    def subscribe(self, filter_: str, qos: int = 0) -> None:
        """Subscribe now and after every connection."""
        self._filters[filter_] = qos
        if self.connected:
            with _on(self._loop):
                self._paho.subscribe(filter_, qos)

    def unsubscribe(self, filter_: str) -> None:
        """Take a subscription back."""
        if self._filters.pop(filter_, None) is not None and self.connected:
            with _on(self._loop):
                self._paho.unsubscribe(filter_)

    async def stop(self, timeout_s: float = 2.0) -> None:
        """Disconnect in order: what is written goes out, the broker forgets the will."""
        self._running = False
        task = self._connecting
        if task is not None and not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self.connected:
            self._paho.disconnect()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._lost.wait()
            except TimeoutError:
                pass
        self._drop("stopped")

    def kill(self) -> None:
        """Vanish without a DISCONNECT, as at a loss of power; `start` brings it back."""
        self._running = False
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        self._drop("killed")

    def cut(self) -> None:
        """Lose the connection as by a fault of the network; it connects again by itself."""
        self._give_up("connection cut")

    def _give_up(self, reason: str) -> None:
        self._drop(reason)
        if self._running and self.settings.backoff is not None:
            self._connect_soon(self._backoff_s())

    # --- connecting ------------------------------------------------------------------------------

    def _connect_soon(self, delay_s: float) -> None:
        if self._connecting is None or self._connecting.done():
            name = f"mqtt {self.settings.client_id}"
            self._connecting = self._loop.create_task(self._connect(delay_s), name=name)

    async def _connect(self, delay_s: float) -> None:
        """Open a socket and send CONNECT; tries again until one is open."""
        settings = self.settings
        while self._running:
            if delay_s:
                await asyncio.sleep(delay_s)
            try:
                async with asyncio.timeout(settings.connect_timeout_s):
                    self._paho.ready = await self._open()
            except (OSError, TimeoutError) as error:
                if settings.backoff is None:
                    self._tell_lost(f"no connection: {error or 'timed out'}")
                    return
                delay_s = self._backoff_s()
                continue
            self._set_timer(settings.connect_timeout_s)
            self._paho.ping_within(settings.keep_alive_s)  # as CONNECT has to say it
            self._paho.reconnect()
            return

    async def _open(self) -> socket.socket:
        settings = self.settings
        found = (
            await self._loop.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
            if not _numeric(settings.host)
            else socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        )  # a look-up takes a thread, which the virtual clock does not wait for
        family, kind, protocol, _, address = found[0]
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.sock_connect(sock, address)
            return sock if settings.tls is None else await self._secured(sock, settings.tls)
        except BaseException:
            sock.close()
            raise

    async def _secured(self, sock: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket:
        """The TLS handshake on the loop; paho's own would block it."""
        secure = tls.wrap_socket(
            sock, server_hostname=self.settings.host, do_handshake_on_connect=False
        )
        try:
            while True:
                try:
                    secure.do_handshake()
                    return secure
                except ssl.SSLWantReadError:
                    await self._ready(secure, self._loop.add_reader, self._loop.remove_reader)
                except ssl.SSLWantWriteError:
                    await self._ready(secure, self._loop.add_writer, self._loop.remove_writer)
        except BaseException:
            secure.close()
            raise

    async def _ready(
        self, sock: socket.socket, add: Callable[..., Any], remove: Callable[[int], Any]
    ) -> None:
        event = asyncio.Event()
        fd = sock.fileno()
        add(fd, event.set)
        try:
            await event.wait()
        finally:
            remove(fd)

    def _backoff_s(self) -> float:
        backoff = self.settings.backoff or Backoff()
        self._attempt += 1
        return backoff.delay_s(self._attempt - 1, self._rng)

    def _drop(self, reason: str) -> None:
        """Close the socket without a word to the broker."""
        self._stop_timer()
        if self._paho.socket() is not None:
            self._paho.vanish()
            self._tell_lost(reason)

    # --- paho's callbacks ------------------------------------------------------------------------

    def _opened(self, _client: paho.Client, _data: Any, sock: Any) -> None:
        self._socket_open = True
        self._loop.add_reader(sock.fileno(), self._read)

    def _closing(self, _client: paho.Client, _data: Any, sock: Any) -> None:
        self._loop.remove_reader(sock.fileno())
        self._loop.remove_writer(sock.fileno())
        self._write_wanted = self._write_watched = False

    def _wants_write(self, _client: paho.Client, _data: Any, _sock: Any) -> None:
        # paho says so before each packet and mostly has written it when it returns. Watching
        # the socket at once would cost two system calls for nothing.
        if not self._write_wanted:
            self._write_wanted = True
            self._loop.call_soon(self._write_rest)

    def _wants_no_write(self, _client: paho.Client, _data: Any, sock: Any) -> None:
        self._write_wanted = False
        if self._write_watched:
            self._write_watched = False
            self._loop.remove_writer(sock.fileno())

    def _write_rest(self) -> None:
        if self._write_wanted:
            self._write()
        sock = self._paho.socket()
        if self._write_wanted and sock is not None and not self._write_watched:
            self._write_watched = True
            self._loop.add_writer(sock.fileno(), self._write)

    def _read(self) -> None:
        client = self._paho
        client.loop_read()
        sock = client.socket()
        # What TLS has already decrypted makes no socket readable.
        while isinstance(sock, ssl.SSLSocket) and sock.pending():
            client.loop_read()
            sock = client.socket()

    def _write(self) -> None:
        self._paho.loop_write()

    def _acknowledged(
        self, client: paho.Client, _data: Any, flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            self.refusals += 1
            return  # paho closes, and `_disconnected` follows
        self.connected = True
        self._attempt = 0
        self._up.set()
        self._lost.clear()
        self._paho.ping_within(_PING_AFTER * self.settings.keep_alive_s)
        self._look_again()
        if self._filters:
            client.subscribe(list(self._filters.items()))
        if self._on_connect is not None:
            self._on_connect(bool(flags.session_present))

    def _disconnected(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if not self._socket_open:
            return  # paho tells of a lost keep alive twice
        self._stop_timer()
        self._tell_lost(str(reason))
        if self._running and self.settings.backoff is not None:
            # The task that has just connected may still be on the stack.
            self._connecting = None
            self._connect_soon(self._backoff_s())

    def _tell_lost(self, reason: str) -> None:
        self._socket_open = False
        self.connected = False
        self._up.clear()
        self._lost.set()
        if self._on_disconnect is not None:
            self._on_disconnect(reason)

    def _received(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._take(message.topic, bytes(message.payload), message.qos, bool(message.retain))

    def _take(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        if self._on_message is not None:
            self._on_message(topic, payload, qos, retain)

    def _granted(
        self, _client: paho.Client, _data: Any, _mid: int, reasons: Any, _properties: Any
    ) -> None:
        if self._on_subscribed is not None:
            self._on_subscribed(not any(reason.is_failure for reason in reasons))

    # --- keep alive ------------------------------------------------------------------------------

    def _look_again(self) -> None:
        if self.settings.keep_alive_s:
            self._set_timer(_LOOK_EACH * self.settings.keep_alive_s)

    def _set_timer(self, delay_s: float) -> None:
        self._stop_timer()
        self._timer = self._loop.call_later(delay_s, self._look)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if not self.connected:
            self._give_up("no CONNACK in time")
            return
        self._paho.loop_misc()
        if self.connected:
            self._look_again()


class _on:  # noqa: N801 - reads as a word: with _on(loop)
    """paho's time is this loop's time, also when it is called between two runs of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __enter__(self) -> None:
        global _outside
        self._before, _outside = _outside, self._loop

    def __exit__(self, *_: object) -> None:
        global _outside
        _outside = self._before


def _numeric(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    return False
