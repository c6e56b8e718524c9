# ruff: noqa: D102 - overrides; each class says how it is broken
"""One broken remote I/O module for each MUST."""

from __future__ import annotations

from typing import Any

from hil.kits.lane_io.emulation import LaneIoVariant
from hil.variant import Maker
from twin.devices.remote_io import RemoteIO
from twin.wires.modbus import ModbusServer

from . import modbus


class ReadsAct(ModbusServer):
    """Reading the counters closes the second relay for a moment."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        if pdu[:3] == b"\x04\x00\x10" and pdu[3:5] == b"\x00\x02":
            write = self.device.points["lamp_green"].write
            assert write is not None
            write(True)
        return super().respond(pdu, unit, cause)


class DeniesCoils(ModbusServer):
    """Does not know function 15 although its papers say so."""

    def respond(self, pdu: bytes, unit: int, cause: int) -> bytes | None:
        return b"\x8f\x01" if pdu[:1] == b"\x0f" else super().respond(pdu, unit, cause)


class _Slow(RemoteIO):
    closing = True

    def _move(self, relay: Any, closed: bool, cause: int) -> None:
        if closed is not self.closing:
            super()._move(relay, closed, cause)
            return
        later = super()._move
        self.clock.call_later(0.4, lambda: later(relay, closed, cause))


class SlowToClose(_Slow):
    """Its contacts close 0.4 s late."""


class SlowToOpen(_Slow):
    """Its contacts open 0.4 s late."""

    closing = False


class Bridged(RemoteIO):
    """The third relay takes the first one with it: a bridge of solder."""

    def _move(self, relay: Any, closed: bool, cause: int) -> None:
        super()._move(relay, closed, cause)
        if relay.name == "lamp_divert":
            super()._move(self._relays["lamp_red"], closed or self._relays["lamp_red"].coil, cause)


class ReadsZero(RemoteIO):
    """The coil of the third relay always reads 0."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        write = self.points["lamp_divert"].write
        self.add_point("lamp_divert", lambda: False, write)


class CoilStays(RemoteIO):
    """After a pulse the contact is open, but the coil still reads 1."""

    def _end_pulse(self, relay: Any, cause: int) -> None:
        super()._end_pulse(relay, cause)
        relay.coil = True


class SlowInput(RemoteIO):
    """The second input is filtered for half a second."""

    _told: tuple[bool, float] = (False, -9.0)

    def _see(self, channel: Any) -> bool:
        real = super()._see(channel)
        if channel.name != "loop_arm_a":
            return real
        now_s = self.clock.now_s()
        if self._told[0] != real:
            self._told = (real, now_s)
        return real if now_s - self._told[1] >= 0.5 else not real


class CrossedInputs(RemoteIO):
    """The third input also shows the second."""

    def _see(self, channel: Any) -> bool:
        also = channel.name == "loop_arm_b" and super()._see(self._inputs["loop_arm_a"])
        return super()._see(channel) or also


class CountsBothEdges(RemoteIO):
    """Counts closing and opening."""

    def _count(self, channel: Any) -> None:
        before = channel.state
        super()._count(channel)
        if before and not channel.state:
            channel.count += 1


class NeverClears(RemoteIO):
    """Takes the order to clear a counter, and keeps counting on."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for name in self._inputs:
            self.add_point(f"clear_count_{name}", lambda: False, _ignore)


def _ignore(value: bool | float, cause: int = -1, /) -> None:
    del value, cause


class Forgetful(RemoteIO):
    """Its watchdog is only fed by writes."""

    _fed = False

    def host_seen(self) -> None:
        if not self._fed:
            super().host_seen()
            self._fed = self.parameters.watchdog_s > 0

    def _order(self, relay: Any, on: bool, cause: int) -> None:
        super().host_seen()
        super()._order(relay, on, cause)


class Latched(RemoteIO):
    """After a fallback it needs a reset that no wire can give."""

    def _order(self, relay: Any, on: bool, cause: int) -> None:
        if not self._ever:
            super()._order(relay, on, cause)

    _ever = False

    def _trip(self, cause: int) -> None:
        super()._trip(cause)
        self._ever = True


class Latching(RemoteIO):
    """Has bistable relays: they keep their contacts without power."""

    def _move(self, relay: Any, closed: bool, cause: int) -> None:
        if self.online:
            super()._move(relay, closed, cause)


class Remembers(RemoteIO):
    """Takes up the old orders when its power returns."""

    def _fault_changed(self, kind: str, cause: int) -> None:
        held = {name: relay.coil for name, relay in self._relays.items()}
        if kind == "power_cut" and kind in self.faults:
            self._held = held
        super()._fault_changed(kind, cause)
        if kind == "power_cut" and kind not in self.faults:
            for name, coil in self._held.items():
                self._energise(self._relays[name], coil, cause)

    _held: dict[str, bool] = {}  # noqa: RUF012 - replaced, never changed


_io = Maker(LaneIoVariant, "", RemoteIO)
_server = Maker(LaneIoVariant, "", ModbusServer)


MUTANTS: list[LaneIoVariant] = [
    *modbus.mutants(LaneIoVariant, "RIO", connections=10),
    _server("reads-act", "RIO-WIR-21", ReadsAct),
    _server("denies-coils", "RIO-DOC-01", DeniesCoils),
    _io("slow-relay", "RIO-REL-01", SlowToClose),
    _io("slow-to-open", "RIO-REL-02", SlowToOpen),
    _io("bridged", "RIO-REL-03", Bridged),
    _io("reads-zero", "RIO-REL-04", ReadsZero),
    LaneIoVariant(
        "short-pulse", "RIO-REL-05", "Its pulses last 0.3 s, its papers say 0.5 s.",
        parameters={"pulse_s": 0.3},
    ),
    _io("coil-stays", "RIO-REL-06", CoilStays),
    _io("slow-input", "RIO-INP-01", SlowInput),
    _io("crossed-inputs", "RIO-INP-02", CrossedInputs),
    _io("counts-both-edges", "RIO-INP-03", CountsBothEdges),
    _io("never-clears", "RIO-INP-04", NeverClears),
    LaneIoVariant(
        "no-watchdog", "RIO-REC-01", "Keeps its outputs whoever is silent.",
        parameters={"watchdog_s": 0.0},
    ),
    _io("forgetful", "RIO-REC-02", Forgetful),
    _io("latched", "RIO-REC-03", Latched),
    _io("latching", "RIO-REC-04", Latching),
    _io("remembers", "RIO-REC-05", Remembers),
    LaneIoVariant(
        "starts-slowly", "RIO-REC-06", "Starts in 8 s, its papers say 3 s.", start_up_s=8.0
    ),
    LaneIoVariant(
        "nameless", "RIO-WIR-20", "Has empty texts as its identification.",
        profile={"identification": modbus.NAMELESS},
    ),
]  # fmt: skip
