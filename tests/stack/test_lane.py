"""The reference stack in one lane of the emulated gate, over its real wires."""

from __future__ import annotations

import json
import re
from typing import Any

import aiohttp
import pytest

from fixtures.stack import ReferenceStack
from twin.rig import Rig
from twin.trace import Record

SMART = ["in-1", "in-2", "out-1", "out-2"]


def kinds(rig: Rig, *wanted: str) -> list[Record]:
    return [record for record in rig.records if record.kind in wanted]


def alarms(rig: Rig) -> list[str]:
    return [r.payload["code"] for r in kinds(rig, "partner.alarm") if r.payload["raised"]]


def outcomes(rig: Rig) -> list[str]:
    return [record.payload["outcome"] for record in kinds(rig, "vehicle.left")]


def show(rig: Rig, page: str) -> Any:
    stack = rig.stack
    assert isinstance(stack, ReferenceStack)

    async def get() -> Any:
        url = f"{stack.operations_url}/{page}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return json.loads(await answer.read())

    return rig.run(get())


@pytest.mark.parametrize("lane", SMART)
def test_a_lawful_truck_passes(lane: str) -> None:
    """Whatever barrier and scale: release comes before motion, and the open arm before green."""
    with Rig(lanes=[lane]) as rig:
        rig.vehicle(lane)
        assert rig.until_clear(120)
        rig.wait(20)
        assert outcomes(rig) == ["crossed"]
        assert rig.judge().held
        greens = [r.t_ns for r in kinds(rig, "lamp") if r.payload["green"]]
        (release,) = [r.t_ns for r in kinds(rig, "partner.release")]
        up, down = [r.t_ns for r in kinds(rig, "arm.motion")]
        is_open, _ = [r.t_ns for r in kinds(rig, "arm.rest")]
        assert release <= up < greens[0] < down
        assert greens[0] > is_open - 0.5e9, "a limit switch sits just before the end"
        assert alarms(rig) == []
        assert show(rig, "counts")["total"] == {"passed": 1}
        assert show(rig, "lanes")[lane]["state"] == "idle"


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("channel_red", "channel_red"),
        ("channel_yellow", "channel_yellow"),
        ("no_declaration", "no_declaration"),
        ("plate_mismatch", "no_declaration"),
        ("overweight", "overweight"),
        ("weight_mismatch", "weight_mismatch"),
        ("not_precleared", "not_precleared"),
    ],
)
def test_who_must_not_pass_is_diverted(why: str, reason: str) -> None:
    """Each reason for turning a truck away is found, and the arm never moves for it."""
    with Rig(lanes=["out-2"]) as rig:
        rig.vehicle(why=why)
        assert rig.until_clear(400)
        rig.wait(20)
        assert outcomes(rig) == ["diverted"]
        assert kinds(rig, "arm.motion") == []
        assert show(rig, "counts")["total"] == {"diverted": 1, f"diverted:{reason}": 1}
        assert rig.judge().held


def test_a_late_preclearance_is_waited_for() -> None:
    """The far side's answer may come while the truck stands on the platform."""
    with Rig(lanes=["in-1"]) as rig:
        rig.vehicle(acknowledged_after_s=70.0)
        rig.wait(60)
        assert kinds(rig, "partner.release", "arm.motion") == []
        assert rig.until_clear(60)
        assert outcomes(rig) == ["crossed"]
        assert rig.judge().held


@pytest.mark.parametrize("how", ["revoked", "red"])
def test_leave_can_be_withdrawn_until_the_truck_moves(how: str) -> None:
    """A release that is taken back under a green lamp turns it red, and the truck away."""
    with Rig(lanes=["in-1"]) as rig:
        rig.vehicle(hesitates_s=40.0)
        while not any(record.payload["green"] for record in kinds(rig, "lamp")):
            rig.wait(1)
        (release,) = kinds(rig, "partner.release")
        if how == "revoked":
            rig.gate.state.revoke(release.payload["declaration"])
        else:
            rig.gate.state.set_channel(release.payload["declaration"], "red")
        rig.wait(2)
        assert kinds(rig, "lamp")[-1].payload["red"]
        assert rig.until_clear(120)
        rig.wait(20)
        assert outcomes(rig) == ["diverted"]
        assert rig.judge().held


