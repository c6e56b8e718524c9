"""The customs service under open arrivals: aiohttp, one connection per session."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp
import msgspec

from loadtests.driver import Session, Steps
from loadtests.errors import LoadError, SessionBroken, TargetError
from loadtests.rest_calls import (
    HttpCall,
    Truck,
    calls_of,
    kind_of,
    synthetic_trucks,
    trucks_of_listing,
)


class RestSession:
    """One keep-alive connection."""

    def __init__(self, client: aiohttp.ClientSession, workload: RestWorkload) -> None:
        self._client, self._workload = client, workload

    async def call(self, number: int, steps: Steps) -> None:
        """All calls of one arrival; a decision of several calls has each of them timed."""
        calls = self._workload.calls(number)
        for call in calls:
            if len(calls) == 1:
                await self._send(call)
            else:
                with steps.step(call.name):
                    await self._send(call)

    async def _send(self, call: HttpCall) -> None:
        workload = self._workload
        try:
            async with self._client.request(
                call.method,
                workload.url + call.path,
                data=call.body or None,
                headers=call.headers(workload.token),
            ) as answer:
                await answer.read()
                call.check(answer.status)
        except aiohttp.ClientError as error:
            raise SessionBroken(type(error).__name__, str(error)) from error

    async def close(self) -> None:
        """Let go of the connection."""
        await self._client.close()


class RestWorkload:
    """Decisions, records, lookups and alarms of a gate, by the mix of `rest_calls`."""

    def __init__(self, target: str, token: str, seed: int, trucks: Sequence[Truck]) -> None:
        self.url = base_url(target)
        self.token = token
        self._seed = seed
        self._trucks = trucks

    def calls(self, number: int) -> list[HttpCall]:
        """The calls of arrival `number`."""
        return calls_of(number, self._seed, self._trucks)

    def name(self, number: int) -> str:
        """The request name of arrival `number`."""
        return kind_of(number, self._seed)

    async def connect(self) -> Session:
        """A client of one connection, opened by a health call so that its cost is seen here."""
        session = RestSession(_client(), self)
        try:
            await session._send(HttpCall("GET /v1/health", "GET", "/v1/health"))
        except BaseException:
            await session.close()
            raise
        return session


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=1, use_dns_cache=True),
        timeout=aiohttp.ClientTimeout(total=None),  # the driver owns the deadline
        auto_decompress=True,
        trust_env=False,
    )


def base_url(target: str) -> str:
    """The service's address without the version part that every path brings along."""
    if not target.startswith(("http://", "https://")):
        target = f"http://{target}"
    return target.rstrip("/").removesuffix("/v1")


async def declared_trucks(target: str, token: str, seed: int, timeout_s: float) -> list[Truck]:
    """Trucks that the service itself knows; synthetic ones where it lists none.

    Raises `TargetError` where it cannot be reached, `LoadError` where it refuses the token.
    """
    url = f"{base_url(target)}/v1/declarations?limit=200"
    call = HttpCall("GET /v1/declarations", "GET", "/v1/declarations")
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.get(url, headers=call.headers(token)) as answer,
        ):
            body, status = await answer.read(), answer.status
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise TargetError(
            f"{url}: no answer ({type(error).__name__}: {error}); next: check that the service "
            "runs and that --target names its address"
        ) from error
    if status in {401, 403}:
        raise LoadError(
            f"{url}: the service refuses the token (http {status}); next: give --token, or set "
            "GATETWIN_TOKEN to the `token` of services.customs in endpoints.json"
        )
    try:
        return trucks_of_listing(body) or synthetic_trucks(seed)
    except msgspec.MsgspecError:
        return synthetic_trucks(seed)
