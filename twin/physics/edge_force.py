"""The force of the closing edge, measured as the norm's instrument does.

EN 12453:2017+A1:2021 as quoted by test houses and instrument makers: an 80 mm pad on a spring of
500 N/mm, sampled at no less than 200 Hz, a record of 5 s from contact; at most 400 N peak in a
crushing zone, below 150 N from 0.75 s on, and 25 N at the end of the record. The last figure and
the clause numbers are to be checked in the paid text before they are quoted.

A rigid-body engine's own contact is 60 to 80 % wrong here, so the pad is an explicit spring and
damper on the hinge, integrated at 2 kHz or more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.physics.engine import CONTACT_HZ
from twin.physics.parameters import (
    INSTRUMENT_STIFFNESS_N_M,
    ArmParameters,
    ArmState,
    ContactPoint,
    PhysicsError,
)
from twin.physics.profile import Reference, reference
from twin.physics.simulate import Hinge, OdeHinge, Servo, contact_force_n, passive_nm

PEAK_LIMIT_N = 400.0
STATIC_LIMIT_N = 150.0
STATIC_AFTER_S = 0.75
END_LIMIT_N = 25.0
RECORD_S = 5.0
MIN_RATE_HZ = 2000.0


@dataclass(frozen=True, slots=True)
class EdgeForce:
    """One 5 s record of the instrument and the figures a test house reads off it.

    - ``peak_n``: the dynamic force Fd
    - ``above_150n_s``: td, the last instant at which the force is 150 N or more
    - ``after_750ms_n``: the force at 0.75 s
    - ``static_n``: the highest force from 0.75 s to the end
    - ``end_n``: the force at the end of the record
    - ``speed_m_s``: speed of the edge at first contact
    """

    rate_hz: float
    speed_m_s: float
    force_n: NDArray[np.float64]
    detected_s: float | None
    reversed_s: float | None

    @property
    def peak_n(self) -> float:
        """The dynamic force Fd, N."""
        return float(self.force_n.max())

    @property
    def above_150n_s(self) -> float:
        """The dynamic time td, s: the last instant with 150 N or more; 0 if there is none."""
        above = np.flatnonzero(self.force_n >= STATIC_LIMIT_N)
        return float(above[-1] / self.rate_hz) if above.size else 0.0

    @property
    def after_750ms_n(self) -> float:
        """The force 0.75 s after contact, N."""
        return float(self.force_n[min(len(self.force_n) - 1, self._static_from)])

    @property
    def static_n(self) -> float:
        """The highest force from 0.75 s to the end of the record, N."""
        return float(self.force_n[self._static_from :].max(initial=0.0))

    @property
    def end_n(self) -> float:
        """The force at the end of the record, N."""
        return float(self.force_n[-1])

    @property
    def peak_ok(self) -> bool:
        """The peak is at most 400 N."""
        return self.peak_n <= PEAK_LIMIT_N

    @property
    def static_ok(self) -> bool:
        """The force is below 150 N from 0.75 s on."""
        return self.static_n < STATIC_LIMIT_N

    @property
    def _static_from(self) -> int:
        return math.ceil(STATIC_AFTER_S * self.rate_hz)


def free_hit_n(p: ArmParameters, radius_m: float, speed_m_s: float) -> float:
    """Peak force of a hit without motor and losses: v sqrt(k m_eff). The oracle of the records."""
    point = p.contact_at(0.0, radius_m)
    return speed_m_s * math.sqrt(point.stiffness_n_m * p.effective_mass_kg(radius_m))


def speed_at(p: ArmParameters, angle_rad: float) -> float:
    """Angular speed (negative, rad/s) of a full closing move as it passes `angle_rad`."""
    full, at_s = _closing(p, angle_rad)
    return full.at(at_s)[1]


def edge_force(
    p: ArmParameters,
    *,
    radius_m: float,
    angle_rad: float,
    speed_rad_s: float | None = None,
    reversal_s: float | None = 0.06,
    motor: bool = True,
    drive: tuple[Reference, float] | None = None,
    stiffness_n_m: float = INSTRUMENT_STIFFNESS_N_M,
    hinge: Hinge | None = None,
    record_s: float = RECORD_S,
    rate_hz: float = CONTACT_HZ,
) -> EdgeForce:
    """Let the closing arm hit the instrument at `angle_rad`, `radius_m` from the pivot.

    `speed_rad_s` (negative is down) is that of the closing profile there unless given;
    `reversal_s` is the time from detection to reversal, None never reverses; `motor=False` is a
    free hit. `drive` is the move under way and how long it has lasted; a full closing move at its
    nominal speed unless given. `hinge` integrates the arm: plain Python unless one is given.
    """
    if rate_hz < MIN_RATE_HZ:
        raise PhysicsError(
            f"edge force at {rate_hz} Hz; at least {MIN_RATE_HZ} Hz: below it the explicit spring "
            f"of {stiffness_n_m / 1000:g} N/mm is more than 5 % wrong"
        )
    if not 0 < radius_m <= p.length_m:
        raise PhysicsError(f"edge force at {radius_m} m of an arm of {p.length_m} m")
    if speed_rad_s is None:
        speed_rad_s = speed_at(p, angle_rad)
    hit = _Hit(p, p.contact_at(angle_rad, radius_m, stiffness_n_m), reversal_s, rate_hz)
    if motor:
        motion, elapsed_s = drive or _closing(p, angle_rad)
        hit.servo, hit.begun_s = Servo(p, motion), -elapsed_s
    force = hit.run(hinge or OdeHinge(), ArmState(angle_rad, speed_rad_s), record_s)
    return EdgeForce(rate_hz, -speed_rad_s * radius_m, force, hit.detected_s, hit.reversed_s)


def _closing(p: ArmParameters, angle_rad: float) -> tuple[Reference, float]:
    """A full closing move, and when it passes `angle_rad`."""
    full = reference(p, ArmState(p.travel_rad), 0.0)
    crossings = full.crossing_s(angle_rad)
    return full, crossings[0] if crossings else full.duration_s


class _Hit:
    """One hit on the instrument, with the drive's detection and reversal."""

    def __init__(
        self, p: ArmParameters, point: ContactPoint, reversal_s: float | None, rate_hz: float
    ) -> None:
        self.p, self.point, self.reversal_s, self.dt_s = p, point, reversal_s, 1 / rate_hz
        self.servo: Servo | None = None
        self.begun_s = 0.0
        self.over_s: float | None = None
        self.detected_s: float | None = None
        self.reversed_s: float | None = None

    def run(self, hinge: Hinge, start: ArmState, record_s: float) -> NDArray[np.float64]:
        p, point, dt_s = self.p, self.point, self.dt_s
        steps = round(record_s / dt_s)
        force_n = np.zeros(steps)
        hinge.reset(p, start)
        angle, speed = start.angle_rad, start.speed_rad_s
        for index in range(steps):
            t_s = index * dt_s
            torque = passive_nm(p, angle, speed)
            force = contact_force_n(point, angle, speed)
            force_n[index] = force
            if self.servo is not None:
                torque += self.servo.torque_nm(t_s - self.begun_s, angle, speed)
                self._watch(t_s, ArmState(angle, speed))
            angle, speed = hinge.step(torque + force * point.radius_m, p.friction_nm, dt_s)
        return force_n

    def _watch(self, t_s: float, state: ArmState) -> None:
        """Detect the obstacle by the motor's torque, and reverse after the delay."""
        p, servo = self.p, self.servo
        if servo is None or self.reversed_s is not None:
            return
        if self.detected_s is None:
            if servo.residual_nm <= p.overload_nm:
                self.over_s = None
            elif self.over_s is None:
                self.over_s = t_s
            elif t_s - self.over_s >= p.overload_s:
                self.detected_s = t_s
        elif self.reversal_s is not None and t_s >= self.detected_s + self.reversal_s:
            self.reversed_s = t_s
            self.servo, self.begun_s = Servo(p, reference(p, state, p.travel_rad)), t_s
