"""N-1: a site with one part less, and why nothing would cross there any more."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from enum import Enum

import msgspec

from twin.errors import HarnessError
from twin.site import Site
from twin.site_bridge import Cargo, Road

_replace = msgspec.structs.replace


class Part(Enum):
    """What N-1 takes away; the words are those of the capacity tier."""

    IGV = "igv"
    CRANE = "crane"
    LANE = "lane"
    LINK = "link"


def nothing_crosses(site: Site, part: Part) -> str:
    """Why nothing can cross without `part`; empty if something can."""
    cargo = _cargo(site)
    if part is Part.CRANE and len(cargo.side("home")) == 1:
        return "the home side has no other crane"
    if part is Part.LANE and len(cargo.lanes) == 1:
        return "there is no other lane"
    if part is Part.IGV and cargo.fleet.size == 1:
        return "there is no other vehicle"
    return ""


def without(site: Site, part: Part) -> Site:
    """The site without its last vehicle, its first crane of the home side, or its last lane.

    The remaining lane alternates. Without the link between the two sides each lane takes one
    vehicle at a time, as in the capacity tier; that releases go by telephone is said to `Bridge`.
    `HarnessError` if nothing would cross.
    """
    if reason := nothing_crosses(site, part):
        raise HarnessError(f"{site.id} without {part.value}: nothing crosses, {reason}")
    cargo = _cargo(site)
    if part is Part.IGV:
        fleet = _replace(cargo.fleet, size=cargo.fleet.size - 1)
        return site.with_cargo(_replace(cargo, fleet=fleet))
    if part is Part.CRANE:
        lost = cargo.side("home")[0]
        return site.with_cargo(
            _replace(cargo, yards=[yard for yard in cargo.yards if yard is not lost])
        )
    if part is Part.LANE:
        return site.with_cargo(_one_lane(cargo))
    return site.with_cargo(
        _replace(cargo, lanes=[_replace(lane, at_once=1) for lane in cargo.lanes])
    )


def _cargo(site: Site) -> Cargo:
    if site.bridge.cargo is None:
        raise HarnessError(f"{site.id} has no [bridge.cargo]: nothing crosses there by itself")
    return site.bridge.cargo


def _one_lane(cargo: Cargo) -> Cargo:
    *kept, lost = cargo.lanes
    gone = set(lost.nodes)
    return _replace(
        cargo,
        lanes=[_replace(lane, mode="alternating") for lane in kept],
        nodes=[node for node in cargo.nodes if node.id not in gone],
        roads=list(_cut(cargo.roads, gone)),
    )


def _cut(roads: list[Road], gone: set[str]) -> Iterator[Road]:
    """What is left of each road without the nodes that are gone."""
    for road in roads:
        for there, names in itertools.groupby(road.through, lambda name: name not in gone):
            chain = list(names)
            if there and len(chain) > 1:
                yield _replace(road, through=chain)
