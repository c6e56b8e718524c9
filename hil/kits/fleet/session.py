"""A session with a fleet manager: jobs go in, two vehicles do what its orders say."""

from __future__ import annotations

import json
import math
from typing import Any

from hil.errors import BenchError
from hil.session import Session
from twin.clock import Clock
from twin.trace import Trace

from .papers import FleetPics, FleetPixit
from .roles import FleetRoles
from .vehicle import BenchVehicle
from .wire import FleetWire

AT_M = 1.5
"""Nearer than this to a node, a vehicle is there."""


class FleetSession(Session[FleetPics, FleetPixit]):
    """One run on one bench with a fleet manager."""

    device = "fleet manager"
    safe_text = "no job is open and the vehicles have left"
    unsafe_text = "ATTENTION: the fleet manager may still hold jobs; abandon them by hand"

    def __init__(
        self, clock: Clock, trace: Trace, wire: FleetWire, roles: FleetRoles, pics: FleetPics,
        pixit: FleetPixit,
    ) -> None:  # fmt: skip
        super().__init__(clock, trace, wire, roles, pics, pixit)
        self.wire, self.roles = wire, roles
        self._last: dict[str, dict[str, Any]] = {}
        self._open: set[str] = set(pixit.vehicles)
        """Vehicles that may have jobs."""

    def one(self, number: int = 0) -> BenchVehicle:
        """A vehicle of the bench."""
        return self.wire.vehicles[self.pixit.vehicles[number]]

    async def sample(self) -> None:
        """Look where the vehicles are; recorded when they have moved."""
        for serial, one in self.wire.vehicles.items():
            truth = one.truth()
            if truth != self._last.get(serial):
                self._last[serial] = truth
                self.trace("instrument", "truth", **truth)

    # --- jobs

    async def job(self, number: int = 0) -> None:
        """Vehicle `number` from its home to its goal."""
        pixit, serial = self.pixit, self.pixit.vehicles[number]
        start, goal = pixit.home(number), pixit.goal(number)
        self._open.add(serial)
        self.trace("stimulus", "job", serial=serial, start=start, goal=goal)
        await self.require("jobs").bring(serial, start, goal)

    async def back(self, number: int = 0) -> None:
        """Vehicle `number` from its goal to its home."""
        pixit, serial = self.pixit, self.pixit.vehicles[number]
        start, goal = pixit.goal(number), pixit.home(number)
        self._open.add(serial)
        self.trace("stimulus", "job", serial=serial, start=start, goal=goal)
        await self.require("jobs").bring(serial, start, goal)

    async def abandon(self, number: int = 0) -> None:
        """The vehicle's jobs are given up."""
        serial = self.pixit.vehicles[number]
        self.trace("stimulus", "abandon", serial=serial)
        await self.require("jobs").abandon(serial)

    async def pause(self, on: bool, number: int = 0) -> None:
        """The vehicle is paused, or goes on."""
        serial = self.pixit.vehicles[number]
        self.trace("stimulus", "pause", serial=serial, on=on)
        await self.require("jobs").pause(serial, on)

    # --- waiting

    def at(self, node: str, number: int = 0) -> bool:
        """Whether it stands at a node."""
        truth = self.one(number).truth()
        place = self.pixit.layout.nodes[node]
        near = math.dist(place, (truth["x_m"], truth["y_m"])) <= AT_M
        return near and truth["speed_m_s"] < 0.01

    def holds(self, number: int = 0) -> bool:
        """Whether it has taken an order since it was started."""
        return self.one(number).wire.logic.order_id != ""

    def beyond(self, x_m: float, number: int = 0) -> bool:
        """Whether it is past a place of the lane."""
        return bool(self.one(number).truth()["x_m"] >= x_m)

    async def until(self, true: Any, limit_s: float, name: str = "") -> bool:
        """Watch until something holds; marks `name` then."""
        done = await self.watch(limit_s, lambda: bool(true()))
        if done and name:
            self.mark(name)
        return done

    async def arrives(self, number: int = 0, name: str = "arrived", share: float = 1.0) -> bool:
        """Watch until it stands at its goal."""
        goal = self.pixit.goal(number)
        return await self.until(lambda: self.at(goal, number), share * self.pixit.drive_s, name)

    async def drives(self, x_m: float = 20.0, number: int = 0) -> bool:
        """Watch until it is on its way; a step of its own in every case that needs it there."""
        return await self.until(lambda: self.beyond(x_m, number), self.pixit.drive_s, "driving")

    async def step(self, name: str) -> None:
        """Begin a step: nothing of the step before has the same instant as its mark."""
        await self.clock.sleep(0.05)
        self.mark(name)

    def old_state(self, payload: bytes) -> None:
        """An old state comes late, as QoS 0 and a slow path allow."""
        self.wire.say(self.pixit.vehicles[0], "state", payload)

    def torn_states(self) -> None:
        """States that cannot be read: cut off, no object, members of wrong types."""
        serial, whole = self.pixit.vehicles[0], self.one().wire.last_state
        message = json.loads(whole or b"{}")
        message["nodeStates"], message["lastNodeSequenceId"] = "none", "many"
        for payload in (whole[: len(whole) // 2], b"[]", b"\xff\xfe", json.dumps(message).encode()):
            self.wire.say(serial, "state", payload)

    # --- start position

    async def ready(self, start: str, *, insist: bool = False) -> None:  # noqa: ARG002
        """The master is on and has no job; vehicles stand at their homes as after a restart."""
        pixit = self.pixit
        if self.roles.power is not None:
            await self.roles.power.switch(True)
        await self.connected(pixit.start_up_s)
        jobs = self.require("jobs")
        for serial in sorted(self._open):
            await jobs.abandon(serial)
        if self.wire.vehicles and self._open:
            for number in range(len(pixit.vehicles)):
                self._mend(number)
            await self.clock.sleep(pixit.react_s)
        self._open.clear()
        await self.wire.leave()
        await self.clock.sleep(pixit.react_s)
        await self.wire.fresh()
        self._last.clear()
        await self.clock.sleep(1.0)
        for number in range(len(pixit.vehicles)):
            if not self.one(number).wire.client:
                raise BenchError(f"fleet: vehicle {number} is not connected")
        self.mark("ready")

    def _mend(self, number: int) -> None:
        """So that a cancellation can reach it."""
        one = self.one(number)
        one.wire.lose_orders = one.wire.lose_actions = 0
        one.wire.mute = one.wire.refuse = False
        one.power(True)
        one.radio(True)
        one.broken(False)
        one.blocked(False)

    async def safe(self) -> bool:
        """Jobs abandoned, vehicles gone."""
        reached = await super().safe()
        await self.wire.leave()
        return reached
