"""Inductive loops of a lane: presence on four channels, two of them around the arm.

A loop sees metal above it, nothing else. The two channels of the arm loop lie before and behind
the arm line, so that the order in which they are covered gives the direction.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import ClassVar

from twin.clock import Clock
from twin.devices.base import Device, FaultKind, Parameter
from twin.trace import Trace
from twin.world.lane import Lane
from twin.world.vehicle import Vehicle

CHANNELS = ("approach", "arm_a", "arm_b", "exit")
"""Channels of a truck lane in the direction of travel."""

_CHANNEL = Parameter("arm_a", choices=CHANNELS, doc="which channel")


class Loops(Device):
    """A multi-channel detector; point `<channel>` is true while metal is above the loop."""

    kind = "loops"
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
    }

    def __init__(self, id: str, clock: Clock, trace: Trace, rng: random.Random, lane: Lane) -> None:
        super().__init__(id, clock, trace, rng)
        g = lane.geometry
        self._count = dict.fromkeys(CHANNELS, 0)
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
            self.add_point(channel, self._reader(channel), doc=f"metal above the {channel} loop")

    def occupied(self, channel: str) -> bool:
        """What the detector shows on `channel` now, faults included."""
        stuck = self.faults.get("stuck")
        if stuck and stuck["channel"] == channel:
            return bool(stuck["occupied"])
        here = self._count[channel] > 0 and not self._dropped[channel]
        cross = self.faults.get("crosstalk")
        if cross and cross["channel"] == channel:
            here = here or self._count[str(cross["heard"])] > 0
        return here

    def _reader(self, channel: str) -> Callable[[], bool]:
        return lambda: self.occupied(channel)

    def _watcher(self, channel: str) -> Callable[[Vehicle, bool], None]:
        def watch(vehicle: Vehicle, inside: bool) -> None:
            del vehicle
            self._count[channel] += 1 if inside else -1
            self._generation[channel] += 1
            if self._count[channel] == 0:
                self._dropped[channel] = False
            elif inside:
                self._arm_presence_limit(channel)
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
            for channel, count in self._count.items():
                if count:
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
