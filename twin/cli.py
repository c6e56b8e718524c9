"""The command `gatetwin`.

Exit codes: 0 no invariant was broken; 1 one was; 2 the call, a file or the harness was wrong.
Further commands come from installed packages (entry point group `gatetwin.commands`).
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import itertools
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from twin import faults as fault_schedule
from twin import replay as replaying
from twin import run as running
from twin import serve as serving
from twin import site as sites
from twin import strict_toml
from twin.bridge import CarrierKind
from twin.bridge_cli import run_smart_lane
from twin.cli_group import Commands, refuse
from twin.clock import Clock, run_virtual
from twin.errors import UnknownName
from twin.gate import Gate
from twin.judge import collect, judge, kpis
from twin.report import print_judgement, print_summary, write_html, write_run
from twin.run_bridge import BridgePlan
from twin.trace import Trace, hash_records, read_trace
from twin.world.world import Counts

BROKEN = 1

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
_seed = click.option("--seed", type=int, default=0, show_default=True, help="One seed, one run.")
_language = click.option(
    "--language", type=click.Choice(["en", "vi", "zh"]), default="en", show_default=True,
    help="Language the report opens in; it carries all three.",
)  # fmt: skip

_fidelity = click.option(
    "--fidelity", type=click.Choice(["kinematic", "physics"]), default="kinematic",
    show_default=True, help="How bodies move: closed form, or rigid bodies at 240 Hz.",
)  # fmt: skip
_engine = click.option(
    "--engine", type=click.Choice(["pybullet", "mujoco"]), default="pybullet", show_default=True,
    help="Rigid-body engine for --fidelity physics.",
)  # fmt: skip


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("gatetwin"), prog_name="gatetwin")
def main() -> None:
    """A physics and process twin of a smart border gate, and the test framework around it.

    Start with:  gatetwin run bac-luan-2 --day 2023-05-30
    """


@main.command(short_help="Drive a day of traffic through SITE, judge it, write a report.")
@click.argument("site")
@click.option("--day", metavar="YYYY-MM-DD", help="A counted day of the site, through its lanes.")
@click.option(
    "--smart-lane", is_flag=True,
    help="Driverless vehicles and cranes carry containers over the bridge instead.",
)  # fmt: skip
@click.option(
    "--boxes", type=click.IntRange(0, 10_000),
    help="With --smart-lane: containers a day, both ways [the site's demand].",
)  # fmt: skip
@click.option(
    "--carrier", type=click.Choice([kind.value for kind in CarrierKind]),
    help="With --smart-lane: driverless vehicles on the lane, or a sky-rail beside it [igv].",
)  # fmt: skip
@_seed
@click.option(
    "--hours", type=click.FloatRange(min=0.01, max=24 * 31),
    help="Only the first hours of the day; with --smart-lane how long boxes come [24].",
)  # fmt: skip
@click.option(
    "--speed", default="virtual", show_default=True, metavar="virtual|N",
    help="Virtual time, or N times the wall clock (1: real time).",
)  # fmt: skip
@click.option("--faults", type=click.Path(path_type=Path), help="A fault schedule (TOML).")
@_fidelity
@_engine
@click.option(
    "--stack", default="reference", show_default=True,
    help="The software under test: an installed name, or MODULE:FACTORY.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Run folder [runs/SITE-DAY-SEED].")
@_language
@_json
def run(
    site: str,
    day: str | None,
    smart_lane: bool,
    boxes: int | None,
    carrier: str | None,
    seed: int,
    hours: float | None,
    speed: str,
    faults: Path | None,
    fidelity: Any,
    engine: str,
    stack: str,
    out: Path | None,
    language: str,
    as_json: bool,
) -> None:
    """Drive a day of real traffic through SITE, judge it, and write a run folder.

    The folder holds trace.parquet (everything that happened), kpis.json and report.html. The
    exit code is 0 only if no invariant was broken; the table says which were not exercised.
    """
    if smart_lane == (day is not None):
        days = ", ".join(one.date.isoformat() for one in sites.load(site).traffic.days)
        refuse(
            f"give either --day, for the lanes (counted at {site}: {days}), or --smart-lane, for "
            "the bridge"
        )
    if smart_lane:
        bridge = BridgePlan(
            sites.load(site), 24.0 if hours is None else hours, seed, boxes, speed=_speed(speed),
            engine="kinematic" if fidelity == "kinematic" else engine, faults=faults,
            stack="reference-fleet" if stack == "reference" else stack,
            carrier=CarrierKind(carrier or "igv"),
        )  # fmt: skip
        kind = "" if bridge.carrier is CarrierKind.IGV else f"-{bridge.carrier.value}"
        folder = out or Path("runs") / f"{bridge.site.id}-smart-lane{kind}-seed{seed}"
        sys.exit(0 if run_smart_lane(bridge, folder, as_json=as_json) else BROKEN)
    for name, value in (("--boxes", boxes), ("--carrier", carrier)):
        if value is not None:
            refuse(f"{name} goes with --smart-lane")
    assert day is not None
    plan = running.Plan(
        site=sites.load(site),
        day=_date(day),
        seed=seed,
        hours=hours,
        speed=_speed(speed),
        fidelity=fidelity,
        engine=engine,
        faults=faults,
        stack=stack,
    )
    plan.site.day(plan.day)
    folder = out or Path("runs") / f"{plan.site.id}-{day}-seed{seed}"
    console = Console(stderr=as_json)
    _warn_of_late_faults(plan, console)
    outcome = _with_progress(plan, console)
    facts = collect(outcome.records)
    judgement = judge(facts)
    figures = kpis(facts, wall_s=outcome.wall_s)
    write_run(folder, outcome.trace, judgement, figures, language=language)
    if as_json:
        click.echo((folder / "kpis.json").read_text(encoding="utf-8"))
    else:
        print_summary(console, figures, judgement)
        console.print(f"Report: {folder / 'report.html'}")
    sys.exit(0 if judgement.held else BROKEN)


def _warn_of_late_faults(plan: running.Plan, console: Console) -> None:
    """A fault that lies behind the end would be a test that was never made."""
    if plan.faults is None:
        return
    _, open_s = running.arrivals(plan)
    schedule = strict_toml.load(plan.faults, fault_schedule.Schedule).faults
    opens_h = plan.site.hours.opens_h
    late = sum(fault.begin_s(opens_h) > open_s for fault in schedule if fault.at or fault.at_s)
    if late:
        console.print(
            f"[yellow]{late} of {len(schedule)} faults begin after the end of this run.[/]"
        )


def _with_progress(plan: running.Plan, console: Console) -> running.Outcome:
    opens_h = plan.site.hours.opens_h
    columns = (
        TextColumn("[bold]{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    # Not on a terminal a bar that is taken away again leaves an empty line.
    silent = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=silent) as bar:
        task = bar.add_task(f"{plan.site.id} {plan.day}", total=None, state="starting")

        def show(now_s: float, counts: Counts) -> None:
            state = (
                f"{_clock_text(opens_h, now_s)}  {counts.arrived} arrived, "
                f"{counts.crossed} crossed, {counts.diverted} diverted"
            )
            bar.update(task, total=counts.expected or None, completed=counts.gone, state=state)

        return running.run(plan, show)


def _clock_text(opens_h: float, now_s: float) -> str:
    minutes = int(opens_h * 60 + now_s / 60)
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        refuse(f"--day {text}: not a date; write YYYY-MM-DD")


def _speed(text: str) -> float | None:
    if text == "virtual":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 1000:
        refuse(f"--speed {text}: must be `virtual` or a number above 0, at most 1000")
    return speed


@main.command(name="sites")
@_json
def sites_command(as_json: bool) -> None:
    """List the sites that come with the product.

    A site is one bridge with its lanes, devices and traffic. Wherever a command takes SITE, the
    path of a site file of your own (TOML) will do as well.
    """
    found = [sites.load(name) for name in sites.known_sites()]
    rows = [
        {
            "site": site.id, "name": site.name.en, "lanes": len(site.lanes),
            "smart_lanes": sum(lane.kind == "smart" for lane in site.lanes),
            "hours": f"{site.hours.opens}–{site.hours.closes}",
            "days": [day.date.isoformat() for day in site.traffic.days],
        }
        for site in found
    ]  # fmt: skip
    _show(rows, as_json, "Sites")


@main.command(short_help="List the endpoints of SITE and their maps.")
@click.argument("site")
@click.option("--map", "show_map", is_flag=True, help="Also list every register of every wire.")
@_json
def wires(site: str, show_map: bool, as_json: bool) -> None:
    """List every endpoint of SITE with its protocol and, with --map, its registers."""
    wire_list = _built(site)[0]
    if as_json:
        click.echo(json.dumps(wire_list, indent=2, ensure_ascii=False))
        return
    endpoints = [
        entry
        for lane in wire_list["lanes"]
        for role in ("barrier", "io", "scale", "camera")
        for entry in [lane[role]]
    ]
    _show(
        [
            {
                "endpoint": entry["id"], "protocol": entry["protocol"],
                "profile": entry.get("profile", "–"),
                "points": len(entry["points"]) if "points" in entry else "–",
            }
            for entry in endpoints
        ] + [
            {
                "endpoint": "customs", "protocol": "rest", "profile": "OpenAPI at /openapi.json",
                "points": "–",
            }
        ],
        False, f"Wires of {wire_list['site']}; `gatetwin serve` opens them",
    )  # fmt: skip
    if show_map:
        for entry in endpoints:
            if "points" in entry:
                rows = [
                    {
                        "point": name, "table": point["table"], "address": point["address"],
                        "encoding": point["encoding"], "access": point["access"],
                    }
                    for name, point in entry["points"].items()
                ]  # fmt: skip
                _show(rows, False, f"{entry['id']} ({entry['profile']})")


@main.command(name="faults", short_help="List what can break in SITE, and how.")
@click.argument("site")
@click.argument("target", default="*")
@_json
def faults_command(site: str, target: str, as_json: bool) -> None:
    """List the fault menu of every device, wire and service of SITE, or of TARGET alone.

    TARGET is a name or a pattern: in-1.barrier, '*.camera', customs.

    A line can be injected by a schedule (gatetwin run --faults FILE), in a pytest test
    (gate.inject("in-1.barrier", "slow", factor=0.5)) and by the Hypothesis strategies.
    """
    menu = _built(site)[1]
    rows = [row for row in menu if fnmatch.fnmatchcase(row["target"], target)]
    if not rows:
        raise UnknownName(f"fault target of {site}", target, {row["target"] for row in menu})
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for name, group in itertools.groupby(rows, key=lambda row: str(row["target"])):
        _show([_fault_row(row) for row in group], False, name)
        click.echo()


def _fault_row(row: dict[str, Any]) -> dict[str, Any]:
    given = ", ".join(
        f"{name}={spec['default']}{' ' + spec['unit'] if 'unit' in spec else ''}"
        for name, spec in row["parameters"].items()
    )
    return {"kind": row["kind"], "what it does": f"{row['does']}{f'  [{given}]' if given else ''}"}


def _built(site: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The wire list and the fault menu of a site, without traffic."""
    loaded = sites.load(site)

    async def look(clock: Clock) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        gate = Gate(loaded, clock, Trace(clock))
        wire_list = await gate.start()
        await gate.stop()
        for lane in wire_list["lanes"]:
            for role in ("barrier", "io", "scale", "camera"):
                for key in ("host", "port", "password"):
                    lane[role].pop(key, None)
        del wire_list["services"], wire_list["operations"]
        return wire_list, fault_schedule.menu(gate.targets)

    return run_virtual(look)


