"""The words, figures and faults of a barrier's controller, apart from what it does with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from twin.devices.barrier_wear import PARTS, DriveWear
from twin.devices.base import FaultKind, Parameter, worn_fault


class GateStatus(StrEnum):
    """What the controller believes; the words of the CAME GARD register map, 803XC-0020."""

    UNKNOWN = "unknown"
    CALIBRATING = "calibrating"
    OPEN = "open"
    CLOSED = "closed"
    PARTIAL_OPEN = "partial_open"
    STOPPED = "stopped"
    OPENING = "opening"
    CLOSING = "closing"
    PARTIAL_OPENING = "partial_opening"


class BarrierError(IntEnum):
    """Codes of `last_error`. No public map lists a vendor's codes: these are ours (estimate)."""

    NONE = 0
    OBSTACLE = 1
    DRIVE_BLOCKED = 2
    RUN_TIME = 3
    LIMIT_SWITCHES = 4
    POWER_FAILED = 5


COMMANDS = ("stop", "open", "partial_open", "close", "step", "sequential", "reset")
"""Every command point, for wires, test strategies and state machines."""

CONTACTS = ("open", "close", "stop")
"""The dry-contact inputs of the controller, for relays and push-buttons."""

MOVING = frozenset(
    {GateStatus.OPENING, GateStatus.CLOSING, GateStatus.PARTIAL_OPENING, GateStatus.CALIBRATING}
)
"""The states in which the motor runs."""


@dataclass(frozen=True, slots=True)
class BarrierParameters:
    """One controller. No vendor publishes these figures: all are estimates, so all can be set.

    - ``start_s``: from a command to the motor's start.
    - ``input_s``: inputs and dry contacts shorter than this are not noticed.
    - ``reversal_s``: from detecting an obstacle to driving up again; 60 ms is what reference
      measurements of current-sensing drives assume.
    - ``partial_percent``: where a partial opening ends.
    - ``run_time_factor``: the motor is switched off after this multiple of the travel time.
    - ``auto_close_s``: close by itself this long after opening; 0 is off.
    - ``calibrated``: knows its ends at the start of the run; if False, the first move to an end
      is slow (``calibration_speed``) and shows as calibrating.
    - ``ambient_c``, ``heating_c``, ``cooling_s``: the board warms by `heating_c` per move and
      cools with this time constant.
    - ``wear``: what the end of its rated life does to the drive.
    """

    start_s: float = 0.15
    input_s: float = 0.02
    reversal_s: float = 0.06
    partial_percent: float = 50.0
    run_time_factor: float = 1.5
    auto_close_s: float = 0.0
    calibrated: bool = True
    calibration_speed: float = 0.4
    ambient_c: float = 28.0
    heating_c: float = 0.4
    cooling_s: float = 900.0
    board_id: int = 0x0130
    firmware: tuple[int, int, int] = (1, 4, 0)
    serial: str = "GT-0000000001"
    wear: DriveWear = field(default_factory=DriveWear)


FAULTS: Mapping[str, FaultKind] = {
    fault.kind: fault
    for fault in (
        FaultKind("stuck", "The arm is jammed where it stands; the motor strains and gives up."),
        FaultKind(
            "slow",
            "The drive runs at a fraction of its speed.",
            {"factor": Parameter(0.4, "", 0.05, 1.0, doc="share of the nominal speed")},
        ),
        FaultKind(
            "limit_switch_dead",
            "A limit switch never closes.",
            {"which": Parameter("both", choices=("open", "closed", "both"), doc="which switch")},
        ),
        FaultKind(
            "ok_but_no_motion",
            "Commands are accepted and answered, and the motor does not run (field reports of "
            "status OK while a relay is locked).",
        ),
        FaultKind(
            "reversal_late",
            "An obstacle is noticed, the reversal comes late.",
            {"delay_s": Parameter(1.0, "s", 0.0, 60.0, doc="added to the reversal delay")},
        ),
        FaultKind("no_reversal", "An obstacle is not noticed; the motor goes on pushing."),
        FaultKind("power_cut", "No mains: the controller is dead, the brake decides."),
        FaultKind("no_position_feedback", "The encoder is lost: the position is unknown."),
        FaultKind("counter_sticky", "The operation counters no longer count."),
        worn_fault(PARTS),
    )
}
"""The fault menu of every barrier."""
