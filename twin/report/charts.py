"""The plots of the page, as plain plotly figures.

Texts are keys of words.toml (`"#key"`) and colours are names of the page's palette (`"@name"`):
the page puts in the language and the light or dark colours that its reader has chosen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twin.judge import Facts, Judgement, Kpis
from twin.judge.facts import Fault, LaneFacts, Stay
from twin.judge.kpis import INTERVAL_S, STAGES, by_flow, queue, waiting_s
from twin.report.civil import Civil

Figure = dict[str, Any]

FLOWS = ("in.smart", "in.traditional", "out.smart", "out.traditional")
_ECDF_POINTS = 600
_BUSY_S = 1800.0


def figures(facts: Facts, judgement: Judgement, kpis: Kpis, civil: Civil) -> dict[str, Figure]:
    """All plots by the id of their place in the page."""
    return {
        "day": _day(facts, civil),
        "ecdf": _ecdf(facts),
        "scatter": _scatter(facts, civil),
        "lanes": _lanes(facts, judgement, civil),
        "stages": _stages(kpis),
    }


def zooms(facts: Facts, judgement: Judgement, civil: Civil) -> dict[str, list[float]]:
    """Ranges of the lane timeline that its buttons show."""
    found = {"all": civil.span_ms(0.0, facts.end_s)}
    entries = sorted(stay.entered.t_s for stay in facts.stays.values() if stay.entered is not None)
    best, start_s, first = 0, 0.0, 0
    for last, t_s in enumerate(entries):
        while entries[first] < t_s - _BUSY_S:
            first += 1
        if last - first + 1 > best:
            best, start_s = last - first + 1, entries[first]
    found["busy"] = civil.span_ms(start_s - 30, start_s + _BUSY_S)
    if judgement.violations:
        at_s = judgement.violations[0].t_s
        found["first"] = civil.span_ms(at_s - 90, at_s + 60)
    return found


# --- the day -------------------------------------------------------------------------------


def _day(facts: Facts, civil: Civil) -> Figure:
    flows = by_flow(facts)
    traces: list[Figure] = []
    highest = {"y": 4.0, "y2": 2.0}
    slot = slot_s(facts)
    for flow, sign in (("in", 1), ("out", -1)):
        counts = _arrivals(flows[flow], slot)
        steps = queue(flows[flow])
        if steps and steps[-1][0] < facts.end_s:
            steps.append((facts.end_s, steps[-1][1]))  # whoever waits still waits at the end
        highest["y"] = max([highest["y"], *counts.values()])
        highest["y2"] = max([highest["y2"], *(length for _, length in steps)])
        traces.append(
            {
                "type": "bar",
                "name": f"#flow_{flow}",
                "legendgroup": flow,
                "x": [civil.ms((number + 0.5) * slot) for number in counts],
                "y": [sign * count for count in counts.values()],
                "customdata": list(counts.values()),
                "width": slot * 880,
                "hovertemplate": "%{x|%H:%M} · %{customdata}<extra></extra>",
                "marker": {"color": f"@{flow}"},
                "yaxis": "y",
                "xaxis": "x",
            }
        )
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"#flow_{flow}",
                "legendgroup": flow,
                "showlegend": False,
                "x": [civil.ms(t_s) for t_s, _ in steps],
                "y": [sign * length for _, length in steps],
                "customdata": [length for _, length in steps],
                "hovertemplate": "%{x|%H:%M:%S} · %{customdata}<extra></extra>",
                "line": {"shape": "hv", "width": 1.2, "color": f"@{flow}"},
                "fill": "tozeroy",
                "fillcolor": f"@{flow}-soft",
                "yaxis": "y2",
                "xaxis": "x",
            }
        )
    layout = {
        "height": 430, "barmode": "relative", "bargap": 0.1, "legend": _LEGEND,
        "margin": {"l": 58, "r": 14, "t": 34, "b": 34},
        "xaxis": _time_axis(civil.span_ms(0.0, facts.end_s), anchor="y2"),
        "yaxis": {"domain": [0.56, 1.0], "title": {"text": "#ax_arrivals"},
                  **_mirrored(highest["y"])},
        "yaxis2": {"domain": [0.0, 0.46], "title": {"text": "#ax_queue"},
                   **_mirrored(highest["y2"])},
        "shapes": [
            *(_span(begin_s, end_s, "@rain", facts, civil, "paper", 0.0, 1.0)
              for begin_s, end_s, _ in facts.rain),
            *(_band(fault, facts, civil, "paper", 0.0, 1.0) for fault in facts.faults),
        ],
        "annotations": [_raining(*shower, civil) for shower in facts.rain],
    }  # fmt: skip
    return {"data": traces, "layout": layout}


def slot_s(facts: Facts) -> float:
    """How much time one bar of arrivals covers: a quarter of an hour, less in short runs."""
    return INTERVAL_S if facts.end_s > 4 * 3600 else 300.0 if facts.end_s > 3600 else 60.0


def _arrivals(stays: Iterable[Stay], slot: float) -> dict[int, int]:
    counts: dict[int, int] = {}
    for stay in stays:
        assert stay.arrived is not None
        number = int(stay.arrived.t_s // slot)
        counts[number] = counts.get(number, 0) + 1
    return dict(sorted(counts.items()))


def _mirrored(highest: float) -> Figure:
    """An axis that counts upwards in both directions."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 10**6) if highest / step <= 3.5)
    ticks = [step * k for k in range(-int(highest / step) - 1, int(highest / step) + 2)]
    return {
        "range": [-1.12 * highest, 1.12 * highest], "tickvals": ticks,
        "ticktext": [str(abs(tick)) for tick in ticks], "zeroline": True,
    }  # fmt: skip


