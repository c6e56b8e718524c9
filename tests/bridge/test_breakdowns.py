"""Vehicles that break down for good, and the reference fleet manager: every box arrives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

pytest.importorskip("asyncua")

from fixtures.bridge_hours import resumes
from fixtures.stack.fleet import FleetManager, create
from fixtures.stack.fleet.traffic import Traffic
from tests.bridge.rig import Day, play
from tests.bridge.test_phase_2 import small
from twin.bridge import Bridge
from twin.faults import Fault
from twin.physics import Pose


def broken(**at_s: float) -> list[Fault]:
    """`igv_01=500` and so on: nobody repairs it on the spot."""
    return [
        Fault(target=name.replace("_", "-"), kind="breakdown", at_s=one)
        for name, one in at_s.items()
    ]


def all_arrive(day: Day, boxes: int = 6) -> bool:
    """Every rule holds, work goes on, all boxes are received."""
    assert day.judgement.held, day.judgement.violations
    assert not resumes(day.facts)
    return [one.state for one in day.bridge.transfers.book.values()] == ["received"] * boxes


def towed(day: Day) -> list[str]:
    return [one["vehicle"] for one in day.kinds("tow.end")]


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize(
    "faults",
    [
        # Who was towed kept its nodes of the lane, and met the others at its mouth: 0 of 6.
        broken(igv_05=507.9, igv_01=518.9, igv_03=556.4, igv_06=589.3),
        # A bay from which a vehicle was towed counted as taken: 5 of 6.
        broken(igv_03=912.4, igv_06=937.6, igv_01=959.8, igv_02=1086.2),
        # Towed with boxes that stood loose on them: all arrived, BRIDGE-02 was broken.
        broken(igv_05=563.8, igv_06=589.4, igv_02=595.3, igv_04=669.8),
    ],
    ids=["lane", "bay", "loose"],
)
def test_four_breakdowns_in_four_minutes_of_phase_2(faults: list[Fault]) -> None:
    """Four of six vehicles are towed or repaired, and all six boxes cross."""
    day = play(boxes=6, hours=0.3, drain_s=7200.0, on=small(), faults=faults)
    assert all_arrive(day)
    assert len(towed(day)) + len(day.kinds("tow.repaired")) == 4


@pytest.mark.slow
@pytest.mark.no_cover
def test_two_behind_each_other_in_one_lane_are_both_towed() -> None:
    """Each by the side on whose ground it stands, with its box."""
    day = play(
        boxes=6, hours=0.5, drain_s=5400.0, seed=2, faults=broken(igv_02=1550.0, igv_04=1550.0)
    )
    assert all_arrive(day)
    begun = day.kinds("tow.begin")
    assert [one["to"].split("-")[0] for one in begun] == ["vn", "cn"]
    assert all(len(one["boxes"]) == 1 for one in begun)
    assert day.judgement["BRIDGE-14"].checked_count == 2


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_breakdown_during_a_tow() -> None:
    """While one vehicle is towed another breaks down; a park is kept free for each of them."""
    day = play(
        boxes=6, hours=0.5, drain_s=5400.0, seed=2, faults=broken(igv_01=1150.0, igv_03=2200.0)
    )
    assert all_arrive(day)
    first, second = day.facts.tows
    fault = next(one for one in day.facts.faults if one.target == second.vehicle)
    assert first.begin_s < fault.begin_s < first.end_s
    assert towed(day) == ["igv-01", "igv-03"]
    assert not day.kinds("tow.given_up")


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize(("at_s", "repaired"), [(800.0, 1), (1520.0, 0)])
def test_a_breakdown_under_a_crane(at_s: float, repaired: int) -> None:
    """Nobody takes a vehicle away under a box that hangs over it, or stands loose on it.

    The one that is to be loaded is repaired where it stands; the other one is unloaded, and stands
    in a park when its time has come, or is towed there.
    """
    day = play(boxes=6, hours=0.5, drain_s=5400.0, seed=2, faults=broken(igv_01=at_s))
    assert all_arrive(day)
    given_up, done = day.kinds("tow.given_up"), day.kinds("tow.repaired")
    assert [one["why"] for one in given_up] == ["a box is handed over"] * repaired
    assert len(done) == repaired


@pytest.mark.slow
@pytest.mark.no_cover
def test_who_finds_its_park_taken_goes_elsewhere() -> None:
    """People put a vehicle on a park that another one was sent to: that one gets another place."""
    stacks: list[FleetManager] = []
    moved: list[tuple[str, str, str]] = []

    def watched(wires: Mapping[str, Any], options: Mapping[str, Any]) -> FleetManager:
        stacks.append(create(wires, options))
        return stacks[0]

    def look(bridge: Bridge) -> None:
        vehicles = stacks[0].vehicles if stacks else {}
        for one in vehicles.values():
            order = one.order
            if order is None or order.complete or order.goal not in bridge.cargo.yards[0].parks:
                continue
            idle = next(v for v in vehicles.values() if not v.busy and v.fit)
            node = bridge.cargo.node(order.goal)
            bridge.igvs[idle.id].move_by_hand(Pose(node.x_m, node.y_m, 0.0))
            bridge._put_down(idle.id)
            moved.append((one.id, idle.id, order.goal))
            return
        bridge.clock.call_later(1.0, lambda: look(bridge))

    day = play(boxes=4, hours=0.5, seed=2, make=watched, before=look)
    assert all_arrive(day, 4)
    ((sent, put, park),) = moved
    vehicles = day.stack.vehicles
    assert vehicles[put].at == park
    assert vehicles[sent].at != park
    assert not vehicles[sent].busy or vehicles[sent].order is not None


def test_a_stop_belongs_to_who_was_towed_to_it() -> None:
    """On a stop who stands there is its owner; on the road who has claimed the node."""
    changed: list[bool] = []
    traffic = Traffic([], lambda: 0.0, lambda: changed.append(True), stops=["park"])
    assert traffic.claim("sent", "park")
    assert traffic.claim("sent", "road")
    traffic.adopt("towed", ["road"])
    assert traffic.owner == {"park": "sent", "road": "sent"}
    assert not changed
    traffic.adopt("towed", ["park"])
    assert traffic.owner == {"park": "towed", "road": "sent"}
    assert changed
