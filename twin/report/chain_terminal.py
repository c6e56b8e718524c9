"""The tables that a run from end to end ends with."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twin.judge.chain_kpis import ChainKpis
from twin.judge.measures import Spread
from twin.judge.verdict import Judgement
from twin.report.terminal import numbers, print_judgement, table

NAMES = {"out": "outbound", "in": "inbound"}


def print_chain(console: Console, kpis: ChainKpis, judgement: Judgement) -> None:
    """Print what the run showed: hauls, times, lanes, vehicles, verdicts."""
    console.print()
    heading = f"{kpis.site} {kpis.day}, lanes and smart lane, seed {kpis.seed}"
    console.print(Text(heading, style="bold"))
    for one in (_hauls(kpis), _times(kpis), _stages(kpis)):
        console.print(one)
        console.print()
    for name, count in kpis.hauls.items():
        for why, number in count.out.items():
            console.print(f"{NAMES[name]}: {number} {why}")
    lanes, done = kpis.lanes.vehicles.get("all"), kpis.lanes.decisions
    if lanes is not None:
        waits = kpis.lanes.waiting_s["all"]
        console.print(
            f"Lanes: {lanes.arrived} trucks, {lanes.crossed} passed, {lanes.diverted} diverted; "
            f"waiting p50 {waits.p50:.0f} s, p95 {waits.p95:.0f} s; {done.wrong} wrong decisions"
        )
    busy = ", ".join(f"{name} {share:.0%}" for name, share in kpis.bridge.crane_busy_share.items())
    moving = kpis.bridge.vehicle_moving_share.values()
    console.print(f"Cranes at work: {busy or '–'}; vehicles in motion: {_mean(moving):.0%}")
    if kpis.wall_s:
        console.print(
            f"Time: {kpis.simulated_s / 3600:.2f} h in {kpis.wall_s:.1f} s, "
            f"{kpis.speed:,.0f} times real time; {kpis.records:,} records"
        )
    print_judgement(console, judgement)


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def _hauls(kpis: ChainKpis) -> Table:
    shown = numbers(
        table("Containers", "direction"), "came", "at crane", "lifted", "received", "truck home"
    )
    for name, count in kpis.hauls.items():
        cells = (count.came, count.at_crane, count.lifted, count.received, count.truck_home)
        shown.add_row(NAMES[name], *map(str, cells))
    return shown


def _times(kpis: ChainKpis) -> Table:
    shown = numbers(table("Minutes", "direction", "what", "cargo"), "n", "p50", "p95", "p99", "max")
    rows: list[tuple[str, dict[str, dict[str, Spread]]]] = [
        ("arrival to receipt", kpis.end_to_end_s), ("queue at the crane", kpis.crane_queue_s),
        ("ready to load", kpis.ready_to_load_s),
    ]  # fmt: skip
    for what, by_flow in rows:
        for name, kinds in by_flow.items():
            for kind, one in kinds.items():
                if one.n:
                    shown.add_row(NAMES[name], what, kind, str(one.n), *_minutes(one))
    for name, one in kpis.truck_turn_s.items():
        if one.n:
            what = "truck's turn" if name == "out" else "receipt to truck home"
            shown.add_row(NAMES[name], what, "all", str(one.n), *_minutes(one))
    return shown


def _minutes(one: Spread) -> list[str]:
    return [f"{value / 60:.1f}" for value in (one.p50, one.p95, one.p99, one.max)]


def _stages(kpis: ChainKpis) -> Table:
    shown = numbers(table("Stages, minutes", "direction", "stage"), "n", "p50", "p95", "max")
    for name, stages in kpis.stages_s.items():
        for stage, one in stages.items():
            cells = (f"{value / 60:.1f}" for value in (one.p50, one.p95, one.max))
            shown.add_row(NAMES[name], stage, str(one.n), *cells)
    return shown
