"""Run the benchmarks and print one table of ratios: `python -m benchmarks [NAME …]`."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import platform
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field

import click
from rich.console import Console
from rich.table import Table

import benchmarks
from benchmarks import Ratio, Skipped


@dataclass(slots=True)
class Outcome:
    """What one benchmark module gave: its ratios, or why it has none."""

    name: str
    ratios: list[Ratio] = field(default_factory=list)
    skipped: str = ""
    failed: str = ""


def discover() -> list[str]:
    """Names of the benchmark modules, in alphabetical order."""
    found = pkgutil.iter_modules(benchmarks.__path__)
    return sorted(m.name for m in found if not m.name.startswith("_"))


def run_one(name: str, *, quick: bool) -> Outcome:
    """Run one module; a broken benchmark is reported, it does not end the others."""
    try:
        module = importlib.import_module(f"benchmarks.{name}")
        run: Callable[[bool], Iterable[Ratio]] = module.run
        return Outcome(name, ratios=list(run(quick)))
    except Skipped as reason:
        return Outcome(name, skipped=str(reason))
    except Exception as error:  # noqa: BLE001 - the others still run, and the exit code tells
        return Outcome(name, failed=f"{type(error).__name__}: {error}")


def number(value: float) -> str:
    """Four significant digits, thousands separated."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def bar_text(ratio: Ratio) -> str:
    """The bar as a person reads it, e.g. `≤ 1.5 ms`."""
    sign = "≥" if ratio.better == "higher" else "≤"
    parts = []
    if ratio.limit is not None:
        parts.append(f"{sign} {number(ratio.limit)} {ratio.unit}")
    if ratio.ratio_limit is not None:
        parts.append(f"{sign} {number(ratio.ratio_limit)}×")
    return ", ".join(parts)


def held_text(ratio: Ratio) -> str:
    """Whether the bar is held, in colour."""
    if ratio.held is None:
        return ""
    if ratio.held:
        return "[green]held[/]"
    return "[red]missed[/]" + (", by the reference too" if ratio.machine_missed else "")


def table(outcomes: list[Outcome]) -> Table:
    """All ratios in one table; skipped and failed modules keep their row."""
    view = Table(title="gatetwin benchmarks: ours against a named reference", title_justify="left")
    view.add_column("benchmark", overflow="fold")
    for heading in ("ours", "reference", "ratio"):
        view.add_column(heading, justify="right", no_wrap=True)
    view.add_column("reference is", overflow="fold")
    view.add_column("bar")
    for outcome in outcomes:
        for r in outcome.ratios:
            view.add_row(
                r.name,
                f"{number(r.ours)} {r.unit}",
                f"{number(r.reference)} {r.unit}",
                f"{r.ratio:.3g}×",
                r.reference_name,
                f"{bar_text(r)} {held_text(r)}".strip(),
            )
        if outcome.skipped:
            view.add_row(outcome.name, "[yellow]skipped[/]", "", "", outcome.skipped, "")
        if outcome.failed:
            view.add_row(outcome.name, "[red]failed[/]", "", "", outcome.failed, "")
    return view


def as_json(outcomes: list[Outcome]) -> str:
    """The same as data, with the machine it was measured on."""
    rows = [
        {
            "benchmark": outcome.name,
            "skipped": outcome.skipped,
            "failed": outcome.failed,
            "ratios": [{**asdict(r), "ratio": r.ratio, "held": r.held} for r in outcome.ratios],
        }
        for outcome in outcomes
    ]
    machine = {
        "python": platform.python_version(),
        "system": platform.system(),
        "cpus": os.cpu_count(),
    }
    return json.dumps({"machine": machine, "benchmarks": rows}, indent=2)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1)
@click.option("--quick", is_flag=True, help="A smoke run: short and rough.")
@click.option("--json", "json_out", is_flag=True, help="Print JSON instead of the table.")
@click.option("--strict", is_flag=True, help="Exit 1 where a bar is missed, not only on failure.")
def main(names: tuple[str, ...], quick: bool, json_out: bool, strict: bool) -> None:
    """Run benchmarks (all, or NAMES) and print ours, the reference and their ratio.

    Exit code 1 when a benchmark failed to run; with --strict also when a bar is missed.
    """
    known = discover()
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise click.UsageError(f"unknown benchmark {unknown[0]!r}; known: {', '.join(known)}")
    progress = Console(stderr=True)
    outcomes = []
    for name in names or known:
        progress.print(f"[dim]… {name}[/]")
        outcomes.append(run_one(name, quick=quick))
    if json_out:
        click.echo(as_json(outcomes))
    else:
        # Piped into a file there is no terminal width to ask for: give the table room.
        Console(width=None if sys.stdout.isatty() else 150).print(table(outcomes))
    missed = any(r.held is False for outcome in outcomes for r in outcome.ratios)
    failed = any(outcome.failed for outcome in outcomes)
    sys.exit(1 if failed or (strict and missed) else 0)


if __name__ == "__main__":
    main()
