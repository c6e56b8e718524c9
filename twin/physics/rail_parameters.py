"""What a suspended carrier on an overhead rail is: sizes, masses, drive, brakes, how its box hangs.

What is published of container sky-rails is little: the demonstration line at Qingdao is 620 m long,
carries about 60,000 TEU a year, and its cars lift containers themselves and hand them to trucks,
AGVs and IGVs (Shandong Port Group and CRRC, June 2021). No speed, mass or headway of its cars has
been published. Passenger cars on suspended monorails run 60 km/h (Chengdu, 2016) to 70 km/h
(Qingdao, 2017); a car with 36 t of box below it is assumed to run half of that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from twin.physics.energy import EnergyParameters
from twin.physics.parameters import PhysicsError
from twin.physics.vehicle_parameters import VehicleParameters


@dataclass(frozen=True, slots=True)
class RailCarrierParameters(VehicleParameters):
    """One car of a sky-rail, SI units; the names are those of a vehicle on the ground.

    - ``length_m`` 13, ``width_m`` 2.6: a 40 ft box (ISO 668) and its buffers, *estimate*;
      ``height_m`` of the car without a box, *estimate*.
    - ``tare_kg`` 16 t with two bogies, hoist and spreader: *estimate*. ``payload_kg`` 36 t: the
      rating of a series 1 container (ISO 668:2020).
    - ``speed_cap_m_s`` 30 km/h empty and loaded: *estimate*, half of a passenger car's.
    - ``acceleration_m_s2``, ``service_m_s2`` 0.5 and ``jerk_m_s3`` 0.3: *estimates*, so that a box
      swings 0.13 m to either side after a stop.
    - ``protective_m_s2`` 1.0, ``emergency_m_s2`` 1.5: *estimates*; harder, a box of 36 t swings
      more than its guides let it.
    - ``lateral_m_s2`` 0.75: as for IGVs; the car leans 4.4° into the curve.
    - ``rail_radius_m`` 18: the tightest curve of the rail, *estimate*.
    - ``pivot_m`` 4: from the bogies' pins to the centre of gravity of car and box, *estimate*.
      ``sway_damping`` 0.1 of critical by the dampers of the hanger, *estimate*.
    - ``drive_force_n``, ``drive_power_w``: *estimates*, so that a full car keeps its acceleration
      on the level.
    - ``front_m2``, ``side_m2`` of a car without box: *estimates*.
    """

    length_m: float = 13.0
    width_m: float = 2.6
    height_m: float = 2.5
    tare_kg: float = 16_000.0
    payload_kg: float = 36_000.0
    wheelbase_m: float = 8.0
    track_m: float = 0.6
    wheel_radius_m: float = 0.25
    speed_cap_m_s: float = 30 / 3.6
    loaded_speed_m_s: float = 30 / 3.6
    acceleration_m_s2: float = 0.5
    loaded_acceleration_m_s2: float = 0.5
    service_m_s2: float = 0.5
    jerk_m_s3: float = 0.3
    protective_m_s2: float = 1.0
    loaded_protective_m_s2: float = 1.0
    protective_jerk_m_s3: float = 2.0
    emergency_m_s2: float = 1.5
    loaded_emergency_m_s2: float = 1.5
    emergency_jerk_m_s3: float = 5.0
    drive_force_n: float = 60_000.0
    drive_power_w: float = 400_000.0
    front_m2: float = 4.0
    side_m2: float = 12.0
    rail_radius_m: float = 18.0
    pivot_m: float = 4.0
    sway_damping: float = 0.1

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            reaction = name.endswith(("_reaction_s", "_lag_s"))
            if not (value > 0 or (reaction and value == 0)) or not math.isfinite(value):
                raise PhysicsError(f"rail carrier parameter {name} is {value}; it must be above 0")
        if self.sway_damping >= 1:
            raise PhysicsError(
                f"rail carrier parameter sway_damping is {self.sway_damping}; it must be below 1"
            )

    @property
    def turning_radius_m(self) -> float:
        """The tightest curve of the rail."""
        return self.rail_radius_m


RAIL_ENERGY = EnergyParameters(
    capacity_kwh=1.0, loaded_kwh_km=0.95, empty_kwh_km=0.6, loaded_at_kg=36_000.0, base_kw=2.0,
    low=0.2, critical=0.1,
)  # fmt: skip
"""From the current collector: there is no battery, and ``capacity_kwh`` is not used. Driving takes
half of what an IGV takes: "about 50 % less energy" is claimed for Qingdao, against trucks (Shandong
Port Group, 2021), so this is an *estimate*. ``low`` and ``critical`` are shares of the time that
the control's buffer lasts."""
