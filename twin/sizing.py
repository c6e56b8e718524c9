"""The command `gatetwin size`: how many vehicles a demand needs.

Exit codes: 0 every demand has a fleet that keeps the promise; 1 one has none, or a run broke an
invariant of the model; 2 the call, a file or the harness was wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from markupsafe import Markup
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from twin import site as sites
from twin.capacity import (
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
from twin.capacity.plan import N_MINUS_1, phase_for
from twin.capacity.sky_times import sky_times_of
from twin.report import words
from twin.report.capacity import write_page
from twin.report.capacity_figures import as_row
from twin.report.capacity_terminal import print_sizings

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
@click.option("--landed-s", type=float, default=1800.0, show_default=True,
              help="0.95 of the boxes have landed so long after they were ready.")  # fmt: skip
@click.option("--quantile", type=float, default=0.95, show_default=True, help="For which share.")
@click.option("--confidence", type=float, default=0.95, show_default=True,
              help="Of the intervals.")  # fmt: skip
@click.option("--replications", type=int, default=30, show_default=True,
              help="Begin with so many; at least 20.")  # fmt: skip
@click.option("--replications-max", type=int, default=200, show_default=True,
              help="Add more up to this number.")  # fmt: skip
@click.option("--precision", type=float, default=0.1, show_default=True,
              help="Until half of the interval is this share of the limit.")  # fmt: skip
@click.option("--fleet-max", type=int, default=200, show_default=True, help="Largest fleet.")
@click.option("--cranes", type=click.IntRange(1, 200),
              help="Cranes per side  [default: they take half of the limit].")  # fmt: skip
@click.option("--lanes", type=click.IntRange(1, 2),
              help="Lanes of the bridge  [default: the fewest that do].")  # fmt: skip
@click.option("--carrier", type=click.Choice(["igv", "sky-rail"]), default="igv",
              show_default=True,
              help="Vehicles on lanes, or a sky-rail: two rails, no battery.")  # fmt: skip
@click.option("--phase", type=click.IntRange(1, 2),
              help="Whose roads and yards  [default: 1 up to 400 boxes, then 2].")  # fmt: skip
@click.option("--hours", type=click.Choice(["24/7", "site"]), default="24/7", show_default=True,
              help="Day and night, or the opening hours of the site.")  # fmt: skip
@click.option("--battery", type=click.Choice(["charge", "swap"]),
              help="How batteries are filled  [default: charge].")  # fmt: skip
@click.option("--days", type=float, default=4.0, show_default=True,
              help="Length of a replication; its first day is warm-up.")  # fmt: skip
@click.option("--wind-stops", type=float, default=0.0, show_default=True,
              help="Stops of all cranes a day, half an hour each on average.")  # fmt: skip
@click.option("--network-gaps", type=float, default=0.0, show_default=True,
              help="Gaps of the radio network a day, a minute each on average.")  # fmt: skip
@click.option("--without", "parts", multiple=True,
              type=click.Choice([p.value for p in N_MINUS_1]),
              help="N-1 for this alone; may be repeated  [default: all four].")  # fmt: skip
@click.option("--no-n-minus-1", "no_less", is_flag=True, help="Leave N-1 out.")
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
    landed_s: float,
    quantile: float,
    confidence: float,
    replications: int,
    replications_max: int,
    precision: float,
    fleet_max: int,
    cranes: int | None,
    lanes: int | None,
    carrier: str,
    phase: int | None,
    hours: Any,
    battery: Any,
    days: float,
    wind_stops: float,
    network_gaps: float,
    parts: Sequence[str],
    no_less: bool,
    seed: int,
    jobs: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Find the smallest fleet of driverless vehicles (IGVs) that keeps a promise about waiting.

    Simulates SITE without wires under an ideal policy, many days for each fleet, and prints the
    smallest one whose wait is within the limit with confidence, what limits it, and what it costs.
    """
    target = Target(
        wait_s, landed_s, quantile, confidence, replications,
        max(replications, replications_max), precision, fleet_max,
    )  # fmt: skip
    if jobs == 0 or jobs < -1:
        raise SizingError(f"jobs: {jobs}; allowed: -1 (one per core), or 1 and more")
    loaded = sites.load(site)
    if carrier == "sky-rail":
        lanes, battery = _of_a_rail(lanes, phase, battery, parts)
    phases = [phase or (1 if carrier == "sky-rail" else phase_for(loaded, n)) for n in boxes]
    used = {number: loaded.in_phase(number) for number in sorted(set(phases))}
    plans = [
        replace(
            plan_for(used[number], count, cranes=cranes or 0, lanes=lanes, hours=hours,
                     days=days, battery=battery or "charge", igvs=1),
            wind_stops_per_day=wind_stops, network_gaps_per_day=network_gaps,
        )
        for count, number in zip(boxes, phases, strict=True)
    ]  # fmt: skip
    durations = sky_times_of if carrier == "sky-rail" else times_of
    times = {number: durations(one) for number, one in used.items()}
    possible = [part for part in N_MINUS_1 if carrier == "igv" or part is not Part.LANE]
    wanted = [Part(name) for name in dict.fromkeys(parts)] or possible
    console = Console(stderr=as_json)
    found: list[Sizing] = []
    run = replicate(jobs)
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(),
        console=console, transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("starting", total=None)
        for plan, number in zip(plans, phases, strict=True):
            found.append(
                find_fleet(plan, times[number], target, seed=seed, parts=() if no_less else wanted,
                           lanes=[lanes] if lanes else [1, 2], run=run,
                           progress=_shown(bar, task, len(found), len(plans)))
            )  # fmt: skip

    def notes(language: str) -> list[str]:
        return _notes(loaded, carrier, used, found[0].best.plan, target, seed, language)

    rows = [
        {**as_row(sizing), "phase": number} for sizing, number in zip(found, phases, strict=True)
    ]
    report = {
        "site": loaded.id, "carrier": carrier, "seed": seed, "assumes": notes("en"), "sizes": rows,
    }  # fmt: skip
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_page(out / "size.html", loaded, found, _in_all(notes))
        (out / "size.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        print_sizings(console, loaded.name.en, found, notes("en"))
        if out is not None:
            console.print(f"Report: {out / 'size.html'}")
    held = not any(sizing.broken for sizing in found)
    sys.exit(0 if held and all(sizing.found is not None for sizing in found) else NONE_FOUND)


def _shown(bar: Progress, task: Any, done: int, count: int) -> Callable[[Plan], None]:
    def show(plan: Plan) -> None:
        bar.update(task, description=(
            f"demand {done + 1} of {count}: {plan.boxes_per_day:g} boxes a day, trying "
            f"{plan.igvs} IGVs, {plan.cranes[0]} + {plan.cranes[1]} cranes, {plan.lanes} lanes"
        ))  # fmt: skip

    return show


def _of_a_rail(
    lanes: int | None, phase: int | None, battery: str | None, parts: Sequence[str]
) -> tuple[int, str]:
    """Lanes and battery of a sky-rail; `SizingError` names what it does not have."""
    for option, given, why in (
        ("--lanes", lanes not in (None, 2), "it has two rails, one for each direction"),
        ("--phase", phase is not None, "the site file has one rail"),
        ("--battery", battery is not None, "it takes its power from the rail"),
        ("--without", Part.LANE.value in parts, "without one of its rails nothing comes back"),
    ):
        if given:
            raise SizingError(f"{option} does not go with --carrier sky-rail: {why}")
    return 2, "none"


def _notes(
    site: sites.Site, carrier: str, phases: Iterable[int], plan: Plan, target: Target, seed: int,
    language: str,
) -> list[str]:  # fmt: skip
    tables = ["bridge.cargo."]
    if carrier == "sky-rail":
        tables.append("bridge.sky_rail.")
    elif 2 in phases:
        tables.append("bridge.phase_2.")
    estimates = sorted(
        key.removeprefix("bridge.cargo.").removeprefix("bridge.")
        for key, source in site.sources.items()
        if key.startswith(tuple(tables)) and source.startswith("estimate")
    )  # fmt: skip
    roads = "cap_note_rail" if carrier == "sky-rail" else "cap_note_roads"
    return [
        words.text("cap_note_wait", language, confidence=f"{target.confidence:.4g}",
                   least=target.replications, most=target.replications_max,
                   days=f"{plan.days - plan.warmup_days:g}", warmup=f"{plan.warmup_days:g}",
                   seed=seed),
        words.text("cap_note_ideal", language),
        words.text("cap_note_sources", language),
        words.text(roads, language, phases=", ".join(str(number) for number in phases)),
        words.text("cap_note_broken", language),
        words.text("cap_note_lane", language),
        words.text("cap_note_estimates", language, keys=", ".join(estimates)),
    ]  # fmt: skip


def _in_all(say: Callable[[str], list[str]]) -> list[Markup]:
    """Each note in all languages."""
    said = {language: say(language) for language in words.LANGUAGES}
    return [
        words.every(lambda language, number=number: said[language][number])  # type: ignore[misc]
        for number in range(len(said["en"]))
    ]
