"""What a carrier tells of itself: events, its motion at one instant, a path on its way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from twin.physics import Path, Pose


class CarrierEventKind(Enum):
    """What can happen to a carrier."""

    MOVING = "moving"
    PASSED = "passed"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class CarrierEvent:
    """Something that happened; `mark` is the one that was passed."""

    kind: CarrierEventKind
    record: int
    mark: int = -1


class Glimpse(NamedTuple):
    """A carrier's motion at one instant; `direction` is a unit vector in its own frame."""

    pose: Pose
    speed_m_s: float
    turn_rad_s: float
    direction: tuple[float, float]
    way_m: float


@dataclass(slots=True)
class Stretch:
    """One path and where it lies on the carrier's way."""

    path: Path
    begin_m: float

    @property
    def end_m(self) -> float:
        """Where it ends on the way."""
        return self.begin_m + self.path.end_m
