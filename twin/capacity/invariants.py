"""What must hold in every run of the capacity tier, judged from its journal alone.

The judge shares no code with the model: it sees when cranes, gates and lanes were held and by whom,
and finds out for itself whether that was allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.capacity.journal import LAND, LIFT, Journal
from twin.capacity.plan import Plan

Floats = NDArray[np.float64]
_EPS_S = 1e-6
"""Times are sums of floats; a difference below a microsecond is none."""
IDS = ("CAP-01", "CAP-02", "CAP-03")
"""Each box once; no two in one zone; nothing over the line without both releases."""


@dataclass(frozen=True, slots=True)
class Held:
    """The verdict on one invariant: how often it was judged, how often broken, the first case."""

    id: str
    checked: int
    violations: int = 0
    first: str = ""


def judge(journal: Journal, plan: Plan, ready_s: Floats, headway_s: float) -> tuple[Held, ...]:
    """All invariants of one run; boxes are numbered as in `ready_s`, times in seconds."""
    moves, passages = journal.moves, journal.passages
    zones = [*_cranes(moves, plan), *_gates(journal, plan), *_vehicles(moves, passages)]
    zones += [*_lanes(passages, plan, headway_s)]
    return (
        _held("CAP-01", *_boxes_once(moves, passages, ready_s)),
        _held("CAP-02", sum(n for n, _ in zones), [text for _, found in zones for text in found]),
        _held("CAP-03", *_released(passages, journal)),
    )


def together(runs: Iterable[Sequence[Held]]) -> tuple[Held, ...]:
    """The verdicts of many runs as one."""
    found = []
    for same in zip(*runs, strict=True):
        first = next((one.first for one in same if one.first), "")
        found.append(Held(same[0].id, sum(one.checked for one in same),
                          sum(one.violations for one in same), first))  # fmt: skip
    return tuple(found)


def _held(id: str, checked: int, broken: Sequence[str]) -> Held:
    return Held(id, checked, len(broken), broken[0] if broken else "")


# --- each box once ------------------------------------------------------------------------------


def _boxes_once(moves: Floats, passages: Floats, ready_s: Floats) -> tuple[int, list[str]]:
    """One lift when it is ready, one passage, one landing on the other side, one vehicle."""
    lifts, lands = moves[moves[:, 0] == LIFT], moves[moves[:, 0] == LAND]
    rides, count = passages[passages[:, 4] >= 0], len(ready_s)
    broken = [
        f"box {box} {what} {times[box]} times"
        for what, rows, column in (("lifted", lifts, 1), ("over the bridge", rides, 4),
                                   ("landed", lands, 1))
        for times in (np.bincount(rows[:, column].astype(np.int64), minlength=count),)
        for box in np.flatnonzero(times > 1)
    ]  # fmt: skip
    # side, vehicle and end of what must have come before, by box; NaN: it has not
    lifted = _by_box(lifts[:, 1], lifts[:, [2, 3, 5]], count)
    crossed = _by_box(rides[:, 4], rides[:, [1, 2, 7]], count)
    early = lifts[:, 4] < ready_s[lifts[:, 1].astype(np.int64)] - _EPS_S
    broken += [f"box {row[1]:.0f} lifted before it was ready" for row in lifts[early]]
    before = lifted[rides[:, 4].astype(np.int64)]
    given = (before[:, :2] == rides[:, 1:3]).all(axis=1) & (before[:, 2] <= rides[:, 5] + _EPS_S)
    broken += [
        f"box {row[4]:.0f} on the bridge at {row[5]:.1f} s by a vehicle that was not given it"
        for row in rides[~given]
    ]
    before = crossed[lands[:, 1].astype(np.int64)]
    brought = (
        (before[:, 0] == 1 - lands[:, 2]) & (before[:, 1] == lands[:, 3])
        & (before[:, 2] <= lands[:, 4] + _EPS_S)
    )  # fmt: skip
    broken += [
        f"box {row[1]:.0f} landed at {row[4]:.1f} s by a vehicle that had not brought it over"
        for row in lands[~brought]
    ]
    return len(lifts), broken


def _by_box(boxes: Floats, rows: Floats, count: int) -> Floats:
    found = np.full((count, rows.shape[1]), np.nan)
    found[boxes.astype(np.int64)] = rows
    return found


# --- no two in one zone -------------------------------------------------------------------------

Zone = tuple[int, list[str]]


def _crowd(what: str, begin_s: Floats, end_s: Floats, most: int) -> Zone:
    """At most so many at the same time; one leaves before the next comes at the same instant."""
    times = np.concatenate([end_s, begin_s])
    change = np.concatenate([-np.ones(len(end_s)), np.ones(len(begin_s))])
    order = np.lexsort((change, np.round(times / _EPS_S)))
    inside = np.cumsum(change[order])
    over = np.flatnonzero((inside > most) & (change[order] > 0))
    return len(begin_s), [
        f"{inside[place]:.0f} {what} at {times[order][place]:.1f} s, room for {most}"
        for place in over
    ]


def _cranes(moves: Floats, plan: Plan) -> Iterable[Zone]:
    for side, count in enumerate(plan.cranes):
        here = moves[moves[:, 2] == side]
        yield _crowd(f"moves under the cranes of side {side}", here[:, 4], here[:, 5], count)


def _gates(journal: Journal, plan: Plan) -> Iterable[Zone]:
    rows = journal.gates
    for side in (0, 1):
        here = rows[rows[:, 0] == side]
        yield _crowd(f"vehicles in the gate of side {side}", here[:, 1], here[:, 2], plan.gates)


def _vehicles(moves: Floats, passages: Floats) -> Iterable[Zone]:
    """A vehicle is in one place, and has one box on it."""
    who = np.concatenate([moves[:, 3], passages[:, 2]])
    begin_s = np.concatenate([moves[:, 4], passages[:, 5]])
    end_s = np.concatenate([moves[:, 5], passages[:, 7]])
    order = np.lexsort((begin_s, who))
    who, begin_s, end_s = who[order], begin_s[order], end_s[order]
    twice = (who[1:] == who[:-1]) & (begin_s[1:] < end_s[:-1] - _EPS_S)
    yield (
        len(who),
        [
            f"vehicle {who[place]:.0f} in two places at {begin_s[place + 1]:.1f} s"
            for place in np.flatnonzero(twice)
        ],
    )


def _lanes(passages: Floats, plan: Plan, headway_s: float) -> Iterable[Zone]:
    """Followers keep their distance, nobody overtakes, nobody meets another on one lane."""
    for lane in np.unique(passages[passages[:, 0] >= 0, 0]):
        here = passages[passages[:, 0] == lane]
        side, turn_s, entered_s, left_s = here[:, 1], here[:, 5], here[:, 6], here[:, 7]
        empty_s = np.maximum.accumulate(left_s)[:-1]
        same = side[1:] == side[:-1]
        met = ~same & (turn_s[1:] < empty_s + plan.crossing.clearance_s - _EPS_S)
        with np.errstate(invalid="ignore"):  # two that are still inside: infinite less infinite
            behind = left_s[1:] - left_s[:-1] < headway_s - _EPS_S
        near = same & ((entered_s[1:] - entered_s[:-1] < headway_s - _EPS_S) | behind)
        if not plan.link:
            near |= same & (turn_s[1:] < left_s[:-1] - _EPS_S)
        yield (
            len(here),
            [
                f"vehicle {here[place + 1, 2]:.0f} {'against' if met[place] else 'too near to'} "
                f"vehicle {here[place, 2]:.0f} on lane {lane:.0f} at {turn_s[place + 1]:.1f} s"
                for place in np.flatnonzero(met | near)
            ],
        )


# --- both releases ------------------------------------------------------------------------------


def _released(passages: Floats, journal: Journal) -> tuple[int, list[str]]:
    """Whoever drives onto the bridge has been released by both sides before."""
    entered = passages[np.isfinite(passages[:, 6])]
    trips = entered[:, 3].astype(np.int64)
    own_s, far_s = journal.own_s[trips], journal.far_s[trips]
    missing = ~((own_s <= entered[:, 6] + _EPS_S) & (far_s <= entered[:, 6] + _EPS_S))
    return len(entered), [
        f"vehicle {row[2]:.0f} onto the bridge at {row[6]:.1f} s without both releases"
        for row in entered[missing]
    ]
