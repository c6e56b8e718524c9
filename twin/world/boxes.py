"""The containers of a day: when trucks come, what they bring, who fetches what has crossed."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Protocol

from twin.clock import Clock
from twin.documents import containers
from twin.errors import HarnessError
from twin.site_bridge import SIDES, Cargo, Demand, Side
from twin.trace import Trace
from twin.world.crossing import Ledger
from twin.world.hours import HOUR_S, Hourly
from twin.world.yard import Box, Place, PlaceKind, Yard

_FIRST_S = 60.0


@dataclass(frozen=True, slots=True)
class Consignment:
    """One container, when its truck comes, and when each side releases it after that."""

    t_s: float
    from_yard: str
    to_yard: str
    box: Box
    home_release_s: float
    far_release_s: float
    declared: Box | None = None
    """What its papers say of it, if that is not what is on the truck."""

    @property
    def on_paper(self) -> Box:
        """What its papers say of it."""
        return self.declared or self.box


class Profile(Enum):
    """How the containers of a day are spread over its hours."""

    EVEN = "even"
    """The mean of the day at any hour, so that short runs have as much to do as long ones."""
    PEAKS = "peaks"
    """As the trucks of the site come by the hour: what the capacity tier reckons with."""


def plan(
    cargo: Cargo, seed: int, boxes_day: int, hours: float, profile: Profile = Profile.EVEN
) -> list[Consignment]:
    """Containers of `hours` at `boxes_day`: half each way, at random times, yards in turn.

    The same boxes come at the same times whatever the number of yards. Raises `HarnessError` if
    they are to come in peaks and the site does not say in which.
    """
    demand: Demand = cargo.demand
    rng = random.Random(f"{seed}/consignments")
    rate = Hourly(_weights(cargo), hours * HOUR_S) if profile is Profile.PEAKS else None
    come = boxes_day * hours / 24 if rate is None else math.fsum(rate.expected(boxes_day))
    count = round(come)
    home, far = ([yard.id for yard in cargo.side(side)] for side in SIDES)
    span_s = max(0.0, hours * 3600 - _FIRST_S)
    if rate is None:
        times = sorted(_FIRST_S + rng.random() * span_s for _ in range(count))
    else:
        times = sorted(max(_FIRST_S, rate.draw(rng)) for _ in range(count))
    numbers: set[str] = set()
    found = []
    for index, t_s in enumerate(times):
        number = containers.make(rng)
        while number in numbers:
            number = containers.make(rng)
        numbers.add(number)
        here, there = (home, far) if index % 2 == 0 else (far, home)
        turn = index // 2
        start, goal = here[turn % len(here)], there[turn % len(there)]
        perishable = rng.random() < demand.perishable
        mass_kg = round(rng.uniform(*demand.mass_kg), -1)
        box = Box(number, mass_kg, reefer=perishable, perishable=perishable)
        late_s = round(rng.uniform(*demand.release_s), 1)
        own, other = 5.0, late_s
        if here is far:
            own, other = other, own
        found.append(Consignment(round(t_s, 1), start, goal, box, own, other))
    return found


def _weights(cargo: Cargo) -> Sequence[float]:
    if cargo.crossing is None:
        raise HarnessError("demand in peaks: no [bridge.cargo.crossing] has demand_weights")
    return cargo.crossing.demand_weights


Ready = Callable[[Consignment, Place], None]


class Following(Protocol):
    """Is told what becomes of trucks, because it knows them from before."""

    def left(self, one: Consignment, place: Place, box: Box | None) -> None:
        """It drives off, empty or with `box`."""

    def collected(self, yard: str, box: Box) -> None:
        """A truck has fetched a box that has crossed."""


class Trucks:
    """Trucks that bring boxes under the cranes, and those that fetch what has crossed."""

    def __init__(
        self, clock: Clock, trace: Trace, yards: Mapping[str, Yard], ledger: Ledger,
        demand: Demand, rng: random.Random, ready: Ready, fetched: Callable[[str], None],
        sides: Mapping[str, Side],
    ) -> None:  # fmt: skip
        self._clock, self._trace, self._yards = clock, trace, yards
        self._ledger, self._demand, self._rng, self._ready = ledger, demand, rng, ready
        self._tell_fetched, self._sides = fetched, sides
        self.before_fetch: Callable[[Box], None] = lambda _: None
        """Called with a box that is about to be lifted onto the truck that fetches it."""
        self._queues: dict[str, deque[Consignment]] = {name: deque() for name in yards}
        self._standing: dict[tuple[str, str], Consignment] = {}
        self.following: Following | None = None
        self._fetched: set[str] = set()
        self._held: set[str] = set()
        for name, yard in yards.items():
            yard.on_change(partial(self._changed, name))

    def expect(self, consignments: Iterable[Consignment]) -> None:
        """Let each come at its time."""
        for one in consignments:
            self._clock.call_later(one.t_s - self._clock.now_s(), partial(self.come, one))

    def come(self, one: Consignment) -> None:
        """A truck is there now, and waits for a place under the crane; perishables go first."""
        yard = self._shortest(one.from_yard)
        if yard != one.from_yard:
            one = replace(one, from_yard=yard)
        self._trace("world", "truck.arrival", yard=one.from_yard, box=one.box.number)
        self._queues[one.from_yard].append(one)
        self._serve(one.from_yard)

    def _shortest(self, planned: str) -> str:
        """The yard of that side with the fewest trucks; the planned one if it is one of them."""

        def trucks(name: str) -> int:
            places = self._yards[name].places.values()
            here = sum(one.kind is PlaceKind.TRUCK and one.present for one in places)
            return here + len(self._queues[name])

        side = self._sides[planned]
        yards = [name for name in self._yards if self._sides[name] == side]
        return min(yards, key=lambda name: (trucks(name), name != planned))

    def _serve(self, name: str) -> None:
        yard, queue = self._yards[name], self._queues[name]
        for place in yard.places.values():
            if queue and place.kind is PlaceKind.TRUCK and not place.present:
                one = next((one for one in queue if one.box.perishable), queue[0])
                queue.remove(one)
                self._standing[name, place.id] = one
                yard.arrive(place, one.box)
                self._ready(one, place)

    def _changed(self, name: str, place: Place) -> None:
        if place.kind is PlaceKind.TRUCK and place.present and not place.boxes:
            self._clock.call_later(self._demand.truck_leaves_s, lambda: self._leave(name, place))
        elif place.kind is PlaceKind.STACK and place.top is not None:
            box = place.top
            if box.number not in self._fetched:
                self._fetched.add(box.number)
                wait_s = self._rng.uniform(*self._demand.collect_s)
                self._clock.call_later(wait_s, lambda: self._fetch(name, place, box))

    def _leave(self, name: str, place: Place) -> None:
        if place.present and not place.boxes:  # a box may have been put back on it
            self._yards[name].depart(place)
            self._gone(name, place, None)
            self._serve(name)

    def _gone(self, name: str, place: Place, box: Box | None) -> None:
        one = self._standing.pop((name, place.id), None)
        if one is not None and self.following is not None:
            self.following.left(one, place, box)

    def send_away(self, name: str, place: Place) -> None:
        """A truck leaves with its box: people take over."""
        if place.present:
            box = self._yards[name].depart(place)
            if box is not None:
                self._ledger.gone(box.number, "sent away")
            self._gone(name, place, box)
            self._serve(name)

    def hold(self, number: str) -> None:
        """Nobody fetches this box before `let_go`."""
        self._held.add(number)

    def let_go(self, number: str) -> None:
        """It may be fetched where it stands, or where it is set down next."""
        self._held.discard(number)
        self._fetched.discard(number)
        for name, yard in self._yards.items():
            for place in yard.places.values():
                if place.top is not None and place.top.number == number:
                    self._changed(name, place)

    def destroy(self, name: str, place: str) -> None:
        """What stands there is taken away for good."""
        where = self._yards[name].places[place]
        if where.top is not None:
            self._held.discard(where.top.number)
            self._fetch(name, where, where.top, "destroyed")

    def _fetch(self, name: str, place: Place, box: Box, how: str = "fetched") -> None:
        if place.top is not box or box.number in self._held:
            return  # a crane has it, or the laboratory
        self.before_fetch(box)
        self._yards[name].take(place, "truck")
        self._ledger.gone(box.number, how)
        self._tell_fetched(box.number)
        if self.following is not None:
            self.following.collected(name, box)
