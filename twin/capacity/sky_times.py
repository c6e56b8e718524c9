"""The durations of a sky-rail for the capacity tier: `sky_times_of` in place of `times_of`.

Ways follow the rail of the site file with its speed limits, hoist and table times are those of the
emulated carrier, crane moves those of the emulated crane. A plan for it has two lanes (each rail is
one direction) and no battery.
"""

from __future__ import annotations

import math
from itertools import pairwise

from twin.capacity.plan import SizingError, scene_of
from twin.capacity.routes import Routes
from twin.capacity.times import Times, Ways, crane_moves_s
from twin.devices.sky_rail_words import SkyRailParameters, travel_s
from twin.physics.drive import DriveState, Leg, SpeedLimit
from twin.physics.drive_kinematic import KinematicDrive
from twin.physics.path import Path
from twin.physics.rail_parameters import RailCarrierParameters
from twin.site import Site
from twin.site_bridge import Cargo
from twin.site_sky_rail import SkyRail, with_sky_rail


def sky_times_of(site: Site, parameters: SkyRailParameters | None = None) -> Times:
    """The durations of the site's sky-rail; `SizingError` if it has none."""
    cargo, rail = site.bridge.cargo, site.bridge.sky_rail
    if cargo is None or rail is None:
        raise SizingError(f"site {site.id} has no [bridge.sky_rail]: no sky-rail is known there")
    scene, p = scene_of(site), parameters or SkyRailParameters()
    line = _Line(with_sky_rail(cargo, rail), rail, site.bridge.length_m, p.vehicle)
    blocks = [
        abs(b.x_m - a.x_m)
        for a, b in pairwise(sorted(rail.nodes, key=lambda n: (n.y_m, n.x_m)))
        if a.y_m == b.y_m and a.x_m >= 0 and b.x_m <= site.bridge.length_m
    ]
    clear_m = 2 * max(blocks) + p.vehicle.length_m
    return Times(
        empty=line.ways(0.0, 0.0, 0.0),
        loaded=line.ways(scene.load_kg[1], pick_s(p), drop_s(p)),
        gate_s=scene.gate_s,
        headway_s=clear_m / p.vehicle.loaded_speed_m_s,
        move_s=crane_moves_s(),
        energy=p.energy,
    )


def pick_s(p: SkyRailParameters) -> float:
    """Table in, spreader down, locks, box up; a stop as planned has calmed down meanwhile."""
    return travel_s(p.table_m, p.table_m_s, p.table_m_s2) + _hoist_s(p)


def drop_s(p: SkyRailParameters) -> float:
    """The same, and the table back to where the crane reaches it."""
    return 2 * travel_s(p.table_m, p.table_m_s, p.table_m_s2) + _hoist_s(p)


def _hoist_s(p: SkyRailParameters) -> float:
    speeds = (p.hoist_m_s, p.hoist_empty_m_s)
    return p.lock_s + sum(travel_s(p.lift_m, speed, p.hoist_m_s2) for speed in speeds)


class _Line:
    """The rail as ways: routes, paths, times."""

    def __init__(
        self, cargo: Cargo, rail: SkyRail, length_m: float, vehicle: RailCarrierParameters
    ) -> None:
        self._cargo, self._length_m, self._vehicle = cargo, length_m, vehicle
        self._place = {n.id: (n.x_m, n.y_m) for n in rail.nodes}
        self._course = {n.id: math.radians(n.course_deg) for n in rail.nodes}
        self._routes = Routes(cargo)

    def ways(self, load_kg: float, pick_s: float, drop_s: float) -> Ways:
        """A trip from under one crane to under the other: the mean over bays that face each other.

        The carrier stands at the bridge head, as vehicles on the lane do.
        """
        means: list[list[float]] = []
        for here, there in (self._cargo.yards, self._cargo.yards[::-1]):
            found = [self._way(a, b, load_kg) for a, b in zip(here.bays, there.bays, strict=False)]
            means.append([sum(part) / len(found) for part in zip(*found, strict=True)])
        (out, over, on, metres), (out_2, over_2, on_2, metres_2) = means
        return Ways(
            (out + pick_s, out_2 + pick_s), (over + over_2) / 2, (on + drop_s, on_2 + drop_s),
            (metres + metres_2) / 2,
        )  # fmt: skip

    def _way(self, start: str, goal: str, load_kg: float) -> tuple[float, float, float, float]:
        """To the bridge head, over the bridge, to the goal (s), and all of it (m)."""
        route = self._routes.route(start, goal)
        path = Path.smooth(
            [self._place[name] for name in route], [self._course[name] for name in route]
        )
        limits, at_m = [], 0.0
        for a, b in pairwise(route):
            near = Path.smooth([self._place[a], self._place[b]], [self._course[a], self._course[b]])
            limits.append(SpeedLimit(at_m, at_m + near.length_m, self._routes.speed_m_s(a, b)))
            at_m += near.length_m
        rising = self._place[goal][0] > self._place[start][0]
        heads = (0.0, self._length_m) if rising else (self._length_m, 0.0)
        enter_m, leave_m = (self._passes(path, x_m, rising=rising) for x_m in heads)
        drive, leg = KinematicDrive(), Leg(self._vehicle, path, load_kg)
        to_gate_s = drive.plan(leg, DriveState(0.0), enter_m, limits).duration_s
        motion = drive.plan(leg, DriveState(enter_m), path.end_m, limits)
        left_s = motion.when(leave_m + self._vehicle.length_m)
        if left_s is None:
            raise SizingError(f"the rail from {start} to {goal} ends on the bridge")
        return to_gate_s, left_s, motion.duration_s - left_s, path.length_m

    @staticmethod
    def _passes(path: Path, x_m: float, *, rising: bool) -> float:
        """Where a path first passes x, to a centimetre or better."""
        at_m = 0.0
        while at_m < path.end_m and (path.pose_at(at_m).x_m < x_m) == rising:
            at_m += max(0.01, abs(path.pose_at(at_m).x_m - x_m) * 0.5)
        return min(at_m, path.end_m)
