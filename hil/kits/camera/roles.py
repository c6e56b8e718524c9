"""The roles of a camera's bench; emulated and human drivers satisfy them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from hil.session import Roles


@runtime_checkable
class Scene(Protocol):
    """What passes before the lens, and what time it really is."""

    instant: bool
    """Whether the vehicle passes the trigger line at the moment at which the call returns."""

    async def show(self, plate: str, *, covered: bool) -> None:
        """Let one vehicle with this front plate pass; `covered`: with mud all over the plate."""

    async def now_iso(self) -> str:
        """True civil time, ISO 8601 with its offset."""


@dataclass(frozen=True, slots=True)
class CameraRoles(Roles):
    """Who plays which part."""

    scene: Scene | None = None
