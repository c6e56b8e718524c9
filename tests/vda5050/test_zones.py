"""Zones of 3.0 over MQTT: releases with leases, blocked and slow zones, actions at a border."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.vda5050.rig import Rig, play

HALF_M = 7.5
"""Half the length of the vehicle: contour-based zones begin that far before its centre."""
BORDER = (200.0, 300.0)


def request(rig: Rig) -> dict[str, Any]:
    """The one zone request in the state, or an empty dictionary."""
    requests = rig.fleet.state["zoneRequests"]
    return requests[0] if requests else {}


async def border(rig: Rig, kind: str = "RELEASE", **more: Any) -> None:
    """A zone across the way from 200 to 230 m, enabled, and an order through it."""
    if kind == "RELEASE":
        more.setdefault("releaseLossBehavior", "STOP")
    zone = rig.scribe.zone("line", kind, *BORDER, **more)
    rig.send("zoneSet", rig.scribe.zone_set("set-1", zone))
    await rig.now("enableZoneSet", id="enable", zoneSetId="set-1")
    assert rig.fleet.status("enable") == "FINISHED"
    await rig.order(rig.scribe.way("o", "AB", step_m=450.0))


def answer(rig: Rig, grant: str, lease_s: float | None = None) -> None:
    """Answer the request, with a lease from now."""
    asked = request(rig)["requestId"]
    if lease_s is None:
        rig.send("responses", rig.scribe.responses(**{asked: grant}))
        return
    until = rig.clock.day_start + dt.timedelta(seconds=rig.clock.now_s() + lease_s)
    text = until.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    rig.send("responses", rig.scribe.responses(**{asked: (grant, text)}))


def test_a_zone_set_comes_disabled_and_is_enabled() -> None:
    """DISABLED at first; a second set of the same id is refused; a used one is not deleted."""

    async def story(rig: Rig) -> None:
        zone = rig.scribe.zone("z", "BLOCKED", 1000.0, 1010.0)
        rig.send("zoneSet", rig.scribe.zone_set("s", zone))
        await rig.clock.sleep(0.5)
        shown = {"zoneSetId": "s", "mapId": "bridge", "zoneSetStatus": "DISABLED"}
        assert rig.fleet.state["zoneSets"] == [shown]
        rig.send("zoneSet", rig.scribe.zone_set("s", zone))
        await rig.clock.sleep(0.5)
        assert rig.fleet.errors == ["DUPLICATE_ZONE_SET"]
        await rig.now("enableZoneSet", id="no", zoneSetId="t")
        assert rig.fleet.status("no") == "FAILED"
        await rig.now("enableZoneSet", zoneSetId="s")
        assert rig.fleet.state["zoneSets"][0]["zoneSetStatus"] == "ENABLED"
        await rig.now("deleteZoneSet", id="used", zoneSetId="s")
        assert rig.fleet.status("used") == "FAILED"

    play(story, "3.0")


def test_it_waits_before_a_zone_until_it_is_granted() -> None:
    """REQUESTED, QUEUED, GRANTED; the body never enters before, and the request ends behind it."""

    async def story(rig: Rig) -> None:
        await border(rig)
        assert request(rig)["requestStatus"] == "REQUESTED"
        assert (request(rig)["zoneId"], request(rig)["requestType"]) == ("line", "ACCESS")
        await rig.until(lambda: rig.fleet.state["driving"])
        await rig.until(lambda: not rig.fleet.state["driving"])
        x = rig.carrier.pose.x_m
        assert BORDER[0] - HALF_M - 1.0 <= x <= BORDER[0] - HALF_M
        answer(rig, "QUEUED")
        await rig.clock.sleep(10.0)
        assert (request(rig)["requestStatus"], rig.carrier.pose.x_m) == ("QUEUED", x)
        answer(rig, "GRANTED")
        await rig.until(lambda: rig.fleet.state["driving"], 5.0)
        await rig.until(lambda: rig.carrier.pose.x_m > BORDER[1] + HALF_M + 1.0)
        await rig.clock.sleep(0.5)
        assert request(rig) == {}
        await rig.idle()

    play(story, "3.0")


def test_a_release_in_time_is_driven_through() -> None:
    """Granted early enough, it does not slow down."""

    async def story(rig: Rig) -> None:
        await border(rig)
        answer(rig, "GRANTED")
        await rig.until(lambda: rig.carrier.pose.x_m > 215.0)
        assert rig.carrier.speed_m_s > 6.9

    play(story, "3.0")


def test_a_lease_that_ends_before_the_zone() -> None:
    """Not inside yet: the request goes, the vehicle stops before the zone, and asks again."""

    async def story(rig: Rig) -> None:
        await border(rig)
        first = request(rig)["requestId"]
        answer(rig, "GRANTED", lease_s=15.0)
        await rig.clock.sleep(16.0)
        assert request(rig) == {}
        await rig.until(lambda: not rig.fleet.state["driving"])
        assert rig.carrier.pose.x_m <= BORDER[0] - HALF_M
        assert rig.fleet.errors == []
        await rig.clock.sleep(10.0)
        assert request(rig)["requestStatus"] == "REQUESTED"
        assert request(rig)["requestId"] != first

    play(story, "3.0")


def test_a_lease_is_extended() -> None:
    """The same requestId with a later leaseExpiry: nothing happens when the first one is over."""

    async def story(rig: Rig) -> None:
        await border(rig)
        answer(rig, "GRANTED", lease_s=20.0)
        await rig.clock.sleep(10.0)
        answer(rig, "GRANTED", lease_s=200.0)
        await rig.clock.sleep(20.0)
        assert request(rig)["requestStatus"] == "GRANTED"
        await rig.idle()

    play(story, "3.0")


@pytest.mark.parametrize("how", ["REVOKED", "EXPIRED"])
def test_stop_when_the_release_is_lost_inside(how: str) -> None:
    """RELEASE_LOST, it stands in the zone, and goes on when it is granted again."""

    async def story(rig: Rig) -> None:
        await border(rig)
        answer(rig, "GRANTED", lease_s=300.0)
        await rig.until(lambda: rig.carrier.pose.x_m > 205.0)
        if how == "REVOKED":
            answer(rig, "REVOKED")
        else:
            answer(rig, "GRANTED", lease_s=0.5)
        await rig.until(lambda: not rig.fleet.state["driving"], 20.0)
        assert rig.fleet.errors == ["RELEASE_LOST"]
        assert rig.fleet.state["errors"][0]["errorLevel"] == "CRITICAL"
        assert request(rig)["requestStatus"] == how
        await rig.clock.sleep(60.0)
        assert not rig.igv.driving
        answer(rig, "GRANTED")
        await rig.idle()
        assert rig.fleet.errors == []

    play(story, "3.0")


@pytest.mark.parametrize("behaviour", ["CONTINUE", "EVACUATE"])
def test_leave_when_the_release_is_lost_inside(behaviour: str) -> None:
    """It drives on out of the zone, keeping the request in its state until it has left."""

    async def story(rig: Rig) -> None:
        await border(rig, releaseLossBehavior=behaviour)
        answer(rig, "GRANTED")
        await rig.until(lambda: rig.carrier.pose.x_m > 205.0)
        answer(rig, "REVOKED")
        await rig.clock.sleep(0.5)
        assert request(rig)["requestStatus"] == "REVOKED"
        assert rig.fleet.errors == []
        await rig.idle()
        assert request(rig) == {}

    play(story, "3.0")


def test_a_revoked_request_may_be_removed_at_once() -> None:
    """6.4.3 against 6.9: the switch removes it; the vehicle stops in the zone all the same."""

    async def story(rig: Rig) -> None:
        await border(rig)
        answer(rig, "GRANTED")
        await rig.until(lambda: rig.carrier.pose.x_m > 205.0)
        answer(rig, "REVOKED")
        await rig.clock.sleep(0.5)
        assert request(rig) == {}
        await rig.until(lambda: not rig.fleet.state["driving"], 20.0)
        assert rig.fleet.errors == ["RELEASE_LOST"]
        await rig.clock.sleep(15.0)
        assert request(rig)["requestStatus"] == "REQUESTED", "it asks again, and stands meanwhile"
        assert not rig.igv.driving
        answer(rig, "GRANTED")
        await rig.idle()

    play(story, "3.0", revoked_request="remove")


def test_a_rejected_request_is_made_again_later() -> None:
    """REJECTED: gone from the state, and asked for again after a while."""

    async def story(rig: Rig) -> None:
        await border(rig)
        answer(rig, "REJECTED")
        await rig.clock.sleep(0.5)
        assert request(rig) == {}
        await rig.clock.sleep(10.0)
        assert request(rig)["requestStatus"] == "REQUESTED"

    play(story, "3.0")


def test_queued_as_the_schema_has_it() -> None:
    """The schema has no QUEUED; the switch shows REQUESTED."""

    async def story(rig: Rig) -> None:
        await border(rig)
        answer(rig, "QUEUED")
        await rig.clock.sleep(0.5)
        assert request(rig)["requestStatus"] == "REQUESTED"

    play(story, "3.0", queued_status="schema")


def test_response_type_is_understood() -> None:
    """The text says responseType where table and schema say grantType."""

    async def story(rig: Rig) -> None:
        await border(rig)
        message = rig.scribe.responses(**{request(rig)["requestId"]: "GRANTED"})
        message["responses"][0]["responseType"] = message["responses"][0].pop("grantType")
        from tests.vda5050.rig import raw  # past the schema check, which knows grantType alone

        rig.vehicle.receive(rig.vehicle.topic("responses"), raw(message))
        await rig.clock.sleep(0.5)
        assert request(rig)["requestStatus"] == "GRANTED"
        assert [one.id for one in rig.vehicle.logic.findings] == ["response-type"]

    play(story, "3.0")


@pytest.mark.parametrize("lease", ["yesterday", "2001-01-01T00:00:00.000Z"])
def test_a_lease_that_is_none(lease: str) -> None:
    """A lease that cannot be read, or is over already, grants nothing."""

    async def story(rig: Rig) -> None:
        await border(rig)
        rig.send(
            "responses", rig.scribe.responses(**{request(rig)["requestId"]: ("GRANTED", lease)})
        )
        await rig.clock.sleep(0.5)
        assert request(rig)["requestStatus"] == "REQUESTED"

    play(story, "3.0")


def test_a_blocked_zone_is_not_entered() -> None:
    """It stops before it, whatever the order says."""

    async def story(rig: Rig) -> None:
        await border(rig, "BLOCKED")
        await rig.clock.sleep(120.0)
        assert rig.carrier.pose.x_m <= BORDER[0] - HALF_M
        assert rig.fleet.errors == []

    play(story, "3.0")


def test_a_blocked_zone_around_it() -> None:
    """A zone that is enabled around the vehicle: it stands, with a critical error."""

    async def story(rig: Rig) -> None:
        zone = rig.scribe.zone("here", "BLOCKED", -5.0, 5.0)
        rig.send("zoneSet", rig.scribe.zone_set("s", zone))
        await rig.now("enableZoneSet", zoneSetId="s")
        await rig.order(rig.scribe.way("o", "AB", step_m=100.0))
        await rig.clock.sleep(30.0)
        assert rig.fleet.errors == ["BLOCKED_ZONE_VIOLATION"]
        assert rig.carrier.pose.x_m == 0.0

    play(story, "3.0")


def test_a_speed_limit_holds_at_the_border_already() -> None:
    """Table 6: the limit is reached upon entering, and ends with the body's tail."""

    async def story(rig: Rig) -> None:
        await border(rig, "SPEED_LIMIT", maximumSpeed=2.0)
        await rig.until(lambda: rig.carrier.pose.x_m > BORDER[0] - HALF_M)
        while rig.carrier.pose.x_m < BORDER[1] + HALF_M:
            assert rig.carrier.speed_m_s <= 2.0 + 1e-6
            await rig.clock.sleep(0.2)
        await rig.until(lambda: rig.carrier.speed_m_s > 6.0, 60.0)

    play(story, "3.0")


