"""Charts of a traffic light's certificate: luminous intensity, and what silence does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from hil.charts import spans, strip, timing

if TYPE_CHECKING:
    from . import LightView

WITHIN_S = 0.5
"""What LGT-REC-01 allows beyond the declared time of the watchdog."""


def curves(lamps: LightView | None, silence: LightView | None) -> list[tuple[str, Markup]]:
    """The intensity of each lamp, and which lamps are lit while the master is silent."""
    found = []
    if lamps is not None:
        found.append(("Luminous intensity of each lamp", _intensity(lamps)))
    if silence is not None:
        title = "The master falls silent after green: which lamps are lit"
        found.append((title, _fallback(silence)))
    return [(title, svg) for title, svg in found if svg]


def _intensity(view: LightView) -> Markup:
    rows = []
    for name in view.pics.lamps:
        seen = [float(r.payload.get(name, 0.0)) for r in view.of("light")]
        rows.append((name, [("brightest", max(seen))] if seen else []))
    return strip(rows, "cd", [("declared least", view.pixit.intensity_cd_min)])


def _fallback(view: LightView) -> Markup:
    start, seen = view.mark("silent"), view.lit("silent", "back")
    if start is None or not seen:
        return Markup("")
    end = seen[-1][0] - start
    rows = [
        (name, [spans([(t - start, name in lit) for t, lit in seen], end)])
        for name in view.pics.lamps
    ]
    limits = [("red at the latest", view.pixit.watchdog_s + WITHIN_S)]
    return timing(rows, ["lit"], end, limits)
