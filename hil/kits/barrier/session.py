"""A session on a barrier: the arm's true angle, orders, inputs, and its safe state: arm up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hil.errors import BenchError
from hil.modbus_session import ModbusSession
from hil.session import Roles
from twin.clock import Clock
from twin.profiles import Row
from twin.trace import Trace

from .papers import BarrierPics, BarrierPixit
from .roles import ForceGauge, Inclinometer, Input, Stimulus
from .view import END_DEG, OPEN_DEG
from .wire import BarrierWire

READY_ORDERS = 2
SETTLE_S = 5.0
"""How long an arm may take to come to rest at its end."""


@dataclass(frozen=True, slots=True)
class BarrierRoles(Roles):
    """Who plays which part at a barrier."""

    inclinometer: Inclinometer | None = None
    stimulus: Stimulus | None = None
    force_gauge: ForceGauge | None = None


class BarrierSession(ModbusSession[BarrierPics, BarrierPixit]):
    """One run on one bench with a barrier."""

    device = "barrier"
    safe_start = "open"
    safe_text = "arm up"
    unsafe_text = "ATTENTION: the arm could not be brought up; make the bench safe by hand"

    def __init__(
        self,
        clock: Clock,
        trace: Trace,
        wire: BarrierWire,
        roles: BarrierRoles,
        pics: BarrierPics,
        pixit: BarrierPixit,
    ) -> None:
        super().__init__(clock, trace, wire, roles, pics, pixit)
        self.wire: BarrierWire = wire
        self.roles = roles
        self.deg: float | None = None
        self._before: float | None = None

    def instruments(self) -> dict[str, Any]:
        """The inclinometer's uncertainty, and whether it is another than the device itself."""
        meter = self.roles.inclinometer
        return {
            "angle_uncertainty_deg": getattr(meter, "uncertainty_deg", 0.0),
            "independent_angle": getattr(meter, "independent", False),
        }

    async def look(self) -> None:
        """Read the true angle once."""
        self._before = self.deg
        if self.roles.inclinometer is not None:
            self.deg = await self.roles.inclinometer.angle_deg()
            if self.deg is not None:
                self.trace("instrument", "truth", angle_deg=round(self.deg, 3))

    async def watch_angle(self, seconds: float) -> None:
        """Read only the true angle for `seconds`: for times in which the wire is dead."""
        await self.watch(seconds, sample=self.look)

    def acting_coil(self) -> Row | None:
        """The coil that opens."""
        rows = [row for row in self.wire.profile.rows if row.key in ("open", "barrier_open")]
        return rows[0] if rows and rows[0].table == "coil" else None

    def read_only_row(self) -> Row:
        """The position, or the last error."""
        shown = ("position_percent", "last_error")
        return next(row for row in self.wire.profile.rows if row.key in shown)

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

    async def command(self, name: str) -> bool:
        """Give an order over the wire; True if the device acknowledged it."""
        return await self.wire.command(name)

    async def set_input(self, name: Input, active: bool) -> None:
        """Make a wired input active or not."""
        stimulus = self.require("stimulus")
        self.trace("stimulus", "input", name=name, active=active)
        await stimulus.set_input(name, active)

    async def ready(self, start: str, *, insist: bool = False) -> None:
        """Bring the device to the start of a case: powered, inputs clear, arm resting at `start`.

        `insist` gives the order even if the arm stands there already: a close that was ordered a
        moment ago may not have begun to move it yet.
        """
        await self.clear()
        await self.connected(2 * self.pixit.start_up_s + 5.0)
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
