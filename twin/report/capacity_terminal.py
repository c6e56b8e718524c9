"""The tables that `gatetwin size` ends with."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twin.capacity import Sizing
from twin.capacity.evaluate import USES
from twin.capacity.invariants import Held, together
from twin.capacity.statistics import Interval
from twin.report import words
from twin.report.capacity_figures import (
    MEASURES,
    busier,
    quantile_name,
    shown,
    why_none,
)
from twin.report.terminal import numbers, table

_WIDE = 120
"""Columns of a terminal on which an interval stands in one line."""
_BY_FLOW = ("cap_wait_p50", "cap_wait_p95", "cap_within", "cap_kwh", *(
    f"cap_use_{name}" for name in USES if name != "igv_down"
))  # fmt: skip
"""Of the other figures the table has both directions together; the page and the JSON have all."""


def print_sizings(
    console: Console, name: str, found: Sequence[Sizing], notes: Sequence[str]
) -> None:  # fmt: skip
    """Print the answer for each demand, N-1, verdicts, and what the figures assume."""
    narrow = console.width < _WIDE
    console.print(_answers(name, found, narrow))
    for sizing in found:
        if sizing.found is None:
            console.print()
            console.print(Text(" ".join(why_none(sizing, "en")), style="red"))
    for sizing in found:
        if sizing.n_minus_1:
            console.print()
            console.print(_n_minus_1(sizing, narrow))
    console.print()
    _print_invariants(console, found)
    console.print()
    for note in notes:
        console.print(Text(f"· {note}", style="dim"))


def _answers(name: str, found: Sequence[Sizing], narrow: bool) -> Table:
    target = found[0].target
    title = (
        f"{name}: smallest fleet with {target.quantile:.4g} of the ready-to-load waits within "
        f"{target.wait_s:g} s and 0.95 landed within {target.landed_s / 60:g} min"
    )
    view = numbers(
        table(title, "boxes/day"), "IGVs", "cranes", "lanes",
        f"wait {quantile_name(target.quantile)}, s", "IGV %", "crane %", "lane %", "gate %",
        "limits",
    )  # fmt: skip
    for sizing in found:
        best = sizing.best
        uses = (best.use["igv"], busier(best, "crane"), best.use["lane"], busier(best, "gate"))
        view.add_row(
            f"{sizing.boxes_per_day:g}",
            Text(f"{best.plan.igvs}") if sizing.found else Text("none", style="red"),
            f"{best.plan.cranes[0]}+{best.plan.cranes[1]}", f"{best.plan.lanes}",
            _cell(best.wait, 0, narrow), *(f"{100 * use.mean:.0f}" for use in uses),
            sizing.limiting.value if sizing.limiting else "–",
        )  # fmt: skip
    view.caption = "%: of the time in use, of the busier side; limits: see docs/capacity.md"
    view.caption_justify = "left"
    return view


def _cell(one: Interval | None, digits: int, narrow: bool) -> str:
    """An interval; on a narrow terminal its limits stand below."""
    text = shown(one, digits)
    return text.replace(" (", "\n").rstrip(")") if narrow else text


def _n_minus_1(sizing: Sizing, narrow: bool) -> Table:
    whole = sizing.best
    cases = [("n", whole), *((part.value, found) for part, found in sizing.n_minus_1)]
    view = numbers(
        table(f"N-1 at {sizing.boxes_per_day:g} boxes a day", ""),
        *(words.text(f"cap_case_{case}", "en") for case, _ in cases),
    )
    view.columns[0].no_wrap = not narrow
    for measure in MEASURES:
        if measure.get(whole) is None or (measure.flow != "all" and measure.key not in _BY_FLOW):
            continue
        view.add_row(
            measure.label("en"),
            *(Text(_cell(measure.value(found), measure.digits, narrow),
                   style="red" if measure.is_worse(found, whole) else "")
              for _, found in cases),
        )  # fmt: skip
    view.add_row(
        words.text("cap_left", "en"),
        *(Text(f"{found.unserved or '–'}", style="red" if found.unserved else "")
          for _, found in cases),
    )  # fmt: skip
    for number, one in enumerate(whole.held):
        view.add_row(one.id, *(_verdict(found.held[number]) for _, found in cases))
    view.caption = "red: worse than N, and the intervals do not touch; size.json has more"
    view.caption_justify = "left"
    return view


def _verdict(one: Held) -> Text:
    if one.violations:
        return Text(f"{one.violations:,} broken", style="bold red")
    return Text("held", style="green") if one.checked else Text("not exercised", style="yellow")


def _print_invariants(console: Console, found: Sequence[Sizing]) -> None:
    view = numbers(table("Invariants of the model, all runs", "id"), "judged", "violations")
    view.add_column("rule", overflow="fold")
    for number, one in enumerate(together(e.held for s in found for e in s.reported), 1):
        style = "bold red" if one.violations else ""
        rule = words.text(f"cap_rule_{number}", "en")
        view.add_row(one.id, f"{one.checked:,}", Text(f"{one.violations or '–'}", style=style),
                     f"{rule}: {one.first}" if one.first else rule)  # fmt: skip
    console.print(view)
