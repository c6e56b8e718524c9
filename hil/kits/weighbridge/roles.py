"""The roles of a weighbridge's bench as protocols; real, emulated and human drivers satisfy them.

Every method is bounded in time by its driver and raises a `BenchError` when it cannot do its
work. Masses are conventional masses in kg; a place is a share of the platform's length, 0 at its
entry, 0.5 in the middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Load:
    """What lies on the platform: test load, small additional weights, expanded uncertainty."""

    mass_kg: float
    extra_kg: float
    uncertainty_kg: float


@runtime_checkable
class Weights(Protocol):
    """Reference weights, and whatever puts them on the platform."""

    timed: bool
    """Whether the load changes at the moment that `place` returns, not at some time before."""

    async def place(self, mass_kg: float, at: float, extra_kg: float) -> Load:
        """Let this, and nothing else, lie on the platform; 0 empties it.

        The load may differ from `mass_kg` where the weights do not make it; the answer says what
        lies there.
        """

    async def drop(self, mass_kg: float) -> None:
        """Put about this mass on the empty platform, in one go; begins now."""

    async def roll(self, mass_kg: float) -> None:
        """Drive a truck of about this mass over the platform without a stop; begins now."""

    async def load_kg(self) -> float | None:
        """What lies or rolls there now; None when that cannot be said."""


@runtime_checkable
class Thermometer(Protocol):
    """Ambient temperature at the scale."""

    async def temperature_c(self) -> float:
        """Degrees Celsius."""
