"""Charts of a fleet manager's certificate: what is released and what is planned, over the drive."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from hil.charts import chart, of_case
from twin.trace import Record

Line = list[tuple[float, float]]


def curves(records: Sequence[Record], pixit: dict[str, Any]) -> list[tuple[str, Markup]]:
    """The journey of one vehicle, and of two at the zone, where recorded."""
    found = []
    first, second = pixit["vehicles"]
    zone = [x for name, x in zip(pixit["node_ids"], pixit["node_x_m"], strict=True)
            if name in pixit["zone"]]  # fmt: skip
    journey = _lines(of_case(records, "declaration"), first, "")
    if journey:
        title = "The journey: place, end of the base, end of the horizon (along x)"
        found.append((title, chart(journey, "s", "m", [])))
    shared = of_case(records, "shared")
    both = [*_lines(shared, first, f"{first} "), *_lines(shared, second, f"{second} ")]
    both = [(name, line) for name, line in both if not name.endswith("horizon")]
    if both and zone:
        end = max(line[-1][0] for _, line in both)
        limits = [("zone begins", min(zone), 0.0, end), ("zone ends", max(zone), 0.0, end)]
        title = "Two vehicles and one zone: place and end of the base (along x)"
        found.append((title, chart(both, "s", "m", limits)))
    return found


def _lines(records: Sequence[Record], serial: str, name: str) -> list[tuple[str, Line]]:
    """Place, end of base and end of horizon of one vehicle, along x in m over s."""
    if not records:
        return []
    start, place, base, horizon = records[0].t_s, Line(), Line(), Line()
    for record in records:
        if record.payload.get("serial") != serial:
            continue
        t_s = record.t_s - start
        if record.kind == "truth":
            place.append((t_s, float(record.payload["x_m"])))
        elif record.kind == "master" and record.payload["topic"] == "order":
            ends = _ends(record.payload["text"])
            if ends is not None:
                _step(base, t_s, ends[0])
                _step(horizon, t_s, ends[1])
    if not place or not base:
        return []
    for line in (base, horizon):
        line.append((max(place[-1][0], line[-1][0]), line[-1][1]))
    lines = [("place", place), ("base", base), ("horizon", horizon)]
    return [(f"{name}{what}", line) for what, line in lines]


def _step(line: Line, t_s: float, value: float) -> None:
    if line:
        line.append((t_s, line[-1][1]))
    line.append((t_s, value))


def _ends(text: str) -> tuple[float, float] | None:
    """x of the last released and of the last node; None if the order cannot be read."""
    try:
        nodes = json.loads(text)["nodes"]
        xs = [(bool(one["released"]), float(one["nodePosition"]["x"])) for one in nodes]
        return [x for released, x in xs if released][-1], xs[-1][1]
    except (ValueError, KeyError, TypeError, IndexError):
        return None
