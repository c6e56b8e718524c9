"""An emulated I/O module on a bench, with a loop detector and a traffic light wired to it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import msgspec

from hil.emulation import PoweredBench, Verb
from hil.variant import ModbusVariant
from twin import profiles, site
from twin.clock import Clock
from twin.devices.base import Device
from twin.devices.light import LAMPS, TrafficLight
from twin.devices.loops import CHANNELS, Loops
from twin.devices.remote_io import INPUTS, Contact, RemoteIO, RemoteIoParameters
from twin.errors import UnknownName
from twin.trace import Trace
from twin.wires.modbus import ModbusServer
from twin.world.lamp import Lamp
from twin.world.lane import Lane

from .roles import Body

START_UP_S = 2.0
"""From power to the first answer of the emulated module (estimate)."""

WATCHDOG_S = 5.0
"""Silence of the master after which the emulated module falls back (estimate)."""

INTENSITY_CD = 400.0
"""Of a new emulated lamp on its axis; signal heads of 200 mm have some hundred (estimate)."""


@dataclass(frozen=True)
class LaneIoVariant(ModbusVariant):
    """How the emulated module, detector or light differs from the good one."""

    loops: type[Loops] = Loops
    light: type[TrafficLight] = TrafficLight
    io: type[RemoteIO] = RemoteIO
    parameters: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[tuple[str, str, Mapping[str, Any]], ...] = ()
    """(loops, light or io; kind; parameters)."""
    start_up_s: float = START_UP_S
    dims: Mapping[str, float] = field(default_factory=dict)
    """Share of its light that a lamp gives."""
    serves_unpowered: bool = False
    """A second supply keeps the wire alive."""


@dataclass(frozen=True, slots=True, eq=False)
class _Body:
    """What a loop sees of a vehicle."""

    bed_m: float


class Track:
    """The road above the loops, as far as a detector looks at a lane."""

    def __init__(self) -> None:
        self.geometry = next(iter(site.load("bac-luan-2").geometry.values()))
        self._metal: list[Callable[[Any, bool], None]] = []
        self._high: list[Callable[[Any, bool], None]] = []
        self.bodies: dict[str, tuple[_Body, bool]] = {}

    def watch_zone(
        self, name: str, from_m: float, to_m: float, callback: Callable[[Any, bool], None]
    ) -> None:
        """One span per channel, in the order of `CHANNELS`."""
        del name, from_m, to_m
        self._metal.append(callback)

    def watch_high_bed(
        self, from_m: float, to_m: float, callback: Callable[[Any, bool], None]
    ) -> None:
        """The same spans, for the time in which a high bed is all that is above them."""
        del from_m, to_m
        self._high.append(callback)

    def place(self, channel: str, body: Body) -> None:
        """Put a body above one loop."""
        if channel in self.bodies:
            return
        number, high = CHANNELS.index(channel), body == "high-bed"
        vehicle = _Body(1.35 if high else 0.3)
        self.bodies[channel] = (vehicle, high)
        self._metal[number](vehicle, True)
        if high:
            self._high[number](vehicle, True)

    def remove(self, channel: str) -> None:
        """Take it away."""
        vehicle, high = self.bodies.pop(channel, (None, False))
        if vehicle is None:
            return
        number = CHANNELS.index(channel)
        if high:
            self._high[number](vehicle, False)
        self._metal[number](vehicle, False)


class HandContacts(Device):
    """Contacts that hands close at the module's inputs."""

    kind = "contacts"

    def __init__(self, clock: Clock, trace: Trace) -> None:
        super().__init__("bench.contacts", clock, trace, random.Random(3))
        self.closed = dict.fromkeys(INPUTS, False)
        for name in INPUTS:
            self.add_point(name, partial(self.closed.__getitem__, name), doc="contact closed")

    def set(self, name: str, closed: bool) -> None:
        """Close or open one contact."""
        if name not in self.closed:
            raise UnknownName("input", name, INPUTS)
        if self.closed[name] != closed:
            self.closed[name] = closed
            self.changed(name)


