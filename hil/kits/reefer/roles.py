"""The roles of a rack's bench; emulated and human drivers satisfy them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from hil.session import Roles


class Seen(NamedTuple):
    """What can be seen at one socket and on the unit there; None where nothing is shown."""

    number: str = ""
    """Of the box; empty if there is none."""
    plugged: bool = False
    powered: bool = False
    setpoint_c: float | None = None
    supply_c: float | None = None
    return_c: float | None = None


@runtime_checkable
class Units(Protocol):
    """Boxes with test units whose air can be set, and hands at the plugs. Sockets count from 1."""

    instant: bool
    """Whether it is so at the moment at which the call returns, so that time may be judged."""

    async def put(self, socket: int, setpoint_c: float) -> None:
        """Set a box down at a free socket; its unit has this set point and no plug."""

    async def lift(self, socket: int) -> None:
        """Take the box away, plugged or not; nothing if there is none."""

    async def plug(self, socket: int, on: bool) -> None:
        """Put the plug in or pull it."""

    async def mains(self, socket: int, on: bool) -> None:
        """Power at one socket."""

    async def air(self, socket: int, return_c: float | None) -> None:
        """Hold the return air at a temperature; None lets the unit cool."""

    async def see(self, socket: int) -> Seen:
        """What is there now."""

    async def now_iso(self) -> str:
        """True civil time, ISO 8601 with its offset."""


@runtime_checkable
class Monitor(Protocol):
    """Where the monitoring system's messages can be heard."""

    async def broker(self) -> tuple[str, int]:
        """Host and port of the MQTT broker."""


@dataclass(frozen=True, slots=True)
class ReeferRoles(Roles):
    """Who plays which part."""

    units: Units | None = None
    monitor: Monitor | None = None
