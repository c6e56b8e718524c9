"""Charts of a crane's certificate: the spreader's way in a mission, and its emergency stop."""

from __future__ import annotations

from markupsafe import Markup

from hil.charts import chart

from . import words
from .view import CraneView


def curves(move: CraneView | None, stop: CraneView | None) -> list[tuple[str, Markup]]:
    """Places of the axes over a mission; speeds about the emergency stop."""
    found: list[tuple[str, Markup]] = []
    if move is not None and (begun := move.mark("started")) is not None:
        found += _chart(move, "place", begun, "A mission: places of the axes")
    if stop is not None and (pressed := stop.mark("pressed")) is not None:
        found += _chart(
            stop, "speed", pressed - 5.0, "Speeds before and after the emergency stop", end_s=10.0
        )
    return found


def _chart(
    view: CraneView, what: str, begun: float, title: str, *, end_s: float = float("inf")
) -> list[tuple[str, Markup]]:
    lines = {
        axis: [
            (one.t_s - begun, float(one.value)) for one in view.told(f"{axis}.{what}")
            if one.value is not None and 0 <= one.t_s - begun <= end_s
        ]
        for axis in words.AXES
    }  # fmt: skip
    unit = {"place": "m", "speed": "m/s"}[what]
    return [(title, chart(list(lines.items()), "s", unit, []))] if any(lines.values()) else []
