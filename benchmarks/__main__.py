"""Run the benchmarks and print one table of ratios: `python -m benchmarks [--only NAME …]`."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from dataclasses import asdict
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import Ratio, Verdict
from benchmarks._machine import Machine, measure
from benchmarks._runs import Outcome, discover, run_one, times_s

FAILED, NOT_JUDGED = 1, 3
_COLOUR = {Verdict.MET: "green", Verdict.MISSED: "red", Verdict.BUSY: "yellow"}


def number(value: float) -> str:
    """Three significant digits, thousands separated."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def bar_text(ratio: Ratio) -> str:
    """The bar as a person reads it, e.g. `≤ 1.5 ms`."""
    sign = "≥" if ratio.better == "higher" else "≤"
    parts = []
    if ratio.limit is not None:
        parts.append(f"{sign} {number(ratio.limit)} {ratio.unit}")
    if ratio.ratio_limit is not None:
        parts.append(f"{sign} {number(ratio.ratio_limit)}×")
    return ", ".join(parts)


def verdict_of(ratio: Ratio, outcome: Outcome, machine: Machine) -> Verdict:
    """The verdict on one figure, on this machine as it was meanwhile."""
    return ratio.verdict(busy=machine.busy or outcome.busy)


def table(outcomes: list[Outcome], machine: Machine) -> Table:
    """All ratios in one table; skipped and failed modules keep their row."""
    view = Table(
        title="Ours against a named reference, measured in the same run", title_justify="left",
        title_style="bold", header_style="dim", box=None, pad_edge=False, padding=(0, 2, 0, 0),
    )  # fmt: skip
    view.add_column("benchmark", no_wrap=True)
    view.add_column("figure", overflow="fold", ratio=3)
    for heading in ("bar", "ours", "reference", "ratio"):
        view.add_column(heading, justify="right", no_wrap=heading == "ratio")
    view.add_column("verdict", no_wrap=True)
    view.add_column("reference is", overflow="fold", ratio=3)
    for outcome in outcomes:
        for r in outcome.ratios:
            verdict = verdict_of(r, outcome, machine)
            colour = _COLOUR.get(verdict)
            view.add_row(
                outcome.name,
                r.name,
                bar_text(r),
                f"{number(r.ours)} {r.unit}",
                f"{number(r.reference)} {r.unit}",
                f"{number(r.ratio)}×",
                f"[{colour}]{verdict}[/]" if colour else "",
                r.reference_name,
            )
        if outcome.skipped:
            view.add_row(outcome.name, f"[yellow]skipped[/]: {escape(outcome.skipped)}")
        if outcome.failed:
            view.add_row(outcome.name, f"[red]failed[/]: {escape(outcome.failed)}")
    return view


def closing(outcomes: list[Outcome], machine: Machine, wanted: int) -> str:
    """One line under the table: how many bars were met, and what the figures are worth."""
    count = Counter(verdict_of(r, o, machine) for o in outcomes for r in o.ratios)
    bars = count[Verdict.MET] + count[Verdict.MISSED] + count[Verdict.BUSY]
    parts = [f"{count[Verdict.MET]} of {bars} bars met"]
    if count[Verdict.MISSED]:
        parts.append(f"{count[Verdict.MISSED]} missed")
    if count[Verdict.BUSY]:
        loudest = max(o.others_share for o in outcomes)
        parts.append(
            f"{count[Verdict.BUSY]} not judged, because others used up to {loudest:.0%} of the "
            "machine: measure again when it is quiet"
        )
    if len(outcomes) < wanted:
        parts.append(f"broken off after {len(outcomes)} of {wanted} benchmarks")
    return "; ".join(parts) + f" ({sum(o.took_s for o in outcomes):.0f} s)."


