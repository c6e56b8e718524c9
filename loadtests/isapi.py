"""A plate camera under load: many subscribers of its alert stream, and requests beside them.

Requests are open arrivals: a picture of the lane behind HTTP digest, or an *echo*, a manual
trigger whose event has to come back over the stream. Subscribers each hold a stream and say how
late events came by the camera's own time stamps, which were missing, and which came twice.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field

import aiohttp

from loadtests.alerts import (
    INFO_PATH,
    PICTURE_PATH,
    STREAM_PATH,
    TRIGGER_PATH,
    Delays,
    PartCutter,
    boundary_of,
    read_alert,
)
from loadtests.driver import Session, Steps
from loadtests.errors import CallFailed, LoadError, SessionBroken, TargetError
from loadtests.streams import StreamLog

PICTURE, ECHO, EVENT, HEARTBEAT = "picture", "event echo", "event delay", "heartbeat"

SILENCE_S = 25.0
"""A stream that says nothing for two and a half heartbeats is broken."""

SETTLE_S = 1.0
"""An event in the last second of a run may still be under way: nobody misses it yet."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera: its address, its user, and the channel whose picture is asked for."""

    url: str
    user: str
    password: str = field(repr=False)
    channel: int = 1
    timeout_s: float = 5.0

    def client(self, *, streaming: bool = False) -> aiohttp.ClientSession:
        """A client of one connection with digest credentials."""
        digest = aiohttp.DigestAuthMiddleware(self.user, self.password)
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=self.timeout_s, sock_read=SILENCE_S if streaming else None
        )
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1), middlewares=(digest,), timeout=timeout,
            trust_env=False, read_bufsize=2**18,
        )  # fmt: skip

    async def check(self) -> None:
        """Log in once; raises `TargetError` where nobody answers, `LoadError` where refused."""
        try:
            async with asyncio.timeout(self.timeout_s):
                async with self.client() as client, client.get(self.url + INFO_PATH) as answer:
                    status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TargetError(
                f"{self.url}: no answer ({type(error).__name__}: {error}); next: check that the "
                "camera runs and that --target names its address"
            ) from error
        if status in {401, 403}:
            raise LoadError(
                f"{self.url}: the camera refuses user {self.user!r} (http {status}); next: give "
                "--user, and the password in GATETWIN_CAMERA_PASSWORD"
            )


@dataclass(slots=True)
class Heard:
    """What all subscribers of a run have heard, together."""

    seen_s: dict[str, float] = field(default_factory=dict)
    """When the first subscriber had an event, by its UUID."""
    triggers: deque[asyncio.Future[None]] = field(default_factory=deque)
    """Manual triggers whose event has not come yet, oldest first."""
    delays: Delays = field(default_factory=Delays)

    def manual(self) -> None:
        """An event of a manual trigger came for the first time: the oldest one has its echo."""
        while self.triggers:
            echo = self.triggers.popleft()
            if not echo.done():
                echo.set_result(None)
                return


