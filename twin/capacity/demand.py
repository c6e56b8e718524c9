"""Which boxes come, and all that chance has in store for each: drawn before the run begins.

Every random source has a stream of its own, numbered by scenario, replication and source, and what
belongs to a box is drawn with the box. So two fleets meet the same boxes, the same crane moves and
the same breakdowns (common random numbers), whatever the number of processes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from twin.capacity.plan import DAY_S, Plan
from twin.capacity.times import Times
from twin.world.hours import Hourly

Floats = NDArray[np.float64]
DRAIN_S = 4 * 3600.0
"""So long after the last box that counts, boxes go on coming and the model goes on."""


class Stream(IntEnum):
    """The random sources."""

    ARRIVALS = 0
    DIRECTION = 1
    KIND = 2
    LOAD = 3
    LIFT = 4
    LAND = 5
    BREAKDOWN = 6
    EMPTY_BREAKDOWN = 7
    WIND = 8
    NETWORK = 9


@dataclass(frozen=True, slots=True)
class Key:
    """Which draw of the numbers: the scenario is the demand, not its place in a list."""

    seed: int
    scenario: int
    replication: int

    def rng(self, stream: Stream) -> np.random.Generator:
        """The generator of one source."""
        spawn = (self.scenario, self.replication, int(stream))
        return np.random.Generator(
            np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=spawn))
        )


@dataclass(frozen=True, slots=True)
class Boxes:
    """All boxes of one run in the order in which they are ready; one array entry each."""

    ready_s: Floats
    side: NDArray[np.int64]
    """Where it stands: 0 near, 1 far."""
    priority: NDArray[np.int64]
    """0 perishable, 1 other reefer, 2 dry; the lower goes first."""
    load_kg: Floats
    lift_s: Floats
    land_s: Floats
    breaks_at: Floats
    """Share of the loaded trip after which its vehicle breaks down; NaN: it does not."""

    def __len__(self) -> int:
        return len(self.ready_s)


def boxes(plan: Plan, times: Times, key: Key) -> Boxes:
    """The boxes of one replication."""
    c = plan.crossing
    ready = _arrivals(plan, key.rng(Stream.ARRIVALS))
    n = len(ready)
    kind = key.rng(Stream.KIND).random(n)
    priority = np.where(kind < c.perishable_share, 0, np.where(kind < c.reefer_share, 1, 2))
    plug = np.where(priority < 2, c.reefer_plug_s, 0.0)
    return Boxes(
        ready_s=ready,
        side=(key.rng(Stream.DIRECTION).random(n) >= c.out_share).astype(np.int64),
        priority=priority.astype(np.int64),
        load_kg=key.rng(Stream.LOAD).uniform(c.load_kg[0], c.load_kg[1], n),
        lift_s=_handling(plan, times, 0, n, key.rng(Stream.LIFT)) + plug,
        land_s=_handling(plan, times, 1, n, key.rng(Stream.LAND)) + plug,
        breaks_at=breakdowns(plan, n, key.rng(Stream.BREAKDOWN)),
    )


def _arrivals(plan: Plan, rng: np.random.Generator) -> Floats:
    """A Poisson process whose rate follows the hours of the day, constant within each."""
    hours = int(np.ceil((plan.end_s + DRAIN_S) / 3600))
    counts = rng.poisson(Hourly(plan.profile, hours * 3600.0).expected(plan.boxes_per_day))
    ready = np.repeat(np.arange(hours) * 3600.0, counts) + rng.random(counts.sum()) * 3600.0
    return np.sort(ready)


def _handling(plan: Plan, times: Times, which: int, n: int, rng: np.random.Generator) -> Floats:
    if plan.handling == "crane":
        return rng.choice(np.asarray(times.move_s, dtype=np.float64), n)
    mean_s = plan.handling_s[which]
    if plan.handling == "exponential":
        return rng.exponential(mean_s, n)
    return np.full(n, mean_s)


def breakdowns(plan: Plan, n: int, rng: np.random.Generator) -> Floats:
    """For each of `n` trips the share of it after which the vehicle breaks down, or NaN."""
    breaks, place = rng.random(n), rng.random(n)
    share = plan.crossing.breakdowns_per_trip if plan.breakdowns else 0.0
    return np.where(breaks < share, place, np.nan)


def stops(per_day: float, mean_s: float, end_s: float, rng: np.random.Generator) -> Floats:
    """Begin and end (n x 2, s) of stops: exponential times between them and of them."""
    if per_day <= 0:
        return np.empty((0, 2))
    found, now = [], 0.0
    while (now := now + float(rng.exponential(DAY_S / per_day))) < end_s:
        until = now + float(rng.exponential(mean_s))
        found.append((now, until))
        now = until
    return np.asarray(found, dtype=np.float64).reshape(-1, 2)
