"""Hands at an emulated device in another process, over its bench-control HTTP interface.

One object plays stimulus, force gauge, power, inclinometer and operator, as `hil.emulated` serves
them. To the suite the emulated device is hardware: nothing is shared but sockets.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from hil.errors import BenchError
from twin.clock import Clock

from .base import AnswerKind, ForceRecord, Input

LIMIT_S = 5.0


class TwinHands:
    """Client of one bench-control interface."""

    uncertainty_deg = 0.5  # half a degree: the arm turns while the answer travels
    independent = True
    continuous = True

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self._http: aiohttp.ClientSession | None = None
        self.uncertainty_n = 0.0

    async def close(self) -> None:
        """Close the HTTP connection."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        if self._http is None:
            self._http = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(LIMIT_S * max(1.0, self._clock.speed)):
                async with self._http.request(method, self._url + path, json=body) as answer:
                    content = await answer.json()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise BenchError(
                f"bench control {self._url}{path}: {type(error).__name__}: {error}; "
                "does `python -m hil.emulated barrier` still run?"
            ) from error
        if answer.status != 200:
            raise BenchError(f"bench control {self._url}{path}: {content.get('error', content)}")
        return content

    async def place_obstacle(self, angle_deg: float) -> None:
        """See `Stimulus`."""
        await self._call("POST", "/v1/obstacle", {"angle_deg": angle_deg})

    async def remove_obstacle(self) -> None:
        """See `Stimulus`."""
        await self._call("POST", "/v1/obstacle", {"angle_deg": None})

    async def set_input(self, name: Input, active: bool) -> None:
        """See `Stimulus`."""
        await self._call("POST", "/v1/input", {"name": name, "active": active})

    async def block_drive(self, blocked: bool) -> None:
        """See `Stimulus`."""
        await self._call("POST", "/v1/drive", {"blocked": blocked})

    async def place(self, angle_deg: float) -> None:
        """See `ForceGauge`."""
        await self._call("POST", "/v1/gauge", {"angle_deg": angle_deg})

    async def read(self) -> ForceRecord | None:
        """See `ForceGauge`."""
        content = await self._call("GET", "/v1/force")
        self.uncertainty_n = float(content["uncertainty_n"])
        record = content["record"]
        return None if record is None else ForceRecord(**record)

    async def remove(self) -> None:
        """See `ForceGauge`."""
        await self._call("POST", "/v1/gauge", {"angle_deg": None})

    async def switch(self, on: bool) -> None:
        """See `Power`."""
        await self._call("POST", "/v1/power", {"on": on})

    async def angle_deg(self) -> float | None:
        """See `Inclinometer`."""
        return float((await self._call("GET", "/v1/angle"))["angle_deg"])

    async def ask(self, question: str, kind: AnswerKind, limit_s: float) -> bool | float | str:  # noqa: ARG002
        """See `Operator`: the emulated person does what the prompt says."""
        up = "raise the arm by hand" in question
        answer = await self._call("POST", "/v1/hand", {"up": up})
        if not up:
            return True
        if not answer["gave"]:
            return False
        await self._clock.sleep(8.0)
        angle = await self.angle_deg()
        return angle is not None and angle > 60.0
