"""The roles of a receiver's bench; emulated and human drivers satisfy them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from hil.session import Roles


@runtime_checkable
class Sky(Protocol):
    """What the antenna receives and where it is: a signal simulator, or a person with a vehicle."""

    instant: bool
    """Whether it is so at the moment at which the call returns, so that time may be judged."""

    async def signal(self, on: bool) -> None:
        """All satellites, or none: the antenna's cable is pulled."""

    async def corrections(self, on: bool) -> None:
        """The reference station's data come, or do not."""

    async def drive(self, speed_m_s: float, course_deg: float) -> None:
        """Move straight on; 0 stands still."""

    async def home(self) -> None:
        """Stand at the surveyed point of the PIXIT."""

    async def place(self, latitude_deg: float, longitude_deg: float) -> None:
        """Stand there at once; a signal simulator alone can do it."""

    async def now_iso(self) -> str:
        """True civil time, ISO 8601 with its offset."""


@dataclass(frozen=True, slots=True)
class GnssRoles(Roles):
    """Who plays which part."""

    sky: Sky | None = None
