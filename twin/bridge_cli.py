"""What `gatetwin run SITE --smart-lane` does: run the bridge, judge it, write its folder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from twin import site as sites
from twin.bridge.carriers import CarrierKind
from twin.bridge.less import Part, nothing_crosses
from twin.judge.bridge import judge_bridge
from twin.judge.bridge_facts import BridgeFacts, collect_bridge
from twin.judge.bridge_kpis import BridgeKpis, bridge_kpis
from twin.judge.verdict import Judgement
from twin.playing import Outcome
from twin.report.bridge_n_minus_1 import Row, add_to_report, print_n_minus_1
from twin.report.bridge_page import write_bridge_html
from twin.report.bridge_terminal import print_bridge
from twin.report.folder import pretty
from twin.run_bridge import BridgePlan, ground_of, run_bridge
from twin.trace import Record, hash_records


def run_name(plan: BridgePlan) -> str:
    """The name of its folder."""
    kind = "" if plan.carrier is CarrierKind.IGV else f"-{plan.carrier.value}"
    kind += "-phase2" if plan.phase == 2 else ""
    return f"{plan.site.id}-smart-lane{kind}-seed{plan.seed}"


def run_smart_lane(
    plan: BridgePlan, folder: Path, less: Sequence[str] = (), *, language: str = "en", as_json: bool
) -> bool:
    """Run `plan`, and again without each part of `less`; whether no rule was broken in any.

    Each run has a folder with trace.parquet, kpis.json, verdicts.json and report.html: `folder`,
    and `folder/without-PART`. `folder/n-1.json` has their figures beside each other.
    """
    console = Console(stderr=as_json)
    held = _run(plan, folder, console, language=language, as_json=as_json)
    if not less:
        return held
    rows = [Row("N", _read(folder))]
    for part in dict.fromkeys(map(Part, less)):
        reason = nothing_crosses(plan.ground, part)
        if reason:
            rows.append(Row(part.value, None, f"nothing crosses: {reason}"))
            continue
        inner = folder / f"without-{part.value}"
        again = replace(plan, less=part)
        held = _run(again, inner, console, language=language, as_json=as_json) and held
        rows.append(Row(part.value, _read(inner)))
    (folder / "n-1.json").write_bytes(pretty([row.as_dict() for row in rows]))
    add_to_report(folder / "report.html", rows)
    print_n_minus_1(console, rows)
    return held


def _read(folder: Path) -> BridgeKpis:
    return msgspec.json.decode((folder / "kpis.json").read_bytes(), type=BridgeKpis)


def _run(plan: BridgePlan, folder: Path, console: Console, *, language: str, as_json: bool) -> bool:
    logging.getLogger("asyncua").setLevel(logging.ERROR)  # it warns of passwords on loopback
    outcome = _with_progress(plan, console)
    facts = collect_bridge(outcome.records)
    judgement = judge_bridge(facts)
    figures = _figures(facts, judgement, outcome.trace.sha256(), outcome.wall_s)
    folder.mkdir(parents=True, exist_ok=True)
    outcome.trace.write(folder / "trace.parquet")
    (folder / "kpis.json").write_bytes(pretty(figures))
    (folder / "verdicts.json").write_bytes(pretty(judgement.as_dict()))
    page = folder / "report.html"
    write_bridge_html(page, plan.ground, facts, judgement, figures, language=language)
    if as_json:
        click.echo((folder / "kpis.json").read_text(encoding="utf-8"))
    else:
        print_bridge(console, figures, judgement)
        console.print(f"Report: {folder / 'report.html'}")
    return judgement.held


def draw_again(page: Path, records: Sequence[Record], *, language: str = "en") -> None:
    """The report of a recorded run, from its records alone."""
    facts = collect_bridge(records)
    judgement = judge_bridge(facts)
    figures = _figures(facts, judgement, hash_records(records), 0.0)
    less = facts.run.get("without")
    vehicles = facts.run.get("vehicles")
    ground = ground_of(
        sites.load(figures.site), int(str(facts.run.get("phase", 1))),
        Part(less) if less else None, vehicles=int(str(vehicles)) if vehicles else None,
    )  # fmt: skip
    write_bridge_html(page, ground, facts, judgement, figures, language=language)


def _figures(facts: BridgeFacts, judgement: Judgement, sha256: str, wall_s: float) -> BridgeKpis:
    return msgspec.structs.replace(
        bridge_kpis(facts, wall_s=wall_s),
        trace_sha256=sha256,
        invariants_held=judgement.kept,
        invariants_broken=judgement.broken,
        invariants_not_exercised=judgement.not_exercised,
    )


def _with_progress(plan: BridgePlan, console: Console) -> Outcome:
    less = f" without {plan.less.value}" if plan.less else ""
    columns = (
        TextColumn("[bold]{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(
            f"{plan.site.id} smart lane{less}", total=plan.hours * 3600, state="starting"
        )

        def show(now_s: float, ready: int, through: int) -> None:
            minutes = int(now_s // 60)
            state = f"{minutes // 60:02d}:{minutes % 60:02d}  {ready} ready, {through} through"
            bar.update(task, completed=now_s, state=state)

        return run_bridge(plan, show)
