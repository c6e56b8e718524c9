"""The vehicle in closed form: it does exactly what its plan asks for, on its path."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from twin.physics.drive import DriveState, Leg, SpeedLimit
from twin.physics.energy import J_PER_KWH
from twin.physics.parameters import GRAVITY_M_S2, PhysicsError
from twin.physics.path import Pose
from twin.physics.s_curve import Bounds, Phase, Zone, advance, change, profile
from twin.physics.vehicle_parameters import BrakeKind, Limits

_BEND = 1.001
"""A path may bend this much more than the smallest turning circle: rounding of drawn maps."""
_CORNER_RAD = 0.03
"""A corner this sharp is taken as a bend of the map's rounding (estimate); more is refused."""
_BEYOND_M = 1e-6
_REST_M_S = 1e-6
_SHORT_M = 2.0
_STEP_M_S = 0.5
"""Curves drawn as many short arcs get limits in steps, so that speed does not follow each arc."""


class _Piece(NamedTuple):
    """From the instant `t` on: place, speed, acceleration, jerk, and where it ends."""

    t: float
    s: float
    v: float
    a: float
    j: float
    ends_m: float


class KinematicMotion:
    """Pieces of constant jerk along a path."""

    __slots__ = ("_begin_m", "_pieces", "_places", "_times", "duration_s", "end", "held", "leg")

    def __init__(
        self, leg: Leg, start: DriveState, phases: Sequence[Phase], *, held: bool, stop_m: float
    ) -> None:
        """`stop_m` is where the last phase ends; sums of phases miss it by rounding alone."""
        self.leg, self.held, self._begin_m = leg, held, start.at_m
        t, s, v, a = 0.0, start.at_m, start.speed_m_s, start.acceleration_m_s2
        self._pieces: list[_Piece] = []
        moving = [phase for phase in phases if phase[0] > 0.0]
        for i, (duration_s, jerk) in enumerate(moving):
            way, v_next, a_next = advance(v, a, [(duration_s, jerk)])
            ends_m = stop_m if i == len(moving) - 1 else max(s, min(s + way, stop_m))
            self._pieces.append(_Piece(t, s, v, a, jerk, ends_m))
            t, s, v, a = t + duration_s, ends_m, v_next, a_next
        self._times = [piece.t for piece in self._pieces]
        self._places = [piece.ends_m for piece in self._pieces]
        self.duration_s = t
        self.end = DriveState(stop_m)

    def at(self, t_s: float) -> DriveState:
        """The state `t_s` after the begin."""
        return DriveState(*self.row(t_s)[:3]) if t_s < self.duration_s else self.end

    def row(self, t_s: float) -> tuple[float, float, float, float]:
        """Place (m), speed, acceleration and jerk `t_s` after the begin."""
        if t_s >= self.duration_s:
            return self.end.at_m, 0.0, 0.0, 0.0
        if t_s < 0.0:
            t_s = 0.0
        t, s, v, a, j, ends_m = self._pieces[bisect.bisect_right(self._times, t_s) - 1]
        dt = t_s - t
        place = s + dt * (v + dt * (a / 2 + dt * j / 6))
        # Rounding must not carry a piece beyond the places where it begins and ends.
        place = s if place < s else min(place, ends_m)
        speed = v + dt * (a + dt * j / 2)
        return place, max(0.0, speed), a + dt * j, j

    def pose(self, t_s: float) -> Pose:
        """Where in the map the body is."""
        return self.leg.path.pose_at(self.at(t_s).at_m)

    def when(self, at_m: float) -> float | None:
        """The first instant at a place; 0 for places behind, None if it is not reached."""
        if at_m <= self._begin_m:
            return 0.0
        if at_m > self.end.at_m:
            return None
        i = bisect.bisect_left(self._places, at_m)
        if i == len(self._places):  # a stop that only rounding tells from where it begins
            return self.duration_s
        low = self._times[i]
        high = self._times[i + 1] if i + 1 < len(self._times) else self.duration_s
        # The place grows with time within a piece; halvings need no case for a cubic's roots.
        for _ in range(60):
            middle = (low + high) / 2
            if self.row(middle)[0] < at_m:
                low = middle
            else:
                high = middle
        return high

    def energy_kwh(self, t_s: float) -> float:
        """What the battery has given from the begin to `t_s`."""
        at_m = self.row(t_s)[0]
        driven = self.leg.energy.consumed_kwh(at_m - self._begin_m, max(0.0, t_s), self.leg.load_kg)
        return driven + slopes_kwh(self.leg, self._begin_m, at_m)


