"""Jerk-limited motion along a line, in closed form: from any speed and acceleration to a stop.

The line is divided into zones of one speed limit each. At a border between two zones the
acceleration is 0; within a zone the speed rises to a peak, holds it, and falls to what the border
allows. What lies before a border is found backwards (whence can it still brake?) and then forwards
(how fast can it have become?). The result is a list of pieces of constant jerk.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

Phase = tuple[float, float]
"""Duration (s) and jerk (m/s3)."""

_HALVINGS = 60
"""Halving an interval this often is exact to the last bit of a double in any case met here."""
_ROUGH = 24
"""Enough for how hard to brake: a ten millionth."""
_TINY_M = 1e-9
_NEAR_M = 1e-6
"""A stop passed by less is not passed: states are read off a motion with rounding."""
_SLOW_M_S = 1e-6


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a motion may ask for: acceleration, deceleration (both positive) and jerk."""

    acceleration_m_s2: float
    braking_m_s2: float
    jerk_m_s3: float

    def scaled(self, factor: float) -> Bounds:
        """The same with `factor` times the deceleration and the jerk."""
        return replace(
            self,
            braking_m_s2=self.braking_m_s2 * factor,
            jerk_m_s3=self.jerk_m_s3 * factor,
        )


@dataclass(frozen=True, slots=True)
class Zone:
    """A stretch that ends `length_m` after the one before, with one speed limit."""

    length_m: float
    speed_m_s: float


def level_speed(v: float, a: float, jerk: float) -> float:
    """The speed at which the acceleration has been brought to 0 (m/s)."""
    return v + a * abs(a) / (2 * jerk)


def change(v0: float, a0: float, v1: float, b: Bounds) -> list[Phase]:
    """The fastest phases from (`v0`, `a0`) to (`v1`, 0)."""
    jerk = b.jerk_m_s3
    up = 1.0 if v1 >= level_speed(v0, a0, jerk) else -1.0
    most = b.acceleration_m_s2 if up > 0 else b.braking_m_s2
    a, dv = up * a0, up * (v1 - v0)
    peak = math.sqrt(max(0.0, jerk * dv + a * a / 2))
    if a <= most:
        hold_s = 0.0
        if peak > most:
            peak = most
            hold_s = (dv - (2 * peak * peak - a * a) / (2 * jerk)) / peak
        peak = max(peak, a)
        return [((peak - a) / jerk, up * jerk), (hold_s, 0.0), (peak / jerk, -up * jerk)]
    # More than the bounds allow, from an earlier plan with wider ones: come back to them first.
    hold_s = max(0.0, dv - a * a / (2 * jerk)) / most
    return [((a - most) / jerk, -up * jerk), (hold_s, 0.0), (most / jerk, -up * jerk)]


def advance(v: float, a: float, phases: Sequence[Phase]) -> tuple[float, float, float]:
    """Way (m), speed and acceleration after `phases` from (`v`, `a`)."""
    way = 0.0
    for t, j in phases:
        way += t * (v + t * (a / 2 + t * j / 6))
        v += t * (a + t * j / 2)
        a += t * j
    return way, v, a


def _way(v0: float, a0: float, v1: float, b: Bounds) -> float:
    return advance(v0, a0, change(v0, a0, v1, b))[0]


def level_way_m(v0: float, v1: float, b: Bounds) -> float:
    """Way from `v0` to `v1` with acceleration 0 at both ends: mean speed times duration."""
    dv = abs(v1 - v0)
    most, jerk = (b.acceleration_m_s2 if v1 > v0 else b.braking_m_s2), b.jerk_m_s3
    time_s = 2 * math.sqrt(dv / jerk) if dv * jerk <= most * most else dv / most + most / jerk
    return (v0 + v1) / 2 * time_s


def _halved(
    good: float, far: float, fits: Callable[[float], bool], halvings: int = _HALVINGS
) -> float:
    """The value nearest to `far` that fits; `good` does."""
    if fits(far):
        return far
    for _ in range(halvings):
        middle = (good + far) / 2
        if fits(middle):
            good = middle
        else:
            far = middle
    return good


def _fastest(v: float, cap: float, length_m: float, b: Bounds, *, rising: bool) -> float:
    """The highest speed up to `cap` that is `length_m` from `v`: after it (`rising`) or before."""
    if cap <= v:
        return cap
    if rising:
        return _halved(v, cap, lambda w: level_way_m(v, w, b) <= length_m)
    return _halved(v, cap, lambda w: level_way_m(w, v, b) <= length_m)


