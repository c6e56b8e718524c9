"""What wear does to a sky-rail's carrier: running tyres, brakes, the ropes of its hoist.

Worn tyres roll harder, worn brakes hold less, worn ropes and their sheaves lose more of the
hoist's power, so that a loaded spreader comes up slower. All figures are *estimates*: no maker of
a container sky-rail publishes any.
"""

from __future__ import annotations

from dataclasses import replace

from twin.devices.wear import Part
from twin.physics import EnergyParameters
from twin.physics.rail_parameters import RailCarrierParameters

PARTS = {
    "tyres": Part(
        "km", 150_000.0, "estimate: running tyres of monorails are changed after some 100,000 km"
    ),
    "brakes": Part("emergency brakings", 10_000.0, "estimate, as of the crane"),
    "ropes": Part(
        "lifts at rated load", 100_000.0,
        "estimate: ropes of container cranes are changed after a year or two",
    ),
}  # fmt: skip
"""A lift counts by (load/rated)³, as the load spectrum factor of ISO 12482 does."""

TYRES = 0.15
"""More energy for driving with tyres at the end of their rated life."""
BRAKES = 0.3
"""Brakes at the end of their rated life brake this much less hard, as the crane's."""
BRAKES_SHARE_MAX = 1.5
"""Worse than that they are found at the daily test."""
ROPES = 0.1
"""Less efficiency of the hoist with ropes at the end of their rated life."""


def worn_body(new: RailCarrierParameters, share: float) -> RailCarrierParameters:
    """A body whose hard brakings are weaker; the service brake is the drive's and stays."""
    kept = 1 - BRAKES * min(BRAKES_SHARE_MAX, share)
    return replace(
        new,
        protective_m_s2=new.protective_m_s2 * kept,
        loaded_protective_m_s2=new.loaded_protective_m_s2 * kept,
        emergency_m_s2=new.emergency_m_s2 * kept,
        loaded_emergency_m_s2=new.loaded_emergency_m_s2 * kept,
    )


def worn_energy(new: EnergyParameters, share: float) -> EnergyParameters:
    """What driving takes on worn tyres; what stands takes as much as before."""
    more = 1 + TYRES * share
    return replace(
        new, loaded_kwh_km=new.loaded_kwh_km * more, empty_kwh_km=new.empty_kwh_km * more
    )


def hoist_share(share: float) -> float:
    """What is left of the hoist's efficiency, and of its speed with a load: its motor's power is
    the same."""
    return 1 - ROPES * share


def lift(mass_kg: float, rated_kg: float) -> float:
    """Of a lift at rated load, how much one of `mass_kg` is."""
    return float((mass_kg / rated_kg) ** 3)
