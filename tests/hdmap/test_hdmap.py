"""The map service: versions in time, HTTP, faults, and what a vehicle refuses."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import random
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.needs import system
from twin.clock import Clock, run_real, run_virtual
from twin.devices.hdmap import MapService, MapStore, encode
from twin.errors import HarnessError, UnknownName
from twin.trace import Trace
from twin.wires.hdmap import MapServer

TOKEN = "t0ken"
GRAPH: dict[str, Any] = {
    "lanes": [{"id": "bridge-1", "nodes": ["a", "b"], "length_m": 618.0, "name": "Bắc Luân II"}]
}


class Office:
    def __init__(self, clock: Clock) -> None:
        self.clock, self.trace = clock, Trace(clock)
        self.service = MapService("maps", clock, self.trace, random.Random(1))
        self.server = MapServer(self.service, clock=clock, trace=self.trace, token=TOKEN)
        self.service.publish("bridge", "1", GRAPH, active_from_s=0.0)
        self.service.publish("bridge", "2", {**GRAPH, "speed": 5}, active_from_s=100.0)
        self.port = 0

    async def get(self, path: str, *, token: str = TOKEN, **headers: str) -> tuple[int, bytes, Any]:
        headers["Authorization"] = f"Bearer {token}"
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port}{path}", headers=headers) as response,
        ):
            return response.status, await response.read(), response.headers


def play(test: Callable[[Office], Awaitable[None]]) -> Office:
    kept: list[Office] = []

    async def main(clock: Clock) -> None:
        office = Office(clock)
        kept.append(office)
        office.port = await office.server.start()
        try:
            async with asyncio.timeout(3600):
                await test(office)
        finally:
            await office.server.stop()

    run_virtual(main)
    return kept[0]


def test_versions_are_announced_begin_and_end() -> None:
    """The list shows the status of the present instant; the later version takes over in time."""

    async def test(o: Office) -> None:
        async def statuses() -> list[str]:
            return [m["status"] for m in json.loads((await o.get("/v1/maps"))[1])["maps"]]

        assert await statuses() == ["active", "announced"]
        await o.clock.sleep(101)
        assert await statuses() == ["retired", "active"]
        status, body, _ = await o.get("/v1/maps/bridge/active")
        assert (status, json.loads(body)["mapVersion"]) == (200, "2")
        with pytest.raises(HarnessError, match="already"):
            o.service.publish("bridge", "2", GRAPH, active_from_s=900)
        with pytest.raises(HarnessError, match="not after 2"):
            o.service.publish("bridge", "3", GRAPH, active_from_s=50)

    play(test)


def test_a_download_can_be_held_against_its_hashes() -> None:
    """List, ETag and Repr-Digest tell the hash of the bytes; a known ETag saves the download."""

    async def test(o: Office) -> None:
        entry = json.loads((await o.get("/v1/maps"))[1])["maps"][0]
        status, body, headers = await o.get(entry["url"])
        digest = hashlib.sha256(body)
        assert status == 200
        assert (entry["sha256"], entry["size"]) == (digest.hexdigest(), len(body))
        assert headers["ETag"] == f'"{digest.hexdigest()}"'
        assert headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
        status, body, _ = await o.get(entry["url"], **{"If-None-Match": headers["ETag"]})
        assert (status, body) == (304, b"")
        status, _, _ = await o.get(entry["url"], **{"If-None-Match": '"other"'})
        assert status == 200

    play(test)


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [("/v1/maps", "wrong", 401), ("/v1/maps", "", 401), ("/v1/maps/bridge/9", TOKEN, 404),
     ("/v1/maps/moon/active", TOKEN, 404), ("/v2", TOKEN, 404)],
)  # fmt: skip
def test_wrong_requests_are_problems(path: str, token: str, status: int) -> None:
    """Status and media type of RFC 9457, and the near name of what was meant."""

    async def test(o: Office) -> None:
        got, body, headers = await o.get(path, token=token)
        assert got == status
        assert headers["Content-Type"].startswith("application/problem+json")
        assert json.loads(body)["status"] == status

    play(test)


def test_stale_corrupt_wrong_hash_unavailable_and_offline() -> None:
    """Each fault as its name says, and none of the first three gets past a vehicle's store."""

    async def test(o: Office) -> None:
        store = MapStore(o.clock)

        async def fetch(version: str) -> str:
            entries = json.loads((await o.get("/v1/maps"))[1])["maps"]
            entry = next(e for e in entries if e["mapVersion"] == version)
            _, body, _ = await o.get(entry["url"])
            return store.offer("bridge", version, body, entry["sha256"], 0.0)

        o.service.inject("corrupt")
        assert "SHA-256" in await fetch("1")
        o.service.heal("corrupt")
        o.service.inject("wrong_hash")
        assert "SHA-256" in await fetch("1")
        o.service.heal("wrong_hash")
        assert await fetch("1") == ""
        assert store.refusal("bridge", "1") == ""
        o.service.inject("stale")
        o.service.publish("bridge", "3", GRAPH, active_from_s=200.0)
        assert len(json.loads((await o.get("/v1/maps"))[1])["maps"]) == 2
        await o.clock.sleep(250)
        active = o.service.active("bridge")
        assert active is not None
        assert active.version == "3"
        assert json.loads((await o.get("/v1/maps/bridge/active"))[1])["mapVersion"] == "2"
        o.service.heal("stale")
        o.service.inject("unavailable")
        status, _, headers = await o.get("/v1/maps")
        assert (status, headers["Retry-After"]) == (503, "30")
        o.service.heal("unavailable")
        o.service.inject("offline")
        with pytest.raises(aiohttp.ClientError):
            await o.get("/v1/maps")
        o.service.heal("offline")
        await o.clock.sleep(0.1)
        assert (await o.get("/v1/maps"))[0] == 200

    play(test)


