"""Charts of a receiver's certificate: where it says to be at rest, and its quality in an outage."""

from __future__ import annotations

import math

from markupsafe import Markup

from hil.charts import chart

from .view import GnssView


def curves(stream: GnssView | None, outage: GnssView | None) -> list[tuple[str, Markup]]:
    """Distance from the surveyed point, and quality after the loss of all signals."""
    found: list[tuple[str, Markup]] = []
    if stream is not None:
        epochs = stream.whole()
        apart = [(e.t_s - epochs[0].t_s, stream.apart_m(e)) for e in epochs]
        points = [(t_s, 100 * m) for t_s, m in apart if m is not None]
        said = []
        for epoch in epochs:
            north, east = epoch.number("GST", 5), epoch.number("GST", 6)
            if north is not None and east is not None:
                said.append((epoch.t_s - epochs[0].t_s, 100 * math.hypot(north, east)))
        if points:
            limit = ("declared accuracy", 100 * stream.pixit.accuracy_m, 0.0, points[-1][0])
            series = [("distance", points), ("stated deviation", said)]
            title = "At rest: distance from the surveyed point"
            svg = chart([one for one in series if one[1]], "s", "cm", [limit], dots=True)
            found.append((title, svg))
    lost_s = outage.mark("lost") if outage is not None else None
    if outage is not None and lost_s is not None:
        seen = [(e.t_s - lost_s, float(e.quality)) for e in outage.whole() if e.t_s >= lost_s]
        if seen:
            title = "Quality of GGA after all signals were lost (0 none, 4 fixed, 5 float)"
            found.append((title, chart([("quality", seen)], "s", "", [], dots=True)))
    return found
