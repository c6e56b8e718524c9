"""N and each N-1 of the bridge beside each other: the same boxes with one part less."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from twin.judge.bridge_kpis import BridgeKpis
from twin.report.terminal import numbers, table

_HEAD = (
    "ready", "crossed", "given up", "open", "load p50", "load p95", "receipt p50", "receipt p95",
    "crane", "broken",
)  # fmt: skip
_NOTE = (
    "Minutes from ready to load and to receipt, in the worse direction; crane: share of the run in "
    "which the busiest one works."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One run, or why there is none; `without` is N or the part that is missing."""

    without: str
    kpis: BridgeKpis | None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For `n-1.json`: the figures, or the reason why nothing crosses."""
        if self.kpis is None:
            return {"without": self.without, "crossed": 0, "reason": self.reason}
        return {"without": self.without, "kpis": self.kpis}

    def cells(self) -> list[str]:
        """Figures as text; of waits, the worse direction."""
        assert self.kpis is not None
        one, counts = self.kpis, self.kpis.boxes.values()
        sums = [
            sum(getattr(count, name) for count in counts)
            for name in ("ready", "crossed", "failed", "under_way")
        ]
        minutes = [
            max((getattr(spread, which) / 60 for spread in spreads.values()), default=0.0)
            for spreads in (one.ready_to_load_s, one.cycle_s) for which in ("p50", "p95")
        ]  # fmt: skip
        busy = max(one.crane_busy_share.values(), default=0.0)
        broken = ", ".join(one.invariants_broken) or "none"
        return [*map(str, sums), *(f"{value:.1f}" for value in minutes), f"{busy:.0%}", broken]


def print_n_minus_1(console: Console, rows: Iterable[Row]) -> None:
    """The runs beside each other, and below them what could not be played."""
    shown = numbers(table("N and N-1", "without"), *_HEAD)
    idle = []
    for row in rows:
        if row.kpis is None:
            idle.append(f"Without {row.without} {row.reason}.")
        else:
            shown.add_row(row.without, *row.cells())
    console.print(shown)
    for line in (*idle, _NOTE):
        console.print(line)


def add_to_report(path: Path, rows: Iterable[Row]) -> None:
    """Put the same table into the report of N, where the page has its place for it."""
    head = "".join(f"<th>{cell}</th>" for cell in ("without", *_HEAD))
    lines = []
    for row in rows:
        if row.kpis is None:
            lines.append(
                f"<tr><td>{row.without}</td><td colspan={len(_HEAD)}>{html.escape(row.reason)}</td>"
            )
        else:
            cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row.cells())
            lines.append(f"<tr><td>{row.without}</td>{cells}</tr>")
    part = (
        f"<section><h2>N and N-1</h2><p class=note>{_NOTE}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></section>\n"
    )
    page = path.read_text(encoding="utf-8")
    path.write_text(page.replace("<!-- n-1 -->", part, 1), "utf-8")