def test_a_misread_plate_is_put_right_by_an_officer() -> None:
    """Two wrong readings do not turn a lawful truck away, and the record has the true plate."""
    with Rig(lanes=["in-1"]) as rig:
        rig.inject("in-1.camera", "misread", probability=1.0)
        rig.vehicle()
        assert rig.until_clear(200)
        rig.wait(20)
        assert outcomes(rig) == ["crossed"]
        assert len(kinds(rig, "isapi.event")) == 2, "a doubtful plate is read again"
        assert len(kinds(rig, "partner.officer")) == 1
        assert rig.judge().held


def test_a_truck_that_no_camera_sees_is_served() -> None:
    """A blind camera costs an officer's walk, not the crossing."""
    with Rig(lanes=["in-1"]) as rig:
        rig.inject("in-1.camera", "blind")
        rig.vehicle()
        assert rig.until_clear(200)
        assert outcomes(rig) == ["crossed"]
        assert "camera_silent" in alarms(rig) or len(kinds(rig, "partner.officer")) == 1


@pytest.mark.parametrize("occupied", [False, True])
def test_a_truck_that_the_approach_loop_misses_is_served(occupied: bool) -> None:
    """With the approach loop dead or stuck, the camera announces the truck."""
    with Rig(lanes=["in-1"]) as rig:
        rig.inject("in-1.loops", "stuck", channel="approach", occupied=occupied)
        rig.wait(60)
        rig.vehicle()
        assert rig.until_clear(200)
        assert outcomes(rig) == ["crossed"]
        assert rig.judge().held


def test_a_truck_that_nothing_announces_is_found_by_the_scale() -> None:
    """Loop and camera both failing, an idle lane still notices a weight on its platform."""
    with Rig(lanes=["in-1"]) as rig:
        rig.inject("in-1.loops", "stuck", channel="approach", occupied=False)
        rig.inject("in-1.camera", "blind")
        rig.vehicle()
        assert rig.until_clear(300)
        assert outcomes(rig) == ["crossed"]


@pytest.mark.slow
@pytest.mark.parametrize("lane", ["in-1", "in-2", "out-1"])
@pytest.mark.parametrize("kind", ["ok_but_no_motion", "limit_switch_dead"])
def test_an_ok_without_motion_is_not_believed(lane: str, kind: str) -> None:
    """A barrier that answers OK and does not show its arm open gives an alarm and no green."""
    with Rig(lanes=[lane]) as rig:
        rig.inject(f"{lane}.barrier", kind)
        rig.vehicle(lane)
        rig.wait(60)
        assert "barrier_no_motion" in alarms(rig)
        assert not any(record.payload["green"] for record in kinds(rig, "lamp"))
        rig.heal(f"{lane}.barrier", kind)
        assert rig.until_clear(120), "after the repair the truck goes on its way"
        rig.wait(60)
        assert outcomes(rig) == ["crossed"]
        assert len(kinds(rig, "partner.release")) == 1, "a release is not asked for twice"
        assert rig.judge().held


@pytest.mark.slow
@pytest.mark.parametrize("lane", ["in-1", "out-1"])
def test_an_arm_that_is_not_seen_open_takes_the_green_away(lane: str) -> None:
    """A barrier that goes silent under a green lamp ends it; the same truck goes later."""
    with Rig(lanes=[lane]) as rig:
        rig.vehicle(hesitates_s=20.0)
        while not any(record.payload["green"] for record in kinds(rig, "lamp")):
            rig.wait(1)
        rig.inject(f"{lane}.barrier", "power_cut")
        rig.wait(4)
        assert kinds(rig, "lamp")[-1].payload["red"]
        rig.wait(60)
        rig.heal(f"{lane}.barrier", "power_cut")
        assert rig.until_clear(200)
        rig.wait(60)
        assert outcomes(rig) == ["crossed"]
        assert len(kinds(rig, "partner.release")) == 1
        assert rig.judge().held


