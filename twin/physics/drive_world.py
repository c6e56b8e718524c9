"""Many vehicles live in one PyBullet world, stepped at 240 Hz: what a whole way ahead cannot show.

Here vehicles meet: one may stand in another's way, touch it, or see it with its protective field.
Each is one rigid body by default, or stands on wheels if it is under study. Whoever owns the world
steps it and asks vehicles to drive and brake; there is no clock here. A vehicle that stands with
its brake set is parked: its tyres hold it by friction, and its body sleeps.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from twin.errors import UnknownName
from twin.physics.drive import DriveState, Leg, SpeedLimit
from twin.physics.drive_control import LocalisationError, Pilot
from twin.physics.drive_kinematic import KinematicDrive, KinematicMotion
from twin.physics.drive_plant import CONTROL_HZ, Command, PlanarState, Tyres
from twin.physics.drive_pybullet import BulletWorld
from twin.physics.drive_simulate import steadied
from twin.physics.drive_wheels import WheeledBody
from twin.physics.parameters import PhysicsError
from twin.physics.path import Path, Pose
from twin.physics.vehicle_parameters import BrakeKind

_REST_M_S = 0.002
_APART_M, _APART_M_S = 0.3, 0.3
"""A body this far from its plan is planned for anew from where it is, not from the plan."""
_RAY_STEP_M = 2.0
_RAY_HEIGHT_M = 0.4
"""Height of the protective field's plane over the road (estimate; scanners look at shin height)."""
_RAYS = 9
"""Rays across the field: one each 0.4 m of 3 m and margins; a leg in front of it is not missed by
more than that."""
_BUMPER_M = 0.02
"""Rays begin this far before the bumper, outside of the own body."""


class Seen(NamedTuple):
    """What a protective field sees first: whose body, and how far before the bumper."""

    id: str
    distance_m: float


class _Body(Protocol):
    """A vehicle's body in the world."""

    body: int

    def apply(self, state: PlanarState, command: Command, at_m: float) -> None:
        """Take a command for the next control period."""

    def load(self, leg: Leg) -> None:
        """Weigh as much as this leg says."""

    def park(self, parked: bool) -> None:
        """Hold by friction and sleep, or be free again."""


class BoxBody:
    """The default: one rigid body, pushed by its tyres' forces."""

    __slots__ = ("_tyres", "_world", "body", "leg")

    def __init__(self, world: BulletWorld, leg: Leg, state: PlanarState) -> None:
        self._world = world
        self.body = world.add(leg.vehicle, leg.load_kg, state)
        self.load(leg)

    def load(self, leg: Leg) -> None:
        """Weigh as much as this leg says."""
        self.leg, self._tyres = leg, Tyres(leg)
        self._world.load(self.body, leg.vehicle, leg.load_kg)

    def apply(self, state: PlanarState, command: Command, at_m: float) -> None:
        """Take a command for the next control period."""
        fx, fy, torque = self._tyres.forces(state, command, at_m, 1 / CONTROL_HZ)
        c, s = math.cos(state.yaw_rad), math.sin(state.yaw_rad)
        force = (c * fx + s * fy, c * fy - s * fx, 0.0)
        self._world.push(self.body, force, (0.0, 0.0, torque))

    def park(self, parked: bool) -> None:
        """Hold by friction and sleep, or be free again."""
        friction = self.leg.conditions.surface.friction if parked else 0.0
        self._world.park(self.body, parked, friction)


@dataclass(slots=True)
class _Vehicle:
    leg: Leg
    body: _Body
    pilot: Pilot | None
    state: PlanarState
    at_m: float
    begun: int = 0
    motion: KinematicMotion | None = None


