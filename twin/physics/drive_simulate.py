"""A whole way of one vehicle simulated ahead, and the motion that comes of it."""

from __future__ import annotations

import array
import bisect
import hashlib
import itertools
import math
import struct
from collections.abc import Sequence
from dataclasses import replace

from twin.physics.drive import DriveState, Leg, SpeedLimit
from twin.physics.drive_control import REST_M_S, LocalisationError, Pilot
from twin.physics.drive_kinematic import KinematicDrive, zones
from twin.physics.drive_plant import CONTROL_HZ, BodyPlant, OdeBody, Plant
from twin.physics.energy import J_PER_KWH
from twin.physics.path import Pose
from twin.physics.vehicle_parameters import BrakeKind

_WIDTH = 7
"""Numbers of one row."""
_HAIR_M_S = 0.05
_LATE = 3.0
"""A vehicle that needs this many times its planned time (and a minute) has not arrived."""
_LATE_S = 60.0


class SampledMotion:
    """A motion as a table with a row for each control period; between them it is linear.

    The table is one array, so that a motion that comes from another process costs no more than
    the copy of its bytes.
    """

    __slots__ = ("_count", "_flat", "held", "leg")

    def __init__(self, leg: Leg, rows: Sequence[Sequence[float]], *, held: bool) -> None:
        """Rows of place, speed, acceleration, x, y, yaw, energy (kWh), one per period."""
        self.leg, self.held, self._count = leg, held, len(rows)
        self._flat = array.array("d", itertools.chain.from_iterable(rows))

    @property
    def duration_s(self) -> float:
        """After this time the vehicle stands."""
        return (self._count - 1) / CONTROL_HZ

    @property
    def end(self) -> DriveState:
        """Where it stands then."""
        at_m, _, _, x, y, yaw, _ = self._at(self._count - 1)
        return DriveState(at_m, 0.0, 0.0, Pose(x, y, yaw))

    def _at(self, number: int) -> Sequence[float]:
        return self._flat[number * _WIDTH : (number + 1) * _WIDTH]

    def _place(self, number: int) -> float:
        return self._flat[number * _WIDTH]

    def _row(self, t_s: float) -> Sequence[float]:
        if t_s >= self.duration_s:
            return self._at(self._count - 1)
        share, i = math.modf(max(0.0, t_s) * CONTROL_HZ)
        a, b = self._at(int(i)), self._at(int(i) + 1)
        return [p + share * (q - p) for p, q in zip(a, b, strict=True)]

    def at(self, t_s: float) -> DriveState:
        """The state `t_s` after the begin."""
        if t_s >= self.duration_s:
            return self.end
        at_m, speed, rate, x, y, yaw, _ = self._row(t_s)
        return DriveState(at_m, speed, rate, Pose(x, y, yaw))

    def pose(self, t_s: float) -> Pose:
        """Where in the map the body is."""
        _, _, _, x, y, yaw, _ = self._row(t_s)
        return Pose(x, y, yaw)

    def when(self, at_m: float) -> float | None:
        """The first instant at a place; 0 for places behind, None if it is not reached."""
        if at_m <= self._place(0):
            return 0.0
        i = bisect.bisect_left(range(self._count), at_m, key=self._place)
        if i == self._count:
            return None
        before, after = self._place(i - 1), self._place(i)
        return (i - 1) / CONTROL_HZ + (at_m - before) / (after - before) / CONTROL_HZ

    def energy_kwh(self, t_s: float) -> float:
        """What the battery has given from the begin to `t_s`, by the drive's work."""
        beyond_s = max(0.0, t_s - self.duration_s)
        return self._row(t_s)[6] + self.leg.energy.base_kw * beyond_s / 3600

    def sha256(self) -> str:
        """A hash of every bit of every row: equal on repeats and in other processes."""
        return hashlib.sha256(struct.pack(f"<{len(self._flat)}d", *self._flat)).hexdigest()


