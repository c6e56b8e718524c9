"""The tables that a run of the bridge ends with."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twin.judge.bridge_kpis import BridgeKpis
from twin.judge.measures import Spread
from twin.judge.verdict import Judgement
from twin.report.terminal import numbers, print_judgement, table


def print_bridge(console: Console, kpis: BridgeKpis, judgement: Judgement) -> None:
    """Print what the run showed: boxes, waiting, vehicles, cranes, verdicts."""
    console.print()
    console.print(Text(f"{kpis.site} smart lane, {kpis.carrier}, seed {kpis.seed}", style="bold"))
    if kpis.boxes_day is not None:
        console.print(f"Demand: {kpis.boxes_day:,} boxes a day, {kpis.demand}")
    for one in (_boxes(kpis), _times(kpis), _vehicles(kpis)):
        console.print(one)
        console.print()
    busy = ", ".join(f"{name} {share:.0%}" for name, share in kpis.crane_busy_share.items())
    console.print(f"Cranes at work: {busy or '–'}")
    console.print(
        f"Line: {kpis.line_crossings_laden} laden and {kpis.line_crossings_empty} empty crossings"
    )
    cold = kpis.cold_chain
    if cold.boxes:
        console.print(
            f"Reefers: {cold.boxes}, {cold.warm} too warm at some time, "
            f"{cold.excursion_min:.0f} min in all; alarms: {len(cold.alarms)}"
        )
    for alarm in cold.alarms:
        console.print(
            f"  {alarm.box} at {alarm.t_s / 60:.0f} min on {alarm.where}: return air "
            f"{alarm.return_c:.1f} °C, set point {alarm.setpoint_c:.0f} °C"
        )
    if kpis.wall_s:
        console.print(
            f"Time: {kpis.simulated_s / 3600:.2f} h in {kpis.wall_s:.1f} s, "
            f"{kpis.speed:,.0f} times real time; {kpis.records:,} records"
        )
    print_judgement(console, judgement)


def _boxes(kpis: BridgeKpis) -> Table:
    shown = numbers(table("Boxes", "direction"), "ready", "crossed", "given up", "under way")
    for name, count in kpis.boxes.items():
        shown.add_row(
            name, str(count.ready), str(count.crossed), str(count.failed), str(count.under_way)
        )
    return shown


def _times(kpis: BridgeKpis) -> Table:
    shown = numbers(table("Minutes", "direction", "what"), "p50", "p95", "max")
    rows: list[tuple[str, dict[str, Spread]]] = [
        ("ready to load", kpis.ready_to_load_s), ("release", kpis.release_s),
        ("ready to receipt", kpis.cycle_s),
    ]  # fmt: skip
    for what, by_flow in rows:
        for name, one in by_flow.items():
            if one.n:
                cells = (f"{value / 60:.1f}" for value in (one.p50, one.p95, one.max))
                shown.add_row(name, what, *cells)
    return shown


def _vehicles(kpis: BridgeKpis) -> Table:
    shown = numbers(table("Vehicles", "id"), "in motion", "km", "kWh")
    for name, share in kpis.vehicle_moving_share.items():
        shown.add_row(
            name, f"{share:.0%}", f"{kpis.vehicle_km[name]:.1f}", f"{kpis.vehicle_kwh[name]:.1f}"
        )
    return shown
