"""Words of a crane's wire that session, suite and view share."""

from __future__ import annotations

from typing import Any, NamedTuple


class Typed(NamedTuple):
    """A value with the OPC UA type by which it is coded, e.g. `Double`."""

    kind: str
    value: Any


AXES = ("hoist", "trolley", "gantry")
CORNERS = ("1", "2", "3", "4")
LOCKS = tuple(f"lock.{corner}" for corner in CORNERS)
PINS = tuple(f"pin.{corner}" for corner in CORNERS)
PROTECTIONS = ("emergency_stop", "wind", "overload", "slack_rope", "twist_lock")

STATE = (
    *(f"{axis}.{what}" for axis in AXES for what in ("place", "speed", "moving", "brake")),
    "hoist.load.mass", "spreader.sway", "spreader.box", *LOCKS, *PINS, "on", "mode", "safety.estop",
    "safety.stop", *(f"p.{one}.active" for one in PROTECTIONS), "mission.id", "mission.state",
    "mission.step", "trouble", "cycles", "brakings", "wind",
)  # fmt: skip
"""What the main client listens to, by the ids of the profile."""

NONE, RUNNING, SUSPENDED, DONE, FAILED, CANCELLED = range(6)
"""MissionState."""

IDLE, RAISE, TO_PICK, LOWER_TO_PICK, IDENTIFY, LOCK, WEIGH, HOIST, TO_SET, LOWER_TO_SET, UNLOCK = (
    range(11)
)
"""Step of the move cycle; 11 puts a box back."""

MANUAL, AUTOMATIC = 1, 3
"""CraneOperationalModeEnum."""

TROUBLES = {
    "emergency_stop": 2, "power": 3, "wind": 4, "overload": 5, "twist_lock": 7, "wrong_box": 9,
    "unreadable": 10,
}  # fmt: skip

CLIENT_URI = "urn:gatetwin:certify"
