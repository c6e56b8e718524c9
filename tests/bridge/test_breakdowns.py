"""Vehicles that break down for good, and the reference fleet manager: every box arrives."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("asyncua")

from fixtures.bridge_hours import resumes
from fixtures.fleet_mutants import FLEET_CAUGHT_BY, FLEET_MUTANTS
from fixtures.stack.fleet.traffic import Traffic
from tests.bridge.rig import Day, play
from tests.bridge.test_phase_2 import small
from twin.bridge import Bridge
from twin.faults import Fault


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


Chosen = Callable[[Bridge], list[str]]


def break_down(*chosen: Chosen) -> Callable[[Bridge], None]:
    """Have vehicles break down for good as soon as each of `chosen`, in turn, names some."""

    def look(bridge: Bridge, left: tuple[Chosen, ...] = chosen) -> None:
        names = left[0](bridge)
        for name in names:
            bridge.igvs[name].inject("breakdown")
        left = left[1:] if names else left
        if left:
            bridge.clock.call_later(1.0, lambda: look(bridge, left))

    return look


def laden_on_the_span(bridge: Bridge) -> list[str]:
    """Who drives on the bridge with a box, and is whole."""
    return [
        name for name, igv in bridge.igvs.items()
        if igv.driving and igv.carrier.boxes and 20.0 < igv.carrier.pose.x_m < 600.0
        and not igv.faults
    ]  # fmt: skip


def one_during_a_tow(bridge: Bridge) -> list[str]:
    whole = [name for name, igv in bridge.igvs.items() if igv.carrier.boxes and not igv.faults]
    return whole[:1] if any(igv.hooked for igv in bridge.igvs.values()) else []


def to_be_loaded(bridge: Bridge) -> list[str]:
    """The first vehicle for whose bay a crane has begun to work."""
    docks = bridge.yards.docks.docks.values()
    under = [dock.carrier for dock in docks if dock.carrier and dock.place]
    return [one.id for one in under if bridge.yards.handing_over(one)][:1]


def to_be_unloaded(bridge: Bridge) -> list[str]:
    """The first vehicle that has opened its locks, over the bridge."""
    crossed = {one.box for one in bridge.transfers.book.values() if one.state == "permitted"}
    return [
        dock.carrier.id for dock in bridge.yards.docks.docks.values()
        if dock.carrier and dock.place and dock.place.top is not None
        and not dock.place.holds_box and dock.place.top.number in crossed
    ][:1]  # fmt: skip


def hour(*chosen: Chosen) -> Day:
    return play(boxes=6, hours=0.5, drain_s=5400.0, seed=2, before=break_down(*chosen))


@pytest.mark.slow
def test_a_manager_that_forgets_the_towed_is_caught() -> None:
    """It lets others into the lane in which a vehicle without a position is towed."""
    day = play(
        boxes=6, hours=0.5, drain_s=2400.0, seed=2, make=FLEET_MUTANTS["forgets_the_towed"],
        before=break_down(lambda bridge: laden_on_the_span(bridge)[:1]),
    )  # fmt: skip
    assert FLEET_CAUGHT_BY["forgets_the_towed"] == "BRIDGE-14"
    assert "BRIDGE-14" in day.judgement.broken


@pytest.mark.slow
def test_a_breakdown_during_a_tow() -> None:
    """While one vehicle is towed another breaks down; a park is kept free for each of them."""
    day = hour(lambda bridge: laden_on_the_span(bridge)[:1], one_during_a_tow)
    assert all_arrive(day)
    first, second = day.facts.faults
    tow = day.facts.tows[0]
    assert tow.vehicle == first.target
    assert tow.begin_s < second.begin_s < tow.end_s
    assert len(towed(day)) + len(day.kinds("tow.repaired")) == 2
    assert not [one for one in day.kinds("tow.given_up") if one["why"] == "no free park"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chosen", "repaired"), [(to_be_loaded, 1), (to_be_unloaded, 0)], ids=["load", "unload"]
)
def test_a_breakdown_under_a_crane(chosen: Chosen, repaired: int) -> None:
    """Nobody takes a vehicle away under a box that hangs over it, or stands loose on it.

    The one that is to be loaded is repaired where it stands; the other one is unloaded before
    people come.
    """
    day = hour(chosen)
    assert all_arrive(day)
    given_up = [one["why"] for one in day.kinds("tow.given_up")]
    assert given_up == ["a box is handed over"] * repaired
    assert len(day.kinds("tow.repaired")) == repaired


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
