"""The arm as a hinged body in PyBullet, the default physics engine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from twin.physics.engine import Move, SampledPlan, import_extra
from twin.physics.parameters import GRAVITY_M_S2, ArmParameters, ArmState, Obstacle
from twin.physics.simulate import simulate

_HINT = "Its wheels exist for Linux x86-64 and CPython 3.11 only; elsewhere use --engine mujoco."
_LINK = 0
_WORLDS = 32
"""Bullet has room for 1024 worlds in a process; arms of more kinds than this take turns."""


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep stderr clean: on its import PyBullet's C code prints its build time there."""
    keep, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(keep, 2)
        os.close(keep)
        os.close(nothing)


def import_pybullet() -> Any:
    """The package, which has no type information; `HarnessError` where it is absent."""
    with _silent():
        return import_extra("pybullet", engine="pybullet", hint=_HINT)


class BulletHinge:
    """One boom in its own Bullet world, so that stepping it steps nothing else."""

    def __init__(self) -> None:
        # The package has no type information; everything of it stays in this class.
        self._b = import_pybullet()
        self._worlds: dict[ArmParameters, tuple[int, int]] = {}

    def reset(self, p: ArmParameters, state: ArmState) -> None:
        """Become an arm of these parameters in this state, whatever was simulated before."""
        world = self._worlds.get(p)
        if world is None:
            if len(self._worlds) >= _WORLDS:
                oldest = next(iter(self._worlds))
                self._b.disconnect(physicsClientId=self._worlds.pop(oldest)[0])
            world = self._worlds[p] = self._build(p)
        self._client, self._body = world
        self._b.resetJointState(
            self._body, _LINK, state.angle_rad, state.speed_rad_s, physicsClientId=self._client
        )
        self._dt_s, self._friction_nm = 0.0, -1.0

    def _build(self, p: ArmParameters) -> tuple[int, int]:
        b = self._b
        client: int = b.connect(b.DIRECT)
        b.setGravity(0, 0, -GRAVITY_M_S2, physicsClientId=client)
        body: int = b.createMultiBody(
            baseMass=0,
            linkMasses=[p.mass_kg],
            linkCollisionShapeIndices=[-1],
            linkVisualShapeIndices=[-1],
            linkPositions=[[0, 0, 0]],
            linkOrientations=[[0, 0, 0, 1]],
            linkInertialFramePositions=[[p.length_m / 2, 0, 0]],
            linkInertialFrameOrientations=[[0, 0, 0, 1]],
            linkParentIndices=[0],
            linkJointTypes=[b.JOINT_REVOLUTE],
            linkJointAxis=[[0, -1, 0]],  # a positive angle lifts the boom along x
            physicsClientId=client,
        )
        about_centre = p.mass_kg * p.length_m**2 / 12
        for link in (-1, _LINK):
            # Bullet damps every body by 4 % a second unless told otherwise.
            b.changeDynamics(
                body,
                link,
                linearDamping=0,
                angularDamping=0,
                jointDamping=0,
                physicsClientId=client,
            )
        b.changeDynamics(
            body,
            _LINK,
            jointDamping=p.damping_nm_s,
            localInertiaDiagonal=[0.0, about_centre, about_centre],
            physicsClientId=client,
        )
        b.setJointMotorControl2(
            body, _LINK, b.VELOCITY_CONTROL, targetVelocity=0, force=0, physicsClientId=client
        )
        return client, body

    def step(self, torque_nm: float, friction_nm: float, dt_s: float) -> tuple[float, float]:
        """Advance by `dt_s`; returns the new angle and speed."""
        b, client, body = self._b, self._client, self._body
        if dt_s != self._dt_s:
            b.setTimeStep(dt_s, physicsClientId=client)
            self._dt_s = dt_s
        if friction_nm != self._friction_nm:
            # A velocity motor to 0 with a bounded force is Bullet's dry friction.
            b.setJointMotorControl2(
                body,
                _LINK,
                b.VELOCITY_CONTROL,
                targetVelocity=0,
                force=friction_nm,
                physicsClientId=client,
            )
            self._friction_nm = friction_nm
        b.setJointMotorControl2(
            body, _LINK, b.TORQUE_CONTROL, force=torque_nm, physicsClientId=client
        )
        b.stepSimulation(physicsClientId=client)
        angle, speed, _, _ = b.getJointState(body, _LINK, physicsClientId=client)
        return angle, speed

    def close(self) -> None:
        """Disconnect every world."""
        for client, _ in self._worlds.values():
            self._b.disconnect(physicsClientId=client)
        self._worlds.clear()


class PyBulletEngine:
    """Plans arm moves in PyBullet at 240 Hz, and at 4 kHz where the edge touches a body."""

    name = "pybullet"

    def __init__(self) -> None:
        self.hinge = BulletHinge()

    def plan(
        self, p: ArmParameters, start: ArmState, move: Move, obstacle: Obstacle | None = None
    ) -> SampledPlan:
        """Everything that follows from `start` if nothing intervenes."""
        return simulate(self.hinge, p, start, move, obstacle)

    def close(self) -> None:
        """Disconnect every world."""
        self.hinge.close()
