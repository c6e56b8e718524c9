"""How long ways and crane moves take, and what a way costs: asked of those who model them."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from twin.capacity.plan import DAY_S, SizingError, scene_of
from twin.capacity.trips import Trip, Trips
from twin.clock import Clock, run_virtual
from twin.devices.crane import Crane
from twin.devices.crane_words import Mission, MissionState
from twin.documents import containers
from twin.physics.energy import IGV_ENERGY, EnergyParameters
from twin.physics.vehicle_parameters import VehicleParameters
from twin.site import Site
from twin.trace import Trace
from twin.world.crane import CraneBody
from twin.world.wind import Wind
from twin.world.yard import Box, Place, PlaceKind, Yard

SAMPLES = 48
_BAYS_M = (10.0, 30.0, 50.0, 70.0)
"""Gantry places of the bays under one crane: a trailer and its gap every 20 m (estimate)."""
_TRUCK_M, _IGV_M = 3.0, 8.0
"""Trolley places of the truck lane and of the IGV lane (estimate)."""
_LIMIT_S = 1800.0


@dataclass(frozen=True, slots=True)
class Ways:
    """A trip from under one crane to under the other, with one kind of load.

    The vehicle stands at the bridge head (customs gate, lane signal) and starts from rest there.
    """

    to_gate_s: tuple[float, float]
    """From the crane of either side to its bridge head."""
    bridge_s: float
    """From the bridge head until its tail has left the lane."""
    to_crane_s: tuple[float, float]
    """From there until it stands under the crane of the side that it came from going."""
    metres: float

    def driving_s(self, side: int) -> float:
        """All of a trip that begins on `side`."""
        return self.to_gate_s[side] + self.bridge_s + self.to_crane_s[side]


@dataclass(frozen=True, slots=True)
class Times:
    """All durations (s) of the model that do not depend on the demand."""

    empty: Ways
    loaded: Ways
    gate_s: float
    headway_s: float
    move_s: tuple[float, ...]
    """Durations of crane moves as the emulated crane made them; the model draws from them."""
    energy: EnergyParameters = IGV_ENERGY

    @property
    def mean_move_s(self) -> float:
        """Mean of a crane move."""
        return sum(self.move_s) / len(self.move_s)


def times_of(site: Site, vehicle: VehicleParameters | None = None) -> Times:
    """The durations of a site, from the emulated vehicle and the emulated crane."""
    crossing = scene_of(site)
    body = vehicle or VehicleParameters()
    speed = min(crossing.road_speed_m_s, body.loaded_speed_m_s)
    assert site.bridge.cargo is not None  # or there were no crossing
    trips = Trips(site.bridge.cargo, site.bridge.length_m, crossing, body)
    return Times(
        empty=_ways(trips, 0.0),
        loaded=_ways(trips, crossing.load_kg[1]),
        gate_s=crossing.gate_s,
        headway_s=(body.length_m + crossing.follow_gap_m) / speed,
        move_s=crane_moves_s(),
    )


def _ways(trips: Trips, load_kg: float) -> Ways:
    """Each part is the mean over the bays of a side."""
    gates = [trips.to_gate(side, load_kg) for side in (0, 1)]
    onward = [trips.onward(side, load_kg) for side in (0, 1)]

    def means(parts: Sequence[Sequence[Trip]], get: Callable[[Trip], float]) -> tuple[float, float]:
        there, back = (fmean(map(get, part)) for part in parts)
        return there, back

    metres = fmean([*means(gates, lambda t: t.metres)]) + fmean(means(onward, lambda t: t.metres))
    return Ways(
        means(gates, lambda trip: trip.duration_s),
        fmean(means(onward, lambda trip: trip.mark_s)),
        means(onward, lambda trip: trip.duration_s - trip.mark_s),
        metres,
    )


@functools.cache
def crane_moves_s(samples: int = SAMPLES) -> tuple[float, ...]:
    """Durations of moves between truck and vehicle as the emulated crane makes them, calm weather.

    The crane of `twin.devices` works on a virtual clock with its sway, interlocks, camera and load
    cells: boxes of 5 to 30 t between random bays, each move from where the last one ended, from
    the order until it is done.
    """

    async def work(clock: Clock) -> tuple[float, ...]:
        return await _moves(clock, samples)

    return run_virtual(work)


async def _moves(clock: Clock, samples: int) -> tuple[float, ...]:
    rng = random.Random("capacity:moves")
    trace = Trace(clock)
    places = [
        Place(f"{kind.value}-{i}", kind, bay_m, trolley_m, 1.2)
        for kind, trolley_m in ((PlaceKind.TRUCK, _TRUCK_M), (PlaceKind.VEHICLE, _IGV_M))
        for i, bay_m in enumerate(_BAYS_M)
    ]
    yard = Yard(trace, places)
    body = CraneBody("crane.body", clock, trace, yard)
    crane = Crane("crane", clock, trace, rng, body, Wind(clock, 1))
    found: list[float] = []
    for number in range(samples):
        trucks, vehicles = places[: len(_BAYS_M)], places[len(_BAYS_M) :]
        source, target = rng.choice(trucks), rng.choice(vehicles)
        if number % 2:
            source, target = target, source
        box = Box(containers.make(rng), rng.uniform(5_000.0, 30_000.0))
        yard.put(source, box, "world")
        began_s = clock.now_s()
        crane.cycle.start(Mission(f"m{number}", box.number, source.id, target.id), -1)
        while crane.cycle.state is MissionState.RUNNING and clock.now_s() < began_s + _LIMIT_S:
            await clock.sleep(0.25)
        if crane.cycle.state is not MissionState.DONE:
            raise SizingError(
                f"the emulated crane did not finish move {number}: {crane.cycle.state.name} in "
                f"{crane.cycle.step.name}"
            )
        found.append(clock.now_s() - began_s)
        yard.take(target, "world")
    return tuple(found)


def trip_kwh(times: Times, ways: Ways, load_kg: float) -> float:
    """What driving one trip takes beside the base load."""
    return times.energy.consumed_kwh(ways.metres, 0.0, load_kg)


def cycle_s(times: Times, days_s: float = DAY_S) -> float:
    """A vehicle's time for a box and an empty return when nobody is in its way, at most a day."""
    there = times.loaded.driving_s(0) + times.empty.driving_s(1)
    return min(days_s, there + 2 * times.gate_s + 2 * times.mean_move_s)
