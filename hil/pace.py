"""Whether the device's own time runs as fast as the bench's, by the stamps that it sends.

An emulator that runs at another speed than the bench file says would be judged by wrong times,
and nothing else would tell: every limit would just be missed, or met too easily.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable

from twin.clock import Clock

from .errors import BenchError

LOOK_S = 5.0
"""How long the two clocks are compared, of the bench's time; many cameras say whole seconds."""

_SLOW, _FAST = 0.67, 1.5
"""A ratio beyond these is no drift and no late answer: crystals are good to a thousandth."""

_STANDS = 0.01
"""A clock slower than this stands: that is for the suite to judge, not a speed."""

Look = Callable[[], Awaitable[float | None]]
"""The device's civil time now, in seconds from any instant; None if it says none."""


async def check_pace(clock: Clock, device: str, look: Look) -> None:
    """Compare twice, so that a clock that is set meanwhile is no other speed.

    Raises `BenchError` if the device's time runs at another speed than the bench's.
    """
    ratio: float | None = None
    for _ in range(2):
        ratio = await _ratio(clock, look)
        if ratio is None or ratio < _STANDS or _SLOW < ratio < _FAST:
            return
    assert ratio is not None
    raise BenchError(
        f"{device}: by its own time stamps {ratio:.1f} s pass in a second of this bench, which "
        f"runs at speed {clock.speed:g}: an emulator at speed {ratio * clock.speed:.3g}? Give both "
        "the same speed (--speed of the emulator, bench.speed in bench.toml)"
    )


async def _ratio(clock: Clock, look: Look) -> float | None:
    first, began_s = await look(), clock.now_s()
    if first is None:
        return None
    await clock.sleep(LOOK_S)
    second, end_s = await look(), clock.now_s()
    return None if second is None else (second - first) / (end_s - began_s)


def stamp_s(text: object) -> float | None:
    """An ISO 8601 time stamp as seconds; None if it is none."""
    try:
        moment = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    epoch = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    return (moment.replace(tzinfo=dt.UTC) - epoch).total_seconds()
