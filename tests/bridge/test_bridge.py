"""Cargo crosses by itself: over MQTT, OPC UA and REST, with the reference fleet manager."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("asyncua")

from fixtures.bridge_hours import RESUME, resumes
from fixtures.fleet_cold_mutants import COLD_CAUGHT_BY
from fixtures.fleet_exception_mutants import EXCEPTION_CAUGHT_BY
from fixtures.fleet_mutants import FLEET_CAUGHT_BY, FLEET_MUTANTS
from tests.bridge.rig import Day, play
from tests.vda5050.schemas import check
from twin.faults import Fault
from twin.judge.bridge import BRIDGE
from twin.judge.bridge_kpis import bridge_kpis
from twin.trace import Record

pytestmark = pytest.mark.slow
TWO_LANES = {"sees_no_closing", "asks_for_no_lane"}
"""Mutants of lanes that close: test_phase_2.py."""


@pytest.fixture(scope="module")
def day() -> Day:
    """One box each way; whoever takes it only looks."""
    return play()


def test_one_box_crosses_each_way_and_is_signed_for(day: Day) -> None:
    """Truck, crane, locks, permit, bridge, crane, receipt: each once, in both directions."""
    assert day.judgement.held, day.judgement.violations
    assert {one.state for one in day.bridge.transfers.book.values()} == {"received"}
    assert {(r["container"], r["yard"]) for r in day.stack.receipts} == {
        (one.box, one.to_yard) for one in day.bridge.transfers.book.values()
    }
    for one in day.facts.crossings.values():
        on = [places[0] for _, _, box, places in day.facts.where if box == one.box]
        kinds = [place.split(":")[-1].split("-")[0] for place in on]
        assert kinds == ["truck", "crane", one.from_yard, "igv", one.to_yard, "crane", "stack"]
    line = [(event.kind, event.side) for event in day.facts.line]
    assert sorted(line) == [
        ("crossed", "far"), ("crossed", "home"), ("entered", "far"), ("entered", "home")
    ]  # fmt: skip


def test_the_wire_list_tells_where_the_crane_sets_boxes_down(day: Day) -> None:
    """Wherever a spreader has landed, its gantry stood at the place that the list tells, to 0.1 m.

    The gantry's last rest in the trace is the witness: it is the body's, not the list's.
    """
    told = {
        (f"{yard['crane']['id']}.body", place["id"]): float(place["gantry_m"])
        for yard in day.bridge.wire_list["yards"] for place in yard["places"]
    }  # fmt: skip
    stands: dict[str, float] = {}
    apart = []
    for record in day.trace.records():
        if record.kind == "crane.rest" and record.payload["axis"] == "gantry":
            stands[record.source] = float(record.payload["at_m"])
        elif record.kind == "crane.landed":
            place = told[record.source, record.payload["place"]]
            apart.append(abs(stands[record.source] - place))
    assert len(apart) == 8  # truck, vehicle, vehicle, stack; two boxes
    assert max(apart) < 0.1


def test_every_message_of_both_sides_is_valid_by_the_official_schemas(day: Day) -> None:
    """States, factsheets and connections of the vehicles, orders and actions of the manager."""
    seen = set()
    for record in day.trace.records():
        if record.kind in ("vda5050.rx", "vda5050.tx"):
            check("2.1", record.payload["topic"], record.payload["payload"].encode())
            seen.add(record.payload["topic"])
    assert seen == {"order", "instantActions", "state", "factsheet", "connection"}


def test_two_hours_with_twenty_boxes_hold_every_rule() -> None:
    """Both directions at once on one alternating lane."""
    first = play(boxes=20, hours=1.5, drain_s=5400.0, seed=3)
    assert first.judgement.held, first.judgement.violations
    assert first.bridge.finished == 20
    kpis = bridge_kpis(first.facts)
    assert {name: count.crossed for name, count in kpis.boxes.items()} == {
        "far.home": 10, "home.far": 10
    }  # fmt: skip
    assert kpis.line_crossings_laden == 20
    # A yard lies 2.5 km from the other: at 20 to 25 km/h that is 6 to 7.5 min of driving, and two
    # crane moves of two to three minutes each.
    for cycle in kpis.cycle_s.values():
        assert 13 * 60 < cycle.p50 < 45 * 60
    assert all(kwh > 0 for kwh in kpis.vehicle_kwh.values())


def test_the_same_seed_gives_the_same_trace() -> None:
    """Cranes, vehicles and the fleet manager leave nothing to chance but the seed."""
    first, again, other = (play(boxes=4, seed=seed).trace.sha256() for seed in (3, 3, 4))
    assert first == again != other


MUTANT_FAULTS = {
    "says_it_once": [
        Fault(target=f"igv-{number:02d}", kind="field_violation", at_s=680.0, for_s=30.0)
        for number in range(1, 7)
    ],
    "drives_without_a_permit": [
        Fault(target="transfers", kind="revoked", at_s=400.0, for_s=400.0)
    ],
    "every_news_is_new": [Fault(target="transfers", kind="repeats", at_s=50.0, for_s=1500.0)],
    "never_replaces": [Fault(target="igv-01", kind="motor_fault", at_s=200.0)],
}  # fmt: skip
"""Some mistakes show only when something is broken."""


@pytest.mark.parametrize("name", sorted(FLEET_MUTANTS.keys() - TWO_LANES - {"forgets_the_towed"}))
def test_each_wrong_fleet_manager_is_caught_by_its_rule(name: str) -> None:
    """A judge that lets one of them through is no judge."""
    boxes = 8 if name == "trusts_the_plan" else 2
    day = play(boxes=boxes, faults=MUTANT_FAULTS.get(name, ()), make=FLEET_MUTANTS[name])
    broken = {*day.judgement.broken, *([RESUME] if resumes(day.facts) else [])}
    assert FLEET_CAUGHT_BY[name] in broken


def test_the_judges_of_vehicles_see_a_doctored_trace() -> None:
    """BRIDGE-05 and BRIDGE-06 are about vehicles: a trace in which one breaks them is not held."""
    from twin.judge.bridge import judge_bridge

    stop = Fault(target="igv-01", kind="remote_stop", at_s=550.0, for_s=60.0)
    records = list(play(boxes=1, faults=[stop]).trace.records())
    assert judge_bridge(records)["BRIDGE-06"].state == "held"
    orders = [
        record._replace(payload={**record.payload, "payload": _shortened(record.payload)})
        if record.kind == "vda5050.rx" and record.payload["topic"] == "order" else record
        for record in records
    ]  # fmt: skip
    assert "BRIDGE-05" in judge_bridge(orders).broken
    restarted = [record for record in records if record.kind != "igv.restart"]
    assert "BRIDGE-06" in judge_bridge(restarted).broken
    torn = [twin for record in records for twin in _with_a_torn_copy(record)]
    assert judge_bridge(torn)["BRIDGE-05"].state == "held"


def _with_a_torn_copy(record: Record) -> list[Record]:
    """An order, and once more with noise in its id and nothing but its end (found by 1/14)."""
    if record.kind != "vda5050.rx" or record.payload["topic"] != "order":
        return [record]
    order = json.loads(record.payload["payload"])
    torn = order | {"orderId": "igv-\ufffd\ufffd-3", "nodes": order["nodes"][-1:]}
    return [
        record,
        record._replace(payload={**record.payload, "payload": json.dumps(torn)}),
    ]


def _shortened(payload: dict[str, str]) -> str:
    """The order with only its first node released."""
    order = json.loads(payload["payload"])
    for node in order["nodes"][1:]:
        node["released"] = False
    return json.dumps(order)


def test_every_rule_has_a_mutant_or_a_doctored_trace() -> None:
    """No rule is there that nothing has ever broken."""
    elsewhere = {
        "BRIDGE-05", "BRIDGE-06", "BRIDGE-09", "BRIDGE-12", "BRIDGE-14", *COLD_CAUGHT_BY.values(),
        *EXCEPTION_CAUGHT_BY.values(),
    }  # fmt: skip
    assert (set(FLEET_CAUGHT_BY.values()) - {RESUME}) | elsewhere == set(BRIDGE)