def as_json(outcomes: list[Outcome], machine: Machine) -> str:
    """The same as data, with the machine it was measured on."""
    rows = [
        {
            "benchmark": outcome.name,
            "skipped": outcome.skipped,
            "failed": outcome.failed,
            "took_s": round(outcome.took_s, 1),
            "others_share": round(outcome.others_share, 3),
            "ratios": [
                {**asdict(r), "ratio": r.ratio, "verdict": verdict_of(r, outcome, machine)}
                for r in outcome.ratios
            ],
        }
        for outcome in outcomes
    ]
    about: dict[str, Any] = {**asdict(machine), "busy": machine.busy}
    return json.dumps({"machine": about, "benchmarks": rows}, indent=2)


def run_all(names: list[str], *, quick: bool, console: Console) -> list[Outcome]:
    """Run them one after the other under a progress bar; broken off, what is done is kept."""
    outcomes: list[Outcome] = []
    usual = {name: times_s(name) for name in names}
    columns = (
        TextColumn("[bold]{task.description:<14}"), BarColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[state]}"),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as progress:
        whole = progress.add_task("all", total=sum(u for u, _ in usual.values()), state="")
        passed_s = 0.0
        try:
            for place, name in enumerate(names, 1):
                usual_s, limit_s = usual[name]
                state = f"{place} of {len(names)}, usually {usual_s:.0f} s, at most {limit_s:.0f} s"
                task = progress.add_task(name, total=usual_s, state=state)

                def watch(
                    so_far_s: float, task: Any = task, usual_s: float = usual_s,
                    before_s: float = passed_s,
                ) -> None:  # fmt: skip
                    shown_s = min(so_far_s, usual_s)
                    progress.update(task, completed=shown_s)
                    progress.update(whole, completed=before_s + shown_s)

                if not console.is_terminal:  # a log has no bar; it is told where we are
                    console.print(f"{place}/{len(names)} {name}")
                outcomes.append(run_one(name, quick=quick, limit_s=limit_s, watch=watch))
                progress.remove_task(task)
                passed_s += usual_s
        except KeyboardInterrupt:
            console.print("[yellow]Broken off; what is measured so far:[/]")
    return outcomes


def _break_off(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, metavar="NAME", help="This one alone; may be repeated.")
@click.option("--quick", is_flag=True, help="A smoke run: short and rough.")
@click.option("--json", "json_out", is_flag=True, help="Print JSON instead of the table.")
@click.option("--strict", is_flag=True, help="Also fail where a bar is missed or not judged.")
def main(only: tuple[str, ...], quick: bool, json_out: bool, strict: bool) -> None:
    """Run the benchmarks and print ours, the reference, their ratio and whether the bar is met.

    A bar that is missed while other processes use the machine is not judged, and says so. Exit
    code 1 when a benchmark failed to run; with --strict also when a bar is missed, and 3 when one
    was missed on a machine too busy to judge. Ctrl-C prints what is measured so far.
    """
    known = discover()
    unknown = sorted(set(only) - set(known))
    if unknown:
        raise click.UsageError(f"unknown benchmark {unknown[0]!r}; known: {', '.join(known)}")
    names = list(dict.fromkeys(only)) or known
    signal.signal(signal.SIGTERM, _break_off)  # what is measured when a time limit ends it, too
    talk = Console(stderr=True)
    machine = measure(0.3 if quick else 1.5)
    talk.print(str(machine), style="yellow" if machine.busy else "dim", highlight=False)
    outcomes = run_all(names, quick=quick, console=talk)
    if json_out:
        click.echo(as_json(outcomes, machine))
    else:
        # Piped into a file there is no terminal width to ask for: give the table room.
        shown = Console(width=None if sys.stdout.isatty() else 160)
        shown.print(table(outcomes, machine))
        shown.print(closing(outcomes, machine, len(names)), highlight=False)
    sys.exit(_exit_code(outcomes, machine, len(names), strict=strict))


def _exit_code(outcomes: list[Outcome], machine: Machine, wanted: int, *, strict: bool) -> int:
    verdicts = {verdict_of(r, o, machine) for o in outcomes for r in o.ratios}
    if any(o.failed for o in outcomes) or len(outcomes) < wanted:
        return FAILED
    if strict and Verdict.MISSED in verdicts:
        return FAILED
    return NOT_JUDGED if strict and Verdict.BUSY in verdicts else 0


if __name__ == "__main__":
    main()
