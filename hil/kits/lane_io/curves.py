"""What the charts of everything behind an I/O module have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from markupsafe import Markup

from hil.charts import strip

from .session import LaneIoView

Right = Callable[[str, bool], Callable[[dict[str, Any]], bool]]
"""Of a name and a state: whether a record shows it."""


def delays(
    view: LaneIoView[Any, Any],
    names: Iterable[str],
    kind: str,
    right: Right,
    series: Sequence[tuple[str, bool, str]],
    limits: Sequence[tuple[str, float]],
) -> Markup:
    """For each name how long each change took; `series` are (title, state, ending of its mark)."""
    rows = []
    for name in names:
        dots = []
        for title, on, ending in series:
            delay_s = view.delay_s(f"{name}-{ending}", kind, right(name, on))
            if delay_s is not None:
                dots.append((title, delay_s))
        rows.append((name, dots))
    return strip(rows, "s", limits)


def has(name: str, on: bool) -> Callable[[dict[str, Any]], bool]:
    """A record whose `name` is `on`."""
    return lambda payload: name in payload and bool(payload[name]) == on
