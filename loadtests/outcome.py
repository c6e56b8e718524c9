"""From a measured run to what people get: the verdict, the files and the table."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from loadtests import report, slo
from loadtests.errors import LoadError
from loadtests.histogram import Latencies
from loadtests.result import Recorder
from loadtests.slo import Slo, Verdict

STYLES = {"pass": "green", "breach": "red", "inconclusive": "yellow"}


def conclude(recorder: Recorder, limits: Slo | None, out: Path | None) -> Verdict:
    """Judge a run and write `result.json`, `verdict.json`, `report.html` and `junit.xml`."""
    if not recorder.slots:
        raise LoadError(
            f"{recorder.info.target}: not one arrival was sent; next: raise --duration or --rate"
        )
    verdict = slo.judge(recorder, limits) if limits else slo.judge_without_limits(recorder)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "result.json").write_bytes(recorder.to_json())
        (out / "verdict.json").write_bytes(msgspec.json.format(msgspec.json.encode(verdict)))
        (out / "report.html").write_text(report.html(recorder, verdict), encoding="utf-8")
        (out / "junit.xml").write_bytes(report.junit(recorder, verdict))
    return verdict


def figures(latencies: Latencies) -> dict[str, float]:
    """The percentiles that are shown, seconds."""
    p50, p95, p99 = latencies.percentiles_s([50.0, 95.0, 99.0])
    return {"p50": p50, "p95": p95, "p99": p99, "max": latencies.max_s, "mean": latencies.mean_s}


def as_data(recorder: Recorder, verdict: Verdict) -> dict[str, object]:
    """What `--json` prints."""
    names = {
        name: {
            "step": s.step,
            "count": s.count,
            "ok": s.ok,
            "failures": s.failures,
            "dropped": s.dropped,
            "error_rate": s.error_rate,
            "throughput_per_s": s.ok / recorder.measured_s if recorder.measured_s > 0 else 0.0,
            "response_s": figures(s.response),
            "service_s": figures(s.service),
        }
        for name, s in sorted(recorder.series.items())
    }
    return {
        "outcome": verdict.outcome,
        "exit_code": verdict.exit_code,
        "reason": verdict.reason,
        "checks": msgspec.to_builtins(verdict.checks),
        "info": msgspec.to_builtins(recorder.info),
        "measured_s": recorder.measured_s,
        "processes": recorder.processes,
        "generator": {"lag_s": figures(recorder.lag), "cpu_share": recorder.cpu_share},
        "names": names,
    }


def table(recorder: Recorder) -> Table:
    """All names with response and service times side by side, milliseconds."""
    view = Table(
        title=f"{recorder.info.workload} on {recorder.info.target}: {recorder.info.model}, "
        f"{recorder.info.rate_per_s:g}/s {recorder.info.shape}; times in ms",
        title_justify="left",
    )
    view.add_column("name", overflow="fold")
    headings = ("ok", "failed", "dropped", "resp p50", "p95", "p99", "max", "svc p50", "p99", "max")
    for heading in headings:
        view.add_column(heading, justify="right", no_wrap=True)
    ordered = sorted(recorder.series.items(), key=lambda item: (item[1].step, item[0]))
    for name, s in ordered:
        response, service = figures(s.response), figures(s.service)
        times = [response[k] for k in ("p50", "p95", "p99", "max")]
        times += [service[k] for k in ("p50", "p99", "max")]
        cells = [f"{value * 1000:,.1f}" for value in times]
        bad = f"[red]{s.failed}[/]" if s.failed else "0"
        dropped = f"[red]{s.dropped}[/]" if s.dropped else "0"
        view.add_row(("  └ " if s.step else "") + name, f"{s.ok:,}", bad, dropped, *cells)
    return view


def show(console: Console, recorder: Recorder, verdict: Verdict) -> None:
    """The table, what failed and the verdict, on a terminal."""
    console.print(table(recorder))
    for name, s in sorted(recorder.series.items()):
        if s.failures:
            listed = ", ".join(f"{kind} × {count}" for kind, count in sorted(s.failures.items()))
            console.print(f"[red]{name}[/]: {listed}", highlight=False)
    lag = figures(recorder.lag)
    console.print(
        f"generator: {recorder.processes} process(es), clock lag p99 {lag['p99'] * 1000:.2f} ms, "
        f"CPU {recorder.cpu_share:.0%}",
        highlight=False,
    )
    for check in verdict.checks:
        colour = STYLES[check.outcome]
        console.print(f"[{colour}]{check.outcome:>12}[/] {slo.describe(check)}", highlight=False)
    colour = STYLES[verdict.outcome]
    console.print(f"[bold {colour}]{verdict.outcome}[/]: {verdict.reason}", highlight=False)


def as_text(recorder: Recorder, verdict: Verdict) -> str:
    """The same as plain text, for logs."""
    buffer = io.StringIO()
    show(Console(file=buffer, width=150, no_color=True), recorder, verdict)
    return buffer.getvalue()
