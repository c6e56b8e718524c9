"""Hands at an I/O module: those of an emulated bench in another process, and those of a person."""

from __future__ import annotations

from hil.drivers.manual import ACTION_LIMIT_S, ManualHands
from hil.drivers.twin import TwinHands

from .roles import Body


class LaneIoTwinHands(TwinHands):
    """Plays bodies, photometer, contacts, power and operator."""

    uncertainty_cd = 5.0

    async def place(self, channel: str, body: Body) -> None:
        """See `Bodies`."""
        await self.call("place", channel=channel, body=body)

    async def remove(self, channel: str) -> None:
        """See `Bodies`."""
        await self.call("remove", channel=channel)

    async def intensity_cd(self, lamp: str) -> float:
        """See `Photometer`."""
        return float((await self.call("intensity", lamp=lamp))["intensity_cd"])

    async def set_input(self, name: str, closed: bool) -> None:
        """See `Contacts`."""
        await self.call("input", name=name, closed=closed)

    async def relay_closed(self, name: str) -> bool:
        """See `Contacts`."""
        return bool((await self.call("relay", name=name))["closed"])


class LaneIoManualHands(ManualHands):
    """The same by prompts; a person is too slow to be timed, so limits in time are not judged."""

    uncertainty_cd = 20.0

    async def place(self, channel: str, body: Body) -> None:
        """See `Bodies`."""
        what = "a passenger car" if body == "car" else "the bed of a high trailer"
        await self.do(channel, True, f"Put {what} above the loop {channel!r} only. Done?")

    async def remove(self, channel: str) -> None:
        """See `Bodies`."""
        await self.do(channel, False, f"Drive the vehicle off the loop {channel!r}. Done?")

    async def intensity_cd(self, lamp: str) -> float:
        """See `Photometer`."""
        question = f"Luminous intensity of the lamp {lamp!r}, cd (0 if it is dark)?"
        return float(await self._operator.ask(question, "number", ACTION_LIMIT_S))

    async def set_input(self, name: str, closed: bool) -> None:
        """See `Contacts`."""
        await self.do(name, closed, f"{'Close' if closed else 'Open'} the input {name!r}. Done?")

    async def relay_closed(self, name: str) -> bool:
        """See `Contacts`."""
        question = f"Does the contact of the relay {name!r} conduct?"
        return bool(await self._operator.ask(question, "confirm", ACTION_LIMIT_S))
