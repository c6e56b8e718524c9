"""Quirks of real cameras: each shows as it says, and is absent where it is off."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.camera.rig import HIKVISION, NAMESPACE, STREAM, Rig, get, on_rig, text
from twin.profiles import camera as profiles


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
