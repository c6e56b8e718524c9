"""Charts and gauges of the certificate, as SVG: no script, no font, no network.

Names come from the vendor's papers and are escaped; everything else is our own words and numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup, escape

from twin.trace import Record

WIDTH, HEIGHT, PAD = 640, 220, 44
NAMES, TOP, ROW = 120, 40, 22
"""Width of the names of rows, where the first row begins, and its height."""

Spans = Sequence[tuple[float, float]]


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
    *,
    dots: bool = False,
) -> Markup:
    """A line chart as SVG; lines of one name share a colour; `limits` are (name, y, from, to).

    With `dots` each point is a dot of its own: values that no line joins.
    """
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
        places, number = [at(*point) for point in line], names.index(name)
        if dots:
            parts += [_dot(x, y, number) for x, y in places]
        else:
            path = " ".join(f"{x},{y}" for x, y in places)
            parts.append(f'<polyline points="{path}" class="s{number}"/>')
    parts += _legend(names)
    for name, value, start, end in limits:
        (x1, y1), (x2, _) = at(start, value), at(min(end, x_ticks[-1]), value)
        parts.append(
            f'<line x1="{x1}" x2="{x2}" y1="{y1}" y2="{y1}" class="limit"/>'
            f'<text x="{x2 - 4}" y="{y1 - 4}" text-anchor="end">{escape(name)}</text>'
        )
    return _svg(HEIGHT, parts)


def strip(
    rows: Sequence[tuple[str, Sequence[tuple[str, float]]]],
    unit: str,
    limits: Sequence[tuple[str, float]],
) -> Markup:
    """A row of dots for each name: `rows` are (name, [(series, value)]), `limits` (name, value)."""
    values = [value for _, dots in rows for _, value in dots]
    if not values:
        return Markup("")
    x_ticks = ticks(max([*values, *(value for _, value in limits)]))

    def x(value: float) -> float:
        return round(NAMES + max(0.0, value) / x_ticks[-1] * (WIDTH - NAMES - PAD), 1)

    floor = TOP + ROW * len(rows)
    parts = _scale(x_ticks, unit, x, TOP - 6, floor)
    names = list(dict.fromkeys(series for _, dots in rows for series, _ in dots))

    def beside(series: str) -> float:
        """Equal values of two series stay visible: each has its own height in the row."""
        return 5.0 * (names.index(series) - (len(names) - 1) / 2)

    for number, (name, dots) in enumerate(rows):
        y = TOP + ROW * number + ROW / 2
        parts.append(_name(name, y, x(x_ticks[-1])))
        parts += [_dot(x(value), y + beside(series), names.index(series)) for series, value in dots]
    return _svg(floor + 24, [*parts, *_upright(limits, x, floor), *_legend(names)])


def timing(
    rows: Sequence[tuple[str, Sequence[Spans]]],
    names: Sequence[str],
    end_s: float,
    limits: Sequence[tuple[str, float]] = (),
) -> Markup:
    """What was on when: `rows` are (name, spans of each of `names`), spans are (from, to), s.

    The first of `names` is drawn as a band, the others as bars on it; `limits` are (name, s).
    """
    if not rows or end_s <= 0:
        return Markup("")
    x_ticks = ticks(end_s)

    def x(value: float) -> float:
        return round(NAMES + max(0.0, value) / x_ticks[-1] * (WIDTH - NAMES - PAD), 1)

    floor = TOP + ROW * len(rows)
    parts = _scale(x_ticks, "s", x, TOP - 6, floor)
    for number, (name, seen) in enumerate(rows):
        y = TOP + ROW * number + ROW / 2
        parts.append(_name(name, y, x(x_ticks[-1])))
        for which, spans in enumerate(seen):
            height = 14 if which == 0 else 5
            parts += [
                f'<rect x="{x(start)}" y="{y - height / 2}" width="{round(x(end) - x(start), 1)}" '
                f'height="{height}" class="{"band" if which == 0 else f"d{which}"}"/>'
                for start, end in spans
            ]
    return _svg(floor + 24, [*parts, *_upright(limits, x, floor), *_legend(names)])


def spans(changes: Sequence[tuple[float, bool]], end: float) -> list[tuple[float, float]]:
    """From when to when something was on; `changes` are (instant, on), `end` is the last one."""
    found: list[tuple[float, float]] = []
    since: float | None = None
    for instant, on in changes:
        if on and since is None:
            since = instant
        elif not on and since is not None:
            found.append((since, instant))
            since = None
    return found if since is None else [*found, (since, end)]


def _svg(height: float, parts: Sequence[str]) -> Markup:
    frame = f'<svg viewBox="0 0 {WIDTH} {height:g}" class="chart" role="img">'
    return Markup(frame + "".join(parts) + "</svg>")  # noqa: S704 - names are escaped


def _dot(x: float, y: float, number: int) -> str:
    return f'<circle cx="{x}" cy="{y}" r="3.2" class="d{number}"/>'


def _name(name: str, y: float, right: float) -> str:
    return (
        f'<line x1="{NAMES}" x2="{right}" y1="{y}" y2="{y}" class="grid"/>'
        f'<text x="{NAMES - 8}" y="{y + 3.5}" text-anchor="end">{escape(name)}</text>'
    )


def _upright(
    limits: Sequence[tuple[str, float]], x: Callable[[float], float], floor: float
) -> list[str]:
    """Vertical limits; the first of two, and one at the right edge, are named on their left."""
    found = []
    for number, (name, value) in enumerate(sorted(limits, key=lambda limit: limit[1])):
        left = (len(limits) > 1 and number == 0) or x(value) > WIDTH - 2 * PAD
        found.append(
            f'<line x1="{x(value)}" x2="{x(value)}" y1="{TOP - 6}" y2="{floor}" class="limit"/>'
            f'<text x="{x(value) + (-4 if left else 4)}" y="{TOP - 9}" '
            f'text-anchor="{"end" if left else "start"}">{escape(name)}</text>'
        )
    return found


def _legend(names: Sequence[str]) -> list[str]:
    step = min(190.0, (WIDTH - PAD) / max(1, len(names)))
    return [
        f'<text x="{PAD + number * step:g}" y="14" class="t{number}">{escape(name)}</text>'
        for number, name in enumerate(names)
    ]


def _scale(
    values: Sequence[float], unit: str, x: Callable[[float], float], top: float, floor: float
) -> list[str]:
    """Vertical lines with their numbers below."""
    return [
        f'<line x1="{x(value)}" x2="{x(value)}" y1="{top}" y2="{floor}" class="grid"/>'
        f'<text x="{x(value)}" y="{floor + 14}" text-anchor="middle">'
        f"{value:g}{f' {unit}' if value == values[-1] else ''}</text>"
        for value in values
    ]


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
        unit = f" {y_unit}" if y_unit and y_value == y_ticks[-1] else ""
        parts.append(
            f'<line x1="{x}" x2="{right}" y1="{y}" y2="{y}" class="grid"/>'
            f'<text x="{x - 6}" y="{y + 4}" text-anchor="end">{y_value:g}{unit}</text>'
        )
    for x_value in x_ticks:
        x, _ = at(x_value, 0)
        unit = f" {x_unit}" if x_unit and x_value == x_ticks[-1] else ""
        parts.append(
            f'<text x="{x}" y="{floor + 16}" text-anchor="middle">{x_value:g}{unit}</text>'
        )
    return parts
