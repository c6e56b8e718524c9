"""The certificate as one HTML file that needs nothing else: no script, no font, no network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jinja2
from markupsafe import Markup

from twin.trace import Record

from .register import Register
from .verdict import Outcome, Result, Verdict

WIDTH, HEIGHT, PAD = 640, 220, 44

WORDS = {
    "title": ("Device certification", "Chứng nhận thiết bị", "设备认证"),
    "certified": ("Certified", "Đạt chứng nhận", "通过认证"),
    "failed": ("Not certified", "Không đạt", "未通过"),
    "open": ("Inconclusive", "Chưa kết luận", "无结论"),
    "why": ("Why", "Lý do", "原因"),
    "product": ("Device under test", "Thiết bị được thử", "受测设备"),
    "summary": ("Summary", "Tóm tắt", "概要"),
    "measurements": ("Measurements", "Kết quả đo", "测量结果"),
    "curves": ("Curves", "Đồ thị", "曲线"),
    "requirements": ("Requirements", "Yêu cầu", "要求"),
    "bench": ("Bench and instruments", "Bàn thử và dụng cụ", "试验台与仪器"),
    "declared": ("Declared by the vendor", "Nhà cung cấp khai báo", "供应商声明"),
    "evidence": ("Evidence", "Chứng cứ", "证据"),
}


def render(
    *,
    outcome: Outcome,
    results: Sequence[Result],
    register: Register,
    records: Sequence[Record],
    product: Mapping[str, Any],
    pics: Mapping[str, Any],
    pixit: Mapping[str, Any],
    about: Mapping[str, Any],
    instruments: Sequence[Mapping[str, Any]],
) -> bytes:
    """The page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hil", "."), autoescape=True, undefined=jinja2.StrictUndefined
    )
    state = {Verdict.PASS: "certified", Verdict.FAIL: "failed"}.get(outcome.verdict, "open")
    groups = [
        (
            group,
            words,
            [
                (register[r.requirement], r)
                for r in results
                if register[r.requirement].group == group
            ],
        )
        for group, words in register.groups.items()
    ]
    page = environment.get_template("report.html.j2").render(
        words=WORDS,
        state=state,
        outcome=outcome,
        groups=groups,
        register=register,
        product=product,
        pics=pics,
        pixit=pixit,
        about=about,
        instruments=instruments,
        rates=rates(results, register),
        gauge=gauge,
        curves=curves(records),
        measured=[(register[r.requirement], r, m) for r in results for m in r.measurements],
        answers=[r.payload for r in records if r.source == "operator" and r.kind == "answer"],
    )
    return page.encode("utf-8")


def rates(results: Sequence[Result], register: Register) -> dict[str, tuple[int, int]]:
    """Passed of judged, apart for right and for wrong input: kits that only report the sum hide
    that wrong input is where products fail."""
    found = {"positive": (0, 0), "negative": (0, 0)}
    for result in results:
        if result.verdict in (Verdict.NOT_APPLICABLE, Verdict.NOT_RUN):
            continue
        name = "negative" if register[result.requirement].negative else "positive"
        good, all_ = found[name]
        found[name] = good + (result.verdict in (Verdict.PASS, Verdict.MARGINAL)), all_ + 1
    return found


def gauge(measurement: Any) -> Markup:
    """A bar that shows a value, its uncertainty and its limits."""
    limit, value, spread = measurement.limit, measurement.value, measurement.uncertainty
    edges = [edge for edge in (limit.low, limit.high) if edge is not None]
    top = max([abs(edge) for edge in edges] + [abs(value) + spread]) * 1.15 or 1.0

    def x(number: float) -> float:
        return round(max(0.0, min(1.0, number / top)) * 200, 1)

    low = x(limit.low) if limit.low is not None else 0.0
    high = x(limit.high) if limit.high is not None else 200.0
    marks = "".join(f'<line x1="{x(e)}" x2="{x(e)}" y1="1" y2="17" class="limit"/>' for e in edges)
    return Markup(  # noqa: S704 - numbers only
        '<svg class="gauge" viewBox="0 0 200 18" role="img">'
        f'<rect x="{low}" y="5" width="{max(0.0, high - low)}" height="8" class="good"/>{marks}'
        f'<line x1="{x(value - spread)}" x2="{x(value + spread)}" y1="9" y2="9" class="spread"/>'
        f'<circle cx="{x(value)}" cy="9" r="4" class="value {measurement.outcome}"/></svg>'
    )


