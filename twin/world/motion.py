"""How a vehicle moves along its lane: pieces of constant acceleration, in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twin.clock import NS, ns

_ROUNDING_M = 1e-7
"""A move ends within half a nanosecond of its plan: some 10 nm at the speed of a truck."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a vehicle can and its driver will do."""

    speed_m_s: float
    acceleration_m_s2: float
    braking_m_s2: float


@dataclass(frozen=True, slots=True)
class _Piece:
    begin_ns: int
    end_ns: int
    from_m: float
    speed_m_s: float
    acceleration_m_s2: float

    def at(self, t_ns: int) -> tuple[float, float]:
        elapsed = (min(t_ns, self.end_ns) - self.begin_ns) / NS
        place = self.from_m + elapsed * (self.speed_m_s + self.acceleration_m_s2 * elapsed / 2)
        return place, self.speed_m_s + self.acceleration_m_s2 * elapsed


class Motion:
    """The plan of one move; it never goes backwards. Positions in metres, times in ns."""

    __slots__ = ("_pieces", "end_m", "end_ns")

    def __init__(self, begin_ns: int, from_m: float, pieces: list[tuple[float, float, float]]):
        """`pieces`: (duration_s, initial speed, acceleration), one after the other."""
        self._pieces: list[_Piece] = []
        t_ns, place = begin_ns, from_m
        for duration_s, speed, acceleration in pieces:
            if duration_s <= 0:
                continue
            piece = _Piece(t_ns, t_ns + ns(duration_s), place, speed, acceleration)
            self._pieces.append(piece)
            t_ns = piece.end_ns
            place, _ = piece.at(t_ns)
        self.end_ns, self.end_m = t_ns, place

    def at(self, t_ns: int) -> tuple[float, float]:
        """Position and speed (m, m/s) at `t_ns`; at rest after the end of a stopping move."""
        if t_ns >= self.end_ns:
            return self.end_m, 0.0
        for piece in self._pieces:
            if t_ns < piece.end_ns:
                return piece.at(t_ns)
        return self.end_m, 0.0

    def when(self, place_m: float) -> int | None:
        """First instant at `place_m`, in ns; None if this move does not reach it."""
        if place_m > self.end_m + _ROUNDING_M:
            return None
        for piece in self._pieces:
            far, _ = piece.at(piece.end_ns)
            if place_m > far:
                continue
            ahead = max(0.0, place_m - piece.from_m)
            speed, acceleration = piece.speed_m_s, piece.acceleration_m_s2
            root = math.sqrt(max(0.0, speed * speed + 2 * acceleration * ahead))
            # 2·s/(v+√(v²+2as)) has no difference of near numbers, and no case for a = 0
            elapsed = 2 * ahead / (speed + root) if speed + root > 0 else 0.0
            return min(piece.end_ns, piece.begin_ns + ns(elapsed))
        return self.end_ns


def stop_at(begin_ns: int, from_m: float, speed_m_s: float, to_m: float, limits: Limits) -> Motion:
    """Drive from (`from_m`, `speed_m_s`) and come to rest at `to_m`; brakes harder if it must."""
    distance = to_m - from_m
    if distance <= _ROUNDING_M:
        return Motion(begin_ns, from_m, [])
    braking = limits.braking_m_s2
    if speed_m_s > 0:
        braking = max(braking, speed_m_s * speed_m_s / (2 * distance))
    gain, top = limits.acceleration_m_s2, max(limits.speed_m_s, speed_m_s)
    # the peak speed of accelerate-then-brake over the distance
    peak = math.sqrt((2 * gain * braking * distance + braking * speed_m_s**2) / (gain + braking))
    peak = max(speed_m_s, min(top, peak))
    rise_m = (peak**2 - speed_m_s**2) / (2 * gain)
    fall_m = peak**2 / (2 * braking)
    cruise_m = max(0.0, distance - rise_m - fall_m)
    return Motion(
        begin_ns,
        from_m,
        [
            ((peak - speed_m_s) / gain, speed_m_s, gain),
            (cruise_m / peak, peak, 0.0),
            (peak / braking, peak, -braking),
        ],
    )


def drive_to(begin_ns: int, from_m: float, speed_m_s: float, to_m: float, limits: Limits) -> Motion:
    """Drive from (`from_m`, `speed_m_s`) and pass `to_m` without braking."""
    distance = max(0.0, to_m - from_m)
    gain, top = limits.acceleration_m_s2, max(limits.speed_m_s, speed_m_s)
    rise_m = (top**2 - speed_m_s**2) / (2 * gain)
    if rise_m >= distance:
        peak = math.sqrt(speed_m_s**2 + 2 * gain * distance)
        return Motion(begin_ns, from_m, [((peak - speed_m_s) / gain, speed_m_s, gain)])
    return Motion(
        begin_ns,
        from_m,
        [((top - speed_m_s) / gain, speed_m_s, gain), ((distance - rise_m) / top, top, 0.0)],
    )
