"""How jobs reach a fleet manager: by HTTP and by a person."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from hil.drivers.manual import ScriptedOperator
from hil.errors import BenchError
from hil.kits.fleet.hands import FleetManualHands, HttpJobs
from twin.clock import Clock, run_real, run_virtual


def test_http_jobs_fill_the_templates() -> None:
    """A job is a POST to the filled template, with the same values as JSON; 4xx is an error."""
    seen: list[tuple[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        seen.append((request.path, await request.json()))
        return web.Response(status=409 if "abandon" in request.path else 200)

    async def main(clock: Clock) -> None:
        app = web.Application()
        app.add_routes([web.post("/{rest:.*}", take)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        jobs = HttpJobs(
            {
                "bring": base + "/jobs/{vehicle}/{start}/{goal}",
                "abandon": base + "/abandon/{vehicle}",
            }
        )
        try:
            await jobs.bring("igv-01", "W1", "E1")
            with pytest.raises(BenchError, match=r"abandon/igv-01 was answered with 409"):
                await jobs.abandon("igv-01")
            with pytest.raises(BenchError, match=r"no URL for 'pause'; write jobs.pause"):
                await jobs.pause("igv-01", True)
        finally:
            await runner.cleanup()
        with pytest.raises(BenchError, match="POST"):
            await asyncio.wait_for(jobs.bring("igv-01", "W1", "E1"), 20.0)

    run_real(main)
    assert seen[0] == (
        "/jobs/igv-01/W1/E1", {"vehicle": "igv-01", "start": "W1", "goal": "E1"},
    )  # fmt: skip


def test_a_person_enters_jobs() -> None:
    """The prompts name vehicle and nodes; who says no stops the run."""
    person = ScriptedOperator([True, True, True, False])

    async def main(clock: Clock) -> None:
        hands = FleetManualHands(person, clock)
        await hands.bring("igv-01", "W1", "E1")
        await hands.bring("igv-01", "W1", "E1")  # twice is two jobs
        await hands.pause("igv-01", False)
        with pytest.raises(BenchError, match="could not do"):
            await hands.abandon("igv-01")

    run_virtual(main)
    assert person.asked[0] == "Enter the job: bring vehicle igv-01 from W1 to E1. Done?"
    assert person.asked[2] == "Resume vehicle igv-01. Done?"
