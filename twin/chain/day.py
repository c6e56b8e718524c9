"""Whose cargo goes by itself: the trucks of a counted day, divided between the two ways."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from twin.errors import HarnessError
from twin.site import Day, Site
from twin.world import traffic
from twin.world.hauls import Haul, haul_of
from twin.world.traffic import Arrival


@dataclass(frozen=True, slots=True)
class ChainDay:
    """One day: who comes to the lanes by himself, and whose cargo goes over the cranes."""

    lanes: list[Arrival]
    """Everybody who drives up to a lane at his planned time; exports with a haul are among them."""
    exports: dict[str, Haul]
    """By vehicle."""
    imports: list[Haul]
    """Their trucks wait on the home side until the box has crossed."""


def plan(site: Site, day: Day, seed: int, boxes: int | None, open_s: float) -> ChainDay:
    """Divide the trucks of `day` that come within `open_s`.

    `boxes` of the whole day's containers, half each way, or the site's share of all that could. An
    import is one whose papers are right: what is not goes to the lanes by road, as it always did.
    """
    arrivals = traffic.plan(site, day, seed)
    cargo = site.bridge.cargo
    assert cargo is not None
    assert cargo.trucks is not None
    led = {id(ahead) for ahead, arrival in _pairs(arrivals) if arrival.behind}
    could: dict[str, list[Arrival]] = {"out": [], "in": []}
    for arrival in arrivals:
        vehicle = arrival.vehicle
        if arrival.smart and vehicle.container is not None and arrival.declared is not None:
            alone = not vehicle.temper.follows and not arrival.behind and id(arrival) not in led
            if vehicle.direction == "out" or (vehicle.why == "ok" and alone):
                could[vehicle.direction].append(arrival)
    rng = random.Random(f"{seed}/chain/{site.id}/{day.date}")
    exports: dict[str, Haul] = {}
    imports: list[Haul] = []
    for direction, found in could.items():
        wanted = round(cargo.trucks.share * len(found)) if boxes is None else boxes // 2
        if direction == "out" and boxes is not None:
            wanted = boxes - boxes // 2
        if wanted > len(found):
            raise HarnessError(
                f"{site.id}: {wanted} containers {direction} are asked for; on {day.date} there "
                f"are {len(found)} in smart lanes, so at most {2 * min(map(len, could.values()))}"
            )
        for arrival in sorted(rng.sample(found, wanted), key=lambda one: one.t_s):
            haul = haul_of(site, arrival, round(rng.uniform(*cargo.demand.release_s), 1))
            if direction == "out":
                exports[arrival.vehicle.id] = haul
            else:
                imports.append(haul)
    away = {haul.vehicle.id for haul in imports}
    lanes = [one for one in arrivals if one.vehicle.id not in away and one.t_s <= open_s]
    here = {one.vehicle.id for one in lanes}
    return ChainDay(
        lanes,
        {name: haul for name, haul in exports.items() if name in here},
        [haul for haul in imports if haul.arrival.t_s <= open_s],
    )


def _pairs(arrivals: Sequence[Arrival]) -> list[tuple[Arrival, Arrival]]:
    """Each vehicle with the one before it in its direction."""
    ahead: dict[str, Arrival] = {}
    found = []
    for arrival in arrivals:
        before = ahead.get(arrival.vehicle.direction)
        if before is not None:
            found.append((before, arrival))
        ahead[arrival.vehicle.direction] = arrival
    return found


def waiting_truck(haul: Haul, t_s: float) -> Arrival:
    """The truck that has fetched an import drives up to its lane now; its paper is known."""
    return replace(haul.arrival, t_s=t_s, declared=None)