class World:
    """Vehicles and obstacles on one plane."""

    def __init__(self) -> None:
        self._bullet = BulletWorld()
        self._plans = KinematicDrive()
        self._vehicles: dict[str, _Vehicle] = {}
        self._moving: list[_Vehicle] = []
        self._obstacles: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._periods = 0

    @property
    def time_s(self) -> float:
        """Time since the world's begin."""
        return self._periods / CONTROL_HZ

    # --- who is there ----------------------------------------------------------------------------

    def add(self, id: str, leg: Leg, start: DriveState, *, wheels: bool = False) -> None:
        """Put a standing vehicle on its path; `wheels` for one under study (6 times the cost)."""
        if id in self._vehicles or id in self._obstacles:
            raise PhysicsError(f"there is a {id!r} in this world already")
        pose = start.pose or leg.path.pose_at(start.at_m)
        state = PlanarState(pose.x_m, pose.y_m, pose.heading_rad, 0.0, 0.0, 0.0)
        body: _Body
        if wheels:
            body = WheeledBody(self._bullet, leg, state)
        else:
            body = BoxBody(self._bullet, leg, state)
        body.park(True)
        self._vehicles[id] = _Vehicle(leg, body, None, state, start.at_m)
        self._names[body.body] = id

    def obstacle(
        self, id: str, pose: Pose, length_m: float, width_m: float, height_m: float
    ) -> None:
        """Put a body that does not give way: a person in the lane, a lost container."""
        if id in self._vehicles or id in self._obstacles:
            raise PhysicsError(f"there is a {id!r} in this world already")
        body = self._bullet.block(pose, length_m, width_m, height_m)
        self._obstacles[id] = body
        self._names[body] = id

    def remove(self, id: str) -> None:
        """Take a vehicle or an obstacle away."""
        if id in self._obstacles:
            body = self._obstacles.pop(id)
        else:
            vehicle = self._vehicle(id)
            if vehicle in self._moving:
                self._moving.remove(vehicle)
            body = self._vehicles.pop(id).body.body
        del self._names[body]
        self._bullet.remove(body)

    def _vehicle(self, id: str) -> _Vehicle:
        if id not in self._vehicles:
            raise UnknownName("vehicle", id, self._vehicles)
        return self._vehicles[id]

    # --- what they do ----------------------------------------------------------------------------

    def drive(
        self,
        id: str,
        stop_at_m: float,
        limits: Sequence[SpeedLimit] = (),
        *,
        path: Path | None = None,
        localisation: LocalisationError | None = None,
    ) -> KinematicMotion:
        """Let a vehicle drive to `stop_at_m`, from whatever it does now; returns its plan.

        `path` replaces its path; places on it mean what they meant (`Path.extended`).
        """
        vehicle = self._vehicle(id)
        leg = vehicle.leg if path is None else replace(vehicle.leg, path=path)
        start = steadied(leg, self._start(id), stop_at_m, limits)
        motion = self._plans.plan(leg, start, stop_at_m, limits)
        self._begin(vehicle, leg, start, motion, None, localisation)
        return motion

    def brake(self, id: str, kind: BrakeKind) -> KinematicMotion:
        """Let a vehicle come to rest; returns its plan."""
        vehicle = self._vehicle(id)
        start = self._start(id)
        motion = self._plans.brake(vehicle.leg, start, kind)
        if start.speed_m_s > 0:
            self._begin(vehicle, vehicle.leg, start, motion, kind, None)
        return motion

    def load(self, id: str, load_kg: float) -> None:
        """Set down or pick up: the standing vehicle weighs more or less from now on."""
        vehicle = self._vehicle(id)
        if vehicle.pilot is not None:
            raise PhysicsError(f"{id} drives; a load changes only while it stands")
        vehicle.leg.vehicle.checked_load(load_kg)
        vehicle.leg = replace(vehicle.leg, load_kg=load_kg)
        vehicle.body.load(vehicle.leg)

    def _start(self, id: str) -> DriveState:
        """Where the plan has it now, if it is there; else where it is."""
        vehicle, now = self._vehicles[id], self.state(id)
        if vehicle.pilot is None or vehicle.motion is None:
            return replace(now, speed_m_s=0.0)
        planned = vehicle.motion.at((self._periods - vehicle.begun) / CONTROL_HZ)
        near = abs(planned.at_m - now.at_m) < _APART_M
        near = near and abs(planned.speed_m_s - now.speed_m_s) < _APART_M_S
        if near and vehicle.pilot.brake is None:
            return replace(planned, pose=now.pose)
        return now

    def _begin(
        self,
        vehicle: _Vehicle,
        leg: Leg,
        start: DriveState,
        motion: KinematicMotion,
        kind: BrakeKind | None,
        localisation: LocalisationError | None,
    ) -> None:
        before = vehicle.pilot
        vehicle.leg, vehicle.motion, vehicle.begun = leg, motion, self._periods
        vehicle.pilot = Pilot(leg, start, motion, brake=kind, localisation=localisation)
        if before is None:
            vehicle.body.park(False)
            self._moving.append(vehicle)
        else:
            vehicle.pilot.go_on_from(before)

    # --- time ------------------------------------------------------------------------------------

    def step(self, periods: int = 1) -> None:
        """Advance by so many control periods of 1/30 s, each of eight steps of 1/240 s."""
        for _ in range(periods):
            self._control()
            self._bullet.simulate()
            self._periods += 1

    def run(self, time_s: float) -> None:
        """Advance by so many seconds, to the nearest control period."""
        self.step(round(time_s * CONTROL_HZ))

    def _control(self) -> None:
        read = self._bullet.state
        rested = []
        for vehicle in self._moving:
            pilot, body = vehicle.pilot, vehicle.body
            assert pilot is not None
            vehicle.state = state = read(body.body)
            command = pilot.command((self._periods - vehicle.begun) / CONTROL_HZ, state)
            vehicle.at_m = pilot.at_m
            if pilot.stands(command):
                rested.append(vehicle)
            else:
                body.apply(state, command, pilot.at_m)
        for vehicle in rested:
            vehicle.pilot = None
            vehicle.body.park(True)
            self._moving.remove(vehicle)

    # --- what can be seen ------------------------------------------------------------------------

    def state(self, id: str) -> DriveState:
        """Place on the path, speed along it, planned acceleration, and where the body is."""
        vehicle = self._vehicle(id)
        x, y, yaw, vx, vy, _ = self._bullet.state(vehicle.body.body)
        foot = vehicle.leg.path.follow(x, y, vehicle.at_m)
        speed = vx * math.cos(foot.course_rad) + vy * math.sin(foot.course_rad)
        rate = 0.0
        if vehicle.pilot is not None and vehicle.motion is not None:
            since_s = (self._periods - vehicle.begun) / CONTROL_HZ
            rate = vehicle.motion.at(since_s).acceleration_m_s2
        return DriveState(foot.at_m, max(0.0, speed), rate, Pose(x, y, yaw))

    def stands(self, id: str) -> bool:
        """Whether a vehicle is parked."""
        return self._vehicle(id).pilot is None

    def field(self, id: str, ahead_m: float, *, margin_m: float = 0.3) -> Seen | None:
        """What the protective field sees first along the path ahead of the bumper, or None.

        The field is as wide as the vehicle and `margin_m` on both sides, and bends with the path.
        """
        vehicle = self._vehicle(id)
        p, path = vehicle.leg.vehicle, vehicle.leg.path
        begin = self.state(id).at_m + p.length_m / 2 + _BUMPER_M
        count = max(1, math.ceil(ahead_m / _RAY_STEP_M))
        places = [begin + ahead_m * i / count for i in range(count + 1)]
        half = p.width_m / 2 + margin_m
        rows = []
        for place in places:
            pose, course = path.pose_at(place), path.course_at(place)
            c, s = math.cos(course), math.sin(course)
            aside = [half * (2 * i / (_RAYS - 1) - 1) for i in range(_RAYS)]
            rows.append([(pose.x_m - s * a, pose.y_m + c * a, _RAY_HEIGHT_M) for a in aside])
        starts = [point for row in rows[:-1] for point in row]
        ends = [point for row in rows[1:] for point in row]
        nearest: Seen | None = None
        for i, (body, share) in enumerate(self._bullet.rays(starts, ends)):
            name = self._names.get(body)
            if name is None or name == id:
                continue
            distance = _BUMPER_M + (i // _RAYS + share) * ahead_m / count
            if nearest is None or distance < nearest.distance_m:
                nearest = Seen(name, distance)
        return nearest

    def touching(self) -> list[tuple[str, str]]:
        """Pairs of vehicles and obstacles whose bodies touch now, in order of name."""
        names = self._names
        pairs = {
            (min(names[a], names[b]), max(names[a], names[b]))
            for a, b in self._bullet.contacts()
            if a in names and b in names
        }
        return sorted(pairs)

    def sha256(self) -> str:
        """A hash of every bit of every vehicle's state."""
        table: list[float] = []
        for vehicle in self._vehicles.values():
            table += self._bullet.state(vehicle.body.body)
        return hashlib.sha256(struct.pack(f"<{len(table)}d", *table)).hexdigest()

    def close(self) -> None:
        """Give back the client."""
        self._bullet.close()