def _band(fault: Fault, facts: Facts, civil: Civil, yref: str, low: float, high: float) -> Figure:
    return _span(fault.begin_s, fault.end_s, "@fault", facts, civil, yref, low, high)


def _span(
    begin_s: float, end_s: float, colour: str, facts: Facts, civil: Civil, yref: str,
    low: float, high: float,
) -> Figure:  # fmt: skip
    return {
        "type": "rect", "layer": "below", "xref": "x", "yref": yref, "y0": low, "y1": high,
        "x0": civil.ms(begin_s), "x1": civil.ms(min(end_s, facts.end_s)),
        "line": {"width": 0}, "fillcolor": colour,
    }  # fmt: skip


def _raining(begin_s: float, end_s: float, rain_mm_h: float, civil: Civil) -> Figure:
    del end_s
    return {
        "xref": "x", "yref": "paper", "x": civil.ms(begin_s), "y": 0.51, "xanchor": "left",
        "text": f"☂ {rain_mm_h:g} mm/h", "showarrow": False, "font": {"size": 11},
    }  # fmt: skip


# --- waiting -------------------------------------------------------------------------------


def _ecdf(facts: Facts) -> Figure:
    traces: list[Figure] = []
    for flow, stays in by_flow(facts).items():
        waits = sorted(waiting_s(stay) for stay in stays if stay.left is not None)
        if flow not in FLOWS or not waits:
            continue
        step = max(1, len(waits) // _ECDF_POINTS)
        kept = sorted({*range(0, len(waits), step), len(waits) - 1})
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": _flow_key(flow),
                "x": [0.0, *(round(waits[index], 1) for index in kept)],
                "y": [0.0, *(round((index + 1) / len(waits), 4) for index in kept)],
                "line": {
                    "shape": "hv",
                    "width": 2,
                    "color": _flow_colour(flow),
                    "dash": "solid" if flow.endswith("smart") else "dot",
                },
                "hovertemplate": "%{y:.1%} ≤ %{x:.0f} s<extra></extra>",
            }
        )
    layout = {
        "height": 360, "legend": _LEGEND, "margin": {"l": 58, "r": 14, "t": 56, "b": 44},
        "xaxis": {"title": {"text": "#ax_wait"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": "#ax_share"}, "range": [0, 1.02], "tickformat": ".0%"},
        "shapes": [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0.95, "y1": 0.95,
                    "line": {"width": 1, "dash": "dot", "color": "@muted"}}],
    }  # fmt: skip
    return {"data": traces, "layout": layout}


def _scatter(facts: Facts, civil: Civil) -> Figure:
    traces: list[Figure] = []
    for flow, stays in by_flow(facts).items():
        gone = [stay for stay in stays if stay.left is not None]
        if flow not in FLOWS or not gone:
            continue
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": _flow_key(flow),
                "showlegend": False,
                "x": [civil.ms(stay.arrived.t_s) for stay in gone if stay.arrived is not None],
                "y": [round(waiting_s(stay), 1) for stay in gone],
                "text": [f"{stay.vehicle} · {stay.truth('plate')} · {stay.lane}" for stay in gone],
                "hovertemplate": "%{text}<br>%{x|%H:%M:%S} · %{y:.0f} s<extra></extra>",
                "marker": {
                    "size": 5,
                    "opacity": 0.75,
                    "color": _flow_colour(flow),
                    "symbol": "circle" if flow.endswith("smart") else "circle-open",
                },
            }
        )
    layout = {
        "height": 360, "margin": {"l": 58, "r": 14, "t": 56, "b": 44},
        "xaxis": _time_axis(civil.span_ms(0.0, facts.end_s)),
        "yaxis": {"title": {"text": "#ax_wait"}, "rangemode": "tozero"},
    }  # fmt: skip
    return {"data": traces, "layout": layout}


