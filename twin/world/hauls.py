"""A truck of the lanes and the container on its trailer: two masses, two ways, two papers."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from twin.documents import containers, declarations
from twin.site import Site
from twin.world.boxes import Consignment
from twin.world.traffic import TARE_KG, Arrival, Declared, axles_of
from twin.world.vehicle import Vehicle
from twin.world.yard import Box

_CHILLED = frozenset(
    goods.hs for goods in (*declarations.EXPORTS, *declarations.IMPORTS) if goods.chilled
)


@dataclass(slots=True)
class Haul:
    """One container of the day: the truck of the home side, what is declared, what is true."""

    arrival: Arrival
    declared: Declared
    box: Box
    """What is really on the trailer, or will be fetched."""
    on_paper: Box
    late_s: float
    """From the transfer being offered to the release of the side that looks last."""

    @property
    def vehicle(self) -> Vehicle:
        """The truck of the home side."""
        return self.arrival.vehicle

    @property
    def export(self) -> bool:
        """Whether it goes out from the home side."""
        return self.vehicle.direction == "out"

    def consignment(self, from_yard: str, to_yard: str, t_s: float) -> Consignment:
        """What the cranes' trucks are told; who releases it is not settled by time alone."""
        return Consignment(t_s, from_yard, to_yard, self.box, 0.0, self.late_s, self.on_paper)


def haul_of(site: Site, arrival: Arrival, late_s: float) -> Haul:
    """The container of a laden truck, its mass what the truck has beside tractor and trailer."""
    trucks, vehicle, declared = site.bridge.cargo, arrival.vehicle, arrival.declared
    assert trucks is not None
    assert trucks.trucks is not None
    assert declared is not None
    assert vehicle.container is not None
    empty_kg = TARE_KG[len(vehicle.axles)] - trucks.trucks.container_kg
    chilled = declared.goods_hs in _CHILLED
    box = Box(
        vehicle.container, round(vehicle.gross_kg - empty_kg, -1), reefer=chilled,
        perishable=chilled,
    )  # fmt: skip
    on_paper = replace(box, mass_kg=round(declared.gross_kg - empty_kg, -1))
    return Haul(arrival, declared, box, on_paper, late_s)


def emptied(site: Site, haul: Haul, rng: random.Random, t_s: float) -> Arrival:
    """The same truck and driver without the container, on the way back under a paper of its own."""
    cargo, vehicle = site.bridge.cargo, haul.vehicle
    assert cargo is not None
    assert cargo.trucks is not None
    axles = len(vehicle.axles)
    empty_kg = TARE_KG[axles] - cargo.trucks.container_kg
    number = declarations.make_number(rng, "in")
    declared = Declared(
        number=number, plate=vehicle.plate, goods_hs=None, gross_kg=round(empty_kg), axles=axles,
        channel="green", preclearance="acknowledged", acknowledged_after_arrival_s=-3600.0,
    )  # fmt: skip
    truck = replace(
        vehicle, id=f"{vehicle.id}E", direction="in", container=None, declaration=number,
        laden=False, axles=axles_of(axles, empty_kg * rng.uniform(0.985, 1.015), laden=False),
        temper=replace(vehicle.temper, follows=False), why="ok",
    )  # fmt: skip
    return Arrival(t_s=t_s, vehicle=truck, declared=declared, smart=True)


def another_box(haul: Haul, rng: random.Random) -> None:
    """The trailer carries another container than its papers say."""
    haul.box = replace(haul.box, number=containers.make(rng))


def heavier_box(haul: Haul, factor: float) -> None:
    """The papers give the container less than it has; the truck's gross mass they give rightly."""
    haul.on_paper = replace(haul.on_paper, mass_kg=round(haul.box.mass_kg / factor, -1))
