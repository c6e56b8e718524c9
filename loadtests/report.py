"""One offline HTML page and a JUnit file of a load run."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from importlib.resources import files

import jinja2
import plotly.graph_objects as go
import plotly.io
import plotly.offline

from loadtests.histogram import Latencies
from loadtests.result import Recorder, Series, heat_edge_s, heat_row
from loadtests.slo import ANY, Verdict, describe, number

RESPONSE, SERVICE, BAD, QUIET = "#0b7285", "#f08c00", "#c92a2a", "#868e96"

_LAYOUT = {
    "template": "plotly_white",
    "margin": {"l": 70, "r": 20, "t": 30, "b": 50},
    "font": {"family": "system-ui, sans-serif", "size": 13},
    "legend": {"orientation": "h", "y": 1.12, "x": 0},
    "height": 360,
}

CURVES_NOTE = (
    "Response runs from the intended start, service from the real one. Where the two part, "
    "requests waited for the system under load; a closed generator sees the lower line."
)

TIME_TICKS_S = tuple(n * 10.0**power for power in range(-5, 4) for n in (1, 3))


def html(recorder: Recorder, verdict: Verdict) -> str:
    """The page: verdict, limits, times, and plots that need no network."""
    figures = [
        ("Latency over time", _heat_note(recorder), heat_map(recorder)),
        (
            "Response and service time by percentile",
            CURVES_NOTE,
            percentile_curves(recorder.total()),
        ),
        (
            "Arrivals and outcomes per second",
            "By intended start. What is offered does not depend on how the system feels.",
            outcomes(recorder),
        ),
        (
            "The generator's own clock",
            "Lateness of its 10 ms tick. If this is large, the times above are its own.",
            lag_curve(recorder.lag),
        ),
    ]
    page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        files("loadtests").joinpath("templates/report.html.j2").read_text(encoding="utf-8")
    )
    divs = [
        (
            title,
            note,
            plotly.io.to_html(
                figure,
                include_plotlyjs=False,
                full_html=False,
                div_id=f"plot-{index}",
                config={"displaylogo": False, "responsive": True},
            ),
        )
        for index, (title, note, figure) in enumerate(figures)
    ]
    rows = [(ANY, recorder.total()), *sorted(recorder.series.items(), key=_arrivals_first)]
    return page.render(
        recorder=recorder,
        info=recorder.info,
        verdict=verdict,
        rows=[_row(name, series, recorder.measured_s) for name, series in rows],
        checks=[(check, describe(check)) for check in verdict.checks],
        plots=divs,
        plotly_js=plotly.offline.get_plotlyjs(),
    )


def _arrivals_first(item: tuple[str, Series]) -> tuple[bool, str]:
    return item[1].step, item[0]


def _row(name: str, series: Series, measured_s: float) -> dict[str, object]:
    response = series.response.percentiles_s([50.0, 95.0, 99.0])
    service = series.service.percentiles_s([50.0, 99.0])
    return {
        "name": "all arrivals" if name == ANY else name,
        "step": series.step,
        "count": f"{series.count:,}",
        "rate": f"{series.ok / measured_s:,.1f}" if measured_s > 0 else "–",
        "failed": series.failed,
        "dropped": series.dropped,
        "failures": ", ".join(f"{kind} × {n}" for kind, n in sorted(series.failures.items())),
        "response": [number(value, "s") for value in (*response, series.response.max_s)],
        "service": [number(value, "s") for value in (*service, series.service.max_s)],
    }


def _heat_note(recorder: Recorder) -> str:
    note = "Each cell: arrivals of one moment by response time; the red line is the slowest."
    if recorder.info.warm_up_s:
        note += f" The first {recorder.info.warm_up_s:g} s are warm-up and count in no figure."
    return note


def _starts(recorder: Recorder) -> list[float]:
    """Start of each slot of the time line, seconds."""
    return [index * recorder.info.slot_s for index in range(max(recorder.slots, default=0) + 1)]


def heat_map(recorder: Recorder) -> go.Figure:
    """Response times over the run: a freeze is a slope that falls back at 45 degrees."""
    starts, slots = _starts(recorder), recorder.slots
    top = max((row for slot in slots.values() for row in slot.heat), default=1)
    bottom = min((row for slot in slots.values() for row in slot.heat), default=0)
    cells = [[0] * len(starts) for _ in range(bottom, top + 1)]
    slowest: list[float | None] = [None] * len(starts)
    for column, slot in slots.items():
        slowest[column] = slot.max_s
        for row, count in slot.heat.items():
            cells[row - bottom][column] += count
    logs = [[math.log10(c) if c else None for c in line] for line in cells]
    edges = [heat_edge_s(row + 0.5) for row in range(bottom, top + 1)]
    middles = [start + recorder.info.slot_s / 2 for start in starts]
    figure = go.Figure(
        go.Heatmap(
            x=middles,
            y=edges,
            z=logs,
            customdata=cells,
            colorscale=[[0, "#d0ebff"], [0.5, "#1c7ed6"], [1, "#0b2545"]],
            showscale=False,
            hovertemplate="%{x:.2f} s, about %{y:.4f} s: %{customdata} arrivals<extra></extra>",
        )
    )
    figure.add_scatter(
        x=middles,
        y=slowest,
        mode="lines",
        name="slowest",
        line={"color": BAD, "width": 1.5},
        connectgaps=False,
    )
    if recorder.info.warm_up_s:
        figure.add_vrect(
            x0=0, x1=recorder.info.warm_up_s, fillcolor=QUIET, opacity=0.25, line_width=0
        )
    figure.update_layout(**_LAYOUT, xaxis_title="intended start, s", yaxis_title="response time")
    figure.update_xaxes(range=[0, max(recorder.info.planned_s, starts[-1])])
    _time_axis(figure)
    return figure


def percentile_curves(total: Series) -> go.Figure:
    """Percentile curves on a scale of nines, the way HdrHistogram plots them."""
    figure = go.Figure()
    both = (("response", total.response, RESPONSE), ("service", total.service, SERVICE))
    most = max(total.response.count, 2)
    for name, latencies, colour in both:
        xs, ys = _curve(latencies)
        line = {"color": colour, "width": 2, "shape": "hv"}
        figure.add_scatter(x=xs, y=ys, mode="lines", name=name, line=line)
    nines = [(1.0, "0 %"), (2.0, "50 %"), (10.0, "90 %"), (20.0, "95 %"), (100.0, "99 %")]
    nines += [(1e3, "99.9 %"), (1e4, "99.99 %"), (1e5, "99.999 %")]
    shown = [(at, text) for at, text in nines if at <= most]
    figure.update_layout(**_LAYOUT, xaxis_title="share of arrivals", yaxis_title="time")
    figure.update_xaxes(
        type="log",
        range=[0, math.log10(most) * 1.02],
        tickvals=[at for at, _ in shown],
        ticktext=[text for _, text in shown],
    )
    _time_axis(figure)
    return figure


def _curve(latencies: Latencies) -> tuple[list[float], list[float]]:
    xs, ys, seen = [], [], 0
    for value_us, count in latencies.buckets_us():
        # A value holds from where its first sample stands to where the next one does.
        xs.append(latencies.count / (latencies.count - seen))
        ys.append(max(value_us, 1) / 1e6)
        seen += count
    if ys:
        xs.append(float(latencies.count))
        ys.append(ys[-1])
    return xs, ys


def outcomes(recorder: Recorder) -> go.Figure:
    """Offered arrivals and what became of them."""
    starts, width = _starts(recorder), recorder.info.slot_s
    sums = {key: [0] * len(starts) for key in ("ok", "failed", "dropped")}
    for column, slot in recorder.slots.items():
        for key, values in sums.items():
            values[column] = getattr(slot, key)
    figure = go.Figure()
    for key, name, colour in (
        ("ok", "answered", RESPONSE),
        ("failed", "failed", BAD),
        ("dropped", "dropped, never sent", QUIET),
    ):
        heights = [value / width for value in sums[key]]
        figure.add_bar(x=starts, y=heights, name=name, marker_color=colour, width=width, offset=0)
    figure.update_layout(
        **_LAYOUT,
        barmode="stack",
        bargap=0,
        xaxis_title="intended start, s",
        yaxis_title="arrivals per s",
    )
    return figure


def lag_curve(lag: Latencies) -> go.Figure:
    """How late the generator's own tick was."""
    figure = go.Figure()
    rows: dict[int, int] = {}
    for value_us, count in lag.buckets_us():
        row = heat_row(value_us / 1e6)
        rows[row] = rows.get(row, 0) + count
    shares = [count / max(1, lag.count) for count in rows.values()]
    figure.add_bar(
        x=[heat_edge_s(row + 0.5) for row in rows],
        y=shares,
        marker_color=QUIET,
        width=[heat_edge_s(row + 1) - heat_edge_s(row) for row in rows],
        hovertemplate="about %{x:.5f} s: %{y:.2%}<extra></extra>",
    )
    figure.update_layout(**(_LAYOUT | {"height": 260}), xaxis_title="lateness", yaxis_title="share")
    figure.update_yaxes(tickformat=".0%")
    figure.update_xaxes(type="log", tickvals=list(TIME_TICKS_S), ticktext=_time_texts())
    return figure


