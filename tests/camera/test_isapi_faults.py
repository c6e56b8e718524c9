"""Faults of the camera seen through its wire: offline, frozen, a port that is taken."""

from __future__ import annotations

import asyncio
import random
import socket

import aiohttp
import pytest

from tests.camera.rig import HIKVISION, Rig, get, on_rig
from twin.errors import HarnessError
from twin.wires.isapi import IsapiServer


def test_offline_breaks_and_refuses_connections_until_healed() -> None:
    """Going offline cuts open streams, new connections fail, and healing brings the port back."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        async with rig.stream() as stream:
            await stream.alert()
            rig.camera.inject("offline")
            with pytest.raises(aiohttp.ClientError):
                await stream.part(5)
        with pytest.raises(aiohttp.ClientConnectionError):
            await get(rig, "/ISAPI/System/time")
        rig.camera.heal("offline")
        await rig.clock.sleep(0.1)
        assert (await get(rig, "/ISAPI/System/time"))[0] == 200

    on_rig(check)


def test_a_camera_that_starts_offline_serves_once_healed() -> None:
    """Starting without network gives the port at once and answers there after healing."""

    async def check(rig: Rig) -> None:
        rig.camera.inject("offline")
        await rig.serve()
        with pytest.raises(aiohttp.ClientConnectionError):
            await get(rig, "/ISAPI/System/time")
        rig.camera.heal("offline")
        await rig.clock.sleep(0.1)
        assert (await get(rig, "/ISAPI/System/time"))[0] == 200

    on_rig(check)


def test_a_port_that_was_taken_meanwhile_ends_the_run() -> None:
    """If the port is gone when the network comes back, the run fails as the harness's fault."""

    async def check(rig: Rig) -> None:
        base = await rig.serve()
        rig.camera.inject("offline")
        await rig.clock.sleep(0.1)
        with socket.create_server(("127.0.0.1", int(base.rpartition(":")[2]))):
            rig.camera.heal("offline")
            await rig.clock.sleep(1)

    with pytest.raises(HarnessError, match="cannot listen"):
        on_rig(check)


def test_a_taken_port_is_a_harness_error() -> None:
    """A port in use is named with the next step, and is never a failure of the device."""

    async def check(rig: Rig) -> None:
        base = await rig.serve()
        other = Rig(rig.clock)
        server = IsapiServer(
            other.camera, HIKVISION, clock=rig.clock, trace=other.trace, password="x",
            rng=random.Random(1),
        )  # fmt: skip
        with pytest.raises(HarnessError, match="choose another port"):
            await server.start(port=int(base.rpartition(":")[2]))
        await server.stop()

    on_rig(check)


def test_a_frozen_camera_keeps_silent_and_wakes() -> None:
    """Frozen: no heartbeat, no answer; healed: both again, on the same connections."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        async with rig.stream() as stream:
            await stream.alert()
            rig.camera.inject("frozen")
            with pytest.raises(TimeoutError):
                await stream.part(55)
            waiting = asyncio.create_task(get(rig, "/ISAPI/System/time"))
            await rig.clock.sleep(30)
            assert not waiting.done()
            rig.camera.heal("frozen")
            assert (await waiting)[0] == 200

    on_rig(check)


def test_a_frozen_camera_answers_503_in_the_end() -> None:
    """A request to a camera that stays frozen ends after a minute; nothing waits for ever."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        rig.camera.inject("frozen")
        assert (await get(rig, "/ISAPI/System/time"))[0] == 503
        assert rig.clock.now_s() == pytest.approx(60, abs=1)

    on_rig(check)
