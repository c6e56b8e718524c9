"""The page of a sizing: one file, no network, three languages.

Waits against the size of the fleet, what is in use, N-1 beside N, the verdicts of the model's
invariants, and what the figures assume.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup
from plotly.offline import get_plotlyjs

from twin.capacity import Evaluation, Sizing
from twin.capacity.evaluate import USES
from twin.capacity.invariants import together
from twin.capacity.statistics import Interval
from twin.report import words
from twin.report.capacity_figures import MEASURES, busier, quantile_name, scaled, shown, why_none
from twin.report.page import environment, script_json
from twin.site import Site

Figure = dict[str, Any]
_COLOURS = ("@in", "@out", "@held", "@followed", "@alarm", "@empty")
_FLOW_COLOURS = {"all": "@ink", "out": "@out", "in": "@in"}
_MARGIN = {"t": 10, "r": 10, "b": 48}
_LEAST_S = 1.0
"""Waits are drawn on a logarithmic axis, so shorter ones are drawn here."""
_ABOVE = 20.0
"""Fleets that wait beyond this many limits are left out of the picture; the JSON has them."""


def write_page(path: Path, site: Site, sizings: Sequence[Sizing], notes: Sequence[Markup]) -> None:
    """Write the page to `path`; `notes` are in all languages."""
    path.write_text(render(site, sizings, notes), encoding="utf-8")


def render(site: Site, sizings: Sequence[Sizing], notes: Sequence[Markup]) -> str:
    """The page as text."""
    figures = {"size": _size(sizings), "use": _use(sizings)}
    for number, sizing in enumerate(sizings):
        if sizing.n_minus_1:
            figures[f"less{number}"] = _less(sizing)
    quantile = quantile_name(sizings[0].target.quantile)
    data = {
        "charts": figures, "zooms": {},
        "words": {
            name: {
                **{key: text[name] for key, text in words.known().items()
                   if key.startswith(("cap_use_", "cap_case_", "cap_ax_", "flow_"))},
                "cap_ax_wait": words.text("cap_ax_wait", name, q=quantile),
                **{f"demand_{n}": words.text("cap_tile", name, boxes=f"{s.boxes_per_day:g}")
                   for n, s in enumerate(sizings)},
            } for name in words.LANGUAGES
        },
    }  # fmt: skip
    return environment().get_template("capacity.html").render(
        language="en", heading=words.every(lambda language: str(getattr(site.name, language))),
        site=site.id, sizings=sizings, target=sizings[0].target, quantile=quantile,
        verdict=_verdict(sizings), measures=MEASURES, shown=shown, busier=busier, scaled=scaled,
        why=_why, held=together(e.held for s in sizings for e in s.reported), notes=notes,
        peak=_peak(sizings[0]),
        percent=lambda use: shown(scaled(use, 100)), data=script_json(data),
        plotly=Markup(get_plotlyjs().replace("</script", "<\\/script")),  # noqa: S704 - a library
    )  # fmt: skip


def _peak(sizing: Sizing) -> str:
    profile = sizing.best.plan.profile
    return f"{24 * max(profile) / sum(profile):.1f}"


def _why(sizing: Sizing) -> Markup:
    return words.every(lambda language: " ".join(why_none(sizing, language)))


def _verdict(sizings: Sequence[Sizing]) -> dict[str, Any]:
    broken = sorted({rule for sizing in sizings for rule in sizing.broken})
    none = sum(sizing.found is None for sizing in sizings)
    target = sizings[0].target
    lead = words.said(
        "cap_lead", quantile=f"{100 * target.quantile:g} %", limit=f"{target.wait_s:g} s",
        landed=f"{target.landed_s / 60:g} min",
        confidence=f"{100 * target.confidence:g} %",
    )  # fmt: skip
    if broken:
        text = words.said("cap_broken", ids=", ".join(broken))
        return {"state": "broken", "text": text, "lead": lead}
    if none:
        text = words.said("cap_none", n=none, all=len(sizings))
        return {"state": "empty", "text": text, "lead": lead}
    return {"state": "held", "text": words.said("cap_all"), "lead": lead}


def _drawn(one: Interval) -> tuple[float, float, float]:
    """Its estimate, and how far the limits lie above and below, on an axis from `_LEAST_S` on."""
    middle = max(one.mean, _LEAST_S)
    high = one.high if math.isfinite(one.high) else middle
    return middle, max(high - middle, 0.0), middle - max(min(one.low, middle), _LEAST_S)


def _points(values: Sequence[Interval], axis: str) -> Figure:
    drawn = [_drawn(one) for one in values]
    return {
        axis: [middle for middle, _, _ in drawn],
        f"error_{axis}": {"type": "data", "symmetric": False, "thickness": 1.5, "width": 4,
                          "array": [up for _, up, _ in drawn],
                          "arrayminus": [down for _, _, down in drawn]},
    }  # fmt: skip


def _ticks(values: Sequence[float]) -> Figure:
    """Places of a logarithmic axis that people read: 1, 3, 10, 30, … seconds."""
    top = max([_LEAST_S, *(value for value in values if math.isfinite(value))])
    places = [base * 10.0**power for power in range(8) for base in (1, 3)]
    places = [place for place in places if place <= 3 * top]
    return {"type": "log", "tickvals": places, "ticktext": [f"{place:,.0f}" for place in places]}


def _limit(axis: str, limit_s: float) -> Figure:
    other = "y" if axis == "x" else "x"
    return {"type": "line", f"{other}ref": "paper", f"{other}0": 0, f"{other}1": 1,
            f"{axis}0": limit_s, f"{axis}1": limit_s,
            "line": {"dash": "dash", "width": 1.5, "color": "@broken"}}  # fmt: skip


def _size(sizings: Sequence[Sizing]) -> Figure:
    """One line per demand with its intervals, a ring on the answer, and the limit."""
    limit_s = sizings[0].target.wait_s
    data: list[Figure] = []
    highest = [limit_s]
    for number, sizing in enumerate(sizings):
        colour = _COLOURS[number % len(_COLOURS)]
        near = [e for e in sizing.evaluations if e.wait.mean <= _ABOVE * limit_s
                and e.plan.igvs <= 2 * sizing.best.plan.igvs] or [sizing.best]  # fmt: skip
        highest += [e.wait.mean for e in near]
        data.append({
            "type": "scatter", "mode": "lines+markers", "name": f"#demand_{number}",
            "x": [e.plan.igvs for e in near], **_points([e.wait for e in near], "y"),
            "line": {"color": colour, "width": 2}, "marker": {"size": 6},
            "hovertemplate": "%{x}: %{y:.0f} s<extra></extra>",
        })  # fmt: skip
        if sizing.found is not None:
            found = sizing.found
            data.append({
                "type": "scatter", "mode": "markers", "showlegend": False, "hoverinfo": "skip",
                "x": [found.plan.igvs], **_points([found.wait], "y"),
                "marker": {"size": 17, "symbol": "circle-open", "color": colour,
                           "line": {"width": 2.5}},
            })  # fmt: skip
    layout = {
        "height": 430, "margin": _MARGIN, "legend": {"orientation": "h", "y": 1.12},
        "xaxis": {"title": {"text": "#cap_ax_igvs"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": "#cap_ax_wait"}, **_ticks(highest)},
        "shapes": [_limit("y", limit_s)],
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _use(sizings: Sequence[Sizing]) -> Figure:
    data = []
    for number, sizing in enumerate(sizings):
        uses = [scaled(sizing.best.use[name], 100) for name in USES]
        data.append({
            "type": "bar", "name": f"#demand_{number}", "orientation": "h",
            "y": [f"#cap_use_{name}" for name in USES], "x": [use.mean for use in uses],
            "error_x": {"type": "data", "array": [use.half for use in uses], "thickness": 1.2,
                        "width": 3},
            "marker": {"color": _COLOURS[number % len(_COLOURS)]},
            "hovertemplate": "%{x:.1f} %<extra></extra>",
        })  # fmt: skip
    layout = {
        "height": 130 + 22 * len(USES) * max(1, len(sizings)) // 2 + 120, "barmode": "group",
        "margin": _MARGIN, "legend": {"orientation": "h", "y": 1.08},
        "xaxis": {"title": {"text": "#cap_ax_use"}, "range": [0, 100]},
        "yaxis": {"autorange": "reversed"},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _less(sizing: Sizing) -> Figure:
    """N and each N-1 as a row; the p95 of each direction as a point with its interval."""
    cases = [("n", sizing.best), *((part.value, found) for part, found in sizing.n_minus_1)]
    data: list[Figure] = []
    highest = [sizing.target.wait_s]  # of what is drawn
    for name, colour in _FLOW_COLOURS.items():
        rows = [(case, flow.wait_p95_s) for case, found in cases
                if (flow := found.flow(name)) is not None]  # fmt: skip
        if not rows or (name != "all" and not _both(sizing.best)):
            continue
        highest += [wait.mean for _, wait in rows]
        data.append({
            "type": "scatter", "mode": "markers", "name": f"#flow_{name}", "orientation": "h",
            "offsetgroup": name,
            "y": [f"#cap_case_{case}" for case, _ in rows],
            **_points([wait for _, wait in rows], "x"),
            "marker": {"size": 10 if name == "all" else 8, "color": colour,
                       "symbol": "diamond" if name == "all" else "circle"},
            "hovertemplate": "%{x:,.0f} s<extra></extra>",
        })  # fmt: skip
    layout = {
        "scattermode": "group", "scattergap": 0.5,
        "height": 120 + 50 * len(cases), "margin": _MARGIN,
        "legend": {"orientation": "h", "y": 1.2},
        "xaxis": {"title": {"text": "#cap_ax_wait_p95"}, **_ticks(highest)},
        "yaxis": {"autorange": "reversed"},
        "shapes": [_limit("x", sizing.target.wait_s)] if sizing.target.quantile == 0.95 else [],
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _both(found: Evaluation) -> bool:
    return found.flow("out") is not None and found.flow("in") is not None
