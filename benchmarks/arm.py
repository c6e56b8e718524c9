"""What the arm's motion costs: our engines against bare loops of the same body, and a whole day.

The bare loop is the least that torque control of a hinge can cost: set the torque, step, read the
joint. Ours adds the balance spring, the buffers, the servo with its torque limit and threshold,
the limit switches and the samples of the plan.
"""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Callable, Iterable

from benchmarks import Ratio, Skipped
from twin.physics import ArmEngine, ArmParameters, ArmState, Move, edge_force, load_engine
from twin.physics.engine import SampledPlan
from twin.physics.parameters import GRAVITY_M_S2
from twin.physics.simulate import Hinge

USUAL_S, LIMIT_S = 3.0, 40.0
MOVES_A_DAY = 2 * 573
"""Every vehicle of the demo day opens and closes an arm once."""

ARM = ArmParameters()
OPEN = ArmState(ARM.travel_rad)
CLOSE = Move("drive", 0.0)


def best_s(act: Callable[[], object], rounds: int) -> float:
    """CPU seconds of `act`, best of some rounds."""
    times = []
    for _ in range(rounds):
        began_s = time.process_time()
        act()
        times.append(time.process_time() - began_s)
    return min(times)


def bare_pybullet(steps: int) -> Callable[[], object]:
    """A hinged rod of the same mass in PyBullet: set the torque, step, read the joint."""
    import pybullet as b

    client = b.connect(b.DIRECT)
    b.setGravity(0, 0, -GRAVITY_M_S2, physicsClientId=client)
    body = b.createMultiBody(
        baseMass=0,
        linkMasses=[ARM.mass_kg],
        linkCollisionShapeIndices=[-1],
        linkVisualShapeIndices=[-1],
        linkPositions=[[0, 0, 0]],
        linkOrientations=[[0, 0, 0, 1]],
        linkInertialFramePositions=[[ARM.length_m / 2, 0, 0]],
        linkInertialFrameOrientations=[[0, 0, 0, 1]],
        linkParentIndices=[0],
        linkJointTypes=[b.JOINT_REVOLUTE],
        linkJointAxis=[[0, -1, 0]],
        physicsClientId=client,
    )
    b.setJointMotorControl2(
        body,
        0,
        b.VELOCITY_CONTROL,
        targetVelocity=0,
        force=ARM.friction_nm,
        physicsClientId=client,
    )

    def loop() -> None:
        for _ in range(steps):
            b.setJointMotorControl2(
                body, 0, b.TORQUE_CONTROL, force=ARM.gravity_nm, physicsClientId=client
            )
            b.stepSimulation(physicsClientId=client)
            b.getJointState(body, 0, physicsClientId=client)

    return loop


def bare_mujoco(steps: int) -> Callable[[], object]:
    """A hinged rod of the same mass in MuJoCo: set the torque, step, read the joint."""
    import mujoco

    model = mujoco.MjModel.from_xml_string(
        f"""<mujoco><worldbody><body><joint type="hinge" axis="0 -1 0" frictionloss="2"/>
        <geom type="capsule" fromto="0 0 0 {ARM.length_m} 0 0" size="0.05" mass="{ARM.mass_kg}"/>
        </body></worldbody></mujoco>"""
    )
    data = mujoco.MjData(model)

    def loop() -> None:
        for _ in range(steps):
            data.qfrc_applied[0] = ARM.gravity_nm
            mujoco.mj_step(model, data)
            float(data.qpos[0]), float(data.qvel[0])

    return loop


BARE = {"pybullet": bare_pybullet, "mujoco": bare_mujoco}


def rigid(name: str, rounds: int) -> Iterable[Ratio]:
    """One rigid-body engine against its own bare loop and against the closed form."""
    engine = load_engine(name)
    hinge: Hinge = engine.hinge  # type: ignore[attr-defined]  # both rigid engines have one
    plan = engine.plan(ARM, OPEN, CLOSE)
    assert isinstance(plan, SampledPlan)
    steps = len(plan.times_s) - 1
    move_s = best_s(lambda: engine.plan(ARM, OPEN, CLOSE), rounds)
    yield Ratio(
        name=f"{name}: one step of a driven arm",
        ours=move_s / steps * 1e6,
        reference=best_s(BARE[name](steps), rounds) / steps * 1e6,
        unit="µs",
        reference_name=f"bare {name} loop of the same body",
        better="lower",
    )
    yield Ratio(
        name=f"{name}: one closing of 3 s",
        ours=move_s * 1e3,
        reference=best_s(lambda: many(load_engine("kinematic"), 100), rounds) / 100 * 1e3,
        unit="ms",
        reference_name="closed form",
        better="lower",
        limit=60_000 / MOVES_A_DAY,
    )
    yield Ratio(
        name=f"{name}: 5 s of the force instrument at 4 kHz",
        ours=best_s(lambda: hit(hinge), rounds) * 1e3,
        reference=best_s(lambda: hit(None), rounds) * 1e3,
        unit="ms",
        reference_name="the same equation in plain Python",
        better="lower",
    )
    engine.close()


def many(engine: ArmEngine, count: int) -> None:
    """Plan a closing `count` times."""
    for _ in range(count):
        engine.plan(ARM, OPEN, CLOSE)


def hit(hinge: Hinge | None) -> None:
    """One record of the force instrument."""
    edge_force(ARM, radius_m=3.5, angle_rad=math.radians(5), hinge=hinge)


def run(quick: bool) -> Iterable[Ratio]:
    """Each rigid-body engine that is installed."""
    found = [name for name in ("pybullet", "mujoco") if importlib.util.find_spec(name)]
    if not found:
        raise Skipped("neither pybullet nor mujoco is installed: pip install 'gatetwin[physics]'")
    for name in found:
        yield from rigid(name, 2 if quick else 7)
