"""The roles of a bench with a remote I/O module; emulated and human drivers satisfy them.

Every method is bounded in time by its driver and raises a `BenchError` when it cannot do its work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from hil.session import Roles

Body = Literal["car", "high-bed"]
"""A passenger car (floor 0.3 m above the road), or a trailer whose bed is all that passes."""


@runtime_checkable
class Bodies(Protocol):
    """Puts metal on the loops and takes it away."""

    instant: bool
    """Whether the body is there at the moment at which the call returns, not seconds before."""

    async def place(self, channel: str, body: Body) -> None:
        """Put a body above the loop of this channel, and above no other."""

    async def remove(self, channel: str) -> None:
        """Take the body away."""


@runtime_checkable
class Photometer(Protocol):
    """Looks at the lamps."""

    instant: bool
    uncertainty_cd: float

    async def intensity_cd(self, lamp: str) -> float:
        """Luminous intensity of one lamp along its axis; 0 when it is dark."""


@runtime_checkable
class Contacts(Protocol):
    """Hands and a meter at the module's terminals."""

    instant: bool

    async def set_input(self, name: str, closed: bool) -> None:
        """Close or open the contact at an input."""

    async def relay_closed(self, name: str) -> bool:
        """Whether the contact of a relay conducts."""


@dataclass(frozen=True, slots=True)
class LaneIoRoles(Roles):
    """Who plays which part."""

    bodies: Bodies | None = None
    photometer: Photometer | None = None
    contacts: Contacts | None = None
