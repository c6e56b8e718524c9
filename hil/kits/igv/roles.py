"""The roles of a vehicle's bench; emulated and human drivers satisfy them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from hil.session import Roles


class TruePose(NamedTuple):
    """Where the vehicle really is, and how fast; on the map, m and m/s."""

    x_m: float
    y_m: float
    speed_m_s: float


@runtime_checkable
class Track(Protocol):
    """Who sees where the vehicle really is: a tracker, a total station, a person with a tape."""

    instant: bool
    """Whether it can be read at any moment, so that motion may be judged."""

    async def pose(self) -> TruePose:
        """The true pose now."""


@runtime_checkable
class RadioLink(Protocol):
    """The vehicle's radio: cut so that neither side sees its connection end."""

    async def link(self, up: bool) -> None:
        """Cut it or give it back."""


@runtime_checkable
class Attendant(Protocol):
    """A person at the vehicle."""

    async def stop(self, pressed: bool) -> None:
        """Press the emergency stop, or pull it out."""

    async def acknowledge(self) -> None:
        """Acknowledge the stop at the vehicle; no start."""

    async def field(self, violated: bool) -> None:
        """Bring a test body into the protective field, or take it out."""

    async def mode(self, name: str) -> None:
        """Turn the key switch to AUTOMATIC or MANUAL."""

    async def leave(self, away: bool) -> None:
        """Switch the vehicle's control off in order, or on again."""


@dataclass(frozen=True, slots=True)
class IgvRoles(Roles):
    """Who plays which part."""

    track: Track | None = None
    link: RadioLink | None = None
    attendant: Attendant | None = None
