"""The states of actions, their lawful changes, and the queue that blocking types rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from twin.errors import HarnessError
from twin.wires.vda5050.records import Action

Scope = Literal["INSTANT", "NODE", "EDGE", "ZONE"]


class Status(Enum):
    """`actionStatus`."""

    WAITING = "WAITING"
    INITIALIZING = "INITIALIZING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    RETRIABLE = "RETRIABLE"
    FINISHED = "FINISHED"
    FAILED = "FAILED"


_S = Status
ENDED = frozenset({_S.FINISHED, _S.FAILED})
ACTIVE = frozenset({_S.INITIALIZING, _S.RUNNING, _S.PAUSED, _S.RETRIABLE})
LAWFUL: dict[Status, frozenset[Status]] = {
    _S.WAITING: frozenset({_S.INITIALIZING, _S.RUNNING, _S.FAILED, _S.FINISHED}),
    _S.INITIALIZING: frozenset({_S.RUNNING, _S.PAUSED, _S.FAILED}),
    _S.PAUSED: frozenset({_S.INITIALIZING, _S.RUNNING, _S.FAILED}),
    _S.RUNNING: frozenset({_S.PAUSED, _S.RETRIABLE, _S.FAILED, _S.FINISHED}),
    _S.RETRIABLE: frozenset({_S.INITIALIZING, _S.RUNNING, _S.FAILED, _S.FINISHED}),
    _S.FINISHED: frozenset(),
    _S.FAILED: frozenset(),
}
"""3.0 table 12. 2.x has no table; its figure 15 allows the same without RETRIABLE."""

STANDING = frozenset({"SOFT", "HARD"})
"""Blocking types under which the vehicle does not drive (3.0 table 3)."""
ALONE = frozenset({"SINGLE", "HARD"})
"""Blocking types that share the vehicle with no other action."""


@dataclass(slots=True)
class ActionState:
    """One action and how far it is."""

    action: Action
    scope: Scope
    place: int = -1
    """sequenceId of the node or edge."""
    status: Status = Status.WAITING
    result: str | None = None
    before_pause: Status = Status.RUNNING
    horizon: bool = False

    @property
    def ended(self) -> bool:
        """FINISHED or FAILED."""
        return self.status in ENDED

    @property
    def active(self) -> bool:
        """Begun and not ended."""
        return self.status in ACTIVE

    def become(self, status: Status, result: str | None = None) -> None:
        """Change to `status`; an unlawful change is our own mistake, not a master's."""
        if status not in LAWFUL[self.status]:
            raise HarnessError(
                f"action {self.action.action_id!r} ({self.action.action_type}) cannot go from "
                f"{self.status.value} to {status.value}"
            )
        if status is Status.PAUSED:
            self.before_pause = self.status
        self.status = status
        if result is not None:
            self.result = result


@dataclass(slots=True)
class ActionQueue:
    """Actions whose place has been reached, in the order of their arrays (3.0 figure 11)."""

    items: list[ActionState] = field(default_factory=list)

    def add(self, states: Iterable[ActionState]) -> None:
        """Append actions whose node, edge or zone has just been reached."""
        self.items.extend(state for state in states if not state.ended)

    def prune(self) -> None:
        """Drop what has ended."""
        self.items = [state for state in self.items if not state.ended]

    @property
    def forbids_driving(self) -> bool:
        """Whether anything in the queue needs the vehicle to stand."""
        return any(
            not state.ended and state.action.blocking_type in STANDING for state in self.items
        )

    def startable(self, *, standing: bool) -> list[ActionState]:
        """What may begin now. `standing`: whether the vehicle stands still.

        Nothing overtakes: the first action that must wait holds all that are behind it.
        """
        found: list[ActionState] = []
        busy = False
        for state in self.items:
            if state.ended:
                continue
            blocking = state.action.blocking_type
            if state.active:
                if blocking in ALONE:
                    break
                busy = True
                continue
            if blocking in STANDING and not standing:
                break
            if blocking in ALONE:
                if not busy:
                    found.append(state)
                break
            found.append(state)
            busy = True
        return found