# --- lanes ---------------------------------------------------------------------------------

_OUTCOMES = ("crossed", "diverted", "followed", "inside")


def _lanes(facts: Facts, judgement: Judgement, civil: Civil) -> Figure:
    names = [name for name, lane in facts.lanes.items() if lane.stays][::-1]
    place = {name: index for index, name in enumerate(names)}
    bars: dict[str, list[tuple[float, float, float, str]]] = {key: [] for key in _OUTCOMES}
    arm: list[tuple[float, float, float, str]] = []
    for name, row in place.items():
        lane = facts.lanes[name]
        for stay in lane.stays:
            if stay.entered is None:
                continue
            end_s = stay.left.t_s if stay.left is not None else facts.end_s
            took_s = end_s - stay.entered.t_s
            label = f"{stay.vehicle} · {stay.truth('plate')} · {took_s:.0f} s"
            bars[_outcome(stay)].append((row + 0.1, stay.entered.t_s, end_s, label))
        arm += [(row - 0.32, begin_s, end_s, "") for begin_s, end_s in _unclosed(lane, facts.end_s)]
    traces = [
        _bar_trace(f"#tl_{key}", f"@{key}", 0.46, rows, civil) for key, rows in bars.items() if rows
    ]
    traces.append(_bar_trace("#tl_arm", "@arm", 0.14, arm, civil))
    alarms = [
        (float(place[str(alarm.data["lane"])]) + 0.1, alarm.t_s, str(alarm.data.get("code")))
        for alarm in facts.alarms
        if alarm.data.get("raised", True) and alarm.data.get("lane") in place
    ]
    breaches = [
        (float(place.get(violation.lane, -0.5)) + 0.1, violation.t_s, violation.code)
        for violation in judgement.violations
    ]
    traces += _marks("#tl_alarm", "@alarm", "triangle-down", alarms, 8, civil)
    traces += _marks("#tl_violation", "@broken", "x", breaches, 10, civil)
    shapes = []
    for fault in facts.faults:
        at = place.get(fault.lane) if fault.lane is not None else None
        low, high = (-0.5, len(names) - 0.5) if at is None else (at - 0.46, at + 0.46)
        shapes.append(_band(fault, facts, civil, "y", low, high))
    layout = {
        "height": 90 + 62 * max(1, len(names)), "barmode": "overlay", "legend": _LEGEND,
        "margin": {"l": 58, "r": 14, "t": 40, "b": 34}, "dragmode": "zoom",
        "xaxis": _time_axis(civil.span_ms(0.0, facts.end_s)),
        "yaxis": {"tickvals": list(place.values()), "ticktext": names, "fixedrange": True,
                  "range": [-0.6, len(names) - 0.4], "showgrid": False, "zeroline": False},
        "shapes": shapes,
    }  # fmt: skip
    return {"data": traces, "layout": layout}