def _borders(v0: float, a0: float, zones: Sequence[Zone], b: Bounds) -> list[float]:
    """The speed at the end of each zone, with acceleration 0 there."""
    ends = [min(z.speed_m_s, n.speed_m_s) for z, n in itertools.pairwise(zones)] + [0.0]
    for i in range(len(zones) - 1, 0, -1):
        ends[i - 1] = _fastest(ends[i], ends[i - 1], zones[i].length_m, b, rising=False)
    level = level_speed(v0, a0, b.jerk_m_s3)
    if ends[0] > level:
        ends[0] = _halved(level, ends[0], lambda w: _way(v0, a0, w, b) <= zones[0].length_m)
    for i in range(1, len(zones)):
        if ends[i] > ends[i - 1]:
            ends[i] = _fastest(ends[i - 1], ends[i], zones[i].length_m, b, rising=True)
    return ends


def _through(v0: float, a0: float, v1: float, zone: Zone, b: Bounds) -> list[Phase] | None:
    """Phases through one zone that end at its border with (`v1`, 0); None if it is too short."""
    low = max(v1, level_speed(v0, a0, b.jerk_m_s3))
    high = max(zone.speed_m_s, low)

    def fits(peak: float) -> bool:
        return _way(v0, a0, peak, b) + level_way_m(peak, v1, b) <= zone.length_m

    if fits(low):
        peak = _halved(low, high, fits)
        rise, fall = change(v0, a0, peak, b), change(peak, 0.0, v1, b)
        way = advance(v0, a0, rise)[0] + advance(peak, 0.0, fall)[0]
        hold_s = max(0.0, zone.length_m - way) / peak if peak > _SLOW_M_S else 0.0
        return [*rise, (hold_s, 0.0), *fall]
    fall = change(v0, a0, v1, b)
    spare = zone.length_m - advance(v0, a0, fall)[0]
    if spare < -_TINY_M:
        return None
    # It is braking already, and there is no room to stop doing so and begin again.
    if v1 > _SLOW_M_S:
        return [*fall, (max(0.0, spare) / v1, 0.0)]

    # To rest: one fall, no harder than the way asks for.
    def ends_before(braking: float) -> bool:
        return _way(v0, a0, v1, replace(b, braking_m_s2=braking)) <= zone.length_m + _TINY_M

    braking = _halved(b.braking_m_s2, b.braking_m_s2 * 1e-9, ends_before)
    return change(v0, a0, v1, replace(b, braking_m_s2=braking))


def _joined(zones: Sequence[Zone]) -> list[Zone]:
    """The first two zones as one of the lower limit."""
    first, second, *rest = zones
    lower = min(first.speed_m_s, second.speed_m_s)
    return [Zone(first.length_m + second.length_m, lower), *rest]


def _cut(zones: Sequence[Zone], way_m: float) -> list[Zone]:
    """What remains of the zones after `way_m`."""
    left = []
    for zone in zones:
        length = zone.length_m - way_m
        way_m = max(0.0, -length)
        if length > _TINY_M:
            left.append(Zone(length, zone.speed_m_s))
    return left


def _attempt(v0: float, a0: float, zones: list[Zone], b: Bounds) -> _Attempt | None:
    """The way through all zones with these bounds; None if a limit or the end is too near."""
    while True:
        fastest = max(v0, level_speed(v0, a0, b.jerk_m_s3))
        if fastest > zones[0].speed_m_s + _SLOW_M_S:
            return None
        ends = _borders(v0, a0, zones, b)
        first = _through(v0, a0, ends[0], zones[0], b)
        if first is not None:
            return _Attempt(first, zones, ends)
        if len(zones) == 1:
            return None
        # The level border is too near. If the limit behind it is not, both zones become one; if
        # it is, the joined zone is refused above.
        zones = _joined(zones)


@dataclass(frozen=True, slots=True)
class _Attempt:
    first: list[Phase]
    zones: list[Zone]
    ends: list[float]


def profile(
    v0: float, a0: float, zones: Sequence[Zone], bounds: Bounds, *, hardest: float = 1.0
) -> tuple[list[Phase], bool]:
    """Phases from (`v0`, `a0`) through `zones` to rest at the end of the last one.

    A standing vehicle has no deceleration: with `v0` 0, `a0` is at least 0.

    Returns the phases and whether every limit holds with at most `hardest` times the deceleration
    and jerk of `bounds`; no more than it needs is used. If not (the end or a slower zone is too
    near), it brakes as hard as that and passes the end, or enters the slower zone too fast.
    """
    phases, sure = _phases(v0, a0, _cut(zones, 0.0), bounds, hardest)
    return phases, sure or _kept(v0, a0, phases, zones)


