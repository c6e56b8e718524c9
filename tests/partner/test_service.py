"""The customs service over HTTP: what it shows, decides, refuses and how it fails."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.partner.desk import NUMBER, TOKEN, Desk, at_desk, declared, wish
from twin.errors import HarnessError
from twin.partner import PartnerService
from twin.partner.state import GROSS_LIMIT_KG, PartnerError


def test_declarations_by_number_plate_and_likeness() -> None:
    """A declaration is found by number, by plate in any spelling, and by a misread plate."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        desk.state.register(declared("301234567891", plate="15H98765", direction="in"))
        one = await desk.get(f"/v1/declarations/{NUMBER}")
        assert one.json == {
            "number": NUMBER, "direction": "out", "plate": "14C12345",
            "trailer_plate": "14R01234", "container": "CSQU3054383", "laden": True,
            "goods_hs": "0810.60", "declared_gross_kg": 38_000, "status": "registered",
            "registered_at": "2023-05-30T00:00:00.000+07:00",
            "expires_at": "2023-06-02T00:00:00.000+07:00",
        }  # fmt: skip
        for query, numbers in (
            ({"plate": "14C-123.45"}, [NUMBER]),
            ({"plate": "14C-123.46"}, []),
            ({"near": "14C-123.46"}, [NUMBER]),
            ({"near": "15H98765"}, ["301234567891"]),
            ({"near": "99X00000"}, []),
            ({"direction": "in"}, ["301234567891"]),
            ({"plate": "14C12345", "direction": "in"}, []),
            ({}, [NUMBER, "301234567891"]),
            ({"limit": 1}, [NUMBER]),
        ):
            answer = await desk.get("/v1/declarations", **query)
            assert [item["number"] for item in answer.json] == numbers, query
        assert (await desk.get("/v1/declarations/999")).code == "unknown_declaration"

    at_desk(test)


def test_channel_and_its_change() -> None:
    """The channel is shown as it is, and the feed tells when it changes."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        path = f"/v1/declarations/{NUMBER}/channel"
        assert (await desk.get(path)).json["channel"] == "green"
        await desk.clock.sleep(1)
        desk.state.set_channel(NUMBER, "red")
        answer = (await desk.get(path)).json
        assert answer["channel"] == "red"
        assert answer["business_time"] == "2023-05-30T00:00:01.000+07:00"
        event = (await desk.get("/v1/events")).json[0]
        assert (event["type"], event["data"]) == ("channel", {"channel": "red"})
        assert (await desk.release()).json["reasons"] == ["channel_red"]
        assert (await desk.get("/v1/declarations/1/channel")).status == 404

    at_desk(test)


def test_preclearance_comes_after_its_delay() -> None:
    """A pre-clearance is pending until its delay has passed; then state, feed and trace agree."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared(preclearance_delay_s=90.0, utc_offset_h=8.0))
        path = f"/v1/preclearances/{NUMBER}"
        assert (await desk.get(path)).json["status"] == "pending"
        assert (await desk.release()).json["reasons"] == ["not_precleared"]
        events = (await desk.get("/v1/events", wait_s=60)).json
        assert events == []
        events = (await desk.get("/v1/events", wait_s=60)).json
        assert desk.clock.now_s() == pytest.approx(90.0)
        assert [(e["type"], e["declaration"]) for e in events] == [("preclearance", NUMBER)]
        assert events[0]["business_time"] == "2023-05-30T01:01:30.000+08:00"
        shown = (await desk.get(path)).json
        assert (shown["status"], shown["reason"]) == ("acknowledged", None)
        assert (await desk.release("k2")).json["decision"] == "released"
        assert desk.kinds("partner.preclearance") == [
            {"declaration": NUMBER, "status": "acknowledged"}
        ]

    at_desk(test)


