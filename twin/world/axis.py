"""One driven axis of a crane: constant-acceleration moves in closed form, from any state.

A move from rest may be shaped against sway: a load hanging on ropes is left without swing when
each ramp lasts a whole number of pendulum periods, because the swing that the ramp starts is then
just complete when it ends (Singhose et al., input shaping of cranes; a ramp of one period is the
two-impulse limit of it).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from twin.clock import NS

_ROUNDING_M = 1e-7


@dataclass(frozen=True, slots=True)
class AxisLimits:
    """What an axis can do: metres and seconds. `low_m` and `high_m` are its end switches."""

    low_m: float
    high_m: float
    speed_m_s: float
    acceleration_m_s2: float
    braking_m_s2: float
    """Of an emergency stop: motor off, brake on."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A time of constant acceleration; `from_s` counts from the beginning of the move."""

    from_s: float
    until_s: float
    place_m: float
    speed_m_s: float
    acceleration_m_s2: float

    def at(self, t_s: float) -> tuple[float, float, float]:
        """Place, speed and acceleration at `t_s` of the move."""
        elapsed = t_s - self.from_s
        speed = self.speed_m_s + self.acceleration_m_s2 * elapsed
        return (
            self.place_m + (self.speed_m_s + speed) / 2 * elapsed, speed, self.acceleration_m_s2
        )  # fmt: skip


class AxisMotion:
    """The plan of one move of one axis, from `begin_ns`; at rest before and after it."""

    __slots__ = ("begin_ns", "duration_s", "end_m", "pieces")

    def __init__(
        self, begin_ns: int, from_m: float, speed_m_s: float = 0.0,
        parts: Sequence[tuple[float, float]] = (), end_m: float | None = None,
    ) -> None:  # fmt: skip
        """`parts`: (duration_s, acceleration). `end_m` takes away what rounding left over."""
        self.begin_ns = begin_ns
        self.pieces: list[Piece] = []
        t_s, place, speed = 0.0, from_m, speed_m_s
        for duration_s, acceleration in parts:
            if duration_s <= 0:
                continue
            piece = Piece(t_s, t_s + duration_s, place, speed, acceleration)
            self.pieces.append(piece)
            t_s = piece.until_s
            place, speed, _ = piece.at(t_s)
        self.duration_s = t_s
        self.end_m = place if end_m is None else end_m

    @property
    def end_ns(self) -> int:
        """The first instant of the clock at which the axis stands."""
        return self.begin_ns + math.ceil(self.duration_s * NS)

    def at(self, t_ns: int) -> tuple[float, float, float]:
        """Place (m), speed (m/s) and acceleration (m/s²) at `t_ns`."""
        t_s = (t_ns - self.begin_ns) / NS
        if t_s >= self.duration_s or not self.pieces:
            return self.end_m, 0.0, 0.0
        for piece in self.pieces:
            if t_s < piece.until_s:
                return piece.at(max(t_s, 0.0))
        raise AssertionError("the last piece ends with the move")

    def passes(self, place_m: float, after_ns: int) -> int | None:
        """The first instant from `after_ns` on at which the axis is at `place_m`; None: never."""
        after_s = (after_ns - self.begin_ns) / NS
        for piece in self.pieces:
            if piece.until_s < after_s:
                continue
            for root in sorted(_roots(piece, place_m)):
                if max(piece.from_s, after_s) - 1e-9 <= root <= piece.until_s + 1e-9:
                    return max(after_ns, self.begin_ns + math.ceil(root * NS))
        if abs(self.end_m - place_m) <= _ROUNDING_M:
            return max(after_ns, self.end_ns)
        return None


def _roots(piece: Piece, place_m: float) -> list[float]:
    """Times of the move at which the extended piece is at `place_m`."""
    ahead, speed, gain = place_m - piece.place_m, piece.speed_m_s, piece.acceleration_m_s2
    if ahead == 0:
        return [piece.from_s]
    square = speed * speed + 2 * gain * ahead
    if square < 0 or (gain == 0 and speed == 0):
        return []
    root = math.sqrt(square)
    # 2s/(v±√(v²+2as)) has no difference of near numbers and no case for a = 0
    return [piece.from_s + 2 * ahead / d for d in (speed + root, speed - root) if d != 0]


def stand(begin_ns: int, place_m: float) -> AxisMotion:
    """No move at all."""
    return AxisMotion(begin_ns, place_m)


def stop(begin_ns: int, from_m: float, speed_m_s: float, rate_m_s2: float) -> AxisMotion:
    """Brake to rest at `rate_m_s2`."""
    braking_s = abs(speed_m_s) / rate_m_s2
    return AxisMotion(
        begin_ns, from_m, speed_m_s, [(braking_s, -math.copysign(rate_m_s2, speed_m_s))]
    )


def move(
    begin_ns: int, from_m: float, speed_m_s: float, to_m: float, limits: AxisLimits,
    *, top_m_s: float | None = None, period_s: float = 0.0,
) -> AxisMotion:  # fmt: skip
    """Come to rest at `to_m` from place and speed; brake first where that leads past it.

    `top_m_s` caps the speed; `period_s` shapes a move from rest against sway of that period.
    """
    top = min(limits.speed_m_s, top_m_s if top_m_s is not None else limits.speed_m_s)
    gain = limits.acceleration_m_s2
    parts: list[tuple[float, float]] = []
    way, speed = to_m - from_m, speed_m_s
    stopping = speed * abs(speed) / (2 * gain)
    if speed != 0 and (speed * way <= 0 or abs(stopping) > abs(way) or abs(speed) > top):
        parts.append((abs(speed) / gain, -math.copysign(gain, speed)))
        way, speed = way - stopping, 0.0
    distance, sign = abs(way), math.copysign(1.0, way)
    if distance <= _ROUNDING_M and speed == 0:
        return AxisMotion(begin_ns, from_m, speed_m_s, parts, to_m)
    if period_s > 0 and speed == 0:
        parts += [(t, sign * a) for t, a in _shaped(distance, top, gain, period_s)]
    else:
        start = abs(speed)
        peak = min(top, math.sqrt(gain * distance + start * start / 2))
        rise_m = (peak * peak - start * start) / (2 * gain)
        cruise_m = max(0.0, distance - rise_m - peak * peak / (2 * gain))
        parts += [
            ((peak - start) / gain, sign * gain), (cruise_m / peak, 0.0),
            (peak / gain, -sign * gain),
        ]  # fmt: skip
    return AxisMotion(begin_ns, from_m, speed_m_s, parts, to_m)


def _shaped(
    distance_m: float, top_m_s: float, gain_m_s2: float, period_s: float
) -> list[tuple[float, float]]:
    """Ramp, cruise and ramp whose ramps last a whole number of periods."""
    peak = min(top_m_s, distance_m / period_s)
    ramp_s = period_s * max(1, math.ceil(peak / (gain_m_s2 * period_s) - 1e-9))
    peak = min(peak, distance_m / ramp_s)
    return [
        (ramp_s, peak / ramp_s), (distance_m / peak - ramp_s, 0.0), (ramp_s, -peak / ramp_s)
    ]  # fmt: skip
