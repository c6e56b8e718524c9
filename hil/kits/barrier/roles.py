"""The roles of a barrier's bench as protocols; real, emulated and human drivers all satisfy them.

Every method is bounded in time by its driver and raises a `BenchError` when it cannot do its
work. Angles are degrees from closed (0, horizontal) to open (90, upright).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

Input = Literal["safety", "emergency_stop"]


@dataclass(frozen=True, slots=True)
class ForceRecord:
    """One hit as the norm's instrument records it, from contact on.

    `samples_n` at `rate_hz`; a hand-read instrument gives the three numbers and no samples.
    """

    peak_n: float
    after_750ms_n: float
    end_n: float
    rate_hz: float = 0.0
    samples_n: Sequence[float] = ()


@runtime_checkable
class Stimulus(Protocol):
    """What stands under the arm and which inputs are closed."""

    async def place_obstacle(self, angle_deg: float) -> None:
        """Put something rigid where the arm meets it at `angle_deg`."""

    async def remove_obstacle(self) -> None:
        """Clear the lane."""

    async def set_input(self, name: Input, active: bool) -> None:
        """Make a wired input active or not."""

    async def block_drive(self, blocked: bool) -> None:
        """Keep the drive from moving the arm (coupling undone, motor cable off), or let it."""


@runtime_checkable
class ForceGauge(Protocol):
    """The norm's force instrument: 500 N/mm spring, 5 s record."""

    @property
    def uncertainty_n(self) -> float:
        """Expanded uncertainty of the latest reading."""

    async def place(self, angle_deg: float) -> None:
        """Stand the instrument where the arm meets it at `angle_deg`, ready to record."""

    async def read(self) -> ForceRecord | None:
        """The record of the hit since `place`; None when nothing touched the instrument."""

    async def remove(self) -> None:
        """Take the instrument away."""


@runtime_checkable
class Inclinometer(Protocol):
    """The true angle of the arm, by an instrument that is not the device's own feedback."""

    uncertainty_deg: float
    independent: bool
    continuous: bool

    async def angle_deg(self) -> float | None:
        """The angle now; None when it cannot be had at this moment."""
