"""A load on ropes as a pendulum of small angles, driven by the acceleration of its trolley.

For a rope of constant length and a constant acceleration the answer is a closed form; while the
hoist changes the length the equation is integrated with a fixed step::

    l θ'' + 2 l' θ' + 2 ζ √(g l) θ' + g θ = -a

Its period is 2π√(l/g) (√(1-ζ²) away from it), and slow hoisting keeps the adiabatic invariant:
the angle grows as l^(-3/4). Small angles are an approximation: at 5° the true period is 0.05 %
longer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

GRAVITY_M_S2 = 9.80665
"""Standard gravity (CGPM 1901)."""

STEP_S = 0.02
"""Of the integration while the rope changes its length: 1/100 of the shortest period here."""


@dataclass(frozen=True, slots=True)
class Swing:
    """Angle (rad) and its rate (rad/s); positive where the load is ahead of its trolley."""

    angle_rad: float = 0.0
    rate_rad_s: float = 0.0


def period_s(length_m: float) -> float:
    """2π√(l/g)."""
    return math.tau * math.sqrt(length_m / GRAVITY_M_S2)


def amplitude_rad(swing: Swing, length_m: float) -> float:
    """The largest angle that the swing reaches if nothing drives it."""
    return math.hypot(swing.angle_rad, swing.rate_rad_s / math.sqrt(GRAVITY_M_S2 / length_m))


def after(
    swing: Swing, t_s: float, length_m: float, acceleration_m_s2: float, damping: float
) -> Swing:
    """The swing after `t_s` with constant length and acceleration of the trolley."""
    natural = math.sqrt(GRAVITY_M_S2 / length_m)
    rest = -acceleration_m_s2 / GRAVITY_M_S2
    decay = damping * natural
    turn = natural * math.sqrt(1 - damping * damping)
    offset = swing.angle_rad - rest
    sine = (swing.rate_rad_s + decay * offset) / turn
    fade, angle = math.exp(-decay * t_s), turn * t_s
    cos, sin = math.cos(angle), math.sin(angle)
    return Swing(
        rest + fade * (offset * cos + sine * sin),
        fade * (swing.rate_rad_s * cos - (natural * natural * offset + decay * swing.rate_rad_s)
                / turn * sin),
    )  # fmt: skip


def step(
    swing: Swing, t_s: float, length_m: float, length_rate_m_s: float, length_gain_m_s2: float,
    acceleration_m_s2: float, damping: float,
) -> Swing:  # fmt: skip
    """One Runge-Kutta step of `t_s` while the rope changes its length."""

    def slope(angle: float, rate: float, at_s: float) -> tuple[float, float]:
        length = length_m + (length_rate_m_s + length_gain_m_s2 * at_s / 2) * at_s
        payout = length_rate_m_s + length_gain_m_s2 * at_s
        friction = 2 * payout + 2 * damping * math.sqrt(GRAVITY_M_S2 * length)
        return rate, -(friction * rate + GRAVITY_M_S2 * angle + acceleration_m_s2) / length

    x, v = swing.angle_rad, swing.rate_rad_s
    a1, b1 = slope(x, v, 0.0)
    a2, b2 = slope(x + a1 * t_s / 2, v + b1 * t_s / 2, t_s / 2)
    a3, b3 = slope(x + a2 * t_s / 2, v + b2 * t_s / 2, t_s / 2)
    a4, b4 = slope(x + a3 * t_s, v + b3 * t_s, t_s)
    turned, gained = (a1 + 2 * a2 + 2 * a3 + a4) / 6, (b1 + 2 * b2 + 2 * b3 + b4) / 6
    return Swing(x + t_s * turned, v + t_s * gained)
