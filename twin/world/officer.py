"""The officer of a traditional lane: looks at the papers, raises and lowers the arm by hand."""

from __future__ import annotations

import random

from twin.clock import Clock
from twin.trace import Trace
from twin.world.driver import OPEN_SEEN_DEG, Driver, Process
from twin.world.lane import Lane
from twin.world.vehicle import Vehicle

_GIVE_UP_S = 60.0
"""An officer who does not see the arm arrive within this time looks again (estimate)."""


class LaneOfficer:
    """Serves one traditional lane; is always right, and takes his time."""

    def __init__(
        self,
        lane: Lane,
        clock: Clock,
        trace: Trace,
        rng: random.Random,
        service_s: tuple[float, float],
    ) -> None:
        self._lane, self._clock, self._trace, self._rng = lane, clock, trace, rng
        self._service_s = service_s
        self._drivers: dict[str, Driver] = {}
        lane.on_stopped(self._serve)

    def expect(self, driver: Driver) -> None:
        """A driver has joined this lane; his time at the desk is the authority's."""
        self._drivers[driver.vehicle.id] = driver

    def _serve(self, vehicle: Vehicle) -> None:
        self._clock.env.process(self._service(vehicle))

    def _service(self, vehicle: Vehicle) -> Process:
        lane, driver = self._lane, self._drivers.pop(vehicle.id)
        duration_s = self._rng.uniform(*self._service_s)
        yield self._clock.timeout(duration_s)
        driver.times.authority_s += duration_s
        if vehicle.should == "divert":
            lane.lamp.set(red=True, green=False, divert=True)
            while not driver.outcome:
                yield lane.seen
            lane.lamp.set(divert=False)
            return
        lane.arm.drive("up")
        while lane.arm.angle_deg() < OPEN_SEEN_DEG:
            yield lane.seen | self._clock.timeout(_GIVE_UP_S)
        lane.lamp.set(red=False, green=True)
        while driver.mover in lane.movers and not lane.is_free():
            yield lane.seen
        lane.lamp.set(red=True, green=False)
        lane.arm.drive("down")
