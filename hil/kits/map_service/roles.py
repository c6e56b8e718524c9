"""The roles of a map service's bench; emulated and human drivers satisfy them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from hil.session import Roles


class Published(NamedTuple):
    """What the office has published; an empty hash where nobody knows the content."""

    version: str
    sha256: str = ""


@runtime_checkable
class Office(Protocol):
    """Who publishes maps."""

    instant: bool
    """Whether it is published at the moment at which the call returns."""

    async def publish(self, map_id: str, in_s: float) -> Published:
        """A new version of a map that comes into force so long from now."""

    async def now_iso(self) -> str:
        """True civil time, ISO 8601 with its offset."""


@dataclass(frozen=True, slots=True)
class MapServiceRoles(Roles):
    """Who plays which part."""

    office: Office | None = None
