"""What a case works with: the wire, the roles, and how to wait and to record.

A session records; it decides nothing. Every wait has a deadline, and a deadline that passes
while the device is brought into its start position is a `BenchError`: nothing was judged yet.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from twin.clock import Clock
from twin.trace import Trace

from .errors import BenchError, Unreachable
from .pace import check_pace
from .papers import Pics, Pixit
from .roles import Operator, Power

P = TypeVar("P", bound=Pics)
X = TypeVar("X", bound=Pixit)

SAFE_TRIES = 3


class Wire(Protocol):
    """The device's own wire, whatever its protocol."""

    @property
    def connected(self) -> bool:
        """Whether the client believes in its connection."""

    async def connect(self, limit_s: float | None = None) -> None:
        """Connect within `limit_s`, or raise `Unreachable`."""

    def close(self) -> None:
        """Close the connection; a closed wire connects again by `connect`."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Who plays which part; None where the bench has nobody for it. A kit adds its own."""

    power: Power | None = None
    operator: Operator | None = None

    def missing(self, names: tuple[str, ...]) -> list[str]:
        """Which of these roles nobody plays."""
        return [name for name in names if getattr(self, name) is None]


class Session(ABC, Generic[P, X]):
    """One run on one bench."""

    device = "device"
    safe_start = "any"
    """The start position that is the device's safe state."""
    safe_text = "at rest"
    unsafe_text = "ATTENTION: the safe state could not be reached; make the bench safe by hand"
    hands_role = ""
    """The role whose hands act at once where they are emulated, and that knows the true time."""

    def __init__(
        self, clock: Clock, trace: Trace, wire: Wire, roles: Roles, pics: P, pixit: X
    ) -> None:
        self.clock, self.trace = clock, trace
        self.pics, self.pixit = pics, pixit
        self._wire, self._roles = wire, roles

    # -- what each kit says

    @abstractmethod
    async def sample(self) -> None:
        """Read the wire and the instruments once; both are recorded."""

    @abstractmethod
    async def ready(self, start: str, *, insist: bool = False) -> None:
        """Bring the device to the start of a case: powered, inputs clear, resting at `start`.

        `insist` repeats the orders even if the device seems to be there already. Raises
        `BenchError` when it cannot be brought there.
        """

    async def device_time_s(self) -> float | None:
        """The device's own time now, s from any instant; None where its wire has no time stamps."""
        return None

    def instruments(self) -> dict[str, Any]:
        """What the judge has to know of the instruments; stands in every `case.begin`."""
        if not self.hands_role:
            return {}
        hands = getattr(self._roles, self.hands_role)
        return {"instant": bool(getattr(hands, "instant", False))}

    # -- recording

    def missing(self, roles: tuple[str, ...]) -> list[str]:
        """Which of these roles nobody plays."""
        return self._roles.missing(roles)

    def mark(self, name: str) -> None:
        """Name this instant for the judge."""
        self.trace("case", "mark", name=name)

    async def step(self, name: str) -> None:
        """Begin a step: nothing of the step before has the same instant as its mark."""
        await self.clock.sleep(self.pixit.poll_s)
        self.mark(name)

    async def tell_time(self) -> None:
        """Record the true time beside the run's clock."""
        self.trace("instrument", "time", now=await self.require(self.hands_role).now_iso())

    # -- waiting

    async def watch(
        self,
        seconds: float,
        until: Callable[[], bool] | None = None,
        *,
        every_s: float | None = None,
        sample: Callable[[], Awaitable[None]] | None = None,
    ) -> bool:
        """Sample every `every_s` for `seconds` or until `until()`; True if it came true.

        `every_s` is `pixit.poll_s` unless given; `sample` is `self.sample` unless given.
        """
        end_s = self.clock.now_s() + seconds
        step_s = every_s or self.pixit.poll_s
        look = sample or self.sample
        while True:
            await look()
            if until is not None and until():
                return True
            if self.clock.now_s() + step_s > end_s:
                return False
            await self.clock.sleep(step_s)

    async def reconnect(self, limit_s: float) -> bool:
        """Try to connect and read until it works or `limit_s` has passed."""
        end_s = self.clock.now_s() + limit_s
        while self.clock.now_s() < end_s:
            try:
                await self._wire.connect(min(1.0, limit_s))
                await self.sample()
            except Unreachable:
                self._wire.close()
                await self.while_silent()
                await self.clock.sleep(self.pixit.poll_s)
            else:
                return True
        return False

    async def while_silent(self) -> None:
        """What can be read while the wire is dead; nothing unless a kit says so."""

    async def connected(self, limit_s: float) -> None:
        """A wire that answers within `limit_s`, or `Unreachable`."""
        if not self._wire.connected and not await self.reconnect(limit_s):
            raise Unreachable(f"{self.device} wire: no answer within {limit_s:g} s before the case")

    def boot_limit_s(self) -> float:
        """How long a device may take to answer after its power came (estimate; a kit may know)."""
        return 30.0

    async def reach(self) -> None:
        """Find out, before the first case, whether there is a device at all; or `Unreachable`.

        A bench that is not there would otherwise be told once for each requirement. A device may
        also be merely switched off: where the bench can, it is switched on and waited for. Raises
        `BenchError` for one whose time runs at another speed than the bench's.
        """
        try:
            await self._wire.connect()
        except Unreachable as first:
            if self.missing(("power",)):
                raise
            try:
                await self.power(True)
            except BenchError as second:
                raise Unreachable(
                    f"{first}. Nor could its power be switched on: {second}"
                ) from None
            await self._until_connected(self.boot_limit_s())
        if self.clock.mode != "virtual":  # there both are on one clock
            await check_pace(self.clock, self.device, self.device_time_s)
        self._wire.close()

    async def _until_connected(self, limit_s: float) -> None:
        end_s = self.clock.now_s() + limit_s
        while True:
            try:
                await self._wire.connect(min(1.0, limit_s))
            except Unreachable as error:
                if self.clock.now_s() >= end_s:
                    raise Unreachable(
                        f"{error}. The bench says that its power is on, since {limit_s:g} s"
                    ) from None
                await self.clock.sleep(self.pixit.poll_s)
            else:
                return

    # -- driving

    async def power(self, on: bool) -> None:
        """Cut the power or give it back."""
        power = self.require("power")
        self.trace("stimulus", "power", on=on)
        await power.switch(on)

    def require(self, role: str) -> Any:
        """The driver of `role`, or a `BenchError` that says to bind one."""
        driver = getattr(self._roles, role)
        if driver is None:
            raise BenchError(f"bench: nobody plays the role {role!r}; bind it in bench.toml")
        return driver

    # -- leaving

    def disconnect(self) -> None:
        """Close the device's wire."""
        self._wire.close()

    async def leave(self) -> None:
        """The run is over: close all that is open, and wait for its end."""
        self.disconnect()

    async def safe(self) -> bool:
        """The forced safe state on leaving; True if it is reached.

        Whatever the run was doing when it was left may be half done, so each try begins on a
        fresh connection: an answer that nobody waited for must not be taken for this one.
        """
        for attempt in range(SAFE_TRIES):
            self._wire.close()
            try:
                await self.ready(self.safe_start, insist=True)
            except Exception as error:  # noqa: BLE001 - whatever it is, the run has to end in order
                detail = f"{type(error).__name__}: {error}"
                self.trace("case", "safe", attempt=attempt, reached=False, detail=detail)
            else:
                self.trace("case", "safe", attempt=attempt, reached=True, detail=self.safe_text)
                return True
        return False
