"""What a run leaves behind on disk and on the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

from rich.console import Console

from tests.judge.stories import honest
from tests.judge.tape import Tape
from twin.judge import judge, kpis
from twin.report import print_judgement, print_summary, write_run
from twin.report.page import seconds
from twin.report.terminal import clock
from twin.trace import Trace, read_trace


def traced(tape: Tape) -> Trace:
    at_ns = 0
    trace = Trace(SimpleNamespace(now_ns=lambda: at_ns))  # type: ignore[arg-type]
    for record in tape.records():
        at_ns = record.t_ns
        trace(record.source, record.kind, cause=record.cause, **record.payload)
    return trace


def shown(print_it: object, *arguments: object) -> str:
    console = Console(width=120, record=True, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115
    with console.file:
        print_it(console, *arguments)  # type: ignore[operator]
        return console.export_text()


def test_run_folder_has_everything(tmp_path: Path) -> None:
    """Trace, figures, verdicts and page are there, and name one another."""
    tape = honest()
    tape.drop("partner.release", declaration="D-A")
    trace = traced(tape)
    records = list(trace.records())
    folder = tmp_path / "runs" / "first"
    full = write_run(folder, trace, judge(records), kpis(records, wall_s=2.0), language="vi")
    assert sorted(path.name for path in folder.iterdir()) == [
        "kpis.json",
        "report.html",
        "trace.parquet",
        "verdicts.json",
    ]
    figures = json.loads((folder / "kpis.json").read_text(encoding="utf-8"))
    assert figures["trace_sha256"] == trace.sha256() == full.trace_sha256
    assert figures["simulated_s"] == 2400.0
    assert figures["wall_s"] == 2.0
    assert figures["invariants_broken"] == ["LANE-01"]
    assert len(figures["invariants_held"]) == 11
    assert set(figures["waiting_s"]["in"]) >= {"p50", "p95", "p99", "max"}
    assert [r.kind for r in read_trace(folder)] == [r.kind for r in records]
    verdicts = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    assert verdicts["held"] is False
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert 'data-lang="vi"' in page
    assert trace.sha256() in page


def test_summary_shows_figures_and_verdicts() -> None:
    """The terminal says how many came, how they waited, and what was broken and why."""
    tape = honest()
    tape.drop("partner.gate_record", declaration="D-A")
    records = tape.records()
    text = shown(print_summary, kpis(records, wall_s=2.0), judge(records))
    for part in (
        "bac-luan-2",
        "in.smart",
        "p95",
        "LANE-05",
        "BROKEN",
        "1,200 times real time",
        "tailgating 1",
        "crossed in lane in-1, and no record",
    ):
        assert part in text, part


def test_summary_of_nothing() -> None:
    """An empty run prints its empty tables."""
    assert "not exercised" in shown(print_summary, kpis([]), judge([]))


def test_long_lists_of_violations_are_cut() -> None:
    """Twenty violations are shown, the others counted."""
    tape = Tape(end_s=9000)
    for number in range(30):
        tape.passes(100 + 60 * number, f"V{number}")
        tape.drop("partner.gate_record", declaration=f"D-V{number}")
    text = shown(print_judgement, judge(tape.records()))
    assert "and 10 more violations" in text


def test_times_read_well() -> None:
    """Durations and clocks are written for people."""
    assert seconds(31.04) == "31.0\u202fs"
    assert seconds(125) == "2:05\u202fmin"
    assert seconds(7320) == "2:02\u202fh"
    assert seconds(None) == "–"
    assert clock(3725.25) == "1:02:05.2"