@main.command(short_help="Serve the wires of SITE for a stack of your own.")
@click.argument("site")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--first-port",
    type=click.IntRange(1024, 65000),
    help="First of the ports in a row  [default: any free ports].",
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("endpoints.json"),
              show_default=True, help="Where to write the wire list.")  # fmt: skip
@click.option("--day", metavar="YYYY-MM-DD", help="Let the traffic of that day come.")
@_seed
@click.option("--speed", type=click.FloatRange(0.1, 1000), default=1.0, show_default=True,
              help="Times the wall clock.")  # fmt: skip
@_fidelity
@_engine
@click.option("--for", "for_s", type=click.FloatRange(min=0.1), metavar="SECONDS",
              help="Stop after so many seconds.")  # fmt: skip
@click.option("--stack", help="Also run this stack in the same process, as `reference`.")
@click.option("--trace", "trace_path", type=click.Path(path_type=Path), help="Write the trace.")
@_json
def serve(
    site: str,
    host: str,
    first_port: int | None,
    out: Path,
    day: str | None,
    seed: int,
    speed: float,
    fidelity: Any,
    engine: str,
    for_s: float | None,
    stack: str | None,
    trace_path: Path | None,
    as_json: bool,
) -> None:
    """Serve the wires of SITE on the wall clock, for a stack that you start yourself.

    Prints where to connect and writes the wire list for the stack. Ends with Ctrl-C.
    """
    loaded = sites.load(site)
    order = serving.Order(
        site=loaded,
        host=host,
        first_port=first_port or 0,
        endpoints=out,
        day=_date(day) if day else None,
        seed=seed,
        speed=speed,
        fidelity=fidelity,
        engine=engine,
        for_s=for_s,
        stack=stack,
        trace=trace_path,
    )
    console = Console(stderr=as_json)

    def ready(wire_list: dict[str, Any]) -> None:
        if as_json:
            click.echo(json.dumps({"endpoints": str(out), "site": loaded.id}))
            return
        _show(
            [
                {"endpoint": lane[role]["id"], "protocol": lane[role]["protocol"],
                 "connect to": f"{lane[role]['host']}:{lane[role]['port']}"
                 if "port" in lane[role] else f"relays of {lane['id']}.io"}
                for lane in wire_list["lanes"] for role in ("barrier", "io", "scale", "camera")
            ] + [
                {"endpoint": "customs", "protocol": "rest",
                 "connect to": wire_list["services"]["customs"]["url"]}
            ],
            False, f"Serving {loaded.id}; Ctrl-C ends",
        )  # fmt: skip
        console.print(f"The wire list, with user names and passwords, is in {out} (mode 600).")

    serving.serve(order, ready)


