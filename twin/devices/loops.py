"""Inductive loops of a lane: presence on four channels, two of them around the arm.

A loop sees metal above it, nothing else. The two channels of the arm loop lie before and behind
the arm line, so that the order in which they are covered gives the direction.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import ClassVar

from twin.clock import Clock
from twin.devices.base import Device, FaultKind, Parameter, worn_fault
from twin.devices.wear import Part
from twin.trace import Trace
from twin.world.lane import Lane
from twin.world.vehicle import Vehicle

CHANNELS = ("approach", "arm_a", "arm_b", "exit")
"""Channels of a truck lane in the direction of travel."""

PARTS: Mapping[str, Part] = {
    "wire": Part(
        "h", 87_600, "estimate: ten years of a sawn-in loop under trucks (insulation, sealant)"
    ),
}

DETECTION_HEIGHT_M = 1.5
"""How high over the road a new loop still sees metal: two thirds of the shorter side of a loop of
1 m by 2.5 m is too low for a trailer, so detectors for trucks raise their sensitivity while
something is there (estimate of what that gives)."""

DETECTION_LOSS_M = 0.7
"""How much of it is gone at the end of the rated life: damp insulation damps the circuit, and the
detector retunes to less (estimate)."""

_CHANNEL = Parameter("arm_a", choices=CHANNELS, doc="which channel")


class Loops(Device):
    """A multi-channel detector; point `<channel>` is true while metal is above the loop."""

    kind = "loops"
    PARTS = PARTS
    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "crosstalk": FaultKind(
            "crosstalk",
            "A channel also answers to its neighbour's vehicle: two loops on one frequency.",
            {"channel": _CHANNEL, "heard": Parameter("exit", choices=CHANNELS, doc="neighbour")},
        ),
        "stuck": FaultKind(
            "stuck",
            "A channel keeps one state whatever stands above it.",
            {"channel": _CHANNEL, "occupied": Parameter(True, doc="the state that it keeps")},
        ),
        "max_presence": FaultKind(
            "max_presence",
            "The detector retunes and drops a vehicle that stands longer than its time limit.",
            {
                "channel": _CHANNEL,
                "after_s": Parameter(30.0, "s", 0.1, 3600.0, doc="presence time limit"),
            },
        ),
        "worn": worn_fault(PARTS),
    }

    def __init__(self, id: str, clock: Clock, trace: Trace, rng: random.Random, lane: Lane) -> None:
        super().__init__(id, clock, trace, rng)
        g = lane.geometry
        self.wear.run("wire", 1.0)
        self._above: dict[str, list[Vehicle]] = {channel: [] for channel in CHANNELS}
        self._high: dict[str, list[Vehicle]] = {channel: [] for channel in CHANNELS}
        self._generation = dict.fromkeys(CHANNELS, 0)
        self._dropped = dict.fromkeys(CHANNELS, False)
        self._shown = dict.fromkeys(CHANNELS, False)
        spans = {
            "approach": (g.approach_from_m, g.approach_to_m),
            "arm_a": (g.arm_line_m - g.arm_loop_m, g.arm_line_m),
            "arm_b": (g.arm_line_m, g.arm_line_m + g.arm_loop_m),
            "exit": (g.exit_from_m, g.exit_to_m),
        }
        for channel, (from_m, to_m) in spans.items():
            lane.watch_zone(channel, from_m, to_m, self._watcher(channel))
            lane.watch_high_bed(from_m, to_m, self._high_watcher(channel))
            self.add_point(channel, self._reader(channel), doc=f"metal above the {channel} loop")

    def occupied(self, channel: str) -> bool:
        """What the detector shows on `channel` now, faults included."""
        stuck = self.faults.get("stuck")
        if stuck and stuck["channel"] == channel:
            return bool(stuck["occupied"])
        here = self._sees(channel) and not self._dropped[channel]
        cross = self.faults.get("crosstalk")
        if cross and cross["channel"] == channel:
            here = here or self._sees(str(cross["heard"]))
        return here

    def detection_height_m(self) -> float:
        """How high over the road the loops see metal now."""
        return max(0.0, DETECTION_HEIGHT_M - DETECTION_LOSS_M * self.wear.share("wire"))

    def _sees(self, channel: str) -> bool:
        """Whether metal is above the loop, and low enough for it."""
        above, high = self._above[channel], self._high[channel]
        if not high:  # the usual case
            return bool(above)
        reach_m = self.detection_height_m()
        return any(vehicle not in high or vehicle.bed_m <= reach_m for vehicle in above)

    def _reader(self, channel: str) -> Callable[[], bool]:
        return lambda: self.occupied(channel)

    def _watcher(self, channel: str) -> Callable[[Vehicle, bool], None]:
        def watch(vehicle: Vehicle, inside: bool) -> None:
            if inside:
                self._above[channel].append(vehicle)
            else:
                self._above[channel].remove(vehicle)
                self._high[channel] = [v for v in self._high[channel] if v is not vehicle]
            self._generation[channel] += 1
            if not self._above[channel]:
                self._dropped[channel] = False
            elif inside:
                self._arm_presence_limit(channel)
            self._show()

        return watch

    def _high_watcher(self, channel: str) -> Callable[[Vehicle, bool], None]:
        def watch(vehicle: Vehicle, only_bed: bool) -> None:
            high = self._high[channel]
            if only_bed:
                high.append(vehicle)
            else:
                high.remove(vehicle)
            self._show()

        return watch

    def _arm_presence_limit(self, channel: str) -> None:
        limit = self.faults.get("max_presence")
        if not limit or limit["channel"] != channel:
            return
        generation = self._generation[channel]

        def drop() -> None:
            if generation == self._generation[channel] and "max_presence" in self.faults:
                self._dropped[channel] = True
                self._show()

        self.clock.call_later(float(limit["after_s"]), drop)

    def _fault_changed(self, kind: str, cause: int) -> None:
        del cause
        if kind == "max_presence":
            self._dropped = dict.fromkeys(CHANNELS, False)
            for channel, above in self._above.items():
                if above:
                    self._arm_presence_limit(channel)
        self._show()

    def _show(self) -> None:
        """Record and tell what has changed on the outputs."""
        for channel in CHANNELS:
            state = self.occupied(channel)
            if state != self._shown[channel]:
                self._shown[channel] = state
                self.trace(self.id, "device.state", channel=channel, occupied=state)
                self.changed(channel)
