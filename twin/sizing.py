"""The command `gatetwin size`: how many vehicles a demand needs.

Exit codes: 0 every demand has a fleet that keeps the promise; 1 one has none; 2 the call, a file or
the harness was wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from twin import site as sites
from twin.capacity import (
    Evaluation,
    Part,
    Plan,
    Sizing,
    SizingError,
    Target,
    find_fleet,
    plan_for,
    times_of,
)
from twin.capacity.executor import replicate
from twin.capacity.statistics import Interval
from twin.report.capacity import write_page

NONE_FOUND = 1


def _boxes(_: click.Context, __: click.Parameter, text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"{text!r}: write numbers with commas, as 200,400") from None
    return list(dict.fromkeys(found))


@click.command(short_help="Find how many driverless vehicles SITE needs.")
@click.argument("site")
@click.option("--boxes", default="200,400,1200,2400", show_default=True, callback=_boxes,
              help="Boxes a day, both directions together.")  # fmt: skip
@click.option("--wait-s", type=float, default=300.0, show_default=True,
              help="Longest ready-to-load wait that is promised.")  # fmt: skip
@click.option("--quantile", type=float, default=0.95, show_default=True, help="For which share.")
@click.option("--confidence", type=float, default=0.95, show_default=True,
              help="Of the intervals.")  # fmt: skip
@click.option("--replications", type=int, default=20, show_default=True, help="At least 20.")
@click.option("--fleet-max", type=int, default=200, show_default=True, help="Largest fleet.")
@click.option("--cranes", type=click.IntRange(1, 200),
              help="Cranes per side  [default: they take half of the limit].")  # fmt: skip
@click.option("--lanes", type=click.IntRange(1, 2),
              help="Lanes of the bridge  [default: 1 up to 400 boxes a day].")  # fmt: skip
@click.option("--hours", type=click.Choice(["24/7", "site"]), default="24/7", show_default=True,
              help="Day and night, or the opening hours of the site.")  # fmt: skip
@click.option("--battery", type=click.Choice(["charge", "swap"]), default="charge",
              show_default=True, help="How batteries are filled.")  # fmt: skip
@click.option("--days", type=float, default=4.0, show_default=True,
              help="Length of a replication; its first day is warm-up.")  # fmt: skip
@click.option("--wind-stops", type=float, default=0.0, show_default=True,
              help="Stops of all cranes a day, half an hour each on average.")  # fmt: skip
@click.option("--network-gaps", type=float, default=0.0, show_default=True,
              help="Gaps of the radio network a day, a minute each on average.")  # fmt: skip
@click.option("--without", "parts", multiple=True, type=click.Choice([p.value for p in Part]),
              help="Show N-1 beside N: one of these less. May be given several times.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="One seed, one result.")  # fmt: skip
@click.option("--jobs", type=int, default=-1, show_default=True,
              help="Processes; -1: one per core. They do not change the result.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Folder for size.html and size.json.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def size(
    site: str,
    boxes: list[float],
    wait_s: float,
    quantile: float,
    confidence: float,
    replications: int,
    fleet_max: int,
    cranes: int | None,
    lanes: int | None,
    hours: Any,
    battery: Any,
    days: float,
    wind_stops: float,
    network_gaps: float,
    parts: Sequence[str],
    seed: int,
    jobs: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Find the smallest fleet of driverless vehicles (IGVs) that keeps a promise about waiting.

    Simulates SITE without wires under an ideal policy, many days for each fleet, and prints the
    smallest one whose wait is within the limit with confidence, what limits it, and what it costs.
    """
    target = Target(wait_s, quantile, confidence, replications, fleet_max)
    if jobs == 0 or jobs < -1:
        raise SizingError(f"jobs: {jobs}; allowed: -1 (one per core), or 1 and more")
    loaded = sites.load(site)
    plans = [
        replace(
            plan_for(loaded, count, cranes=cranes or 0, lanes=lanes, hours=hours, days=days,
                     battery=battery, igvs=1),
            wind_stops_per_day=wind_stops, network_gaps_per_day=network_gaps,
        )
        for count in boxes
    ]  # fmt: skip
    times = times_of(loaded)
    wanted = [Part(name) for name in dict.fromkeys(parts)]
    console = Console(stderr=as_json)
    found: list[Sizing] = []
    run = replicate(jobs)
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(),
        console=console, transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("starting", total=None)
        for plan in plans:
            found.append(
                find_fleet(plan, times, target, seed=seed, parts=wanted, run=run,
                           progress=_shown(bar, task, len(found), len(plans)))
            )  # fmt: skip
    notes = _notes(loaded, plans[0], target, seed)
    rows = [_row(sizing) for sizing in found]
    report = {"site": loaded.id, "seed": seed, "assumes": notes, "sizes": rows}
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_page(out / "size.html", f"Fleet size, {loaded.name.en}", found, notes)
        (out / "size.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        _print(console, loaded, found, notes)
        if out is not None:
            console.print(f"Plot: {out / 'size.html'}")
    sys.exit(0 if all(sizing.found is not None for sizing in found) else NONE_FOUND)


def _shown(bar: Progress, task: Any, done: int, count: int) -> Callable[[Plan], None]:
    def show(plan: Plan) -> None:
        bar.update(task, description=(
            f"demand {done + 1} of {count}: {plan.boxes_per_day:g} boxes a day, trying "
            f"{plan.igvs} IGVs, {plan.cranes[0]} + {plan.cranes[1]} cranes"
        ))  # fmt: skip

    return show


def _interval(value: Interval) -> list[float | None]:
    return [round(x, 2) if abs(x) < 1e12 else None for x in (value.mean, value.low, value.high)]


def _figures(found: Evaluation) -> dict[str, Any]:
    return {
        "igvs": found.plan.igvs, "cranes": list(found.plan.cranes), "lanes": found.plan.lanes,
        "wait_s": _interval(found.wait),
        "share_within": [round(x, 5) for x in (found.within.mean, found.within.low,
                                               min(1.0, found.within.high))],
        "mean_wait_s": _interval(found.mean_wait_s),
        "ready_to_landed_p95_s": _interval(found.crossing_p95_s),
        "igv_use": round(found.igv_use, 4), "igv_down": round(found.igv_down, 4),
        "crane_use": [round(use, 4) for use in found.crane_use],
        "lane_use": round(found.lane_use, 4), "kwh_per_box": round(found.kwh_per_box, 3),
        "empty_trips_per_box": round(found.empty_per_box, 3),
        "delivered_per_day": _interval(found.delivered_per_day), "unserved": found.unserved,
    }  # fmt: skip


def _row(sizing: Sizing) -> dict[str, Any]:
    return {
        "boxes_per_day": sizing.boxes_per_day, "found": sizing.found is not None,
        **_figures(sizing.best),
        "limits": sizing.limiting.value if sizing.limiting else None,
        "one_more_changes_wait_s": {p.value: _interval(c) for p, c in sizing.limits},
        "one_igv_less_adds_s": _interval(sizing.one_less),
        "without": {part.value: _figures(e) for part, e in sizing.n_minus_1},
        "tried": [{"igvs": e.plan.igvs, "wait_s": _interval(e.wait)} for e in sizing.evaluations],
    }  # fmt: skip


def _wait(value: Interval) -> str:
    return f"{value.mean:,.0f} ({max(0.0, value.low):,.0f}–{value.high:,.0f})"


_COLUMNS = ("IGVs", "cranes", "wait, s", "IGV", "crane", "lane", "kWh", "out")


def _cells(e: Evaluation) -> list[str]:
    return [
        f"{e.plan.igvs}", f"{e.plan.cranes[0]}+{e.plan.cranes[1]}", _wait(e.wait),
        f"{e.igv_use:.0%}", f"{max(e.crane_use):.0%}",
        f"{e.plan.lanes}: {e.lane_use:.0%}", f"{e.kwh_per_box:.1f}",
        f"{e.delivered_per_day.mean:,.0f}",
    ]  # fmt: skip


def _print(
    console: Console, site: sites.Site, found: Sequence[Sizing], notes: Sequence[str]
) -> None:  # fmt: skip
    target = found[0].target
    table = Table(
        title=f"{site.name.en}: smallest fleet with {target.quantile:.4g} of the ready-to-load "
        f"waits within {target.wait_s:g} s", box=None, title_justify="left", header_style="dim",
        caption="IGV, crane (busier side), lane: share of the time in use; kWh: per box; "
        "out: boxes a day; limits: of what one more would shorten the wait most",
        caption_justify="left",
    )  # fmt: skip
    for heading in ("boxes/day", *_COLUMNS, "limits"):
        table.add_column(heading, justify="right", no_wrap=True)
    for sizing in found:
        name = f"{sizing.boxes_per_day:g}"
        if sizing.found is None:
            name = f"[red]{name}: none[/]"
        table.add_row(name, *_cells(sizing.best), sizing.limiting.value if sizing.limiting else "–")
        for part, less in sizing.n_minus_1:
            lost = f"[red]{less.unserved} left[/]" if less.unserved else ""
            table.add_row(
                f"[dim]less 1 {part.value}[/]" if part is not Part.LINK else "[dim]no link[/]",
                *_cells(less),
                lost,
            )
    console.print(table)
    for sizing in found:
        if sizing.found is None:
            console.print(
                f"[red]{sizing.boxes_per_day:g} boxes a day: no fleet up to {target.fleet_max} "
                f"keeps the promise with these cranes and lanes.[/]"
            )
    for note in notes:
        console.print(f"[dim]· {note}[/]")


def _notes(site: sites.Site, plan: Plan, target: Target, seed: int) -> list[str]:
    estimates = sorted(
        key.removeprefix("bridge.cargo.") for key, source in site.sources.items()
        if key.startswith("bridge.cargo.") and source.startswith("estimate")
    )  # fmt: skip
    days = plan.days - plan.warmup_days
    wait = (
        f"Wait: from ready until a crane begins to lift the box onto a vehicle. The interval "
        f"({target.confidence:.4g}) is of the {target.quantile:.4g} quantile per replication, "
        f"over {target.replications} replications of {days:g} days, seed {seed}."
    )
    sources = (
        "Ways and energy come from the kinematic drive, crane moves from the emulated crane; "
        "trucks stand ready under it, and crane and bridge head have room for every vehicle."
    )
    broken = (
        "A broken vehicle closes its lane until it is towed; the other lane is not used by both "
        "directions meanwhile."
    )
    return [
        wait,
        "An ideal policy without wires: no message is late, no vehicle waits for a decision.",
        sources,
        broken,
        f"Estimates of the site file: {', '.join(estimates)}.",
    ]
