"""The fence of the closed lane: who climbs over it stops every vehicle.

The detectors tell the safety controller, which presses the emergency stop of the facility at all
vehicles at once. When the area is clear the stop is released; persons still have to acknowledge it
at each vehicle, and nothing moves before it is told to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from twin.clock import Clock
from twin.devices.base import FaultKind, Faulty
from twin.devices.igv import Igv, StopKind
from twin.trace import Trace

REACTION_S = 0.5
"""From the intrusion to the stop at every vehicle; at most 1 s is asked for (estimate)."""


class ClosedArea(Faulty):
    """The fence, its detectors and the safety controller."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "intrusion": FaultKind("intrusion", "somebody is in the closed area: all vehicles stop"),
    }

    def __init__(self, id: str, clock: Clock, trace: Trace, igvs: Sequence[Igv]) -> None:
        super().__init__(id, trace)
        self._clock, self._igvs = clock, igvs
        self._why: dict[str, set[str]] = {igv.id: set() for igv in igvs}

    def _fault_changed(self, kind: str, cause: int) -> None:
        on = kind in self.faults
        self._clock.call_later(REACTION_S, lambda: self._act(on, cause))

    def _act(self, on: bool, cause: int) -> None:
        if on != ("intrusion" in self.faults):
            return  # it has changed again meanwhile
        record = self.trace(self.id, "area.stop", cause, on=on)
        for igv in self._igvs:
            if on:
                self.hold(igv, self.id, cause=record)
            else:
                self.let_go(igv, self.id, cause=record)

    def hold(self, igv: Igv, why: str, *, cause: int) -> None:
        """The facility's stop at one vehicle, for a reason; several may hold it."""
        if why not in self._why[igv.id]:
            self._why[igv.id].add(why)
            igv.press_stop(StopKind.REMOTE, cause=cause)

    def let_go(self, igv: Igv, why: str, *, cause: int) -> None:
        """This reason is over; with the last one the stop is released."""
        if why in self._why[igv.id]:
            self._why[igv.id].discard(why)
            if not self._why[igv.id]:
                igv.release_stop(StopKind.REMOTE, cause=cause)
