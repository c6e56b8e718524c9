"""The ISAPI wire in virtual time, read by aiohttp's client and the parsers of the library."""

from __future__ import annotations

import asyncio
import io
import json
import random
import socket
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp
import msgspec
import pytest
from PIL import Image

from tests.camera.rig import NAMESPACE, PASSWORD, Rig, on_rig, text, truck
from tests.camera.test_digest import header, nonce_of
from twin.errors import HarnessError
from twin.profiles import camera as profiles
from twin.wires.isapi import IsapiServer

HIKVISION = profiles.load("camera.hikvision")
STREAM = "/ISAPI/Event/notification/alertStream"


async def get(rig: Rig, path: str, method: str = "GET", **kwargs: Any) -> tuple[int, bytes]:
    """One request with the right password."""
    async with rig.client() as session, session.request(method, path, **kwargs) as answer:
        return answer.status, await answer.read()


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


def test_credentials_are_needed_everywhere() -> None:
    """Without or with a wrong password every path is a 401 with a challenge, and nothing else."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        paths = [STREAM, "/ISAPI/System/deviceInfo", "/ISAPI/Streaming/channels/1/picture", "/x"]
        for path in paths:
            async with aiohttp.ClientSession(rig.base) as session, session.get(path) as answer:
                assert answer.status == 401
                offers = answer.headers.getall("WWW-Authenticate")
                assert ["SHA-256" in offers[0], "MD5" in offers[1]] == [True, True]
                assert b"14C" not in await answer.read()
            async with rig.client("wrong") as session, session.get(path) as answer:
                assert answer.status == 401
        async with aiohttp.ClientSession(rig.base) as session:
            basic = {"Authorization": aiohttp.encode_basic_auth("gate", "open sesame")}
            async with session.get(paths[1], headers=basic) as answer:
                assert answer.status == 401
        assert rig.camera.points["reads"].read() == 0

    on_rig(check)


def test_a_replayed_request_is_refused() -> None:
    """The exact header of an answered request gets a 401 with stale=true the second time."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        async with rig.client() as session, session.get("/ISAPI/System/time") as answer:
            signed = answer.request_info.headers["Authorization"]
            assert answer.status == 200
        async with (
            aiohttp.ClientSession(rig.base) as thief,
            thief.get("/ISAPI/System/time", headers={"Authorization": signed}) as answer,
        ):
            assert answer.status == 401
            assert "stale=true" in answer.headers["WWW-Authenticate"]

    on_rig(check)


def test_an_expired_nonce_is_renewed_by_an_honest_client() -> None:
    """After the life of a nonce a client with the password goes on without an error."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        async with rig.client() as session:
            for _ in range(3):
                async with session.get("/ISAPI/System/deviceInfo") as answer:
                    assert answer.status == 200
                await rig.clock.sleep(301)

    on_rig(check)


def test_plain_resources() -> None:
    """Device info, time and picture are what they say; the time is the camera's own."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        status, body = await get(rig, "/ISAPI/System/deviceInfo")
        info = ET.fromstring(body)
        assert status == 200
        assert text(info, "model") == HIKVISION.identity.model
        assert text(info, "firmwareVersion") == HIKVISION.identity.firmware_version
        rig.camera.inject("clock_skew", skew_s=90)
        _, body = await get(rig, "/ISAPI/System/time")
        assert text(ET.fromstring(body), "localTime") == "2023-05-30T00:01:30+07:00"
        status, body = await get(rig, "/ISAPI/Streaming/channels/101/picture")
        assert (status, body[:2]) == (200, b"\xff\xd8")

    on_rig(check)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/ISAPI/Nothing", 404),
        ("GET", "/", 404),
        ("DELETE", "/ISAPI/System/deviceInfo", 405),
        ("GET", "/ISAPI/Streaming/channels/9/picture", 404),
        ("GET", "/ISAPI/Event/notification/httpHosts/1", 404),
        ("DELETE", "/ISAPI/Event/notification/httpHosts/1", 404),
        ("POST", "/ISAPI/Traffic/channels/7/vehicleDetect/plates", 404),
    ],
)
def test_wrong_requests_are_answered_in_the_cameras_form(
    method: str, path: str, status: int
) -> None:
    """A path or method that does not exist gets a ResponseStatus document, not a bare error."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        got, body = await get(rig, path, method)
        assert got == status
        assert text(ET.fromstring(body), "statusCode") == "4"

    on_rig(check)


@pytest.mark.parametrize(
    "body",
    [b"", b"<a", b"<AfterTime/>", b"<a><picTime>x</picTime></a>", b"\xff\xfe",
     b"<!DOCTYPE a [<!ENTITY b '0'>]><a><picTime>&b;</picTime></a>"],
)  # fmt: skip
def test_bad_bodies_are_refused(body: bytes) -> None:
    """A body that is no usable XML gets a 400 with a reason; document types are never read."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        path = "/ISAPI/Traffic/channels/1/vehicleDetect/plates"
        status, answer = await get(rig, path, "POST", data=body)
        assert status == 400
        assert text(ET.fromstring(answer), "statusCode") == "6"

    on_rig(check)


