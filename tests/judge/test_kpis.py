"""The figures say what happened, and add up."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.judge.stories import day, honest
from tests.judge.tape import Tape
from twin.judge import collect, kpis
from twin.judge.kpis import STAGES, queue
from twin.judge.measures import spread
from twin.trace import Record


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return day(hours=1.2).records()


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=300))
def test_percentiles_are_observed_values_in_order(values: list[float]) -> None:
    """Each percentile is a value that occurred, at least its share is not above it."""
    found = spread(values)
    ordered = [found.p50, found.p95, found.p99, found.max]
    assert ordered == sorted(ordered)
    rounded = sorted(round(value, 3) for value in values)
    for share, value in zip((0.5, 0.95, 0.99, 1.0), ordered, strict=True):
        assert value in rounded
        assert sum(other <= value for other in rounded) >= math.ceil(share * len(values))
    assert found.n == len(values)


def test_a_spread_of_nothing_is_nothing() -> None:
    """No vehicle, no figure: zeros and n = 0, never an error."""
    assert spread([]).n == 0
    empty = kpis([])
    assert empty.vehicles["all"].arrived == 0
    assert empty.throughput_per_h["all"] == 0.0
    assert empty.plates.first_right_share is None


def test_vehicles_add_up(records: list[Record]) -> None:
    """Arrived is crossed and diverted and still there, in each flow; flows add up as well."""
    found = kpis(records).vehicles
    for count in found.values():
        assert count.arrived == count.crossed + count.diverted + count.waiting
        assert count.arrived == count.laden + count.empty
    for whole, parts in (("all", ("in", "out")), ("in", ("in.smart", "in.traditional"))):
        assert found[whole].arrived == sum(found[part].arrived for part in parts)


def test_waiting_leaves_out_examination_and_the_driver() -> None:
    """Lawful examination and what the driver caused are not waiting."""
    tape = Tape()
    tape.passes(100, "A")
    tape.change(
        "vehicle.left",
        {
            "arrived_s": 100.0,
            "left_s": 300.0,
            "free_s": 30.0,
            "driver_s": 12.0,
            "authority_s": 58.0,
        },
        vehicle="A",
    )
    found = kpis(tape.records())
    assert found.waiting_s["in.smart"].p50 == 100.0
    assert found.authority_s["in"].max == 58.0
    assert found.driver_s["all"].max == 12.0


def test_waiting_is_never_negative() -> None:
    """A vehicle quicker than free flow has waited for nothing."""
    tape = Tape()
    tape.passes(100, "A")
    tape.find("vehicle.left").payload["free_s"] = 900.0
    assert kpis(tape.records()).waiting_s["all"].max == 0.0


def test_worst_interval_is_the_worst() -> None:
    """The quarter hour with the longest waits is named, not the average of the day."""
    tape = Tape(end_s=7200)
    for number in range(6):
        tape.passes(100 + 700 * number, f"V{number}")
    tape.find("vehicle.left", vehicle="V3").payload["left_s"] += 500
    worst = kpis(tape.records()).waiting_worst_interval["all"]
    assert worst.start_s == 1800.0
    assert worst.p95 == pytest.approx(516.0)


def test_decisions_are_held_against_the_truth() -> None:
    """Right and wrong are counted by what the vehicle was; a tail-gater is nobody's decision."""
    tape = honest()
    assert kpis(tape.records()).decisions.wrong == 0
    tape.change("vehicle.arrived", {"why": "channel_red", "should": "divert"}, vehicle="A")
    tape.change("vehicle.arrived", {"why": "ok", "should": "pass"}, vehicle="C")
    found = kpis(tape.records()).decisions
    assert (found.wrong_pass, found.wrong_divert) == (1, 1)
    assert found.by_why["channel_red"] == {"crossed": 1, "diverted": 0}
    assert found.right + found.wrong == len(collect(tape.records()).stays) - 1


def test_first_reading_counts() -> None:
    """A plate that is right at the second reading was not right at the first."""
    tape = Tape()
    tape.passes(100, "A")
    tape.passes(200, "B")
    tape.change("device.state", {"plate": "14C-8"}, vehicle="B", state="read")
    tape.read(209, "B")
    found = kpis(tape.records()).plates
    assert (found.vehicles, found.first_right, found.first_right_share) == (2, 1, 0.5)


def test_stages_make_up_the_transaction() -> None:
    """The parts of a passage add up to the time from entering to having left."""
    tape = Tape()
    tape.passes(100, "A")
    found = kpis(tape.records()).stages_s["in-1"]
    assert list(found) == list(STAGES)
    transaction = kpis(tape.records()).transaction_s["smart"].max
    assert sum(stage.max for stage in found.values()) == pytest.approx(transaction)


def test_queue_begins_and_ends_empty(records: list[Record]) -> None:
    """Who joins the queue leaves it; it is never negative."""
    steps = queue(collect(records).stays.values())
    assert steps[-1][1] == 0
    assert min(length for _, length in steps) == 0
    assert kpis(records).queue_max["all"] == max(length for _, length in steps) > 0


def test_figures_are_a_function_of_the_trace(records: list[Record]) -> None:
    """Facts or records, once or twice: the same figures; only the wall time is given."""
    facts = collect(records)
    once, again = kpis(facts, wall_s=10.0), kpis(iter(records), wall_s=10.0)
    assert msgspec.json.encode(once) == msgspec.json.encode(again)
    assert once.speed == round(once.simulated_s / 10.0, 1)
    assert kpis(facts).speed is None


def test_counts_of_a_day(records: list[Record]) -> None:
    """Cycles, alarms, faults and frames are what the trace says."""
    found = kpis(records)
    assert found.tail_gaters == found.tail_gating_alarms == found.alarms.get("tailgating", 0)
    assert found.faults == {"zero_drift": 1, "slow": 1}
    assert found.frames["isapi.event"] == sum(r.kind == "isapi.event" for r in records)
    closed = sum(r.kind == "arm.rest" and r.payload["at"] == "closed" for r in records)
    assert sum(found.barrier_cycles.values()) == closed