@pytest.mark.slow
@pytest.mark.parametrize("how", ["unavailable", "closed", "lost_answer", "hang"])
def test_without_customs_nobody_moves_and_afterwards_nothing_is_doubled(how: str) -> None:
    """An outage holds the truck; when it ends, one release, one record, and the truck goes."""
    with Rig(lanes=["in-1"]) as rig:
        rig.inject("customs", "down", how=how)
        rig.vehicle()
        rig.wait(90)
        assert kinds(rig, "arm.motion") == []
        rig.heal("customs", "down")
        assert rig.until_clear(120)
        rig.wait(30)
        assert outcomes(rig) == ["crossed"]
        assert len(kinds(rig, "partner.release")) == 1
        assert len(kinds(rig, "partner.gate_record")) == 1
        assert rig.judge().held


def test_records_of_an_outage_are_forwarded() -> None:
    """A truck that was released before the outage passes; its record arrives after it."""
    with Rig(lanes=["in-1"]) as rig:
        rig.vehicle(hesitates_s=20.0)
        while not kinds(rig, "partner.release"):
            rig.wait(1)
        rig.inject("customs", "down")
        assert rig.until_clear(120)
        rig.wait(60)
        assert kinds(rig, "partner.gate_record") == []
        rig.heal("customs", "down")
        rig.wait(60)
        assert len(kinds(rig, "partner.gate_record")) == 1
        assert rig.judge().held


def test_a_lost_io_module_holds_the_lane_until_it_is_back() -> None:
    """Without samples of the loops nothing moves; with them, the same visit goes on."""
    with Rig(lanes=["in-2"]) as rig:
        rig.vehicle()
        rig.wait(4)
        rig.inject("in-2.io", "power_cut")
        rig.wait(60)
        assert kinds(rig, "arm.motion") == []
        assert "io_lost" in alarms(rig)
        rig.heal("in-2.io", "power_cut")
        assert rig.until_clear(200)
        rig.wait(30)
        assert rig.judge().held


@pytest.mark.slow
def test_a_tail_gater_is_alarmed() -> None:
    """Two trucks in one opening are counted by the I/O's own counters, however close they are."""
    with Rig(lanes=["in-1"]) as rig:
        rig.vehicle()
        rig.vehicle(follows=True)
        assert rig.until_clear(200)
        rig.wait(30)
        followed = [r.payload["followed"] for r in kinds(rig, "vehicle.crossed")]
        assert followed == [False, True], "the scene must happen"
        assert "tailgating" in alarms(rig)
        assert show(rig, "counts")["total"] == {"passed": 1, "tailgated": 1}
        rig.vehicle()
        assert rig.until_clear(120), "the next truck is served as ever"
        rig.wait(30)
        assert rig.judge().held


@pytest.mark.slow
def test_a_truck_that_stops_under_the_arm_is_waited_for() -> None:
    """The arm stays up as long as the load stands under it."""
    with Rig(lanes=["in-1"]) as rig:
        rig.vehicle(stops_under_arm_s=120.0)
        assert rig.until_clear(300)
        rig.wait(30)
        assert rig.judge().held
        assert kinds(rig, "arm.contact") == []


