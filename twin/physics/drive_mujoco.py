"""The vehicle as a rigid body in MuJoCo: other platforms, and a second witness."""

from __future__ import annotations

from typing import Any

from twin.physics.drive import Leg
from twin.physics.drive_plant import STEP_HZ, STEPS, BodyPlant, PlanarState
from twin.physics.drive_simulate import RigidDrive
from twin.physics.engine import import_extra

_MODEL = """
<mujoco>
  <option gravity="0 0 0" timestep="{step!r}" integrator="Euler"/>
  <worldbody>
    <body name="vehicle">
      <joint name="x" type="slide" axis="1 0 0"/>
      <joint name="y" type="slide" axis="0 1 0"/>
      <joint name="yaw" type="hinge" axis="0 0 1"/>
      <inertial pos="0 0 0" mass="1" diaginertia="1 1 1"/>
    </body>
  </worldbody>
</mujoco>
"""


class MuJoCoBody:
    """One body with the three freedoms of a plane, in its own model."""

    def __init__(self) -> None:
        # The package has no type information; everything of it stays in this class.
        self._m: Any = import_extra("mujoco", engine="mujoco", hint="")
        self._model = self._m.MjModel.from_xml_string(_MODEL.format(step=1 / STEP_HZ))
        self._data = self._m.MjData(self._model)
        # Views are kept: looking them up costs as much as a step.
        self._at, self._speed = self._data.qpos, self._data.qvel
        self._applied = self._data.qfrc_applied

    def reset(self, leg: Leg, state: PlanarState) -> None:
        """Become the body of this vehicle with this load, in this state."""
        model, data = self._model, self._data
        mass = leg.vehicle.mass_kg(leg.load_kg)
        yaw = leg.vehicle.yaw_inertia_kg_m2(leg.load_kg)
        model.body_mass[1] = mass
        model.body_inertia[1] = (yaw, yaw, yaw)
        self._m.mj_setConst(model, data)
        self._m.mj_resetData(model, data)
        self._at[:] = state[:3]
        self._speed[:] = state[3:]

    def step(self, fx_n: float, fy_n: float, torque_nm: float) -> PlanarState:
        """Advance by one control period under a force at the middle and a torque, both held."""
        self._applied[:] = (fx_n, fy_n, torque_nm)
        self._m.mj_step(self._model, self._data, nstep=STEPS)
        return PlanarState(*self._at.tolist(), *self._speed.tolist())


class MuJoCoDrive(RigidDrive):
    """Plans with a rigid body in MuJoCo at 240 Hz."""

    def __init__(self) -> None:
        super().__init__("mujoco", BodyPlant(MuJoCoBody()))