def _bar_trace(
    name: str, colour: str, width: float, rows: list[tuple[float, float, float, str]], civil: Civil
) -> Figure:
    named = any(label for *_, label in rows)
    return {
        "type": "bar", "orientation": "h", "name": name, "y": [row for row, *_ in rows],
        "base": [civil.ms(begin_s) for _, begin_s, _, _ in rows],
        "x": [round((end_s - begin_s) * 1000) for _, begin_s, end_s, _ in rows],
        "width": width, "marker": {"color": colour, "line": {"width": 0}},
        **({"hovertext": [label for *_, label in rows], "hovertemplate":
            "%{hovertext}<br>%{base|%H:%M:%S}<extra></extra>"} if named else {"hoverinfo": "skip"}),
    }  # fmt: skip


def _marks(
    name: str,
    colour: str,
    symbol: str,
    found: list[tuple[float, float, str]],
    size: int,
    civil: Civil,
) -> list[Figure]:
    if not found:
        return []
    return [{
        "type": "scatter", "mode": "markers", "name": name, "y": [row for row, _, _ in found],
        "x": [civil.ms(t_s) for _, t_s, _ in found], "text": [code for *_, code in found],
        "hovertemplate": "%{text}<br>%{x|%H:%M:%S}<extra></extra>",
        "marker": {"symbol": symbol, "size": size, "color": colour,
                   "line": {"width": 1, "color": "@paper"}},
    }]  # fmt: skip


def _outcome(stay: Stay) -> str:
    if stay.left is None:
        return "inside"
    if any(crossing.data.get("followed") for crossing in stay.crossings):
        return "followed"
    return "crossed" if stay.crossings else "diverted"


def _unclosed(lane: LaneFacts, end_s: float) -> list[tuple[float, float]]:
    """When the arm was anywhere but closed."""
    spans: list[tuple[float, float]] = []
    for (_, left_s), (back_s, _) in zip(
        lane.closed_spans, [*lane.closed_spans[1:], (end_s, end_s)], strict=True
    ):
        if back_s > left_s and lane.motions:
            spans.append((left_s, back_s))
    return spans


# --- stages --------------------------------------------------------------------------------


def _stages(kpis: Kpis) -> Figure:
    lanes = [lane for lane, spreads in kpis.stages_s.items() if spreads][::-1]
    traces = [
        {
            "type": "bar", "orientation": "h", "name": f"#stage_{stage}", "y": lanes,
            "x": [kpis.stages_s[lane][stage].p50 for lane in lanes],
            "text": [f"{kpis.stages_s[lane][stage].p50:.0f}" for lane in lanes],
            "textposition": "inside", "insidetextanchor": "middle", "textangle": 0,
            "customdata": [kpis.stages_s[lane][stage].p95 for lane in lanes],
            "hovertemplate": "p50 %{x:.1f} s · p95 %{customdata:.1f} s<extra></extra>",
            "marker": {"color": f"@stage{number}", "line": {"width": 1, "color": "@paper"}},
        }
        for number, stage in enumerate(STAGES)
    ]  # fmt: skip
    layout = {
        "height": 120 + 42 * max(1, len(lanes)), "barmode": "stack", "legend": _LEGEND,
        "margin": {"l": 58, "r": 14, "t": 44, "b": 44}, "bargap": 0.35,
        "xaxis": {"title": {"text": "#ax_seconds"}, "rangemode": "tozero"},
        "yaxis": {"showgrid": False, "fixedrange": True},
    }  # fmt: skip
    return {"data": traces, "layout": layout}


# --- shared --------------------------------------------------------------------------------

_LEGEND: Figure = {
    "orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "xanchor": "left",
    "traceorder": "normal",
}  # fmt: skip


def _time_axis(span_ms: list[float], **more: Any) -> Figure:
    return {
        "type": "date", "range": span_ms, "hoverformat": "%H:%M:%S",
        "tickformatstops": [
            {"dtickrange": [None, 60_000], "value": "%H:%M:%S"},
            {"dtickrange": [60_000, None], "value": "%H:%M"},
        ],
        **more,
    }  # fmt: skip


def _flow_key(flow: str) -> str:
    return "#flow_" + flow.replace(".", "_")


def _flow_colour(flow: str) -> str:
    return "@" + flow.partition(".")[0]
