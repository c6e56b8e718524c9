"""Hands at a rack: those of an emulated bench in another process, and those of a person."""

from __future__ import annotations

from hil.drivers.manual import ACTION_LIMIT_S, ManualHands
from hil.drivers.twin import TwinHands

from .roles import Seen


class ReeferTwinHands(TwinHands):
    """Plays units, monitor, power and operator."""

    async def put(self, socket: int, setpoint_c: float) -> None:
        """See `Units`."""
        await self.call("put", socket=socket, setpoint_c=setpoint_c)

    async def lift(self, socket: int) -> None:
        """See `Units`."""
        await self.call("lift", socket=socket)

    async def plug(self, socket: int, on: bool) -> None:
        """See `Units`."""
        await self.call("plug", socket=socket, on=on)

    async def mains(self, socket: int, on: bool) -> None:
        """See `Units`."""
        await self.call("mains", socket=socket, on=on)

    async def air(self, socket: int, return_c: float | None) -> None:
        """See `Units`."""
        await self.call("air", socket=socket, return_c=return_c)

    async def see(self, socket: int) -> Seen:
        """See `Units`."""
        return Seen(**await self.call("see", socket=socket))

    async def broker(self) -> tuple[str, int]:
        """See `Monitor`."""
        where = await self.call("broker")
        return str(where["host"]), int(where["port"])


class ReeferManualHands(ManualHands):
    """The same by prompts; what a person reads off a unit is asked for only where it is judged."""

    device = "rack's controller"

    async def put(self, socket: int, setpoint_c: float) -> None:
        """See `Units`."""
        how = f"a box with a test unit, set point {setpoint_c:g} °C, at socket {socket}, unplugged"
        await self.do(f"box {socket}", True, f"Set down {how}. Done?")

    async def lift(self, socket: int) -> None:
        """See `Units`."""
        await self.do(f"box {socket}", False, f"Take the box at socket {socket} away. Done?")
        self._is[f"plug {socket}"] = False

    async def plug(self, socket: int, on: bool) -> None:
        """See `Units`."""
        how = "Put in" if on else "Pull"
        await self.do(f"plug {socket}", on, f"{how} the plug at socket {socket}. Done?")

    async def mains(self, socket: int, on: bool) -> None:
        """See `Units`."""
        how = "on" if on else "off"
        await self.do(
            f"dead {socket}", not on, f"Switch the breaker of socket {socket} {how}. Done?"
        )

    async def air(self, socket: int, return_c: float | None) -> None:
        """See `Units`."""
        if return_c is None:
            await self.do(f"air {socket}", False, f"Let the unit at socket {socket} cool. Done?")
            return
        self._is.pop(f"air {socket}", None)
        await self.do(
            f"air {socket}", True,
            f"Hold the return air of the unit at socket {socket} at {return_c:g} °C. Done?",
        )  # fmt: skip

    async def see(self, socket: int) -> Seen:
        """See `Units`."""
        if not self._is.get(f"box {socket}", False):
            return Seen()

        async def number(what: str) -> float:
            text = f"What {what} does the unit at socket {socket} show, °C?"
            return float(await self._operator.ask(text, "number", ACTION_LIMIT_S))

        plugged = await self._operator.ask(
            f"Is the plug at socket {socket} in?", "confirm", ACTION_LIMIT_S
        )
        self._is[f"plug {socket}"] = bool(plugged)
        powered = bool(plugged) and not self._is.get(f"dead {socket}", False)
        setpoint_c = await number("set point")
        if not powered:
            return Seen(f"at socket {socket}", bool(plugged), False, setpoint_c)
        return Seen(
            f"at socket {socket}", True, True, setpoint_c, await number("supply air"),
            await number("return air"),
        )  # fmt: skip
