"""What truly happens on the bridge: who is in which zone, who crosses the line, where each box is.

Vehicles in motion are looked at every half second, which at 25 km/h is 3.5 m of way; a body counts
with its whole outline along the bridge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from twin.clock import Clock
from twin.trace import Trace
from twin.world.carrier import Carrier, CarrierEvent, CarrierEventKind
from twin.world.crane import CraneBody
from twin.world.docks import Docks
from twin.world.yard import PlaceKind, Yard

LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Zone:
    """A stretch of the bridge, m of x: for one vehicle at a time, or for one direction."""

    id: str
    from_m: float
    to_m: float
    kind: str = "exclusive"
    """Or `one-way`."""
    across_m: tuple[float, float] = (-4.0, 4.0)
    """From where to where in y the centre of a vehicle is in it."""


class Crossing:
    """Watches all vehicles of one bridge."""

    def __init__(
        self, clock: Clock, trace: Trace, carriers: Mapping[str, Carrier], *, line_m: float,
        zones: Iterable[Zone],
    ) -> None:  # fmt: skip
        self._clock, self._trace, self._carriers = clock, trace, dict(carriers)
        self._line_m = line_m
        self._zones = {zone.id: zone for zone in zones}
        self._inside: dict[str, set[str]] = {name: set() for name in carriers}
        self._side: dict[str, str] = {}
        self._on_line: set[str] = set()
        self._looking: set[str] = set()
        self._watchers: list[Callable[[str], None]] = []
        for name, carrier in self._carriers.items():
            self._side[name] = "home" if carrier.pose.x_m < line_m else "far"
            carrier.on_event(partial(self._event, name))

    def side_of(self, vehicle: str) -> str:
        """The side on which it was last wholly."""
        return self._side[vehicle]

    def on_look(self, callback: Callable[[str], None]) -> None:
        """Call `callback(vehicle)` whenever one is looked at: twice a second while it drives."""
        self._watchers.append(callback)

    def _event(self, name: str, event: CarrierEvent) -> None:
        if event.kind is CarrierEventKind.REST:
            self._look(name)
        elif event.kind is CarrierEventKind.MOVING and name not in self._looking:
            self._looking.add(name)
            self._again(name)

    def _again(self, name: str) -> None:
        self._look(name)
        if self._carriers[name].moving:
            self._clock.call_later(LOOK_S, lambda: self._again(name))
        else:
            self._looking.discard(name)

    def look_at(self, name: str) -> None:
        """Look now: it was put somewhere else."""
        self._look(name)

    def _look(self, name: str) -> None:
        for callback in self._watchers:
            callback(name)
        carrier = self._carriers[name]
        pose = carrier.pose
        half_m = carrier.parameters.length_m / 2
        rear, front = pose.x_m - half_m, pose.x_m + half_m
        self._line(name, carrier, rear, front)
        now = {
            zone.id for zone in self._zones.values()
            if front > zone.from_m and rear < zone.to_m
            and zone.across_m[0] <= pose.y_m <= zone.across_m[1]
        }  # fmt: skip
        was = self._inside[name]
        for zone in sorted(was - now):
            self._trace("world", "zone.left", zone=zone, vehicle=name)
        for zone in sorted(now - was):
            spec = self._zones[zone]
            side = "home" if pose.x_m < (spec.from_m + spec.to_m) / 2 else "far"
            self._trace(
                "world", "zone.entered", zone=zone, zone_kind=spec.kind, vehicle=name, side=side
            )
        self._inside[name] = now

    def _line(self, name: str, carrier: Carrier, rear: float, front: float) -> None:
        boxes = [box.number for box in carrier.boxes]
        side = "home" if front <= self._line_m else "far" if rear >= self._line_m else None
        before = self._side[name]
        if side is None:
            if name not in self._on_line:
                self._on_line.add(name)
                self._trace("world", "line.entered", vehicle=name, side=before, boxes=boxes)
            return
        if side != before:
            if name not in self._on_line:  # it was put across, or looked at too late
                self._trace("world", "line.entered", vehicle=name, side=before, boxes=boxes)
            self._trace("world", "line.crossed", vehicle=name, side=side, boxes=boxes)
            self._side[name] = side
        elif name in self._on_line:
            self._trace("world", "line.backed", vehicle=name, side=side, boxes=boxes)
        self._on_line.discard(name)


class Ledger:
    """Which carrier every box is on; says so whenever it changes.

    A box must be on exactly one: a truck, a stack, a spreader, a vehicle. `box.where` lists all of
    them, so that a box on two, or on none, is seen.
    """

    def __init__(
        self, clock: Clock, trace: Trace, yards: Mapping[str, Yard],
        cranes: Mapping[str, CraneBody], carriers: Mapping[str, Carrier], docks: Docks,
    ) -> None:  # fmt: skip
        self._clock, self._due = clock, False
        self._trace, self._yards, self._cranes = trace, yards, cranes
        self._carriers, self._docks = carriers, docks
        self._known: dict[str, tuple[str, ...]] = {}
        self._gone: list[Callable[[str, str], None]] = []
        for yard in yards.values():
            yard.on_change(lambda _: self.update())
        docks.on_change(self.update)

    def update(self) -> None:
        """Look where every box is, once what happens at this instant has happened."""
        if not self._due:
            self._due = True
            self._clock.call_later(0.0, self._look)

    def _look(self) -> None:
        self._due = False
        now: dict[str, list[str]] = {number: [] for number in self._known}
        for name, yard in self._yards.items():
            for place in yard.places.values():
                held = place.kind is PlaceKind.VEHICLE and place.holds_box
                for box in place.boxes if not held else ():
                    now.setdefault(box.number, []).append(f"{name}:{place.id}")
        for name, body in self._cranes.items():
            if body.held is not None:
                now.setdefault(body.held.number, []).append(name)
        for name, carrier in self._carriers.items():
            for box in carrier.boxes:
                now.setdefault(box.number, []).append(name)
        for number, on in now.items():
            if self._known.get(number) != tuple(on):
                self._known[number] = tuple(on)
                self._trace("world", "box.where", box=number, on=on)

    def gone(self, number: str, how: str) -> None:
        """A truck has driven off with it: it is no more of ours."""
        self._known.pop(number, None)
        self._trace("world", "box.gone", box=number, how=how)
        for callback in self._gone:
            callback(number, how)

    def on_gone(self, callback: Callable[[str, str], None]) -> None:
        """Call `callback(number, how)` when a truck has driven off with a box."""
        self._gone.append(callback)
