"""Exceptions of vehicles, cranes and links: the rules hold, and each has caught a wrong manager."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("asyncua")

from fixtures.fleet_exception_mutants import EXCEPTION_CAUGHT_BY, EXCEPTION_MUTANTS
from tests.bridge.rig import FROM_PARKS, Day, play
from twin import faults as schedules
from twin import strict_toml
from twin.bridge import Bridge
from twin.faults import Fault
from twin.judge.bridge import judge_bridge
from twin.judge.bridge_kpis import bridge_kpis

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[2] / "examples"
FLEET = [f"igv-{number:02d}" for number in range(1, 7)]


def run(name: str, boxes: int = 6, **options: float) -> Day:
    """Half an hour with the faults of `examples/NAME.toml`; `options` are the manager's."""
    faults = strict_toml.load(EXAMPLES / f"{name}.toml", schedules.Schedule).faults
    return play(boxes=boxes, hours=0.5, drain_s=5400.0, seed=2, faults=faults, options=options)


def received(day: Day) -> int:
    return sum(one.received_s is not None for one in day.facts.crossings.values())


def test_clocks_that_are_an_hour_off_change_nothing_and_are_told() -> None:
    """E18: stamps jump by an hour and back amid doubles and late messages; all boxes arrive."""
    day = run("bridge-clocks")
    assert day.judgement.held, day.judgement.violations
    assert received(day) == 6
    assert day.judgement["BRIDGE-15"].checked_count == 2 * len(FLEET) + 2
    told = [(about, raised) for _, _, _, about, raised in day.facts.alarms]
    wrong = [*FLEET, "transfers"]
    assert sorted(told) == sorted((name, raised) for name in wrong for raised in (True, False))


def test_every_crossing_is_deaf_between_the_operators_cells() -> None:
    """E15: each vehicle's link is dead in the stretch of the site file, each time; all arrive."""
    day = run("bridge-cells", boxes=2)
    assert day.judgement.held, day.judgement.violations
    assert received(day) == 2
    cells = day.bridge.cargo.cells
    assert cells is not None
    crossed = [event for event in day.facts.line if event.kind == "crossed"]
    seen = [(record.t_s, record.payload) for record in day.trace.records()
            if record.kind == "radio.cell" and record.t_s > 0]  # fmt: skip
    gaps = [(t_s, one) for t_s, one in seen if one["cell"] == "between"]
    assert len(gaps) == len(crossed) >= 2
    for begin_s, one in gaps:
        assert cells.from_m - 1 <= one["x"] <= cells.to_m + 1
        end_s, after = next((t_s, o) for t_s, o in seen
                            if t_s > begin_s and o["vehicle"] == one["vehicle"])  # fmt: skip
        assert not cells.from_m <= after["x"] <= cells.to_m
        heard = [record.t_s for record in day.trace.records() if record.kind == "vda5050.rx"
                 and record.source == f"{one['vehicle']}.vda5050"]  # fmt: skip
        assert not any(begin_s < t_s < end_s for t_s in heard)
        assert 50 / 6.94 - 1 < end_s - begin_s < 50 / 5.5 + 1, "laden it is slower"


def test_a_yard_without_mains_stands_and_goes_on() -> None:
    """E7: the box hangs in the air, nobody charges, vehicles stop with the UPS; all arrive."""
    day = run("bridge-yard-power", **FROM_PARKS)
    assert day.judgement.held, day.judgement.violations
    assert received(day) == 6
    cut = next(one for one in day.facts.faults if one.target == "mains-vn")
    held = [on for t_s, _, _, on in day.facts.where if t_s < cut.begin_s][-1]
    assert held == ["crane-vn"], "a box was to hang on the spreader"
    stops = {
        name: t_s for name, one in day.facts.vehicles.items() for t_s, kind, _, data in one.events
        if kind == "igv.stop" and data["kind"] == "REMOTE"
    }  # fmt: skip
    assert stops
    assert min(stops.values()) == cut.begin_s + 120.0, "the UPS"
    assert any(t_s > min(stops.values()) for t_s in stops.values()), "one came there later"
    charged = [
        (record.t_s, record.payload["on"]) for record in day.trace.records()
        if record.kind == "igv.charging" and cut.begin_s <= record.t_s <= cut.end_s
    ]  # fmt: skip
    assert not any(on for _, on in charged)
    states = [one["state"] for one in day.kinds("crane.mission")]
    assert "SUSPENDED" in states
    assert states.count("DONE") == 12


