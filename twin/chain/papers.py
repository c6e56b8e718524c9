"""What can be wrong outside the gate: with traders and their papers, and with the far side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from twin.devices.base import FaultKind, Faulty, Parameter
from twin.trace import Trace


class Papers(Faulty):
    """Exports that come while a fault lasts have it."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        fault.kind: fault
        for fault in (
            FaultKind("channel_red", "customs wants to inspect the cargo: channel red"),
            FaultKind(
                "turns_red",
                "customs changes its mind when the truck stands under the crane: channel red",
                {"after_s": Parameter(30.0, "s", 0.0, 3600.0, doc="after the transfer is offered")},
            ),
            FaultKind("other_box", "the trailer carries another container than its papers say"),
            FaultKind(
                "heavy_box",
                "the container is heavier than its papers say; the truck's mass is given rightly",
                {"factor": Parameter(1.4, "", 1.0, 5.0, doc="true mass over that on paper")},
            ),
            FaultKind("overweight", "the truck is 4 t above the lawful limit, and says so"),
        )
    }

    def __init__(self, trace: Trace) -> None:
        super().__init__("papers", trace)


class FarSide(Faulty):
    """The authority beyond the line."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        fault.kind: fault
        for fault in (
            FaultKind("silent", "no pre-clearance and no release comes until it is healed"),
            FaultKind("no_preclearance", "what comes meanwhile is never pre-cleared"),
        )
    }

    def __init__(self, trace: Trace) -> None:
        super().__init__("far-side", trace)
        self._held: list[Callable[[], None]] = []

    @property
    def silent(self) -> bool:
        """Whether it says nothing now."""
        return "silent" in self.faults

    def say(self, what: Callable[[], None]) -> None:
        """Say it now, or when it speaks again."""
        if self.silent:
            self._held.append(what)
        else:
            what()

    def _fault_changed(self, kind: str, cause: int) -> None:  # noqa: ARG002 - the hook's form
        if not self.silent:
            held, self._held = self._held, []
            for what in held:
                what()
