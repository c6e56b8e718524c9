"""The vehicle as a rigid body in PyBullet, the default physics engine."""

from __future__ import annotations

import math
from typing import Any

from twin.physics.drive import Leg
from twin.physics.drive_plant import STEP_HZ, BodyPlant, PlanarState
from twin.physics.drive_simulate import RigidDrive
from twin.physics.parameters import GRAVITY_M_S2
from twin.physics.pybullet_engine import import_pybullet
from twin.physics.vehicle_parameters import VehicleParameters


class BulletWorld:
    """One Bullet client with a frictionless ground; the tyres' forces are computed outside.

    The package has no type information; everything of it stays behind this class.
    """

    def __init__(self) -> None:
        self.b: Any = import_pybullet()
        self.client: int = self.b.connect(self.b.DIRECT)
        self._shapes: dict[tuple[float, float, float], int] = {}
        self.clear()

    def clear(self) -> None:
        """Forget every body, cached contacts included."""
        b, client = self.b, self.client
        b.resetSimulation(physicsClientId=client)
        self._shapes.clear()
        b.setGravity(0, 0, -GRAVITY_M_S2, physicsClientId=client)
        b.setPhysicsEngineParameter(fixedTimeStep=1 / STEP_HZ, physicsClientId=client)
        plane = b.createCollisionShape(b.GEOM_PLANE, physicsClientId=client)
        ground = b.createMultiBody(0, plane, physicsClientId=client)
        b.changeDynamics(ground, -1, lateralFriction=0, restitution=0, physicsClientId=client)

    def add(self, p: VehicleParameters, load_kg: float, state: PlanarState) -> int:
        """A vehicle's body; returns Bullet's number of it."""
        b, client = self.b, self.client
        size = (p.length_m / 2, p.width_m / 2, p.height_m / 2)
        shape = self._shapes.get(size)
        if shape is None:
            shape = self._shapes[size] = b.createCollisionShape(
                b.GEOM_BOX, halfExtents=size, physicsClientId=client
            )
        body: int = b.createMultiBody(
            p.tare_kg, shape, basePosition=(0, 0, p.height_m / 2), physicsClientId=client
        )
        # Bullet damps every body by 4 % a second unless told otherwise.
        b.changeDynamics(
            body,
            -1,
            linearDamping=0,
            angularDamping=0,
            lateralFriction=0,
            restitution=0,
            physicsClientId=client,
        )
        self.load(body, p, load_kg)
        self.place(body, p, state)
        return body

    def load(self, body: int, p: VehicleParameters, load_kg: float) -> None:
        """Give the body the mass of this load: a box on the deck is never a body of its own."""
        mass, yaw = p.mass_kg(load_kg), p.yaw_inertia_kg_m2(load_kg)
        about_x = mass * (p.width_m**2 + p.height_m**2) / 12
        self.b.changeDynamics(
            body,
            -1,
            mass=mass,
            localInertiaDiagonal=(about_x, yaw, yaw),
            physicsClientId=self.client,
        )

    def place(self, body: int, p: VehicleParameters, state: PlanarState) -> None:
        """Put the body on the ground in this state."""
        x, y, yaw, vx, vy, rate = state
        b, client = self.b, self.client
        turn = (0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2))
        b.resetBasePositionAndOrientation(
            body, (x, y, p.height_m / 2), turn, physicsClientId=client
        )
        b.resetBaseVelocity(body, (vx, vy, 0.0), (0.0, 0.0, rate), physicsClientId=client)

    def state(self, body: int) -> PlanarState:
        """Where the body is and how it moves."""
        b, client = self.b, self.client
        (x, y, _), (_, _, qz, qw) = b.getBasePositionAndOrientation(body, physicsClientId=client)
        (vx, vy, _), (_, _, rate) = b.getBaseVelocity(body, physicsClientId=client)
        return PlanarState(x, y, 2 * math.atan2(qz, qw), vx, vy, rate)

    def close(self) -> None:
        """Disconnect the client."""
        if self.client >= 0:
            self.b.disconnect(physicsClientId=self.client)
            self.client = -1


class BulletBody:
    """One body alone in its world."""

    def __init__(self) -> None:
        self._world = BulletWorld()

    def reset(self, leg: Leg, state: PlanarState) -> None:
        """Become the body of this vehicle with this load, in this state."""
        self._world.clear()  # contacts of an earlier way must leave no trace
        self._body = self._world.add(leg.vehicle, leg.load_kg, state)
        self._yaw = state.yaw_rad

    def step(self, fx_n: float, fy_n: float, torque_nm: float, steps: int) -> PlanarState:
        """Advance by `steps` / 240 s under a force at the middle and a torque, both held."""
        world, body = self._world, self._body
        push, spin = world.b.applyExternalForce, world.b.applyExternalTorque
        step, frame, client = world.b.stepSimulation, world.b.LINK_FRAME, world.client
        # In the body's frame the point of attack is its middle, wherever that is by now.
        c, s = math.cos(self._yaw), math.sin(self._yaw)
        force, torque = (c * fx_n + s * fy_n, c * fy_n - s * fx_n, 0.0), (0.0, 0.0, torque_nm)
        for _ in range(steps):
            push(body, -1, force, _MIDDLE, frame, physicsClientId=client)
            spin(body, -1, torque, frame, physicsClientId=client)
            step(physicsClientId=client)
        state = world.state(body)
        self._yaw = state.yaw_rad
        return state

    def close(self) -> None:
        """Disconnect the client."""
        self._world.close()


_MIDDLE = (0.0, 0.0, 0.0)


class PyBulletDrive(RigidDrive):
    """Plans with a rigid body in PyBullet at 240 Hz."""

    def __init__(self) -> None:
        self._body = BulletBody()
        super().__init__("pybullet", BodyPlant(self._body))

    def close(self) -> None:
        """Disconnect the client."""
        self._body.close()
