"""Charts of a loop detector's certificate: what stood above the loops, what was shown, how late."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from hil.charts import spans, timing
from hil.kits.lane_io.curves import delays, has
from hil.kits.lane_io.session import LaneIoView

ABOVE, SHOWN = "vehicle above the loop", "shown on the wire"
BOTH = (("covered, until shown", True, "on"), ("free again, until shown", False, "off"))


def curves(
    single: LaneIoView[Any, Any] | None, passage: LaneIoView[Any, Any] | None
) -> list[tuple[str, Markup]]:
    """The passage over neighbouring loops in time, and the delays of each loop alone."""
    found = []
    if passage is not None:
        title = "A long vehicle over neighbouring loops: what is there, and what is shown"
        found.append((title, _passage(passage)))
    if single is not None and single.at_once("bodies"):
        limits = [("detect", single.pixit.detect_s), ("release", single.pixit.release_s)]
        svg = delays(single, single.pics.channels, "state", has, BOTH, limits)
        found.append(("How late each loop is shown", svg))
    return [(title, svg) for title, svg in found if svg]


def _passage(view: LaneIoView[Any, Any]) -> Markup:
    bodies = view.of("body")
    if not bodies:
        return Markup("")
    start, end = bodies[0].t_s - 1.0, view.records[-1].t_s
    rows = []
    for channel in view.pics.channels:
        above = [
            (r.t_s - start, bool(r.payload["present"]))
            for r in bodies
            if r.payload["channel"] == channel
        ]
        shown = [
            (s.t_s - start, bool(s.values[channel]))
            for s in view.states
            if s.t_s >= start and channel in s.values
        ]
        rows.append((channel, [spans(above, end - start), spans(shown, end - start)]))
    return timing(rows, [ABOVE, SHOWN], end - start)
