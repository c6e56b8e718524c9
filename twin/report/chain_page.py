"""The report of a run from end to end: one HTML file that needs no network.

From a truck's arrival to the signed receipt as a distribution, the stages of a haul, a time line
with a bar for each container; verdicts and figures as tables. Its parts have pages of their own.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path

from plotly.offline import get_plotlyjs

from twin.judge.chain_facts import ChainFacts, HaulFacts
from twin.judge.chain_kpis import STAGES, ChainKpis, end_to_end_s, stages_s
from twin.judge.measures import Spread
from twin.judge.verdict import Judgement
from twin.report.bridge_page import Figure
from twin.report.chain_terminal import NAMES
from twin.report.plain import STYLE, html_table, inline, verdicts_table
from twin.site import Site

_COLOURS = dict(
    zip(
        STAGES,
        ("#1b4965", "#5fa8d3", "#7b4ea3", "#9bc1d8", "#d1495b", "#edae49", "#2e8b57", "#8d99ae",
         "#bfc5d2"),
        strict=True,
    )
)  # fmt: skip
_HAULS_SHOWN = 400


def write_chain_html(
    path: Path, site: Site, facts: ChainFacts, judgement: Judgement, kpis: ChainKpis
) -> None:
    """Write the report of one run to `path`."""
    path.write_text(chain_page(site, facts, judgement, kpis), encoding="utf-8")


def chain_page(site: Site, facts: ChainFacts, judgement: Judgement, kpis: ChainKpis) -> str:
    """The page as text."""
    figures = {
        "arrival": _arrival_to_receipt(facts), "stages": _stages(kpis), "hauls": _hauls(facts),
    }  # fmt: skip
    verdict = "no rule was broken" if judgement.held else f"broken: {', '.join(judgement.broken)}"
    held = "held" if judgement.held else "broken"
    title = f"{html.escape(site.name.en)}: from lane to receipt"
    estimates = [
        f"<li><code>{html.escape(key)}</code>: {html.escape(text)}</li>"
        for key, text in site.sources.items()
        if key.startswith("bridge.cargo.trucks") and text.startswith("estimate")
    ]
    script = (
        f"const figures = {inline(figures)};"
        "for (const id in figures) Plotly.newPlot(id, figures[id].data, figures[id].layout,"
        "{responsive: true});"
    )
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>{title}</title><style>{STYLE}table{{margin:.8em 0}}</style>",
        f"<h1>{title}</h1>",
        (f"<p>{html.escape(kpis.day)}, {kpis.simulated_s / 3600:.2f} h, seed {kpis.seed}: "
        f"<b class={held}>{html.escape(verdict)}</b>. "
        "<a href=lanes.html>The lanes</a>, <a href=bridge.html>the bridge</a>.</p>"),
        _counts_table(kpis), _times_table(kpis), _out_list(kpis),
        "<h2>From the truck's arrival to the signed receipt</h2><div id=arrival></div>",
        ("<h2>Stages</h2><p>Medians. Outbound begins at the lane, inbound at the far crane; "
        "outbound is collected beyond the line.</p><div id=stages></div>"),
        "<h2>Each container</h2><div id=hauls></div>",
        "<h2>Verdicts</h2>", verdicts_table(judgement),
        f"<h2>Estimates</h2><ul>{''.join(estimates)}</ul>",
        f"<p>Trace <code>{kpis.trace_sha256}</code></p>",
        f"<script>{get_plotlyjs()}</script><script>{script}</script></html>",
    ]  # fmt: skip
    return "\n".join(parts)


def _counts_table(kpis: ChainKpis) -> str:
    head = ("direction", "came", "under the crane", "lifted", "received", "truck home")
    return html_table(
        head,
        (
            _row(NAMES[name], one.came, one.at_crane, one.lifted, one.received, one.truck_home)
            for name, one in kpis.hauls.items()
        ),
    )


def _times_table(kpis: ChainKpis) -> str:
    rows: list[tuple[str, dict[str, dict[str, Spread]]]] = [
        ("arrival to receipt", kpis.end_to_end_s), ("queue at the crane", kpis.crane_queue_s),
        ("ready to load", kpis.ready_to_load_s),
    ]  # fmt: skip
    cells = [
        _row(
            f"{NAMES[name]}, {what}, {kind}", one.n,
            *(f"{value / 60:.1f}" for value in (one.p50, one.p95, one.p99, one.max)),
        )
        for what, by_flow in rows for name, kinds in by_flow.items()
        for kind, one in kinds.items() if one.n
    ]  # fmt: skip
    return html_table(("minutes", "containers", "p50", "p95", "p99", "max"), cells)


def _out_list(kpis: ChainKpis) -> str:
    found = [
        f"<li>{NAMES[name]}: {number} {html.escape(why)}</li>"
        for name, one in kpis.hauls.items() for why, number in one.out.items()
    ]  # fmt: skip
    return f"<p>Not by themselves:</p><ul>{''.join(found)}</ul>" if found else ""


def _row(*cells: object) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _arrival_to_receipt(facts: ChainFacts) -> Figure:
    flows: dict[str, list[float]] = {}
    for haul in facts.hauls.values():
        took_s = end_to_end_s(facts, haul)
        if took_s is not None:
            kind = "perishable" if haul.perishable else "other"
            flows.setdefault(f"{NAMES[haul.direction]}, {kind}", []).append(took_s / 60)
    data = []
    for name, minutes in sorted(flows.items()):
        ordered = sorted(minutes)
        share = [(index + 1) / len(ordered) for index in range(len(ordered))]
        data.append({"x": ordered, "y": share, "mode": "lines+markers", "name": name,
                     "line": {"shape": "hv"}, "marker": {"size": 4}})  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "minutes"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": "share of containers"}, "range": [0, 1.02]}, "height": 360,
        "legend": {"orientation": "h", "y": -0.25}, "margin": {"t": 20},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _stages(kpis: ChainKpis) -> Figure:
    data = [
        {
            "type": "bar", "orientation": "h", "name": stage, "marker": {"color": _COLOURS[stage]},
            "y": [NAMES[name] for name, found in kpis.stages_s.items() if stage in found],
            "x": [found[stage].p50 / 60 for found in kpis.stages_s.values() if stage in found],
        }
        for stage in STAGES
    ]  # fmt: skip
    layout = {
        "barmode": "stack", "height": 300, "xaxis": {"title": {"text": "minutes, medians"}},
        "legend": {"orientation": "h", "y": -0.45, "traceorder": "normal"},
        "margin": {"l": 90, "t": 20},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _hauls(facts: ChainFacts) -> Figure:
    """A row for each container, its stages side by side at their time of day."""
    shown = sorted(facts.hauls.values(), key=lambda haul: -haul.bound_s)[-_HAULS_SHOWN:]
    data = [bars for stage in STAGES if (bars := _bars(facts, shown, stage))["x"]]
    layout = {
        "barmode": "overlay", "height": 160 + 13 * len(shown), "margin": {"l": 150, "t": 60},
        "xaxis": {"title": {"text": "hours since opening", "standoff": 12}, "side": "top"},
        "yaxis": {"tickfont": {"size": 9}, "type": "category", "dtick": 1,
                  "categoryorder": "array", "categoryarray": [_label(one) for one in shown]},
        "legend": {"orientation": "h", "y": 0, "yanchor": "top", "traceorder": "normal"},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _bars(facts: ChainFacts, shown: Iterable[HaulFacts], stage: str) -> Figure:
    names: list[str] = []
    base: list[float] = []
    length: list[float] = []
    for haul in shown:
        since_s = haul.bound_s
        for name, took_s in stages_s(facts, haul).items():
            if name == stage:
                names.append(_label(haul))
                base.append(round(since_s / 3600, 4))
                length.append(round(took_s / 3600, 4))
            since_s += took_s
    return {
        "type": "bar", "orientation": "h", "name": stage, "y": names, "base": base, "x": length,
        "marker": {"color": _COLOURS[stage]},
    }  # fmt: skip


def _label(haul: HaulFacts) -> str:
    mark = " ❄" if haul.perishable else ""
    return f"{haul.direction} {haul.container}{mark}"
