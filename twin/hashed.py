"""Noise as a function of the instant: the same whoever asks, however often."""

from __future__ import annotations

import math

_MASK = 0xFFFFFFFFFFFFFFFF


def mix(salt: int, number: int) -> int:
    """64 well-mixed bits of `salt` and `number` (splitmix64)."""
    value = (salt + number * 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def normal(salt: int, number: int) -> float:
    """About normal, mean 0, deviation 1, within ±2√3: a sum of four uniform parts."""
    value = mix(salt, number)
    parts = (value & 0xFFFF) + (value >> 16 & 0xFFFF) + (value >> 32 & 0xFFFF) + (value >> 48)
    # four uniform parts: mean 2, variance 4/12
    return (parts / 65535 - 2.0) * math.sqrt(3.0)
