"""A session on a bench with an I/O module: bodies, light, contacts, and what the wire says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hil.drivers.modbus import ModbusWire
from hil.modbus_session import ModbusSession, ModbusView
from hil.papers import ModbusPics, ModbusPixit
from hil.view import Timed
from twin.clock import Clock
from twin.devices.remote_io import INPUTS, OUTPUTS
from twin.profiles import Row
from twin.trace import Trace

from .roles import Body, LaneIoRoles

P = TypeVar("P", bound=ModbusPics)
X = TypeVar("X", bound=ModbusPixit)
T = TypeVar("T", bound=Timed)


class LaneIoWire(ModbusWire):
    """The module as its client sees it: inputs, coils, counters."""

    device = "remote I/O"
    points = (*INPUTS, *OUTPUTS)

    def row(self, name: str) -> Row:
        """The bit of an input or a relay; the first row of that name."""
        return next(row for row in self.profile.rows if row.key == name and row.is_bit_table)

    async def count(self, name: str) -> int:
        """The counter of one input; recorded as `count`."""
        row = next(row for row in self.profile.rows if row.key == f"count_{name}")
        counted = int(await self.read_row(row))
        self._trace("wire", "count", input=name, counted=counted)
        return counted

    async def order(self, name: str, on: bool) -> bool:
        """Write a coil; True if it is acknowledged."""
        good = await self.write_row(self.row(name), int(on))
        self._trace("wire", "command", point=name, value=on, acknowledged=good)
        return good


class LaneIoSession(ModbusSession[P, X]):
    """One run on one bench."""

    device = "remote I/O"
    safe_text = "loops free, outputs off"

    def __init__(
        self,
        clock: Clock,
        trace: Trace,
        wire: LaneIoWire,
        roles: LaneIoRoles,
        pics: P,
        pixit: X,
    ) -> None:
        super().__init__(clock, trace, wire, roles, pics, pixit)
        self.wire: LaneIoWire = wire
        self.roles = roles
        self._bodies: set[str] = set()

    def instruments(self) -> dict[str, Any]:
        """Whether hands and instruments act at once, and how well light is measured."""
        return {
            "instant": {
                name: bool(getattr(getattr(self.roles, name), "instant", False))
                for name in ("bodies", "photometer", "contacts")
            },
            "light_uncertainty_cd": getattr(self.roles.photometer, "uncertainty_cd", 0.0),
        }

    async def look(self) -> None:
        """Read every instrument that is read at once; what a person reads is read by `see`."""
        if self.roles.photometer is not None and self.roles.photometer.instant:
            await self.see()
        if self.roles.contacts is not None and self.roles.contacts.instant:
            await self.feel()

    async def see(self) -> None:
        """Measure every lamp once; recorded as `light`."""
        meter = self.require("photometer")
        names = [name for name in OUTPUTS if name.startswith("lamp_")]
        light = {name: await meter.intensity_cd(name) for name in names}
        self.trace("instrument", "light", **light)

    async def feel(self) -> None:
        """Test the contact of every relay once; recorded as `contacts`."""
        meter = self.require("contacts")
        closed = {name: await meter.relay_closed(name) for name in OUTPUTS}
        self.trace("instrument", "contacts", **closed)

    async def place(self, channel: str, body: Body = "car") -> None:
        """Put a body above one loop."""
        await self.require("bodies").place(channel, body)
        self._bodies.add(channel)
        self.trace("stimulus", "body", channel=channel, present=True, body=body)

    async def remove(self, channel: str) -> None:
        """Take the body away."""
        await self.require("bodies").remove(channel)
        self._bodies.discard(channel)
        self.trace("stimulus", "body", channel=channel, present=False)

    async def close_input(self, name: str, closed: bool) -> None:
        """Close or open the contact at an input."""
        await self.require("contacts").set_input(name, closed)
        self.trace("stimulus", "input", name=name, closed=closed)

    async def order(self, name: str, on: bool) -> bool:
        """Give an order over the wire; True if the device acknowledged it."""
        return await self.wire.order(name, on)

    def acting_coil(self) -> Row:
        """The red lamp's relay."""
        return self.wire.row("lamp_red")

    def read_only_row(self) -> Row:
        """A counter."""
        return next(row for row in self.wire.profile.rows if row.key == "count_loop_approach")

    async def ready(self, start: str, *, insist: bool = False) -> None:  # noqa: ARG002
        """Loops free, contacts open, power on, all coils off; `start` is always `any`."""
        roles = self.roles
        if roles.power is not None:
            await roles.power.switch(True)
        for channel in sorted(self._bodies):
            await self.remove(channel)
        if roles.contacts is not None:
            for name in INPUTS:
                await roles.contacts.set_input(name, False)
        await self.connected(2 * self.pixit.start_up_s + 5.0)
        for name in OUTPUTS:
            await self.wire.order(name, False)
        await self.watch(0.5)


class LaneIoView(ModbusView[P, X]):
    """What a judge sees of a bench with an I/O module."""

    kept = INPUTS

    def between(self, seen: Sequence[T], start: str, end: str | None = None) -> list[T]:
        """What was seen from one mark on and before the next: a step begins at its mark."""
        first, last = self._span(start, end)
        return [one for one in seen if first <= one.t_s < last]

    def delay_s(
        self, mark: str, kind: str, right: Callable[[dict[str, Any]], bool]
    ) -> float | None:
        """From a mark to the first record of `kind` that is `right`, within its step."""
        began = self.mark(mark)
        if began is None:
            return None
        end = min((r.t_s for r in self.of("mark") if r.t_s > began), default=float("inf"))
        seen = (r for r in self.of(kind) if began <= r.t_s < end)
        return next((r.t_s - began for r in seen if right(r.payload)), None)

    def at_once(self, role: str) -> bool:
        """Whether the role acts or measures at once, so that time may be judged."""
        return bool(self.info.get("instant", {}).get(role, False))

    def disturbed(self) -> str | None:
        """Which contacts moved without an order."""
        seen = [record.payload for record in self.of("contacts")]
        if not seen:
            return None
        moved = [name for name in seen[0] if any(one[name] != seen[0][name] for one in seen)]
        return f"the contacts of {', '.join(moved)} moved" if moved else ""