class Subscriber:
    """One alert stream."""

    name = "alert stream"

    def __init__(self, camera: Camera, heard: Heard) -> None:
        self._camera, self._heard = camera, heard
        self._had: dict[str, float] = {}
        self._spans: list[list[float]] = []
        self._delays: list[tuple[float, float]] = []

    async def listen(self, log: StreamLog) -> None:
        """Subscribe and read until the stream breaks."""
        began_s = last_s = log.now_s()
        async with self._camera.client(streaming=True) as client:
            try:
                async with client.get(self._camera.url + STREAM_PATH) as answer:
                    if answer.status != 200:
                        raise SessionBroken(f"http {answer.status}")
                    cutter = PartCutter(boundary_of(answer.headers.get("Content-Type", "")))
                    span = [log.now_s(), log.now_s()]
                    self._spans.append(span)
                    log.seen("subscribe", began_s, began_s, span[0])
                    async for data in answer.content.iter_any():
                        span[1] = now_s = log.now_s()
                        for body in cutter.feed(data):
                            last_s = self._take(log, body, last_s, now_s)
            except aiohttp.ClientError as error:
                raise SessionBroken(type(error).__name__, str(error)) from error

    def _take(self, log: StreamLog, body: bytes, last_s: float, now_s: float) -> float:
        alert = read_alert(body)
        if alert is None:
            return last_s
        if alert.type != "ANPR":
            log.noted(HEARTBEAT, last_s, now_s)
            return now_s
        if alert.uuid in self._had:
            log.seen(EVENT, now_s, last_s, now_s, "twice")
            return now_s
        self._had[alert.uuid] = now_s
        if alert.uuid not in self._heard.seen_s:
            self._heard.seen_s[alert.uuid] = now_s
            if alert.manual:
                self._heard.manual()
        if alert.stamp_s is None:
            log.seen(EVENT, now_s, now_s, now_s, "no time stamp")
        else:
            self._heard.delays.add(now_s, alert.stamp_s)
            self._delays.append((now_s, now_s - alert.stamp_s))
        return now_s

    async def finish(self, log: StreamLog) -> None:
        """Delays against the quickest event of all subscribers, and what this one never got."""
        end_s, quickest_s = log.now_s(), self._heard.delays.quickest_s
        for seen_s, raw_s in self._delays:
            assert quickest_s is not None
            delay_s = raw_s - quickest_s
            log.seen(EVENT, seen_s - delay_s, seen_s - delay_s, seen_s)
        if self._spans:
            self._spans[-1][1] = end_s  # it was still listening
        for uuid, first_s in self._heard.seen_s.items():
            listening = any(a <= first_s <= b for a, b in self._spans)
            if uuid not in self._had and listening and first_s < end_s - SETTLE_S:
                log.seen(EVENT, first_s, first_s, end_s, "missing")


class IsapiSession:
    """One keep-alive connection for requests."""

    def __init__(self, client: aiohttp.ClientSession, workload: IsapiWorkload) -> None:
        self._client, self._workload = client, workload

    async def call(self, number: int, steps: Steps) -> None:
        """A picture, or a trigger and the wait for its event."""
        workload = self._workload
        if workload.name(number) == PICTURE:
            path = PICTURE_PATH.format(channel=workload.camera.channel)
            await self._send("GET", path, magic=b"\xff\xd8")
            return
        echo: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        workload.heard.triggers.append(echo)
        try:
            with steps.step(f"PUT {TRIGGER_PATH}"):
                await self._send("PUT", TRIGGER_PATH)
            await echo
        finally:
            echo.cancel()

    async def _send(self, method: str, path: str, magic: bytes = b"") -> None:
        try:
            async with self._client.request(method, self._workload.camera.url + path) as answer:
                body = await answer.read()
                if answer.status != 200:
                    raise CallFailed(f"http {answer.status}")
                if not body.startswith(magic):
                    raise CallFailed("no picture")
        except aiohttp.ClientError as error:
            raise SessionBroken(type(error).__name__, str(error)) from error

    async def close(self) -> None:
        """Let go of the connection."""
        await self._client.close()


class IsapiWorkload:
    """Pictures, and a share of echoes, of one camera."""

    def __init__(self, camera: Camera, *, subscribers: int, echo_share: float, seed: int) -> None:
        if not 0 <= echo_share <= 1:
            raise LoadError(f"a share of {echo_share:g} echoes: must be 0 to 1")
        if echo_share and not subscribers:
            raise LoadError("an echo needs a subscriber to hear it; next: --subscribers 1")
        self.camera, self.heard = camera, Heard()
        self._echo_share, self._seed = echo_share, seed
        self.listeners = [Subscriber(camera, self.heard) for _ in range(subscribers)]

    def name(self, number: int) -> str:
        """The request name of arrival `number`."""
        return kind_of(number, self._seed, self._echo_share)

    async def connect(self) -> Session:
        """A client of one connection, logged in so that the cost is seen here."""
        session = IsapiSession(self.camera.client(), self)
        try:
            await session._send("GET", INFO_PATH)
        except BaseException:
            await session.close()
            raise
        return session


def kind_of(number: int, seed: int, echo_share: float) -> str:
    """What arrival `number` does; the same for one seed in any process."""
    return ECHO if random.Random(f"{seed} {number}").random() < echo_share else PICTURE


def base_url(target: str) -> str:
    """The camera's address as a URL."""
    if not target.startswith(("http://", "https://")):
        target = f"http://{target}"
    return target.rstrip("/")
