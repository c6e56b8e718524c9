"""What a vehicle's body and tyres do with a driver's command, whatever integrates the body.

The engine owns inertia and integration; this file owns tyres, wind, grade and rolling, so that
engines can be held against each other. A tyre pushes sideways with whatever keeps it from
slipping, as long as drive, brake and side force together stay within the friction circle of its
load; beyond it slides. Loads shift between the axles with the acceleration.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

from twin.physics.drive import Leg
from twin.physics.parameters import GRAVITY_M_S2
from twin.physics.vehicle_parameters import AIR_KG_M3

STEP_HZ = 240
"""Rate of the rigid bodies."""

CONTROL_HZ = 30
"""Rate of the vehicle's motion controller and of the tyre forces, which are held in between
(estimate; vehicle controllers run at 10 to 100 Hz)."""

STEPS = STEP_HZ // CONTROL_HZ
_ALIKE = 1e-6
"""Axles that differ by less than this share are alike: what each of them holds is not defined."""


class PlanarState(NamedTuple):
    """Place, heading, velocity and yaw rate of a body's middle in the map. SI units."""

    x_m: float
    y_m: float
    yaw_rad: float
    vx_m_s: float
    vy_m_s: float
    yaw_rate_rad_s: float


class Command(NamedTuple):
    """What the vehicle's actuators do: drive and brake force (N, both positive), axle angles."""

    drive_n: float
    brake_n: float
    front_rad: float
    rear_rad: float


class PlanarBody(Protocol):
    """One rigid body on a plane without friction of its own."""

    def reset(self, leg: Leg, state: PlanarState) -> None:
        """Become the body of this vehicle with this load, in this state."""

    def step(self, fx_n: float, fy_n: float, torque_nm: float) -> PlanarState:
        """Advance by one control period under a force at the middle and a torque, both held."""


class Plant(Protocol):
    """A vehicle that takes commands for one control period after the other."""

    def reset(self, leg: Leg, state: PlanarState, command: Command) -> None:
        """Become this vehicle with this load on this road, in this state.

        The wheels are steered as `command` says.
        """

    def step(self, command: Command, at_m: float) -> PlanarState:
        """Advance by one control period; `at_m` is the place on the path, for the grade."""

    @property
    def traction_n(self) -> float:
        """The drive's force that reached the road in the last period."""


class OdeBody:
    """The body as three equations in plain Python: needs no package, the witness of the engines."""

    def reset(self, leg: Leg, state: PlanarState) -> None:
        """Become the body of this vehicle with this load, in this state."""
        self._state = state
        self._mass = leg.vehicle.mass_kg(leg.load_kg)
        self._inertia = leg.vehicle.yaw_inertia_kg_m2(leg.load_kg)

    def step(self, fx_n: float, fy_n: float, torque_nm: float) -> PlanarState:
        """Exact for a held force."""
        x, y, yaw, vx, vy, w = self._state
        t = 1 / CONTROL_HZ
        ax, ay, aw = fx_n / self._mass, fy_n / self._mass, torque_nm / self._inertia
        self._state = PlanarState(
            x + t * (vx + t * ax / 2),
            y + t * (vy + t * ay / 2),
            yaw + t * (w + t * aw / 2),
            vx + t * ax,
            vy + t * ay,
            w + t * aw,
        )
        return self._state


