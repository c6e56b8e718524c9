"""What moving vehicles cost: live ones beside bare Bullet loops, a crossing beside its formula.

The bare loop of boxes is what anybody writes who moves bodies by force at 240 Hz: push and turn
each of them in every step, step, and read each at the rate of a controller. That of vehicles on
wheels is Bullet's step alone. Ours adds controllers, tyres and wind.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterable

from benchmarks import Ratio, Skipped
from benchmarks.arm import best_s
from twin.physics import (
    WET,
    BrakeKind,
    Conditions,
    DriveState,
    Leg,
    Path,
    Pose,
    VehicleParameters,
    load_drive,
)
from twin.physics.parameters import GRAVITY_M_S2
from twin.world.motion import Limits, stop_at

USUAL_S = 25.0
LIMIT_S = 180.0

STEP_HZ = 240
PERIOD = 8
VEHICLES = 20
LOAD_KG = 40_000.0
REAL_TIME = 3.0
"""The bar: so many times real time."""
STEP_LIMIT_US = 1e6 / STEP_HZ / REAL_TIME
OVERHEAD = 1.15
"""The bar: so much over the bare loop."""

IGV = VehicleParameters()
BRIDGE = Path.straight(Pose(0, 0, 0), 618.0)


def paths() -> list[Path]:
    """A lane for each vehicle."""
    return [Path.straight(Pose(0, 6.0 * i, 0), 2000.0) for i in range(VEHICLES)]


def ours(wheels: bool) -> Callable[[int], object]:
    """Twenty loaded vehicles under way in a world of ours."""
    from twin.physics.drive_world import World

    world = World()
    for i, path in enumerate(paths()):
        world.add(f"igv-{i}", Leg(IGV, path, LOAD_KG), DriveState(10.0 + i), wheels=wheels)
        world.drive(f"igv-{i}", 1900.0)
    world.run(1.0)
    return lambda steps: world.step(steps // PERIOD)


def bare_boxes() -> Callable[[int], object]:
    """The same bodies, pushed as a first program with PyBullet pushes them."""
    import pybullet as b

    client = b.connect(b.DIRECT)
    b.setGravity(0, 0, -GRAVITY_M_S2, physicsClientId=client)
    plane = b.createCollisionShape(b.GEOM_PLANE, physicsClientId=client)
    b.createMultiBody(0, plane, physicsClientId=client)
    size = (IGV.length_m / 2, IGV.width_m / 2, IGV.height_m / 2)
    box = b.createCollisionShape(b.GEOM_BOX, halfExtents=size, physicsClientId=client)
    mass = IGV.mass_kg(LOAD_KG)
    bodies = []
    for i in range(VEHICLES):
        body = b.createMultiBody(
            mass, box, basePosition=(10.0 + i, 6.0 * i, size[2]), physicsClientId=client
        )
        b.changeDynamics(
            body,
            -1,
            linearDamping=0,
            angularDamping=0,
            lateralFriction=0,
            restitution=0,
            activationState=b.ACTIVATION_STATE_DISABLE_SLEEPING,
            physicsClientId=client,
        )
        bodies.append(body)
    force, torque, middle = (0.2 * mass, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)

    def loop(steps: int) -> None:
        for step in range(steps):
            for body in bodies:
                b.applyExternalForce(body, -1, force, middle, b.LINK_FRAME, physicsClientId=client)
                b.applyExternalTorque(body, -1, torque, b.LINK_FRAME, physicsClientId=client)
            b.stepSimulation(physicsClientId=client)
            if step % PERIOD == 0:
                for body in bodies:
                    b.getBasePositionAndOrientation(body, physicsClientId=client)
                    b.getBaseVelocity(body, physicsClientId=client)

    return loop


def bare_wheels() -> Callable[[int], object]:
    """The same vehicles on wheels, their motors set once: Bullet's step and nothing else."""
    from twin.physics.drive_plant import Command, PlanarState
    from twin.physics.drive_pybullet import BulletWorld
    from twin.physics.drive_wheels import WheeledBody

    world = BulletWorld()
    for i, path in enumerate(paths()):
        state = PlanarState(10.0 + i, 6.0 * i, 0.0, 0.3, 0.0, 0.0)
        vehicle = WheeledBody(world, Leg(IGV, path, LOAD_KG), state)
        vehicle.start(state, Command(0.0, 0.0, 0.0, 0.0))
        vehicle.apply(state, Command(50_000.0, 0.0, 0.0, 0.0), 0.0)
        vehicle.park(False)
        vehicle.apply(state, Command(50_000.0, 0.0, 0.0, 0.0), 0.0)
    b, client = world.b, world.client
    b.setPhysicsEngineParameter(fixedTimeStep=1 / STEP_HZ, numSubSteps=0, physicsClientId=client)

    def loop(steps: int) -> None:
        for _ in range(steps):
            b.stepSimulation(physicsClientId=client)

    return loop


