"""The fault menu of customs: how each fault looks to the gate, and that it ends when healed."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.partner.desk import NUMBER, Desk, at_desk, declared
from twin.devices.base import FaultError
from twin.errors import UnknownName


async def attempt(desk: Desk, timeout_s: float = 5.0, **changes: Any) -> str:
    """A release, as the gate sees it: its status, or what went wrong."""
    try:
        async with asyncio.timeout(timeout_s):
            return str((await desk.release(**changes)).status)
    except TimeoutError:
        return "timeout"
    except aiohttp.ClientError as error:
        return type(error).__name__


def test_down_unavailable() -> None:
    """Unavailable: every path answers 503 and nothing is done."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        desk.service.inject("down")
        assert await attempt(desk) == "503"
        assert (await desk.get("/v1/health")).code == "unavailable"
        assert (await desk.get("/openapi.json")).status == 503
        desk.service.heal("down")
        assert await attempt(desk) == "201"
        assert len(desk.kinds("partner.release")) == 1

    at_desk(test)


def test_down_closed() -> None:
    """Closed: the connection is cut before anything is done."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        desk.service.inject("down", how="closed")
        assert await attempt(desk) == "ServerDisconnectedError"
        assert desk.kinds("partner.release") == []
        assert [r["status"] for r in desk.kinds("rest.request")] == [0]
        desk.service.heal("down")
        assert await attempt(desk) == "201"

    at_desk(test)


def test_a_lost_answer_is_no_second_release() -> None:
    """Lost answer: the release took effect; the same key finds it, another key is refused."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        desk.service.inject("down", how="lost_answer")
        assert await attempt(desk, key="k1") == "ServerDisconnectedError"
        desk.service.heal("down")
        assert await attempt(desk, key="k2") == "409"
        found = await desk.release("k1")
        assert (found.status, found.json["decision"]) == (201, "released")
        assert len(desk.kinds("partner.release")) == 1

    at_desk(test)


def test_down_hang() -> None:
    """Hang: requests wait without an answer; when healed, those that still wait are served."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        desk.service.inject("down", how="hang")
        assert await attempt(desk, key="k1") == "timeout"
        patient = asyncio.ensure_future(attempt(desk, 60.0, key="k2"))
        await desk.clock.sleep(20)
        assert not patient.done()
        desk.service.heal("down")
        # a hung request is cut, as by a restarted server; nothing of it was done
        assert await patient == "ServerDisconnectedError"
        assert desk.kinds("partner.release") == []
        assert await attempt(desk, key="k1") == "201"

    at_desk(test)


def test_stopping_while_requests_hang() -> None:
    """A hanging or waiting request does not keep the service from stopping."""

    async def test(desk: Desk) -> None:
        waiting = asyncio.ensure_future(desk.get("/v1/events", wait_s=60))
        await desk.clock.sleep(1)
        desk.service.inject("down", how="hang")
        hanging = asyncio.ensure_future(attempt(desk, 600.0))
        await desk.clock.sleep(1)
        async with asyncio.timeout(10):
            await desk.service.stop()
        results = await asyncio.gather(waiting, hanging, return_exceptions=True)
        assert isinstance(results[0], aiohttp.ClientError)

    at_desk(test)


def test_slow_answers_late_but_decides_at_once() -> None:
    """Slow: the answer comes late; a client that gave up finds the same answer by its key."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        desk.service.inject("slow", delay_s=8.0)
        assert await attempt(desk, key="k1") == "timeout"
        assert len(desk.kinds("partner.release")) == 1
        began_s = desk.clock.now_s()
        again = await desk.release("k1")
        assert desk.clock.now_s() - began_s == pytest.approx(8.0)
        assert (again.json["decision"], again.json["release"]) == ("released", "R000001")
        desk.service.heal("slow")
        began_s = desk.clock.now_s()
        await desk.get("/v1/health")
        assert desk.clock.now_s() == began_s
        assert len(desk.kinds("partner.release")) == 1

    at_desk(test)


