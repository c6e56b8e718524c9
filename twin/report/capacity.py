"""The picture of a sizing: the wait against the size of the fleet, with the promise as a line."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from twin.capacity import Evaluation, Sizing

_COLOURS = ("#1f6fb4", "#c8553d", "#3b8f5a", "#7a5aa6", "#b08900", "#4d4d4d")
_ABOVE = 12.0
"""Waits beyond this many limits are left out of the picture; the table of the run has them."""


def figure(sizings: Sequence[Sizing]) -> dict[str, Any]:
    """One line per demand with its intervals, a ring on the answer, and the limit."""
    limit_s = sizings[0].target.wait_s
    data: list[dict[str, Any]] = []
    for number, sizing in enumerate(sizings):
        colour = _COLOURS[number % len(_COLOURS)]
        near = [e for e in sizing.evaluations if e.wait.mean <= _ABOVE * limit_s]
        near = [e for e in near if e.plan.igvs <= 2.5 * sizing.best.plan.igvs] or [sizing.best]
        name = f"{sizing.boxes_per_day:g} boxes a day"
        data.append(_line(near, name, colour))
        if sizing.found is not None:
            data.append({
                "type": "scatter", "mode": "markers", "showlegend": False, "hoverinfo": "skip",
                "x": [sizing.found.plan.igvs], "y": [sizing.found.wait.mean / 60],
                "marker": {"size": 17, "symbol": "circle-open", "color": colour,
                           "line": {"width": 2}},
            })  # fmt: skip
    share = f"{sizings[0].target.quantile:.4g} quantile of the ready-to-load wait, min"
    layout = {
        "height": 520, "template": "plotly_white",
        "xaxis": {"title": {"text": "vehicles (IGVs)"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": share}, "type": "log"},
        "legend": {"orientation": "h", "y": 1.08},
        "shapes": [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": limit_s / 60,
                    "y1": limit_s / 60, "line": {"dash": "dash", "color": "#aa2222"}}],
        "annotations": [{"xref": "paper", "x": 1, "y": 0.0, "yref": "paper", "yshift": 14,
                         "text": f"dashed: the limit, {limit_s / 60:g} min", "showarrow": False,
                         "xanchor": "right"}],
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _line(evaluations: Sequence[Evaluation], name: str, colour: str) -> dict[str, Any]:
    means = [e.wait.mean / 60 for e in evaluations]
    return {
        "type": "scatter", "mode": "lines+markers", "name": name,
        "x": [e.plan.igvs for e in evaluations], "y": means,
        "error_y": {"type": "data", "array": [e.wait.half / 60 for e in evaluations]},
        "line": {"color": colour},
        "hovertemplate": "%{x} IGVs: %{y:.2f} min<extra>" + html.escape(name) + "</extra>",
    }  # fmt: skip


def write_page(path: Path, title: str, sizings: Sequence[Sizing], notes: Sequence[str]) -> None:
    """A page that needs no network: the picture and what the numbers assume."""
    plot = go.Figure(figure(sizings)).to_html(
        full_html=False, include_plotlyjs=True, div_id="wait", config={"displaylogo": False}
    )
    listed = "\n".join(f"<li>{html.escape(note)}</li>" for note in notes)
    path.write_text(
        f"<!doctype html>\n<html lang='en'><meta charset='utf-8'>\n<title>{html.escape(title)}"
        f"</title>\n<body style='font-family: sans-serif; max-width: 62rem; margin: 2rem auto'>\n"
        f"<h1>{html.escape(title)}</h1>\n{plot}\n<h2>What these numbers assume</h2>\n"
        f"<ul>\n{listed}\n</ul>\n</body></html>\n",
        encoding="utf-8",
    )