def test_declared_long_ago_is_answered_without_an_event() -> None:
    """What was answered before the day began is in the state and not in the feed."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared(preclearance_delay_s=60.0), registered_s=-7200.0)
        assert (await desk.get(f"/v1/preclearances/{NUMBER}")).json["status"] == "acknowledged"
        assert (await desk.get("/v1/events")).json == []
        view = (await desk.get(f"/v1/declarations/{NUMBER}")).json
        assert view["registered_at"] == "2023-05-29T22:00:00.000+07:00"

    at_desk(test)


@pytest.mark.parametrize(
    ("declaration", "request_", "reasons"),
    [
        ({}, {"declaration": "309999999999"}, ["not_declared"]),
        ({"channel": "yellow"}, {}, ["channel_yellow"]),
        ({"channel": "red"}, {}, ["channel_red"]),
        ({"preclearance": "pending"}, {}, ["not_precleared"]),
        ({"preclearance": "rejected"}, {}, ["not_precleared"]),
        ({}, {"plate": "14C12346"}, ["plate_mismatch"]),
        ({}, {"plate": "14c-123.45".upper()}, []),
        ({}, {"container": "TEXU3070079"}, ["container_mismatch"]),
        ({}, {"container": "CSQU3054383"}, []),
        ({"declared_gross_kg": 40_000}, {"gross_kg": 40_000}, []),
        ({"declared_gross_kg": 40_000}, {"gross_kg": 40_001}, ["overweight"]),
        ({"declared_gross_kg": 47_000, "axles": 6}, {"gross_kg": 48_000}, []),
        ({"declared_gross_kg": 47_000, "axles": 6}, {"gross_kg": 48_001}, ["overweight"]),
        ({"declared_gross_kg": 20_000}, {"gross_kg": 21_000}, []),
        ({"declared_gross_kg": 20_000}, {"gross_kg": 21_001}, ["weight_mismatch"]),
        ({"declared_gross_kg": 20_000}, {"gross_kg": 18_999}, ["weight_mismatch"]),
        (
            {"channel": "red", "preclearance": "rejected", "declared_gross_kg": 60_000},
            {"gross_kg": 50_000, "plate": "15C12345"},
            ["channel_red", "not_precleared", "plate_mismatch", "overweight", "weight_mismatch"],
        ),
    ],
)
def test_reasons(declaration: dict[str, Any], request_: dict[str, Any], reasons: list[str]) -> None:
    """A release is refused for exactly the reasons that hold, each at its own limit."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared(**declaration))
        answer = (await desk.release(**request_)).json
        assert answer["reasons"] == reasons
        assert answer["decision"] == ("refused" if reasons else "released")
        assert (answer["release"] is None) is bool(reasons)
        traced = desk.kinds("partner.release")[-1]
        assert (traced["decision"], traced["reasons"]) == (answer["decision"], reasons)

    at_desk(test)


def test_limits_follow_the_law() -> None:
    """Five axles carry 40 t and six carry 48 t."""
    assert (GROSS_LIMIT_KG[5], GROSS_LIMIT_KG[6]) == (40_000, 48_000)


def test_expiry_and_revocation() -> None:
    """An expired or revoked declaration is not released, and its status says so."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared(valid_h=1.0))
        desk.state.register(declared("302"))
        desk.state.revoke("302", "seal broken")
        desk.state.revoke("302", "again")
        await desk.clock.sleep(3600)
        assert (await desk.release()).json["reasons"] == ["expired"]
        assert (await desk.release("k2", declaration="302")).json["reasons"] == ["revoked"]
        for number, status in ((NUMBER, "expired"), ("302", "revoked")):
            assert (await desk.get(f"/v1/declarations/{number}")).json["status"] == status
        events = (await desk.get("/v1/events")).json
        assert [(e["type"], e["data"]) for e in events] == [("revoked", {"why": "seal broken"})]

    at_desk(test)


def test_release_is_idempotent_by_key() -> None:
    """One key gives one answer; another body, or another key, is refused; nothing happens twice."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        first = await desk.release("k1")
        assert first.status == 201
        assert "Idempotent-Replayed" not in first.headers
        again = await desk.release("k1")
        assert (again.status, again.json) == (201, first.json)
        assert again.headers["Idempotent-Replayed"] == "true"
        # the same instant in another offset is the same request
        same = await desk.release("k1", business_time="2023-05-30T00:00:00Z")
        assert same.json == first.json
        assert (await desk.release("k1", gross_kg=38_201)).code == "key_reused"
        other = await desk.release("k2")
        assert (other.status, other.code) == (409, "already_released")
        assert len(desk.kinds("partner.release")) == 1
        assert (await desk.get(f"/v1/declarations/{NUMBER}")).json["status"] == "released"

    at_desk(test)