def slopes_kwh(leg: Leg, from_m: float, to_m: float) -> float:
    """What slopes cost beyond the level way, kWh: weight against the drive, or instead of it.

    Going down saves no more than the level way costs; what the brakes take is lost but for the
    share that is regenerated.
    """
    energy, total = leg.energy, 0.0
    weight_n = leg.vehicle.mass_kg(leg.load_kg) * GRAVITY_M_S2
    level_n = energy.per_km_kwh(leg.load_kg) * J_PER_KWH / 1000 * energy.efficiency
    for slope in leg.conditions.slopes:
        length = min(to_m, slope.to_m) - max(from_m, slope.from_m)
        if length <= 0:
            continue
        pull_n = level_n + weight_n * slope.grade / math.hypot(1.0, slope.grade)
        drive_n, brake_n = max(0.0, pull_n), max(0.0, -pull_n)
        work_j = (drive_n - level_n) / energy.efficiency - energy.regeneration * brake_n
        total += work_j * length / J_PER_KWH
    return total


class KinematicDrive:
    """Plans in closed form; needs no package."""

    name = "kinematic"

    def plan(
        self, leg: Leg, start: DriveState, stop_at_m: float, limits: Sequence[SpeedLimit] = ()
    ) -> KinematicMotion:
        """Drive from any state and stand at `stop_at_m`, as fast as every limit allows."""
        own = leg.vehicle.limits(leg.load_kg, leg.conditions)
        bounds = Bounds(own.acceleration_m_s2, own.braking_m_s2, own.jerk_m_s3)
        if stop_at_m > leg.path.end_m + _BEYOND_M:
            raise PhysicsError(
                f"a stop at {stop_at_m:.2f} m lies beyond the path, which ends at "
                f"{leg.path.end_m:.2f} m"
            )
        start = checked(start)
        stop_m = max(stop_at_m, start.at_m)
        protective = leg.vehicle.braking_m_s2(BrakeKind.PROTECTIVE, leg.load_kg, leg.conditions)
        phases, held = profile(
            start.speed_m_s,
            start.acceleration_m_s2,
            zones(leg, start.at_m, stop_m, limits, own),
            bounds,
            hardest=max(1.0, protective / own.braking_m_s2),
        )
        return _motion(leg, start, phases, held=held, stop_m=stop_m)

    def brake(self, leg: Leg, start: DriveState, kind: BrakeKind) -> KinematicMotion:
        """Come to rest as soon as this kind of braking allows, on the path."""
        start = checked(start)
        phases = braking(leg, start, kind)
        return _motion(leg, start, phases, held=True, stop_m=math.inf)

    def close(self) -> None:
        """Nothing to give back."""


def checked(start: DriveState) -> DriveState:
    """The state, with no deceleration left at rest: a brake that has stopped a vehicle holds it."""
    numbers = (start.at_m, start.speed_m_s, start.acceleration_m_s2)
    if start.speed_m_s < 0 or not all(map(math.isfinite, numbers)):
        raise PhysicsError(
            f"a vehicle at {start.at_m} m, {start.speed_m_s} m/s, {start.acceleration_m_s2} m/s²; "
            f"speeds are finite and at least 0 along the path (for backwards see Piece.body_rad)"
        )
    if start.speed_m_s < _REST_M_S and start.acceleration_m_s2 < 0.0:
        return replace(start, speed_m_s=0.0, acceleration_m_s2=0.0)
    return start


def _motion(
    leg: Leg, start: DriveState, phases: Sequence[Phase], *, held: bool, stop_m: float
) -> KinematicMotion:
    way = advance(start.speed_m_s, start.acceleration_m_s2, phases)[0]
    end_m = start.at_m + max(0.0, way)
    if abs(end_m - stop_m) < 1e-6:
        end_m = stop_m
    return KinematicMotion(leg, start, phases, held=held, stop_m=end_m)


