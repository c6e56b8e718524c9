"""What wear does to a barrier: dry bearings, a tired balance spring, and so a slower arm.

The motor is a direct-current machine or is driven like one: on its straight line of speed over
torque, each newton metre more that it has to carry costs it speed. Nothing here is published for
a barrier; the figures are estimates, the shape is mechanics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from twin.devices.wear import Part
from twin.physics import ArmParameters

PARTS: Mapping[str, Part] = {
    "drive": Part(
        "cycles",
        2_000_000,
        "estimate: makers rate barriers for continuous use at 1 to 10 million cycles",
    ),
}
"""A cycle is one opening and one closing; an operation of the counters is half of it."""


@dataclass(frozen=True, slots=True)
class DriveWear:
    """At the end of the rated life; both grow in proportion to the share. Estimates.

    - ``friction_factor``: dry friction of bearing and gear against that of a new arm.
    - ``spring_loss``: share of its pull that the balance spring has lost (fatigue, relaxation).
    """

    friction_factor: float = 3.0
    spring_loss: float = 0.08


def worn_arm(new: ArmParameters, share: float, wear: DriveWear) -> ArmParameters:
    """The arm at this share of its life; motor and brake stay those that the new one got."""
    return replace(
        new,
        friction_nm=new.friction_nm * (1 + (wear.friction_factor - 1) * share),
        balance_share=new.balance_share * (1 - wear.spring_loss * share),
        motor_torque_nm=new.motor_limit_nm,
        brake_torque_nm=new.brake_limit_nm,
    )


def load_nm(arm: ArmParameters) -> float:
    """What the motor carries to lift a closed arm slowly: friction and unbalanced gravity."""
    return arm.friction_nm + abs(1 - arm.balance_share) * arm.gravity_nm


def motor_load(arm: ArmParameters) -> float:
    """`load_nm` as a share of the motor's limit; a motor's current follows its torque."""
    return load_nm(arm) / arm.motor_limit_nm


def pace(new: ArmParameters, worn: ArmParameters) -> float:
    """Speed of the worn arm against the new one, on the motor's line of speed over torque.

    In thousandths: a new drive runs at exactly 1, and the same plan serves for many moves.
    """
    stall_nm = new.motor_limit_nm
    factor = (stall_nm - load_nm(worn)) / (stall_nm - load_nm(new))
    return round(max(0.05, factor), 3)
