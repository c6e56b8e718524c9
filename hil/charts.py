"""Line charts and gauges of the certificate, as SVG: no script, no font, no network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from twin.trace import Record

WIDTH, HEIGHT, PAD = 640, 220, 44


def of_case(records: Sequence[Record], case: str) -> list[Record]:
    """The records of the last attempt of one case."""
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
    heights = [y for _, y in points] + [value for _, value, _, _ in limits]
    y_ticks = ticks(max(heights))
    if min(heights) < -0.01 * y_ticks[-1]:
        # Both signs: the same steps on either side of zero.
        y_ticks = ticks(max(abs(y) for y in heights))
        y_ticks = [-y for y in reversed(y_ticks[1:])] + y_ticks
    floor, ceiling = y_ticks[0], y_ticks[-1]

    def at(x: float, y: float) -> tuple[float, float]:
        share = (max(floor, y) - floor) / (ceiling - floor)
        return (
            round(PAD + x / x_ticks[-1] * (WIDTH - 1.5 * PAD), 1),
            round(HEIGHT - PAD / 1.5 - share * (HEIGHT - 1.6 * PAD), 1),
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
    right, floor = at(x_ticks[-1], y_ticks[0])
    for y_value in y_ticks:
        x, y = at(0.0, y_value)
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