def test_actions_at_a_border() -> None:
    """Entry actions run on entering, exit actions on leaving, in zoneActionStates."""

    async def story(rig: Rig) -> None:
        entry = {"actionType": "finePositioning", "blockingType": "NONE", "actionParameters": []}
        exit_ = {"actionType": "finePositioning", "blockingType": "HARD"}
        await border(rig, "ACTION", entryActions=[entry], duringActions=[], exitActions=[exit_])
        await rig.until(lambda: rig.fleet.state["zoneActionStates"])
        assert rig.carrier.pose.x_m == pytest.approx(BORDER[0] - HALF_M, abs=3.0)
        await rig.until(lambda: len(rig.fleet.state["zoneActionStates"]) == 2)
        assert rig.carrier.pose.x_m == pytest.approx(BORDER[1] + HALF_M, abs=3.0)
        await rig.idle()
        shown = [one["actionType"] for one in rig.fleet.state["zoneActionStates"]]
        assert shown == ["finePositioning", "finePositioning"]
        await rig.now("clearZoneActions")
        assert rig.fleet.state["zoneActionStates"] == []

    play(story, "3.0")


def test_intervened_drops_the_requests() -> None:
    """3.0 table 10: no zone requests in INTERVENED; they are made anew afterwards."""

    async def story(rig: Rig) -> None:
        from twin.devices.igv import Mode

        await border(rig)
        rig.igv.set_mode(Mode.INTERVENED)
        await rig.clock.sleep(1.0)
        assert request(rig) == {}
        rig.igv.set_mode(Mode.AUTOMATIC)
        await rig.clock.sleep(1.0)
        assert request(rig)["requestStatus"] == "REQUESTED"

    play(story, "3.0")


def test_a_malformed_zone_set_is_refused() -> None:
    """What a zone type needs must be there."""

    async def story(rig: Rig) -> None:
        from tests.vda5050.rig import raw

        message = rig.scribe.zone_set("s", rig.scribe.zone("z", "RELEASE", 0.0, 1.0))
        rig.vehicle.receive(rig.vehicle.topic("zoneSet"), raw(message))
        await rig.clock.sleep(0.5)
        assert rig.fleet.errors == ["VALIDATION_FAILURE"]
        assert rig.fleet.state["zoneSets"] == []

    play(story, "3.0")
