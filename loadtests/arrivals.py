"""When requests are meant to start: drawn whole before the run, from a seed.

An open schedule does not care how the server feels; trucks do not stop coming because a
database is slow. The same seed gives the same instants, on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from loadtests.errors import LoadError

Instants = NDArray[np.float64]
"""Intended starts in seconds from the start of the load, rising."""

ARRIVALS_MAX = 5_000_000
"""Longest schedule that is drawn: 40 MB."""

DAY_WEIGHTS = (5.0, 9.5, 14.0, 11.5, 7.5, 4.5, 6.0, 9.5, 11.0, 10.0, 7.0, 4.5)
"""Share of a 12-hour opening day by hour, percent: a peak hour of 14 % and a second one of 11 %.
The two peaks are the estimate of the site's design day; the hours between are filled in."""

CONVOY_SIZE = 10
"""Trucks in a convoy (estimate: a yard releases by the dozen)."""

CONVOY_GAP_S = 0.02
"""Seconds between members of a convoy, as their messages reach a service."""

REOPENING_CLOSED_SHARE = 0.25
"""Share of the run for which the bridge is shut; its arrivals wait for the re-opening."""

REOPENING_SPIKE_SHARE = 0.05
"""Share of the run in which those who waited are all let in."""


def constant(rate_per_s: float, duration_s: float, rng: np.random.Generator) -> Instants:  # noqa: ARG001
    """One request every 1/rate seconds: a poller."""
    return np.arange(round(rate_per_s * duration_s), dtype=np.float64) / rate_per_s


def poisson(rate_per_s: float, duration_s: float, rng: np.random.Generator) -> Instants:
    """Independent arrivals at a steady mean rate."""
    count = int(rng.poisson(rate_per_s * duration_s))
    return np.sort(rng.uniform(0.0, duration_s, count))


def day(rate_per_s: float, duration_s: float, rng: np.random.Generator) -> Instants:
    """An opening day squeezed into the run: Poisson with the hours' weights; `rate` is its mean."""
    hour_s = duration_s / len(DAY_WEIGHTS)
    total = rate_per_s * duration_s
    parts = [
        hour * hour_s + poisson(total * weight / 100.0 / hour_s, hour_s, rng)
        for hour, weight in enumerate(DAY_WEIGHTS)
    ]
    return np.concatenate(parts)


def convoy(rate_per_s: float, duration_s: float, rng: np.random.Generator) -> Instants:
    """Convoys of ten at Poisson instants; the mean rate is kept."""
    heads = poisson(rate_per_s / CONVOY_SIZE, duration_s, rng)
    members = heads[:, None] + np.arange(CONVOY_SIZE)[None, :] * CONVOY_GAP_S
    instants = np.sort(members.ravel())
    return instants[instants < duration_s]


def reopening(rate_per_s: float, duration_s: float, rng: np.random.Generator) -> Instants:
    """The bridge is shut for the first quarter, then everyone who waited comes at once."""
    opens_s = duration_s * REOPENING_CLOSED_SHARE
    spike_s = duration_s * REOPENING_SPIKE_SHARE
    waited = int(rng.poisson(rate_per_s * opens_s))
    spike = opens_s + np.sort(rng.uniform(0.0, spike_s, waited))
    usual = opens_s + poisson(rate_per_s, duration_s - opens_s, rng)
    return np.sort(np.concatenate([spike, usual]))


SHAPES: Mapping[str, Callable[[float, float, np.random.Generator], Instants]] = MappingProxyType(
    {
        "constant": constant,
        "poisson": poisson,
        "day": day,
        "convoy": convoy,
        "reopening": reopening,
    }
)
"""Arrival shapes by name."""


def schedule(shape: str, *, rate_per_s: float, duration_s: float, seed: int) -> Instants:
    """Draw the intended starts of a whole run; `rate_per_s` is the mean over `duration_s`."""
    if shape not in SHAPES:
        raise LoadError(f"unknown arrival shape {shape!r}; known: {', '.join(SHAPES)}")
    if rate_per_s <= 0 or duration_s <= 0:
        raise LoadError(
            f"rate is {rate_per_s}/s for {duration_s} s; both must be above 0 to send anything"
        )
    if rate_per_s * duration_s > ARRIVALS_MAX:
        raise LoadError(
            f"{rate_per_s * duration_s:,.0f} arrivals asked for; at most {ARRIVALS_MAX:,} are "
            "drawn: shorten the run or lower the rate"
        )
    return SHAPES[shape](rate_per_s, duration_s, np.random.Generator(np.random.PCG64(seed)))
