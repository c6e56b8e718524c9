"""The command `gatetwin`.

Exit codes: 0 no invariant was broken; 1 one was; 2 the call, a file or the harness was wrong.
Further commands come from installed packages (entry point group `gatetwin.commands`).
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from twin import cli_look, cli_records, cli_serve, strict_toml
from twin import faults as fault_schedule
from twin import run as running
from twin import site as sites
from twin.bridge import CarrierKind
from twin.bridge.less import Part
from twin.bridge_cli import run_name, run_smart_lane
from twin.chain_cli import chain_name, run_both
from twin.cli_group import Commands, refuse
from twin.cli_options import (
    BROKEN,
    boxes_option,
    broker_options,
    carrier_option,
    date_of,
    demand_option,
    engine_option,
    fidelity_option,
    json_option,
    language_option,
    phase_option,
    seed_option,
    vehicles_option,
    wish_of,
)
from twin.judge import collect, judge, kpis
from twin.playing import Outcome
from twin.report import print_summary, write_run
from twin.run_bridge import BridgePlan
from twin.run_chain import ChainPlan
from twin.world.boxes import Profile
from twin.world.world import Counts


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
    help="Driverless vehicles and cranes carry containers over the bridge; with --day both: "
    "trucks bring them from their lanes to the cranes.",
)  # fmt: skip
@boxes_option
@demand_option
@carrier_option
@phase_option
@vehicles_option
@click.option(
    "--without", "less", type=click.Choice([part.value for part in Part]), multiple=True,
    help="With --smart-lane: play the same boxes again with one of these less (N-1).",
)  # fmt: skip
@seed_option
@click.option(
    "--hours", type=click.FloatRange(min=0.01, max=24 * 31),
    help="Only the first hours of the day; with --smart-lane how long boxes come [24].",
)  # fmt: skip
@click.option(
    "--speed", default="virtual", show_default=True, metavar="virtual|N",
    help="Virtual time, or N times the wall clock (1: real time).",
)  # fmt: skip
@click.option("--faults", type=click.Path(path_type=Path), help="A fault schedule (TOML).")
@fidelity_option
@engine_option
@click.option(
    "--stack", default="reference", show_default=True,
    help="The software under test: an installed name, or MODULE:FACTORY.",
)  # fmt: skip
@click.option(
    "--fleet-stack",
    help="The one for the bridge, where both are under test [reference-fleet].",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Run folder [runs/SITE-DAY-SEED].")
@broker_options
@language_option
@json_option
def run(
    site: str,
    day: str | None,
    smart_lane: bool,
    boxes: int | None,
    demand: str | None,
    carrier: str | None,
    phase: str | None,
    vehicles: int | None,
    less: tuple[str, ...],
    seed: int,
    hours: float | None,
    speed: str,
    faults: Path | None,
    fidelity: Any,
    engine: str,
    stack: str,
    fleet_stack: str | None,
    out: Path | None,
    language: str,
    as_json: bool,
    **broker: Any,
) -> None:
    """Drive a day of real traffic through SITE, judge it, and write a run folder.

    The folder holds trace.parquet (everything that happened), kpis.json and report.html. The
    exit code is 0 only if no invariant was broken; the table says which were not exercised.
    """
    if not smart_lane and day is None:
        days = ", ".join(one.date.isoformat() for one in sites.load(site).traffic.days)
        refuse(
            f"give --day, for the lanes (counted at {site}: {days}), --smart-lane, for the bridge, "
            "or both"
        )
    if smart_lane and day is not None:
        if phase == "2" or less or demand or vehicles:
            refuse(
                "--phase 2, --vehicles, --without and --demand are of the bridge alone: leave out "
                "--day"
            )
        both = ChainPlan(
            sites.load(site), date_of(day), seed, hours, boxes, speed=_speed(speed),
            fidelity=fidelity, engine=engine, faults=faults, stack=stack,
            fleet_stack=fleet_stack or "reference-fleet", carrier=CarrierKind(carrier or "igv"),
            wish=wish_of(**broker),
        )  # fmt: skip
        folder = out or Path("runs") / chain_name(both)
        sys.exit(0 if run_both(both, folder, language=language, as_json=as_json) else BROKEN)
    if fleet_stack is not None and (stack != "reference" or not smart_lane):
        refuse("--fleet-stack goes with --smart-lane; without --day --stack means the same")
    if smart_lane:
        bridge = BridgePlan(
            sites.load(site), hours or 24.0, seed, boxes,
            speed=_speed(speed),
            engine="kinematic" if fidelity == "kinematic" else engine, faults=faults,
            stack=fleet_stack or ("reference-fleet" if stack == "reference" else stack),
            carrier=CarrierKind(carrier or "igv"), phase=int(phase or 1), wish=wish_of(**broker),
            profile=Profile(demand or "even"), vehicles=vehicles,
        )  # fmt: skip
        if bridge.carrier is not CarrierKind.IGV and (phase == "2" or less or vehicles):
            refuse("--phase 2, --vehicles and --without go with --carrier igv")
        folder = out or Path("runs") / run_name(bridge)
        held = run_smart_lane(bridge, folder, less, language=language, as_json=as_json)
        sys.exit(0 if held else BROKEN)
    if not wish_of(**broker).plain:
        refuse("--broker and --tls go with --smart-lane")
    if boxes is not None or demand or carrier or phase or vehicles or less:
        refuse(
            "--boxes, --demand, --carrier, --phase, --vehicles and --without go with --smart-lane"
        )
    assert day is not None
    plan = running.Plan(
        site=sites.load(site),
        day=date_of(day),
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


def _with_progress(plan: running.Plan, console: Console) -> Outcome:
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


for _command in (
    cli_look.sites_command, cli_look.wires, cli_look.faults_command, cli_serve.serve,
    cli_records.judge_command, cli_records.replay, cli_records.report,
):  # fmt: skip
    main.add_command(_command)


if __name__ == "__main__":
    main()
