"""What a driverless container carrier (IGV) is: its size, masses, drive, brakes and steering.

"Proposed" marks a figure proposed for such vehicles in general, for want of a data sheet of the
vehicles at this gate; *estimate* marks an assumed one. All of them are parameters of a site.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import StrEnum

from twin.physics.parameters import GRAVITY_M_S2, PhysicsError

AIR_KG_M3 = 1.184
"""Dry air at 25 °C and sea level (ICAO standard atmosphere, ideal gas)."""


class BrakeKind(StrEnum):
    """How hard a vehicle is asked to stop.

    ``service``: the drive's own, jerk-limited. ``protective``: the safety field was entered.
    ``emergency``: every brake falls in; force, not deceleration, is what it has.
    """

    SERVICE = "service"
    PROTECTIVE = "protective"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class Surface:
    """A road surface: the friction of rubber on it and what rolling costs."""

    name: str
    friction: float
    rolling: float = 0.006

    def __post_init__(self) -> None:
        if not 0 < self.friction <= 1.5:
            raise PhysicsError(f"surface {self.name}: friction is {self.friction}; above 0 to 1.5")


DRY = Surface("dry", 0.7)
"""Rubber on dry concrete (estimate). Rolling 0.006 (estimate): with an efficiency of 0.85 it gives
the 1.9 kWh/km of a loaded vehicle."""

WET = Surface("wet", 0.42)
"""The wet bridge deck: 0.6 times the dry friction (proposed)."""


@dataclass(frozen=True, slots=True)
class Slope:
    """A stretch of constant grade (rise over run); a positive one climbs."""

    from_m: float
    to_m: float
    grade: float


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the road and the weather do; `wind_to_rad` is where the wind blows to, in the map."""

    surface: Surface = DRY
    slopes: tuple[Slope, ...] = ()
    wind_m_s: float = 0.0
    wind_to_rad: float = 0.0

    def grade_at(self, at_m: float) -> float:
        """The grade at a place, 0 where none is given."""
        for slope in self.slopes:
            if slope.from_m <= at_m < slope.to_m:
                return slope.grade
        return 0.0

    @property
    def steepest(self) -> tuple[float, float]:
        """The steepest climb and the steepest fall (0 or below)."""
        grades = [slope.grade for slope in self.slopes]
        return max([0.0, *grades]), min([0.0, *grades])


