"""What a barrier arm is: its size, its drive, its brake, and what may stand under it.

Angles grow upwards: 0 rad is closed (horizontal), pi/2 rad is open (vertical).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from twin.errors import GateTwinError

GRAVITY_M_S2 = 9.80665
"""Standard gravity, ISO 80000-3."""

INSTRUMENT_STIFFNESS_N_M = 500_000.0
"""Spring of the force instrument: 500 N/mm +-50 (EN 12453, as quoted by instrument makers)."""


class PhysicsError(GateTwinError):
    """A body, a move or an engine is impossible; the message says which value and which limit."""


@dataclass(frozen=True, slots=True)
class ArmState:
    """Where the arm is and how fast it turns; upwards is positive."""

    angle_rad: float
    speed_rad_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands under the arm, seen along the travel direction.

    `near_m` and `far_m` are measured from the arm's pivot along the closed arm, `height_m` from
    the ground. `stiffness_n_m` defaults to the norm's instrument, so that forces are those a test
    house would read there. `speed_m_s` matters only when the vehicle runs into a lowered arm.
    """

    vehicle: str
    height_m: float
    near_m: float
    far_m: float
    stiffness_n_m: float = INSTRUMENT_STIFFNESS_N_M
    speed_m_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """Where a closing arm meets an obstacle: the arm's angle and the distance from the pivot."""

    angle_rad: float
    radius_m: float
    stiffness_n_m: float
    damping_n_s_m: float