def test_a_huge_body_is_refused() -> None:
    """More than 64 kB gets a 413, and the camera goes on."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        path = "/ISAPI/Traffic/channels/1/vehicleDetect/plates"
        status, _ = await get(rig, path, "POST", data=b"x" * 100_000)
        assert status == 413
        assert (await get(rig, "/ISAPI/System/time"))[0] == 200

    on_rig(check)


def test_polling_gives_what_came_after() -> None:
    """A client that names the last picture it had gets the newer plates only."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        for number in range(3):
            mover = rig.drive(truck(f"14C1234{number}", id=f"v{number}"))
            await rig.clock.sleep(20)
            rig.lane.remove(mover)

        async def poll(after: str) -> list[tuple[str, str]]:
            _, body = await get(
                rig, "/ISAPI/Traffic/channels/1/vehicleDetect/plates", "POST",
                data=f"<AfterTime><picTime>{after}</picTime></AfterTime>",
            )  # fmt: skip
            plates = ET.fromstring(body).findall(f"{NAMESPACE}Plate")
            return [(text(plate, "picName"), text(plate, "plateNumber")) for plate in plates]

        every = await poll("0")
        assert [plate for _, plate in every] == ["14C12340", "14C12341", "14C12342"]
        assert await poll(every[0][0]) == every[1:]
        assert await poll(every[-1][0]) == []

    on_rig(check)


@pytest.mark.parametrize("path", HIKVISION.manual_trigger_paths)
def test_a_manual_trigger_reads_again(path: str) -> None:
    """A PUT is answered at once; the reading follows on the stream, marked as manual."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        rig.drive(to_m=6.0)
        await rig.clock.sleep(20)
        async with rig.stream() as stream:
            assert (await get(rig, path, "PUT"))[0] == 200
            alert = await stream.anpr()
            assert text(alert, "ANPR/licensePlate") == "14C12345"
            assert text(alert, "ANPR/detectType") == "1"

    on_rig(check)


# --- faults seen through the wire ------------------------------------------------------------


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


def test_one_seed_one_trace_over_the_wire() -> None:
    """Two runs with one seed give one trace hash, nonces, ports and sockets notwithstanding."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        rig.camera.inject("misread", probability=0.5)
        async with rig.stream() as one, rig.stream() as two:
            rig.drive()
            await one.anpr()
            await two.anpr()
            await get(rig, "/ISAPI/System/deviceInfo")

    first, again = on_rig(check), on_rig(check)
    assert first.trace.sha256() == again.trace.sha256()
    kept = json.dumps([record.payload for record in first.trace.records()])
    assert "nonce" not in kept
    assert first.base.rpartition(":")[2] not in kept


# --- quirks ----------------------------------------------------------------------------------


async def raw_stream(rig: Rig, until: bytes) -> bytes:
    """Bytes of the alert stream until `until` has come."""
    data = b""
    async with asyncio.timeout(60), rig.client() as session, session.get(STREAM) as answer:
        rig.drive()
        async for chunk in answer.content.iter_any():
            data += chunk
            if until in data:
                break
    return data


def quirky(*quirks: profiles.QuirkId, **changes: Any) -> profiles.CameraProfile:
    """The well-mannered profile with these quirks."""
    return msgspec.structs.replace(HIKVISION, quirks=list(quirks), **changes)


