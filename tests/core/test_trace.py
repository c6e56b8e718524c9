"""The trace: order, hash, Parquet there and back."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from twin.clock import Clock, run_virtual
from twin.errors import TraceError
from twin.trace import Trace, from_rows, hash_records, read_trace, write_records


def _filled(trace: Trace, count: int = 5) -> Trace:
    cause = -1
    for number in range(count):
        cause = trace("in-1.io", "modbus.rx", cause, conn=0, frame=bytes([number]))
    return trace


def test_records_come_back_from_parquet_as_they_were(tmp_path: Path) -> None:
    """Writing and reading changes nothing, and the hash is the same from file and memory."""
    trace = _filled(Trace())
    trace.write(tmp_path / "trace.parquet")
    read = list(read_trace(tmp_path / "trace.parquet"))
    assert read == list(trace.records())
    assert hash_records(read) == trace.sha256()
    assert [record.cause for record in read] == [-1, 0, 1, 2, 3]
    assert read[3].payload == {"conn": 0, "frame": "03"}


def test_records_from_elsewhere_are_written_like_a_trace(tmp_path: Path) -> None:
    """A bundle's events become the same Parquet file that the trace itself would have written."""
    trace = _filled(Trace(), 7)
    write_records(tmp_path / "again.parquet", trace.records())
    assert list(read_trace(tmp_path / "again.parquet")) == list(trace.records())


def test_a_dropped_trace_gives_its_memory_back_at_once() -> None:
    """No cycle holds the rows: a campaign makes thousands of traces between two collections."""
    trace = _filled(Trace())
    gone = weakref.ref(trace)
    gc.disable()
    try:
        del trace
        assert gone() is None
    finally:
        gc.enable()


def test_both_ways_to_record_count_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`trace(...)` and `trace.record(...)` number one list of records, across spills."""
    monkeypatch.setattr("twin.trace._CHUNK", 3)
    trace = Trace(path=tmp_path / "t.parquet")
    ids = [(trace if number % 2 else trace.record)("a", "b", n=number) for number in range(10)]
    assert ids == list(range(10))
    trace.close()
    assert [record.payload["n"] for record in read_trace(tmp_path / "t.parquet")] == ids


def test_a_run_folder_is_as_good_as_its_file(tmp_path: Path) -> None:
    """`judge runs/x` and `judge runs/x/trace.parquet` read the same."""
    _filled(Trace()).write(tmp_path / "trace.parquet")
    assert len(list(read_trace(tmp_path))) == 5


def test_the_hash_ignores_wall_time_and_nothing_else() -> None:
    """Two runs of the same records hash alike; one changed payload does not."""
    one, other = _filled(Trace()), _filled(Trace())
    assert one.sha256() == other.sha256()
    other("in-1.io", "modbus.rx", conn=1)
    assert one.sha256() != other.sha256()


def test_a_spilling_trace_is_the_same_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that left memory are in the file, with the same ids and the same hash."""
    monkeypatch.setattr("twin.trace._CHUNK", 4)
    spilled = _filled(Trace(path=tmp_path / "t.parquet"), 11)
    kept = _filled(Trace(), 11)
    assert len(spilled) == 11
    assert spilled.sha256() == kept.sha256()
    spilled.close()
    read = list(read_trace(tmp_path / "t.parquet"))
    assert [record.id for record in read] == list(range(11))
    assert [record[4:] for record in read] == [record[4:] for record in kept.records()]


def test_a_dropping_trace_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace that keeps nothing cannot be read, and tells what to do."""
    monkeypatch.setattr("twin.trace._CHUNK", 4)
    trace = _filled(Trace(keep=False), 9)
    assert len(trace) == 9
    with pytest.raises(TraceError, match="give it a path"):
        list(trace.records())


@pytest.mark.parametrize("content", [None, b"", b"not parquet at all"])
def test_a_wrong_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    """A missing, an empty and a foreign file are all TraceErrors with the path."""
    path = tmp_path / "x.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TraceError, match=r"x\.parquet"):
        list(read_trace(path))


def test_another_format_is_refused(tmp_path: Path) -> None:
    """A Parquet file that is no trace is not taken for one."""
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(TraceError, match="trace format none"):
        list(read_trace(path))


def test_time_comes_from_the_clock() -> None:
    """A record carries the virtual instant at which it was made."""

    async def main(clock: Clock) -> list[int]:
        trace = Trace(clock)
        trace("a", "b")
        await clock.sleep(1.25)
        trace("a", "b")
        return [record.t_ns for record in trace.records()]

    assert run_virtual(main) == [0, 1_250_000_000]


def test_rows_of_an_imported_capture_become_records() -> None:
    """A capture from elsewhere can be judged as a trace."""
    records = from_rows([(5, "x", "y", -1, {"a": 1})])
    assert records[0].t_ns == 5
    assert records[0].payload == {"a": 1}
