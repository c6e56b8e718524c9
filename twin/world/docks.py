"""Where vehicles stop: bays under a crane, where boxes change hands, and parking with chargers.

A vehicle that comes to rest on a bay is a place of that crane's yard until it moves off. A box on
it is either held by the vehicle's twist-locks, and then belongs to the vehicle, or only stands on
its bed, and then is the crane's to take. Who drives off with a box that is not held takes it along,
and the trace says so (`load.unlocked`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from twin.trace import Trace
from twin.world.carrier import Carrier, CarrierEvent, CarrierEventKind
from twin.world.yard import Box, Place, Yard


@dataclass(slots=True)
class Dock:
    """One place where a vehicle can stop; `place` and `yard` if a crane serves it."""

    id: str
    x_m: float
    y_m: float
    charger: bool = False
    yard: Yard | None = None
    place: Place | None = None
    carrier: Carrier | None = None


class Docks:
    """All docks of a site; it is the `Handover` of every vehicle."""

    def __init__(self, trace: Trace, reach_m: float = 1.5) -> None:
        """`reach_m`: this near the centre of a dock a vehicle stands on it (estimate)."""
        self._trace, self._reach_m = trace, reach_m
        self.docks: dict[str, Dock] = {}
        self._watchers: list[Callable[[], None]] = []

    def add(self, dock: Dock) -> Dock:
        """Offer a dock; a bay's place is empty until a vehicle comes."""
        self.docks[dock.id] = dock
        if dock.yard is not None and dock.place is not None:
            dock.place.present = False
            dock.yard.add(dock.place)
        return dock

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` when a box was locked, unlocked, brought or taken along."""
        self._watchers.append(callback)

    def watch(self, carrier: Carrier) -> None:
        """Notice where `carrier` stops and when it leaves."""
        carrier.on_event(lambda event: self._moved(carrier, event))
        self._arrived(carrier)

    def look_at(self, carrier: Carrier) -> None:
        """Look now: people have put it somewhere else."""
        dock, pose = self._dock_of(carrier), carrier.pose
        if dock is not None and dock is not self.dock_at(pose.x_m, pose.y_m):
            self._left(carrier, -1)
        self._arrived(carrier)

    def _dock_of(self, carrier: Carrier) -> Dock | None:
        return next((one for one in self.docks.values() if one.carrier is carrier), None)

    def dock_at(self, x_m: float, y_m: float) -> Dock | None:
        """The dock on which a vehicle at (x, y) stands."""
        for dock in self.docks.values():
            if math.hypot(dock.x_m - x_m, dock.y_m - y_m) <= self._reach_m:
                return dock
        return None

    # --- vehicles come and go --------------------------------------------------------------------

    def _moved(self, carrier: Carrier, event: CarrierEvent) -> None:
        if event.kind is CarrierEventKind.REST:
            self._arrived(carrier)
        elif event.kind is CarrierEventKind.MOVING:
            self._left(carrier, event.record)

    def _arrived(self, carrier: Carrier) -> None:
        pose = carrier.pose
        dock = self.dock_at(pose.x_m, pose.y_m)
        if dock is None or dock.carrier is not None:
            return
        dock.carrier = carrier
        if dock.yard is None or dock.place is None:
            return
        held = carrier.boxes[0] if carrier.boxes else None
        dock.place.holds_box = held is not None
        dock.place.carrier_kg = carrier.parameters.tare_kg
        offset = (pose.x_m - dock.x_m, pose.y_m - dock.y_m)
        dock.yard.arrive(dock.place, held, offset)
        self._tell()

    def _left(self, carrier: Carrier, cause: int) -> None:
        dock = self._dock_of(carrier)
        if dock is None:
            return
        dock.carrier = None
        if dock.yard is None or dock.place is None:
            return
        loose = dock.place.top if not dock.place.holds_box else None
        dock.yard.depart(dock.place)
        if loose is not None:
            self._trace("world", "load.unlocked", cause, box=loose.number, vehicle=carrier.id)
            carrier.take(loose, cause=cause)
        self._tell()

    def _tell(self) -> None:
        for watcher in self._watchers:
            watcher()

    # --- boxes change hands ----------------------------------------------------------------------

    def _bay(self, x_m: float, y_m: float) -> Place | str:
        dock = self.dock_at(x_m, y_m)
        if dock is None or dock.place is None:
            return f"no bay at ({x_m:.2f}, {y_m:.2f})"
        return dock.place

    def has_charger(self, x_m: float, y_m: float) -> bool:
        """Whether there is a charger at (x, y)."""
        dock = self.dock_at(x_m, y_m)
        return dock is not None and dock.charger

    def look(self, x_m: float, y_m: float, box_id: str | None) -> Box | str:
        """The box that stands loose on the vehicle at (x, y), or why there is none."""
        place = self._bay(x_m, y_m)
        if isinstance(place, str):
            return place
        box = place.top
        if box is None or place.holds_box:
            return f"{place.id}: no box has been set down"
        return box if box_id in (None, box.number) else f"{place.id}: {box.number} stands there"

    def take(self, x_m: float, y_m: float, box: Box, cause: int) -> None:
        """The vehicle's locks close on a box that `look` has shown."""
        place = self._bay(x_m, y_m)
        assert not isinstance(place, str)
        place.holds_box = True
        self._trace("world", "load.locked", cause, box=box.number, place=place.id)
        self._tell()

    def room(self, x_m: float, y_m: float) -> str:
        """Empty if the vehicle at (x, y) may open its locks."""
        place = self._bay(x_m, y_m)
        return place if isinstance(place, str) else ""

    def put(self, x_m: float, y_m: float, box: Box, cause: int) -> None:
        """The vehicle's locks open: the box is the crane's to take."""
        place = self._bay(x_m, y_m)
        assert not isinstance(place, str)
        place.holds_box = False
        self._trace("world", "load.unlocked_at", cause, box=box.number, place=place.id)
        self._tell()
