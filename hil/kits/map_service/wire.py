"""A map service's wire: HTTP by aiohttp. Every exchange is recorded (`http`), the token never."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import aiohttp
from yarl import URL

from hil.errors import Unreachable
from twin.clock import Clock
from twin.trace import Trace

LIST = "/v1/maps"
TEXT_MAX = 16_000
"""Characters of an answer that are recorded; of everything its hash."""
GONE = (aiohttp.ClientError, OSError, TimeoutError, RuntimeError)
_HEADERS = ("ETag", "Repr-Digest", "WWW-Authenticate", "Cache-Control", "Retry-After")


class MapWire:
    """The service as a vehicle sees it; the only way to the device under test."""

    def __init__(
        self, base: str, token: str, clock: Clock, trace: Trace, *, limit_s: float
    ) -> None:
        self._base, self._token = base, token
        self._clock, self._trace, self._limit_s = clock, trace, limit_s
        self._session: aiohttp.ClientSession | None = None
        self._closing: list[asyncio.Task[None]] = []

    @property
    def connected(self) -> bool:
        """Whether a session is open."""
        return self._session is not None

    async def connect(self, limit_s: float | None = None) -> None:
        """Ask for the list, or raise `Unreachable`."""
        await self.drop()
        if await self.get(LIST, "connect", limit_s=limit_s) == 0:
            await self.drop()
            raise Unreachable(
                f"map service wire: no answer from {self._base}{LIST} within "
                f"{limit_s or self._limit_s:g} s; check the address in bench.toml"
            )

    def close(self) -> None:
        """Close the session at the loop's next turn."""
        self._closing = [task for task in self._closing if not task.done()]
        if self._session is not None:
            self._closing.append(asyncio.ensure_future(self.drop()))

    async def drop(self) -> None:
        """Close the session and wait for its end."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def get(
        self, path: str, label: str, *, method: str = "GET", token: str | None = "",
        headers: dict[str, str] | None = None, body: bytes | None = None,
        limit_s: float | None = None,
    ) -> int:  # fmt: skip
        """One request; its status, 0 without an answer. `token` None sends none at all."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self._token}"
        status, more = 0, dict[str, Any]()
        try:
            async with (
                asyncio.timeout(limit_s or self._limit_s),
                # encoded: what is odd in a path is odd on purpose
                self._session.request(
                    method, URL(f"{self._base}{path}", encoded=True), headers=sent, data=body,
                    allow_redirects=False,
                ) as answer,
            ):  # fmt: skip
                data, status = await answer.read(), answer.status
                text = data.decode("utf-8", "replace")
                more = {
                    "content_type": answer.content_type, "size": len(data),
                    "sha256": hashlib.sha256(data).hexdigest(),
                    "leaks": self._token in text,
                    "text": text[:TEXT_MAX].replace(self._token, "***"),
                    "headers": {k: answer.headers[k] for k in _HEADERS if k in answer.headers},
                }  # fmt: skip
        except GONE as error:
            more = {"error": type(error).__name__}
        self._trace(
            "wire", "http", label=label, method=method, path=path, status=status, **more
        )  # fmt: skip
        return status
