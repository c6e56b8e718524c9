"""What the logic wants done, and what it made of a message: records, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from twin.wires.vda5050.actions import Scope
from twin.wires.vda5050.records import Action, Edge, Node


class Outcome(Enum):
    """What became of an order message."""

    ACCEPTED = "accepted"
    UPDATED = "updated"
    IGNORED = "ignored"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Begin:
    """The vehicle is to begin `action`, and to report its progress."""

    action: Action
    scope: Scope


@dataclass(frozen=True, slots=True)
class Abort:
    """The vehicle is to break the action off; nothing more is expected of it."""

    action_id: str


@dataclass(frozen=True, slots=True)
class Pause:
    """The vehicle is to hold the action where it is."""

    action_id: str


@dataclass(frozen=True, slots=True)
class Resume:
    """The vehicle is to go on with the action."""

    action_id: str


@dataclass(frozen=True, slots=True)
class Send:
    """A message is to be sent although nothing has changed."""

    topic: str


@dataclass(frozen=True, slots=True)
class Sleep:
    """Hibernation begins or ends; a shutdown ends the connection."""

    what: str


Effect = Begin | Abort | Pause | Resume | Send | Sleep


@dataclass(frozen=True, slots=True)
class Step:
    """One edge and the node at its end."""

    edge: Edge
    node: Node


@dataclass(frozen=True, slots=True)
class Route:
    """What the vehicle may drive now: it passes every step's node and stops at the last one."""

    start: Node
    """The node that it left or stands on."""
    steps: tuple[Step, ...]