CALM = Conditions()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one vehicle with one load may do on one road, before any sign says less."""

    speed_m_s: float
    acceleration_m_s2: float
    braking_m_s2: float
    jerk_m_s3: float


@dataclass(frozen=True, slots=True)
class VehicleParameters:
    """One IGV. SI units.

    - ``length_m`` 15, ``width_m`` 3: proposed. ``height_m`` of the deck 1.6: *estimate*.
    - ``tare_kg`` 27 t: proposed (Hamburg CTA: 26.5 t). ``payload_kg`` 70 t: Ganqimaodu border AGV.
    - ``wheelbase_m``, ``track_m``: *estimates* that give circles of 9.5 m (inner wheels) and 12 m
      (outer wheels), the turning radii proposed for double Ackermann steering.
    - ``steer_rad_s`` 12 °/s, ``steer_lag_s``, ``drive_lag_s``, ``steer_resolution_rad`` 0.1 °, and
      ``stop_near_m``, how near its mark the brake is set: *estimates*.
    - Speeds: cap 25 km/h (Ganqimaodu, VDL), loaded 20 km/h (proposed). A vehicle with anything on
      its deck counts as loaded.
    - ``lateral_m_s2`` 0.75: 3 m/s on the 12 m circle (proposed as the speed in curves).
    - Accelerations 0.35 loaded and 0.5 empty, service braking 0.6, protective 1.5 loaded and 2.0
      empty, jerk 0.5 m/s³, reaction 0.5 s: proposed. ``protective_jerk_m_s3``: *estimate*.
    - Emergency: braking force for 3.5 m/s² with payload and no more than 5 m/s² empty, jerk and
      reaction: *estimates*. The tyres may have less.
    - ``drive_force_n``, ``drive_power_w``: *estimates*; a flat road never reaches them, and
      70 t go up 9 % (the Westwell Q-Truck claims 15 %).
    - ``front_m2``, ``side_m2``: *estimates* of the deck alone; a 40 ft high-cube box (ISO 668:
      12.192 x 2.438 x 2.896 m) adds its own. ``drag`` 1.1: a blunt box (estimate).
    - ``gravity_height_m`` of the empty vehicle and of a box's load above the deck: *estimates*.
    """

    length_m: float = 15.0
    width_m: float = 3.0
    height_m: float = 1.6
    tare_kg: float = 27_000.0
    payload_kg: float = 70_000.0
    wheelbase_m: float = 8.1
    track_m: float = 2.7
    wheel_radius_m: float = 0.6
    steer_rad_s: float = math.radians(12.0)
    steer_lag_s: float = 0.15
    steer_resolution_rad: float = math.radians(0.1)
    stop_near_m: float = 0.01
    drive_lag_s: float = 0.1
    speed_cap_m_s: float = 25 / 3.6
    loaded_speed_m_s: float = 20 / 3.6
    lateral_m_s2: float = 0.75
    acceleration_m_s2: float = 0.5
    loaded_acceleration_m_s2: float = 0.35
    service_m_s2: float = 0.6
    jerk_m_s3: float = 0.5
    protective_m_s2: float = 2.0
    loaded_protective_m_s2: float = 1.5
    protective_jerk_m_s3: float = 5.0
    protective_reaction_s: float = 0.5
    emergency_m_s2: float = 5.0
    loaded_emergency_m_s2: float = 3.5
    emergency_jerk_m_s3: float = 20.0
    emergency_reaction_s: float = 0.2
    drive_force_n: float = 100_000.0
    drive_power_w: float = 300_000.0
    drag: float = 1.1
    front_m2: float = 4.5
    side_m2: float = 18.0
    gravity_height_m: float = 0.9
    load_gravity_height_m: float = 1.3

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            reaction = name.endswith(("_reaction_s", "_lag_s"))
            if not (value > 0 or (reaction and value == 0)) or not math.isfinite(value):
                raise PhysicsError(f"vehicle parameter {name} is {value}; it must be above 0")

    @property
    def turning_radius_m(self) -> float:
        """The smallest radius of the vehicle's centre: the outer wheels run on 12 m."""
        return math.sqrt(OUTER_RADIUS_M**2 - (self.wheelbase_m / 2) ** 2) - self.track_m / 2

    def checked_load(self, load_kg: float) -> float:
        """The load, or `PhysicsError` if the vehicle does not carry it."""
        if not 0 <= load_kg <= self.payload_kg:
            raise PhysicsError(
                f"a load of {load_kg:.0f} kg on a vehicle that carries 0 to {self.payload_kg:.0f}"
            )
        return load_kg

    def mass_kg(self, load_kg: float) -> float:
        """Tare and load."""
        return self.tare_kg + self.checked_load(load_kg)

    def yaw_inertia_kg_m2(self, load_kg: float) -> float:
        """About the vertical axis: uniform boxes, the load as long as a 40 ft container."""
        body = self.tare_kg * (self.length_m**2 + self.width_m**2) / 12
        return body + load_kg * (BOX_LENGTH_M**2 + BOX_WIDTH_M**2) / 12

    def mass_height_m(self, load_kg: float) -> float:
        """Height of the centre of gravity over the road."""
        load = load_kg * (self.height_m + self.load_gravity_height_m)
        return (self.tare_kg * self.gravity_height_m + load) / self.mass_kg(load_kg)

    def wind_areas_m2(self, load_kg: float) -> tuple[float, float]:
        """Front and side area, with a high-cube box if anything is loaded."""
        if load_kg <= 0:
            return self.front_m2, self.side_m2
        return (
            self.front_m2 + BOX_WIDTH_M * BOX_HEIGHT_M,
            self.side_m2 + BOX_LENGTH_M * BOX_HEIGHT_M,
        )

    def resistance_n(
        self, load_kg: float, speed_m_s: float, grade: float, head_wind_m_s: float, rolling: float
    ) -> float:
        """Rolling, grade and air against the motion, N; `head_wind_m_s` blows against it."""
        weight = self.mass_kg(load_kg) * GRAVITY_M_S2
        steep = math.hypot(1.0, grade)
        air = speed_m_s + head_wind_m_s
        drag = 0.5 * AIR_KG_M3 * self.drag * self.wind_areas_m2(load_kg)[0] * air * abs(air)
        return weight * (rolling + grade) / steep + drag

    def braking_m_s2(self, kind: BrakeKind, load_kg: float, conditions: Conditions = CALM) -> float:
        """Deceleration of one kind of braking on this road.

        Service and protective braking are closed loops and give what they promise as long as the
        tyres hold; the emergency brakes give a force, which the grade adds to or takes from.
        """
        loaded = load_kg > 0
        fall = conditions.steepest[1]
        steep = math.hypot(1.0, fall)
        grip = GRAVITY_M_S2 * (conditions.surface.friction + fall) / steep
        if grip <= 0.05:
            raise PhysicsError(
                f"no brake holds on {conditions.surface.name} ground (friction "
                f"{conditions.surface.friction}) falling at {-fall:.1%}"
            )
        if kind is BrakeKind.SERVICE:
            return min(self.service_m_s2, grip)
        if kind is BrakeKind.PROTECTIVE:
            return min(self.loaded_protective_m_s2 if loaded else self.protective_m_s2, grip)
        own = self.emergency_force_n(load_kg) / self.mass_kg(load_kg)
        return min(own + GRAVITY_M_S2 * fall / steep, grip)

    def emergency_force_n(self, load_kg: float) -> float:
        """What all brakes together give: built for the payload, eased on an empty vehicle."""
        built = self.loaded_emergency_m_s2 * (self.tare_kg + self.payload_kg)
        return min(built, self.emergency_m_s2 * self.mass_kg(load_kg))

    def jerk_of(self, kind: BrakeKind) -> tuple[float, float]:
        """Jerk (m/s³) and reaction time (s) of one kind of braking."""
        if kind is BrakeKind.SERVICE:
            return self.jerk_m_s3, 0.0
        if kind is BrakeKind.PROTECTIVE:
            return self.protective_jerk_m_s3, self.protective_reaction_s
        return self.emergency_jerk_m_s3, self.emergency_reaction_s

    def limits(self, load_kg: float, conditions: Conditions = CALM) -> Limits:
        """What this vehicle does with this load on this road.

        On the steepest climb against the wind the drive must still give the acceleration at top
        speed, with the force, the power and the grip that it has; speed and acceleration are
        lowered until it does.
        """
        self.checked_load(load_kg)
        loaded = load_kg > 0
        speed = min(self.speed_cap_m_s, self.loaded_speed_m_s if loaded else self.speed_cap_m_s)
        wished = self.loaded_acceleration_m_s2 if loaded else self.acceleration_m_s2
        climb = conditions.steepest[0]
        surface = conditions.surface
        mass = self.mass_kg(load_kg)
        grip_n = surface.friction * mass * GRAVITY_M_S2 / math.hypot(1.0, climb)
        while True:
            load_n = self.resistance_n(
                load_kg, speed, climb, abs(conditions.wind_m_s), surface.rolling
            )
            force_n = min(self.drive_force_n, self.drive_power_w / speed, grip_n)
            spare = (force_n - load_n) / mass
            if spare >= min(wished, _LEAST_M_S2):
                break
            speed *= 0.95
            if speed < _CRAWL_M_S:
                raise PhysicsError(
                    f"a vehicle of {mass:.0f} kg does not climb {climb:.1%} on {surface.name} "
                    f"ground against {abs(conditions.wind_m_s):g} m/s: it needs {load_n:.0f} N "
                    f"and has {force_n:.0f} N"
                )
        braking = self.braking_m_s2(BrakeKind.SERVICE, load_kg, conditions)
        return Limits(speed, min(wished, spare), braking, self.jerk_m_s3)


OUTER_RADIUS_M = 12.0
"""Turning radius of the outer wheels (proposed)."""
BOX_LENGTH_M, BOX_WIDTH_M, BOX_HEIGHT_M = 12.192, 2.438, 2.896
"""A 40 ft high-cube container, ISO 668."""
_LEAST_M_S2 = 0.1
"""A drive that accelerates less than this on a climb goes slower instead (estimate)."""
_CRAWL_M_S = 0.3