def test_a_vehicle_refuses_what_is_not_on_board_or_not_in_force() -> None:
    """Missing, early, late and mislabelled maps are refused with the reason."""

    async def main(clock: Clock) -> None:
        store = MapStore(clock)
        old = encode({"mapId": "m", "mapVersion": "1"})
        new = encode({"mapId": "m", "mapVersion": "2"})
        digest = [hashlib.sha256(content).hexdigest() for content in (old, new)]
        assert "not on board" in store.refusal("m", "1")
        assert store.offer("m", "1", old, digest[0], 0.0) == ""
        assert store.offer("m", "2", new, digest[1], 50.0) == ""
        assert "says that it is" in store.offer("m", "3", new, digest[1], 0.0)
        assert "not JSON" in store.offer("m", "1", b"{", hashlib.sha256(b"{").hexdigest(), 0.0)
        assert store.refusal("m", "1") == ""
        assert "2 is not in force; 1 is" in store.refusal("m", "2")
        await clock.sleep(51)
        assert "1 is not in force; 2 is" in store.refusal("m", "1")
        assert store.refusal("m", "2") == ""

    run_virtual(main)


@given(st.lists(st.floats(1, 500), min_size=1, max_size=8, unique=True), st.floats(0, 600))
@settings(max_examples=30, deadline=None)
def test_exactly_one_version_is_active_once_the_first_has_begun(
    starts: list[float], now_s: float
) -> None:
    """At any instant, service and store agree on which version is in force."""

    async def main(clock: Clock) -> None:
        service = MapService("maps", clock, Trace(clock), random.Random(1))
        store = MapStore(clock)
        for number, start in enumerate(sorted(starts)):
            made = service.publish("m", str(number), {}, active_from_s=start)
            assert store.offer("m", str(number), made.content, made.sha256, start) == ""
        await clock.sleep(now_s)
        active = [v for v in service.versions() if service.status(v) == "active"]
        begun = [start for start in starts if start <= clock.now_s()]
        assert len(active) == min(1, len(begun))
        kept = store.in_force("m")
        assert [kept] if kept else active == []
        if active:
            assert kept is not None
            assert kept.version == active[0].version

    run_virtual(main)


def test_no_token_is_traced_and_one_seed_gives_one_trace() -> None:
    """Requests are traced by path and status only."""

    async def test(o: Office) -> None:
        await o.get("/v1/maps")
        await o.get("/v1/maps/bridge/1", token="wr0ng")

    first, second = play(test), play(test)
    assert first.trace.sha256() == second.trace.sha256()
    assert not any(
        word in str(record.payload) for record in first.trace.records() for word in (TOKEN, "wr0ng")
    )
    with pytest.raises(UnknownName):
        first.service.inject("gremlin")


@pytest.mark.slow
@pytest.mark.system
def test_curl_and_sha256sum_agree(tmp_path: Path) -> None:
    """Two foreign tools download the map and find the announced hash."""
    system(shutil.which("curl") and shutil.which("sha256sum"), "curl or sha256sum is missing")

    async def main(clock: Clock) -> tuple[str, str]:
        office = Office(clock)
        port = await office.server.start()
        target = tmp_path / "map.json"
        child = await asyncio.create_subprocess_exec(
            "curl", "-sS", "--max-time", "20", "-H", f"Authorization: Bearer {TOKEN}", "-o",
            str(target), f"http://127.0.0.1:{port}/v1/maps/bridge/1",
        )  # fmt: skip
        await asyncio.wait_for(child.wait(), 30)
        summed = await asyncio.create_subprocess_exec(
            "sha256sum", str(target), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await asyncio.wait_for(summed.communicate(), 30)
        await office.server.stop()
        return out.decode().split()[0], office.service.find("bridge", "1").sha256

    found, announced = run_real(main)
    assert found == announced