class Tyres:
    """The forces on one vehicle with one load: two axles, wind, grade, rolling."""

    __slots__ = (
        "_air",
        "_conditions",
        "_grip_n",
        "_inertia",
        "_mass",
        "_rolling_n",
        "_shift_share",
        "_wind",
        "half_base_m",
        "sliding",
        "traction_n",
        "weight_n",
    )

    def __init__(self, leg: Leg) -> None:
        p, load = leg.vehicle, leg.load_kg
        self._mass, self._inertia = p.mass_kg(load), p.yaw_inertia_kg_m2(load)
        self.half_base_m = p.wheelbase_m / 2
        self.weight_n = self._mass * GRAVITY_M_S2
        self._conditions = c = leg.conditions
        self._grip_n = c.surface.friction * self.weight_n
        self._rolling_n = c.surface.rolling * self.weight_n
        self._shift_share = c.surface.friction * p.mass_height_m(load) / p.wheelbase_m
        front, side = p.wind_areas_m2(load)
        self._air = (0.5 * AIR_KG_M3 * p.drag * front, 0.5 * AIR_KG_M3 * p.drag * side)
        self._wind = (c.wind_m_s * math.cos(c.wind_to_rad), c.wind_m_s * math.sin(c.wind_to_rad))
        self.sliding = False
        self.traction_n = 0.0

    def forces(
        self, state: PlanarState, command: Command, at_m: float, dt_s: float
    ) -> tuple[float, float, float]:
        """Force (N, map frame) and torque (Nm) to hold over the next `dt_s`."""
        m, inertia, a = self._mass, self._inertia, self.half_base_m
        _, _, yaw, vx, vy, w = state
        # The frame at the end of the period: there the tyres shall not slip.
        yaw += w * dt_s
        c, s = math.cos(yaw), math.sin(yaw)
        u, v = c * vx + s * vy, c * vy - s * vx
        drive_n, brake_n, front, rear = command
        cf, sf, cr, sr = math.cos(front), math.sin(front), math.cos(rear), math.sin(rear)
        ax, ay = self.outside(u, v, c, s, cf + cr, sf + sr, at_m)
        # Along: the drive, then brakes and rolling, which can stop but never turn the motion.
        grip, rolling_n = self._grip_n, self._rolling_n
        drive_n = min(drive_n, grip)
        ux, uy = (cf + cr) / 2, (sf + sr) / 2
        along = u * ux + v * uy + dt_s / m * (drive_n + ax * ux + ay * uy)
        brake_n = min(brake_n + rolling_n, grip + drive_n)
        brake_n = max(-brake_n, min(brake_n, along * m / dt_s))
        push = drive_n - brake_n
        self.traction_n = drive_n
        half = push / 2
        shift = push * self._shift_share
        # Sideways: what keeps both axles from slipping, as far as the circle goes.
        u += dt_s / m * (ax + half * (cf + cr))
        v += dt_s / m * (ay + half * (sf + sr))
        w += dt_s / inertia * half * a * (sf - sr)
        kff = 1 / m + a * a * cf * cf / inertia
        krr = 1 / m + a * a * cr * cr / inertia
        kfr = (sf * sr + cf * cr) / m - a * a * cf * cr / inertia
        slip_f, slip_r = u * sf - (v + w * a) * cf, u * sr - (v - w * a) * cr
        if kff * krr - kfr * kfr < _ALIKE * kff * krr:
            # Both axles across the body (crab at a right angle) hold it back alike: each takes
            # half of it, and neither can hold a turn.
            kff, krr = kff * (1 + _ALIKE), krr * (1 + _ALIKE)
        det = dt_s * (kff * krr - kfr * kfr)
        side_f = (slip_f * krr - slip_r * kfr) / det
        side_r = (slip_r * kff - slip_f * kfr) / det
        room_f = self._room(grip / 2 - shift, half)
        room_r = self._room(grip / 2 + shift, half)
        self.sliding = abs(side_f) > room_f or abs(side_r) > room_r
        if self.sliding:
            side_f = max(-room_f, min(room_f, side_f))
            side_r = max(-room_r, min(room_r, side_r))
        fx = ax + half * (cf + cr) - side_f * sf - side_r * sr
        fy = ay + half * (sf + sr) + side_f * cf + side_r * cr
        torque = a * (half * (sf - sr) + side_f * cf - side_r * cr)
        return c * fx - s * fy, s * fx + c * fy, torque

    @staticmethod
    def _room(grip_n: float, used_n: float) -> float:
        """What the friction circle leaves for the side."""
        return math.sqrt(max(0.0, grip_n * grip_n - used_n * used_n))

    def outside(
        self, u: float, v: float, c: float, s: float, tx: float, ty: float, at_m: float
    ) -> tuple[float, float]:
        """Wind and grade in the body frame, N; `tx`, `ty` point where the wheels roll."""
        wx, wy = self._wind
        air_u, air_v = u - (c * wx + s * wy), v - (c * wy - s * wx)
        front, side = self._air
        fx, fy = -front * air_u * abs(air_u), -side * air_v * abs(air_v)
        conditions = self._conditions
        if conditions.slopes:
            grade = conditions.grade_at(at_m)
            pull = self.weight_n * grade / math.hypot(1.0, grade) / math.hypot(tx, ty)
            fx, fy = fx - pull * tx, fy - pull * ty
        return fx, fy


class BodyPlant:
    """The default vehicle: one rigid body, pushed by its tyres' forces."""

    def __init__(self, body: PlanarBody) -> None:
        self._body = body

    def reset(self, leg: Leg, state: PlanarState, command: Command) -> None:
        """Become this vehicle with this load on this road, in this state.

        The wheels are steered as `command` says.
        """
        del command  # these tyres steer at once
        self._tyres, self._state = Tyres(leg), state
        self._body.reset(leg, state)

    def step(self, command: Command, at_m: float) -> PlanarState:
        """Advance by one control period."""
        fx, fy, torque = self._tyres.forces(self._state, command, at_m, 1 / CONTROL_HZ)
        self._state = self._body.step(fx, fy, torque)
        return self._state

    @property
    def traction_n(self) -> float:
        """The drive's force that reached the road in the last period."""
        return self._tyres.traction_n
