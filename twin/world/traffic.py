"""Who comes: the trucks of one day, drawn from the site's counts, shares and one seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from twin.documents import containers, declarations, plates
from twin.errors import UnknownName
from twin.site import Day, Direction, Site
from twin.world.hours import Hourly
from twin.world.motion import Limits
from twin.world.vehicle import Axle, Temper, Vehicle

WHY = (
    "ok",
    "channel_red",
    "channel_yellow",
    "no_declaration",
    "overweight",
    "weight_mismatch",
    "plate_mismatch",
    "not_precleared",
    "revoked",
)
"""What is true of a vehicle: `ok`, or why it must not pass."""

_COLOURS = ("white", "blue", "red", "green", "yellow", "grey")

_WHEELBASES_M = {
    2: (1.4, 6.4),
    5: (1.4, 4.9, 11.6, 12.9, 14.2),
    6: (1.4, 4.9, 6.2, 11.9, 13.2, 14.5),
}
"""Axle distances behind the front bumper: a rigid truck and semi-trailers of common build."""

_LENGTH_M = {2: 9.0, 5: 16.2, 6: 16.5}
TARE_KG = {2: 6_200, 5: 14_800, 6: 15_900}
"""Vehicle classes; estimates around common makes."""

_BED_M = {2: 0.9, 5: 1.15, 6: 1.15}
"""Underside of the bed: a rigid truck's frame, a container trailer's high bed; estimates."""

_SHARE_OF_LOAD = {
    2: (0.36, 0.64),
    5: (0.15, 0.28, 0.19, 0.19, 0.19),
    6: (0.13, 0.21, 0.21, 0.15, 0.15, 0.15),
}
"""How the gross mass stands on the axles when laden; estimates."""


REVOKED_S = (0.0, 2.0)
"""A release is taken back so long after it was given: before any arm can be open (estimate)."""

CONVOY_S = (2.0, 8.0)
"""A tail-gater joins the queue so long after the truck that he follows (estimate)."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What was declared for a vehicle before it came, and what the authorities will say."""

    number: str
    plate: str
    goods_hs: str | None
    gross_kg: int
    axles: int
    channel: Literal["green", "yellow", "red"]
    preclearance: Literal["acknowledged", "rejected"]
    acknowledged_after_arrival_s: float
    """Negative when the far side's answer is there before the vehicle."""
    revoked_after_release_s: float | None = None
    """Customs takes its release back so long after it gave it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One vehicle comes to the site at `t_s` seconds after opening."""

    t_s: float
    vehicle: Vehicle
    declared: Declared | None
    smart: bool
    behind: bool = False
    """Joins the lane of the vehicle that came just before it in its direction."""


def plan(site: Site, day: Day, seed: int) -> list[Arrival]:
    """All arrivals of `day` in order of time; the counts are exact, the instants are drawn.

    Given its count, a Poisson process with a rate is a set of independent draws from the shape
    of that rate; so each arrival is drawn from the hourly weights within the opening hours.
    """
    rng = random.Random(f"{seed}/traffic/{site.id}/{day.date}")
    flows: list[tuple[Direction, bool, int]] = [
        ("in", True, day.in_laden),
        ("in", False, day.in_empty),
        ("out", True, day.out_laden),
        ("out", False, day.out_empty),
    ]
    times = Hourly(
        site.traffic.hourly_weights, site.hours.open_s, begins_h=site.hours.opens_h
    )  # fmt: skip
    drawn = [
        (times.draw(rng), direction, laden)
        for direction, laden, count in flows
        for _ in range(count)
    ]
    drawn.sort(key=lambda item: item[0])
    used: set[str] = set()
    arrivals = [
        _arrival(site, t_s, direction, laden, f"T{number:04d}", rng, used)
        for number, (t_s, direction, laden) in enumerate(drawn, start=1)
    ]
    return sorted(_in_convoy(arrivals, rng), key=lambda arrival: arrival.t_s)


