"""What goes wrong with vehicles, cranes, links and papers: the rules hold, and work goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("asyncua")

from tests.bridge.rig import Day, play
from twin import faults as schedules
from twin import strict_toml

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[2] / "examples"
BOXES = 6


def run(name: str) -> Day:
    """Half an hour with six boxes and the faults of `examples/NAME.toml`, which all must come."""
    faults = strict_toml.load(EXAMPLES / f"{name}.toml", schedules.Schedule).faults
    day = play(boxes=BOXES, hours=0.5, drain_s=5400.0, seed=2, faults=faults)
    begun = day.kinds("fault.begin")
    assert len(begun) == len(faults) == len(day.kinds("fault.end"))
    assert day.judgement.held, day.judgement.violations
    return day


def received(day: Day) -> int:
    return sum(one.received_s is not None for one in day.facts.crossings.values())


def on_the_span(day: Day) -> bool:
    """Whether a broken vehicle came to rest on the bridge."""
    broken = {(fault.target, fault.begin_s, fault.end_s) for fault in day.facts.faults}
    return any(
        kind == "igv.rest" and from_s <= t_s <= until_s and 0 < float(str(data["x"])) < 618
        for target, from_s, until_s in broken
        for t_s, kind, _, data in day.facts.vehicles[target].events
    )


def test_a_dead_and_then_a_bad_radio_only_delays() -> None:
    """Silence on the span, then losses and doubles: every box arrives, orders were sent again."""
    day = run("bridge-network")
    assert received(day) == BOXES
    orders = [
        (record.source, record.payload["payload"].split('"orderId"')[1])
        for record in day.trace.records()
        if record.kind == "vda5050.rx" and record.payload["topic"] == "order"
    ]
    assert len(orders) > len(set(orders))


def test_a_breakdown_stops_who_is_behind_and_no_more() -> None:
    """Drives fail under way; nobody drives into them, and all boxes arrive after the repair."""
    day = run("bridge-breakdown")
    assert received(day) == BOXES
    assert on_the_span(day), "no vehicle stood on the bridge while it was broken"


def test_a_vehicle_that_is_towed_away_brings_its_box_in_the_end() -> None:
    """Broken for good on the span, it is towed with its box; its lane is held, all boxes arrive."""
    day = run("bridge-towing")
    assert received(day) == BOXES
    assert on_the_span(day), "no vehicle stood on the bridge while it was broken"
    assert day.judgement["BRIDGE-14"].checked_count == 1
    (tow,) = day.facts.tows
    (fault,) = day.facts.faults
    (begun,), (ended,) = day.kinds("tow.begin"), day.kinds("tow.end")
    assert begun["boxes"], "it was to carry a box"
    assert fault.begin_s < tow.begin_s < tow.end_s == fault.end_s
    stay = next(one for one in day.facts.zones["lane-1"] if one.vehicle == tow.vehicle)
    assert stay.until_s == pytest.approx(fault.begin_s + 1200, abs=20), "tow_s of the site"
    park = day.bridge.cargo.node(begun["to"])
    assert (ended["x"], ended["y"]) == (park.x_m, park.y_m)
    states = [
        json.loads(record.payload["payload"]) for record in day.trace.records()
        if record.kind == "vda5050.tx" and record.source.startswith(tow.vehicle)
        and record.payload["topic"] == "state" and tow.begin_s < record.t_s < tow.end_s
    ]  # fmt: skip
    assert states
    assert {one["operatingMode"] for one in states[1:]} == {"SERVICE"}
    assert not any(one["agvPosition"]["positionInitialized"] for one in states[1:])
    assert all("FATAL" in {e["errorLevel"] for e in one["errors"]} for one in states)


def test_a_crane_without_power_keeps_its_box_and_goes_on() -> None:
    """The mission is suspended, the box stays on the spreader, and the scheduler resumes it."""
    day = run("bridge-crane-power")
    assert received(day) == BOXES
    held = [on for t_s, _, _, on in day.facts.where if t_s < day.facts.faults[0].begin_s][-1]
    assert held == ["crane-vn"], "the power was to go while a box hung on the spreader"
    states = [one["state"] for one in day.kinds("crane.mission")]
    assert "SUSPENDED" in states
    assert states.count("DONE") == 2 * BOXES


def test_an_intrusion_stops_all_and_each_is_restarted() -> None:
    """Every vehicle stops within a second, stands, and is restarted after acknowledgement."""
    day = run("bridge-intrusion")
    assert received(day) == BOXES
    assert day.judgement["BRIDGE-06"].checked_count == len(day.bridge.igvs)
    begun = next(fault.begin_s for fault in day.facts.faults)
    stops = [
        t_s for one in day.facts.vehicles.values() for t_s, kind, _, data in one.events
        if kind == "igv.stop" and data["kind"] == "REMOTE"
    ]  # fmt: skip
    assert len(stops) == len(day.bridge.igvs)
    assert max(stops) <= begun + 1.0


def test_a_wrong_box_is_sent_away_and_an_outage_is_waited_for() -> None:
    """The crane reads another number: that box never leaves its truck. The others all cross."""
    day = run("bridge-wrong-box")
    wrong = {one["box"] for one in day.kinds("truck.wrong_box")}
    assert wrong
    assert received(day) == BOXES - len(wrong)
    reasons = {one.failure for one in day.bridge.transfers.book.values() if one.failure}
    assert reasons == {"wrong_box"}
    assert not any(box in wrong for event in day.facts.line for box in event.boxes)
    assert {one["box"] for one in day.kinds("box.gone") if one["how"] == "sent away"} == wrong


def test_a_vehicle_that_was_switched_off_gets_a_new_order() -> None:
    """Batteries fail under way: orders are gone with them, the boxes still arrive."""
    faults = [
        schedules.Fault(target=f"igv-{n:02d}", kind="battery_dead", at_s=600.0 + 40 * n, for_s=90.0)
        for n in range(1, 7)
    ]
    day = play(faults=faults)
    assert day.judgement.held, day.judgement.violations
    assert received(day) == 2


@pytest.mark.parametrize(
    ("target", "kind", "at_s", "for_s", "arrive"),
    [
        ("crane-cn", "ocr_blind", 900.0, 300.0, 2),  # a box waits on its vehicle to be read
        ("crane-cn", "ocr_blind", 200.0, 600.0, 1),  # one on its truck is sent away unread
        ("crane-vn", "drive_trip", 350.0, 300.0, 2),
    ],
)
def test_what_a_crane_gives_up_is_tried_again_or_sent_away(
    target: str, kind: str, at_s: float, for_s: float, arrive: int
) -> None:
    """A vehicle never leaves with a loose box, however long its crane cannot take it."""
    day = play(faults=[schedules.Fault(target=target, kind=kind, at_s=at_s, for_s=for_s)])
    assert day.judgement.held, day.judgement.violations
    assert received(day) == arrive
    assert day.bridge.finished == 2


def test_emergency_stops_are_acknowledged_before_anything_moves() -> None:
    """Released buttons move nothing; acknowledged and told to, the vehicles go on."""
    day = run("bridge-e-stop")
    assert received(day) == BOXES
    assert day.judgement["BRIDGE-06"].checked_count == 2


def test_vehicles_without_a_position_stand_and_go_on() -> None:
    """Float docks by fine positioning; without a fix all stop in their bound; all boxes arrive."""
    day = run("bridge-gnss")
    assert received(day) == BOXES
    assert day.judgement["BRIDGE-09"].checked_count >= len(day.bridge.igvs)
    assert day.kinds("igv.docked"), "no vehicle had to position itself exactly"
    lost = [one for one in day.kinds("igv.alarm") if one["text"] == "position lost"]
    assert len(lost) >= 3
    states = [
        json.loads(record.payload["payload"]) for record in day.trace.records()
        if record.kind == "vda5050.tx" and record.payload["topic"] == "state"
    ]  # fmt: skip
    blind = [one for one in states if not one["agvPosition"]["positionInitialized"]]
    assert blind
    assert all(one["agvPosition"]["localizationScore"] == 0.0 for one in blind)
    assert all(one["errors"][0]["errorType"] == "localizationError" for one in blind)
    unsure = {one["agvPosition"]["deviationRange"] for one in states} - {0.06}
    assert min(unsure) < 0.6 < max(unsure), "float is 3 sigma of 0.2 m; reckoning passes that"


def test_a_closed_line_is_drained_and_held() -> None:
    """Nobody gets a permit while it is closed, who has one crosses, and all cross afterwards."""
    day = run("bridge-closure")
    assert received(day) == BOXES
    closed = next(fault for fault in day.facts.faults if fault.kind == "revoked")
    permits = [one.permitted_s or 0.0 for one in day.facts.crossings.values()]
    assert not any(closed.begin_s <= t_s < closed.end_s for t_s in permits)
    waiting = [
        one for one in day.facts.crossings.values()
        if one.ready_s < closed.end_s - 600 and (one.permitted_s or 0.0) >= closed.end_s
    ]  # fmt: skip
    assert waiting, "somebody was to wait for the line to be opened"
    entered = [event.t_s for event in day.facts.line if event.kind == "entered" and event.boxes]
    assert not any(closed.begin_s + 600 < t_s < closed.end_s for t_s in entered)
    states = [one["state"] for one in day.kinds("crane.mission")]
    assert states.count("DONE") == 2 * BOXES


def test_handover_between_two_operators_only_delays() -> None:
    """Gaps, a slow second network, doubles and changed order: every box arrives, once."""
    day = run("bridge-handover")
    assert received(day) == BOXES
    seen = {record.kind for record in day.trace.records() if record.kind.startswith("link.")}
    assert {"link.duplicated", "link.held_back", "link.delayed"} <= seen
    heard_s = [record.t_s for record in day.trace.records() if record.kind == "vda5050.rx"]
    gaps = [fault.begin_s for fault in day.facts.faults if fault.kind == "handover"]
    assert len(gaps) == 2
    for begin_s in gaps:
        assert not any(begin_s + 0.5 < t_s < begin_s + 19.5 for t_s in heard_s)


def test_a_stuck_twist_lock_is_tried_again() -> None:
    """The crane gives the mission up, nothing is dropped, and the box goes when it turns again."""
    day = run("bridge-twist-lock")
    assert received(day) == BOXES
    failed = [one for one in day.kinds("crane.mission") if one["state"] == "FAILED"]
    assert failed, "the lock was to be stuck when it was needed"
