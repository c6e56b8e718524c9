"""What the customs service refuses: strangers, wrong requests, wrong values, misuse."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.partner.desk import TOKEN, Desk, at_desk, declared, wish
from twin.errors import HarnessError
from twin.partner import PartnerService


def test_misuse_is_named() -> None:
    """A second start and a taken port say what is wrong, and the first service goes on."""

    async def test(desk: Desk) -> None:
        with pytest.raises(HarnessError, match="already started"):
            await desk.service.start()
        other = PartnerService(desk.state, desk.clock, desk.trace, "t")
        with pytest.raises(HarnessError, match="choose another port"):
            await other.start(port=desk.client._base_url.port or 0)
        assert (await desk.get("/v1/health")).status == 200

    at_desk(test)


def test_token_is_demanded_and_never_traced() -> None:
    """Without the right token nothing is shown or done, and the trace has no token in it."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        url = str(desk.client._base_url)
        for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            async with aiohttp.ClientSession(url, headers=header) as stranger:
                async with stranger.get("/v1/declarations") as response:
                    assert response.status == 401
                    assert response.headers["WWW-Authenticate"].startswith("Bearer")
                headers = {"Idempotency-Key": "k"}
                async with stranger.post("/v1/releases", json=wish(), headers=headers) as response:
                    assert response.status == 401
                for path in ("/v1/health", "/openapi.json"):
                    async with stranger.get(path) as response:
                        assert response.status == 200
        assert desk.kinds("partner.release") == []
        await desk.release()
        assert not any(TOKEN in str(record.payload) for record in desk.trace.records())

    at_desk(test)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/nothing", None, 404, "unknown_path"),
        ("GET", "/", None, 404, "unknown_path"),
        ("DELETE", "/v1/releases", None, 405, "method_not_allowed"),
        ("HEAD", "/v1/health", None, 405, ""),
        ("GET", "/v1/declarations?limit=0", None, 422, "invalid"),
        ("GET", "/v1/declarations?limit=x", None, 422, "invalid"),
        ("GET", "/v1/declarations?direction=up", None, 422, "invalid"),
        ("GET", "/v1/declarations?plate=a&plate=b", None, 422, "invalid"),
        ("GET", "/v1/declarations?plat=14C12345", None, 422, "invalid"),
        ("GET", "/v1/events?after=-1", None, 422, "invalid"),
        ("GET", "/v1/events?wait_s=61", None, 422, "invalid"),
        ("POST", "/v1/alarms", b"{", 400, "malformed"),
        ("POST", "/v1/alarms", b"\xff\xfe", 400, "malformed"),
        ("POST", "/v1/alarms", b"[]", 422, "invalid"),
        ("POST", "/v1/alarms", b"{}", 422, "invalid"),
        ("POST", "/v1/alarms", b" " * 70_000, 413, "too_large"),
        ("POST", "/v1/releases", b"{}", 422, "invalid"),
    ],
)
def test_wrong_requests_get_problems(
    method: str, path: str, body: bytes | None, status: int, code: str
) -> None:
    """Every refusal is a problem document with its own code, and the next request is served."""

    async def test(desk: Desk) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
        async with desk.client.request(method, path, data=body, headers=headers) as response:
            assert response.status == status
            if method != "HEAD":
                assert response.content_type == "application/problem+json"
                assert (await response.json(content_type=None))["code"] == code
            if status == 405:
                assert response.headers["Allow"]
        assert (await desk.get("/v1/health")).status == 200

    at_desk(test)


@pytest.mark.parametrize(
    "changes",
    [
        {"gross_kg": -1}, {"gross_kg": "38200"}, {"gross_kg": None},
        {"plate": ""}, {"plate": "x" * 17}, {"plate": "14C12345\n"}, {"lane": "OUT 1"},
        {"business_time": "2023-05-30T07:00:00"}, {"business_time": "today"},
        {"container": "CSQU305438"}, {"unknown": 1}, {"declaration": "30 12"},
    ],
)  # fmt: skip
def test_wrong_values_are_named(changes: dict[str, Any]) -> None:
    """A value that is not lawful, or a field that is not known, is refused and named."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        answer = await desk.release(**changes)
        assert (answer.status, answer.code) == (422, "invalid")
        assert next(iter(changes)) in answer.json["detail"]
        assert desk.kinds("partner.release") == []

    at_desk(test)


def test_key_and_content_type_are_demanded() -> None:
    """A write without a key, with a blank in it, or without JSON as its type does nothing."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        for key in (None, "", "a b", "x" * 129):
            assert (await desk.post("/v1/releases", wish(), key)).code == "no_key"
        async with desk.client.post(
            "/v1/releases", data="{}", headers={"Idempotency-Key": "k"}
        ) as response:
            assert response.status == 415
        assert desk.kinds("partner.release") == []

    at_desk(test)
