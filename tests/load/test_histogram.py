"""Histograms: precise enough to gate on, and mergeable without loss."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.errors import LoadError
from loadtests.histogram import MAX_US, Latencies
from loadtests.result import Recorder, RunInfo, heat_edge_s, heat_row

samples_s = st.lists(st.floats(0, 5000), max_size=60)


def nearest_rank(values: list[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100 - 1e-9) - 1)]


@given(
    st.lists(st.floats(0, 3599), min_size=1, max_size=80), st.sampled_from([50, 90, 95, 99, 100])
)
def test_a_percentile_is_within_a_thousandth_of_its_sample(values: list[float], p: int) -> None:
    """A percentile is never below the nearest-rank sample and at most 0.1 % and 1 µs above it."""
    got = Latencies(values).percentile_s(p)
    exact = nearest_rank([round(v * 1e6) / 1e6 for v in values], p)
    assert exact - 1e-9 <= got <= exact * 1.001 + 1e-6
    assert got <= Latencies(values).max_s


@settings(max_examples=40)
@given(st.lists(samples_s, max_size=5), st.randoms())
def test_merging_in_any_order_equals_recording_together(
    parts: list[list[float]], order: random.Random
) -> None:
    """The merged histogram is the histogram of all samples, to the last bucket and digit."""
    whole = Latencies([value for part in parts for value in part])
    order.shuffle(parts)
    merged = Latencies()
    for part in parts:
        merged.merge(Latencies.unpack(Latencies(part).pack()))
    assert merged == whole
    assert merged.mean_s == whole.mean_s


def test_a_breach_of_1400_ms_is_not_rounded_away() -> None:
    """1,449 ms stays above 1,400 ms: coarse buckets would call it 1,400."""
    assert Latencies([1.449] * 200).percentile_s(99) >= 1.449


def test_few_samples_never_hide_the_maximum() -> None:
    """With 60 samples the 99th percentile is the worst one."""
    assert Latencies([0.001] * 59 + [2.0]).percentile_s(99) == 2.0


def test_more_than_an_hour_keeps_its_exact_maximum() -> None:
    """A latency beyond the range is counted, not lost."""
    got = Latencies([0.1, 2 * MAX_US / 1e6])
    assert (got.count, got.max_s, got.percentile_s(100)) == (2, 7200.0, 7200.0)
    assert Latencies.unpack(got.pack()) == got


def test_nothing_recorded_is_zero_everywhere() -> None:
    """An empty histogram has no percentiles to invent."""
    assert Latencies().percentiles_s([50, 99]) == [0.0, 0.0]
    assert Latencies().mean_s == 0.0


@given(st.floats(1e-6, 3600))
def test_a_heat_row_holds_its_latency(latency_s: float) -> None:
    """The edges of a row enclose what is counted in it."""
    row = heat_row(latency_s)
    assert heat_edge_s(row) <= latency_s * (1 + 1e-9)
    assert latency_s < heat_edge_s(row + 1) * (1 + 1e-9)


def info() -> RunInfo:
    return RunInfo("modbus", "t", "open", 10.0, "poisson", 1, 2, 5.0, 10.0, 1.0)


events = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.floats(0, 10),
        st.floats(0, 3),
        st.floats(0, 3),
        st.sampled_from(["", "timeout", "drop"]),
    ),
    max_size=30,
)


def recorded(rows: list[tuple[str, float, float, float, str]]) -> Recorder:
    recorder = Recorder(info())
    for name, intended_s, wait_s, service_s, failure in rows:
        sent_s = intended_s + wait_s
        if failure == "drop":
            recorder.drop(name, intended_s, sent_s)
        else:
            recorder.record(name, intended_s, sent_s, sent_s + service_s, failure)
        recorder.lag.record(wait_s)
    return recorder


@settings(max_examples=40)
@given(events, st.integers(1, 4))
def test_workers_add_up_to_the_whole_run(
    rows: list[tuple[str, float, float, float, str]], workers: int
) -> None:
    """Shares of any split, sent as JSON and merged, equal the run measured in one process."""
    whole = recorded(rows)
    total = recorded([])
    total.processes = 0
    for index in range(workers):
        total.merge(Recorder.from_json(recorded(rows[index::workers]).to_json()))
    assert total.processes == workers
    total.processes = 1
    assert total.to_json() == whole.to_json()


def test_a_dropped_arrival_counts_with_the_time_it_waited() -> None:
    """Dropping the slow ones cannot bring a percentile down."""
    recorder = recorded([("a", 2.0, 0.0, 0.001, "")] * 98 + [("a", 2.0, 3.0, 0.0, "drop")] * 2)
    assert recorder.series["a"].response.percentile_s(99) == pytest.approx(3.0, rel=0.001)


def test_the_warm_up_cuts_a_journey_whole() -> None:
    """A call counts when its arrival does, even one that was sent after the warm-up of 1 s."""
    recorder = Recorder(info())
    for arrival_s in (0.9, 1.0):
        recorder.record_step("call", arrival_s, 1.2, 1.3)
        recorder.record("journey", arrival_s, 1.1, 1.3)
    assert recorder.series["call"].count == recorder.series["journey"].count == 1


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"format": 1}', b"\xff"])
def test_a_foreign_file_is_refused(text: bytes) -> None:
    """What is not a result is an error of the harness with a sentence."""
    with pytest.raises(LoadError, match="not a load result"):
        Recorder.from_json(text)


def test_another_format_is_refused() -> None:
    """A result of a later version is not half understood."""
    text = recorded([]).to_json().replace(b'"format":1', b'"format":2')
    with pytest.raises(LoadError, match="format 2; this version reads 1"):
        Recorder.from_json(text)
