"""The arm as a hinged body in MuJoCo: other platforms, and a second witness for every motion."""

from __future__ import annotations

from typing import Any

from twin.physics.engine import Move, SampledPlan, import_extra
from twin.physics.parameters import GRAVITY_M_S2, ArmParameters, ArmState, Obstacle
from twin.physics.simulate import simulate

_MODELS = 32
"""Arms of more kinds than this take turns."""

_MODEL = """
<mujoco>
  <option gravity="0 0 {gravity!r}" integrator="Euler"/>
  <worldbody>
    <body name="boom">
      <joint name="pivot" type="hinge" axis="0 -1 0" damping="{damping!r}"/>
      <inertial pos="{half!r} 0 0" mass="{mass!r}" diaginertia="1e-6 {inertia!r} {inertia!r}"/>
    </body>
  </worldbody>
</mujoco>
"""


class MuJoCoHinge:
    """One boom in its own MuJoCo model."""

    def __init__(self) -> None:
        # The package has no type information; everything of it stays in this class.
        self._m: Any = import_extra("mujoco", engine="mujoco", hint="")
        self._models: dict[ArmParameters, tuple[Any, Any]] = {}

    def reset(self, p: ArmParameters, state: ArmState) -> None:
        """Become an arm of these parameters in this state, whatever was simulated before."""
        known = self._models.get(p)
        if known is None:
            if len(self._models) >= _MODELS:
                self._models.pop(next(iter(self._models)))
            text = _MODEL.format(
                gravity=-GRAVITY_M_S2,
                damping=p.damping_nm_s,
                half=p.length_m / 2,
                mass=p.mass_kg,
                inertia=p.mass_kg * p.length_m**2 / 12,
            )
            model = self._m.MjModel.from_xml_string(text)
            known = self._models[p] = (model, self._m.MjData(model))
        self._model, self._data = known
        self._m.mj_resetData(self._model, self._data)
        self._data.qpos[0], self._data.qvel[0] = state.angle_rad, state.speed_rad_s
        # Views are kept: looking them up costs as much as a step.
        self._qpos, self._qvel = self._data.qpos, self._data.qvel
        self._applied = self._data.qfrc_applied
        self._dt_s, self._friction_nm = 0.0, -1.0

    def step(self, torque_nm: float, friction_nm: float, dt_s: float) -> tuple[float, float]:
        """Advance by `dt_s`; returns the new angle and speed."""
        if dt_s != self._dt_s:
            self._model.opt.timestep = dt_s
            self._dt_s = dt_s
        if friction_nm != self._friction_nm:
            self._model.dof_frictionloss[0] = friction_nm
            self._friction_nm = friction_nm
        self._applied[0] = torque_nm
        self._m.mj_step(self._model, self._data)
        return float(self._qpos[0]), float(self._qvel[0])

    def close(self) -> None:
        """Forget every model."""
        self._models.clear()


class MuJoCoEngine:
    """Plans arm moves in MuJoCo at 240 Hz, and at 4 kHz where the edge touches a body."""

    name = "mujoco"

    def __init__(self) -> None:
        self.hinge = MuJoCoHinge()

    def plan(
        self, p: ArmParameters, start: ArmState, move: Move, obstacle: Obstacle | None = None
    ) -> SampledPlan:
        """Everything that follows from `start` if nothing intervenes."""
        return simulate(self.hinge, p, start, move, obstacle)

    def close(self) -> None:
        """Forget every model."""
        self.hinge.close()