def _time_axis(figure: go.Figure) -> None:
    figure.update_yaxes(type="log", tickvals=list(TIME_TICKS_S), ticktext=_time_texts())


def _time_texts() -> list[str]:
    return [f"{t:g} s" if t >= 1 else f"{t * 1000:g} ms" for t in TIME_TICKS_S]


def junit(recorder: Recorder, verdict: Verdict) -> bytes:
    """Each limit as one test case; what cannot be decided is an error, never a pass."""
    breaches = sum(check.outcome == "breach" for check in verdict.checks)
    undecided = sum(check.outcome == "inconclusive" for check in verdict.checks)
    cases = [(f"{c.name} {c.metric}", c.outcome, describe(c)) for c in verdict.checks]
    if verdict.outcome == "breach" and not breaches:
        breaches = 1  # an abort is a breach without a limit of its own
        cases.append(("the run ended early", "breach", verdict.reason))
    suite = ET.Element(
        "testsuite",
        name=f"gatetwin.load.{recorder.info.workload}",
        tests=str(len(cases)),
        failures=str(breaches),
        errors=str(undecided),
        time=f"{recorder.end_s:.3f}",
    )
    for name, result, text in cases:
        case = ET.SubElement(suite, "testcase", classname="gatetwin.load", name=name, time="0")
        if result == "breach":
            ET.SubElement(case, "failure", message=text, type="breach").text = text
        elif result == "inconclusive":
            ET.SubElement(case, "error", message=text, type="inconclusive").text = text
    return bytes(ET.tostring(suite, encoding="utf-8", xml_declaration=True))
