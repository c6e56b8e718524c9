"""The reference model: SimPy processes under an ideal policy.

The policy knows everything at once. A ready box gets the vehicle that waits on its side;
perishables go first, then other reefers, then who came first. A vehicle that nobody needs goes
empty to the other side if, by the shares of the demand, it is needed there more, and fewer are
there than the busiest hour can call for while another comes (base stock: mean and two standard
deviations of a Poisson count). So an empty return begins before a box calls for it. A vehicle whose
battery is low goes to charge after its job; below `SPARE` it does so if no box waits on its side
and a charger is free.

Waiting (ready to load) is the time from when a box is ready until a crane begins to lift it onto
a vehicle. Its crane's own move does not count as waiting.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from twin.capacity import demand, invariants
from twin.capacity.demand import DRAIN_S, Boxes, Floats, Key, Stream
from twin.capacity.invariants import Held
from twin.capacity.journal import LAND, LIFT, Journal
from twin.capacity.lane import Lane, LaneRules, Pauses
from twin.capacity.plan import DAY_S, Plan
from twin.capacity.times import Times, Ways, trip_kwh

Process = Generator[simpy.Event, Any, None]
NEVER = math.nan
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
"""Multiples of it are spread evenly over 0 to 1, however many there are."""
SPARE = 0.5
"""A vehicle with less than this charge fills up when it is not needed (estimate)."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one replication gave; boxes and times after the warm-up only.

    `wait_s` has one entry per box in the order of readiness; a box that was not lifted before the
    model ended stands with the time that it had waited by then, a lower bound.
    """

    wait_s: Floats
    side: NDArray[np.int64]
    """Where each box began: 0 near (it goes out), 1 far (it comes in)."""
    ready_to_landed_s: Floats
    """From ready until landed on the other side; infinite if it was not."""
    day_wait_s: tuple[float, ...]
    """Mean wait of the boxes of each whole day after the warm-up; NaN where none came."""
    unserved: int
    delivered: tuple[int, int]
    """Boxes landed, by the side where they began."""
    mean_waiting: float
    """Time average of the boxes waiting."""
    crane_use: tuple[float, float]
    """Share of the time that a crane of each side moves or is held by a move."""
    igv_use: float
    """Share of the time that a vehicle is neither idle, charging nor under repair."""
    igv_down: float
    """Share of the time that a vehicle charges, is swapped, or is repaired."""
    lane_use: float
    """Share of the time that somebody is on a lane, mean of the lanes."""
    gate_use: tuple[float, float]
    """Share of the time that a customs gate of each side serves a vehicle."""
    charger_use: float
    """Share of the time that a charger is in use, mean of both sides."""
    energy_kwh: float
    trips_empty: int
    breakdowns: int
    events: int
    """SimPy events, warm-up included."""
    held: tuple[Held, ...]
    """The invariants, judged over the whole run."""


@dataclass(slots=True)
class _Igv:
    id: int
    kwh: float
    since_s: float = 0.0
    broken: bool = False
    begun_s: float = 0.0


@dataclass(slots=True)
class _Side:
    cranes: simpy.PriorityResource | None
    chargers: simpy.Resource
    waiting: list[tuple[int, int]] = field(default_factory=list)
    """Heap of (priority, box)."""
    idle: deque[_Igv] = field(default_factory=deque)
    coming: int = 0
    gates_free_s: list[float] = field(default_factory=list)
    """Heap of the instants from which each gate is free."""

    @property
    def surplus(self) -> int:
        return len(self.idle) + self.coming - len(self.waiting)


def simulate(plan: Plan, times: Times, key: Key) -> Run:
    """One replication, a pure function of its arguments."""
    return _Model(plan, times, key).run()


class _Model:
    def __init__(self, plan: Plan, times: Times, key: Key) -> None:
        self.plan, self.times = plan, times
        self.boxes: Boxes = demand.boxes(plan, times, key)
        drawn = self.boxes  # as lists: reading one number of an array makes an object each time
        self._priority: list[int] = drawn.priority.tolist()
        self._lift_s: list[float] = drawn.lift_s.tolist()
        self._land_s: list[float] = drawn.land_s.tolist()
        self._load_kg: list[float] = drawn.load_kg.tolist()
        self._breaks_at: list[float] = drawn.breaks_at.tolist()
        self.env = env = simpy.Environment()
        self.end_s = plan.end_s + DRAIN_S
        wind = key.rng(Stream.WIND)
        self.wind = Pauses(
            env, demand.stops(plan.wind_stops_per_day, plan.wind_stop_s, self.end_s, wind)
        )
        gaps = key.rng(Stream.NETWORK)
        self.link = Pauses(
            env, demand.stops(plan.network_gaps_per_day, plan.network_gap_s, self.end_s, gaps)
        )
        self.sides = [
            _Side(
                simpy.PriorityResource(env, count) if count else None,
                simpy.Resource(env, plan.crossing.chargers),
                gates_free_s=[0.0] * plan.gates,
            )
            for count in plan.cranes
        ]
        self.journal = Journal(env)
        self.lanes = _lanes(plan, times, self.link, self.journal)
        self._empty_breaks = key.rng(Stream.EMPTY_BREAKDOWN)
        n = len(self.boxes)
        self.started = np.full(n, np.nan)
        self.landed = np.full(n, np.nan)
        self.open = plan.open_h is None
        self._at_work: dict[int, _Igv] = {}
        self._busy_igv, self._down_igv, self._busy_charger = 0.0, 0.0, 0.0
        self._area, self._area_s, self._count = 0.0, 0.0, 0
        self.energy_kwh, self.trips_empty, self.breakdowns = 0.0, 0, 0
        out = plan.crossing.out_share
        self._weights = (out, 1.0 - out)
        self._stock = [self._base_stock(side) for side in (0, 1)]
        for number in range(plan.igvs):
            side = 0 if (number + 0.5) / plan.igvs < out else 1
            self.sides[side].idle.append(_Igv(number, self._first_kwh(number)))

    def run(self) -> Run:
        """All of it."""
        env, plan = self.env, self.plan
        env.process(self._arrivals())
        if plan.open_h is not None:
            env.process(self._hours(*plan.open_h))
        events = 0
        while env.peek() < self.end_s:
            env.step()
            events += 1
        return self._result(events)

    # --- what comes and when it is open -----------------------------------------------------

    def _arrivals(self) -> Process:
        ready, side = self.boxes.ready_s.tolist(), self.boxes.side.tolist()
        priority = self._priority
        timeout, env = self.env.timeout, self.env
        for box, at_s in enumerate(ready):
            yield timeout(max(0.0, at_s - env.now))
            heapq.heappush(self.sides[side[box]].waiting, (priority[box], box))
            self._waiting(1)
            self._dispatch()

    def _hours(self, opens_h: float, closes_h: float) -> Process:
        for day in itertools.count():
            for hour, state in ((opens_h, True), (closes_h, False)):
                yield self.env.timeout(max(0.0, day * DAY_S + hour * 3600 - self.env.now))
                self.open = state
                self._dispatch()

    def _waiting(self, change: int) -> None:
        now = self.env.now
        self._area += self._count * self._clipped(self._area_s, now)
        self._area_s, self._count = now, self._count + change

    def _clipped(self, begin_s: float, end_s: float) -> float:
        """The part of a span that counts."""
        return max(0.0, min(end_s, self.plan.end_s) - max(begin_s, self.plan.warmup_s))

    # --- the policy -------------------------------------------------------------------------

    def _base_stock(self, side: int) -> int:
        """How many vehicles are wanted on a side, on their way there included."""
        trip_s = self.times.empty.driving_s(1 - side) + self.times.gate_s
        mean = self.plan.peak_per_s * self._weights[side] * trip_s
        return math.ceil(mean + 2.0 * math.sqrt(mean))

    def _dispatch(self) -> None:
        if self.open:
            for number, side in enumerate(self.sides):
                while side.waiting and (igv := self._fit(number)) is not None:
                    _, box = heapq.heappop(side.waiting)
                    self.sides[1 - number].coming += 1
                    self.env.process(self._carry(igv, box, number))
        for number, here in enumerate(self.sides):
            there = self.sides[1 - number]
            mine, theirs = self._weights[number], self._weights[1 - number]
            while (
                here.idle
                and there.surplus < self._stock[1 - number]
                and (there.surplus + 1) * mine <= (here.surplus - 1) * theirs
            ):
                igv = self._fit(number)
                if igv is None:
                    break
                there.coming += 1
                self.env.process(self._return(igv, number))

    def _fit(self, side: int) -> _Igv | None:
        """A vehicle that waits on this side and has enough in its battery."""
        idle = self.sides[side].idle
        while idle:
            igv = idle.popleft()
            self._drain(igv)
            if not self._low(igv):
                igv.begun_s = self.env.now
                self._at_work[igv.id] = igv
                return igv
            self.env.process(self._charge(igv, side))
        return None

    # --- what a vehicle does ----------------------------------------------------------------

    def _carry(self, igv: _Igv, box: int, side: int) -> Process:
        other = 1 - side
        yield from self._move(LIFT, side, box, igv, self._lift_s[box])
        yield from self._trip(
            igv, side, self.times.loaded, self._load_kg[box], self._breaks_at[box], box
        )
        yield from self._move(LAND, other, box, igv, self._land_s[box])
        self.landed[box] = self.env.now
        self.sides[other].coming -= 1
        yield from self._done(igv, other)

    def _return(self, igv: _Igv, side: int) -> Process:
        breaks_at = float(demand.breakdowns(self.plan, 1, self._empty_breaks)[0])
        if self.env.now >= self.plan.warmup_s:
            self.trips_empty += 1
        yield from self._trip(igv, side, self.times.empty, 0.0, breaks_at)
        self.sides[1 - side].coming -= 1
        yield from self._done(igv, 1 - side)

    def _move(self, kind: float, side: int, box: int, igv: _Igv, move_s: float) -> Process:
        cranes = self.sides[side].cranes
        if cranes is None:
            yield self.env.event()  # no crane will ever come
            return
        with cranes.request(priority=self._priority[box]) as turn:
            yield turn
            yield from self.wind.over()
            row = self.journal.begin_move(kind, box, side, igv.id)
            if kind == LIFT:
                self.started[box] = self.env.now
                self._waiting(-1)
            yield self.env.timeout(move_s)
            self.journal.end_move(row)

    def _trip(
        self, igv: _Igv, side: int, ways: Ways, load_kg: float, breaks_at: float, box: int = -1
    ) -> Process:  # fmt: skip
        env, here = self.env, self.sides[side]
        at_gate_s = env.now + ways.to_gate_s[side]
        # Gates serve one after the other in constant time, so the queue of one is one number;
        # those who leave a crane earlier also reach it earlier.
        through_s = max(at_gate_s, here.gates_free_s[0]) + self.times.gate_s
        heapq.heapreplace(here.gates_free_s, through_s)
        yield env.timeout(through_s - env.now)
        trip = self.journal.gate(side, through_s - self.times.gate_s, through_s)
        if self.plan.link:  # the far side answers at once, when it can be asked
            yield from self.link.over()
            self.journal.far_release(trip)
        broken_s, tow_s = NEVER, 0.0
        if breaks_at == breaks_at:  # not NaN
            igv.broken = True
            self.breakdowns += env.now >= self.plan.warmup_s
            tow_s = self.plan.crossing.tow_s[0 if self.plan.lanes == 1 else 1]
            way_s = breaks_at * ways.driving_s(side) - ways.to_gate_s[side]
            if 0 <= way_s < ways.bridge_s:
                broken_s = way_s
            else:  # on the road before or behind it, where others pass
                yield env.timeout(tow_s)
        if self.lanes is not None:
            lane = self.lanes[side]
            yield from lane.cross(side, ways.bridge_s, broken_s, tow_s, igv.id, trip, box)
        elif self.plan.free_lane:
            row = self.journal.begin_passage(-1, side, igv.id, trip, box)
            self.journal.enter(row)
            yield env.timeout(ways.bridge_s)
            self.journal.leave(row)
        else:
            yield env.event()  # there is no way over
        yield env.timeout(ways.to_crane_s[side])
        igv.kwh -= trip_kwh(self.times, ways, load_kg)
        if env.now >= self.plan.warmup_s:
            self.energy_kwh += trip_kwh(self.times, ways, load_kg)

    def _done(self, igv: _Igv, side: int) -> Process:
        del self._at_work[igv.id]
        self._busy_igv += self._clipped(igv.begun_s, self.env.now)
        if igv.broken:
            begun_s = self.env.now
            yield self.env.timeout(self.plan.crossing.repair_s)
            self._down_igv += self._clipped(begun_s, self.env.now)
            igv.broken = False
        self._drain(igv)
        if self._low(igv) or self._may_fill(igv, self.sides[side]):
            yield from self._charge(igv, side)
        else:
            self._free(igv, side)

    def _free(self, igv: _Igv, side: int) -> None:
        self.sides[side].idle.append(igv)
        self._dispatch()

    # --- energy -----------------------------------------------------------------------------

    def _first_kwh(self, number: int) -> float:
        """Batteries begin evenly spread, as in a fleet that has long been at work."""
        energy = self.times.energy
        share = (number * GOLDEN) % 1.0
        return energy.capacity_kwh * (energy.low + (energy.taper_from - energy.low) * share)

    def _drain(self, igv: _Igv) -> None:
        """The base load since it was last reckoned."""
        used = self.times.energy.consumed_kwh(0.0, self.env.now - igv.since_s)
        self.energy_kwh += self.times.energy.consumed_kwh(
            0.0, self._clipped(igv.since_s, self.env.now)
        )
        igv.kwh -= used
        igv.since_s = self.env.now

    def _low(self, igv: _Igv) -> bool:
        energy = self.times.energy
        return self.plan.battery != "none" and igv.kwh < energy.low * energy.capacity_kwh

    def _may_fill(self, igv: _Igv, side: _Side) -> bool:
        below = igv.kwh < SPARE * self.times.energy.capacity_kwh
        free = side.chargers.count < side.chargers.capacity
        return self.plan.battery != "none" and below and free and not side.waiting

    def _charge(self, igv: _Igv, side: int) -> Process:
        """At a charger up to where its power falls; or a full battery for an empty one."""
        energy, begun_s = self.times.energy, self.env.now
        with self.sides[side].chargers.request() as turn:
            yield turn
            plugged_s = self.env.now
            if self.plan.battery == "swap":
                yield self.env.timeout(energy.swap_s)
                igv.kwh = energy.capacity_kwh
            else:
                charge = max(0.0, igv.kwh / energy.capacity_kwh)
                yield self.env.timeout(energy.charging_s(charge, energy.taper_from))
                igv.kwh = energy.taper_from * energy.capacity_kwh
            self._busy_charger += self._clipped(plugged_s, self.env.now)
        self._down_igv += self._clipped(begun_s, self.env.now)
        igv.since_s = self.env.now
        self._free(igv, side)

    # --- the figures ------------------------------------------------------------------------

    def _share(self, spans_s: Floats) -> float:
        """The time within the part that counts, as a share of it; n x 2: begin and end."""
        begin_s = np.maximum(spans_s[:, 0], self.plan.warmup_s)
        end_s = np.minimum(spans_s[:, 1], self.plan.end_s)
        return float(np.maximum(0.0, end_s - begin_s).sum()) / (
            self.plan.end_s - self.plan.warmup_s
        )

    def _result(self, events: int) -> Run:
        plan, ready = self.plan, self.boxes.ready_s
        self._waiting(0)
        counts = (ready >= plan.warmup_s) & (ready < plan.end_s)
        served = np.isfinite(self.started)
        wait_s = np.where(served, self.started, self.end_s)[counts] - ready[counts]
        span_s = plan.end_s - plan.warmup_s
        side = self.boxes.side[counts]
        landed_s = np.nan_to_num(self.landed[counts] - ready[counts], nan=math.inf)
        done = side[np.isfinite(landed_s)]
        moves, gates, passages = self.journal.moves, self.journal.gates, self.journal.passages
        self._busy_igv += sum(
            self._clipped(igv.begun_s, self.env.now) for igv in self._at_work.values()
        )
        igvs = max(1, plan.igvs)
        return Run(
            wait_s=wait_s,
            side=side,
            ready_to_landed_s=landed_s,
            day_wait_s=_by_day(wait_s, ready[counts] - plan.warmup_s, span_s),
            unserved=int((counts & ~served).sum()),
            delivered=(int((done == 0).sum()), int((done == 1).sum())),
            mean_waiting=self._area / span_s,
            crane_use=(
                self._share(moves[moves[:, 2] == 0, 4:6]) / max(1, plan.cranes[0]),
                self._share(moves[moves[:, 2] == 1, 4:6]) / max(1, plan.cranes[1]),
            ),
            igv_use=self._busy_igv / span_s / igvs,
            igv_down=self._down_igv / span_s / igvs,
            lane_use=sum(
                self._share(_unions(passages[passages[:, 0] == lane][:, [5, 7]]))
                for lane in range(plan.lanes)
            ) / max(1, plan.lanes),
            gate_use=(
                self._share(gates[gates[:, 0] == 0, 1:]) / plan.gates,
                self._share(gates[gates[:, 0] == 1, 1:]) / plan.gates,
            ),
            charger_use=self._busy_charger / span_s / (2 * plan.crossing.chargers),
            energy_kwh=self.energy_kwh,
            trips_empty=self.trips_empty,
            breakdowns=self.breakdowns,
            events=events,
            held=invariants.judge(self.journal, plan, ready, self.times.headway_s),
        )  # fmt: skip


def _unions(spans_s: Floats) -> Floats:
    """Spans (begin, end; ordered by begin) as those during which there was any."""
    if not len(spans_s):
        return spans_s
    until_s = np.maximum.accumulate(spans_s[:, 1])
    first = np.append(True, spans_s[1:, 0] > until_s[:-1])
    last = np.append(first[1:], True)
    return np.column_stack([spans_s[first, 0], until_s[last]])


def _by_day(wait_s: Floats, since_s: Floats, span_s: float) -> tuple[float, ...]:
    day = (since_s // DAY_S).astype(np.int64)
    days = int(span_s // DAY_S + 1e-9)
    total = np.bincount(day, wait_s, minlength=days)[:days]
    count = np.bincount(day, minlength=days)[:days]
    with np.errstate(invalid="ignore"):
        return tuple((total / count).tolist())


def _lanes(
    plan: Plan, times: Times, link: Pauses, journal: Journal
) -> tuple[Lane, Lane] | None:  # fmt: skip
    """The lane that each side's vehicles take: the same one, or one for each direction."""
    if plan.lanes == 0 or plan.free_lane:
        return None
    c = plan.crossing
    rules = LaneRules(
        c.platoon, c.clearance_s, times.headway_s, 0.0 if plan.link else c.manual_release_s
    )
    first = Lane(rules, link, journal)
    return (first, first) if plan.lanes == 1 else (first, Lane(rules, link, journal, 1))
