"""A vehicle on wheels in PyBullet, for the vehicle under study: the engine's own contact decides.

A chassis on two axles of steered wheels, driven and braked by motors in their hubs. Friction
circle, locked and spinning wheels, and the load that moves between the axles with the acceleration
come from the rigid bodies and their contacts, not from formulas. There is no suspension and no tyre
that gives: which side of an axle carries how much is not determined, and more than two axles would
stand on three wheels.
"""

from __future__ import annotations

import math
from typing import Any

from twin.physics.drive import Leg
from twin.physics.drive_plant import STEPS, Command, PlanarState, Tyres
from twin.physics.drive_pybullet import BulletWorld
from twin.physics.drive_simulate import RigidDrive
from twin.physics.steering import curvature_of, wheel_angle

_WHEEL_KG = 400.0
"""A twin wheel with its hub (estimate)."""
_WHEEL_WIDTH_M = 0.5
_KNUCKLE_KG = 50.0
_STEER_NM = 2e6
"""A steering motor that holds its angle whatever the road does (estimate)."""
_SPIN_RAD_S = 100.0
"""A driven wheel's motor pushes towards this speed: 216 km/h, never reached."""
_MOTOR = STEPS
"""Bullet takes a motor's limit times the whole call's time as the impulse of each substep."""


