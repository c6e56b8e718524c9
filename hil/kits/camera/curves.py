"""Charts of a plate camera's certificate: how late its events are, and what it believes."""

from __future__ import annotations

from markupsafe import Markup

from hil.charts import chart

from .view import SURE, CameraView

Points = list[tuple[float, float]]


def curves(view: CameraView | None) -> list[tuple[str, Markup]]:
    """Latency and confidence of each vehicle of the case `reading`."""
    if view is None:
        return []
    late: dict[str, Points] = {"clean": [], "covered with mud": []}
    sure: dict[str, Points] = {"read right": [], "read wrong": [], "unknown": [], "no event": []}
    passages = view.passages()
    for number, (shown, events) in enumerate(passages, start=1):
        plate = shown.payload["plate"]
        if not events:
            sure["no event"].append((number, 0.0))
            continue
        first = events[0]
        how = "covered with mud" if shown.payload["covered"] else "clean"
        late[how].append((number, first.t_s - shown.t_s))
        read = {plate: "read right", "UNKNOWN": "unknown"}.get(first.plate, "read wrong")
        sure[read].append((number, first.confidence))
    end = float(len(passages))
    found = []
    if view.instant:
        limits = [("declared latency", view.pixit.latency_s, 0.0, end)]
        svg = chart(_drawn(late), "", "s", limits, dots=True)
        found.append(("From the trigger line to the event, vehicle by vehicle", svg))
    limits = [("a claim", float(SURE), 0.0, end)]
    svg = chart(_drawn(sure), "", "%", limits, dots=True)
    found.append(("How sure the camera was of its readings, vehicle by vehicle", svg))
    return [(title, svg) for title, svg in found if svg]


def _drawn(series: dict[str, Points]) -> list[tuple[str, Points]]:
    return [(name, points) for name, points in series.items() if points]
