"""The traffic light at the stop line: three lamps that a relay switches."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import ClassVar

from twin.clock import Clock
from twin.devices.base import Device, FaultKind, Parameter, worn_fault
from twin.devices.wear import Part
from twin.trace import Trace
from twin.world.lamp import Lamp

LAMPS = ("red", "green", "divert")

PARTS: Mapping[str, Part] = dict.fromkeys(
    LAMPS, Part("h", 50_000, "estimate: L70 of signal LEDs, counted while lit")
)

LEFT_AT_L70 = 0.7
"""By definition of L70: the share of its light that a LED still gives at the end of its life."""

STRINGS, STRING_FAILS_EACH = 4, 0.25
"""A lamp has four strings of LEDs; beyond its rated life one more fails with each quarter of it
(estimate)."""

SEEN_FROM = 0.3
"""A lamp below this share of its light looks dark in daylight (estimate; EN 12368 asks a signal
lamp to be replaced well before)."""


class TrafficLight(Device):
    """Points `red`, `green` and `divert` take and show the relay's state, not the bulb's."""

    kind = "light"
    PARTS = PARTS
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
        "worn": worn_fault(PARTS),
    }

    def __init__(self, id: str, clock: Clock, trace: Trace, rng: random.Random, lamp: Lamp) -> None:
        super().__init__(id, clock, trace, rng)
        self._lamp = lamp
        self._relay = dict.fromkeys(LAMPS, False)
        self.add_point("red", lambda: self._relay["red"], self._write_red, doc="red lamp relay")
        self.add_point(
            "green", lambda: self._relay["green"], self._write_green, doc="green lamp relay"
        )
        self.add_point(
            "divert", lambda: self._relay["divert"], self._write_divert, doc="divert arrow relay"
        )
        self._light(-1)  # a relay is open until somebody closes it, so the signal begins dark

    def brightness(self, name: str) -> float:
        """Light of a lamp that is switched on, against a new one: 0 to 1."""
        share = self.wear.share(name)
        failed = min(STRINGS, int(max(0.0, share - 1) / STRING_FAILS_EACH))
        return float(LEFT_AT_L70**share) * (1 - failed / STRINGS)

    def _write_red(self, value: bool | float, cause: int = -1, /) -> None:
        self._switch("red", bool(value), cause)

    def _write_green(self, value: bool | float, cause: int = -1, /) -> None:
        self._switch("green", bool(value), cause)

    def _write_divert(self, value: bool | float, cause: int = -1, /) -> None:
        self._switch("divert", bool(value), cause)

    def _switch(self, name: str, on: bool, cause: int) -> None:
        if self._relay[name] != on:
            self._relay[name] = on
            self.wear.run(name, 1.0 if on else 0.0)
            self._light(cause)

    def _fault_changed(self, kind: str, cause: int) -> None:
        del kind
        self._light(cause)

    def _light(self, cause: int) -> None:
        out, welded = self.faults.get("lamp_out"), self.faults.get("welded")

        def lit(name: str) -> bool:
            fed = self._relay[name] or bool(welded and welded["lamp"] == name)
            dead = bool(out and out["lamp"] == name) or self.brightness(name) < SEEN_FROM
            return fed and not dead

        self._lamp.set(red=lit("red"), green=lit("green"), divert=lit("divert"), cause=cause)