def test_a_short_cut_of_the_mains_stops_nobody() -> None:
    """The UPS outlives it: no vehicle stops, chargers are dead meanwhile and then work again."""
    cut = Fault(target="mains-cn", kind="power", at_s=300.0, for_s=200.0)

    def low(bridge: Bridge) -> None:
        for igv in bridge.igvs.values():
            igv.carrier.drain(0.6)

    day = play(boxes=0, hours=0.2, faults=[cut], before=low)
    assert day.judgement.held, day.judgement.violations
    assert not day.kinds("igv.stop")
    at_far = {name for name, igv in day.bridge.igvs.items() if int(name[-1]) % 2 == 0}
    plugged = [
        (record.t_s, record.payload["on"]) for record in day.trace.records()
        if record.kind == "igv.charging" and record.source in at_far
    ]  # fmt: skip
    assert any(on and t_s < 300.0 for t_s, on in plugged)
    assert any(not on and t_s == 300.0 for t_s, on in plugged)
    assert not any(on and 300.0 <= t_s < 500.0 for t_s, on in plugged)
    assert any(on and t_s >= 500.0 for t_s, on in plugged)


def test_a_flooded_bridge_is_drained_and_held() -> None:
    """E19: who is on the lane leaves it, nobody comes, laden or empty, and then all boxes cross."""
    day = run("bridge-flood", **FROM_PARKS)
    assert day.judgement.held, day.judgement.violations
    assert received(day) == 6
    assert day.judgement["BRIDGE-13"].checked_count == 1
    (closed,) = day.facts.faults
    stays = day.facts.zones["lane-1"]
    assert any(one.from_s < closed.begin_s < one.until_s for one in stays), "one was to be on it"
    assert not any(
        one.from_s < closed.end_s and one.until_s > closed.begin_s + 150 for one in stays
    )


def test_an_insider_is_found_by_the_record_alone() -> None:
    """E23: permits without the far side's release; BRIDGE-01 tells each box, nothing else does."""
    day = run("bridge-insider", boxes=2)
    assert day.judgement.broken == ["BRIDGE-01"]
    told = {one.values["box"]: one.values["released"] for one in day.judgement.violations}
    outbound = {one.box for one in day.facts.crossings.values() if one.from_side == "home"}
    assert told == dict.fromkeys(outbound, "home"), "the far side's own wait for its release"


def test_declarations_are_renewed_or_their_boxes_leave_the_queue() -> None:
    """E22: renewed in time, three boxes wait and cross; what is not renewable never crosses."""
    day = run("bridge-expiry")
    assert day.judgement.held, day.judgement.violations
    renewed = {one["box"] for one in day.kinds("transfer.renewed")}
    expired = {one["box"] for one in day.kinds("transfer.expired")}
    assert (len(renewed), len(expired)) == (3, 3)
    got = {one.box for one in day.facts.crossings.values() if one.received_s is not None}
    assert got == renewed
    lifted = {one.box for one in day.facts.crossings.values() if one.lifted_s is not None}
    assert lifted & expired, "one was to be on a vehicle when its declaration ran out"
    assert not any(box in expired for event in day.facts.line for box in event.boxes)
    told = [about for _, _, code, about, _ in day.facts.alarms if code == "expires"]
    assert len(told) == len(expired)


