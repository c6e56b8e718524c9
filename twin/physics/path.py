"""The line a vehicle follows: pieces of constant curvature in a map frame, smooth where they meet.

Places are metres along the path, x and y metres in the map, angles radians anticlockwise from x.
A curve given otherwise (Bézier, a dense polyline) becomes biarcs: pairs of arcs that pass through
its points with its tangents, so that length, heading and curvature stay in closed form.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from twin.physics.parameters import PhysicsError

Point = tuple[float, float]
"""x and y, m."""

_SAME_M = 1e-9
_HOPS = 8
"""Pieces that a point may have passed since it was last looked for."""
_STRAIGHT_RAD = 1e-9


@dataclass(frozen=True, slots=True)
class Pose:
    """A place in the map; the heading is that of the vehicle's front."""

    x_m: float
    y_m: float
    heading_rad: float


@dataclass(frozen=True, slots=True)
class Piece:
    """A straight (curvature 0) or an arc; a positive curvature turns left.

    `body_rad` is the body's heading minus the direction of travel: 0 forwards, pi backwards,
    anything else sideways (crab).
    """

    x_m: float
    y_m: float
    course_rad: float
    length_m: float
    curvature_per_m: float = 0.0
    body_rad: float = 0.0

    def at(self, way_m: float) -> tuple[float, float, float]:
        """x, y and course after `way_m` of this piece (also beyond its ends)."""
        half = self.curvature_per_m * way_m / 2
        # The chord of an arc: sin(h)/h of its length, turned by half its angle.
        chord = way_m * (math.sin(half) / half if abs(half) > 1e-6 else 1 - half * half / 6)
        middle = self.course_rad + half
        return (
            self.x_m + chord * math.cos(middle),
            self.y_m + chord * math.sin(middle),
            self.course_rad + 2 * half,
        )


class Foot(NamedTuple):
    """The foot of a point on a path: place, metres to the left, and the path's angles there."""

    at_m: float
    left_m: float
    course_rad: float
    body_rad: float


