"""The alert stream in virtual time, read by aiohttp's client and the parsers of the library."""

from __future__ import annotations

import asyncio
import io
import socket

import msgspec
import pytest
from PIL import Image

from tests.camera.credentials import header, nonce_of
from tests.camera.rig import HIKVISION, NAMESPACE, PASSWORD, STREAM, Rig, get, on_rig, text, truck
from twin.errors import HarnessError


def test_a_recognition_travels_with_its_pictures() -> None:
    """An event names the plate that was read, and its JPEG parts are pictures of it."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        async with rig.stream() as stream:
            rig.drive()
            alert = await stream.anpr()
            reading = rig.readings[0]
            assert alert.tag == f"{NAMESPACE}EventNotificationAlert"
            assert text(alert, "ANPR/licensePlate") == reading.plate == "14C12345"
            assert text(alert, "ANPR/originalLicensePlate") == "14C12345"
            assert text(alert, "ANPR/confidenceLevel") == str(reading.confidence)
            beliefs = text(alert, "ANPR/plateCharBelieve").split(",")
            assert tuple(map(int, beliefs)) == reading.confidences
            assert text(alert, "ANPR/plateColor") == "yellow"
            assert text(alert, "ANPR/vehicleListName") == "otherList"
            assert text(alert, "dateTime") == "2023-05-30T00:00:03+07:00"
            assert text(alert, "UUID") == reading.uuid
            assert text(alert, "picNum") == "2"
            for width in (220, 640):
                part = await stream.part()
                assert part is not None
                assert part[0] == "image/jpeg"
                with Image.open(io.BytesIO(part[1])) as image:
                    image.load()
                    assert image.width == width

    rig = on_rig(check)
    (event,) = rig.records("isapi.event")
    assert (event.payload["conn"], event.payload["plate"]) == (0, "14C12345")
    assert event.cause == rig.records("device.state")[0].id


def test_an_unreadable_plate_is_unknown() -> None:
    """`licensePlate` is `unknown`, confidence 0, beliefs empty, and there is no plate picture."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        async with rig.stream() as stream:
            rig.drive(truck(dirt=1.0))
            alert = await stream.anpr()
            assert text(alert, "ANPR/licensePlate") == "unknown"
            assert text(alert, "ANPR/confidenceLevel") == "0"
            assert text(alert, "ANPR/plateCharBelieve") == ""
            assert text(alert, "ANPR/country") == "0"
            assert text(alert, "picNum") == "1"

    on_rig(check)


def test_strange_plates_stay_well_formed() -> None:
    """A plate text with markup or control characters cannot break the document."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        async with rig.stream() as stream:
            rig.camera.inject("ghost", plate='<a>&"\x00\x1b')
            assert text(await stream.anpr(), "ANPR/licensePlate") == '<a>&"'

    on_rig(check)


def test_heartbeats_fill_silence_only() -> None:
    """A heartbeat comes at once and 10 s after whatever was sent last: videoloss, inactive."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        times = []
        async with rig.stream() as stream:
            for _ in range(3):
                alert = await stream.alert()
                assert text(alert, "eventType") == "videoloss"
                assert text(alert, "eventState") == "inactive"
                times.append(rig.clock.now_s())
            rig.drive()
            await stream.anpr()
            read_s = rig.clock.now_s()
            await stream.alert()
            assert rig.clock.now_s() == pytest.approx(read_s + 10.0, abs=1e-6)
        assert times == pytest.approx([0.0, 10.0, 20.0], abs=1e-6)

    on_rig(check)


def test_nothing_beats_without_a_client() -> None:
    """With no stream open the camera causes no event at all in an hour."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        before = len(rig.trace)
        await rig.clock.sleep(3600)
        assert len(rig.trace) == before
        assert rig.clock.env.peek() == float("inf")

    on_rig(check)


def test_every_stream_gets_every_event_once_in_order() -> None:
    """Three streams each get the same four events in the order of the trucks."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        seen: list[list[str]] = []

        async def listen() -> None:
            async with rig.stream() as stream:
                seen.append([text(await stream.anpr(600), "UUID") for _ in range(4)])

        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(listen())
            await rig.clock.sleep(1)
            for number in range(4):
                mover = rig.drive(truck(f"14C1234{number}", id=f"v{number}"))
                await rig.clock.sleep(20)
                rig.lane.remove(mover)
        assert seen == [[reading.uuid for reading in rig.readings]] * 3

    rig = on_rig(check)
    assert sorted(record.payload["conn"] for record in rig.records("isapi.event")) == (
        [0] * 4 + [1] * 4 + [2] * 4
    )


def test_a_client_that_does_not_read_is_cut_off() -> None:
    """A stream whose client stops reading ends by a deadline; others are not held up."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        assert rig.server is not None
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        host, port = rig.base.removeprefix("http://").split(":")
        await rig.clock.loop.sock_connect(sock, (host, int(port)))
        signed = header(nonce_of(rig.server.auth), uri=STREAM, password=PASSWORD,
                        realm=HIKVISION.realm)  # fmt: skip
        request = f"GET {STREAM} HTTP/1.1\r\nHost: camera\r\nAuthorization: {signed}\r\n\r\n"
        with sock:
            await rig.clock.loop.sock_sendall(sock, request.encode())
            async with rig.stream() as other:
                assert len(rig.server._streams) == 2
                for _ in range(40):
                    rig.camera.inject("ghost", plate="14C00001")
                    rig.camera.heal("ghost")
                    await other.anpr()
                await rig.clock.sleep(60)
                assert list(rig.server._streams) == [1]

    on_rig(check)


def test_a_client_that_goes_away_is_forgotten() -> None:
    """A closed connection frees its place among the streams without waiting for a heartbeat."""

    async def check(rig: Rig) -> None:
        await rig.serve(msgspec.structs.replace(HIKVISION, max_streams=1))
        for _ in range(5):
            async with rig.stream() as stream:
                await stream.alert()
            await rig.clock.sleep(0.01)

    on_rig(check)


def test_stop_ends_streams_and_start_again_works() -> None:
    """Stopping closes every stream with the final boundary; the server can start again."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        server = rig.server
        assert server is not None
        with pytest.raises(HarnessError, match="runs already"):
            await server.start()
        async with rig.stream() as stream:
            await stream.alert()
            stopping = asyncio.create_task(server.stop())
            assert await stream.part() is None
            await stopping
        rig.base = f"http://127.0.0.1:{await server.start()}"
        assert (await get(rig, "/ISAPI/System/time"))[0] == 200

    on_rig(check)
