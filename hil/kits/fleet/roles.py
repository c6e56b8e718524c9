"""The roles of a fleet manager's bench: who gives it transport jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from hil.session import Roles


@runtime_checkable
class Jobs(Protocol):
    """How a job reaches a fleet manager; no standard says so."""

    async def bring(self, vehicle: str, start: str, goal: str) -> None:
        """Have this vehicle brought from one node to another."""

    async def abandon(self, vehicle: str) -> None:
        """Have the vehicle's jobs abandoned, also the one that it is driving."""

    async def pause(self, vehicle: str, on: bool) -> None:
        """Have the vehicle paused, or go on."""


@dataclass(frozen=True, slots=True)
class FleetRoles(Roles):
    """Who plays which part."""

    jobs: Jobs | None = None
