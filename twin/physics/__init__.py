"""How bodies move: one arm interface, closed-form motion, PyBullet and MuJoCo behind it.

Everything in this room is in SI units and radians and is a pure function of its arguments: no
clock, no trace, no randomness. `twin.world.arm` puts it on the clock.
"""

from __future__ import annotations

from twin.physics.edge_force import EdgeForce, edge_force
from twin.physics.engine import ArmEngine, ArmPlan, EventKind, Move, PlannedEvent, load_engine
from twin.physics.parameters import ArmParameters, ArmState, Obstacle

__all__ = [
    "ArmEngine",
    "ArmParameters",
    "ArmPlan",
    "ArmState",
    "EdgeForce",
    "EventKind",
    "Move",
    "Obstacle",
    "PlannedEvent",
    "edge_force",
    "load_engine",
]
