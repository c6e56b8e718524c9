"""Boxes and the places where a crane finds or sets them: trucks, vehicles, stacks, reefer racks.

A box is on exactly one carrier at a time: a place, or a crane. Who moves it says so through
`take` and `put`, which trace it and refuse what cannot be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

from twin.errors import GateTwinError, HarnessError, UnknownName
from twin.trace import Trace

BOX_HEIGHT_M = 2.591
"""8 ft 6 in (ISO 668, 1CC and 1AA)."""


class YardError(GateTwinError):
    """A box cannot be taken or put there: names the place, the box and the reason."""


class PlaceKind(Enum):
    """What a place is."""

    TRUCK = "truck"
    VEHICLE = "vehicle"
    STACK = "stack"
    REEFER_RACK = "reefer-rack"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Box:
    """A freight container with what is in it."""

    number: str
    mass_kg: float
    length_ft: int = 40
    reefer: bool = False
    perishable: bool = False
    height_m: float = BOX_HEIGHT_M


@dataclass(slots=True)
class Place:
    """Where boxes stand under a crane; places and heights in metres in the crane's own frame.

    A truck or vehicle comes and goes (`present`), stands where its driver stopped (`offset_m`,
    along gantry and trolley) and may hold its box with twist-locks of its own (`holds_box`).
    """

    id: str
    kind: PlaceKind
    gantry_m: float
    trolley_m: float
    seat_m: float = 0.0
    tiers: int = 1
    present: bool = True
    offset_m: tuple[float, float] = (0.0, 0.0)
    holds_box: bool = False
    carrier_kg: float = 0.0
    """Mass that hangs on the box while `holds_box`: a truck that is lifted with its load."""
    boxes: list[Box] = field(default_factory=list)

    @property
    def top_m(self) -> float:
        """Height of what a spreader or a box would land on here."""
        return self.seat_m + sum(box.height_m for box in self.boxes)

    @property
    def top(self) -> Box | None:
        """The box that can be taken."""
        return self.boxes[-1] if self.boxes else None

    def refuses(self) -> str:
        """Why no further box can be put here; empty if one can."""
        if not self.present:
            return f"no {self.kind.value} stands there"
        if len(self.boxes) >= self.tiers:
            return f"all {self.tiers} tiers are taken"
        return ""


class Yard:
    """All places under one crane, and who carries which box."""

    def __init__(self, trace: Trace, places: Iterable[Place] = ()) -> None:
        self.trace = trace
        self.places: dict[str, Place] = {}
        self._watchers: list[Callable[[Place], None]] = []
        for place in places:
            self.add(place)

    def add(self, place: Place) -> None:
        """Add a place; its id and its boxes must be new here."""
        if place.id in self.places:
            raise HarnessError(f"yard: there is a place {place.id!r} already")
        for box in place.boxes:
            if (found := self.find(box.number)) is not None:
                raise HarnessError(f"yard: box {box.number} is on {found.id} and on {place.id}")
        self.places[place.id] = place

    def place(self, id: str) -> Place:
        """The place of this id."""
        if id not in self.places:
            raise UnknownName("place of the yard", id, self.places)
        return self.places[id]

    def find(self, number: str) -> Place | None:
        """Where the box of this number stands."""
        return next(
            (p for p in self.places.values() if any(b.number == number for b in p.boxes)), None
        )

    def near(self, gantry_m: float, trolley_m: float, reach_m: float) -> Place | None:
        """The place within `reach_m` of both coordinates, if something stands there."""
        return next(
            (
                place for place in self.places.values()
                if place.present and abs(place.gantry_m + place.offset_m[0] - gantry_m) <= reach_m
                and abs(place.trolley_m + place.offset_m[1] - trolley_m) <= reach_m
            ), None,
        )  # fmt: skip

    def take(self, place: Place, carrier: str, cause: int = -1) -> Box:
        """The topmost box leaves `place` and hangs on `carrier`."""
        box = place.top
        if box is None or not place.present:
            raise YardError(f"{carrier}: no box stands on {place.id}")
        place.boxes.pop()
        self.trace("world", "box.taken", cause, box=box.number, place=place.id, carrier=carrier)
        self._tell(place)
        return box

    def put(self, place: Place, box: Box, carrier: str, cause: int = -1) -> None:
        """`carrier` sets its box on `place`."""
        if reason := place.refuses():
            raise YardError(f"{carrier}: {box.number} cannot stand on {place.id}: {reason}")
        place.boxes.append(box)
        self.trace("world", "box.put", cause, box=box.number, place=place.id, carrier=carrier)
        self._tell(place)

    def arrive(
        self, place: Place, box: Box | None = None, offset_m: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """A truck or vehicle comes to `place`, with or without a box."""
        if place.present:
            raise YardError(f"{place.id}: something stands there already")
        if box is not None and (found := self.find(box.number)) is not None:
            raise YardError(f"{place.id}: box {box.number} stands on {found.id}")
        place.present, place.offset_m, place.boxes = True, offset_m, [box] if box else []
        self.trace("world", "place.arrival", place=place.id, box=box.number if box else None)
        self._tell(place)

    def depart(self, place: Place) -> Box | None:
        """The truck or vehicle leaves with what it carries."""
        box = place.top
        place.present, place.boxes = False, []
        self.trace("world", "place.departure", place=place.id, box=box.number if box else None)
        self._tell(place)
        return box

    def shift(self, place: Place, *, here: bool, cause: int = -1) -> None:
        """A transfer table runs under the crane, or away from it with whatever stands on it."""
        if place.present == here:
            raise YardError(f"{place.id}: the table is {'here' if here else 'away'} already")
        place.present = here
        self.trace("world", "table.here" if here else "table.away", cause, place=place.id)
        self._tell(place)

    def on_change(self, callback: Callable[[Place], None]) -> None:
        """Call `callback(place)` when something comes, leaves or is set down there."""
        self._watchers.append(callback)

    def _tell(self, place: Place) -> None:
        for watcher in self._watchers:
            watcher(place)