def braking(leg: Leg, start: DriveState, kind: BrakeKind) -> list[Phase]:
    """The phases of a stop: reaction, build-up, full braking; a service stop also ends softly."""
    v, a = start.speed_m_s, start.acceleration_m_s2
    if v <= 0.0:
        return []
    most = leg.vehicle.braking_m_s2(kind, leg.load_kg, leg.conditions)
    jerk, reaction_s = leg.vehicle.jerk_of(kind)
    if kind is BrakeKind.SERVICE:
        if a < 0 and v + -a * a / (2 * jerk) < 0:
            return [(2 * v / -a, a * a / (2 * v))]
        return change(v, a, 0.0, Bounds(most, most, jerk))
    phases: list[Phase] = []
    if a > 0:  # the drive lets go with the command
        phases.append((a / jerk, -jerk))
        v, a = v + a * a / (2 * jerk), 0.0
    wait_s = max(0.0, reaction_s - sum(t for t, _ in phases))
    wait_s = _until_rest_s(v, a, 0.0, wait_s)
    v += a * wait_s
    rise_s = _until_rest_s(v, a, -jerk, max(0.0, (a + most) / jerk))
    phases += [(wait_s, 0.0), (rise_s, -jerk)]
    v, a = v + rise_s * (a - jerk * rise_s / 2), a - jerk * rise_s
    if v > 0.0 and a < 0.0:
        phases.append((v / -a, 0.0))
    return phases


def _until_rest_s(v: float, a: float, jerk: float, most_s: float) -> float:
    """How long a phase lasts: `most_s`, or until the speed is 0."""
    if v + most_s * (a + most_s * jerk / 2) >= 0:
        return most_s
    if jerk == 0.0:
        return v / -a
    # v + a t + j t²/2 = 0 with j < 0: the one root after now
    return (-a - math.sqrt(a * a - 2 * jerk * v)) / jerk


def zones(
    leg: Leg, from_m: float, to_m: float, limits: Sequence[SpeedLimit], own: Limits
) -> list[Zone]:
    """Stretches of one speed limit: the vehicle's, those of curves, and the given ones."""
    for limit in limits:
        if not limit.speed_m_s > 0:
            raise PhysicsError(
                f"the speed limit from {limit.from_m:g} m to {limit.to_m:g} m is "
                f"{limit.speed_m_s} m/s; it must be above 0 (to stop there, set stop_at_m)"
            )
    stretches = [
        *((limit.from_m, limit.to_m, limit.speed_m_s) for limit in limits),
        *_curves(leg, from_m, to_m),
    ]
    cuts = sorted({from_m, to_m, *(place for s in stretches for place in s[:2])})
    cuts = [cut for cut in cuts if from_m <= cut <= to_m]
    found: list[Zone] = []
    for begin, end in itertools.pairwise(cuts):
        middle = (begin + end) / 2
        speed = min([own.speed_m_s, *(s[2] for s in stretches if s[0] <= middle < s[1])])
        if found and found[-1].speed_m_s == speed:
            found[-1] = Zone(found[-1].length_m + end - begin, speed)
        else:
            found.append(Zone(end - begin, speed))
    return found


def _curves(leg: Leg, from_m: float, to_m: float) -> list[tuple[float, float, float]]:
    """The stretches with a bend, and the speed at which its lateral acceleration is allowed."""
    vehicle = leg.vehicle
    tightest = _BEND / vehicle.turning_radius_m
    found = []
    for place, turn in leg.path.corners():
        if from_m < place < to_m and abs(turn) > _CORNER_RAD:
            raise PhysicsError(
                f"the path has a corner of {math.degrees(turn):.0f} degrees at {place:.2f} m; "
                f"the vehicle needs an arc of at least {vehicle.turning_radius_m:.2f} m"
            )
    for begin, end, curvature in leg.path.curvatures():
        if end <= from_m or begin >= to_m or curvature == 0.0:
            continue
        if abs(curvature) > tightest:
            raise PhysicsError(
                f"the path bends with a radius of {1 / abs(curvature):.2f} m at {begin:.2f} m; "
                f"the vehicle's smallest is {vehicle.turning_radius_m:.2f} m"
            )
        speed = math.sqrt(vehicle.lateral_m_s2 / abs(curvature))
        if end - begin < _SHORT_M:
            speed = max(_STEP_M_S, math.floor(speed / _STEP_M_S) * _STEP_M_S)
        found.append((begin, end, speed))
    return found
