"""The roles of a crane's bench; emulated and human drivers satisfy them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from hil.session import Roles

Box = Literal["right", "other", "heavy"]


@runtime_checkable
class Ground(Protocol):
    """What stands under the crane, and what can be seen of it from outside."""

    instant: bool
    """Whether motion can be followed, so that `look` may be held against the wire."""

    async def arrange(self, box: Box) -> None:
        """This box on `from_place`, and nothing on `to_place`."""

    async def clear(self) -> None:
        """Take off what hangs on the spreader; its locks are open then."""

    async def look(self) -> dict[str, Any]:
        """The truth: `gantry_m`, `trolley_m`, `hoist_m`, `load_kg`, `locks` (how many are closed),
        `held` (number or empty), `on_from`, `on_to`; nothing where nobody can tell."""

    async def stands(self, number: str, place: str) -> bool:
        """Whether this box stands on that place."""


@runtime_checkable
class Attendant(Protocol):
    """A person at the crane, or a panel that does the same."""

    async def estop(self, pressed: bool) -> None:
        """Press or release an emergency stop."""

    async def lock(self, blocked: bool) -> None:
        """Keep one twist-lock from turning."""

    async def camera(self, covered: bool) -> None:
        """Cover the cameras that read the box's number."""

    async def load_cell(self, unplugged: bool) -> None:
        """Unplug the load cells, where their status shows it."""

    async def wind(self, speed_m_s: float | None) -> None:
        """Feed the anemometer's input with a wind; None gives it back to the weather."""

    async def restart(self) -> None:
        """Restart the controller, not the drives' supply."""


@dataclass(frozen=True, slots=True)
class CraneRoles(Roles):
    """Who plays which part."""

    ground: Ground | None = None
    attendant: Attendant | None = None
