"""Clients that we did not write, on the wall clock: curl and requests."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from tests import needs
from tests.camera.rig import HIKVISION, PASSWORD, USER, Rig, text
from twin.clock import Clock, run_real

DIGESTS = [["MD5"], ["SHA-256"], ["SHA-256", "MD5"]]


def on_wall_clock(check: Callable[[Rig], Awaitable[Any]], digest: list[str]) -> None:
    """Run `check` against a served camera in real time, within 30 s."""

    async def main(clock: Clock) -> None:
        rig = Rig(clock)
        await rig.serve(msgspec.structs.replace(HIKVISION, digest=digest, heartbeat_s=0.2))
        assert rig.server is not None
        try:
            async with asyncio.timeout(30):
                await check(rig)
        finally:
            await rig.server.stop()

    run_real(main)


async def curl(*arguments: str, password: str = PASSWORD) -> tuple[int, bytes]:
    process = await asyncio.create_subprocess_exec(
        "curl", "--silent", "--show-error", "--digest", "--user", f"{USER}:{password}",
        *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.parametrize("digest", DIGESTS)
def test_curl_gets_in_and_reads_the_stream(digest: list[str]) -> None:
    """curl --digest reads a resource and an ANPR event, and is refused with a wrong password."""
    needs.system(shutil.which("curl"), "curl is not installed")

    async def check(rig: Rig) -> None:
        code, out = await curl("--fail", f"{rig.base}/ISAPI/System/deviceInfo")
        assert code == 0
        assert text(ET.fromstring(out), "model") == HIKVISION.identity.model
        code, _ = await curl("--fail", f"{rig.base}/ISAPI/System/deviceInfo", password="wrong")
        assert code == 22  # an HTTP error of 400 or above
        reading = asyncio.create_task(
            curl(
                "--max-time", "2", "--no-buffer", f"{rig.base}/ISAPI/Event/notification/alertStream"
            )
        )
        await asyncio.sleep(0.5)
        rig.camera.inject("ghost", plate="29C99999")
        code, out = await reading
        assert code == 28  # the stream has no end: curl's own time limit ends it
        assert out.count(b"<eventType>videoloss</eventType>") >= 3
        assert b"<licensePlate>29C99999</licensePlate>" in out
        assert out.count(b"\xff\xd8\xff") == 2

    on_wall_clock(check, digest)


@pytest.mark.slow
@pytest.mark.parametrize("digest", DIGESTS)
def test_requests_gets_in(digest: list[str]) -> None:
    """requests' HTTPDigestAuth reads, triggers, and is refused with a wrong password."""
    requests = pytest.importorskip("requests")

    def ask(base: str) -> list[int]:
        session = requests.Session()
        session.auth = requests.auth.HTTPDigestAuth(USER, PASSWORD)
        statuses = [
            session.get(f"{base}/ISAPI/System/time", timeout=5).status_code for _ in range(3)
        ]
        statuses.append(session.put(f"{base}/ISAPI/ITC/manualTrigger", timeout=5).status_code)
        wrong = requests.auth.HTTPDigestAuth(USER, "wrong")
        statuses.append(
            requests.get(f"{base}/ISAPI/System/time", auth=wrong, timeout=5).status_code
        )
        return statuses

    async def check(rig: Rig) -> None:
        assert await asyncio.to_thread(ask, rig.base) == [200, 200, 200, 200, 401]

    on_wall_clock(check, digest)
