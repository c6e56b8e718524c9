"""Charts of a barrier's certificate: angle, position and force."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from hil.charts import chart, of_case
from twin.trace import Record


def curves(records: Sequence[Record]) -> list[tuple[str, Markup]]:
    """Angle and position over one cycle, the obstacle, and the force records, where recorded."""
    found: list[tuple[str, Markup]] = []
    cycle = of_case(records, "cycle")
    if cycle:
        found.append(("Opening and closing: true angle and position on the wire", _motion(cycle)))
    obstacle = of_case(records, "obstacle")
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


def _motion(records: Sequence[Record]) -> Markup:
    start = records[0].t_s
    truth = [(r.t_s - start, float(r.payload["angle_deg"])) for r in records if r.kind == "truth"]
    wire = [
        (r.t_s - start, 0.9 * r.payload["position_percent"])
        for r in records
        if r.kind == "state" and isinstance(r.payload.get("position_percent"), int | float)
    ]
    return chart([("true angle", truth), ("position on the wire × 0.9", wire)], "s", "°", [])
