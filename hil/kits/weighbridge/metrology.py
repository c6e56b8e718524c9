"""Errors of a weighing instrument and what is permitted: OIML R 76-1 as far as the kit needs it.

Pure functions. Clause numbers are of the edition of 2006; this is not the standard.
"""

from __future__ import annotations

from collections.abc import Sequence

_STEPS_E = {"III": (500.0, 2000.0), "IIII": (50.0, 200.0)}
"""Loads in e up to which 0.5 e and 1 e are permitted; 1.5 e above (R 76-1, 3.5.1, Table 6)."""

EXTRA_E = 0.1
"""Additional weights go in tenths of e (R 76-1, A.4.4.3)."""

EXTRA_STEPS = 12
"""After so many the indication has changed; ten do it for a scale without any unrest."""


def mpe_kg(mass_kg: float, e_kg: float, accuracy_class: str) -> float:
    """Maximum permissible error on initial verification for this load, kg."""
    low, high = _STEPS_E[accuracy_class]
    load_e = abs(mass_kg) / e_kg
    return (0.5 if load_e <= low else 1.0 if load_e <= high else 1.5) * e_kg


def changes_at(max_kg: float, e_kg: float, accuracy_class: str) -> list[float]:
    """Loads up to Max at which the permissible error changes, kg."""
    return [edge * e_kg for edge in _STEPS_E[accuracy_class] if edge * e_kg < max_kg]


def majority_kg(shown: Sequence[float]) -> float:
    """The lower median of what was shown: with an even count it is one of the values, too."""
    ordered = sorted(shown)
    return ordered[(len(ordered) - 1) // 2]


def error_kg(indication_kg: float, extra_kg: float, mass_kg: float, e_kg: float) -> float:
    """E = I + e/2 - ΔL - L, where ΔL has just raised the indication by e (R 76-1, A.4.4.3)."""
    return indication_kg + e_kg / 2 - extra_kg - mass_kg


def changeover_uncertainty_kg(e_kg: float) -> float:
    """Expanded uncertainty of an error by additional weights of 0.1 e, apart from the weights'.

    Half a step of additional weights, rectangular, and an unrest of the indication of 0.05 e
    (estimate).
    """
    return 2 * e_kg * float((EXTRA_E**2 / 12 + 0.05**2) ** 0.5)