def _in_convoy(arrivals: list[Arrival], rng: random.Random) -> Iterator[Arrival]:
    """Let who follows too close come right behind somebody: alone he could not."""
    ahead: dict[str, Arrival] = {}
    for arrival in arrivals:
        vehicle = arrival.vehicle
        leader = ahead.get(vehicle.direction)
        if vehicle.temper.follows and leader is not None:
            yield replace(
                arrival, t_s=leader.t_s + rng.uniform(*CONVOY_S), smart=leader.smart, behind=True
            )
        else:
            ahead[vehicle.direction] = arrival
            yield arrival


def one(
    site: Site,
    direction: Direction,
    id: str,
    rng: random.Random,
    *,
    t_s: float = 0.0,
    laden: bool = True,
    why: str = "ok",
    temper: Temper | None = None,
    acknowledged_after_arrival_s: float = -3600.0,
    plate_dirt: float = 0.0,
    smart: bool = True,
) -> Arrival:
    """One vehicle with chosen traits, for tests; the rest is drawn from `rng`.

    `why` is the ground truth of the right decision, as in the trace vocabulary.
    """
    if why not in WHY:
        raise UnknownName("reason of a vehicle", why, WHY)
    drawn = _arrival(site, t_s, direction, laden, id, rng, set(), why)
    calm = Temper(reaction_s=1.0)
    vehicle = replace(drawn.vehicle, temper=temper or calm, plate_dirt=plate_dirt)
    declared = drawn.declared
    if declared is not None:
        declared = replace(declared, acknowledged_after_arrival_s=acknowledged_after_arrival_s)
    return replace(drawn, vehicle=vehicle, declared=declared, smart=smart)


def _arrival(
    site: Site,
    t_s: float,
    direction: Direction,
    laden: bool,
    id: str,
    rng: random.Random,
    used: set[str],
    why: str | None = None,
) -> Arrival:
    traffic, shares = site.traffic, site.traffic.shares
    why = why or _why(site, laden, rng)
    country: Literal["VN", "CN"] = "VN" if rng.random() < shares.vietnamese_plate else "CN"
    axle_count = _axle_count(site, laden, rng)
    semi = axle_count > 2
    plate = _fresh(lambda: plates.make_plate(rng, country), used)
    trailer = _fresh(lambda: plates.make_plate(rng, country, trailer=True), used) if semi else None
    goods, cargo_kg = declarations.make_goods(rng, direction)
    gross_kg = TARE_KG[axle_count] + (cargo_kg if laden else 0)
    limit_kg = declarations.LEGAL_GROSS_KG.get(axle_count, 18_000)
    gross_kg = min(gross_kg, limit_kg - 400)
    declared_kg = gross_kg
    if why == "overweight":
        gross_kg = declared_kg = limit_kg + rng.randrange(1_000, 6_000, 20)
    elif why == "weight_mismatch":
        gross_kg = round(declared_kg * rng.choice((0.86, 0.89, 1.11, 1.14)))
        gross_kg = min(gross_kg, limit_kg)
        if abs(gross_kg - declared_kg) < 0.08 * declared_kg:
            gross_kg = round(declared_kg * 0.87)
    else:
        gross_kg = round(gross_kg * rng.uniform(0.985, 1.015))
    number = _fresh(lambda: declarations.make_number(rng, direction), used)
    declared = (
        None
        if why == "no_declaration"
        else Declared(
            number=number,
            plate=_fresh(lambda: plates.make_plate(rng, country), used)
            if why == "plate_mismatch"
            else plate,
            goods_hs=goods.hs if laden else None,
            gross_kg=declared_kg,
            axles=axle_count,
            channel={"channel_red": "red", "channel_yellow": "yellow"}.get(why, "green"),  # type: ignore[arg-type]
            preclearance="rejected" if why == "not_precleared" else "acknowledged",
            acknowledged_after_arrival_s=rng.uniform(*traffic.preclearance_late_s)
            if rng.random() < shares.preclearance_late
            else -rng.uniform(600, 7_200),
            revoked_after_release_s=rng.uniform(*REVOKED_S) if why == "revoked" else None,
        )
    )
    return Arrival(
        t_s=t_s,
        declared=declared,
        smart=rng.random() < shares.smart_lane,
        vehicle=Vehicle(
            id=id,
            direction=direction,
            plate=plate,
            plate_country=country,
            trailer_plate=trailer,
            container=_fresh(lambda: containers.make(rng), used) if laden and semi else None,
            declaration=declared.number if declared and why != "plate_mismatch" else None,
            laden=laden,
            length_m=_LENGTH_M[axle_count],
            height_m=round(rng.uniform(3.4, 4.0) if semi else rng.uniform(2.8, 3.5), 2),
            axles=axles_of(axle_count, gross_kg, laden),
            colour=rng.choice(_COLOURS),
            plate_dirt=round(rng.uniform(0.4, 0.95), 3)
            if rng.random() < shares.dirty_plate
            else round(rng.uniform(0.0, 0.25), 3),
            limits=_limits(site, laden, rng),
            temper=_temper(site, rng),
            why=why,
            bed_m=_BED_M[axle_count],
        ),
    )