@dataclass(frozen=True, slots=True)
class ArmParameters:
    """One spring-balanced arm with its drive. SI units; *estimate* marks an assumed value.

    - ``linear_density_kg_m`` 1.5: an aluminium boom (estimate; 4.5, 6 and 9 kg at 3, 4 and 6 m).
    - ``open_s``, ``close_s``: travel time from end to end; vendors offer 1 s, 3 s and 6 s drives
      (Chamberlain/LiftMaster Bars 1 manual).
    - ``profile``: ``sin2`` is the lever gear of most booms (soft ends by geometry), ``trapezoid``
      a frequency-controlled drive whose ramps take ``ramp_share`` of the time each.
    - ``balance_share``: the share of gravity that the balance spring carries. A spring of zero
      free length on a lever gives exactly a cosine torque. Below 1 a free arm falls, above 1 it
      rises. 0.97 is an estimate.
    - ``friction_nm``, ``damping_nm_s``: dry and viscous friction of the bearing and gear
      (estimates).
    - ``motor_torque_nm``, ``brake_torque_nm``: None means sized for this arm, see
      `motor_limit_nm` and `brake_limit_nm`.
    - ``brake_holds``: on power loss the brake holds the arm (True) or lets it go (False).
    - ``overload_nm``, ``overload_s``: current detection: torque beyond the expected one for this
      long (estimates; detection in 5 to 14 ms is what a 2-mode model of a 4 m boom gives).
    - ``edge_stiffness_n_m``: the soft rubber edge, 10 N/mm (estimate); None is a bare edge.
    - ``contact_damping_ratio``: loss of the edge and the instrument's spring (estimate).
    - ``pivot_height_m``: height of the pivot over the lane (estimate).
    - ``limit_window_rad``: how close to an end its limit switch closes (estimate, 1.5 degrees).
    """

    length_m: float = 4.0
    linear_density_kg_m: float = 1.5
    open_s: float = 3.0
    close_s: float = 3.0
    profile: Literal["sin2", "trapezoid"] = "sin2"
    ramp_share: float = 0.3
    travel_rad: float = math.pi / 2
    balance_share: float = 0.97
    friction_nm: float = 2.0
    damping_nm_s: float = 0.5
    motor_torque_nm: float | None = None
    brake_torque_nm: float | None = None
    brake_holds: bool = True
    overload_nm: float = 60.0
    overload_s: float = 0.010
    edge_stiffness_n_m: float | None = 10_000.0
    contact_damping_ratio: float = 0.02
    pivot_height_m: float = 0.95
    limit_window_rad: float = math.radians(1.5)

    def __post_init__(self) -> None:
        positive = ("length_m", "linear_density_kg_m", "open_s", "close_s", "overload_nm")
        for name in positive:
            value = getattr(self, name)
            if not value > 0:
                raise PhysicsError(f"arm parameter {name} is {value}; it must be above 0")
        if not 0 < self.ramp_share <= 0.5:
            raise PhysicsError(f"arm parameter ramp_share is {self.ramp_share}; allowed: (0, 0.5]")
        if not 0 < self.travel_rad <= math.pi / 2:
            raise PhysicsError(f"arm parameter travel_rad is {self.travel_rad}; allowed: (0, pi/2]")

    @property
    def mass_kg(self) -> float:
        """Mass of the boom."""
        return self.linear_density_kg_m * self.length_m

    @property
    def inertia_kg_m2(self) -> float:
        """Inertia of a uniform rod about its end, m L^2 / 3."""
        return self.mass_kg * self.length_m**2 / 3

    @property
    def gravity_nm(self) -> float:
        """Gravity's torque on the unbalanced closed arm, m g L / 2."""
        return self.mass_kg * GRAVITY_M_S2 * self.length_m / 2

    @property
    def peak_acceleration_rad_s2(self) -> float:
        """The highest acceleration of a full travel, over both directions."""
        fastest_s = min(self.open_s, self.close_s)
        if self.profile == "sin2":
            return math.tau * self.travel_rad / fastest_s**2
        return self.travel_rad / ((1 - self.ramp_share) * self.ramp_share * fastest_s**2)

    @property
    def motor_limit_nm(self) -> float:
        """The motor's torque limit: as given, or 1.5 times what the travel needs.

        Never below twice the detection threshold: a drive that cannot push as hard as its own
        threshold would never notice an obstacle.
        """
        if self.motor_torque_nm is not None:
            return self.motor_torque_nm
        unbalanced = abs(1 - self.balance_share) * self.gravity_nm
        needed = self.inertia_kg_m2 * self.peak_acceleration_rad_s2 + unbalanced + self.friction_nm
        return max(1.5 * needed, 2 * self.overload_nm)

    @property
    def brake_limit_nm(self) -> float:
        """The holding brake's torque: as given, or three times the torque of the travel."""
        if self.brake_torque_nm is not None:
            return self.brake_torque_nm
        return 3 * self.inertia_kg_m2 * self.peak_acceleration_rad_s2 + self.gravity_nm / 4

    @property
    def reversing_rad_s2(self) -> float:
        """How hard the drive itself brings a moving arm to rest, with a fifth in reserve."""
        unbalanced = abs(1 - self.balance_share) * self.gravity_nm
        spare = self.motor_limit_nm - unbalanced - self.friction_nm
        return max(0.8 * spare / self.inertia_kg_m2, 0.1 * self.peak_acceleration_rad_s2)

    def effective_mass_kg(self, radius_m: float) -> float:
        """The mass a body at `radius_m` feels, I / r^2."""
        return self.inertia_kg_m2 / radius_m**2

    def contact_at(
        self, angle_rad: float, radius_m: float, stiffness_n_m: float = INSTRUMENT_STIFFNESS_N_M
    ) -> ContactPoint:
        """The contact of the arm's edge with a body of this stiffness: two springs in series."""
        stiffness = stiffness_n_m
        if self.edge_stiffness_n_m is not None:
            stiffness = 1 / (1 / stiffness_n_m + 1 / self.edge_stiffness_n_m)
        critical = 2 * math.sqrt(stiffness * self.effective_mass_kg(radius_m))
        damping = self.contact_damping_ratio * critical
        return ContactPoint(angle_rad, radius_m, stiffness, damping)

    def contact_with(self, obstacle: Obstacle) -> ContactPoint | None:
        """Where the closing arm first touches the obstacle, or None if it passes clear.

        A body higher than the pivot is met at its near upper corner; if the arm is too short to
        reach that corner, its tip meets the near side. A lower or farther body is never met.
        """
        over_m = obstacle.height_m - self.pivot_height_m
        if over_m <= 0 or obstacle.near_m >= self.length_m:
            return None
        near_m = max(obstacle.near_m, 0.05)
        angle = math.atan2(over_m, near_m)
        radius = math.hypot(over_m, near_m)
        if radius > self.length_m:
            angle, radius = math.acos(near_m / self.length_m), self.length_m
        if angle >= self.travel_rad:
            return None  # an open arm never touches what passes beside it
        return self.contact_at(angle, radius, obstacle.stiffness_n_m)
