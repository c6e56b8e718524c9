"""Commands that take a recorded run: judge it, play it, draw it again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from twin import replay as replaying
from twin.bridge_cli import draw_again
from twin.chain_cli import draw_chain_again
from twin.cli_options import BROKEN, json_option, language_option
from twin.judge import judge, kpis
from twin.judge.bridge import judge_bridge
from twin.judge.bridge_facts import is_bridge
from twin.judge.chain import judge_chain
from twin.judge.chain_facts import is_chain
from twin.report import print_judgement, write_html
from twin.trace import hash_records, read_trace


@click.command(name="judge", short_help="Judge a recorded run again.")
@click.argument("trace", type=click.Path(path_type=Path))
@json_option
def judge_command(trace: Path, as_json: bool) -> None:
    """Judge TRACE again: a run folder or its trace.parquet.

    The verdict is a pure function of the record, so that old evidence can be judged by new rules.
    The exit code is 0 only if no invariant was broken.
    """
    records = list(read_trace(trace))
    rules = judge_chain if is_chain(records) else judge_bridge if is_bridge(records) else judge
    judgement = rules(records)
    if as_json:
        click.echo(json.dumps(judgement.as_dict(), indent=2, ensure_ascii=False))
    else:
        print_judgement(Console(), judgement)
    sys.exit(0 if judgement.held else BROKEN)


@click.command(short_help="Play a recorded run or a failing example again.")
@click.argument("trace", type=click.Path(path_type=Path))
@json_option
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


@click.command(short_help="Draw the report of a recorded run again.")
@click.argument("trace", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The page [report.html beside it].")
@language_option
@json_option
def report(trace: Path, out: Path | None, language: str, as_json: bool) -> None:
    """Write the HTML report of TRACE (a run folder or its trace.parquet) again."""
    records = list(read_trace(trace))
    page = out or (trace if trace.is_dir() else trace.parent) / "report.html"
    if is_chain(records):
        draw_chain_again(page, records, language=language)
    elif is_bridge(records):
        draw_again(page, records, language=language)
    else:
        figures = kpis(records, wall_s=None, trace_sha256=hash_records(records))
        write_html(page, records, judge(records), figures, language=language)
    click.echo(json.dumps({"report": str(page)}) if as_json else f"Report: {page}")