def beside(
    mine: Callable[[int], object], bare: Callable[[int], object], steps: int, rounds: int
) -> tuple[float, float]:
    """CPU microseconds of a step, best of some rounds that take turns."""
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        for i, act in enumerate((mine, bare)):
            began_s = time.process_time()
            act(steps)
            best[i] = min(best[i], (time.process_time() - began_s) / steps * 1e6)
    return best[0], best[1]


def live(quick: bool) -> Iterable[Ratio]:
    """Twenty vehicles at 240 Hz."""
    steps, rounds = (240, 2) if quick else (960, 6)
    box, bare = beside(ours(False), bare_boxes(), steps, rounds)
    yield Ratio(
        name=f"{VEHICLES} vehicles, one body each: a step at {STEP_HZ} Hz",
        ours=box,
        reference=bare,
        unit="µs",
        reference_name="bare PyBullet loop of the same bodies",
        better="lower",
        limit=STEP_LIMIT_US,
        ratio_limit=OVERHEAD,
    )
    wheeled, alone = beside(ours(True), bare_wheels(), steps // 2, rounds)
    yield Ratio(
        name=f"{VEHICLES} vehicles on wheels: a step at {STEP_HZ} Hz",
        ours=wheeled,
        reference=alone,
        unit="µs",
        reference_name="stepSimulation alone, same bodies",
        better="lower",
        limit=STEP_LIMIT_US,
        ratio_limit=OVERHEAD,
    )


def ahead(name: str, rounds: int) -> Iterable[Ratio]:
    """A loaded crossing of 618 m simulated ahead, and how near it is to the closed form."""
    exact, engine = load_drive("kinematic"), load_drive(name)
    leg = Leg(IGV, BRIDGE, IGV.payload_kg, Conditions(WET))
    start = DriveState(0.0)
    plan, motion = exact.plan(leg, start, 618.0), engine.plan(leg, start, 618.0)
    yield Ratio(
        name=f"{name}: a loaded crossing of 618 m, time it takes",
        ours=motion.duration_s,
        reference=plan.duration_s,
        unit="s",
        reference_name="closed form",
        better="lower",
        ratio_limit=1.02,
        counted=True,
    )
    moving = DriveState(0.0, leg.vehicle.loaded_speed_m_s)
    yield Ratio(
        name=f"{name}: emergency stop on the wet deck, its way",
        ours=engine.brake(leg, moving, BrakeKind.EMERGENCY).end.at_m,
        reference=exact.brake(leg, moving, BrakeKind.EMERGENCY).end.at_m,
        unit="m",
        reference_name="closed form",
        better="lower",
        ratio_limit=1.05,
        counted=True,
    )
    yield Ratio(
        name=f"{name}: simulating the crossing ahead",
        ours=best_s(lambda: engine.plan(leg, start, 618.0), rounds) * 1e3,
        reference=best_s(lambda: exact.plan(leg, start, 618.0), rounds * 10) * 1e3,
        unit="ms",
        reference_name="closed form",
        better="lower",
    )
    engine.close()


def planning(rounds: int) -> Iterable[Ratio]:
    """The closed form itself beside one without a limit of jerk."""
    engine, count = load_drive("kinematic"), 200
    leg = Leg(IGV, BRIDGE, IGV.payload_kg)
    own = IGV.limits(IGV.payload_kg)
    plain = Limits(own.speed_m_s, own.acceleration_m_s2, own.braking_m_s2)

    def mine() -> None:
        for _ in range(count):
            engine.plan(leg, DriveState(100.0, 3.0, 0.2), 618.0)

    def bare() -> None:
        for _ in range(count):
            stop_at(0, 100.0, 3.0, 618.0, plain)

    yield Ratio(
        name="planning a way in closed form",
        ours=best_s(mine, rounds) / count * 1e6,
        reference=best_s(bare, rounds) / count * 1e6,
        unit="µs",
        reference_name="the same without a limit of jerk",
        better="lower",
    )


def run(quick: bool) -> Iterable[Ratio]:
    """The closed form, then each rigid-body engine that is installed."""
    rounds = 2 if quick else 5
    yield from planning(rounds)
    found = [name for name in ("pybullet", "mujoco") if importlib.util.find_spec(name)]
    if not found:
        raise Skipped("neither pybullet nor mujoco is installed: pip install 'gatetwin[physics]'")
    if "pybullet" in found:
        yield from live(quick)
    for name in found:
        yield from ahead(name, 1 if quick else 3)
