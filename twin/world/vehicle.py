"""A truck, as it physically is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from twin.world.motion import Limits

_WHEEL_M = 0.5
"""Radius of a truck's wheel (a 12R22.5 tyre, rounded)."""


@dataclass(frozen=True, slots=True)
class Axle:
    """One axle: its distance behind the front bumper and the load it puts on the ground."""

    offset_m: float
    load_kg: float


@dataclass(frozen=True, slots=True)
class Temper:
    """How the driver of one truck behaves."""

    reaction_s: float
    """From seeing the signal to moving off."""
    hesitates_s: float = 0.0
    """Extra time before moving off although the signal is clear."""
    stops_under_arm_s: float = 0.0
    """Stops with the cab through and the load under the arm, for that long."""
    follows: bool = False
    """Goes through behind the truck ahead without stopping for the signal."""


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One truck and what is true of it, whatever any device reads."""

    id: str
    direction: str
    plate: str
    plate_country: str
    trailer_plate: str | None
    container: str | None
    declaration: str | None
    laden: bool
    length_m: float
    height_m: float
    axles: tuple[Axle, ...]
    colour: str
    plate_dirt: float
    """0 clean … 1 unreadable."""
    limits: Limits
    temper: Temper
    why: str
    """Ground truth: `ok`, or why the truck must not pass (see the trace vocabulary)."""
    bed_m: float = 0.9
    """Height of the underside of its bed over the road, between the axles."""

    @property
    def gross_kg(self) -> float:
        """True mass on the ground."""
        return sum(axle.load_kg for axle in self.axles)

    @property
    def high_bed(self) -> tuple[float, float]:
        """Where nothing hangs lower than the bed: begin and end behind the front bumper, m.

        The longest gap between two axles, less their wheels. Ahead of it are bumper, engine and
        tanks, behind it the bogie and the underrun bar.
        """
        places = sorted(axle.offset_m for axle in self.axles)
        ahead, behind = max(
            itertools.pairwise(places), key=lambda pair: pair[1] - pair[0], default=(0.0, 0.0)
        )
        return ahead + _WHEEL_M, max(ahead + _WHEEL_M, behind - _WHEEL_M)

    @property
    def should(self) -> str:
        """The right decision: `pass` or `divert`."""
        return "pass" if self.why == "ok" else "divert"
