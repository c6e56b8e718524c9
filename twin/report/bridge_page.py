"""The report of a run of the bridge: one HTML file that needs no network.

A map with the ways that vehicles took, waiting as a distribution, and a time line of vehicles and
cranes; verdicts and figures as tables.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs

from twin.judge import words
from twin.judge.bridge_facts import BridgeFacts, VehicleFacts
from twin.judge.bridge_kpis import BridgeKpis
from twin.judge.verdict import Judgement
from twin.site import Site
from twin.site_sky_rail import seen_with

Figure = dict[str, Any]
_COLOURS = ("#3366cc", "#dc3912", "#109618", "#ff9900", "#990099", "#0099c6", "#dd4477", "#66aa00")
_VIOLATIONS_SHOWN = 200
_SOURCES = (("bridge.cargo",), ("bridge.cargo", "bridge.sky_rail"))
"""Keys of the site that matter, with vehicles on the lane and with a sky-rail."""
STYLE = (
    "body{font:15px system-ui;margin:2em auto;max-width:1100px;padding:0 1em}"
    "table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:left}"
    "td+td{text-align:right}.broken{color:#b00020;font-weight:bold}"
)


def write_bridge_html(
    path: Path, site: Site, facts: BridgeFacts, judgement: Judgement, kpis: BridgeKpis
) -> None:
    """Write the report of one run to `path`."""
    path.write_text(bridge_page(site, facts, judgement, kpis), encoding="utf-8")


def bridge_page(site: Site, facts: BridgeFacts, judgement: Judgement, kpis: BridgeKpis) -> str:
    """The page as text."""
    figures = {
        "map": _map(site, facts, kpis.carrier), "waiting": _waiting(facts),
        "timeline": _timeline(facts),
    }  # fmt: skip
    estimates = [
        f"<li><code>{html.escape(key)}</code>: {html.escape(text)}</li>"
        for key, text in site.sources.items()
        if key.startswith(_SOURCES[kpis.carrier == "sky-rail"]) and text.startswith("estimate")
    ]
    verdict = "no rule was broken" if judgement.held else f"broken: {', '.join(judgement.broken)}"
    held = "held" if judgement.held else "broken"
    summary = f"{kpis.simulated_s / 3600:.2f} h, {kpis.carrier}, seed {kpis.seed}"
    script = (
        f"const figures = {inline(figures)};"
        "for (const id in figures) Plotly.newPlot(id, figures[id].data, figures[id].layout,"
        "{responsive: true});"
    )
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>{html.escape(site.name.en)}: smart lane</title><style>{STYLE}</style>",
        f"<h1>{html.escape(site.name.en)}: smart lane</h1>",
        f"<p>{summary}: <b class={held}>{html.escape(verdict)}</b></p>",
        _figures_table(kpis), _cold_table(kpis), verdicts_table(judgement),
        "<h2>Where vehicles went</h2><div id=map></div>",
        "<h2>Waiting</h2><div id=waiting></div>",
        "<h2>Vehicles and cranes</h2><div id=timeline></div>",
        f"<h2>Estimates</h2><ul>{''.join(estimates)}</ul>",
        f"<p>Trace <code>{kpis.trace_sha256}</code></p>",
        f"<script>{get_plotlyjs()}</script><script>{script}</script></html>",
    ]  # fmt: skip
    return "\n".join(parts)


def inline(value: object) -> str:
    """JSON that cannot end the script element around it."""
    return json.dumps(value).replace("</", "<\\/")


def _figures_table(kpis: BridgeKpis) -> str:
    rows = []
    for name, count in kpis.boxes.items():
        wait, cycle = kpis.ready_to_load_s[name], kpis.cycle_s[name]
        cells = [
            name, count.ready, count.crossed, count.failed, count.under_way,
            *(f"{value / 60:.1f}" for value in (wait.p50, wait.p95, cycle.p50, cycle.p95)),
        ]  # fmt: skip
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = (
        "direction", "ready", "crossed", "given up", "under way", "load wait p50, min",
        "p95", "ready to receipt p50, min", "p95",
    )  # fmt: skip
    return html_table(head, rows)


def _cold_table(kpis: BridgeKpis) -> str:
    cold = kpis.cold_chain
    if not cold.boxes:
        return ""
    rows = [
        f"<tr><td>{html.escape(one.box)}</td><td>{one.t_s / 60:.0f}</td>"
        f"<td>{html.escape(one.where)}</td><td>{one.return_c:.1f}</td>"
        f"<td>{one.setpoint_c:.0f}</td></tr>"
        for one in cold.alarms
    ]
    head = ("cold-chain alarm", "at, min", "on", "return air, °C", "set point, °C")
    return (
        f"<h2>Cold chain</h2><p>{cold.boxes} reefers, {cold.warm} too warm at some time, "
        f"{cold.excursion_min:.0f} min in all, {cold.excursion_min_max:.0f} min at most, "
        f"{len(cold.alarms)} alarms.</p>" + (html_table(head, rows) if rows else "")
    )


def verdicts_table(judgement: Judgement) -> str:
    """Every rule with its verdict, and the first violations in words."""
    rows = [
        f"<tr><td>{one.id} {html.escape(words.rule(one.id, 'en').title)}</td>"
        f"<td class={one.state}>{one.state.replace('_', ' ')}</td>"
        f"<td>{one.checked_count}</td><td>{len(one.violations)}</td></tr>"
        for one in judgement.invariants
    ]
    listed = "".join(
        f"<li>{one.t_s:.1f} s: {html.escape(one.text)} (records {one.records})</li>"
        for one in judgement.violations[:_VIOLATIONS_SHOWN]
    )
    return html_table(("rule", "verdict", "judged", "violations"), rows) + f"<ul>{listed}</ul>"


def html_table(head: Iterable[str], rows: Iterable[str]) -> str:
    """A table of ready rows."""
    cells = "".join(f"<th>{cell}</th>" for cell in head)
    return f"<table><tr>{cells}</tr>{''.join(rows)}</table>"


def _map(site: Site, facts: BridgeFacts, carrier: str) -> Figure:
    assert site.bridge.cargo is not None
    cargo = seen_with(site.bridge.cargo, site.bridge.sky_rail, carrier)
    place = {node.id: (node.x_m, node.y_m) for node in cargo.nodes}
    lines: list[float | None] = []
    across: list[float | None] = []
    for a, b, _ in cargo.edges():
        lines += [place[a][0], place[b][0], None]
        across += [place[a][1], place[b][1], None]
    data: list[Figure] = [
        {"x": lines, "y": across, "mode": "lines", "name": "lanes",
         "line": {"color": "#bbb", "width": 5}}
    ]  # fmt: skip
    for index, (name, vehicle) in enumerate(sorted(facts.vehicles.items())):
        xs, ys = [], []
        for _, kind, _, event in vehicle.events:
            if kind in ("igv.passed", "igv.rest", "igv.put"):
                xs.append(event["x"])
                ys.append(event["y"])
        data.append(
            {"x": xs, "y": ys, "mode": "lines", "name": name,
             "line": {"width": 1, "color": _COLOURS[index % len(_COLOURS)]}}
        )  # fmt: skip
    border = {"type": "line", "x0": cargo.line_m, "x1": cargo.line_m, "y0": -25, "y1": 25,
              "line": {"color": "#b00020", "dash": "dash"}}  # fmt: skip
    layout = {
        "shapes": [border], "xaxis": {"title": {"text": "m along the bridge"}},
        "yaxis": {"title": {"text": "m"}}, "height": 360,
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _waiting(facts: BridgeFacts) -> Figure:
    flows: dict[str, list[float]] = {}
    for one in facts.crossings.values():
        if one.lifted_s is not None:
            name = one.direction
            flows.setdefault(name, []).append((one.lifted_s - one.ready_s) / 60)
    data = []
    for name, waits in sorted(flows.items()):
        ordered = sorted(waits)
        share = [(index + 1) / len(ordered) for index in range(len(ordered))]
        data.append({"x": ordered, "y": share, "mode": "lines", "line": {"shape": "hv"},
                     "name": name})  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "ready to load, minutes"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": "share of boxes"}, "range": [0, 1]}, "height": 360,
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _timeline(facts: BridgeFacts) -> Figure:
    """A bar for each move of a vehicle and each mission of a crane; faults in red."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for name, vehicle in sorted(facts.vehicles.items(), reverse=True):
        rows[name] = list(_moves(vehicle, facts.end_s))
    for crane, from_s, until_s, _ in facts.missions:
        rows.setdefault(crane, []).append((from_s, until_s))
    faults: dict[str, list[tuple[float, float]]] = {}
    for fault in facts.faults:
        span = (fault.begin_s, min(fault.end_s, facts.end_s))
        faults.setdefault(fault.target, []).append(span)
    data = [_bars(name, spans, "#3366cc") for name, spans in rows.items()]
    data += [_bars(name, spans, "#b00020") for name, spans in faults.items()]
    layout = {
        "barmode": "overlay", "showlegend": False, "height": 120 + 28 * (len(rows) + len(faults)),
        "xaxis": {"title": {"text": "minutes"}}, "margin": {"l": 160},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _bars(name: str, spans: list[tuple[float, float]], colour: str) -> Figure:
    return {
        "type": "bar", "orientation": "h", "y": [name] * len(spans), "name": name,
        "base": [from_s / 60 for from_s, _ in spans],
        "x": [(until_s - from_s) / 60 for from_s, until_s in spans],
        "marker": {"color": colour},
    }  # fmt: skip


def _moves(vehicle: VehicleFacts, end_s: float) -> Iterable[tuple[float, float]]:
    began_s = math.nan
    for t_s, kind, _, _ in vehicle.events:
        if kind == "igv.move" and math.isnan(began_s):
            began_s = t_s
        elif kind == "igv.rest" and not math.isnan(began_s):
            yield began_s, t_s
            began_s = math.nan
    if not math.isnan(began_s):
        yield began_s, end_s