@main.command(name="judge", short_help="Judge a recorded run again.")
@click.argument("trace", type=click.Path(path_type=Path))
@_json
def judge_command(trace: Path, as_json: bool) -> None:
    """Judge TRACE again: a run folder or its trace.parquet.

    The verdict is a pure function of the record, so that old evidence can be judged by new rules.
    The exit code is 0 only if no invariant was broken.
    """
    records = list(read_trace(trace))
    judgement = judge(records)
    if as_json:
        click.echo(json.dumps(judgement.as_dict(), indent=2, ensure_ascii=False))
    else:
        print_judgement(Console(), judgement)
    sys.exit(0 if judgement.held else BROKEN)


@main.command(short_help="Play a recorded run or a failing example again.")
@click.argument("trace", type=click.Path(path_type=Path))
@_json
def replay(trace: Path, as_json: bool) -> None:
    """Play TRACE again and compare: a run folder, a trace, or the file of a failing example.

    A run of the same seed, site, faults and stack must give the same trace hash; if it does not,
    the command names the first record that differs.
    """
    result = replaying.replay(trace)
    if as_json:
        click.echo(json.dumps(result.as_dict(), indent=2, ensure_ascii=False))
    else:
        Console().print(result.text())
    sys.exit(0 if result.good else BROKEN)


@main.command(short_help="Draw the report of a recorded run again.")
@click.argument("trace", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The page [report.html beside it].")
@_language
@_json
def report(trace: Path, out: Path | None, language: str, as_json: bool) -> None:
    """Write the HTML report of TRACE (a run folder or its trace.parquet) again."""
    records = list(read_trace(trace))
    page = out or (trace if trace.is_dir() else trace.parent) / "report.html"
    figures = kpis(records, wall_s=None, trace_sha256=hash_records(records))
    write_html(page, records, judge(records), figures, language=language)
    click.echo(json.dumps({"report": str(page)}) if as_json else f"Report: {page}")


def _show(rows: list[dict[str, Any]], as_json: bool, title: str) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    # no frame, and the name in the first column is never cut
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None,
        pad_edge=False, padding=(0, 2, 0, 0),
    )  # fmt: skip
    names = list(rows[0]) if rows else []
    for name in names:
        table.add_column(name, no_wrap=name == names[0])
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table)


def _cell(value: Any) -> str:
    text = ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
    return escape(text)


if __name__ == "__main__":
    main()