@pytest.mark.slow
@pytest.mark.parametrize("channel", ["arm_a", "arm_b", "exit"])
@pytest.mark.parametrize("occupied", [False, True])
def test_one_dead_loop_harms_nobody(channel: str, occupied: bool) -> None:
    """With any one loop stuck, nobody is hit, the record comes in time, and healing ends it."""
    with Rig(lanes=["in-1"]) as rig:
        rig.inject("in-1.loops", "stuck", channel=channel, occupied=occupied)
        rig.vehicle(stops_under_arm_s=10.0)
        assert rig.until_clear(200)
        rig.wait(60)
        assert len(kinds(rig, "partner.gate_record")) == 1
        rig.heal("in-1.loops", "stuck")
        rig.wait(60)
        rig.vehicle()
        assert rig.until_clear(200)
        rig.wait(60)
        assert outcomes(rig) == ["crossed", "crossed"]
        assert kinds(rig, "arm.contact") == []
        assert rig.judge().held


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "how"),
    [("stuck", {"channel": "arm_b", "occupied": False}),
     ("crosstalk", {"channel": "arm_a", "heard": "exit"})],
)  # fmt: skip
def test_a_tail_gater_is_alarmed_although_a_loop_is_deceived(kind: str, how: Any) -> None:
    """Who came in behind another and does not stand on the platform has slipped through."""
    with Rig(lanes=["in-1"]) as rig:
        rig.inject("in-1.loops", kind, **how)
        rig.vehicle()
        rig.vehicle(follows=True)
        assert rig.until_clear(300)
        rig.wait(30)
        assert outcomes(rig) == ["crossed", "crossed"]
        assert "tailgating" in alarms(rig)
        assert rig.judge().held


@pytest.mark.slow
def test_a_release_never_serves_the_truck_behind() -> None:
    """With a stuck loop and the next truck in the lane already, each passes on its own release."""
    with Rig(lanes=["in-1"]) as rig:
        rig.inject("in-1.loops", "stuck", channel="arm_a", occupied=True)
        rig.vehicle()
        rig.vehicle()
        rig.wait(260)
        rig.heal("in-1.loops", "stuck")
        assert rig.until_clear(300)
        rig.wait(60)
        assert outcomes(rig) == ["crossed", "crossed"]
        assert rig.judge().held


@pytest.mark.parametrize("after_s", [10, 16, 20, 26, 32])
def test_two_trucks_and_a_dead_io_module(after_s: int) -> None:
    """Whenever the samples end, nobody passes on the release of another."""
    with Rig(lanes=["in-2"]) as rig:
        rig.vehicle()
        rig.vehicle(why="channel_red")
        rig.wait(after_s)
        rig.inject("in-2.io.modbus", "link_down")
        rig.wait(60)
        rig.heal("in-2.io.modbus", "link_down")
        assert rig.until_clear(400)
        rig.wait(60)
        assert outcomes(rig) == ["crossed", "diverted"]
        assert rig.judge().held


@pytest.mark.parametrize(
    ("lane", "kind", "code"),
    [("in-1", "offline", "scale_lost"), ("in-2", "offline", "scale_lost"),
     ("in-2", "noisy", "scale_unsettled")],
)  # fmt: skip
def test_without_a_weight_nobody_passes(lane: str, kind: str, code: str) -> None:
    """A scale that is away or never settles turns the truck away with an alarm."""
    with Rig(lanes=[lane]) as rig:
        rig.inject(f"{lane}.scale", kind)
        rig.vehicle(lane)
        rig.wait(100)
        rig.heal(f"{lane}.scale", kind)
        assert rig.until_clear(200)
        assert outcomes(rig) == ["diverted"]
        assert code in alarms(rig)
        assert rig.judge().held


def test_the_operations_pages_answer() -> None:
    """Counts, alarms, lanes and health are JSON for whoever watches the gate."""
    with Rig(lanes=["in-1"]) as rig:
        assert show(rig, "health")["status"] == "up"
        rig.inject("in-1.io", "power_cut")
        rig.wait(30)
        assert show(rig, "health") == {
            "status": "degraded", "lanes_in_fault": ["in-1"],
            "statements_waiting": 0, "statements_refused": 0,
        }  # fmt: skip
        assert {alarm["code"] for alarm in show(rig, "alarms")["active"]} >= {"io_lost"}
        first = show(rig, "alarms")["history"][0]
        assert re.fullmatch(r"2023-05-30T07:00:.*\+07:00", first["business_time"])
