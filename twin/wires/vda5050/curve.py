"""Points and directions of an order's trajectory: a NURBS, evaluated by de Boor's algorithm."""

from __future__ import annotations

import math
from itertools import pairwise

from twin.wires.vda5050.records import Trajectory

Point = tuple[float, float]

_SPACING_M = 2.0
"""A sample about every 2 m: biarcs follow a curve of 10 m radius within millimetres."""


def samples(curve: Trajectory) -> tuple[tuple[Point, ...], tuple[float, ...]]:
    """Points along the curve with its begin and end, and the course at each, rad."""
    control = [(p.x * p.weight, p.y * p.weight, p.weight) for p in curve.control_points]
    degree = min(curve.degree, len(control) - 1)
    knots = list(curve.knot_vector) or _clamped(len(control), degree)
    low, high = knots[degree], knots[len(control)]
    length = sum(math.dist((a.x, a.y), (b.x, b.y)) for a, b in pairwise(curve.control_points))
    count = max(2, min(200, round(length / _SPACING_M)))
    points, courses = [], []
    for i in range(count + 1):
        u = low + (high - low) * i / count
        points.append(_at(control, knots, degree, u))
        step = (high - low) * 1e-5
        a = _at(control, knots, degree, max(low, u - step))
        b = _at(control, knots, degree, min(high, u + step))
        courses.append(math.atan2(b[1] - a[1], b[0] - a[0]))
    return tuple(points), tuple(courses)


def _clamped(count: int, degree: int) -> list[float]:
    """The knots that are meant when none are sent: clamped and uniform."""
    inner = count - degree
    return [0.0] * degree + [i / inner for i in range(inner + 1)] + [1.0] * degree


def _at(control: list[tuple[float, float, float]], knots: list[float], p: int, u: float) -> Point:
    k = p
    while k < len(control) - 1 and u >= knots[k + 1]:
        k += 1
    d = [control[k - p + j] for j in range(p + 1)]
    for r in range(1, p + 1):
        for j in range(p, r - 1, -1):
            left, right = knots[j + k - p], knots[j + 1 + k - r]
            share = 0.0 if right == left else (u - left) / (right - left)
            d[j] = tuple(  # type: ignore[assignment]  # a triple of a triple
                (1 - share) * a + share * b for a, b in zip(d[j - 1], d[j], strict=True)
            )
    x, y, weight = d[p]
    return (x / weight, y / weight) if weight else (x, y)
