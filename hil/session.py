"""What a case works with: the wire, the roles, and how to wait and to record.

A session records; it decides nothing. Every wait has a deadline, and a deadline that passes
while the device is brought into its start position is a `BenchError`: nothing was judged yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twin.clock import Clock
from twin.trace import Trace

from .drivers.base import ForceGauge, Inclinometer, Input, Operator, Power, Stimulus
from .drivers.modbus import BarrierWire
from .errors import BenchError, Unreachable
from .pics import BarrierPics, BarrierPixit
from .view import END_DEG, OPEN_DEG

SAFE_TRIES = 3
READY_ORDERS = 2
SETTLE_S = 5.0
"""How long an arm may take to come to rest at its end."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Who plays which part; None where the bench has nobody for it."""

    wire: BarrierWire
    inclinometer: Inclinometer | None = None
    stimulus: Stimulus | None = None
    force_gauge: ForceGauge | None = None
    power: Power | None = None
    operator: Operator | None = None

    def missing(self, names: tuple[str, ...]) -> list[str]:
        """Which of these roles nobody plays."""
        return [name for name in names if getattr(self, name) is None]


class Session:
    """One run on one bench."""

    def __init__(
        self, clock: Clock, trace: Trace, roles: Roles, pics: BarrierPics, pixit: BarrierPixit
    ) -> None:
        self.clock, self.trace, self.roles = clock, trace, roles
        self.pics, self.pixit = pics, pixit
        self.wire = roles.wire
        self.state: dict[str, Any] = {}
        self.deg: float | None = None
        self._before: float | None = None

    # -- recording

    def mark(self, name: str) -> None:
        """Name this instant for the judge."""
        self.trace("case", "mark", name=name)

    async def sample(self) -> None:
        """Read the wire and the true angle once; both are recorded."""
        self.state = await self.wire.read_state()
        await self.look()

    async def look(self) -> None:
        """Read the true angle once."""
        self._before = self.deg
        if self.roles.inclinometer is not None:
            self.deg = await self.roles.inclinometer.angle_deg()
            if self.deg is not None:
                self.trace("instrument", "truth", angle_deg=round(self.deg, 3))

    # -- waiting

    async def watch(
        self,
        seconds: float,
        until: Callable[[], bool] | None = None,
        *,
        wire: bool = True,
        every_s: float | None = None,
    ) -> bool:
        """Sample every `every_s` for `seconds` or until `until()`; True if it came true.

        `every_s` is `pixit.poll_s` unless given. With `wire` False only the true angle is read,
        for times in which the wire is dead.
        """
        end_s = self.clock.now_s() + seconds
        step_s = every_s or self.pixit.poll_s
        while True:
            await (self.sample() if wire else self.look())
            if until is not None and until():
                return True
            if self.clock.now_s() + step_s > end_s:
                return False
            await self.clock.sleep(step_s)

    def at_open(self) -> bool:
        """The arm stands open, by its true angle if that is known, else by the wire."""
        if self.deg is not None:
            return self.deg >= OPEN_DEG - END_DEG / 2
        return self.state.get("gate_status") == "open" or bool(self.state.get("limit_open"))

    def at_closed(self) -> bool:
        """The arm stands closed, by its true angle if that is known, else by the wire."""
        if self.deg is not None:
            return self.deg <= END_DEG / 2
        return self.state.get("gate_status") == "closed" or bool(self.state.get("limit_closed"))

    async def watch_closely(self, seconds: float) -> None:
        """Sample four times as often: for the moments that limits of half a second are about."""
        await self.watch(seconds, every_s=self.pixit.poll_s / 4)

    def _rests(self) -> bool:
        """The last two samples of the angle are the same, and the wire shows no motion."""
        moving = str(self.state.get("gate_status", "")).endswith("ing")
        return not moving and self._before == self.deg

    # -- driving

    async def command(self, name: str) -> bool:
        """Give an order over the wire; True if the device acknowledged it."""
        return await self.wire.command(name)

    async def set_input(self, name: Input, active: bool) -> None:
        """Make a wired input active or not."""
        stimulus = self.require("stimulus")
        self.trace("stimulus", "input", name=name, active=active)
        await stimulus.set_input(name, active)

    async def power(self, on: bool) -> None:
        """Cut the power or give it back."""
        power = self.require("power")
        self.trace("stimulus", "power", on=on)
        await power.switch(on)

    async def reconnect(self, limit_s: float) -> bool:
        """Try to connect and read until it works or `limit_s` has passed."""
        end_s = self.clock.now_s() + limit_s
        while self.clock.now_s() < end_s:
            try:
                await self.wire.connect(min(1.0, limit_s))
                await self.sample()
            except Unreachable:
                self.wire.close()
                await self.look()
                await self.clock.sleep(self.pixit.poll_s)
            else:
                return True
        return False

    def require(self, role: str) -> Any:
        """The driver of `role`, or a `BenchError` that says to bind one."""
        driver = getattr(self.roles, role)
        if driver is None:
            raise BenchError(f"bench: nobody plays the role {role!r}; bind it in bench.toml")
        return driver

    # -- states of the strategy: ready before a case, safe after it

    async def ready(self, start: str, *, insist: bool = False) -> None:
        """Bring the device to the start of a case: powered, inputs clear, arm resting at `start`.

        `insist` gives the order even if the arm stands there already: a close that was ordered a
        moment ago may not have begun to move it yet.
        """
        await self.clear()
        if not self.wire.connected:
            limit_s = 2 * self.pixit.start_up_s + 5.0
            if not await self.reconnect(limit_s):
                raise Unreachable(f"barrier wire: no answer within {limit_s:g} s before the case")
        await self.sample()
        if start == "any":
            return
        at, order = (self.at_open, "open") if start == "open" else (self.at_closed, "close")
        limit_s = 3 * (self.pixit.opening_s + self.pixit.closing_s + self.pixit.calibration_s) + 5
        for attempt in range(READY_ORDERS + 1):
            if not (insist and attempt == 0) and at() and await self._settles(at):
                return
            if attempt < READY_ORDERS:
                await self.command(order)
                await self.watch(limit_s, at)
        raise BenchError(
            f"barrier: did not come to rest {start} after {READY_ORDERS} {order} commands of "
            f"{limit_s:g} s each; the case cannot begin"
        )

    async def _settles(self, at: Callable[[], bool]) -> bool:
        """The arm is still there when it has come to rest."""
        await self.clock.sleep(self.pixit.poll_s)  # two samples of one instant show no motion
        return await self.watch(SETTLE_S, self._rests) and at()

    async def clear(self) -> None:
        """Lane empty, inputs inactive, drive free, power on; roles that are absent are skipped."""
        roles = self.roles
        if roles.power is not None:
            await roles.power.switch(True)
        if roles.force_gauge is not None:
            await roles.force_gauge.remove()
        if roles.stimulus is not None:
            await roles.stimulus.remove_obstacle()
            await roles.stimulus.block_drive(False)
            if self.pics.safety_input:
                await roles.stimulus.set_input("safety", False)
            if self.pics.emergency_stop:
                await roles.stimulus.set_input("emergency_stop", False)

    async def safe(self) -> bool:
        """The forced safe state on leaving: lane clear, arm up. True if the arm stands open.

        Whatever the run was doing when it was left may be half done, so each try begins on a
        fresh connection: an answer that nobody waited for must not be taken for this one.
        """
        for attempt in range(SAFE_TRIES):
            self.wire.close()
            try:
                await self.ready("open", insist=True)
            except Exception as error:  # noqa: BLE001 - whatever it is, the run has to end in order
                detail = f"{type(error).__name__}: {error}"
                self.trace("case", "safe", attempt=attempt, reached=False, detail=detail)
            else:
                self.trace("case", "safe", attempt=attempt, reached=True, detail="arm up")
                return True
        return False