def _phases(
    v0: float, a0: float, left: list[Zone], bounds: Bounds, hardest: float
) -> tuple[list[Phase], bool]:
    """The phases, and whether every limit is sure to hold by the way they were found."""
    phases: list[Phase] = []
    sure = True
    hard = bounds.scaled(hardest)
    if a0 < 0 and level_speed(v0, a0, bounds.jerk_m_s3) < 0:
        # Braking so hard that the speed is gone before the jerk has let the brake go: the jerk
        # that lets both reach 0 together.
        phases.append((2 * v0 / -a0, a0 * a0 / (2 * v0)))
        left, sure = _cut(left, advance(v0, a0, phases)[0]), False
        v0 = a0 = 0.0
    while left:
        found = _attempt(v0, a0, left, bounds)
        if found is not None:
            return phases + found.first + _rest(found, bounds), sure
        found = _attempt(v0, a0, left, hard)
        if found is not None:
            step, left, v0 = _least(v0, a0, left, bounds, hardest)
        else:
            sure = False
            step, left, v0 = _too_late(v0, a0, left, hard)
        phases, a0 = phases + step, 0.0
    if v0 > 0.0 or a0 != 0.0:
        return phases + change(v0, a0, 0.0, hard), False
    return phases, sure


def _kept(v: float, a: float, phases: Sequence[Phase], zones: Sequence[Zone]) -> bool:
    """Whether the end is met and the speed within its limit at the begin, borders and peaks."""
    borders = list(itertools.accumulate((z.length_m for z in zones), initial=0.0))
    limits = [zone.speed_m_s + _SLOW_M_S for zone in zones]
    way, i = 0.0, 0
    if limits and v > limits[0]:
        return False
    for t, j in _split(a, phases):
        step, v_next, a_next = advance(v, a, [(t, j)])
        while i + 1 < len(zones) and way + step >= borders[i + 1]:
            i += 1
            if _speed_at(v, a, t, j, borders[i] - way) > limits[i]:
                return False
        way, v, a = way + step, v_next, a_next
        if limits and v > limits[i]:
            return False
    return way <= borders[-1] + _NEAR_M


def _split(a: float, phases: Sequence[Phase]) -> Iterator[Phase]:
    """The phases, cut where the acceleration passes 0: there the speed has its peaks."""
    for t, j in phases:
        if a * (a + j * t) < 0:
            yield -a / j, j
            yield t + a / j, j
        else:
            yield t, j
        a += j * t


def _speed_at(v: float, a: float, t: float, j: float, way_m: float) -> float:
    """The speed after `way_m` of a phase."""
    t = _halved(0.0, t, lambda at: advance(v, a, [(at, j)])[0] <= way_m)
    return v + t * (a + t * j / 2)


def _rest(found: _Attempt, b: Bounds) -> list[Phase]:
    """The phases from the end of the first zone on."""
    phases: list[Phase] = []
    for v, end, zone in zip(found.ends, found.ends[1:], found.zones[1:], strict=False):
        step = _through(v, 0.0, end, zone, b)
        assert step is not None, "a border speed that its zone does not reach"
        phases += step
    return phases


def _least(
    v0: float, a0: float, zones: list[Zone], bounds: Bounds, hardest: float
) -> tuple[list[Phase], list[Zone], float]:
    """Through the first zone with no more braking than it takes; what is left, and the speed."""
    factor = _halved(
        hardest, 1.0, lambda f: _attempt(v0, a0, zones, bounds.scaled(f)) is not None, _ROUGH
    )
    found = _attempt(v0, a0, zones, bounds.scaled(factor))
    assert found is not None
    return found.first, found.zones[1:], found.ends[0]


def _too_late(
    v0: float, a0: float, zones: list[Zone], hard: Bounds
) -> tuple[list[Phase], list[Zone], float]:
    """As hard as allowed down to the limit that is passed too fast, or to the stop."""
    total = sum(zone.length_m for zone in zones)
    over = zones[0].speed_m_s < max(v0, level_speed(v0, a0, hard.jerk_m_s3))
    if over or len(zones) > 1:
        limit = zones[0].speed_m_s if over else zones[1].speed_m_s
        slow = change(v0, a0, limit, hard)
        way = advance(v0, a0, slow)[0]
        left = _cut(zones, way)
        lower = left and left[0].speed_m_s < limit
        if left and (lower or _attempt(limit, 0.0, left, hard) is not None):
            return slow, left, limit
    stop = change(v0, a0, 0.0, hard)
    return stop, _cut(zones, min(total, advance(v0, a0, stop)[0])), 0.0
