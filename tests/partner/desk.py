"""A customs service and a client for one test, in virtual time."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp

from twin.clock import Clock, run_virtual
from twin.partner import Declaration, PartnerService, PartnerState
from twin.trace import Trace

T = TypeVar("T")
TOKEN = "a-token-of-the-test"
NUMBER = "301234567890"


def declared(number: str = NUMBER, **changes: Any) -> Declaration:
    """A laden export that may cross, but for `changes`."""
    fields: dict[str, Any] = {
        "number": number, "direction": "out", "plate": "14C12345", "trailer_plate": "14R01234",
        "container": "CSQU3054383", "laden": True, "goods_hs": "0810.60",
        "declared_gross_kg": 38_000, "axles": 5,
    }  # fmt: skip
    return Declaration(**(fields | changes))


def wish(**changes: Any) -> dict[str, Any]:
    """A release request that fits `declared()`, but for `changes`."""
    fields = {
        "declaration": NUMBER, "plate": "14C12345", "gross_kg": 38_200, "lane": "out-1",
        "business_time": "2023-05-30T07:00:00+07:00",
    }  # fmt: skip
    return fields | changes


class Answer:
    def __init__(self, response: aiohttp.ClientResponse, json: Any) -> None:
        self.status, self.json, self.headers = response.status, json, response.headers

    @property
    def code(self) -> str:
        """The code of a problem document, which every error must be."""
        assert self.headers["Content-Type"] == "application/problem+json"
        assert self.json["type"] == f"urn:gatetwin:problem:{self.json['code']}"
        assert self.json["status"] == self.status
        assert self.json["detail"]
        return str(self.json["code"])


class Desk:
    def __init__(self, clock: Clock, seed: int = 1) -> None:
        self.clock, self.trace = clock, Trace(clock)
        self.state = PartnerState(clock, self.trace, random.Random(seed))
        self.service = PartnerService(self.state, clock, self.trace, TOKEN)
        self.client: aiohttp.ClientSession

    async def open(self) -> None:
        """Start the service and a client of it."""
        port = await self.service.start()
        self.client = aiohttp.ClientSession(
            f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            connector=aiohttp.TCPConnector(keepalive_timeout=600),
        )

    async def close(self) -> None:
        """Stop both."""
        await self.client.close()
        await self.service.stop()

    async def get(self, path: str, **query: Any) -> Answer:
        async with self.client.get(path, params=query) as response:
            return Answer(response, await response.json(content_type=None))

    async def post(self, path: str, body: Any, key: str | None = None) -> Answer:
        headers = {} if key is None else {"Idempotency-Key": key}
        async with self.client.post(path, json=body, headers=headers) as response:
            return Answer(response, await response.json(content_type=None))

    async def release(self, key: str = "k1", **changes: Any) -> Answer:
        return await self.post("/v1/releases", wish(**changes), key)

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        return [r.payload for r in self.trace.records() if r.kind == kind]


def at_desk(test: Callable[[Desk], Awaitable[T]], *, seed: int = 0) -> T:
    """Run `test` against a started service."""

    async def main(clock: Clock) -> T:
        desk = Desk(clock)
        await desk.open()
        try:
            return await test(desk)
        finally:
            await desk.close()

    return run_virtual(main, seed=seed)
