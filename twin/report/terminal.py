"""The tables that a run ends with."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twin.judge import Judgement, Kpis, words

_STYLES = {"held": "green", "broken": "bold red", "not_exercised": "yellow"}
_STATES = {"held": "held", "broken": "BROKEN", "not_exercised": "not exercised"}
_VIOLATIONS_SHOWN = 20


def print_summary(console: Console, kpis: Kpis, judgement: Judgement) -> None:
    """Print what the run showed: vehicles, waiting, lanes, decisions, verdicts."""
    where = " ".join(str(part) for part in (kpis.site, kpis.day, f"seed {kpis.seed}") if part)
    console.print()
    console.print(Text(where, style="bold"))
    for shown in (_vehicles(kpis), _waiting(kpis), *([_lanes(kpis)] if kpis.stages_s else [])):
        console.print(shown)
        console.print()
    _lines(console, kpis)
    print_judgement(console, judgement)


def print_judgement(console: Console, judgement: Judgement) -> None:
    """Print the verdict on each invariant, and every violation up to twenty."""
    shown = table("Invariants", "id", "rule")
    shown.add_column("verdict")
    for column in ("judged", "excused", "violations"):
        shown.add_column(column, justify="right")
    for result in judgement.invariants:
        style = _STYLES[result.state]
        shown.add_row(
            result.id, words.rule(result.id, "en").title, Text(_STATES[result.state], style=style),
            str(result.checked_count), str(result.excused_count or "–"),
            Text(str(len(result.violations) or "–"), style=style if not result.held else ""),
        )  # fmt: skip
    console.print()
    console.print(shown)
    broken = [
        (result.id, violation) for result in judgement.invariants for violation in result.violations
    ]
    broken.sort(key=lambda pair: pair[1].t_s)
    for id_, violation in broken[:_VIOLATIONS_SHOWN]:
        line = Text.assemble(
            (f"{clock(violation.t_s)} ", "dim"), (f"{id_} ", "bold red"), violation.text,
            (f"  records {', '.join(map(str, violation.records))}", "dim"),
        )  # fmt: skip
        console.print(line)
    if len(broken) > _VIOLATIONS_SHOWN:
        console.print(f"… and {len(broken) - _VIOLATIONS_SHOWN} more violations.")
    unseen = [seen.id for seen in judgement.sometimes if not seen.seen]
    if unseen:
        console.print(Text(f"Not seen in this run: {', '.join(unseen)}", style="dim"))


def clock(t_s: float) -> str:
    """Seconds of the run as h:mm:ss.t since it began."""
    tenths = round(t_s * 10)
    return f"{tenths // 36000}:{tenths // 600 % 60:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"


def table(title: str, *columns: str) -> Table:
    """An empty table with a title; its first column is never cut."""
    # eighty columns must do: no frame, and the first column is never cut
    shown = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim",
        box=None, pad_edge=False, padding=(0, 2, 0, 0),
    )  # fmt: skip
    for number, column in enumerate(columns):
        shown.add_column(column, no_wrap=number == 0)
    return shown


def numbers(shown: Table, *columns: str) -> Table:
    """`shown` with further columns of numbers."""
    for column in columns:
        shown.add_column(column, justify="right")
    return shown


def _vehicles(kpis: Kpis) -> Table:
    shown = numbers(
        table("Vehicles", "flow"), "arrived", "laden", "empty", "crossed", "sent off", "here",
        "per h", "queue",
    )  # fmt: skip
    for flow, count in kpis.vehicles.items():
        shown.add_row(
            flow, *map(str, (count.arrived, count.laden, count.empty, count.crossed,
                             count.diverted, count.waiting)),
            f"{kpis.throughput_per_h[flow]:.1f}", str(kpis.queue_max[flow]),
        )  # fmt: skip
    return shown


def _waiting(kpis: Kpis) -> Table:
    shown = numbers(
        table("Waiting, s", "flow"), "p50", "p95", "p99", "max", "worst 15 min", "lane p50",
        "lane p95",
    )  # fmt: skip
    for flow, waits in kpis.waiting_s.items():
        worst, lane = kpis.waiting_worst_interval.get(flow), kpis.transaction_s[flow]
        row = [waits.p50, waits.p95, waits.p99, waits.max, worst.p95 if worst else 0.0, lane.p50,
               lane.p95]  # fmt: skip
        shown.add_row(flow, *(f"{value:.1f}" for value in row))
    return shown


def _lanes(kpis: Kpis) -> Table:
    stages = list(next(iter(kpis.stages_s.values()), {})) or ["–"]
    shown = numbers(table("Smart lanes, median s", "lane"), *stages, "barrier cycles")
    for lane, spreads in kpis.stages_s.items():
        cells = [f"{spreads[stage].p50:.1f}" if stage in spreads else "–" for stage in stages]
        shown.add_row(lane, *cells, str(kpis.barrier_cycles.get(lane, 0)))
    return shown


def _lines(console: Console, kpis: Kpis) -> None:
    done = kpis.decisions
    wrong = f"[bold red]{done.wrong} wrong[/]" if done.wrong else "none wrong"
    console.print(f"Decisions: {done.right} right, {wrong}, {done.undecided} open")
    if kpis.plates.first_right_share is not None:
        console.print(
            f"Plates: {kpis.plates.first_right_share:.1%} of {kpis.plates.vehicles} right at the "
            f"first reading; {kpis.manual_checks} manual checks"
        )
    if kpis.alarms:
        listed = ", ".join(f"{code} {count}" for code, count in kpis.alarms.items())
        console.print(f"Alarms: {listed}")
    frames = ", ".join(f"{kind} {count:,}" for kind, count in kpis.frames.items())
    if frames:
        console.print(f"Wires: {frames}")
    if kpis.wall_s and kpis.speed:
        console.print(
            f"Time: {kpis.simulated_s / 3600:.2f} h in {kpis.wall_s:.1f} s, "
            f"{kpis.speed:,.0f} times real time; {kpis.records:,} records"
        )
