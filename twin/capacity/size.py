"""The smallest fleet that keeps a promise about waiting, what limits it, and N-1 beside it.

A fleet keeps the promise if the upper confidence limit of the quantile is within the limit, no box
is left, and the model has settled. The search assumes that a larger fleet waits no longer; all
fleets meet the same demand (common random numbers). Whoever is chosen because it looked good looks
better than it is, so the answer is confirmed with numbers that the search has not seen, and only
those are reported.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from twin.capacity.demand import Key
from twin.capacity.evaluate import Evaluation, evaluate
from twin.capacity.executor import Replicate, replicate
from twin.capacity.model import Run
from twin.capacity.plan import DAY_S, Part, Plan, SizingError, without
from twin.capacity.statistics import Interval, replications_needed
from twin.capacity.times import Times, cycle_s

MIN_REPLICATIONS = 20
"""Fewer give intervals that are too short too often: docs/capacity.md has the coverage."""
CRANE_LOAD = 0.8
"""The search for cranes begins where the busiest hour loads them to this share."""
CRANE_SHARE = 0.5
"""Cranes are as many that with the largest fleet the wait is at most this share of the limit: what
is left of it is for the fleet. (A choice; `cranes` of the plan overrides it.)"""
_MORE_CRANES = 6
_LOOKS = 3
"""So often the search reckons anew how many replications it needs."""
_UNSEEN = 1_000_000
"""Replications of this number and above are for confirming; the search has those below."""
_WARMUP_MOST_DAYS = 4.0


@dataclass(frozen=True, slots=True)
class Target:
    """The promise: the `quantile` of the ready-to-load wait is at most `wait_s`.

    A box that is on a vehicle waits no longer by that measure, so a queue before the bridge is
    bounded too: 0.95 of the boxes have landed `landed_s` after they were ready (30 minutes is the
    target proposed for Phase 1, 20 for Phase 2).

    `precision`: replications are added up to `replications_max` until half of the interval's width
    is at most this share of the limit, or of the quantile where that is longer.
    """

    wait_s: float = 300.0
    landed_s: float = 1800.0
    quantile: float = 0.95
    confidence: float = 0.95
    replications: int = 30
    replications_max: int = 200
    precision: float = 0.1
    fleet_max: int = 200

    def __post_init__(self) -> None:
        for what, value, low, high in (
            ("wait limit, s", self.wait_s, 0.1, DAY_S),
            ("landing limit, s", self.landed_s, 1.0, 10 * DAY_S),
            ("quantile", self.quantile, 0.01, 0.9999),
            ("confidence", self.confidence, 0.5, 0.9999),
            ("replications", self.replications, MIN_REPLICATIONS, 10_000),
            ("most replications", self.replications_max, self.replications, 100_000),
            ("precision", self.precision, 0.005, 10.0),
            ("largest fleet, IGVs", self.fleet_max, 1, 2_000),
        ):
            if not low <= value <= high:
                raise SizingError(f"{what}: {value:g}; allowed: {low:g} to {high:g}")

    def kept_by(self, found: Evaluation) -> bool:
        """Whether the promise is kept with confidence."""
        kept = found.wait.high <= self.wait_s and self.lands(found)
        return kept and not found.unserved and found.settled is not False

    def lands(self, found: Evaluation) -> bool:
        """Whether boxes land in time with confidence."""
        return found.flows[0].landed_p95_s.high <= self.landed_s

    def clear_of(self, found: Evaluation) -> bool:
        """Whether the limit lies outside the interval, so that more would not change the answer."""
        return not found.wait.low <= self.wait_s <= found.wait.high

    def half_s(self, found: Evaluation) -> float:
        """The half-width that is wanted."""
        return self.precision * max(self.wait_s, found.wait.mean)


@dataclass(frozen=True, slots=True)
class Sizing:
    """The answer for one demand. `found` is None if no fleet up to the largest does."""

    boxes_per_day: float
    target: Target
    found: Evaluation | None
    best: Evaluation
    """The found one, or the largest fleet that was tried."""
    evaluations: tuple[Evaluation, ...]
    """All fleets that the search tried with these cranes and lanes, by size."""
    one_less: Interval
    """By how much the quantile grows with one vehicle less (s), in pairs."""
    limits: tuple[tuple[Part, Evaluation, Interval], ...] = ()
    """One more of each, or twice as many if none was found: and how that changes the quantile."""
    n_minus_1: tuple[tuple[Part, Evaluation], ...] = ()

    @property
    def limiting(self) -> Part | None:
        """Of what more would shorten the wait most; None if of nothing, with confidence."""
        helps = [(change.mean, part) for part, _, change in self.limits if change.high < 0]
        return min(helps, key=lambda item: item[0])[1] if helps else None

    @property
    def would_do(self) -> tuple[Part, ...]:
        """Of what alone twice as many would keep the promise, if no fleet does."""
        if self.found is not None:
            return ()
        return tuple(part for part, more, _ in self.limits if self.target.kept_by(more))

    @property
    def broken(self) -> tuple[str, ...]:
        """Ids of the invariants that any reported run broke."""
        return tuple(sorted({h.id for e in self.reported for h in e.held if h.violations}))

    @property
    def reported(self) -> tuple[Evaluation, ...]:
        """All evaluations of which something is shown."""
        return (
            self.best, *(e for _, e in self.n_minus_1), *(e for _, e, _ in self.limits),
            *self.evaluations,
        )  # fmt: skip


@dataclass(slots=True)
class Search:
    """One search for one demand; remembers what it has simulated."""

    times: Times
    target: Target
    seed: int = 0
    run: Replicate = field(default_factory=lambda: replicate(1))
    progress: Callable[[Plan], None] = lambda _: None
    _runs: dict[tuple[Plan, int], list[Run]] = field(default_factory=dict)

    def _evaluate(self, plan: Plan, first: int, count: int) -> Evaluation:
        runs = self._runs.setdefault((plan, first), [])
        if len(runs) < count:
            scenario = round(plan.boxes_per_day)
            numbers = range(first + len(runs), first + count)
            self.progress(plan)
            runs += self.run(plan, self.times, [Key(self.seed, scenario, n) for n in numbers])
        target = self.target
        return evaluate(plan, runs[:count], limit_s=target.wait_s, quantile=target.quantile,
                        confidence=target.confidence)  # fmt: skip

    def look(self, plan: Plan) -> Evaluation:
        """Simulate a plan until it is clear of the limit, or its interval narrow enough."""
        target = self.target
        count = target.replications
        for _ in range(_LOOKS):
            found = self._evaluate(plan, 0, count)
            more = self._enough(found)
            if target.clear_of(found) or more <= count:
                break
            count = more
        return self._evaluate(plan, 0, count)

    def confirm(self, plan: Plan) -> Evaluation:
        """A plan with numbers that the search has not seen; how many, the search's own say.

        Whoever adds replications until an interval is narrow stops where it is narrow by chance,
        and too low: of 95 % intervals 86 to 89 % then held the truth of M/M/c.
        """
        pilot = self._evaluate(plan, 0, self.target.replications)
        return self._evaluate(plan, _UNSEEN, self._enough(pilot))

    def _enough(self, found: Evaluation) -> int:
        """How many replications would make an interval narrow enough."""
        target, half_s = self.target, self.target.half_s(found)
        needed = replications_needed(found.wait, found.replications, half_s)
        return min(target.replications_max, max(target.replications, needed))

    def beside(self, plan: Plan, other: Evaluation) -> Evaluation:
        """A plan with the replications that a confirmed one has had, to compare them in pairs."""
        return self._evaluate(plan, _UNSEEN, other.replications)

    def smallest(self, plan: Plan) -> Plan | None:
        """The smallest fleet that keeps the promise, by doubling steps and halving."""
        low = max(0, self.guess(plan) - 1)
        step, high = max(1, low // 4), min(low + 1, self.target.fleet_max)
        while not self.keeps(replace(plan, igvs=high)):
            if high >= self.target.fleet_max:
                return None
            low, high = high, min(high + step, self.target.fleet_max)
            step *= 2
        if high == self.guess(plan):  # which may be above the answer
            low = 0
        while high - low > 1:
            middle = (low + high) // 2
            if self.keeps(replace(plan, igvs=middle)):
                high = middle
            else:
                low = middle
        return replace(plan, igvs=high)

    def keeps(self, plan: Plan) -> bool:
        """Whether a fleet keeps the promise by the numbers of the search."""
        return self.target.kept_by(self.look(plan))

    def confirmed(self, plan: Plan) -> Evaluation | None:
        """The first fleet from this one on that keeps the promise with numbers not seen before.

        A fleet whose first counted day is unlike its last gets twice the warm-up.
        """
        while True:
            found = self.confirm(plan)
            if found.settled is False and plan.warmup_days < _WARMUP_MOST_DAYS:
                more = min(plan.warmup_days, _WARMUP_MOST_DAYS - plan.warmup_days)
                plan = replace(
                    plan, warmup_days=plan.warmup_days + more, days=plan.days + more
                )  # fmt: skip
                continue
            if self.target.kept_by(found):
                return found
            if plan.igvs >= self.target.fleet_max:
                return None
            plan = replace(plan, igvs=plan.igvs + 1)

    def guess(self, plan: Plan) -> int:
        """Where the search begins: square-root staffing for the busiest hour.

        The load is counted as if every vehicle found a box to bring back.
        """
        load = plan.peak_per_s * cycle_s(self.times) / 2
        return max(1, min(math.ceil(load + 2 * math.sqrt(load)), self.target.fleet_max))

    def cranes(self, plan: Plan) -> int:
        """Cranes per side by the rule of `CRANE_LOAD`: each box is lifted once on each side."""
        plug_s = plan.crossing.reefer_share * plan.crossing.reefer_plug_s
        load = plan.peak_per_s * (self.times.mean_move_s + plug_s)
        return max(1, math.ceil(load / CRANE_LOAD))

    def tried(self, plan: Plan) -> tuple[Evaluation, ...]:
        """All fleets that the search has simulated with the cranes and lanes of `plan`."""
        same = [(p, runs) for (p, first), runs in self._runs.items()
                if first == 0 and (p.cranes, p.lanes) == (plan.cranes, plan.lanes)]  # fmt: skip
        found = [self._evaluate(p, 0, len(runs)) for p, runs in same]
        return tuple(sorted(found, key=lambda e: e.plan.igvs))


def find_fleet(
    plan: Plan, times: Times, target: Target, *, seed: int = 0, parts: Sequence[Part] = (),
    lanes: Sequence[int] = (), run: Replicate | None = None,
    progress: Callable[[Plan], None] = lambda _: None,
) -> Sizing:  # fmt: skip
    """Size one demand.

    Cranes of `plan` that are 0 are found too, and so are lanes if there are several `lanes` to
    choose from, fewest first; `parts` are for N-1.
    """
    search = Search(times, target, seed, run or replicate(1), progress)
    plan = _with_places(search, replace(plan, igvs=target.fleet_max), lanes or (plan.lanes,))
    first = search.smallest(plan) if search.keeps(plan) else None
    tried = search.tried(plan)
    found = search.confirmed(first) if first is not None else None
    best = found or search.confirm(plan)
    more = [(part, search.beside(one, best)) for part, one in _more(best.plan, found is not None)]
    less = search.beside(without(best.plan, Part.IGV), best)
    return Sizing(
        plan.boxes_per_day, target, found, best, tried,
        one_less=less.against(best, target.confidence),
        limits=tuple((part, e, e.against(best, target.confidence)) for part, e in more),
        n_minus_1=tuple((part, search.beside(without(best.plan, part), best)) for part in parts),
    )  # fmt: skip


def _with_places(search: Search, plan: Plan, lanes: Sequence[int]) -> Plan:
    """The plan with the fewest lanes, and the fewest cranes, that leave the fleet its share.

    If none do, it has the most lanes.
    """
    search_cranes = plan.cranes == (0, 0)
    for count in lanes:
        plan = replace(plan, lanes=count)
        if search_cranes:
            plan = _with_cranes(search, plan)
        largest, target = search.look(plan), search.target
        if largest.wait.high <= CRANE_SHARE * target.wait_s and target.lands(largest):
            break
    return plan


def _with_cranes(search: Search, plan: Plan) -> Plan:
    """The plan with as many cranes that they leave the fleet its share of the wait."""
    count = search.cranes(plan)
    for more in range(_MORE_CRANES):
        plan = replace(plan, cranes=(count + more, count + more))
        largest = search.look(plan)
        if largest.wait.high <= CRANE_SHARE * search.target.wait_s:
            break
        if largest.use["crane_near"].mean < CRANE_LOAD / 4:
            break  # it is not for want of cranes
    return plan


def _more(plan: Plan, found: bool) -> list[tuple[Part, Plan]]:
    """The plan with one more of each; with twice as many where no fleet was found."""
    scene = plan.crossing

    def grown(count: int) -> int:
        return count + 1 if found else 2 * max(1, count)

    chargers = msgspec.structs.replace(scene, chargers=grown(scene.chargers))
    more = [
        (Part.IGV, replace(plan, igvs=min(2_000, grown(plan.igvs)))),
        (Part.CRANE, replace(plan, cranes=(grown(plan.cranes[0]), grown(plan.cranes[1])))),
        (Part.GATE, replace(plan, gates=grown(plan.gates))),
        (Part.CHARGER, replace(plan, crossing=chargers)),
    ]  # fmt: skip
    if plan.lanes < 2:
        more.insert(2, (Part.LANE, replace(plan, lanes=plan.lanes + 1)))
    return more
