"""Everything physical on one site, put together: lanes, trucks, drivers, officers, weather."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import simpy

from twin.clock import Clock, ns
from twin.site import Site
from twin.trace import Trace
from twin.world.arm import Arm
from twin.world.driver import Driver, Process
from twin.world.lane import Lane
from twin.world.officer import LaneOfficer
from twin.world.traffic import Arrival
from twin.world.vehicle import Vehicle
from twin.world.weather import Weather


@dataclass(slots=True)
class Counts:
    """How far the day has come; for progress displays."""

    expected: int = 0
    arrived: int = 0
    crossed: int = 0
    diverted: int = 0

    @property
    def gone(self) -> int:
        """Vehicles that have left the site."""
        return self.crossed + self.diverted


class World:
    """The ground truth of one run."""

    def __init__(
        self, site: Site, clock: Clock, trace: Trace, seed: int, arms: Mapping[str, Arm]
    ) -> None:
        self.site, self.clock, self.trace = site, clock, trace
        self.weather = Weather(clock, site.hours.opens_h, trace=trace)
        self.counts = Counts()
        self.done: simpy.Event = clock.env.event()
        """Triggered when the day is over and everybody has left, or after the drain time."""
        self.lanes: dict[str, Lane] = {}
        self._officers: dict[str, LaneOfficer] = {}
        self._drivers: dict[str, Driver] = {}
        self._sent_last: dict[str, Lane] = {}
        self._on_arrival: list[Callable[[Arrival, Lane], None]] = []
        self._on_left: list[Callable[[Vehicle, str], None]] = []
        self.as_it_comes: Callable[[Arrival], Arrival] = lambda arrival: arrival
        """What becomes of a planned arrival at the instant at which it comes."""
        for spec in site.lanes:
            lane = Lane(
                spec.id,
                spec.direction,
                spec.kind,
                site.geometry[spec.geometry],
                clock=clock,
                trace=trace,
                arm=arms[spec.id],
            )
            self.lanes[spec.id] = lane
            lane.watch_zone(
                "arm line",
                lane.geometry.arm_line_m - 0.01,
                lane.geometry.arm_line_m,
                self._crossing(lane),
            )
            if spec.kind == "traditional":
                rng = random.Random(f"{seed}/officer/{spec.id}")
                service_s = site.traffic.officer.service_s
                self._officers[spec.id] = LaneOfficer(lane, clock, trace, rng, service_s)

    def on_arrival(self, callback: Callable[[Arrival, Lane], None]) -> None:
        """Call back when a vehicle joins the queue of a lane."""
        self._on_arrival.append(callback)

    def on_left(self, callback: Callable[[Vehicle, str], None]) -> None:
        """Call back when a vehicle has left its lane, with what became of it."""
        self._on_left.append(callback)

    def run_day(self, arrivals: Iterable[Arrival], *, open_s: float, drain_s: float) -> None:
        """Open the site and let `arrivals` come; `done` ends the day."""
        planned = list(arrivals)
        self.counts.expected = len(planned)
        self.clock.env.process(self._day(planned, ns(open_s), ns(drain_s)))

    def arrive(self, arrival: Arrival, lane: Lane | None = None) -> Driver:
        """Let one vehicle join `lane`, or the shortest queue that suits it."""
        lane = lane or self._marshal(arrival)
        vehicle = arrival.vehicle
        driver = Driver(vehicle, lane, self.clock, self.trace)
        self._drivers[vehicle.id] = driver
        if lane.id in self._officers:
            self._officers[lane.id].expect(driver)
        self.counts.arrived += 1
        self._record_arrival(arrival, lane)
        for callback in self._on_arrival:
            callback(arrival, lane)
        self.clock.env.process(self._passage(driver))
        return driver

    def at_lane(self, lane: str) -> Vehicle | None:
        """The vehicle that stands before the arm of `lane`, as an officer there sees it."""
        found = self.lanes[lane]
        front = [
            mover.vehicle
            for mover in found.movers
            if found.position(mover)[0] <= found.geometry.arm_line_m
        ]
        return front[0] if front else None

    def authority_held(self, lane: str, duration_s: float) -> None:
        """An officer's lawful examination held the vehicle in `lane` that long."""
        vehicle = self.at_lane(lane)
        if vehicle is not None:
            self._drivers[vehicle.id].times.authority_s += duration_s

    def _day(self, arrivals: list[Arrival], open_ns: int, drain_ns: int) -> Process:
        self.trace("world", "site.open")
        env = self.clock.env
        for arrival in arrivals:
            yield env.timeout(max(0, ns(arrival.t_s) - env.now))
            self.arrive(self.as_it_comes(arrival))
        yield env.timeout(max(0, open_ns - env.now))
        self.trace("world", "site.close")
        closing = env.timeout(drain_ns)
        while self.counts.gone < self.counts.arrived and not closing.processed:
            self._last_left = env.event()
            yield self._last_left | closing
        self.done.succeed()

    _last_left: simpy.Event | None = None

    def _passage(self, driver: Driver) -> Process:
        yield from driver.passage()
        if driver.outcome == "crossed":
            self.counts.crossed += 1
        else:
            self.counts.diverted += 1
        del self._drivers[driver.vehicle.id]
        for callback in self._on_left:
            callback(driver.vehicle, driver.outcome)
        if self._last_left is not None and not self._last_left.triggered:
            self._last_left.succeed()

    def _marshal(self, arrival: Arrival) -> Lane:
        kind = "smart" if arrival.smart else "traditional"
        own_way = [
            lane for lane in self.lanes.values() if lane.direction == arrival.vehicle.direction
        ]
        suited = [lane for lane in own_way if lane.kind == kind] or own_way
        last = self._sent_last.get(arrival.vehicle.direction)
        if arrival.behind and last is not None:
            return last
        lane = min(suited, key=lambda lane: (len(lane.queue) + len(lane.movers), lane.sent))
        lane.sent += 1
        self._sent_last[arrival.vehicle.direction] = lane
        return lane

    def _record_arrival(self, arrival: Arrival, lane: Lane) -> None:
        vehicle = arrival.vehicle
        self.trace(
            "world",
            "vehicle.arrived",
            vehicle=vehicle.id,
            lane=lane.id,
            direction=vehicle.direction,
            lane_kind=lane.kind,
            laden=vehicle.laden,
            plate=vehicle.plate,
            plate_country=vehicle.plate_country,
            trailer_plate=vehicle.trailer_plate,
            container=vehicle.container,
            declaration=vehicle.declaration,
            gross_kg=round(vehicle.gross_kg),
            should=vehicle.should,
            why=vehicle.why,
        )

    def _crossing(self, lane: Lane) -> Callable[[Vehicle, bool], None]:
        def passed(vehicle: Vehicle, inside: bool) -> None:
            driver = self._drivers.get(vehicle.id)
            if inside or driver is None:
                return
            self.trace(
                "world",
                "vehicle.crossed",
                vehicle=vehicle.id,
                lane=lane.id,
                plate=vehicle.plate,
                declaration=vehicle.declaration,
                laden=vehicle.laden,
                followed=driver.followed,
                opening=lane.openings,
            )

        return passed
