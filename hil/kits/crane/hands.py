"""Hands at a crane: those of an emulated bench in another process, and those of a person."""

from __future__ import annotations

from typing import Any

from hil.drivers.manual import ACTION_LIMIT_S, ManualHands
from hil.drivers.twin import TwinHands

from .roles import Box


class CraneTwinHands(TwinHands):
    """Plays ground, attendant, power and operator."""

    async def arrange(self, box: Box) -> None:
        """See `Ground`."""
        await self.call("arrange", box=box)

    async def clear(self) -> None:
        """See `Ground`."""
        await self.call("clear")

    async def look(self) -> dict[str, Any]:
        """See `Ground`."""
        return dict(await self.call("look"))

    async def stands(self, number: str, place: str) -> bool:
        """See `Ground`."""
        return bool((await self.call("stands", number=number, place=place))["stands"])

    async def estop(self, pressed: bool) -> None:
        """See `Attendant`."""
        await self.call("estop", on=pressed)

    async def lock(self, blocked: bool) -> None:
        """See `Attendant`."""
        await self.call("lock", on=blocked)

    async def camera(self, covered: bool) -> None:
        """See `Attendant`."""
        await self.call("camera", on=covered)

    async def load_cell(self, unplugged: bool) -> None:
        """See `Attendant`."""
        await self.call("load_cell", on=unplugged)

    async def wind(self, speed_m_s: float | None) -> None:
        """See `Attendant`."""
        await self.call("wind", speed_m_s=speed_m_s)

    async def restart(self) -> None:
        """See `Attendant`."""
        await self.call("restart")


class CraneManualHands(ManualHands):
    """The same by prompts; a person does not follow motion."""

    device = "crane"

    async def arrange(self, box: Box) -> None:
        """See `Ground`; asked anew for each case, for the crane has moved what stood there."""
        which = {
            "right": "the box of pixit.toml",
            "other": "the other box of pixit.toml",
            "heavy": "the overload box, under the number of the box of pixit.toml,",
        }[box]
        self._is["arranged"] = None
        await self.do(
            "arranged", True, f"Put {which} on from_place and leave to_place empty. Done?"
        )

    async def clear(self) -> None:
        """See `Ground`."""
        self._is["hangs"] = None
        await self.do(
            "hangs", False, "Set down by hand what hangs on the spreader, open its locks. Done?"
        )

    async def look(self) -> dict[str, Any]:
        """See `Ground`: nobody reads metres from a moving crane."""
        return {}

    async def stands(self, number: str, place: str) -> bool:
        """See `Ground`."""
        question = f"Does box {number} stand on {place}?"
        return bool(await self._operator.ask(question, "confirm", ACTION_LIMIT_S))

    async def estop(self, pressed: bool) -> None:
        """See `Attendant`."""
        verb = "Press" if pressed else "Release"
        await self.do("estop", pressed, f"{verb} an emergency stop of the crane. Done?")

    async def lock(self, blocked: bool) -> None:
        """See `Attendant`."""
        verb = "Block" if blocked else "Free"
        await self.do("lock", blocked, f"{verb} one twist-lock of the spreader. Done?")

    async def camera(self, covered: bool) -> None:
        """See `Attendant`."""
        verb = "Cover" if covered else "Uncover"
        await self.do("camera", covered, f"{verb} the cameras at the spreader. Done?")

    async def load_cell(self, unplugged: bool) -> None:
        """See `Attendant`."""
        verb = "Unplug" if unplugged else "Plug in"
        await self.do("load cell", unplugged, f"{verb} the load cells. Done?")

    async def wind(self, speed_m_s: float | None) -> None:
        """See `Attendant`."""
        if speed_m_s is None:
            await self.do("wind", False, "Connect the anemometer again. Done?")
            return
        self._is["wind"] = None
        question = f"Feed the anemometer's input with {speed_m_s:g} m/s. Done?"
        await self.do("wind", True, question)

    async def restart(self) -> None:
        """See `Attendant`."""
        self._is["restarted"] = None
        await self.do("restarted", True, "Restart the crane's controller alone. Done?")
