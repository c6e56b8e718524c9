# ruff: noqa: D102 - overrides; each class says how it is broken
"""One broken traffic light for each MUST."""

from __future__ import annotations

from hil.kits.lane_io.emulation import LaneIoVariant
from hil.variant import Maker
from twin.devices.light import TrafficLight
from twin.devices.remote_io import RemoteIO
from twin.wires.modbus import ModbusServer

from .remote_io import DeniesCoils, Latched, ReadsZero, Remembers


class GhostArrow(TrafficLight):
    """Red and green together light the arrow: a diode is missing."""

    def _light(self, cause: int) -> None:
        super()._light(cause)
        if self._relay["red"] and self._relay["green"]:
            self._lamp.set(divert=True, cause=cause)


class TiresOut(TrafficLight):
    """Its green driver switches off when it has been hot for 20 s."""

    def _switch(self, name: str, on: bool, cause: int) -> None:
        super()._switch(name, on, cause)
        if name == "green" and on:
            self.clock.call_later(20.0, lambda: self._lamp.set(green=False))


class Battery(TrafficLight):
    """Has a battery that keeps green when the module drops its relay."""

    def _light(self, cause: int) -> None:
        super()._light(cause)
        if not any(self._relay.values()) and self._was_green:
            self._lamp.set(green=True, cause=cause)
        self._was_green = self._relay["green"] and not self._relay["red"]

    _was_green = False


class OneOut(ModbusServer):
    """When its last client goes, it switches all outputs off."""

    def released(self, number: int, reason: str) -> None:
        super().released(number, reason)
        if not self.connections and "link_down" not in self.faults:
            for name in ("lamp_red", "lamp_green", "lamp_divert"):
                write = self.device.points[name].write
                assert write is not None
                write(False)


class SlowLamp(TrafficLight):
    """An incandescent lamp behind a soft starter: half a second to light."""

    def _switch(self, name: str, on: bool, cause: int) -> None:
        later = super()._switch
        self.clock.call_later(0.5 if on else 0.0, lambda: later(name, on, cause))


_light = Maker(LaneIoVariant, "", TrafficLight)
_io = Maker(LaneIoVariant, "", RemoteIO)
_server = Maker(LaneIoVariant, "", ModbusServer)


MUTANTS: list[LaneIoVariant] = [
    _server("denies-coils", "LGT-DOC-01", DeniesCoils),
    LaneIoVariant(
        "red-is-out", "LGT-SIG-01", "Its red lamp is out, and nothing reports it.",
        faults=(("light", "lamp_out", {"lamp": "red"}),),
    ),
    LaneIoVariant(
        "welded", "LGT-SIG-02", "The contact of its green lamp is welded.",
        faults=(("light", "welded", {"lamp": "green"}),),
    ),
    _light("ghost-arrow", "LGT-SIG-03", GhostArrow),
    _io("reads-zero", "LGT-SIG-04", ReadsZero),
    _light("tires-out", "LGT-SIG-05", TiresOut),
    LaneIoVariant(
        "dim-green", "LGT-PHO-01", "Gives a third of its light: old LEDs, dirty lens.",
        dims={"green": 0.33},
    ),
    LaneIoVariant(
        "no-watchdog", "LGT-REC-01", "Stays green whoever is silent.",
        parameters={"watchdog_s": 0.0},
    ),
    _io("latched", "LGT-REC-02", Latched),
    _light("battery", "LGT-REC-03", Battery),
    _io("remembers", "LGT-REC-04", Remembers),
    _server("connection-is-life", "LGT-REC-05", OneOut),
    _light("slow-lamp", "LGT-SIG-01", SlowLamp),
]  # fmt: skip
