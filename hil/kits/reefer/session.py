"""A session on a reefer rack: boxes, plugs and air, registers and messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from hil.mbap import write_one
from hil.modbus_session import ModbusSession, ModbusView
from hil.view import Timed
from twin.clock import Clock
from twin.profiles import Row
from twin.trace import Trace

from .papers import ReeferPics, ReeferPixit
from .roles import ReeferRoles, Seen
from .wire import MonitorWire, ReeferWire

T = TypeVar("T", bound=Timed)


class ReeferSession(ModbusSession[ReeferPics, ReeferPixit]):
    """One run on one bench."""

    device = "reefer rack"
    safe_text = "no box on the rack"
    unsafe_text = "ATTENTION: boxes may still be plugged in; look after them by hand"
    hands_role = "units"

    def __init__(
        self, clock: Clock, trace: Trace, wire: ReeferWire, roles: ReeferRoles, pics: ReeferPics,
        pixit: ReeferPixit,
    ) -> None:  # fmt: skip
        super().__init__(clock, trace, wire, roles, pics, pixit)
        self.wire: ReeferWire = wire
        self.roles = roles
        self.monitor: MonitorWire | None = None
        if roles.monitor is not None:
            self.monitor = MonitorWire(roles.monitor, pixit.prefix, clock, trace)

    async def look(self) -> None:
        """See every socket, where that is done at once."""
        if self.roles.units is not None and self.roles.units.instant:
            for socket in range(1, self.pics.sockets + 1):
                await self.see(socket)

    async def see(self, socket: int) -> Seen:
        """See one socket; recorded as `truth`."""
        seen: Seen = await self.require("units").see(socket)
        self.trace("instrument", "truth", socket=socket, **seen._asdict())
        return seen

    async def hands(self, what: str, socket: int, *values: Any) -> None:
        """Let the hands do something at a socket, and say so in the record when it is done."""
        await getattr(self.require("units"), what)(socket, *values)
        self.trace("stimulus", "hands", what=what, socket=socket, values=list(values))

    async def warm(self, socket: int, setpoint_c: float, above_k: float) -> None:
        """A plugged box whose return air is held so much above its set point."""
        await self.hands("put", socket, setpoint_c)
        await self.hands("plug", socket, True)
        await self.hands("air", socket, setpoint_c + above_k)

    def acting_coil(self) -> Row | None:
        """A plug, where it takes orders."""
        return self.wire.row("plugged_1") if self.pics.plug_orders else None

    def acting_order(self) -> bytes | None:
        """A set point."""
        if not self.pics.setpoint_orders:
            return None
        row = self.wire.row("setpoint_c_1")
        return write_one(6, row.address, round(5.0 / row.scale))

    def read_only_row(self) -> Row:
        """The supply air of a socket at whose address no set point is."""
        taken = {row.address for row in self.wire.profile.rows if row.table == "holding"}
        return next(
            row for row in self.wire.profile.rows
            if row.key.startswith("supply_c_") and row.address not in taken
        )  # fmt: skip

    def disconnect(self) -> None:
        """Both wires."""
        super().disconnect()
        if self.monitor is not None:
            self.monitor.close()

    async def ready(self, start: str, *, insist: bool = False) -> None:
        """Controller and sockets powered; no box, or for `boxed` two plugged ones."""
        del insist
        roles = self.roles
        if roles.power is not None:
            await roles.power.switch(True)
        if roles.units is not None:
            for socket in range(1, self.pics.sockets + 1):
                await roles.units.mains(socket, True)
                await roles.units.lift(socket)
        if start == "boxed" and roles.units is not None:
            for socket, setpoint_c in ((1, -18.0), (2, 4.0)):
                await self.hands("put", socket, setpoint_c)
                await self.hands("plug", socket, True)
        await self.connected(2 * self.pixit.start_up_s + 5.0)
        await self.clock.sleep(self.pixit.show_s)


class ReeferView(ModbusView[ReeferPics, ReeferPixit]):
    """What a judge sees of a rack."""

    kept = ("supply_c_1", "supply_c_2", "setpoint_c_1", "setpoint_c_2")

    def between(self, seen: Sequence[T], start: str, end: str | None = None) -> list[T]:
        """What was seen from one mark on and before the next: a step begins at its mark."""
        first, last = self._span(start, end)
        return [one for one in seen if first <= one.t_s < last]

    def truth(self, socket: int, start: str, end: str | None = None) -> list[Any]:
        """Records of what was seen at a socket between two marks."""
        seen = [r for r in self.of("truth") if r.payload["socket"] == socket]
        return self.between(seen, start, end)

    def disturbed(self) -> str | None:
        """What changed at a socket or its unit that nobody ordered."""
        first: dict[int, Any] = {}
        for record in self.of("truth"):
            now = {k: record.payload[k] for k in ("number", "plugged", "powered", "setpoint_c")}
            before = first.setdefault(record.payload["socket"], now)
            if now != before:
                return f"socket {record.payload['socket']} went from {before} to {now}"
        return "" if first else None
