"""Hands at an emulated device in another process, over its bench-control HTTP interface.

To the suite the emulated device is hardware: nothing is shared but sockets. Each kit adds the
methods of the roles that its hands play.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from hil.errors import BenchError
from hil.roles import AnswerKind
from twin.clock import Clock

LIMIT_S = 5.0


class TwinHands:
    """Client of one bench-control interface."""

    instant = True
    """What it is told to do is done when the call returns."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the HTTP connection."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def ask(self, question: str, kind: AnswerKind, limit_s: float) -> bool | float | str:  # noqa: ARG002
        """See `Operator`: the emulated person does what the prompt says."""
        answer: bool | float | str = (await self.call("ask", question=question, kind=kind))[
            "answer"
        ]
        return answer

    async def switch(self, on: bool) -> None:
        """See `Power`."""
        await self.call("power", on=on)

    async def now_iso(self) -> str:
        """True civil time, ISO 8601 with its offset: an emulator's day is its own."""
        return str((await self.call("time"))["now"])

    async def call(self, verb: str, **body: Any) -> Any:
        """Let the hands do `verb`; a refusal or a silent emulator is a `BenchError`."""
        path = f"/v1/{verb}"
        if self._http is None:
            self._http = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(LIMIT_S * max(1.0, self._clock.speed)):
                async with self._http.post(self._url + path, json=body) as answer:
                    content = await answer.json()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise BenchError(
                f"bench control {self._url}{path}: {type(error).__name__}: {error}; "
                "does the emulator (`python -m hil.emulated`) still run?"
            ) from error
        if answer.status != 200:
            raise BenchError(f"bench control {self._url}{path}: {content.get('error', content)}")
        return content