def test_what_fails_in_the_laboratory_goes_back_with_papers_of_its_own() -> None:
    """E21: two returns within the quota, with papers of their own; the rest is destroyed."""
    day = run("bridge-returns", boxes=3)
    assert day.judgement.held, day.judgement.violations
    back = [one for one in day.facts.crossings.values() if one.returns]
    assert [one.received_s is not None for one in back] == [True, True]
    for one in back:
        first = day.facts.crossings[one.returns]
        passed = [event.side for event in day.facts.line
                  if event.kind == "crossed" and one.box in event.boxes]  # fmt: skip
        there = "far" if first.from_side == "home" else "home"
        assert passed == [there, first.from_side]
        assert one.released_at(one.permitted_s or 0.0) == {"home", "far"}
        assert (one.permitted_s or 0.0) > (first.received_s or 0.0)
    signed = [receipt["transfer"] for receipt in day.stack.receipts]
    assert {one.id for one in back} < set(signed)
    assert len(signed) == len(set(signed)) == 5
    samples = [one["box"] for one in day.kinds("lab.sample")]
    assert all(samples.count(box) == 2 for box in samples)
    ends = [one["how"] for one in day.kinds("box.gone")]
    assert ends.count("destroyed") == 1
    kpis = bridge_kpis(day.facts)
    assert (kpis.returns.crossed, sum(one.crossed for one in kpis.boxes.values())) == (2, 3)
    unnamed = [
        record._replace(payload={**record.payload, "returns": ""})
        if record.kind == "transfer.ready" else record for record in day.trace.records()
    ]  # fmt: skip
    assert judge_bridge(unnamed).broken == ["BRIDGE-03"], "a return has to name what it takes back"


MUTANT_FAULTS = {
    "orders_by_the_stamp": [
        Fault(target=name, kind="clock_offset", at_s=500.0, for_s=300.0) for name in FLEET
    ],
    "tells_nobody": [Fault(target="igv-01", kind="clock_offset", at_s=10.0, for_s=300.0)],
    "gives_up_the_unheard": [Fault(target="cells", kind="two_operators", at_s=0.0)],
    "never_renews": [
        Fault(target="transfers", kind="expiring", at_s=0.0, for_s=900.0,
              parameters={"left_s": 150.0}),
        Fault(target="transfers", kind="revoked", at_s=0.0, for_s=900.0),
    ],
    "reads_foreign_clocks": [
        Fault(target="transfers", kind="clock_offset", at_s=60.0, for_s=900.0),
        Fault(target="transfers", kind="expiring", at_s=0.0, for_s=900.0,
              parameters={"left_s": 250.0}),
        Fault(target="transfers", kind="revoked", at_s=0.0, for_s=900.0),
    ],
    "keeps_the_permit": [
        Fault(target="laboratory", kind="fails", at_s=0.0,
              parameters={"cargo": "all", "result_s": 60.0}),
        Fault(target="transfers", kind="revoked", at_s=1000.0, for_s=1500.0,
              parameters={"side": "home"}),
    ],
    "never_restarts": [
        Fault(target="mains-vn", kind="power", at_s=655.0, for_s=60.0, parameters={"ups_s": 1.0})
    ],
}  # fmt: skip


HOURS = {
    "tells_nobody": 0.05, "keeps_the_permit": 0.65, "never_renews": 0.15,
    "reads_foreign_clocks": 0.2,
}  # fmt: skip
"""Until the rule must have seen it."""


@pytest.mark.parametrize("name", sorted(EXCEPTION_MUTANTS))
def test_each_wrong_manager_is_caught_by_its_rule(name: str) -> None:
    """What the reference survives, and a manager with one mistake does not."""
    faults = MUTANT_FAULTS[name]
    make, hours = EXCEPTION_MUTANTS[name], HOURS.get(name, 0.4)
    day = play(faults=faults, make=make, hours=hours, drain_s=0.0, options=FROM_PARKS)
    assert EXCEPTION_CAUGHT_BY[name] in day.judgement.broken