def simulate(plant: Plant, pilot: Pilot) -> SampledMotion:
    """Drive one motion on one plant until the vehicle stands."""
    leg, reference = pilot.leg, pilot.reference
    energy = leg.energy
    state = pilot.body()
    begin = reference.at(0.0)
    plant.reset(leg, state, pilot.begin())
    at_m, speed, kwh = begin.at_m, begin.speed_m_s, 0.0
    yaw = state.yaw_rad
    rows = [(at_m, speed, begin.acceleration_m_s2, state.x_m, state.y_m, yaw, 0.0)]
    limit = math.ceil((_LATE * reference.duration_s + _LATE_S) * CONTROL_HZ)
    dt = 1 / CONTROL_HZ
    for i in range(limit):
        t_s = i * dt
        command = pilot.command(t_s, state)
        was = pilot.speed_m_s
        state = plant.step(command, pilot.at_m)
        foot = leg.path.follow(state.x_m, state.y_m, pilot.at_m)
        c, s = math.cos(foot.course_rad), math.sin(foot.course_rad)
        speed = c * state.vx_m_s + s * state.vy_m_s
        mean = max(0.0, (was + speed) / 2)
        work_j = plant.traction_n * mean * dt / energy.efficiency
        work_j -= energy.regeneration * command.brake_n * mean * dt
        kwh += work_j / J_PER_KWH + energy.base_kw * dt / 3600
        at_m = max(at_m, foot.at_m)  # a projection may tremble at rest; a place never goes back
        yaw += math.remainder(state.yaw_rad - yaw, math.tau)
        rate = (speed - was) * CONTROL_HZ
        rows.append((at_m, max(0.0, speed), rate, state.x_m, state.y_m, yaw, kwh))
        if abs(speed) < REST_M_S and pilot.stands(command):
            break
    held = reference.held and len(rows) <= limit
    return SampledMotion(leg, rows, held=held)


def steadied(
    leg: Leg, start: DriveState, stop_at_m: float, limits: Sequence[SpeedLimit]
) -> DriveState:
    """The state to plan from: a body trembles around its plan, and a hair is not an overspeed."""
    own = leg.vehicle.limits(leg.load_kg, leg.conditions)
    found = zones(leg, start.at_m, stop_at_m, limits, own)
    if not found:
        return start
    limit, v, a = found[0].speed_m_s, start.speed_m_s, start.acceleration_m_s2
    if not limit < v + max(0.0, a) ** 2 / (2 * own.jerk_m_s3) < limit + _HAIR_M_S:
        return start
    v = min(v, limit)
    a = min(a, math.sqrt(2 * own.jerk_m_s3 * (limit - v)))
    return replace(start, speed_m_s=v, acceleration_m_s2=a)


class RigidDrive:
    """Plans by simulating a plant that follows the closed form's motion."""

    def __init__(self, name: str, plant: Plant) -> None:
        self.name = name
        self.plant = plant
        self._plans = KinematicDrive()

    def plan(
        self,
        leg: Leg,
        start: DriveState,
        stop_at_m: float,
        limits: Sequence[SpeedLimit] = (),
        *,
        localisation: LocalisationError | None = None,
    ) -> SampledMotion:
        """Drive from any state and stand at `stop_at_m`, as fast as every limit allows."""
        reference = self._plans.plan(
            leg, steadied(leg, start, stop_at_m, limits), stop_at_m, limits
        )
        return simulate(self.plant, Pilot(leg, start, reference, localisation=localisation))

    def brake(self, leg: Leg, start: DriveState, kind: BrakeKind) -> SampledMotion:
        """Come to rest as soon as this kind of braking allows, on the path."""
        reference = self._plans.brake(leg, start, kind)
        return simulate(self.plant, Pilot(leg, start, reference, brake=kind))

    def close(self) -> None:
        """Give back what the plant holds."""
        close = getattr(self.plant, "close", None)
        if close is not None:
            close()


class OdeDrive(RigidDrive):
    """The rigid body integrated in plain Python."""

    def __init__(self) -> None:
        super().__init__("ode", BodyPlant(OdeBody()))
