"""The vehicle as a rigid body in PyBullet, the default physics engine."""

from __future__ import annotations

import math
from typing import Any

from twin.physics.drive import Leg
from twin.physics.drive_plant import CONTROL_HZ, STEPS, BodyPlant, PlanarState
from twin.physics.drive_simulate import RigidDrive
from twin.physics.parameters import GRAVITY_M_S2
from twin.physics.path import Pose
from twin.physics.pybullet_engine import import_pybullet
from twin.physics.vehicle_parameters import VehicleParameters

_Vector = tuple[float, float, float]
_MIDDLE = (0.0, 0.0, 0.0)
_RAYS_AT_ONCE = 1024
"""Bullet takes at most 16,384 rays in one question."""


class BulletWorld:
    """One Bullet client with a ground, on which driving bodies slide without friction.

    Their tyres' forces are computed outside; Bullet multiplies the friction of two bodies, and
    theirs is 0 until they are parked. The package has no type information; everything of it stays
    behind this class.
    """

    def __init__(self) -> None:
        self.b: Any = import_pybullet()
        self.client: int = self.b.connect(self.b.DIRECT)
        self._frame: int = self.b.LINK_FRAME
        self._shapes: dict[tuple[float, float, float], int] = {}
        self.clear()

    def clear(self) -> None:
        """Forget every body, cached contacts included."""
        b, client = self.b, self.client
        b.resetSimulation(physicsClientId=client)
        self._shapes.clear()
        b.setGravity(0, 0, -GRAVITY_M_S2, physicsClientId=client)
        # Bullet holds forces over the substeps of one call, as a controller does over its period.
        b.setPhysicsEngineParameter(
            fixedTimeStep=1 / CONTROL_HZ, numSubSteps=STEPS, physicsClientId=client
        )
        plane = b.createCollisionShape(b.GEOM_PLANE, physicsClientId=client)
        ground = b.createMultiBody(0, plane, physicsClientId=client)
        b.changeDynamics(ground, -1, lateralFriction=1, restitution=0, physicsClientId=client)

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

    def push(self, body: int, force_n: _Vector, torque_nm: _Vector) -> None:
        """A force at the body's middle and a torque, in its frame, held over the next period."""
        b, frame, client = self.b, self._frame, self.client
        b.applyExternalForce(body, -1, force_n, _MIDDLE, frame, physicsClientId=client)
        b.applyExternalTorque(body, -1, torque_nm, frame, physicsClientId=client)

    def simulate(self) -> None:
        """One control period, in steps of 1/240 s."""
        self.b.stepSimulation(physicsClientId=self.client)

    def park(self, body: int, parked: bool, friction: float) -> None:
        """Let the body rest on tyres of this friction and sleep, or wake it."""
        b = self.b
        sleep = b.ACTIVATION_STATE_ENABLE_SLEEPING | b.ACTIVATION_STATE_SLEEP
        wake = b.ACTIVATION_STATE_DISABLE_SLEEPING | b.ACTIVATION_STATE_WAKE_UP
        b.changeDynamics(
            body,
            -1,
            lateralFriction=friction,
            activationState=sleep if parked else wake,
            physicsClientId=self.client,
        )

    def block(self, pose: Pose, length_m: float, width_m: float, height_m: float) -> int:
        """A box that does not move."""
        b, client = self.b, self.client
        shape = b.createCollisionShape(
            b.GEOM_BOX,
            halfExtents=(length_m / 2, width_m / 2, height_m / 2),
            physicsClientId=client,
        )
        turn = (0.0, 0.0, math.sin(pose.heading_rad / 2), math.cos(pose.heading_rad / 2))
        middle = (pose.x_m, pose.y_m, height_m / 2)
        body: int = b.createMultiBody(
            0, shape, basePosition=middle, baseOrientation=turn, physicsClientId=client
        )
        return body

    def remove(self, body: int) -> None:
        """Take a body away."""
        self.b.removeBody(body, physicsClientId=self.client)

    def rays(self, starts: list[_Vector], ends: list[_Vector]) -> list[tuple[int, float]]:
        """For each ray the body it meets first (-1 for none) and the share of its length."""
        found: list[tuple[int, float]] = []
        for i in range(0, len(starts), _RAYS_AT_ONCE):
            hits = self.b.rayTestBatch(
                starts[i : i + _RAYS_AT_ONCE],
                ends[i : i + _RAYS_AT_ONCE],
                physicsClientId=self.client,
            )
            found += [(hit[0], hit[2]) for hit in hits]
        return found

    def contacts(self) -> list[tuple[int, int]]:
        """Pairs of bodies that touch."""
        points = self.b.getContactPoints(physicsClientId=self.client)
        return [(point[1], point[2]) for point in points if point[8] <= 0.0]

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

    def step(self, fx_n: float, fy_n: float, torque_nm: float) -> PlanarState:
        """Advance by one control period under a force at the middle and a torque, both held."""
        world, body = self._world, self._body
        # In the body's frame the point of attack is its middle, wherever that is by now.
        c, s = math.cos(self._yaw), math.sin(self._yaw)
        force, torque = (c * fx_n + s * fy_n, c * fy_n - s * fx_n, 0.0), (0.0, 0.0, torque_nm)
        world.push(body, force, torque)
        world.simulate()
        state = world.state(body)
        self._yaw = state.yaw_rad
        return state

    def close(self) -> None:
        """Disconnect the client."""
        self._world.close()


class PyBulletDrive(RigidDrive):
    """Plans with a rigid body in PyBullet at 240 Hz."""

    def __init__(self) -> None:
        self._body = BulletBody()
        super().__init__("pybullet", BodyPlant(self._body))

    def close(self) -> None:
        """Disconnect the client."""
        self._body.close()
