"""What is declared of a barrier (PICS), and how it is to be tested (PIXIT)."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec

from hil.papers import ModbusPics, ModbusPixit, Seconds, Secret

PAD_SHARE = 0.9
"""The force instrument stands at this share of the arm's length from the pivot."""


class BarrierPics(ModbusPics, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a barrier is declared to do; every item must be answered."""

    device_is_io: bool
    """The wire belongs to a remote I/O module with relays, not to the barrier's controller."""
    status_register: bool
    position_feedback: bool
    operation_counter: bool
    firmware_register: bool
    stop_command: bool
    partial_open: bool
    safety_input: bool
    """A free-action input (photocell, loop) that forbids downward motion."""
    emergency_stop: bool
    obstacle_detection: bool
    force_limited: bool
    """Falls under the force limits: no non-contact protection keeps people out."""
    power_controllable: bool
    """The bench can cut the power."""
    manual_release: bool
    watchdog: bool
    """Takes a fall-back when its master is silent."""


class BarrierPixit(ModbusPixit, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this barrier is to be tested: declared times and the bench's own numbers."""

    opening_s: Seconds
    closing_s: Seconds
    calibration_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = 0.0
    """Extra time of the first move after power returned."""
    watchdog_s: Seconds = 10.0
    counts_per_cycle: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1
    """How much the operation counter rises per opening and closing."""
    arm_length_m: Annotated[float, msgspec.Meta(gt=0.5, le=10)]
    pad_gaps_mm: Annotated[
        list[Annotated[float, msgspec.Meta(ge=20, le=2000)]], msgspec.Meta(min_length=1)
    ] = msgspec.field(default_factory=lambda: [50.0, 300.0, 500.0])
    """Where the force instrument stands: openings under the edge at nine tenths of the arm;
    50, 300 and 500 mm is what test houses quote from EN 12453."""
    service_password: Secret = ""
    """For vendors whose service interface needs one; never written to evidence."""


def pad_angle_deg(pixit: BarrierPixit, gap_mm: float) -> float:
    """The arm's angle when its edge is `gap_mm` above closed, at the instrument's place."""
    return math.degrees(math.asin(gap_mm / 1000 / (PAD_SHARE * pixit.arm_length_m)))
