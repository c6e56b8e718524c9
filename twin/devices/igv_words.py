"""Words of a driverless container vehicle: modes, stops, alarms, parameters, its fault menu."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from twin.devices.base import FaultKind, Parameter
from twin.physics import EnergyParameters, VehicleParameters


class Mode(Enum):
    """Who is in control."""

    STARTUP = "STARTUP"
    AUTOMATIC = "AUTOMATIC"
    SEMIAUTOMATIC = "SEMIAUTOMATIC"
    INTERVENED = "INTERVENED"
    MANUAL = "MANUAL"
    SERVICE = "SERVICE"
    TEACH_IN = "TEACH_IN"


DRIVES_ITSELF = frozenset({Mode.AUTOMATIC, Mode.SEMIAUTOMATIC})


class StopKind(Enum):
    """Which emergency stop is pressed, by how it is acknowledged."""

    NONE = "NONE"
    AUTOACK = "AUTOACK"
    MANUAL = "MANUAL"
    REMOTE = "REMOTE"


class Alarm(Enum):
    """What the vehicle knows to be wrong with itself."""

    LOCALIZATION = "localization"
    DRIVE_FAULT = "drive_fault"
    PATH_BLOCKED = "path_blocked"
    LOAD_LOST = "load_lost"
    LOW_BATTERY = "low_battery"
    BATTERY_EMPTY = "battery_empty"
    OUTSIDE_CORRIDOR = "outside_corridor"
    NODE_UNREACHABLE = "node_unreachable"
    EMERGENCY_STOP = "emergency_stop"
    POWER_LOST = "power_lost"
    HOIST_FAULT = "hoist_fault"
    LOCK_FAULT = "lock_fault"
    WIND = "wind"
    BACKUP_DRIVE = "backup_drive"


class Fix(Enum):
    """What the position rests on, the best first."""

    FIXED = "fixed"
    FLOAT = "float"
    DEAD_RECKONING = "dead_reckoning"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Way:
    """One leg of a route: how to get to a node, and what holds on the way.

    `points` lead from the last node (exclusive) to this one (inclusive), m; `courses_rad` are the
    tangents at the last node and at each point of a curve, empty for straight lines. `key` is told
    when the node is passed. `deviation_m`: how far from the node a rounded corner may pass.
    `corridor_m`: free width to the left and right. `travel_rad`: the body's heading minus the
    direction of travel, None for what is nearest (forwards or backwards).
    """

    key: int
    points: tuple[tuple[float, float], ...]
    courses_rad: tuple[float, ...] = ()
    speed_m_s: float | None = None
    deviation_m: float = 0.0
    corridor_m: tuple[float, float] | None = None
    travel_rad: float | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """What kind of vehicle it is, in the words of a VDA 5050 factsheet.

    `kinematics`: in 2.x and in 3.0.
    """

    series: str
    description: str
    kinematics: tuple[str, str]
    localization: tuple[str, ...]
    navigation: tuple[str, ...]
    steered: bool = True


IGV_BUILD = Build(
    series="gatetwin container IGV",
    description="flat bed for two 20 ft boxes or one of 40 ft, double Ackermann",
    kinematics=("OMNI", "OMNIDIRECTIONAL"),
    localization=("NATURAL",),
    navigation=("VIRTUAL_LINE_GUIDED",),
)


@dataclass(frozen=True, slots=True)
class IgvParameters:
    """One vehicle. What the bodywork can do is in `vehicle` and `energy`.

    Proposed figures are those of the project's fact sheet for container IGVs (no vendor publishes
    them); all others are estimates, so all can be set.

    - ``fixed_m``, ``float_m``: error of the position, one sigma: 2 cm with RTK, 0.2 m without its
      fixed solution (proposed: 10 to 30 cm). ``drift``: of the distance without any (proposed).
    - ``drift_limit_m``: on dead reckoning it goes on until the error may be this: half of what a
      lane of 4 m leaves beside a body of 3 m. ``unsure_m_s``: its speed without a fixed solution;
      from 3 m/s it stands within 10 m (proposed bound of a minimal-risk stop). Both estimates.
    - ``lost_m``: an error beyond this is no localization (estimate).
    - ``dock_m``: error of a stop, one sigma: ±3 cm nominal (Yangshan trucks) taken as two sigma.
      ``dock_limit_m``: a crane does not set down beyond ±5 cm (proposed).
    - ``tolerance_m``: this near a node it stands on it.
    - ``pick_s``, ``drop_s``, ``prepare_s``: twist-locks and checks of a box set down or lifted;
      ``position_s``, ``detect_s``: fine positioning, detecting an object (estimates).
    - ``charge_start_s``: contact with a charger; ``download_s``: a map, by its size (estimates).
    - ``gap_m``: kept to an obstacle on the path. ``blocked_s``: waits this long before it tells.
    - ``base_m``: asks for more base when less than braking distance and this is left.
    - ``boot_s``: from power to AUTOMATIC.
    - ``field_restart``: whether it goes on by itself when its protective field is free again.
      ISO 3691-4 forbids that after an emergency stop; after a field it depends on the field.
    """

    vehicle: VehicleParameters = field(default_factory=VehicleParameters)
    energy: EnergyParameters = field(default_factory=EnergyParameters)
    fixed_m: float = 0.02
    float_m: float = 0.2
    drift: float = 0.005
    drift_limit_m: float = 0.5
    unsure_m_s: float = 3.0
    lost_m: float = 3.0
    dock_m: float = 0.015
    dock_limit_m: float = 0.05
    tolerance_m: float = 0.5
    prepare_s: float = 5.0
    pick_s: float = 40.0
    drop_s: float = 40.0
    position_s: float = 15.0
    detect_s: float = 5.0
    charge_start_s: float = 10.0
    download_s: float = 20.0
    log_s: float = 5.0
    gap_m: float = 5.0
    blocked_s: float = 10.0
    base_m: float = 15.0
    boot_s: float = 60.0
    field_restart: bool = False
    spots: tuple[str, ...] = ("front", "rear")
    """Where boxes stand; a 40 ft box takes both."""


FAULTS: Mapping[str, FaultKind] = {
    fault.kind: fault
    for fault in (
        FaultKind(
            "blocked_path",
            "Something stands on the path: it stops before it and goes on when it is gone.",
            {"ahead_m": Parameter(30.0, "m", 0.0, 500.0, doc="distance when it appears")},
        ),
        FaultKind(
            "field_violation",
            "Something is in the protective field: protective stop, no restart by itself.",
        ),
        FaultKind("e_stop", "The emergency stop at the vehicle is pressed; healing releases it."),
        FaultKind(
            "remote_stop", "The emergency stop of the facility is pressed; healing releases it."
        ),
        FaultKind("localization_lost", "The position is lost: a controlled stop."),
        FaultKind(
            "gnss",
            "The position gets worse.",
            {"fix": Parameter("float", choices=("float", "dead_reckoning"), doc="what is left")},
        ),
        FaultKind(
            "off_track",
            "The vehicle runs beside its path.",
            {"offset_m": Parameter(1.0, "m", -20.0, 20.0, doc="to the left")},
        ),
        FaultKind("motor_fault", "The drive fails: it brakes to a stop and stays."),
        FaultKind("breakdown", "The drive fails for good: it stays until it is towed away."),
        FaultKind(
            "slow",
            "The drive gives a fraction of its speed.",
            {"factor": Parameter(0.4, "", 0.05, 1.0, doc="share of the nominal speed")},
        ),
        FaultKind("load_lost", "The load comes off; protective stop."),
        FaultKind(
            "battery_dead",
            "The battery is empty: brakes fall in, no radio; healing swaps it.",
        ),
        FaultKind(
            "battery_low",
            "The charge is lower than it was.",
            {"charge": Parameter(0.15, "", 0.0, 1.0, doc="share of the capacity")},
        ),
        FaultKind("network_silence", "The radio is dead, the vehicle is not."),
        FaultKind("stuck_action", "What runs or begins does not come to an end."),
        FaultKind(
            "failed_action",
            "What runs or begins fails.",
            {"reason": Parameter("the load is not there", doc="as reported")},
        ),
        FaultKind(
            "clock_offset",
            "Its clock is wrong: the time stamps of its messages are.",
            {"offset_s": Parameter(3600.0, "s", -86_400.0, 86_400.0, doc="ahead of true time")},
        ),
        FaultKind("wrong_map", "The map on board is of another version than the site's."),
    )
}
"""The fault menu of every vehicle."""