def _why(site: Site, laden: bool, rng: random.Random) -> str:
    shares = site.traffic.shares
    menu = [
        ("channel_red", shares.channel_red if laden else 0.0),
        ("channel_yellow", shares.channel_yellow),
        ("no_declaration", shares.no_declaration),
        ("overweight", shares.overweight if laden else 0.0),
        ("weight_mismatch", shares.weight_mismatch if laden else 0.0),
        ("plate_mismatch", shares.plate_mismatch),
        ("not_precleared", shares.preclearance_rejected),
        ("revoked", shares.revoked),
    ]
    point = rng.random()
    for why, share in menu:
        if point < share:
            return why
        point -= share
    return "ok"


def _axle_count(site: Site, laden: bool, rng: random.Random) -> int:
    shares = site.traffic.shares
    if not laden and rng.random() < shares.rigid_truck:
        return 2
    return 6 if rng.random() < shares.six_axle else 5


def axles_of(count: int, gross_kg: float, laden: bool) -> tuple[Axle, ...]:
    """How `gross_kg` stands on `count` axles."""
    shares = _SHARE_OF_LOAD[count]
    if not laden:  # an empty trailer leaves relatively more on the tractor
        front = 0.36 if count > 2 else 0.5
        rest = (1 - front) / (count - 1)
        shares = (front, *([rest] * (count - 1)))
    loads = [round(gross_kg * share) for share in shares]
    loads[-1] += round(gross_kg) - sum(loads)
    return tuple(
        Axle(offset, load) for offset, load in zip(_WHEELBASES_M[count], loads, strict=True)
    )


def _limits(site: Site, laden: bool, rng: random.Random) -> Limits:
    drivers = site.traffic.drivers
    pace = rng.uniform(0.8, 1.15) * (0.9 if laden else 1.0)
    return Limits(drivers.speed_m_s * pace, drivers.acceleration_m_s2 * pace, drivers.braking_m_s2)


def _temper(site: Site, rng: random.Random) -> Temper:
    drivers = site.traffic.drivers
    return Temper(
        reaction_s=rng.uniform(*drivers.reaction_s),
        hesitates_s=rng.uniform(*drivers.hesitates_s) if rng.random() < drivers.hesitates else 0.0,
        stops_under_arm_s=rng.uniform(*drivers.stops_under_arm_s)
        if rng.random() < drivers.stops_under_arm
        else 0.0,
        follows=rng.random() < drivers.follows_too_close,
    )


def _fresh(make: Callable[[], str], used: set[str]) -> str:
    """A synthetic identifier that no other vehicle of the day has."""
    while True:
        text = make()
        if text not in used:
            used.add(text)
            return text
