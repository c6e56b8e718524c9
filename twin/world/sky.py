"""How much of the sky an antenna sees: roofs over scanners and crane legs take it away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class Sky(Protocol):
    """The share of the open sky that is seen at a place."""

    def share(self, east_m: float, north_m: float) -> float:
        """0 under a closed roof to 1 in the open."""


@dataclass(frozen=True, slots=True)
class Canopy:
    """A rectangle of the local plane below which only `share` of the sky is seen."""

    from_east_m: float
    to_east_m: float
    from_north_m: float
    to_north_m: float
    share: float = 0.0

    def covers(self, east_m: float, north_m: float) -> bool:
        """Whether the place is below it."""
        return (
            self.from_east_m <= east_m <= self.to_east_m
            and self.from_north_m <= north_m <= self.to_north_m
        )


class SkyMap:
    """Open sky but for canopies; where two overlap the darker one counts."""

    def __init__(self, canopies: Iterable[Canopy] = ()) -> None:
        self._canopies = tuple(canopies)

    def share(self, east_m: float, north_m: float) -> float:
        """The share seen there."""
        return min((c.share for c in self._canopies if c.covers(east_m, north_m)), default=1.0)
