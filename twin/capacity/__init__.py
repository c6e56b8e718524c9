"""The capacity tier: how many vehicles, cranes and lanes a demand needs, without any wire.

A SimPy model of the closed lane under an ideal policy: boxes become ready on either side, a crane
lifts them onto a driverless vehicle (IGV), which crosses the bridge and is unloaded by a crane on
the far side. Durations and energy come from where they are modelled in full: ways from the
kinematic drive, energy from the battery, moves from the emulated crane. docs/capacity.md says what
is assumed.
"""

from __future__ import annotations

from twin.capacity.evaluate import Evaluation, Flow
from twin.capacity.model import Run, simulate
from twin.capacity.plan import Part, Plan, SizingError, plan_for, without
from twin.capacity.size import Sizing, Target, find_fleet
from twin.capacity.times import Times, times_of

__all__ = [
    "Evaluation",
    "Flow",
    "Part",
    "Plan",
    "Run",
    "Sizing",
    "SizingError",
    "Target",
    "Times",
    "find_fleet",
    "plan_for",
    "simulate",
    "times_of",
    "without",
]
