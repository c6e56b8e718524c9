"""The run folder: everything that is kept of a run."""

from __future__ import annotations

from pathlib import Path

import msgspec

from twin.judge import Judgement, Kpis, collect
from twin.report.page import write_html
from twin.trace import Trace


def write_run(
    out_dir: Path, trace: Trace, judgement: Judgement, kpis: Kpis, *, language: str = "en"
) -> Kpis:
    """Write trace.parquet, kpis.json, verdicts.json and report.html into `out_dir`.

    Returns the figures as written, that is with the trace's hash and the verdicts named.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    full = complete(kpis, judgement, trace.sha256())
    trace.write(out_dir / "trace.parquet")
    (out_dir / "kpis.json").write_bytes(pretty(full))
    (out_dir / "verdicts.json").write_bytes(pretty(judgement.as_dict()))
    facts = collect(trace.records())
    write_html(out_dir / "report.html", facts, judgement, full, language=language)
    return full


def complete(kpis: Kpis, judgement: Judgement, trace_sha256: str = "") -> Kpis:
    """The figures with the ids of the verdicts and the hash of the trace filled in."""
    return msgspec.structs.replace(
        kpis,
        trace_sha256=trace_sha256 or kpis.trace_sha256,
        invariants_held=judgement.kept,
        invariants_broken=judgement.broken,
        invariants_not_exercised=judgement.not_exercised,
    )


def pretty(value: object) -> bytes:
    """Indented JSON with a newline at its end."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
