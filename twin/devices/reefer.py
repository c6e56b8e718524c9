"""A reefer rack: sockets, the units that hang on them, alarms, and who must be served first.

A box that the crane sets on a place of the rack is plugged in by a hand after a while, or by order;
a box that is lifted while it is plugged tears its cable. Alarms follow from closed forms: one timer
waits for the next instant at which something becomes too warm for too long.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import simpy

from twin.clock import Clock
from twin.devices.base import Device, FaultKind, Parameter, Writer
from twin.trace import Trace
from twin.world.reefer import ReeferUnit
from twin.world.yard import Place, Yard

PLUG_S = 300.0
"""A hand walks to the box and plugs it in or out (*estimate*)."""
NO_READING = -3276.8
"""Shown where there is nothing to measure: the lowest tenth of a degree of a signed register."""
_MINUTES_MAX = 32_767

_SOCKET = {"socket": Parameter("1", choices=tuple("123456"), doc="which one")}
SENSORS = ("return", "supply", "usda")


class ReeferRack(Device):
    """Sockets over the places of a rack; `units` knows the unit of every reefer box."""

    kind = "reefer-rack"
    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        fault.kind: fault
        for fault in (
            FaultKind("power", "the rack has no mains: every unit on it stops"),
            FaultKind("socket_dead", "one socket gives no power", _SOCKET),
            FaultKind("unit_broken", "the compressor of one unit has failed", _SOCKET),
            FaultKind(
                "sensor_missing",
                "one sensor of one unit reads nothing",
                {**_SOCKET, "sensor": Parameter("return", choices=SENSORS, doc="which sensor")},
            ),
            FaultKind("offline", "the rack's controller has no power: its wires answer nothing"),
        )
    }

    def __init__(
        self, id: str, clock: Clock, trace: Trace, rng: random.Random, yard: Yard,
        places: Sequence[Place], units: Mapping[str, ReeferUnit], *, attended: bool = True,
    ) -> None:  # fmt: skip
        """`attended`: a hand plugs in what is set down, without an order."""
        super().__init__(id, clock, trace, rng)
        self.places, self.units, self.attended = list(places), units, attended
        self._inside: list[ReeferUnit | None] = [None] * len(self.places)
        self._hands: dict[int, simpy.Timeout] = {}
        self._alarm_timer: simpy.Timeout | None = None
        self._alarmed: set[str] = set()
        self._watched: set[str] = set()
        yard.on_change(self._place_changed)
        for number in range(len(self.places)):
            self._add_points(number)
            self._look(number)

    def _add_points(self, number: int) -> None:
        n, point = number + 1, self.add_point

        def of(read: Callable[[ReeferUnit], float], none: float) -> Callable[[], float]:
            def value() -> float:
                unit = self._inside[number]
                return none if unit is None else read(unit)

            return value

        def minutes(read: Callable[[ReeferUnit], float]) -> Callable[[], float]:
            return of(lambda unit: min(_MINUTES_MAX, read(unit) // 60), -1)

        plugged, powered = of(lambda u: u.plugged, 0), of(lambda u: u.powered, 0)
        setpoint = of(lambda u: u.setpoint_c, NO_READING)
        point(f"occupied_{n}", lambda: self._inside[number] is not None, doc="a reefer is there")
        point(
            f"plugged_{n}", lambda: bool(plugged()), self._plug(number),
            doc="its plug is in; true and false order a hand",
        )  # fmt: skip
        point(f"powered_{n}", lambda: bool(powered()), doc="it has power")
        point(f"alarm_{n}", lambda: self.alarm(number), doc="too warm for too long")
        point(f"setpoint_c_{n}", setpoint, self._set(number), unit="°C", doc="set point")
        point(f"supply_c_{n}", lambda: self.reading(number, "supply"), unit="°C", doc="supply air")
        point(f"return_c_{n}", lambda: self.reading(number, "return"), unit="°C", doc="return air")
        point(
            f"excursion_min_{n}", minutes(lambda u: u.excursion_s()), unit="min",
            doc="time too warm in all",
        )  # fmt: skip
        point(
            f"margin_min_{n}", minutes(lambda u: u.margin_s()), unit="min",
            doc="time until the alarm if nothing changes",
        )  # fmt: skip

    # --- what is there ----------------------------------------------------------------------

    @property
    def online(self) -> bool:
        """Whether the controller has power."""
        return "offline" not in self.faults

    def unit(self, number: int) -> ReeferUnit | None:
        """The unit at socket `number` (from 0)."""
        return self._inside[number]

    def reading(self, number: int, sensor: str) -> float:
        """A temperature in °C as the rack knows it; `NO_READING` without a sensor."""
        unit = self._inside[number]
        if unit is None or not unit.powered or self._hits("sensor_missing", number, sensor):
            return NO_READING
        value = unit.supply_c() if sensor == "supply" else unit.return_c()
        return round(value, 1)

    def alarm(self, number: int) -> bool:
        """Whether the cargo at a socket was too warm for longer than allowed."""
        unit = self._inside[number]
        return unit is not None and unit.box.number in self._alarmed

    def urgent(self) -> list[str]:
        """Numbers of the boxes here, the one that spoils first at the front."""
        here = [unit for unit in self._inside if unit is not None]
        here.sort(key=lambda u: (u.margin_s(), not u.box.perishable, u.box.number))
        return [unit.box.number for unit in here]

    def _hits(self, kind: str, number: int, sensor: str = "") -> bool:
        fault = self.faults.get(kind)
        if fault is None or fault["socket"] != str(number + 1):
            return False
        return not sensor or fault["sensor"] == sensor

    # --- plugs ------------------------------------------------------------------------------

    def _place_changed(self, place: Place) -> None:
        if place in self.places:
            self._look(self.places.index(place))

    def _look(self, number: int) -> None:
        box, before = self.places[number].top, self._inside[number]
        unit = self.units.get(box.number) if box is not None else None
        if unit is before:
            return
        if before is not None and before.plugged:
            before.change("plugged", False)
            self.trace(self.id, "reefer.torn", box=before.box.number, socket=number + 1)
        self._inside[number] = unit
        self._leave(number)
        if unit is not None:
            if unit.box.number not in self._watched:
                self._watched.add(unit.box.number)
                unit.on_change(lambda _: self._await_alarm())
            self._supply(number)
            if self.attended:
                self._send_hand(number, True, -1)
        self._await_alarm()
        self.changed("occupied")

    def _plug(self, number: int) -> Writer:
        def write(value: bool | float, cause: int = -1, /) -> None:
            self._send_hand(number, bool(value), cause)

        return write

    def _send_hand(self, number: int, plug: bool, cause: int) -> None:
        self._leave(number)
        record = self.trace(self.id, "reefer.order", cause, socket=number + 1, plug=plug)

        def arrived() -> None:
            unit = self._inside[number]
            if unit is not None and unit.plugged != plug:
                unit.change("plugged", plug)
                self.trace(
                    self.id, "reefer.plug", record, box=unit.box.number, socket=number + 1,
                    plugged=plug,
                )  # fmt: skip
                self.changed("plugged")

        self._hands[number] = self.clock.call_later(PLUG_S, arrived)

    def _leave(self, number: int) -> None:
        hand = self._hands.pop(number, None)
        if hand is not None and hand.callbacks is not None:
            hand.callbacks.clear()

    def _set(self, number: int) -> Writer:
        def write(value: bool | float, cause: int = -1, /) -> None:
            unit = self._inside[number]
            if unit is not None:
                self.trace(
                    self.id, "reefer.setpoint", cause, box=unit.box.number, setpoint_c=float(value)
                )
                unit.change("setpoint_c", float(value))
                self.changed("setpoint")

        return write

    def _supply(self, number: int) -> None:
        unit = self._inside[number]
        if unit is not None:
            dead = "power" in self.faults or self._hits("socket_dead", number)
            unit.change("mains", not dead)
            unit.change("broken", self._hits("unit_broken", number))

    # --- alarms -----------------------------------------------------------------------------

    def _await_alarm(self) -> None:
        """Wait for the next instant at which a box here goes over its limit."""
        if self._alarm_timer is not None and self._alarm_timer.callbacks is not None:
            self._alarm_timer.callbacks.clear()
        self._alarm_timer = None
        soonest = math.inf
        for unit in self._inside:
            if unit is None or unit.box.number in self._alarmed:
                continue
            margin_s = unit.margin_s()
            if margin_s <= 1e-6:
                self._alarmed.add(unit.box.number)
                self.trace(
                    self.id, "reefer.alarm", box=unit.box.number,
                    return_c=round(unit.return_c(), 1), setpoint_c=unit.setpoint_c,
                )  # fmt: skip
                self.changed("alarm")
            else:
                soonest = min(soonest, margin_s)
        if soonest < math.inf:
            self._alarm_timer = self.clock.call_later(soonest + 1e-6, self._await_alarm)

    def _fault_changed(self, kind: str, cause: int) -> None:
        del cause
        if kind in ("power", "socket_dead", "unit_broken"):
            for number in range(len(self.places)):
                self._supply(number)
        self.changed(kind)
