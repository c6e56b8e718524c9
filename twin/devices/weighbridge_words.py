"""The figures, readings and faults of a weighbridge, apart from how it weighs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twin.devices.base import FaultKind, Parameter, worn_fault
from twin.devices.wear import Part

PARTS: Mapping[str, Part] = {
    "cells": Part(
        "loadings",
        1_000_000,
        "estimate: ten years of 270 trucks a day; OIML R 76-1 tests endurance with 100,000",
    ),
}
"""A loading is one vehicle on an empty platform."""

STATUS_BITS = (
    "motion", "net", "overload", "underload", "at_zero", "zero_refused", "tare_refused",
    "zero_lost",
)  # fmt: skip
"""Bits of the point `status`, lowest first."""


@dataclass(frozen=True, slots=True)
class CellWear:
    """Errors of the load cells, as shares of the load; `worn_…` comes on top at the end of life.

    A new scale has the temperature effect and the creep of a class C3 cell (OIML R 60, 3,000
    divisions). What wear adds is an estimate, set so that a scale leaves the tolerance of
    OIML R 76-1 in service (3 e for a load of 40 t) within its rated life: why they are verified
    every year.
    """

    temperature_1_k: float = 1e-5
    """Span lost or gained with each kelvin off the temperature of adjustment."""
    creep: float = 1e-4
    """What a load that stays gains in the end; it gets there with `creep_s`."""
    worn_creep: float = 4e-4
    creep_s: float = 600.0
    worn_span: float = -3e-3
    worn_corner: float = 2e-3
    """Difference from the middle of the platform to its end: cells that aged unevenly."""


@dataclass(frozen=True, slots=True)
class WeighbridgeParameters:
    """The scale's own data. Sources: OIML R 76-1 for divisions, zero and overload; others are
    estimates for a truck scale with a 1-2 s filter.
    """

    capacity_kg: int = 80_000
    division_kg: int = 20
    frequency_hz: float = 1.4
    """Of the filtered platform; with the damping a step of 40 t is within half a d in 1.6 s."""
    damping: float = 0.6
    roll_noise: float = 0.004
    """Shaking by rolling wheels, as a share of the load (peak about three times this)."""
    roll_decay_s: float = 0.4
    """How fast the shaking dies away once the wheels stand."""
    rest_noise_kg: float = 2.5
    """Standard deviation of wind and electronics on a quiet platform."""
    drift_kg: float = 30.0
    """Largest slow change of the empty scale (temperature, dirt); zero tracking takes it away."""
    drift_period_s: float = 6 * 3600.0
    zero_range: float = 0.02
    """Share of the capacity within which the zero command works (R 76-1, 4.5.1: 4 % in all)."""
    wear: CellWear = CellWear()

    @property
    def overload_kg(self) -> int:
        """Above Max + 9 e nothing may be shown as valid (R 76-1, 4.2.3)."""
        return self.capacity_kg + 9 * self.division_kg


@dataclass(frozen=True, slots=True)
class Reading:
    """What the terminal shows at one instant, kilograms in whole divisions."""

    gross_kg: int
    tare_kg: int
    motion: bool
    overload: bool
    underload: bool
    at_zero: bool
    net_rounding_kg: int = 0
    """Net is rounded from the exact difference, so it may be a division off gross less tare."""

    @property
    def net_kg(self) -> int:
        """Gross less tare."""
        return self.gross_kg - self.tare_kg + self.net_rounding_kg

    @property
    def out_of_range(self) -> bool:
        """No valid weight: above Max + 9 e or below -20 e."""
        return self.overload or self.underload


_DRIFT = FaultKind(
    "drift",
    "the empty scale wanders off: mud under the platform, a binding edge, a wet load cell; zero "
    "tracking does not follow, the zero command helps for a while",
    {
        "rate_kg_h": Parameter(1200.0, "kg/h", -100_000.0, 100_000.0, doc="speed of wandering"),
        "offset_kg": Parameter(0.0, "kg", -50_000.0, 50_000.0, doc="jump at the beginning"),
    },
)
_NOISY = FaultKind(
    "noisy",
    "a broken shield or a damaged cell: the weight jumps about and rarely settles",
    {"sigma_kg": Parameter(200.0, "kg", 0.0, 20_000.0, doc="standard deviation")},
)
_MOTION_STUCK = FaultKind(
    "motion_stuck",
    "the motion flag is constant, whatever the platform does",
    {"value": Parameter(False, doc="the constant; false claims a settled weight at all times")},
)
FAULTS: Mapping[str, FaultKind] = {
    fault.kind: fault
    for fault in (
        _DRIFT,
        FaultKind("stuck", "the terminal froze: it repeats its last reading and flags"),
        _NOISY,
        _MOTION_STUCK,
        FaultKind(
            "overload_dead",
            "no overload and no out-of-range flag; the weight ends at the highest valid one",
        ),
        FaultKind("offline", "the terminal has no power: its wires answer nothing"),
        worn_fault(PARTS),
    )
}
"""The fault menu of every weighbridge."""