class EmulatedLaneIo(PoweredBench[LaneIoVariant, ModbusServer]):
    """One module and everything that hands and instruments can do with what hangs on it.

    Satisfies the roles bodies, photometer, contacts and power of `hil.kits.lane_io.roles`. With
    `detector` the first inputs are wired to a loop detector, else all are wired to hands.
    """

    uncertainty_cd = 5.0

    def __init__(
        self, clock: Clock, variant: LaneIoVariant | None, trace: Trace, *, detector: bool
    ) -> None:
        self.variant = variant or LaneIoVariant()
        self.clock = clock
        self.track = Track()
        self.lamp = Lamp("bench.lamp", trace)
        lane = cast("Lane", self.track)
        self.loops = self.variant.loops("bench.loops", clock, trace, random.Random(1), lane)
        self.light = self.variant.light("bench.light", clock, trace, random.Random(2), self.lamp)
        self.hands = HandContacts(clock, trace)
        inputs: dict[str, Contact] = {name: (self.hands, name) for name in INPUTS}
        if detector:
            inputs |= {f"loop_{name}": (self.loops, name) for name in CHANNELS}
        self.io = self.variant.io(
            "bench.io",
            clock,
            trace,
            random.Random(4),
            inputs=inputs,
            outputs={f"lamp_{name}": (self.light, name) for name in LAMPS},
            parameters=RemoteIoParameters(**{"watchdog_s": WATCHDOG_S, **self.variant.parameters}),
        )
        self.profile = msgspec.structs.replace(profiles.load("remote-io"), **self.variant.profile)
        self.server = self.variant.server(self.io, self.profile, clock=clock, trace=trace)
        targets = {"loops": self.loops, "light": self.light, "io": self.io}
        for target, kind, values in self.variant.faults:
            targets[target].inject(kind, **values)

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The hands, as another process calls them; its client is `LaneIoTwinHands`."""

        async def intensity(body: dict[str, Any]) -> Any:
            return {"intensity_cd": await self.intensity_cd(body["lamp"])}

        async def relay(body: dict[str, Any]) -> Any:
            return {"closed": await self.relay_closed(body["name"])}

        return {
            "place": lambda body: self.place(body["channel"], body["body"]),
            "remove": lambda body: self.remove(body["channel"]),
            "intensity": intensity,
            "input": lambda body: self.set_input(body["name"], bool(body["closed"])),
            "relay": relay,
            "power": lambda body: self.switch(bool(body["on"])),
        }

    # -- bodies

    async def place(self, channel: str, body: Body) -> None:
        """See `Bodies`; channels are the names of the module's inputs."""
        self.track.place(channel.removeprefix("loop_"), body)

    async def remove(self, channel: str) -> None:
        """See `Bodies`."""
        self.track.remove(channel.removeprefix("loop_"))

    # -- photometer

    async def intensity_cd(self, lamp: str) -> float:
        """See `Photometer`; lamps are the names of the module's relays."""
        name = lamp.removeprefix("lamp_")
        if name not in LAMPS:
            raise UnknownName("lamp", lamp, [f"lamp_{one}" for one in LAMPS])
        lit = bool(getattr(self.lamp, name))
        share = self.light.brightness(name) * self.variant.dims.get(name, 1.0)
        return round(INTENSITY_CD * share, 1) if lit else 0.0

    # -- contacts

    async def set_input(self, name: str, closed: bool) -> None:
        """See `Contacts`."""
        self.hands.set(name, closed)

    async def relay_closed(self, name: str) -> bool:
        """See `Contacts`."""
        return self.io.contact(name)

    # -- power

    def power_fails(self) -> None:
        """See `PoweredBench`."""
        self.io.inject("power_cut")
        if not self.variant.serves_unpowered:
            self.server.inject("link_down")

    def power_returns(self) -> None:
        """See `PoweredBench`."""
        self.io.heal("power_cut")
        restart = getattr(self.loops, "power_returned", None)
        if restart is not None:
            restart()

    def is_up(self) -> None:
        """See `PoweredBench`."""
        self.server.heal("link_down")
