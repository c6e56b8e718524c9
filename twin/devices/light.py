"""The traffic light at the stop line: three lamps that a relay switches."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import ClassVar

from twin.clock import Clock
from twin.devices.base import Device, FaultKind, Parameter
from twin.trace import Trace
from twin.world.lamp import Lamp

LAMPS = ("red", "green", "divert")


class TrafficLight(Device):
    """Points `red`, `green` and `divert` take and show the relay's state, not the bulb's."""

    kind = "light"
    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "lamp_out": FaultKind(
            "lamp_out",
            "A lamp stays dark although its relay is closed; nothing reports it.",
            {"lamp": Parameter("green", choices=LAMPS)},
        ),
        "welded": FaultKind(
            "welded",
            "A relay contact is welded: its lamp stays lit.",
            {"lamp": Parameter("red", choices=LAMPS)},
        ),
    }

    def __init__(self, id: str, clock: Clock, trace: Trace, rng: random.Random, lamp: Lamp) -> None:
        super().__init__(id, clock, trace, rng)
        self._lamp = lamp
        self._relay = {"red": True, "green": False, "divert": False}
        self.add_point("red", lambda: self._relay["red"], self._write_red, doc="red lamp relay")
        self.add_point(
            "green", lambda: self._relay["green"], self._write_green, doc="green lamp relay"
        )
        self.add_point(
            "divert", lambda: self._relay["divert"], self._write_divert, doc="divert arrow relay"
        )

    def _write_red(self, value: bool | float, cause: int = -1, /) -> None:
        self._switch("red", bool(value), cause)

    def _write_green(self, value: bool | float, cause: int = -1, /) -> None:
        self._switch("green", bool(value), cause)

    def _write_divert(self, value: bool | float, cause: int = -1, /) -> None:
        self._switch("divert", bool(value), cause)

    def _switch(self, name: str, on: bool, cause: int) -> None:
        if self._relay[name] != on:
            self._relay[name] = on
            self._light(cause)

    def _fault_changed(self, kind: str, cause: int) -> None:
        del kind
        self._light(cause)

    def _light(self, cause: int) -> None:
        out, welded = self.faults.get("lamp_out"), self.faults.get("welded")

        def lit(name: str) -> bool:
            if welded and welded["lamp"] == name:
                return True
            return self._relay[name] and not (out and out["lamp"] == name)

        self._lamp.set(red=lit("red"), green=lit("green"), divert=lit("divert"), cause=cause)