def curves(records: Sequence[Record]) -> list[tuple[str, Markup]]:
    """Angle and position over one cycle, the obstacle, and the force records, where recorded."""
    found: list[tuple[str, Markup]] = []
    cycle = _of_case(records, "cycle")
    if cycle:
        found.append(("Opening and closing: true angle and position on the wire", _motion(cycle)))
    obstacle = _of_case(records, "obstacle")
    if obstacle:
        found.append(("Closing onto an obstacle: true angle", _motion(obstacle)))
    hits = [r.payload for r in records if r.kind == "force" and r.payload["samples_n"]]
    if hits:
        series: list[tuple[str, list[tuple[float, float]]]] = []
        for hit in hits:
            step_s = 1 / hit["rate_hz"]
            name = f"{hit['gap_mm']:g} mm above closed"
            series.append(
                (
                    name,
                    [(i * step_s, n) for i, n in enumerate(hit["samples_n"]) if i * step_s <= 1.0],
                )
            )
        lines = [("400 N", 400.0, 0.0, 0.75), ("150 N", 150.0, 0.75, 1.0)]
        found.append(
            (
                "Force on the closing edge, first second of the 5 s record",
                chart(series, "s", "N", lines),
            )
        )
    return found


def _of_case(records: Sequence[Record], case: str) -> list[Record]:
    inside = False
    found: list[Record] = []
    for record in records:
        if record.kind == "case.begin" and record.payload["case"] == case:
            inside, found = True, []
        if inside:
            found.append(record)
        if record.kind == "case.end":
            inside = False
    return found


def _motion(records: Sequence[Record]) -> Markup:
    start = records[0].t_s
    truth = [(r.t_s - start, float(r.payload["angle_deg"])) for r in records if r.kind == "truth"]
    wire = [
        (r.t_s - start, 0.9 * r.payload["position_percent"])
        for r in records
        if r.kind == "state" and isinstance(r.payload.get("position_percent"), int | float)
    ]
    return chart([("true angle", truth), ("position on the wire × 0.9", wire)], "s", "°", [])


def chart(
    series: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    x_unit: str,
    y_unit: str,
    limits: Sequence[tuple[str, float, float, float]],
) -> Markup:
    """A line chart as SVG; lines of one name share a colour; `limits` are (name, y, from, to)."""
    points = [point for _, line in series for point in line]
    if not points:
        return Markup("")
    x_ticks = ticks(max(x for x, _ in points))
    y_ticks = ticks(max([y for _, y in points] + [value for _, value, _, _ in limits]))

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            round(PAD + x / x_ticks[-1] * (WIDTH - 1.5 * PAD), 1),
            round(HEIGHT - PAD / 1.5 - max(0.0, y) / y_ticks[-1] * (HEIGHT - 1.6 * PAD), 1),
        )

    names = list(dict.fromkeys(name for name, _ in series))
    parts = _grid(x_ticks, y_ticks, x_unit, y_unit, at)
    for name, line in series:
        path = " ".join(f"{x},{y}" for x, y in (at(*point) for point in line))
        parts.append(f'<polyline points="{path}" class="s{names.index(name)}"/>')
    for number, name in enumerate(names):
        place = PAD + number * 190
        parts.append(f'<text x="{place}" y="14" class="t{number}">{name}</text>')
    for name, value, start, end in limits:
        (x1, y1), (x2, _) = at(start, value), at(min(end, x_ticks[-1]), value)
        parts.append(
            f'<line x1="{x1}" x2="{x2}" y1="{y1}" y2="{y1}" class="limit"/>'
            f'<text x="{x2 - 4}" y="{y1 - 4}" text-anchor="end">{name}</text>'
        )
    frame = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" class="chart" role="img">'
    return Markup(frame + "".join(parts) + "</svg>")  # noqa: S704 - our own words and numbers


def ticks(most: float) -> list[float]:
    """Round numbers from 0 to at least `most`: four to seven of them, steps of 1, 2 or 5."""
    if most <= 0:
        return [0.0, 1.0]
    decade = 10.0 ** math.floor(math.log10(most))
    step = next(s for s in (0.2, 0.5, 1.0, 2.0) if most / (s * decade) <= 6) * decade
    return [step * n for n in range(math.ceil(most / step - 1e-9) + 1)]


def _grid(
    x_ticks: Sequence[float],
    y_ticks: Sequence[float],
    x_unit: str,
    y_unit: str,
    at: Callable[[float, float], tuple[float, float]],
) -> list[str]:
    parts = []
    right, floor = at(x_ticks[-1], 0)
    for y_value in y_ticks:
        x, y = at(0, y_value)
        unit = f" {y_unit}" if y_value == y_ticks[-1] else ""
        parts.append(
            f'<line x1="{x}" x2="{right}" y1="{y}" y2="{y}" class="grid"/>'
            f'<text x="{x - 6}" y="{y + 4}" text-anchor="end">{y_value:g}{unit}</text>'
        )
    for x_value in x_ticks:
        x, _ = at(x_value, 0)
        unit = f" {x_unit}" if x_value == x_ticks[-1] else ""
        parts.append(
            f'<text x="{x}" y="{floor + 16}" text-anchor="middle">{x_value:g}{unit}</text>'
        )
    return parts
