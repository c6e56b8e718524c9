"""A camera's wire: ISAPI over HTTP by aiohttp, whose digest and multipart are not ours.

Every exchange is recorded (`http`), every part of a stream (`part`), every push (`push`); texts
whole, pictures as what a decoder says of them. Passwords and digests are never recorded.
"""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any

import aiohttp
from PIL import Image, UnidentifiedImageError

from hil.errors import Unreachable
from twin.clock import Clock
from twin.trace import Trace

STREAM = "/ISAPI/Event/notification/alertStream"
INFO = "/ISAPI/System/deviceInfo"
TIME = "/ISAPI/System/time"
PICTURE = "/ISAPI/Streaming/channels/1/picture"
TRIGGER = "/ISAPI/ITC/manualTrigger"
PLATES = "/ISAPI/Traffic/channels/1/vehicleDetect/plates"
HOST = "/ISAPI/Event/notification/httpHosts/1"

TEXT_MAX = 32_000
"""Characters of an answer that are recorded."""

EPHEMERAL = 32_768
"""Ports from here on are drawn by the system."""

GONE = (aiohttp.ClientError, OSError, TimeoutError, RuntimeError)


class CameraWire:
    """The camera as its client sees it; the only way to the device under test."""

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        password: str,
        clock: Clock,
        trace: Trace,
        *,
        limit_s: float,
    ) -> None:
        self.base = f"http://{host}:{port}"
        # only as the port's own element: a picture's name may hold the same five digits
        self._port = re.compile(rf"(<portNo>\s*){port}\b") if port >= EPHEMERAL else None
        self.user, self._password = user, password
        self._clock, self._trace, self._limit_s = clock, trace, limit_s
        self._session: aiohttp.ClientSession | None = None
        self._streams: dict[str, asyncio.Task[None]] = {}
        self._sent = ""
        self._closing: list[asyncio.Task[None]] = []

    @property
    def connected(self) -> bool:
        """Whether a session is open."""
        return self._session is not None

    def _open(self, password: str | None) -> aiohttp.ClientSession:
        """A session; None as password sends no credentials."""
        trace = aiohttp.TraceConfig()

        async def sent(_session: Any, _context: Any, params: Any) -> None:
            self._sent = params.headers.get("Authorization", "")

        trace.on_request_headers_sent.append(sent)
        digest = () if password is None else (aiohttp.DigestAuthMiddleware(self.user, password),)
        return aiohttp.ClientSession(
            self.base, middlewares=digest, trace_configs=[trace],
            timeout=aiohttp.ClientTimeout(total=None),
        )  # fmt: skip

    async def connect(self, limit_s: float | None = None) -> None:
        """Open a session and ask who it is, or raise `Unreachable`."""
        await self.drop()
        self._session = self._open(self._password)
        status, _ = await self.get(INFO, "connect", limit_s=limit_s)
        if status == 0:
            await self.drop()
            raise Unreachable(
                f"camera wire: no answer from {self.base}{INFO} within "
                f"{limit_s or self._limit_s:g} s; check power, cable and the address in bench.toml"
            )

    def close(self) -> None:
        """Close session and streams; they end at the loop's next turn."""
        self._closing = [task for task in self._closing if not task.done()]
        if self._session is not None or self._streams:
            self._closing.append(asyncio.ensure_future(self.drop()))

    async def drop(self) -> None:
        """Close session and streams, and wait for their end."""
        tasks, self._streams = list(self._streams.values()), {}
        session, self._session = self._session, None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if session is not None:
            await session.close()

    async def get(self, path: str, label: str, **options: Any) -> tuple[int, str]:
        """GET a resource; see `call`."""
        return await self.call("GET", path, label, **options)

    async def call(
        self,
        method: str,
        path: str,
        label: str,
        *,
        body: bytes | None = None,
        password: str | None = "",
        authorization: str = "",
        limit_s: float | None = None,
        record: bool = True,
    ) -> tuple[int, str]:
        """One request; its status (0: no answer) and text. All of it is recorded.

        `password` empty uses the right one, None sends no credentials. `authorization` is sent
        as it is, without a session's own. `record` off leaves the record to the case.
        """
        own = password != "" or bool(authorization)
        session = self._open(None if authorization else password) if own else self._session
        if session is None:
            session = self._session = self._open(self._password)
        headers = {"Authorization": authorization} if authorization else {}
        status, text, more = 0, "", {}
        try:
            async with (
                asyncio.timeout(limit_s or self._limit_s),
                session.request(method, path, data=body, headers=headers) as answer,
            ):
                data = await answer.read()
                status = answer.status
                more = {
                    "content_type": answer.content_type,
                    "size": len(data),
                    "challenges": answer.headers.getall("WWW-Authenticate", []),
                    **picture(answer.content_type, data),
                }
                if answer.content_type != "image/jpeg":
                    text = self.shown(data)
        except GONE as error:
            more = {"error": type(error).__name__}
        finally:
            if own:
                await session.close()
        if not record:
            return status, text
        self._trace(
            "wire", "http", label=label, method=method, path=path, status=status, text=text, **more
        )
        return status, text

    async def captured(self) -> str:
        """The Authorization header of a fresh, right request for the device's information."""
        session = self._open(self._password)
        try:
            async with asyncio.timeout(self._limit_s), session.get(INFO) as answer:
                await answer.read()
            return self._sent
        except GONE:
            return ""
        finally:
            await session.close()

    def shown(self, data: bytes) -> str:
        """What is recorded of a text; an emulator's port is another in every run, so it is not."""
        text = data.decode("utf-8", "replace")[:TEXT_MAX]
        return self._port.sub(r"\1PORT", text) if self._port else text

    async def stream(self, label: str) -> None:
        """Begin to read the alert stream in the background, until `drop` or its end."""
        if self._session is None:
            self._session = self._open(self._password)
        ready = asyncio.get_running_loop().create_future()
        self._streams[label] = asyncio.ensure_future(self._read(label, ready))
        try:
            async with asyncio.timeout(self._limit_s):
                await ready
        except TimeoutError:
            self._trace("wire", "stream.end", label=label, how="no answer")

    async def _read(self, label: str, ready: asyncio.Future[None]) -> None:
        assert self._session is not None
        how = "ended"
        try:
            async with self._session.get(STREAM) as answer:
                self._trace(
                    "wire", "stream.begin", label=label, status=answer.status,
                    content_type=answer.headers.get("Content-Type", ""),
                )  # fmt: skip
                if not ready.done():
                    ready.set_result(None)
                if answer.status == 200:
                    await self._parts(label, answer)
        except GONE as error:
            how = type(error).__name__
        except ValueError as error:
            how = f"malformed: {error}"[:200]
        finally:
            if not ready.done():
                ready.set_result(None)
            self._trace("wire", "stream.end", label=label, how=how)

    async def _parts(self, label: str, answer: aiohttp.ClientResponse) -> None:
        reader = aiohttp.MultipartReader.from_response(answer)
        while (part := await reader.next()) is not None:
            if not isinstance(part, aiohttp.BodyPartReader):
                raise ValueError("a multipart inside the stream")
            kind = part.headers.get("Content-Type", "").split(";")[0].strip()
            data = bytes(await part.read())
            text = self.shown(data) if kind != "image/jpeg" else ""
            self._trace(
                "wire", "part", label=label, content_type=kind, size=len(data),
                text=text, declared=int(part.headers.get("Content-Length", -1)),
                **picture(kind, data),
            )  # fmt: skip


def picture(content_type: str, data: bytes) -> dict[str, Any]:
    """What a decoder says of a JPEG: its size in pixels, or that it cannot be read."""
    if content_type != "image/jpeg":
        return {}
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return {"jpeg": image.format == "JPEG", "width": image.width, "height": image.height}
    except (UnidentifiedImageError, OSError, SyntaxError):
        return {"jpeg": False}