class Path:
    """A path of pieces, from place `begin_m` to `end_m`. Immutable; look-ups are O(log n)."""

    __slots__ = ("_begins", "begin_m", "end_m", "pieces")

    def __init__(self, pieces: Iterable[Piece], *, begin_m: float = 0.0) -> None:
        self.pieces = tuple(piece for piece in pieces if piece.length_m > _SAME_M)
        if not self.pieces:
            raise PhysicsError("a path has no length: give it two different points")
        for first, second in itertools.pairwise(self.pieces):
            x, y, _ = first.at(first.length_m)
            gap = math.hypot(second.x_m - x, second.y_m - y)
            if gap > 1e-3:
                raise PhysicsError(
                    f"a path has a gap of {gap:.3g} m at ({second.x_m:.3f}, {second.y_m:.3f}); "
                    f"at most 1 mm"
                )
        self.begin_m = begin_m
        self._begins = [begin_m]
        for piece in self.pieces:
            self._begins.append(self._begins[-1] + piece.length_m)
        self.end_m = self._begins.pop()

    @property
    def length_m(self) -> float:
        """Length from begin to end."""
        return self.end_m - self.begin_m

    def _find(self, at_m: float) -> int:
        return max(0, bisect.bisect_right(self._begins, at_m) - 1)

    def pose_at(self, at_m: float) -> Pose:
        """Where the body is at a place; beyond the ends the last pieces go on."""
        i = self._find(at_m)
        piece = self.pieces[i]
        x, y, course = piece.at(at_m - self._begins[i])
        return Pose(x, y, wrapped(course + piece.body_rad))

    def course_at(self, at_m: float) -> float:
        """Direction of travel at a place, rad."""
        i = self._find(at_m)
        return wrapped(self.pieces[i].at(at_m - self._begins[i])[2])

    def body_at(self, at_m: float) -> float:
        """The body's heading minus the direction of travel at a place, rad."""
        return self.pieces[self._find(at_m)].body_rad

    def curvature_at(self, at_m: float) -> float:
        """Curvature at a place, 1/m; positive turns left. Beyond the ends it is 0."""
        if not self.begin_m <= at_m <= self.end_m:
            return 0.0
        return self.pieces[self._find(at_m)].curvature_per_m

    def piece_at(self, at_m: float) -> tuple[float, float]:
        """Begin and end of the piece at a place; within them curvature and body stay the same."""
        i = self._find(at_m)
        ends_m = self._begins[i + 1] if i + 1 < len(self._begins) else self.end_m
        return self._begins[i], ends_m

    def curvatures(self) -> list[tuple[float, float, float]]:
        """(from, to, curvature) of every piece."""
        ends = [*self._begins[1:], self.end_m]
        return [
            (begin, end, piece.curvature_per_m)
            for begin, end, piece in zip(self._begins, ends, self.pieces, strict=True)
        ]

    def corners(self) -> list[tuple[float, float]]:
        """(place, turn) where two pieces meet with different courses, rad; 0 at smooth joints."""
        found = []
        for i, (first, second) in enumerate(itertools.pairwise(self.pieces)):
            turn = wrapped(second.course_rad - first.at(first.length_m)[2])
            if abs(turn) > _STRAIGHT_RAD:
                found.append((self._begins[i + 1], turn))
        return found

    def extended(self, more: Path) -> Path:
        """This path and then `more`, whose own places do not matter. Places here stay as they are.

        Raises `PhysicsError` if `more` does not begin where this ends.
        """
        return Path([*self.pieces, *more.pieces], begin_m=self.begin_m)

    def trimmed(self, before_m: float) -> Path:
        """Without the pieces that end before a place; places stay as they are."""
        first = min(self._find(before_m), len(self.pieces) - 1)
        return Path(self.pieces[first:], begin_m=self._begins[first])

    def until(self, end_m: float) -> Path:
        """This path up to a place on it. Raises `PhysicsError` if nothing is left."""
        last = self._find(end_m)
        part = replace(self.pieces[last], length_m=end_m - self._begins[last])
        return Path([*self.pieces[:last], part], begin_m=self.begin_m)

    def nearest_m(self, x_m: float, y_m: float, near_m: float, *, within_m: float = 20.0) -> float:
        """The place whose pose is nearest to a point, looking `within_m` around `near_m`."""
        best, best_d = near_m, math.inf
        for i in range(self._find(near_m - within_m), self._find(near_m + within_m) + 1):
            piece, begin = self.pieces[i], self._begins[i]
            way = _foot(piece, x_m, y_m, near_m - begin)
            # The first and the last piece go on beyond the path's ends.
            low = -math.inf if i == 0 else 0.0
            high = math.inf if i == len(self.pieces) - 1 else piece.length_m
            way = min(max(way, low), high)
            x, y, _ = piece.at(way)
            d = math.hypot(x - x_m, y - y_m)
            if d < best_d:
                best, best_d = begin + way, d
        return best

    def follow(self, x_m: float, y_m: float, near_m: float) -> Foot:
        """The foot of a point that has moved little since it was at `near_m`."""
        i = self._find(near_m)
        last = len(self.pieces) - 1
        for _ in range(_HOPS):
            piece = self.pieces[i]
            way = _foot(piece, x_m, y_m, near_m - self._begins[i])
            if way > piece.length_m and i < last:
                i += 1
            elif way < 0.0 and i > 0:
                before = self.pieces[i - 1]
                if _foot(before, x_m, y_m, near_m - self._begins[i - 1]) >= before.length_m:
                    break
                i -= 1
            else:
                break
        if piece.curvature_per_m == 0.0:
            course = piece.course_rad
            c, s = math.cos(course), math.sin(course)
            left = c * (y_m - piece.y_m) - s * (x_m - piece.x_m)
        else:
            x, y, course = piece.at(way)
            left = (y_m - y) * math.cos(course) - (x_m - x) * math.sin(course)
        return Foot(self._begins[i] + way, left, course, piece.body_rad)

    @staticmethod
    def straight(start: Pose, length_m: float, *, begin_m: float = 0.0) -> Path:
        """One straight forwards from a pose."""
        piece = Piece(start.x_m, start.y_m, start.heading_rad, length_m)
        return Path([piece], begin_m=begin_m)

    @staticmethod
    def polyline(
        points: Sequence[Point],
        *,
        corner_radius_m: float = 12.0,
        body_rad: float = 0.0,
        begin_m: float = 0.0,
    ) -> Path:
        """Straights through points, with corners rounded by arcs of at most this radius.

        A corner between short straights gets a smaller arc; 0 leaves corners sharp. `body_rad`
        as in `Piece`.
        """
        return Path(_rounded(points, corner_radius_m, body_rad), begin_m=begin_m)

    @staticmethod
    def smooth(
        points: Sequence[Point],
        courses_rad: Sequence[float] | None = None,
        *,
        body_rad: float = 0.0,
        begin_m: float = 0.0,
    ) -> Path:
        """A smooth curve through points, by biarcs; tangents as given or estimated from three."""
        courses = _tangents(points) if courses_rad is None else courses_rad
        pieces: list[Piece] = []
        for i in range(len(points) - 1):
            pieces += _biarc(points[i], courses[i], points[i + 1], courses[i + 1], body_rad)
        return Path(pieces, begin_m=begin_m)

    @staticmethod
    def bezier(
        control: Sequence[Point], *, steps: int = 16, body_rad: float = 0.0, begin_m: float = 0.0
    ) -> Path:
        """A Bézier curve of any degree, as `steps` biarcs (de Casteljau)."""
        if len(control) < 2:
            raise PhysicsError(f"a Bézier curve has {len(control)} control points; at least 2")
        samples = [_casteljau(control, i / steps) for i in range(steps + 1)]
        return Path.smooth(
            [point for point, _ in samples],
            [course for _, course in samples],
            body_rad=body_rad,
            begin_m=begin_m,
        )


