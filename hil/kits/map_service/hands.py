"""Hands at a map service: those of an emulated bench in another process, and those of a person."""

from __future__ import annotations

from hil.drivers.manual import ACTION_LIMIT_S, ManualHands
from hil.drivers.twin import TwinHands

from .roles import Published


class MapServiceTwinHands(TwinHands):
    """Plays office, power and operator."""

    async def publish(self, map_id: str, in_s: float) -> Published:
        """See `Office`."""
        return Published(**await self.call("publish", map_id=map_id, in_s=in_s))


class MapServiceManualHands(ManualHands):
    """The same by prompts; the time is this computer's, which has to be synchronised."""

    device = "map service"

    async def publish(self, map_id: str, in_s: float) -> Published:
        """See `Office`."""
        question = (
            f"Publish a new version of the map {map_id!r} that comes into force {in_s:.0f} s after "
            "you have done so. What is its version?"
        )
        return Published(str(await self._operator.ask(question, "text", ACTION_LIMIT_S)))