def test_a_refusal_can_be_asked_again_under_another_key() -> None:
    """A refusal is not final for the declaration, but it is for its key."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared(channel="yellow"))
        assert (await desk.release("k1")).json["decision"] == "refused"
        desk.state.set_channel(NUMBER, "green")
        assert (await desk.release("k1")).json["decision"] == "refused"
        assert (await desk.release("k2")).json["decision"] == "released"

    at_desk(test)


def record(**changes: Any) -> dict[str, Any]:
    fields = {
        "lane": "out-1", "direction": "out", "event": "passed", "plate": "14C12345",
        "declaration": NUMBER, "release": "R000001", "gross_kg": 38_200,
        "business_time": "2023-05-30T07:00:40+07:00",
    }  # fmt: skip
    return fields | changes


def test_gate_records_are_kept_and_flagged() -> None:
    """A record is never refused; what does not fit customs' own book is flagged."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        path = "/v1/gate-records"
        early = await desk.post(path, record(), "g0")
        assert (early.status, early.json["flags"]) == (201, ["no_release"])
        assert (await desk.get(f"/v1/declarations/{NUMBER}")).json["status"] == "crossed"
        desk.state.register(declared("302", plate="14C99999"))
        # one key for a release and a record: keys belong to their request
        await desk.release("g1", declaration="302", plate="14C99999")
        good = record(declaration="302", plate="14C99999")
        assert (await desk.post(path, good, "g1")).json["flags"] == []
        repeated = await desk.post(path, good, "g1")
        assert repeated.headers["Idempotent-Replayed"] == "true"
        assert (await desk.post(path, good, "g2")).json["flags"] == ["already_crossed"]
        desk.state.register(declared("303", plate="14C88888"))
        await desk.release("k3", declaration="303", plate="14C88888")
        foreign = record(declaration="303", plate="14C88888", release="R000001")
        assert (await desk.post(path, foreign, "g5")).json["flags"] == ["no_release"]
        unknown = await desk.post(path, record(declaration=None, release=None), "g3")
        assert unknown.json["flags"] == ["not_declared"]
        diverted = await desk.post(path, record(event="diverted", declaration=None), "g4")
        assert diverted.json["flags"] == []
        assert [r["event"] for r in desk.kinds("partner.gate_record")] == [
            "passed", "passed", "passed", "passed", "passed", "diverted",
        ]  # fmt: skip

    at_desk(test)


def test_alarms_are_noted() -> None:
    """An alarm is accepted and in the trace."""

    async def test(desk: Desk) -> None:
        alarm = {
            "lane": "out-1", "code": "barrier.stuck", "text": "Cần chắn kẹt 闸杆卡住",
            "raised": True, "business_time": "2023-05-30T07:00:00+07:00",
        }  # fmt: skip
        answer = await desk.post("/v1/alarms", alarm)
        assert (answer.status, answer.json) == (202, {"alarm": "A000001"})
        del alarm["business_time"]
        assert desk.kinds("partner.alarm") == [alarm]

    at_desk(test)


@pytest.mark.parametrize(
    ("there", "candidate", "action"),
    [
        ("14C12345", "14C-123.45", "confirmed"),
        ("14C12345", "14C12845", "corrected"),
        ("14C12345", None, "corrected"),
        (None, "14C12345", "nothing_there"),
    ],
)
def test_officer_answers_through_the_feed(
    there: str | None, candidate: str | None, action: str
) -> None:
    """The officer says what stands in the lane when he looks, after the time that it takes him."""

    async def test(desk: Desk) -> None:
        orders: list[tuple[str, float]] = []
        desk.state.on_manual_check(lambda order, s: orders.append((order.lane, s)))
        desk.state.truth = lambda lane: None  # the truck is not there yet
        check = {"lane": "out-1", "reason": "low_confidence", "candidate_plate": candidate}
        answer = await desk.post("/v1/manual-checks", check)
        assert answer.status == 202
        desk.state.truth = lambda lane: there if lane == "out-1" else None
        events = (await desk.get("/v1/events", wait_s=60)).json
        assert 20.0 <= orders[0][1] <= 60.0
        assert desk.clock.now_s() == pytest.approx(orders[0][1])
        assert events[0]["type"] == "manual_plate"
        assert events[0]["lane"] == "out-1"
        assert events[0]["data"] == {
            "check": answer.json["check"], "plate": there, "action": action,
        }  # fmt: skip
        assert desk.kinds("partner.officer")[0]["action"] == action

    at_desk(test)


def test_feed_pages_and_waits() -> None:
    """The feed goes on after a number, page by page, and a wait ends with the first news."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        for n in range(5):
            desk.state.set_channel(NUMBER, "red" if n % 2 else "yellow")
        page = (await desk.get("/v1/events", limit=2)).json
        assert [event["seq"] for event in page] == [1, 2]
        page = (await desk.get("/v1/events", after=2, limit=10)).json
        assert [event["seq"] for event in page] == [3, 4, 5]
        desk.clock.call_later(7.0, lambda: desk.state.set_channel(NUMBER, "green"))
        both = await asyncio.gather(
            desk.get("/v1/events", after=5, wait_s=30), desk.get("/v1/events", after=5, wait_s=3)
        )
        assert [len(answer.json) for answer in both] == [1, 0]
        assert desk.clock.now_s() == pytest.approx(7.0)

    at_desk(test)


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


def test_a_number_is_registered_once() -> None:
    """A second declaration of one number is a mistake of the caller."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        with pytest.raises(PartnerError, match="registered already"):
            desk.state.register(declared())

    at_desk(test)


# --- what is refused --------------------------------------------------------------------------


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
