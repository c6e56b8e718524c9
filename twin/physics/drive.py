"""The seam between a vehicle and what computes its motion along a path.

As with the arm, an engine answers one question: from this state, what follows until the vehicle
stands at `stop_at_m`? The answer is a motion that can be asked for any instant. When anything
intervenes (the path goes on, a slower limit, a brake), the vehicle asks again from the state of
that instant; a motion is never changed. There is no clock here: times are seconds since the
motion's begin.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from twin.errors import UnknownName
from twin.physics.energy import IGV_ENERGY, EnergyParameters
from twin.physics.path import Path, Pose
from twin.physics.vehicle_parameters import CALM, BrakeKind, Conditions, VehicleParameters


@dataclass(frozen=True, slots=True)
class DriveState:
    """Where on its path a vehicle is, how fast, and how its speed changes.

    `pose` is where the body really is; None means on the path.
    """

    at_m: float
    speed_m_s: float = 0.0
    acceleration_m_s2: float = 0.0
    pose: Pose | None = None


@dataclass(frozen=True, slots=True)
class SpeedLimit:
    """The highest speed on a stretch of the path."""

    from_m: float
    to_m: float
    speed_m_s: float


@dataclass(frozen=True, slots=True)
class Leg:
    """What stays the same while a vehicle drives: itself, its path, its load, road and weather."""

    vehicle: VehicleParameters
    path: Path
    load_kg: float = 0.0
    conditions: Conditions = CALM
    energy: EnergyParameters = IGV_ENERGY


class Motion(Protocol):
    """A whole way ahead, until the vehicle stands."""

    @property
    def leg(self) -> Leg:
        """What drives where."""

    @property
    def duration_s(self) -> float:
        """After this time the vehicle stands."""

    @property
    def end(self) -> DriveState:
        """Where it stands then."""

    @property
    def held(self) -> bool:
        """Whether the stop and every speed limit is kept.

        False if they came too near: then the vehicle brakes as in a protective stop and still
        passes the stop, or enters the slower stretch too fast.
        """

    def at(self, t_s: float) -> DriveState:
        """The state `t_s` after the begin; before it is that of the begin, after the end's."""

    def pose(self, t_s: float) -> Pose:
        """Where in the map the body is."""

    def when(self, at_m: float) -> float | None:
        """The first instant at a place; 0 for places behind, None if it is not reached."""

    def energy_kwh(self, t_s: float) -> float:
        """What the battery has given from the begin to `t_s`, standing after the end included."""


class DriveEngine(Protocol):
    """Computes motions; one engine serves every vehicle. Keeps no state between questions."""

    @property
    def name(self) -> str:
        """What users call it: kinematic, ode, pybullet or mujoco."""

    def plan(
        self, leg: Leg, start: DriveState, stop_at_m: float, limits: Sequence[SpeedLimit] = ()
    ) -> Motion:
        """Drive from any state and stand at `stop_at_m`, as fast as every limit allows.

        Speed limits are the vehicle's own (`VehicleParameters.limits`), those of curves, and
        `limits`. Raises `PhysicsError` if the path bends more than the vehicle can or it has no
        grip or force for the slope, or if `stop_at_m` lies beyond the path.
        """

    def brake(self, leg: Leg, start: DriveState, kind: BrakeKind) -> Motion:
        """Come to rest as soon as this kind of braking allows, on the path."""

    def close(self) -> None:
        """Give back what the engine holds; it plans no more."""


_ENGINES = {
    "kinematic": ("twin.physics.drive_kinematic", "KinematicDrive"),
    "ode": ("twin.physics.drive_simulate", "OdeDrive"),
    "pybullet": ("twin.physics.drive_pybullet", "PyBulletDrive"),
    "pybullet-wheels": ("twin.physics.drive_wheels", "WheelsDrive"),
    "mujoco": ("twin.physics.drive_mujoco", "MuJoCoDrive"),
}
DRIVE_ENGINE_NAMES = tuple(_ENGINES)
"""Every engine that `load_drive` knows; pybullet and mujoco need the extra `physics`."""


def load_drive(name: str) -> DriveEngine:
    """The engine of that name; `HarnessError` with the next step if its package is absent."""
    if name not in _ENGINES:
        raise UnknownName("physics engine", name, _ENGINES)
    module, attribute = _ENGINES[name]
    factory: Callable[[], DriveEngine] = getattr(importlib.import_module(module), attribute)
    return factory()
