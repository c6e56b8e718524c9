"""Missions, orders and writes over the crane's OPC UA server in virtual time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

pytest.importorskip("asyncua")

from asyncua import ua

from tests.crane.port import Port, Watcher, play, start
from twin.devices.crane_words import MissionState


def test_a_mission_over_the_wire_moves_the_box_and_is_told_by_events() -> None:
    """Start, samples of the hoist and the event of the end, all at the clock's civil time."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            watcher = Watcher()
            subscription = await client.create_subscription(100, watcher)
            await subscription.subscribe_data_change(p.node(client, "hoist.place"))
            await subscription.subscribe_events(
                p.node(client, "system"), [ua.NodeId(ua.ObjectIds.BaseEventType)]
            )
            assert await start(client, p) == [True, ""]
            assert await p.site.until_over() is MissionState.DONE
            await p.clock.sleep(1)
            assert [e.Message.Text for e in watcher.events] == [
                "mission m1: running", "mission m1: done"
            ]  # fmt: skip
            end = p.clock.day_start.astimezone(dt.UTC) + dt.timedelta(seconds=p.clock.now_s() - 1.3)
            told = watcher.events[-1].Time.replace(tzinfo=dt.UTC)
            assert abs((told - end).total_seconds()) < 1.0
            places = [value for value, _, _ in watcher.values]
            assert min(places) == pytest.approx(3.791, abs=0.001)
            stamps = [stamp for _, stamp, _ in watcher.values]
            assert stamps == sorted(stamps)
            assert len(places) > 150

    play(test)


def test_one_seed_gives_one_trace_and_none_depends_on_the_process() -> None:
    """Two runs with a client, a subscription and a mission have one hash."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            subscription = await client.create_subscription(200, Watcher())
            await subscription.subscribe_data_change(p.node(client, "gantry.place"))
            await start(client, p)
            await p.clock.sleep(60)
            await p.node(client, "missions").call_method("6:Stop")
            await p.clock.sleep(20)
            await p.node(client, "missions").call_method("6:ResumeMission")
            await p.site.until_over()

    hashes = {play(test, seed=4).site.trace.sha256() for _ in range(2)}
    assert len(hashes) == 1


def test_orders_are_traced_with_what_they_cause() -> None:
    """The mission's first record names the call as its cause."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            await start(client, p)
            await p.clock.sleep(1)

    records = list(play(test).site.trace.records())
    call = next(r for r in records if r.kind == "opcua.call")
    mission = next(r for r in records if r.kind == "crane.mission")
    assert call.payload["method"] == "StartMission"
    assert mission.cause == call.id
    answer = next(r for r in records if r.kind == "opcua.called")
    assert answer.payload == {"status": "Good", "answers": [True, ""]}


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("gantry.plus", ua.Variant(50.0, ua.VariantType.Double), None),
        ("gantry.plus", ua.Variant(-1.0, ua.VariantType.Double), "BadOutOfRange"),
        ("gantry.plus", ua.Variant(float("nan"), ua.VariantType.Double), "BadOutOfRange"),
        ("gantry.plus", ua.Variant(1, ua.VariantType.Int32), "BadTypeMismatch"),
        ("gantry.plus", ua.Variant([1.0], ua.VariantType.Double), "BadTypeMismatch"),
        ("gantry.plus.on", ua.Variant(True, ua.VariantType.Boolean), None),
        ("hoist.place", ua.Variant(1.0, ua.VariantType.Double), "BadNotWritable"),
        ("no.such", ua.Variant(1.0, ua.VariantType.Double), "BadNodeIdUnknown"),
    ],
)
def test_writes_are_checked_as_the_standard_says(name: str, value: Any, status: str | None) -> None:
    """Wrong types, ranges and nodes have their own status, and change nothing."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            before = dict(p.site.crane.limits.percent), dict(p.site.crane.limits.on)
            write = p.node(client, name).write_value(ua.DataValue(value))
            if status is None:
                await write
                await p.clock.sleep(0.1)
                assert await p.node(client, name).read_value() == value.Value
                assert (p.site.crane.limits.percent, p.site.crane.limits.on) != before
            else:
                with pytest.raises(getattr(ua.uaerrors, status)):
                    await write
                assert (p.site.crane.limits.percent, p.site.crane.limits.on) == before

    play(test)


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("StartMission", [], "BadArgumentsMissing"),
        ("Stop", [1.0], "BadTooManyArguments"),
        ("SetMode", [True], "BadInvalidArgument"),
        ("Jog", ["trolley", float("inf")], "BadInvalidArgument"),
        ("TurnLocks", ["yes"], "BadInvalidArgument"),
    ],
)
def test_calls_with_wrong_arguments_are_refused(
    method: str, arguments: list[Any], error: str
) -> None:
    """Too few, too many and wrong types are the statuses of OPC 10000-4."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            with pytest.raises(getattr(ua.uaerrors, error)):
                await p.node(client, "missions").call_method(f"6:{method}", *arguments)

    play(test)


@pytest.mark.parametrize(
    ("method", "arguments", "words"),
    [
        ("ResumeMission", [], "no mission is suspended"),
        ("CancelMission", [], "no mission is under way"),
        ("Jog", ["trolley", 0.5], "mode FULLAUTOMATIC"),
        ("Jog", ["sideways", 0.5], "not one of: gantry, trolley, hoist"),
        ("SetMode", [ua.Variant(9, ua.VariantType.Int32)], "no CraneOperationalModeEnum"),
        ("TurnLocks", [True], "mode FULLAUTOMATIC"),
    ],
)
def test_orders_that_cannot_be_are_answered_in_words(
    method: str, arguments: list[Any], words: str
) -> None:
    """Accepted is false and Reason says why."""

    async def test(p: Port) -> None:
        async with p.client() as client:
            accepted, reason = await p.node(client, "missions").call_method(
                f"6:{method}", *arguments
            )
            assert accepted is False
            assert words in reason

    play(test)


@pytest.mark.slow
def test_a_day_without_clients_is_cheap_and_an_hour_with_one_is_300_times_real_time() -> None:
    """Idle with one subscribed client, the server is far faster than real time."""
    from time import process_time

    async def test(p: Port) -> None:
        await p.clock.sleep(86_400)
        async with p.client() as client:
            subscription = await client.create_subscription(1000, Watcher())
            await subscription.subscribe_data_change(p.node(client, "hoist.place"))
            began = process_time()
            await p.clock.sleep(600)
            assert 600 / (process_time() - began) > 300

    play(test)
