"""How bodies move: arms and vehicles; closed forms, and PyBullet and MuJoCo behind one interface.

Everything in this room is in SI units and radians and is a pure function of its arguments: no
clock, no trace, no randomness. `twin.world.arm` puts an arm on the clock. The one exception is
`worker`, which keeps an engine out of the way of a gate on the wall clock.
"""

from __future__ import annotations

from twin.physics.docking import DockingError, docking_error
from twin.physics.drive import DriveEngine, DriveState, Leg, Motion, SpeedLimit, load_drive
from twin.physics.edge_force import EdgeForce, edge_force
from twin.physics.energy import EnergyParameters
from twin.physics.engine import ArmEngine, ArmPlan, EventKind, Move, PlannedEvent, load_engine
from twin.physics.parameters import ArmParameters, ArmState, Obstacle, PhysicsError
from twin.physics.path import Path, Piece, Pose
from twin.physics.vehicle_parameters import (
    DRY,
    WET,
    BrakeKind,
    Conditions,
    Limits,
    Slope,
    Surface,
    VehicleParameters,
)

__all__ = [
    "DRY",
    "WET",
    "ArmEngine",
    "ArmParameters",
    "ArmPlan",
    "ArmState",
    "BrakeKind",
    "Conditions",
    "DockingError",
    "DriveEngine",
    "DriveState",
    "EdgeForce",
    "EnergyParameters",
    "EventKind",
    "Leg",
    "Limits",
    "Motion",
    "Move",
    "Obstacle",
    "Path",
    "PhysicsError",
    "Piece",
    "PlannedEvent",
    "Pose",
    "Slope",
    "SpeedLimit",
    "Surface",
    "VehicleParameters",
    "docking_error",
    "edge_force",
    "load_drive",
    "load_engine",
]
