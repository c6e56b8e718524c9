"""What `gatetwin run SITE --smart-lane --day DAY` does: run lanes and bridge together, judge both.

The run folder has report.html for the whole way, and lanes.html and bridge.html for its parts.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from twin import site as sites
from twin.bridge import CarrierKind
from twin.chain import Chain
from twin.judge import REGISTRY
from twin.judge.bridge import BRIDGE
from twin.judge.chain import judge_chain
from twin.judge.chain_facts import collect_chain
from twin.judge.chain_kpis import ChainKpis, chain_kpis
from twin.judge.verdict import Judgement
from twin.playing import Outcome
from twin.report.bridge_page import write_bridge_html
from twin.report.chain_page import write_chain_html
from twin.report.chain_terminal import print_chain
from twin.report.folder import complete, pretty
from twin.report.page import write_html
from twin.run_chain import ChainPlan, run_chain
from twin.trace import Record, hash_records


def chain_name(plan: ChainPlan) -> str:
    """The name of its folder."""
    kind = "" if plan.carrier is CarrierKind.IGV else f"-{plan.carrier.value}"
    return f"{plan.site.id}-{plan.day}-smart-lane{kind}-seed{plan.seed}"


def run_both(plan: ChainPlan, folder: Path, *, language: str, as_json: bool) -> bool:
    """Run `plan` and write its folder; whether no rule was broken."""
    logging.getLogger("asyncua").setLevel(logging.ERROR)  # it warns of passwords on loopback
    console = Console(stderr=as_json)
    plan.site.day(plan.day)
    outcome = _with_progress(plan, console)
    facts = collect_chain(outcome.records)
    judgement = judge_chain(facts)
    sha256 = outcome.trace.sha256()
    figures = msgspec.structs.replace(
        chain_kpis(facts, wall_s=outcome.wall_s, trace_sha256=sha256),
        invariants_held=judgement.kept, invariants_broken=judgement.broken,
        invariants_not_exercised=judgement.not_exercised,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    outcome.trace.write(folder / "trace.parquet")
    (folder / "kpis.json").write_bytes(pretty(figures))
    (folder / "verdicts.json").write_bytes(pretty(judgement.as_dict()))
    page = folder / "report.html"
    write_chain_html(page, plan.site, facts, judgement, figures, language=language)
    of_lanes, of_bridge = _only(judgement, set(REGISTRY)), _only(judgement, set(BRIDGE))
    lanes = complete(figures.lanes, of_lanes, sha256)
    write_html(folder / "lanes.html", facts.lanes, of_lanes, lanes, language=language)
    bridge = msgspec.structs.replace(figures.bridge, trace_sha256=sha256)
    page = folder / "bridge.html"
    write_bridge_html(page, plan.site, facts.bridge, of_bridge, bridge, language=language)
    _tell(console, figures, judgement, folder, as_json=as_json)
    return judgement.held


def draw_chain_again(page: Path, records: Sequence[Record], *, language: str = "en") -> None:
    """Write the page of a recorded run to `page`."""
    facts = collect_chain(records)
    site = sites.load(str(facts.lanes.start["site"]))
    figures = chain_kpis(facts, trace_sha256=hash_records(records))
    write_chain_html(page, site, facts, judge_chain(facts), figures, language=language)


def _tell(
    console: Console, figures: ChainKpis, judgement: Judgement, folder: Path, *, as_json: bool
) -> None:
    if as_json:
        click.echo((folder / "kpis.json").read_text(encoding="utf-8"))
    else:
        print_chain(console, figures, judgement)
        console.print(f"Report: {folder / 'report.html'}")


def _only(judgement: Judgement, ids: set[str]) -> Judgement:
    """The verdicts on some rules."""
    kept = [one for one in judgement.invariants if one.id in ids]
    return Judgement(kept, judgement.sometimes)


def _with_progress(plan: ChainPlan, console: Console) -> Outcome:
    columns = (
        TextColumn("[bold]{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    hours_s = plan.site.hours.open_s if plan.hours is None else plan.hours * 3600
    silent = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=silent) as bar:
        task = bar.add_task(f"{plan.site.id} {plan.day}", total=hours_s, state="starting")

        def show(now_s: float, chain: Chain) -> None:
            minutes = int(plan.site.hours.opens_h * 60 + now_s / 60)
            counts, bridge = chain.gate.world.counts, chain.bridge
            state = (
                f"{minutes // 60 % 24:02d}:{minutes % 60:02d}  {counts.arrived} trucks at lanes, "
                f"{len(bridge.transfers.book)} boxes at cranes, {bridge.finished} through"
            )
            bar.update(task, completed=now_s, state=state)

        return run_chain(plan, show)
