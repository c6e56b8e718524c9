"""From ways to paths: where a vehicle will drive, and at which place it passes each node.

Nodes on a straight line are driven through. A corner is rounded if the node's allowed deviation has
room for the vehicle's turning circle; otherwise the vehicle stops there, turns its wheels and goes
on, sideways or backwards if need be, as double Ackermann steering lets it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from twin.devices.igv_words import Way
from twin.physics import Path, Pose, VehicleParameters
from twin.physics.path import Point, wrapped
from twin.world.carrier import STRAIGHT_RAD, Carrier

_SNAP_RAD = 0.35
"""A body that stands this little askew to its way straightens itself as it starts (estimate)."""
_SAME_M = 1e-3
_ROOM_M = 1.0
"""So far ahead of it a vehicle can still be told to turn (estimate; it drives that in 0.15 s)."""


@dataclass(slots=True)
class Placed:
    """A way that has been laid: from `begin_m` to the node at `at_m`, on the carrier's way."""

    way: Way
    begin_m: float
    at_m: float


class Router:
    """Lays ways for one carrier and knows where their nodes are."""

    def __init__(self, carrier: Carrier, vehicle: VehicleParameters) -> None:
        self._carrier, self._vehicle = carrier, vehicle
        self.placed: list[Placed] = []
        """Ways whose node has not been passed, in order."""

    def clear(self) -> None:
        """Drop everything that is not driven yet."""
        self.placed = []
        self._carrier.forget()

    def set(self, ways: Sequence[Way]) -> bool:
        """Have these ways ahead; what is laid already stays. Whether a laid one was laid anew.

        Ways are only ever added behind or dropped all: a released route cannot be changed. But
        where the way ended at a corner that can be rounded now, its last metres are laid anew:
        whoever drives there in time does not stop.
        """
        known = [one.way for one in self.placed]
        if list(ways[: len(known)]) != known:
            self.clear()
            known = []
        new = list(ways[len(known) :])
        again = bool(new) and self._take_back(new[0])
        if again:
            last = self.placed.pop()
            new.insert(0, last.way)
        place = len(self.placed)
        while new:
            new = self._lay(new)
        if again:  # its speed limit holds from where it began
            self.placed[place].begin_m = last.begin_m
        return again

    def _take_back(self, following: Way) -> bool:
        """Take back the last metres to a corner that is rounded once it is known what follows."""
        if not self.placed:
            return False
        carrier, last = self._carrier, self.placed[-1]
        way = last.way
        from_m = max(last.begin_m, carrier.straight_from_m, carrier.way_m + _ROOM_M)
        curved = way.courses_rad or following.courses_rad or len(way.points) > 1
        if curved or way.travel_rad != following.travel_rad or from_m >= last.at_m:
            return False
        here = carrier.pose_at(from_m)
        before = (here.x_m, here.y_m)
        radius = self._corner(before, way.points[-1], following, way.deviation_m)
        if radius is None or math.isinf(radius):
            return False
        carrier.take_back(from_m, way.key)
        return True

    def place_of(self, key: int) -> float | None:
        """The place of a node ahead."""
        return next((one.at_m for one in self.placed if one.way.key == key), None)

    def passed(self, key: int) -> Way | None:
        """Forget the way to a node that was passed; the way, or None if it is not the next."""
        if self.placed and self.placed[0].way.key == key:
            return self.placed.pop(0).way
        return None

    # --- laying ----------------------------------------------------------------------------------

    def _lay(self, ways: list[Way]) -> list[Way]:
        """Lay as many ways as make one path; the rest comes back."""
        carrier = self._carrier
        here = carrier.end_pose
        at = (here.x_m, here.y_m)
        first = ways[0]
        if _length(at, first) < _SAME_M:
            self._put(first, carrier.end_m, carrier.end_m)
            return ways[1:]
        if first.courses_rad:
            points = [at, *first.points]
            path = Path.smooth(points, first.courses_rad, body_rad=self._body(first, here, points))
            begin = carrier.lay(path)
            self._put(first, begin, carrier.end_m)
            return ways[1:]
        return self._lay_straight(ways, here)

    def _lay_straight(self, ways: list[Way], here: Pose) -> list[Way]:
        """Straight ways as far as their corners can be driven through or rounded."""
        taken, radius = [ways[0]], math.inf
        points: list[Point] = [(here.x_m, here.y_m), *ways[0].points]
        for following in ways[1:]:
            if following.courses_rad or _length(points[-1], following) < _SAME_M:
                break
            if following.travel_rad != ways[0].travel_rad:
                break
            corner = self._corner(points[-2], points[-1], following, taken[-1].deviation_m)
            if corner is None:
                break
            radius = min(radius, corner)
            taken.append(following)
            points.extend(following.points)
        body = self._body(ways[0], here, points)
        rounded = 0.0 if math.isinf(radius) else radius
        path = Path.polyline(points, corner_radius_m=rounded, body_rad=body)
        begin = self._carrier.lay(path)
        end, near, at = self._carrier.end_m, begin, begin
        for way in taken:
            x, y = way.points[-1]
            near += _length((here.x_m, here.y_m), way)
            if way is taken[-1]:
                place = end
            else:
                place = begin + path.nearest_m(x, y, min(near, end) - begin, within_m=50.0)
            self._put(way, at, place)
            at, here = place, Pose(x, y, 0.0)
        return ways[len(taken) :]

    def _corner(self, before: Point, corner: Point, way: Way, deviation_m: float) -> float | None:
        """Radius with which a corner can be taken; infinite if there is none, None: not at all."""
        after = way.points[0]
        turn = abs(wrapped(_course(corner, after) - _course(before, corner)))
        if turn < STRAIGHT_RAD:
            return math.inf
        if turn > math.radians(150):
            return None
        by_deviation = deviation_m / (1 / math.cos(turn / 2) - 1)
        room_m = min(math.dist(before, corner), math.dist(corner, after)) / 2
        radius = min(by_deviation, room_m / math.tan(turn / 2), 40.0)
        return radius if radius >= self._vehicle.turning_radius_m else None

    def _body(self, way: Way, here: Pose, points: Sequence[Point]) -> float:
        """The body's heading minus the direction of travel at the begin of a path."""
        course = way.courses_rad[0] if way.courses_rad else _course(points[0], points[1])
        if way.travel_rad is not None:
            return way.travel_rad
        askew = wrapped(here.heading_rad - course)
        if abs(askew) < _SNAP_RAD:
            return 0.0
        return math.pi if math.pi - abs(askew) < _SNAP_RAD else askew

    def _put(self, way: Way, begin_m: float, at_m: float) -> None:
        self.placed.append(Placed(way, begin_m, at_m))
        self._carrier.mark(at_m, way.key)


def _course(a: Point, b: Point) -> float:
    return math.atan2(b[1] - a[1], b[0] - a[0])


def _length(start: Point, way: Way) -> float:
    points = [start, *way.points]
    return sum(math.dist(a, b) for a, b in pairwise(points))
