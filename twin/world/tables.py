"""Transfer tables of a sky-rail: a box stands on one beside the rail, where a crane can reach it.

A crane cannot set a box down where a rail hangs over the ground. So each bay has a table: under the
sky it is a place of the crane's yard; it runs sideways under the rail when a carrier asks for it,
and back. Published container sky-rails have such a transfer module between car and crane or truck
(CRRC names it as one of the six parts of its system). A table never runs while a crane is down over
it. A box belongs to its table until a carrier's twist-locks have closed on it.
"""

from __future__ import annotations

from twin.trace import Trace
from twin.world.carrier import Carrier
from twin.world.crane import Axis, CraneBody
from twin.world.docks import Dock, Docks
from twin.world.yard import Box, Place, Yard

CLEAR_M = 1.0
"""Free height between a table's load and a crane above it, below which it stays (estimate)."""


class Tables(Docks):
    """All tables of a sky-rail, and the parking places of its carriers."""

    def __init__(self, trace: Trace, reach_m: float = 0.3) -> None:
        """`reach_m`: this near its mark a carrier stands over a bay (estimate)."""
        super().__init__(trace, reach_m)
        self._cranes: list[tuple[Yard, CraneBody]] = []

    def add(self, dock: Dock) -> Dock:
        """Offer a bay or a parking place; a table begins under the sky, empty."""
        self.docks[dock.id] = dock
        if dock.yard is not None and dock.place is not None:
            dock.yard.add(dock.place)
        return dock

    def guard(self, yard: Yard, body: CraneBody) -> None:
        """The crane that works over the tables of `yard`."""
        self._cranes.append((yard, body))

    # --- carriers come and go --------------------------------------------------------------------

    def _arrived(self, carrier: Carrier) -> None:
        pose = carrier.pose
        dock = self.dock_at(pose.x_m, pose.y_m)
        if dock is not None and dock.carrier is None:
            dock.carrier = carrier

    def _left(self, carrier: Carrier, cause: int) -> None:  # noqa: ARG002 - as of docks
        dock = self._dock_of(carrier)
        if dock is not None:
            dock.carrier = None

    # --- tables run ------------------------------------------------------------------------------

    def _table(self, x_m: float, y_m: float) -> tuple[Dock, Yard, Place] | str:
        dock = self.dock_at(x_m, y_m)
        if dock is None or dock.yard is None or dock.place is None:
            return f"no transfer table at ({x_m:.2f}, {y_m:.2f})"
        return dock, dock.yard, dock.place

    def why_not_run(self, x_m: float, y_m: float) -> str:
        """Empty if the table at (x, y) may run now, else what is in its way."""
        found = self._table(x_m, y_m)
        if isinstance(found, str):
            return found
        _, yard, place = found
        for its, body in self._cranes:
            if its is not yard:
                continue
            over = yard.near(
                body.state(Axis.GANTRY)[0], body.state(Axis.TROLLEY)[0], body.parameters.reach_m
            )
            lowest_m = body.state(Axis.HOIST)[0] - (body.held.height_m if body.held else 0.0)
            if over is place and lowest_m < place.top_m + CLEAR_M:
                return f"{body.id} is down over {place.id}"
        return ""

    def run(self, x_m: float, y_m: float, *, under_rail: bool, cause: int = -1) -> None:
        """The table at (x, y) is under the rail now, or leaves it; where it is already it stays."""
        found = self._table(x_m, y_m)
        if isinstance(found, str):
            return
        _, yard, place = found
        if place.present == under_rail:
            yard.shift(place, here=not under_rail, cause=cause)

    # --- boxes change hands ----------------------------------------------------------------------

    def look(self, x_m: float, y_m: float, box_id: str | None) -> Box | str:
        """The box on the table at (x, y), or why there is none."""
        found = self._table(x_m, y_m)
        if isinstance(found, str):
            return found
        place = found[2]
        box = place.top
        if box is None:
            return f"{place.id}: no box has been set down"
        return box if box_id in (None, box.number) else f"{place.id}: {box.number} stands there"

    def take(self, x_m: float, y_m: float, box: Box, cause: int) -> None:
        """A carrier's locks have closed on a box that `look` has shown."""
        found = self._table(x_m, y_m)
        assert not isinstance(found, str)
        place = found[2]
        place.boxes.remove(box)
        self._trace("world", "load.locked", cause, box=box.number, place=place.id)
        self._tell()

    def room(self, x_m: float, y_m: float) -> str:
        """Empty if a box can be set on the table at (x, y), else why not."""
        found = self._table(x_m, y_m)
        if isinstance(found, str):
            return found
        place = found[2]
        return f"{place.id}: {place.boxes[-1].number} stands there" if place.boxes else ""

    def put(self, x_m: float, y_m: float, box: Box, cause: int) -> None:
        """A carrier's locks have opened: the box stands on the table."""
        found = self._table(x_m, y_m)
        assert not isinstance(found, str)
        place = found[2]
        place.boxes.append(box)
        self._trace("world", "load.unlocked_at", cause, box=box.number, place=place.id)
        self._tell()
