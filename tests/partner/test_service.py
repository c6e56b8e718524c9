"""The customs service over HTTP: what it shows of a declaration, and what it releases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.partner.desk import NUMBER, Desk, at_desk, declared
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


def test_a_number_is_registered_once() -> None:
    """A second declaration of one number is a mistake of the caller."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        with pytest.raises(PartnerError, match="registered already"):
            desk.state.register(declared())

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
