"""A truck, as it physically is."""

from __future__ import annotations

from dataclasses import dataclass

from twin.world.motion import Limits


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

    @property
    def gross_kg(self) -> float:
        """True mass on the ground."""
        return sum(axle.load_kg for axle in self.axles)

    @property
    def should(self) -> str:
        """The right decision: `pass` or `divert`."""
        return "pass" if self.why == "ok" else "divert"
