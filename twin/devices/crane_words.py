"""The words of a container crane: modes, steps, what can stop it, and its own data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from twin.devices.wear import Part
from twin.errors import GateTwinError


class CraneMode(IntEnum):
    """How the crane is operated; numbers of CraneOperationalModeEnum (OPC 40020-1, 8.1)."""

    OTHER = 0
    MANUAL = 1
    SEMIAUTOMATIC = 2
    FULLAUTOMATIC = 3
    BYPASS_ON = 4
    MAINTENANCE = 5


class MissionState(IntEnum):
    """Where a mission stands."""

    NONE = 0
    RUNNING = 1
    SUSPENDED = 2
    DONE = 3
    FAILED = 4
    CANCELLED = 5


class Step(IntEnum):
    """What the crane does in its move cycle."""

    IDLE = 0
    RAISE = 1
    TRAVEL_TO_PICK = 2
    LOWER_TO_PICK = 3
    IDENTIFY = 4
    LOCK = 5
    WEIGH = 6
    HOIST = 7
    TRAVEL_TO_SET = 8
    LOWER_TO_SET = 9
    UNLOCK = 10
    PUT_BACK = 11


class Trouble(IntEnum):
    """Why a mission stopped or failed."""

    NONE = 0
    STOPPED = 1
    EMERGENCY_STOP = 2
    POWER = 3
    WIND = 4
    OVERLOAD = 5
    SLACK_ROPE = 6
    TWIST_LOCK = 7
    MISALIGNED = 8
    WRONG_BOX = 9
    UNREADABLE = 10
    NO_BOX = 11
    OCCUPIED = 12
    SWAY = 13
    DRIVE = 14
    CARRIER_HELD = 15


class Protection(Enum):
    """Protective functions; the value is the name on the wire."""

    EMERGENCY_STOP = "EmergencyStop"
    WIND = "WindLimiter"
    OVERLOAD = "RatedCapacityLimiter"
    SLACK_ROPE = "SlackRopeLimiter"
    TWIST_LOCK = "TwistLockInterlock"


LATCHED = frozenset({Protection.OVERLOAD, Protection.SLACK_ROPE})
"""These stay until `reset`; the others go with their reason."""

STOPPING = {
    Trouble.STOPPED, Trouble.EMERGENCY_STOP, Trouble.POWER, Trouble.WIND, Trouble.SLACK_ROPE,
    Trouble.DRIVE,
}  # fmt: skip
"""These suspend a mission, which `resume` takes up again; all others end it as failed."""


PARTS = {
    "hoist": Part("cycles at rated load", 2_000_000.0, "class U7 of ISO 4301-1"),
    "brakes": Part("emergency brakings", 10_000.0, "estimate"),
}
"""A cycle counts by (load/rated)³, as the load spectrum factor of ISO 12482 does."""

WORN_BRAKING = 0.3
"""Brakes at the end of their rated life brake this much less hard (*estimate*)."""


class CraneError(GateTwinError):
    """An order that the crane refuses, with the reason in words."""


@dataclass(frozen=True, slots=True)
class Mission:
    """Take this box from there and set it there."""

    id: str
    box: str
    from_place: str
    to_place: str
    declared_kg: float = 0.0
    """What the box should weigh; 0 if nobody knows."""


@dataclass(frozen=True, slots=True)
class CraneParameters:
    """The controller's own data; *estimates* where no source stands."""

    rated_kg: float = 40_000.0
    """Under the spreader."""
    overload_share: float = 1.1
    """A rated capacity limiter acts at 110 % at the latest (EN 13001/EN 12077-2)."""
    wind_stop_m_s: float = 20.0
    """In-service wind of normal cranes in the open (ISO 4302, table 1: 250 Pa, 20 m/s)."""
    wind_warn_m_s: float = 15.0
    wind_release_m_s: float = 18.0
    wind_release_s: float = 60.0
    """The gusts must stay below the release limit this long."""
    lock_s: float = 1.5
    identify_s: float = 1.0
    weigh_s: float = 1.5
    slow_m_s: float = 0.15
    """Of the last part of lowering, and of the first of hoisting."""
    slow_zone_m: float = 0.8
    clearance_m: float = 1.0
    """Between what travels and the highest thing that it may pass over."""
    travel_m: float = 8.0
    """Lowest height of the spreader at which an automatic crane travels empty."""
    settle_m: float = 0.03
    """Largest swing with which the load is lowered onto something."""
    settle_limit_s: float = 120.0
    tare_kg: float = 500.0
    """Below this the load cells count as empty; unlocking needs it."""
    slack_m: float = 0.2
    carrier_share: float = 1.15
    """A box this much over its declared mass may have its truck hanging on it."""
    dead_man_s: float = 1.0
    """A jog order lasts this long and must be repeated."""
    anti_sway: bool = True
