"""Hands that give jobs: an emulated master's, a person's, and plain HTTP requests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp

from hil.drivers.manual import ACTION_LIMIT_S, ManualHands
from hil.drivers.twin import TwinHands
from hil.errors import BenchError

HTTP_LIMIT_S = 10.0


class FleetTwinHands(TwinHands):
    """Plays jobs and power."""

    async def bring(self, vehicle: str, start: str, goal: str) -> None:
        """See `Jobs`."""
        await self.call("bring", vehicle=vehicle, start=start, goal=goal)

    async def abandon(self, vehicle: str) -> None:
        """See `Jobs`."""
        await self.call("abandon", vehicle=vehicle)

    async def pause(self, vehicle: str, on: bool) -> None:
        """See `Jobs`."""
        await self.call("pause", vehicle=vehicle, on=on)


class FleetManualHands(ManualHands):
    """The same by prompts."""

    device = "fleet manager"

    async def _ask(self, question: str) -> None:
        if not await self._operator.ask(question, "confirm", ACTION_LIMIT_S):
            raise BenchError(f"operator: could not do: {question}")

    async def bring(self, vehicle: str, start: str, goal: str) -> None:
        """See `Jobs`."""
        await self._ask(f"Enter the job: bring vehicle {vehicle} from {start} to {goal}. Done?")

    async def abandon(self, vehicle: str) -> None:
        """See `Jobs`."""
        await self._ask(f"Abandon all jobs of vehicle {vehicle}, if it has any. Done?")

    async def pause(self, vehicle: str, on: bool) -> None:
        """See `Jobs`."""
        await self._ask(f"{'Pause' if on else 'Resume'} vehicle {vehicle}. Done?")


class HttpJobs:
    """Jobs by POST; the templates stand in bench.toml and know {vehicle}, {start} and {goal}."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        """`urls` by verb: bring, abandon, pause, resume."""
        self._urls = urls

    async def _post(self, verb: str, **values: str) -> None:
        template = self._urls.get(verb, "")
        if not template:
            raise BenchError(f"jobs: no URL for {verb!r}; write jobs.{verb} into bench.toml")
        url = template.format(**values)
        try:
            async with (
                asyncio.timeout(HTTP_LIMIT_S),
                aiohttp.ClientSession() as client,
                client.post(url, json=values) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise BenchError(f"jobs: POST {url}: {type(error).__name__}: {error}") from error
        if status >= 400:
            raise BenchError(f"jobs: POST {url} was answered with {status}")

    async def bring(self, vehicle: str, start: str, goal: str) -> None:
        """See `Jobs`."""
        await self._post("bring", vehicle=vehicle, start=start, goal=goal)

    async def abandon(self, vehicle: str) -> None:
        """See `Jobs`."""
        await self._post("abandon", vehicle=vehicle)

    async def pause(self, vehicle: str, on: bool) -> None:
        """See `Jobs`."""
        await self._post("pause" if on else "resume", vehicle=vehicle)
