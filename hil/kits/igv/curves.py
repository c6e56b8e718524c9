"""Charts of a vehicle's certificate: place and speed against the base's end, state intervals."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import pairwise

from markupsafe import Markup

from hil.charts import chart, of_case
from twin.trace import Record

Line = list[tuple[float, float]]


def curves(records: Sequence[Record]) -> list[tuple[str, Markup]]:
    """The drive to the decision point, and how far apart its states are, where recorded."""
    found: list[tuple[str, Markup]] = []
    drive = of_case(records, "horizon")
    seen = [r for r in drive if r.kind == "truth"]
    if seen:
        found.append(("Driving to the decision point: distance, and the base's end", _way(drive)))
        start = drive[0].t_s
        speed = [(r.t_s - start, float(r.payload["speed_m_s"])) for r in seen]
        found.append(("Driving to the decision point: true speed", _chart("speed", speed, "m/s")))
    states = [r.t_s for r in of_case(records, "idle") if _is_state(r)]
    gaps = [(later - states[0], later - one) for one, later in pairwise(states)]
    if gaps:
        limit = [("30 s", 30.0, 0.0, gaps[-1][0])]
        title = "Time between two states while nothing happens"
        found.append((title, chart([("interval", gaps)], "s", "s", limit)))
    return found


def _is_state(record: Record) -> bool:
    return record.kind == "mqtt" and record.payload["topic"] == "state"


def _chart(name: str, line: Line, unit: str) -> Markup:
    return chart([(name, line)], "s", unit, [])


def _way(drive: Sequence[Record]) -> Markup:
    """Distance from where it began, and where the released nodes end."""
    start = drive[0].t_s
    first = next(r.payload for r in drive if r.kind == "truth")
    begin = (first["x_m"], first["y_m"])

    def off(x: float, y: float) -> float:
        return math.dist(begin, (x, y))

    way = [
        (r.t_s - start, off(r.payload["x_m"], r.payload["y_m"])) for r in drive if r.kind == "truth"
    ]
    base: Line = []
    for record in drive:
        if record.kind != "mqtt.sent" or record.payload["topic"] != "order":
            continue
        nodes = json.loads(record.payload["text"])["nodes"]
        released = [node["nodePosition"] for node in nodes if node["released"]]
        if released:
            end = off(released[-1]["x"], released[-1]["y"])
            if base:
                base.append((record.t_s - start, base[-1][1]))
            base.append((record.t_s - start, end))
    if base:
        base.append((way[-1][0], base[-1][1]))
    return chart([("distance", way), ("end of the base", base)], "s", "m", [])