def test_duplicate_events_share_their_id() -> None:
    """Duplicate: an event comes twice under one event_id; half the share, every other event."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        desk.service.inject("duplicate")
        desk.state.set_channel(NUMBER, "yellow")
        desk.service.heal("duplicate")
        desk.state.set_channel(NUMBER, "red")
        desk.service.inject("duplicate", share=0.5)
        for _ in range(4):
            desk.state.set_channel(NUMBER, "green")
        events = (await desk.get("/v1/events")).json
        assert [event["seq"] for event in events] == list(range(1, 10))
        ids = [event["event_id"] for event in events]
        assert ids == ["E000001", "E000001", "E000002", "E000003", "E000004", "E000004",
                       "E000005", "E000006", "E000006"]  # fmt: skip

    at_desk(test)


def test_out_of_order_swaps_neighbours() -> None:
    """Out of order: neighbours change places in the feed, their business times tell the truth."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        desk.service.inject("out_of_order", hold_s=30.0)
        for channel in ("yellow", "red", "green"):
            desk.state.set_channel(NUMBER, channel)
            await desk.clock.sleep(1)
        events = (await desk.get("/v1/events")).json
        assert [event["event_id"] for event in events] == ["E000002", "E000001"]
        assert events[0]["business_time"] > events[1]["business_time"]
        await desk.clock.sleep(30)  # the third is held back for so long and no longer
        assert len((await desk.get("/v1/events")).json) == 3
        desk.state.set_channel(NUMBER, "red")
        assert len((await desk.get("/v1/events")).json) == 3
        desk.service.heal("out_of_order")
        assert len((await desk.get("/v1/events")).json) == 4

    at_desk(test)


def test_stale_shows_the_past_and_says_so() -> None:
    """Stale: look-ups and feed are as of some time ago, dated so; decisions use the present."""

    async def test(desk: Desk) -> None:
        desk.state.register(declared())
        await desk.clock.sleep(300)
        desk.service.inject("stale", age_s=120.0)
        desk.state.set_channel(NUMBER, "red")
        desk.state.register(declared("302"))
        await desk.clock.sleep(60)
        shown = (await desk.get(f"/v1/declarations/{NUMBER}/channel")).json
        assert shown["channel"] == "green"
        assert shown["business_time"] == "2023-05-30T00:04:00.000+07:00"
        assert (await desk.get("/v1/declarations/302")).status == 404
        assert len((await desk.get("/v1/declarations")).json) == 1
        assert (await desk.get("/v1/events")).json == []
        assert (await desk.release()).json["reasons"] == ["channel_red"]
        await desk.clock.sleep(61)
        shown = (await desk.get(f"/v1/declarations/{NUMBER}/channel")).json
        assert shown["channel"] == "red"
        assert (await desk.get("/v1/declarations/302")).status == 200
        assert len((await desk.get("/v1/events")).json) == 1
        desk.service.heal("stale")

    at_desk(test)


def test_faults_are_traced_and_checked() -> None:
    """Faults of customs are in the trace like those of a device, and wrong ones are named."""

    async def test(desk: Desk) -> None:
        with pytest.raises(UnknownName, match="did you mean 'slow'"):
            desk.service.inject("slwo")
        with pytest.raises(FaultError, match="lost_answer"):
            desk.service.inject("down", how="sideways")
        desk.service.inject("slow", delay_s=1.0)
        desk.service.heal("slow")
        traced = [
            (r.source, r.kind, r.payload["kind"])
            for r in desk.trace.records()
            if r.kind.startswith("fault.")
        ]
        assert traced == [("customs", "fault.begin", "slow"), ("customs", "fault.end", "slow")]

    at_desk(test)


def test_one_seed_one_trace() -> None:
    """Two days of requests with one seed give one trace hash."""

    async def test(desk: Desk) -> str:
        for n in range(10):
            desk.state.register(declared(f"30{n}", preclearance_delay_s=n * 7.0))
        desk.state.truth = lambda lane: "14C12345"
        desk.service.inject("slow", delay_s=0.5)
        await asyncio.gather(
            *(desk.release(f"k{n}", declaration=f"30{n}") for n in range(10)),
            *(
                desk.post("/v1/manual-checks", {"lane": f"out-{n}", "reason": "unread"})
                for n in range(5)
            ),
        )
        for after in range(10):
            await desk.get("/v1/events", after=after, wait_s=30)
        return desk.trace.sha256()

    assert len({at_desk(test, seed=5) for _ in range(3)}) == 1
