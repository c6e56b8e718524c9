"""What `gatetwin run SITE --smart-lane` does: run the bridge, judge it, write its folder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from twin import site as sites
from twin.judge.bridge import judge_bridge
from twin.judge.bridge_facts import BridgeFacts, collect_bridge
from twin.judge.bridge_kpis import BridgeKpis, bridge_kpis
from twin.judge.verdict import Judgement
from twin.report.bridge_page import write_bridge_html
from twin.report.bridge_terminal import print_bridge
from twin.report.folder import pretty
from twin.run_bridge import BridgeOutcome, BridgePlan, run_bridge
from twin.trace import Record, hash_records


def run_smart_lane(plan: BridgePlan, folder: Path, *, as_json: bool) -> bool:
    """Run `plan` and write trace.parquet, kpis.json, verdicts.json and report.html.

    Whether no rule was broken.
    """
    logging.getLogger("asyncua").setLevel(logging.ERROR)  # it warns of passwords on loopback
    console = Console(stderr=as_json)
    outcome = _with_progress(plan, console)
    facts = collect_bridge(outcome.records)
    judgement = judge_bridge(facts)
    figures = _figures(facts, judgement, outcome.trace.sha256(), outcome.wall_s)
    folder.mkdir(parents=True, exist_ok=True)
    outcome.trace.write(folder / "trace.parquet")
    (folder / "kpis.json").write_bytes(pretty(figures))
    (folder / "verdicts.json").write_bytes(pretty(judgement.as_dict()))
    write_bridge_html(folder / "report.html", plan.site, facts, judgement, figures)
    if as_json:
        click.echo((folder / "kpis.json").read_text(encoding="utf-8"))
    else:
        print_bridge(console, figures, judgement)
        console.print(f"Report: {folder / 'report.html'}")
    return judgement.held


def draw_again(page: Path, records: Sequence[Record]) -> None:
    """The report of a recorded run, from its records alone."""
    facts = collect_bridge(records)
    judgement = judge_bridge(facts)
    figures = _figures(facts, judgement, hash_records(records), 0.0)
    write_bridge_html(page, sites.load(figures.site), facts, judgement, figures)


def _figures(facts: BridgeFacts, judgement: Judgement, sha256: str, wall_s: float) -> BridgeKpis:
    return msgspec.structs.replace(
        bridge_kpis(facts, wall_s=wall_s),
        trace_sha256=sha256,
        invariants_held=judgement.kept,
        invariants_broken=judgement.broken,
        invariants_not_exercised=judgement.not_exercised,
    )


def _with_progress(plan: BridgePlan, console: Console) -> BridgeOutcome:
    columns = (
        TextColumn("[bold]{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"{plan.site.id} smart lane", total=plan.hours * 3600, state="starting")

        def show(now_s: float, ready: int, through: int) -> None:
            minutes = int(now_s // 60)
            state = f"{minutes // 60:02d}:{minutes % 60:02d}  {ready} ready, {through} through"
            bar.update(task, completed=now_s, state=state)

        return run_bridge(plan, show)
