"""What the gate tells the customs service, and what the officer and the feed answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.partner.desk import NUMBER, Desk, at_desk, declared


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
