"""A session on a crane: missions, orders, and what stands under it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hil.errors import BenchError, Unreachable
from hil.session import Session
from twin.clock import Clock
from twin.trace import Trace

from . import words
from .papers import CranePics, CranePixit
from .roles import CraneRoles

if TYPE_CHECKING:  # asyncua is an extra
    from .link import Link
    from .wire import CraneWire

REST_S = 15.0
"""How long an axis at full speed takes to ramp down, at most (estimate)."""
SLACK_S = 2.0
"""Beyond declared times, before a wait is given up."""


class CraneSession(Session[CranePics, CranePixit]):
    """One run on one bench with a crane."""

    device = "crane"
    safe_start = "rest"
    safe_text = "no mission, nothing hangs, nothing moves"
    unsafe_text = (
        "ATTENTION: the crane may still hold a load or have a mission; look after it by hand"
    )
    hands_role = "ground"

    def __init__(
        self, clock: Clock, trace: Trace, wire: CraneWire, roles: CraneRoles, pics: CranePics,
        pixit: CranePixit,
    ) -> None:  # fmt: skip
        super().__init__(clock, trace, wire, roles, pics, pixit)
        self.wire, self.roles = wire, roles
        self._links: list[Link] = []
        self._missions = 0

    # -- what is so

    def boot_limit_s(self) -> float:
        """By its papers."""
        return 2 * self.pixit.start_up_s + 5.0

    async def device_time_s(self) -> float | None:
        """By CurrentTime of the server."""
        return await self.link.time_s()

    @property
    def link(self) -> Link:
        """The main client."""
        if self.wire.main is None or not self.wire.main.alive:
            raise Unreachable("crane wire: the crane has closed the connection")
        return self.wire.main

    def now(self, point: str) -> Any:
        """The last value of a point of the state."""
        return self.wire.now.get(point)

    async def sample(self) -> None:
        """Ask for the server's time, so that a dead wire is seen; look at the ground."""
        self.trace("wire", "clock", now_s=await self.link.time_s())
        await self.look()

    async def look(self) -> None:
        """Record the truth, where somebody can tell it."""
        ground = self.roles.ground
        if ground is not None and ground.instant:
            self.trace("instrument", "truth", **await ground.look())

    async def while_silent(self) -> None:
        """The ground is seen without the wire, too."""
        await self.look()

    @property
    def moves(self) -> bool:
        """Whether some axis says that it moves."""
        return any(self.now(f"{axis}.moving") for axis in words.AXES)

    # -- orders

    async def start(self, label: str, box: str = "", mass_kg: float | None = None) -> bool:
        """Order the mission of the PIXIT; `box` overrides the number."""
        self._missions += 1
        x, name = self.pixit, f"kit-{self._missions}"
        accepted = await self.call(
            label, "StartMission", name, box or x.box, x.from_place, x.to_place,
            x.mass_kg if mass_kg is None else mass_kg,
        )  # fmt: skip
        if accepted:  # what is shown follows the answer
            await self.until(SLACK_S, lambda: self.now("mission.id") == name)
        return accepted

    async def call(self, label: str, method: str, *arguments: Any, of: str = "missions") -> bool:
        """Call a method of the crane."""
        return await self.link.call(label, method, *arguments, of=of)

    async def set_mode(self, mode: int) -> bool:
        """Change the operational mode."""
        return await self.call("mode", "SetMode", mode)

    async def jog(self, label: str, axis: str, speed: float) -> bool:
        """Move by hand."""
        return await self.call(label, "Jog", axis, speed)

    async def until(self, limit_s: float, what: Callable[[], bool]) -> bool:
        """Sample until it is so."""
        return await self.watch(limit_s, what)

    async def until_step(self, step: int) -> bool:
        """Until the mission has reached this step, or is over."""
        return await self.until(
            self.pixit.mission_s,
            lambda: self.now("mission.step") == step or self.now("mission.state") != words.RUNNING,
        )

    async def until_over(self) -> bool:
        """Until no mission runs."""
        return await self.until(
            self.pixit.mission_s, lambda: self.now("mission.state") != words.RUNNING
        )

    async def until_still(self, limit_s: float = REST_S) -> bool:
        """Until nothing moves."""
        return await self.until(limit_s, lambda: not self.moves)

    async def hands(self, what: str, *values: Any) -> None:
        """Let the attendant do something, and say so in the record when it is done."""
        await getattr(self.require("attendant"), what)(*values)
        self.trace("stimulus", "attendant", what=what, values=list(values))

    async def arrange(self, box: str) -> None:
        """Put a box on `from_place`, and say so."""
        await self.require("ground").arrange(box)
        self.trace("stimulus", "arranged", box=box)

    async def tell(self, label: str, number: str, place: str) -> None:
        """Record whether a box stands on a place."""
        stands = await self.require("ground").stands(number, place)
        self.trace("instrument", "stands", label=label, number=number, place=place, stands=stands)

    def keep(self, link: Link | None) -> None:
        """A further client is dropped before the next case."""
        if link is not None:
            self._links.append(link)

    async def leave(self) -> None:
        """All clients go, in order."""
        from .wire import leave

        for link in self._links:
            await leave(link)
        self._links.clear()
        await self.wire.leave()

    def disconnect(self) -> None:
        """All clients go, as if their cables were pulled."""
        if self._links:
            from .wire import drop

            for link in self._links:
                drop(link)
            self._links.clear()
        super().disconnect()

    # -- the start

    async def ready(self, start: str, *, insist: bool = False) -> None:
        """Powered, released, calm, no mission, nothing hangs; for `rest`, the right box in place.

        `any` asks for a wire that answers alone.
        """
        await self.leave()
        if self.roles.power is not None:
            await self.roles.power.switch(True)
        attendant = self.roles.attendant
        if attendant is not None:
            await attendant.estop(False)
            await attendant.lock(False)
            await attendant.camera(False)
            await attendant.load_cell(False)
            await attendant.wind(None)
        limit_s = 2 * self.pixit.start_up_s + 5.0
        if not await self.reconnect(limit_s):
            raise BenchError(f"crane wire: no session within {limit_s:g} s before the case")
        if start == "any" and not insist:
            return
        await self._no_mission()
        await self._nothing_active()
        if self.roles.ground is not None:
            await self.roles.ground.arrange("right")

    async def _no_mission(self) -> None:
        if self.now("mission.state") in (words.RUNNING, words.SUSPENDED):
            await self.call("ready", "CancelMission")
        if self.moves and not await self.until_still():
            raise BenchError(f"crane: an axis still moves {REST_S:g} s after the cancellation")
        ground = self.roles.ground
        hangs = any(self.now(lock) for lock in words.LOCKS)
        if ground is not None and (hangs or ground.instant):
            await ground.clear()
        if self.now("mode") != words.AUTOMATIC:
            await self.set_mode(words.AUTOMATIC)
        if self.now("mode") != words.AUTOMATIC and not await self.until(
            SLACK_S, lambda: self.now("mode") == words.AUTOMATIC
        ):
            raise BenchError("crane: it does not go back to its automatic mode")

    async def _nothing_active(self) -> None:
        active = [one for one in words.PROTECTIONS if self.now(f"p.{one}.active")]
        if active:
            await self.call("ready", "Reset")
        limit_s = self.pixit.gust_release_s + SLACK_S + 3.0
        if not await self.until(limit_s, lambda: not self.now("safety.stop")):
            still = [one for one in words.PROTECTIONS if self.now(f"p.{one}.active")]
            what = ", ".join(still) or "a protective function"
            raise BenchError(f"crane: {what} still acts after {limit_s:g} s")