def test_good_manners_without_quirks() -> None:
    """The plain profile separates with CRLF and gives each part its length."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        data = await raw_stream(rig, b'detectionPicture.jpg"\r\n')
        assert data.count(b"--boundary\r\nContent-") == data.count(b"--boundary") >= 4
        assert data.count(b"Content-Length: ") == data.count(b"--boundary")

    on_rig(check)


def test_quirk_boundary_lf() -> None:
    """The boundary line ends with LF, the header lines with CRLF."""

    async def check(rig: Rig) -> None:
        await rig.serve(quirky("boundary-lf"))
        data = await raw_stream(rig, b'detectionPicture.jpg"\r\n')
        assert b"--boundary\r\n" not in data
        assert data.count(b"--boundary\nContent-") >= 4

    on_rig(check)


def test_quirk_changed_part_headers() -> None:
    """Lower-case headers without a space and without lengths; aiohttp still reads the parts."""

    async def check(rig: Rig) -> None:
        await rig.serve(quirky("changed-part-headers"))
        data = await raw_stream(rig, b'detectionPicture.jpg"\r\n')
        assert b"Content-" not in data
        assert b"content-length" not in data.lower()
        async with rig.stream() as stream:
            rig.camera.inject("ghost", plate="29C99999")
            assert text(await stream.anpr(), "ANPR/licensePlate") == "29C99999"

    on_rig(check)


@pytest.mark.parametrize(
    ("quirks", "name"), [([], "allowList"), (["white-list-names"], "whiteList")]
)
def test_quirk_list_names(quirks: list[profiles.QuirkId], name: str) -> None:
    """A plate on the camera's list is told with the firmware's word for it."""

    async def check(rig: Rig) -> None:
        await rig.serve(quirky(*quirks))
        assert rig.server is not None
        rig.server.lists.update({"14C12345": "allow", "29C99999": "block"})
        async with rig.stream() as stream:
            rig.drive()
            assert text(await stream.anpr(), "ANPR/vehicleListName") == name
            rig.camera.inject("ghost", plate="29C99999")
            blocked = {"allowList": "blockList", "whiteList": "blackList"}[name]
            assert text(await stream.anpr(), "ANPR/vehicleListName") == blocked

    on_rig(check)


@pytest.mark.parametrize("single", [False, True])
def test_quirk_json_and_single_picture(single: bool) -> None:
    """Events are JSON; a single picture is an object where several are an array."""

    async def check(rig: Rig) -> None:
        quirks: list[profiles.QuirkId] = ["json-events"]
        await rig.serve(quirky(*quirks, *(["single-picture"] if single else [])))
        async with rig.stream() as stream:
            rig.drive()
            while True:
                part = await stream.part()
                assert part is not None
                assert "json" in part[0]
                event = json.loads(part[1])
                if event["eventType"] == "ANPR":
                    break
            pictures = event["ANPR"]["pictureInfoList"]["pictureInfo"]
            assert isinstance(pictures, dict if single else list)
            assert event["picNum"] == (1 if single else 2)
            picture = await stream.part()
            assert picture is not None
            assert picture[0] == "image/jpeg"
            following = await stream.part()
            assert following is not None
            assert ("json" in following[0]) is single

    on_rig(check)


def test_quirk_vendor_typos_and_broken_offset() -> None:
    """Misspelt names replace the right ones; time stamps lose the sign of their offset."""

    async def check(rig: Rig) -> None:
        await rig.serve(quirky("vendor-typos", "broken-offset"))
        async with rig.stream() as stream:
            rig.drive()
            alert = await stream.anpr()
            assert text(alert, "ANPR/vehicleInfo/vehileModel") == "0"
            assert alert.find(f".//{NAMESPACE}vehicleModel") is None
            assert text(alert, "dateTime") == "2023-05-30T00:00:0307:00"

    on_rig(check)


def test_quirk_resend_last_plate() -> None:
    """With each heartbeat the last plate comes again, with its old UUID."""

    async def check(rig: Rig) -> None:
        await rig.serve(quirky("resend-last-plate", heartbeat_s=1.0))
        async with rig.stream() as stream:
            rig.drive()
            uuids = [text(await stream.anpr(), "UUID") for _ in range(3)]
            assert len(set(uuids)) == 1

    rig = on_rig(check)
    assert len(rig.readings) == 1
    assert len(rig.records("isapi.event")) >= 3


@pytest.mark.parametrize("hangs_up", [False, True])
def test_quirk_hang_up_when_full(hangs_up: bool) -> None:
    """One stream too many gets a 503, or with the quirk no answer at all."""

    async def check(rig: Rig) -> None:
        quirks: list[profiles.QuirkId] = ["hang-up-when-full"] if hangs_up else []
        await rig.serve(quirky(*quirks, max_streams=1))
        async with rig.stream() as stream:
            await stream.alert()
            if hangs_up:
                with pytest.raises(aiohttp.ClientError):
                    await get(rig, STREAM)
            else:
                assert (await get(rig, STREAM))[0] == 503

    on_rig(check)


def test_quirks_switch_while_running() -> None:
    """A quirk can be switched on between two events of one stream."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        assert rig.server is not None
        async with rig.stream() as stream:
            rig.drive()
            assert text(await stream.anpr(), "ANPR/vehicleInfo/vehicleModel") == "0"
            rig.server.quirks.add("vendor-typos")
            rig.camera.inject("ghost")
            assert text(await stream.anpr(), "ANPR/vehicleInfo/vehileModel") == "0"

    on_rig(check)


def test_strange_plates_stay_well_formed() -> None:
    """A plate text with markup or control characters cannot break the document."""

    async def check(rig: Rig) -> None:
        await rig.serve()
        async with rig.stream() as stream:
            rig.camera.inject("ghost", plate='<a>&"\x00\x1b')
            assert text(await stream.anpr(), "ANPR/licensePlate") == '<a>&"'

    on_rig(check)
