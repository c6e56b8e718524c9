"""Words of a sky-rail's carrier: its parameters and its fault menu."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from twin.devices.base import FaultKind, worn_fault
from twin.devices.igv_words import FAULTS as IGV_FAULTS
from twin.devices.igv_words import IgvParameters
from twin.devices.sky_rail_wear import PARTS
from twin.devices.wear import WORN
from twin.physics import EnergyParameters
from twin.physics.rail_parameters import RAIL_ENERGY, RailCarrierParameters


@dataclass(frozen=True, slots=True)
class SkyRailParameters(IgvParameters):
    """One carrier; what the car itself is stands in `vehicle`. All are estimates.

    - ``fixed_m``, ``dock_m``: a rail leaves one direction; its position codes are read to 5 mm.
    - ``pick_s``, ``drop_s``: for the factsheet only, rounded up; what they take follows from the
      hoist and the table.
    - ``lift_m``: from a box on its table to where it is locked below the car for the way.
    - ``hoist_m_s``, ``hoist_empty_m_s``, ``hoist_m_s2``: speeds with and without a box.
    - ``spreader_kg``: what the hoist lifts without a box.
    - ``lock_s``: turning and checking four twist-locks.
    - ``table_m``, ``table_m_s``, ``table_m_s2``: the table's way under the rail.
    - ``table_wait_s``: how long it waits for a crane that is down over the table.
    - ``sway_limit_m``: the hoist lowers when the box swings less than this.
    - ``hoist_efficiency``: from the current to what is lifted; lowering gives nothing back.
    - ``buffer_s``: how long control and radio live without current.
    - ``rescue_call_s``: from a breakdown until the back-up drive is engaged; ``rescue_m_s``: its
      speed; ``repair_s``: from where its order has ended until its drive is whole again.
    - ``gap_m``: kept to what is on the rail, or to a switch that is not safe.
    """

    vehicle: RailCarrierParameters = field(default_factory=RailCarrierParameters)
    energy: EnergyParameters = RAIL_ENERGY
    fixed_m: float = 0.005
    dock_m: float = 0.005
    prepare_s: float = 0.0
    pick_s: float = 60.0
    drop_s: float = 70.0
    lift_m: float = 6.0
    hoist_m_s: float = 0.25
    hoist_empty_m_s: float = 0.5
    hoist_m_s2: float = 0.2
    spreader_kg: float = 3_000.0
    lock_s: float = 5.0
    table_m: float = 4.5
    table_m_s: float = 0.5
    table_m_s2: float = 0.3
    table_wait_s: float = 120.0
    sway_limit_m: float = 0.03
    hoist_efficiency: float = 0.8
    buffer_s: float = 1800.0
    rescue_call_s: float = 300.0
    rescue_m_s: float = 1.0
    repair_s: float = 900.0
    gap_m: float = 10.0
    spots: tuple[str, ...] = ("spreader",)


def travel_s(way_m: float, speed_m_s: float, gain_m_s2: float) -> float:
    """Time of a move from rest to rest: a trapezoid of speed, or a triangle if the way is short."""
    if way_m * gain_m_s2 < speed_m_s * speed_m_s:
        return 2.0 * float((way_m / gain_m_s2) ** 0.5)
    return way_m / speed_m_s + speed_m_s / gain_m_s2


_SAME = (
    "blocked_path", "field_violation", "e_stop", "remote_stop", "motor_fault", "slow",
    "network_silence", "stuck_action", "failed_action",
)  # fmt: skip

FAULTS: Mapping[str, FaultKind] = {
    **{kind: IGV_FAULTS[kind] for kind in _SAME},
    "localization_lost": FaultKind(
        "localization_lost", "The position codes cannot be read: a controlled stop."
    ),
    "collector_lost": FaultKind(
        "collector_lost", "Its current collector has no contact: brakes fall in, nobody else's."
    ),
    "breakdown": FaultKind(
        "breakdown",
        "The drive fails for good: it stays until the back-up drive is engaged, and creeps on.",
    ),
    "hoist_fault": FaultKind(
        "hoist_fault", "The hoist's drive trips: what it is doing stands still until it is reset."
    ),
    "lock_fault": FaultKind(
        "lock_fault", "A twist-lock does not turn: picking and dropping fail at the locks."
    ),
    WORN: worn_fault(PARTS),
}
"""The fault menu of every carrier; what stops all of them is in that of the line."""
