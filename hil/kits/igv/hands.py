"""Hands at a vehicle: those of an emulated bench in another process, and those of a person."""

from __future__ import annotations

from hil.drivers.manual import ACTION_LIMIT_S, ManualHands
from hil.drivers.twin import TwinHands

from .roles import TruePose


class IgvTwinHands(TwinHands):
    """Plays track, link, attendant, power and operator."""

    async def pose(self) -> TruePose:
        """See `Track`."""
        seen = await self.call("pose")
        return TruePose(float(seen["x_m"]), float(seen["y_m"]), float(seen["speed_m_s"]))

    async def link(self, up: bool) -> None:
        """See `RadioLink`."""
        await self.call("link", up=up)

    async def stop(self, pressed: bool) -> None:
        """See `Attendant`."""
        await self.call("stop", pressed=pressed)

    async def acknowledge(self) -> None:
        """See `Attendant`."""
        await self.call("acknowledge")

    async def field(self, violated: bool) -> None:
        """See `Attendant`."""
        await self.call("field", violated=violated)

    async def mode(self, name: str) -> None:
        """See `Attendant`."""
        await self.call("mode", name=name)

    async def leave(self, away: bool) -> None:
        """See `Attendant`."""
        await self.call("leave", away=away)


class IgvManualHands(ManualHands):
    """The same by prompts; a person is too slow to watch motion, only standing places count."""

    device = "vehicle"

    async def pose(self) -> TruePose:
        """See `Track`: asked only where the vehicle has to stand."""
        x = await self._operator.ask("Where does it stand: x on the map, m?", "number", 600.0)
        y = await self._operator.ask("And y, m?", "number", 600.0)
        moves = await self._operator.ask("Does it move?", "confirm", ACTION_LIMIT_S)
        return TruePose(float(x), float(y), float("inf") if moves else 0.0)

    async def link(self, up: bool) -> None:
        """See `RadioLink`."""
        how = (
            "back on" if up else "off, without the vehicle's power (shield or switch off its cell)"
        )
        await self.do("radio cut", not up, f"Switch the vehicle's radio {how}. Done?")

    async def stop(self, pressed: bool) -> None:
        """See `Attendant`."""
        verb = "Press" if pressed else "Pull out"
        await self.do("stop", pressed, f"{verb} the emergency stop at the vehicle. Done?")

    async def acknowledge(self) -> None:
        """See `Attendant`."""
        self._is["acknowledged"] = None
        question = "Acknowledge the emergency stop, if it is one; press no start. Done?"
        await self.do("acknowledged", True, question)

    async def field(self, violated: bool) -> None:
        """See `Attendant`."""
        verb = "Bring a test body into" if violated else "Take the test body out of"
        await self.do("field", violated, f"{verb} the vehicle's protective field. Done?")

    async def mode(self, name: str) -> None:
        """See `Attendant`."""
        await self.do("manual", name == "MANUAL", f"Turn the key switch to {name}. Done?")

    async def leave(self, away: bool) -> None:
        """See `Attendant`."""
        how = "Shut the vehicle's control down in order" if away else "Start it again"
        await self.do("away", away, f"{how}. Done?")