class WheeledBody:
    """One vehicle on wheels in a Bullet world."""

    def __init__(self, world: BulletWorld, leg: Leg, state: PlanarState) -> None:
        self._world, self.leg = world, leg
        p = leg.vehicle
        x, y = p.wheelbase_m / 2, p.track_m / 2
        self.wheels = [(x, y), (x, -y), (-x, y), (-x, -y)]
        self.body = self._build(leg, state)
        self._friction = leg.conditions.surface.friction
        self.load(leg)
        self.traction_n = 0.0

    def _build(self, leg: Leg, state: PlanarState) -> int:
        """Chassis, and for each wheel a knuckle that steers and the wheel that rolls on it."""
        p, b, client = leg.vehicle, self._world.b, self._world.client
        r, n = p.wheel_radius_m, len(self.wheels)
        half_height = (p.height_m - r) / 2
        chassis = b.createCollisionShape(
            b.GEOM_BOX,
            halfExtents=(p.length_m / 2, p.width_m / 2, half_height),
            collisionFramePosition=(0, 0, half_height),
            physicsClientId=client,
        )
        wheel = b.createCollisionShape(
            b.GEOM_CYLINDER, radius=r, height=_WHEEL_WIDTH_M, physicsClientId=client
        )
        lying = (math.sin(-math.pi / 4), 0.0, 0.0, math.cos(-math.pi / 4))
        self._height = r  # of the chassis' frame: the wheels' axis
        mass = self._chassis_kg(leg)
        body: int = b.createMultiBody(
            mass,
            chassis,
            basePosition=(state.x_m, state.y_m, r),
            baseOrientation=(0, 0, math.sin(state.yaw_rad / 2), math.cos(state.yaw_rad / 2)),
            baseInertialFramePosition=(0, 0, self._chassis_gravity_m(leg)),
            linkMasses=[_KNUCKLE_KG, _WHEEL_KG] * n,
            linkCollisionShapeIndices=[-1, wheel] * n,
            linkVisualShapeIndices=[-1, -1] * n,
            linkPositions=[at for x, y in self.wheels for at in ((x, y, 0), (0, 0, 0))],
            linkOrientations=[(0, 0, 0, 1), lying] * n,
            linkInertialFramePositions=[(0, 0, 0)] * (2 * n),
            linkInertialFrameOrientations=[(0, 0, 0, 1)] * (2 * n),
            linkParentIndices=[i for w in range(n) for i in (0, 2 * w + 1)],
            linkJointTypes=[b.JOINT_REVOLUTE] * (2 * n),
            # The wheel's own frame lies: its z axis is the axle, turned so that + rolls forwards.
            linkJointAxis=[(0, 0, 1), (0, 0, 1)] * n,
            physicsClientId=client,
        )
        for link in range(-1, 2 * n):
            b.changeDynamics(
                body,
                link,
                linearDamping=0,
                angularDamping=0,
                jointDamping=0,
                restitution=0,
                lateralFriction=0,
                physicsClientId=client,
            )
        return body

    def _chassis_kg(self, leg: Leg) -> float:
        return leg.vehicle.mass_kg(leg.load_kg) - len(self.wheels) * (_WHEEL_KG + _KNUCKLE_KG)

    def _chassis_gravity_m(self, leg: Leg) -> float:
        """Height of the chassis' centre of gravity over the wheels' axis."""
        whole = leg.vehicle.mass_kg(leg.load_kg)
        over = leg.vehicle.mass_height_m(leg.load_kg) - leg.vehicle.wheel_radius_m
        return whole * over / self._chassis_kg(leg)

    def load(self, leg: Leg) -> None:
        """Weigh as much as this leg says (the height of the centre stays that of the build)."""
        self.leg, self._outside = leg, Tyres(leg)
        p, b, client = leg.vehicle, self._world.b, self._world.client
        mass = self._chassis_kg(leg)
        wheels = (_WHEEL_KG + _KNUCKLE_KG) * sum(x * x + y * y for x, y in self.wheels)
        yaw = max(0.1 * mass, p.yaw_inertia_kg_m2(leg.load_kg) - wheels)
        roll = mass * (p.width_m**2 + p.height_m**2) / 12
        b.changeDynamics(
            self.body,
            -1,
            mass=mass,
            localInertiaDiagonal=(roll, yaw, yaw),
            physicsClientId=client,
        )
        self._friction = leg.conditions.surface.friction
        r = p.wheel_radius_m
        spin, fall = _WHEEL_KG * r * r / 2, _WHEEL_KG * (3 * r * r + _WHEEL_WIDTH_M**2) / 12
        for i in range(len(self.wheels)):
            b.changeDynamics(
                self.body,
                2 * i + 1,
                lateralFriction=self._friction,
                localInertiaDiagonal=(fall, fall, spin),
                physicsClientId=client,
            )

    def start(self, state: PlanarState, command: Command) -> None:
        """Roll already, with the wheels steered and spinning as this motion asks for."""
        b, client = self._world.b, self._world.client
        r = self.leg.vehicle.wheel_radius_m
        speed = math.hypot(state.vx_m_s, state.vy_m_s)
        for i, angle in enumerate(self._angles(command)):
            x, y = self.wheels[i]
            c, s = math.cos(state.yaw_rad), math.sin(state.yaw_rad)
            u, v = c * state.vx_m_s + s * state.vy_m_s, c * state.vy_m_s - s * state.vx_m_s
            u, v = u - state.yaw_rate_rad_s * y, v + state.yaw_rate_rad_s * x
            rolls = u * math.cos(angle) + v * math.sin(angle)
            b.resetJointState(self.body, 2 * i, angle, 0.0, physicsClientId=client)
            b.resetJointState(self.body, 2 * i + 1, 0.0, rolls / r, physicsClientId=client)
        if speed > 0:
            b.resetBaseVelocity(
                self.body,
                (state.vx_m_s, state.vy_m_s, 0.0),
                (0.0, 0.0, state.yaw_rate_rad_s),
                physicsClientId=client,
            )

    def _angles(self, command: Command) -> list[float]:
        """The angle of every wheel: double Ackermann for what the two axles are told.

        A wheel turned by more than a right angle (backwards) rolls the other way instead.
        """
        front, rear = command.front_rad, command.rear_rad
        # Tangents are those of a wheel's line, whichever way it rolls.
        crab = math.atan((math.tan(front) + math.tan(rear)) / 2)
        curvature = curvature_of(self.leg.vehicle, front, rear) * math.cos(crab)
        self._backwards = math.cos(front) + math.cos(rear) < 0
        return [wheel_angle(x, y, curvature, crab) for x, y in self.wheels]

    def apply(self, state: PlanarState, command: Command, at_m: float) -> None:
        """Take a command for the next control period."""
        b, client = self._world.b, self._world.client
        p, n = self.leg.vehicle, len(self.wheels)
        angles = self._angles(command)
        # Rolling resistance is one more brake; the motors give what is left of drive or brake.
        rolling_n = self._outside.weight_n * self.leg.conditions.surface.rolling
        net_n = command.drive_n - command.brake_n - rolling_n
        sign = -1.0 if self._backwards else 1.0
        target = sign * _SPIN_RAD_S if net_n > 0 else 0.0
        self.traction_n = command.drive_n
        b.setJointMotorControlArray(
            self.body,
            range(0, 2 * n, 2),
            b.POSITION_CONTROL,
            targetPositions=angles,
            forces=[_STEER_NM / _MOTOR] * n,
            physicsClientId=client,
        )
        b.setJointMotorControlArray(
            self.body,
            range(1, 2 * n, 2),
            b.VELOCITY_CONTROL,
            targetVelocities=[target] * n,
            forces=[abs(net_n) * p.wheel_radius_m / n / _MOTOR] * n,
            physicsClientId=client,
        )
        c, s = math.cos(state.yaw_rad), math.sin(state.yaw_rad)
        u, v = c * state.vx_m_s + s * state.vy_m_s, c * state.vy_m_s - s * state.vx_m_s
        tx = math.cos(command.front_rad) + math.cos(command.rear_rad)
        ty = math.sin(command.front_rad) + math.sin(command.rear_rad)
        fx, fy = self._outside.outside(u, v, c, s, tx, ty, at_m)
        self._world.push(self.body, (fx, fy, 0.0), (0.0, 0.0, 0.0))

    def state(self) -> PlanarState:
        """Where the vehicle's middle is and how it moves."""
        return self._world.state(self.body)

    def loads_n(self) -> list[float]:
        """What each wheel carries, N (zero before the first step)."""
        b: Any = self._world.b
        loads = []
        for i in range(len(self.wheels)):
            points = b.getContactPoints(
                bodyA=self.body, linkIndexA=2 * i + 1, physicsClientId=self._world.client
            )
            loads.append(_MOTOR * sum(point[9] for point in points))
        return loads

    def slips(self) -> list[float]:
        """Slip of each wheel: rolling speed over the middle's speed minus 1; -1 is locked."""
        b = self._world.b
        states = b.getJointStates(
            self.body, range(1, 2 * len(self.wheels), 2), physicsClientId=self._world.client
        )
        state = self.state()
        speed = math.hypot(state.vx_m_s, state.vy_m_s)
        r = self.leg.vehicle.wheel_radius_m
        return [abs(s[1]) * r / speed - 1 if speed > 0.01 else 0.0 for s in states]

    def park(self, parked: bool) -> None:
        """Set the brake and sleep, or be free again."""
        if parked:
            b, n = self._world.b, len(self.wheels)
            b.setJointMotorControlArray(
                self.body,
                range(1, 2 * n, 2),
                b.VELOCITY_CONTROL,
                targetVelocities=[0.0] * n,
                forces=[self._outside.weight_n / _MOTOR] * n,
                physicsClientId=self._world.client,
            )
        self._world.park(self.body, parked, 0.0)


class WheelPlant:
    """A vehicle on wheels alone in its world."""

    def __init__(self) -> None:
        self._world = BulletWorld()
        self.vehicle: WheeledBody

    def reset(self, leg: Leg, state: PlanarState, command: Command) -> None:
        """Become this vehicle with this load on this road, in this state."""
        self._world.clear()
        self.vehicle = WheeledBody(self._world, leg, state)
        self.vehicle.start(state, command)
        self._state = state

    def step(self, command: Command, at_m: float) -> PlanarState:
        """Advance by one control period."""
        self.vehicle.apply(self._state, command, at_m)
        self._world.simulate()
        self._state = self.vehicle.state()
        return self._state

    @property
    def traction_n(self) -> float:
        """The drive's force in the last period."""
        return self.vehicle.traction_n

    def close(self) -> None:
        """Disconnect the client."""
        self._world.close()


class WheelsDrive(RigidDrive):
    """Plans with a vehicle on four wheels in PyBullet at 240 Hz."""

    def __init__(self) -> None:
        super().__init__("pybullet-wheels", WheelPlant())
