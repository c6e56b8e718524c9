"""Requests to the camera in virtual time: who is let in, and what each is answered."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import aiohttp
import pytest

from tests.camera.rig import HIKVISION, NAMESPACE, STREAM, Rig, get, on_rig, text, truck


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
