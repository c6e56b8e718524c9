"""The crane's OPC UA server at its worst: faults, quirks, limits, broken clients."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import suppress

import pytest

pytest.importorskip("asyncua")

from tests.crane.port import Port, play, start
from twin.errors import UnknownName
from twin.wires.opcua import clockwork


def test_bad_quality_and_stale_values_reach_the_client() -> None:
    """One point turns bad and good again; frozen values keep their old time stamps."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            load = p.node(client, "hoist.load.mass")
            p.server.inject("bad_quality", point="load_kg", status="BadSensorFailure")
            await p.clock.sleep(1.5)
            value = await load.read_data_value(raise_on_bad_status=False)
            assert value.StatusCode.name == "BadSensorFailure"
            p.server.heal("bad_quality")
            await p.clock.sleep(1.5)
            assert (await load.read_data_value()).StatusCode.is_good()
            p.server.inject("stale")
            place = p.node(client, "gantry.place")
            before = await place.read_data_value()
            await start(client, p)
            await p.clock.sleep(5)
            frozen = await place.read_data_value()
            assert (frozen.Value.Value, frozen.SourceTimestamp) == (
                before.Value.Value, before.SourceTimestamp
            )  # fmt: skip
            assert p.site.body.state(next(iter(p.site.body._axes)))[0] > 0
            p.server.heal("stale")
            await p.clock.sleep(1)
            assert (await place.read_data_value()).Value.Value > 1.0

    play(test)


def test_links_break_as_ordered_and_mend() -> None:
    """Dropped once, down until healed, silent, slow: each as its name says."""

    async def test(p: Port) -> None:
        async with p.client(timeout=3) as client:
            p.server.inject("session_drop")
            await p.clock.sleep(0.1)
            with pytest.raises(Exception):  # noqa: B017, PT011 - the client has several names for it
                await p.node(client, "mode").read_value()
        p.server.heal("session_drop")
        p.server.inject("link_down")
        with pytest.raises(Exception):  # noqa: B017, PT011
            async with p.client(timeout=3):
                pass
        p.server.heal("link_down")
        async with p.client(timeout=3) as client:
            p.server.inject("slow", delay_s=1.0)
            began = p.clock.now_s()
            await p.node(client, "mode").read_value()
            assert 0.9 < p.clock.now_s() - began < 1.2
            p.server.heal("slow")
            p.server.inject("silent")
            with pytest.raises((TimeoutError, ConnectionError)):
                await p.node(client, "mode").read_value()
            p.server.heal("silent")
        async with p.client() as client:
            assert await p.node(client, "mode").read_value() == 3

    play(test)


def test_quirks_are_as_they_say() -> None:
    """`restamp` renews time stamps of what did not change; `local-time` is seven hours ahead."""

    async def read(p: Port) -> dt.datetime:
        async with p.client() as client:
            await p.clock.sleep(10)
            value = await p.node(client, "mode").read_data_value()
            stamp: dt.datetime = value.SourceTimestamp
            return stamp.replace(tzinfo=dt.UTC)

    def age_s(**quirks: bool) -> float:
        ages: list[float] = []

        async def test(p: Port) -> None:
            stamp = await read(p)
            ages.append((clockwork.civil(p.clock) - stamp).total_seconds())

        play(test, quirks=quirks)
        return ages[0]

    assert 9.5 < age_s() < 11
    assert age_s(restamp=True) < 1.5
    assert -7 * 3600 + 9 < age_s(**{"local-time": True}) < -7 * 3600 + 11
    with pytest.raises(UnknownName, match="quirk of profile opc40020"):
        play(read, quirks={"nonsense": True})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 64, b"HELF\x00\x00\x00\x00", b"HELF\x08\x00\x00\x00",
        b"MSGF\xff\xff\xff\x7f" + bytes(20), b"HELF\xff\x00\x00\x00half",
        b"OPNF\x20\x00\x00\x00" + bytes(24),
    ],
)  # fmt: skip
def test_a_broken_client_is_dropped_in_time_and_the_next_is_served(data: bytes) -> None:
    """No garbage holds a connection for more than the deadline, or the server at all."""

    async def test(p: Port) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", p.port)
        writer.write(data)
        with suppress(ConnectionError):
            async with asyncio.timeout(40):
                while await reader.read(100):
                    pass
        writer.close()
        async with p.client() as client:
            assert await p.node(client, "mode").read_value() == 3

    play(test)


def test_more_clients_than_the_controller_takes_are_refused() -> None:
    """The ninth connection is closed at once; when one leaves there is room again."""

    async def test(p: Port) -> None:
        streams = [await asyncio.open_connection("127.0.0.1", p.port) for _ in range(8)]
        await p.clock.sleep(0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", p.port)
        with suppress(ConnectionError):
            assert await reader.read(10) == b""
        writer.close()
        for _, other in streams:
            other.close()
        await p.clock.sleep(0.1)
        async with p.client() as client:
            assert await p.node(client, "mode").read_value() == 3

    port = play(test)
    assert [r["reason"] for r in port.site.kinds("opcua.conn") if r["event"] == "refused"] == [
        "all 8 connections are taken"
    ]