def wrapped(angle_rad: float) -> float:
    """The angle within (-pi, pi]."""
    if -math.pi < angle_rad <= math.pi:
        return angle_rad
    turned = math.remainder(angle_rad, math.tau)
    return math.pi if turned == -math.pi else turned


def _foot(piece: Piece, x_m: float, y_m: float, near_m: float) -> float:
    """Way along a piece to the point nearest to x, y (unbounded; on an arc near `near_m`)."""
    dx, dy = x_m - piece.x_m, y_m - piece.y_m
    c, s, k = math.cos(piece.course_rad), math.sin(piece.course_rad), piece.curvature_per_m
    along = dx * c + dy * s
    if abs(k) < 1e-9:
        return along
    across = dy * c - dx * s
    way = math.atan2(k * along, 1 - k * across) / k
    if abs(way - near_m) * abs(k) <= math.pi:
        return way
    return near_m + math.remainder(way - near_m, math.tau / abs(k))


def _rounded(points: Sequence[Point], radius_m: float, body_rad: float) -> list[Piece]:
    legs = [(a, b) for a, b in itertools.pairwise(points) if math.dist(a, b) > _SAME_M]
    if not legs:
        raise PhysicsError("a path has no length: give it two different points")
    courses = [math.atan2(b[1] - a[1], b[0] - a[0]) for a, b in legs]
    lengths = [math.dist(a, b) for a, b in legs]
    cuts = [0.0]  # how much of a leg the arc at its end takes
    turns = [wrapped(second - first) for first, second in itertools.pairwise(courses)]
    for i, turn in enumerate(turns):
        tangent = abs(math.tan(turn / 2)) if abs(turn) < math.pi - 1e-6 else 0.0
        cuts.append(min(radius_m * tangent, lengths[i] / 2, lengths[i + 1] / 2))
    cuts.append(0.0)
    pieces = []
    for i, (start, _) in enumerate(legs):
        c, s = math.cos(courses[i]), math.sin(courses[i])
        before, after = cuts[i], cuts[i + 1]
        x, y = start[0] + c * before, start[1] + s * before
        way = lengths[i] - before - after
        pieces.append(Piece(x, y, courses[i], way, 0.0, body_rad))
        if i < len(turns) and after > _SAME_M and abs(turns[i]) > _STRAIGHT_RAD:
            radius = after / abs(math.tan(turns[i] / 2))
            k = math.copysign(1 / radius, turns[i])
            x, y = x + c * way, y + s * way
            pieces.append(Piece(x, y, courses[i], radius * abs(turns[i]), k, body_rad))
    return pieces


