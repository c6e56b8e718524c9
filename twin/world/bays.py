"""Bays at which a carrier is served: boxes that are there to be taken, room to set some down.

Who lifts them is left out; where a crane does, it stands between a bay and its yard.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from twin.trace import Trace
from twin.world.yard import Box


@dataclass(slots=True)
class Bay:
    """One bay: where a carrier stands to be served, and what is there; m on the map."""

    id: str
    x_m: float
    y_m: float
    room: int = 2
    charger: bool = False
    boxes: list[Box] = field(default_factory=list)


class Bays:
    """All bays of a site; a carrier is served at the one it stands on."""

    def __init__(self, trace: Trace, reach_m: float = 1.5) -> None:
        """`reach_m`: this near the centre of a bay a carrier can be served (estimate)."""
        self._trace, self._reach_m = trace, reach_m
        self.bays: dict[str, Bay] = {}

    def add(self, bay: Bay) -> Bay:
        """Offer a bay."""
        self.bays[bay.id] = bay
        return bay

    def at(self, x_m: float, y_m: float) -> Bay | None:
        """The bay that a carrier at (x, y) stands on."""
        for bay in self.bays.values():
            if math.hypot(bay.x_m - x_m, bay.y_m - y_m) <= self._reach_m:
                return bay
        return None

    def has_charger(self, x_m: float, y_m: float) -> bool:
        """Whether there is a charger at (x, y)."""
        bay = self.at(x_m, y_m)
        return bay is not None and bay.charger

    def look(self, x_m: float, y_m: float, box_id: str | None) -> Box | str:
        """The box that would be taken at (x, y), or why there is none."""
        bay = self.at(x_m, y_m)
        if bay is None:
            return f"no bay at ({x_m:.2f}, {y_m:.2f})"
        for box in bay.boxes:
            if box_id in (None, box.number):
                return box
        return f"{bay.id} has no box" if box_id is None else f"{bay.id} has no box {box_id}"

    def take(self, x_m: float, y_m: float, box: Box, cause: int) -> None:
        """Remove a box that `look` has shown."""
        bay = self.at(x_m, y_m)
        assert bay is not None
        bay.boxes.remove(box)
        self._trace(bay.id, "bay.boxes", cause, boxes=[one.number for one in bay.boxes])

    def room(self, x_m: float, y_m: float) -> str:
        """Empty if a box can be set down at (x, y), else why not."""
        bay = self.at(x_m, y_m)
        if bay is None:
            return f"no bay at ({x_m:.2f}, {y_m:.2f})"
        return "" if len(bay.boxes) < bay.room else f"{bay.id} is full"

    def put(self, x_m: float, y_m: float, box: Box, cause: int) -> None:
        """Set a box down."""
        bay = self.at(x_m, y_m)
        assert bay is not None
        bay.boxes.append(box)
        self._trace(bay.id, "bay.boxes", cause, boxes=[one.number for one in bay.boxes])
