"""The line of a sky-rail: its signals, switches, current and anemometer.

A fleet manager says where carriers go; that two of them never meet is the line's own business, as
on every railway. The line is divided into blocks, one up to each node. A carrier has a block before
it runs into it and gives it back when its tail is out of it; who does not get the next one stops
before it (fixed blocks, automatic train protection). A switch without its end position stops those
who would run over it; without current all brakes fall in; a gale stops all until it is calm again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Protocol

import simpy

from twin.clock import Clock
from twin.devices.base import FaultError, FaultKind, Faulty, Parameter
from twin.trace import Trace
from twin.world.rail import Rail
from twin.world.wind import GUST_NS, PEAK, Wind

WIND_STOP_M_S = 20.0
"""In-service wind of cranes in the open (ISO 4302, table 1: 250 Pa); no figure is published for a
container sky-rail."""
WIND_RELEASE_M_S = 18.0
WIND_RELEASE_S = 60.0
"""Both *estimates*, as for the crane."""


class Car(Protocol):
    """A carrier as the line knows it."""

    @property
    def id(self) -> str:
        """Its name."""

    def line_changed(self, cause: int) -> None:
        """Current, wind, a switch or a signal has changed: look what holds now."""


class RailLine(Faulty):
    """The equipment of one line; carriers ask it and are told of changes."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "power_off": FaultKind("power_off", "The conductor rail is dead: all brakes fall in."),
        "switch_failure": FaultKind(
            "switch_failure",
            "A switch has no end position: nobody runs over it.",
            {"node": Parameter("", doc="the node of the switch")},
        ),
        "gale": FaultKind(
            "gale",
            "A gale over the site: carriers and cranes stop beyond their limits.",
            {"mean_m_s": Parameter(25.0, "m/s", 0.0, 60.0, doc="mean wind")},
        ),
    }

    def __init__(self, id: str, clock: Clock, trace: Trace, rail: Rail, wind: Wind) -> None:
        super().__init__(id, trace)
        self.clock, self.rail, self.wind = clock, rail, wind
        self.owner: dict[str, str] = {}
        """Node, as the end of its block, to the carrier that has it."""
        self.powered = True
        self.wind_stop = False
        self._cars: dict[str, Car] = {}
        self._waiting: dict[str, str] = {}
        """Carrier to the block that it asked for in vain."""
        self._calm_mean_m_s = wind.mean_m_s
        self._calm_since_ns: int | None = None
        self._timer: simpy.Timeout | None = None
        wind.on_change(self._look_at_wind)

    def join(self, car: Car) -> None:
        """A carrier hangs on this line."""
        self._cars[car.id] = car

    # --- signals ---------------------------------------------------------------------------------

    def claim(self, car: str, node: str) -> bool:
        """Ask for the block up to `node`; True if it is this carrier's now."""
        if self.switch_fails(node):
            self._wait(car, node, "switch")
            return False
        if self.owner.setdefault(node, car) != car:
            self._wait(car, node, self.owner[node])
            return False
        self._waiting.pop(car, None)
        return True

    def _wait(self, car: str, node: str, why: str) -> None:
        if self._waiting.get(car) != node:
            self._waiting[car] = node
            self.trace(self.id, "rail.signal", carrier=car, node=node, held_by=why)

    def give_back(self, car: str, node: str) -> None:
        """Its tail has left the block up to `node`."""
        if self.owner.get(node) != car:
            return
        del self.owner[node]
        for name, wanted in list(self._waiting.items()):
            if wanted == node:
                del self._waiting[name]
                other = self._cars[name]
                self.clock.call_later(0.0, partial(other.line_changed, -1))
                return

    # --- switches, current, wind -----------------------------------------------------------------

    def switch_fails(self, node: str) -> bool:
        """Whether the switch at `node` has no end position."""
        return self.faults.get("switch_failure", {}).get("node") == node

    def inject(self, kind: str, **parameters: Any) -> int:
        """As of every device; a switch must be one of this line's."""
        if kind == "switch_failure" and parameters.get("node") not in self.rail.switches:
            known = ", ".join(sorted(self.rail.switches))
            raise FaultError(
                f"{self.id}: switch_failure: node: {parameters.get('node', '')!r} is not one of: "
                f"{known}"
            )
        return super().inject(kind, **parameters)

    def _fault_changed(self, kind: str, cause: int) -> None:
        on = kind in self.faults
        if kind == "gale":
            if on:
                self._calm_mean_m_s = self.wind.mean_m_s
            mean = float(self.faults["gale"]["mean_m_s"]) if on else self._calm_mean_m_s
            self.wind.set_mean(mean)
            return
        if kind == "power_off":
            self.powered = not on
            cause = self.trace(self.id, "rail.power", cause, on=self.powered)
        self._tell(cause)

    def _tell(self, cause: int) -> None:
        for car in self._cars.values():
            car.line_changed(cause)

    def _look_at_wind(self) -> None:
        """Read the anemometer; read it again only while a gust could matter."""
        if self._timer is not None and self._timer.callbacks is not None:
            self._timer.callbacks.clear()
        self._timer = None
        speed, now = self.wind.speed_m_s(), self.clock.now_ns()
        was = self.wind_stop
        if speed > WIND_STOP_M_S:
            self.wind_stop, self._calm_since_ns = True, None
        elif was and speed > WIND_RELEASE_M_S:
            self._calm_since_ns = None
        elif was and self._calm_since_ns is None:
            self._calm_since_ns = now
        elif was and self._calm_since_ns is not None:
            self.wind_stop = now - self._calm_since_ns < WIND_RELEASE_S * 1e9
        if self.wind_stop != was:
            cause = self.trace(
                self.id, "rail.wind", stop=self.wind_stop, speed_m_s=round(speed, 1)
            )  # fmt: skip
            self._tell(cause)
        if self.wind_stop or self.wind.mean_m_s * PEAK > WIND_STOP_M_S:
            wait_ns = GUST_NS - now % GUST_NS
            self._timer = self.clock.call_later(wait_ns / 1e9, self._look_at_wind)