def _tangents(points: Sequence[Point]) -> list[float]:
    """The tangent at each point of the circle through it and its neighbours."""
    if len(points) < 2:
        raise PhysicsError(f"a path has {len(points)} points; at least 2")
    chords = [math.atan2(b[1] - a[1], b[0] - a[0]) for a, b in itertools.pairwise(points)]
    lengths = [math.dist(a, b) for a, b in itertools.pairwise(points)]
    inner = []
    for i in range(1, len(points) - 1):
        turn = wrapped(chords[i] - chords[i - 1])
        inner.append(chords[i - 1] + turn * lengths[i - 1] / (lengths[i - 1] + lengths[i]))
    if not inner:
        return [chords[0], chords[0]]
    first = chords[0] - wrapped(inner[0] - chords[0])
    last = chords[-1] + wrapped(chords[-1] - inner[-1])
    return [first, *inner, last]


def _biarc(p0: Point, c0: float, p1: Point, c1: float, body_rad: float) -> list[Piece]:
    """Two arcs from `p0` with course `c0` to `p1` with course `c1` (equal tangent lengths)."""
    vx, vy = p1[0] - p0[0], p1[1] - p0[1]
    chord = math.hypot(vx, vy)
    if chord <= _SAME_M:
        return []
    t0, t1 = (math.cos(c0), math.sin(c0)), (math.cos(c1), math.sin(c1))
    tx, ty = t0[0] + t1[0], t0[1] + t1[1]
    a = 2 * (1 - t0[0] * t1[0] - t0[1] * t1[1])
    b = 2 * (vx * tx + vy * ty)
    if a < 1e-12:
        d = chord * chord / (b / 2) / 2 if b > 0 else chord / 2
    else:
        d = (math.sqrt(b * b / 4 + a * chord * chord) - b / 2) / a
    joint = (
        (p0[0] + p1[0] + d * (t0[0] - t1[0])) / 2,
        (p0[1] + p1[1] + d * (t0[1] - t1[1])) / 2,
    )
    first = _arc(p0, c0, joint, body_rad)
    x, y, course = first.at(first.length_m)
    return [first, _arc((x, y), course, p1, body_rad)]


def _arc(start: Point, course: float, end: Point, body_rad: float) -> Piece:
    """The arc from a point with a course to another point."""
    chord = math.dist(start, end)
    half = wrapped(math.atan2(end[1] - start[1], end[0] - start[0]) - course)
    if abs(half) < _STRAIGHT_RAD or chord <= _SAME_M:
        return Piece(start[0], start[1], course, chord, 0.0, body_rad)
    k = 2 * math.sin(half) / chord
    return Piece(start[0], start[1], course, 2 * half / k, k, body_rad)


def _casteljau(control: Sequence[Point], t: float) -> tuple[Point, float]:
    """Point and course of a Bézier curve."""
    points = list(control)
    while len(points) > 2:
        points = [_between(a, b, t) for a, b in itertools.pairwise(points)]
    (ax, ay), (bx, by) = points
    if math.dist(points[0], points[1]) <= _SAME_M:
        others = [point for point in control if math.dist(point, control[0]) > _SAME_M]
        if not others:
            raise PhysicsError("a Bézier curve has no length: its control points are one")
        (ax, ay), (bx, by) = (control[0], others[0]) if t < 0.5 else (others[-1], control[-1])
    return _between(points[0], points[1], t), math.atan2(by - ay, bx - ax)


def _between(a: Point, b: Point, t: float) -> Point:
    return a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])
