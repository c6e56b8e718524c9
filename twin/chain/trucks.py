"""Leads trucks from their lane through the scan to the crane, and home again.

What happens to a container is said of its *haul*: the truck of the home side, its declaration and
its box. Everything is recorded as `haul.*`, so that a judge can follow it from paper to receipt.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import simpy

from twin.bridge import Bridge
from twin.chain.day import ChainDay, waiting_truck
from twin.chain.papers import FarSide, Papers
from twin.documents.declarations import LEGAL_GROSS_KG
from twin.gate import Gate
from twin.world import hauls
from twin.world.boxes import Consignment
from twin.world.driver import Process
from twin.world.hauls import Haul
from twin.world.traffic import Arrival, axles_of
from twin.world.vehicle import Vehicle
from twin.world.yard import Box, Place

OWN_RELEASE_S = 5.0
"""Until the side on which a truck stands has looked up its own book (estimate)."""
PEOPLE_S = 300.0
"""Until people have come to a truck that must not be unloaded (estimate)."""
NEVER_S = 7 * 86_400.0
_OVERWEIGHT_KG = 4_000


class TruckWays:
    """All hauls of one run; is told by lanes and cranes, and leads trucks between them."""

    def __init__(
        self, gate: Gate, bridge: Bridge, rng: Callable[[str], random.Random]
    ) -> None:  # fmt: skip
        self._gate, self._bridge = gate, bridge
        self._clock, self._trace = gate.clock, gate.trace
        trucks = bridge.cargo.trucks
        assert trucks is not None
        self._spec = trucks
        sides = {yard.side: yard.id for yard in bridge.cargo.yards}
        self._home, self._far = sides["home"], sides["far"]
        self.papers, self.far_side = Papers(self._trace), FarSide(self._trace)
        self._ways, self._luck = rng("ways"), rng("other boxes")
        self._portals = simpy.Resource(self._clock.env, capacity=trucks.portals)
        self._exports: dict[str, Haul] = {}
        self._returning: dict[str, str] = {}
        """Vehicle on its way home, empty or with an import, to the vehicle of its haul."""
        self._by_box: dict[str, Haul] = {}
        self.open: set[str] = set()
        """Vehicles whose haul is not over."""
        gate.world.as_it_comes = self._as_it_comes
        gate.world.on_arrival(lambda arrival, _: self._at_lane(arrival))
        gate.world.on_left(self._left_lane)
        bridge.flow.authorities = self._offered
        bridge.flow.trucks.following = self

    def expect(self, day: ChainDay) -> None:
        """Let the hauls of a day come; who drives up to a lane is let come by the gate."""
        self._exports = dict(day.exports)
        self._bridge.flow.expected += len(day.imports)
        for haul in day.imports:
            wait_s = haul.arrival.t_s - self._clock.now_s()
            self._clock.call_later(max(0.0, wait_s), partial(self._import_comes, haul))

    def _tell(self, kind: str, haul: Haul, **more: Any) -> None:
        self._trace("world", f"haul.{kind}", vehicle=haul.vehicle.id, **more)

    # --- at the lanes ----------------------------------------------------------------------------

    def _as_it_comes(self, arrival: Arrival) -> Arrival:
        """What is wrong with papers and far side now is wrong with who comes now."""
        haul = self._exports.get(arrival.vehicle.id)
        if haul is not None and arrival.vehicle.why == "ok":
            arrival = self._spoil(haul, arrival)
        declared = arrival.declared
        if declared is not None and declared.preclearance == "acknowledged":
            faults, vehicle = self.far_side.faults, arrival.vehicle
            if "no_preclearance" in faults:
                late = replace(declared, acknowledged_after_arrival_s=NEVER_S)
                vehicle = replace(vehicle, why="not_precleared")
                arrival = replace(arrival, declared=late, vehicle=vehicle)
            elif self.far_side.silent:
                late = replace(declared, acknowledged_after_arrival_s=NEVER_S)
                arrival = replace(arrival, declared=late)
                self.far_side.say(partial(self._gate.state.answer, declared.number))
        if haul is not None:
            haul.arrival = arrival
            haul.declared = arrival.declared or haul.declared
        return arrival

    def _spoil(self, haul: Haul, arrival: Arrival) -> Arrival:
        faults, vehicle, declared = self.papers.faults, arrival.vehicle, arrival.declared
        assert declared is not None
        if "other_box" in faults:
            hauls.another_box(haul, self._luck)
        if "heavy_box" in faults:
            hauls.heavier_box(haul, float(faults["heavy_box"]["factor"]))
        if "channel_red" in faults:
            vehicle = replace(vehicle, why="channel_red")
            return replace(arrival, vehicle=vehicle, declared=replace(declared, channel="red"))
        if "overweight" in faults:
            axles = len(vehicle.axles)
            gross_kg = LEGAL_GROSS_KG[axles] + _OVERWEIGHT_KG
            loads = axles_of(axles, gross_kg, laden=True)
            vehicle = replace(vehicle, why="overweight", axles=loads)
            return replace(arrival, vehicle=vehicle, declared=replace(declared, gross_kg=gross_kg))
        return arrival

    def _at_lane(self, arrival: Arrival) -> None:
        haul = self._exports.get(arrival.vehicle.id)
        if haul is not None:
            self._bind(haul)

    def _bind(self, haul: Haul) -> None:
        self.open.add(haul.vehicle.id)
        self._by_box[haul.box.number] = haul
        self._tell(
            "bound", haul, direction="out" if haul.export else "in",
            declaration=haul.declared.number, container=haul.on_paper.number,
            box=haul.box.number, perishable=haul.box.perishable, mass_kg=haul.box.mass_kg,
            declared_kg=haul.on_paper.mass_kg,
        )  # fmt: skip

    def _left_lane(self, vehicle: Vehicle, outcome: str) -> None:
        haul = self._exports.get(vehicle.id)
        if haul is not None:
            if outcome == "crossed":
                self._clock.env.process(self._to_crane(haul))
            else:
                self._over(haul, "diverted at the lane")
        elif vehicle.id in self._returning:
            home = self._returning.pop(vehicle.id)
            self._trace(
                "world", "haul.truck_home", vehicle=home, truck=vehicle.id, by=outcome,
                laden=vehicle.laden,
            )  # fmt: skip
            self.open.discard(home)

    def _over(self, haul: Haul, why: str) -> None:
        self._tell("out", haul, why=why)
        self.open.discard(haul.vehicle.id)

    # --- from lane to crane ----------------------------------------------------------------------

    def _way(self) -> simpy.Event:
        return self._clock.timeout(self._ways.uniform(*self._spec.way_s))

    def _to_crane(self, haul: Haul) -> Process:
        yield self._way()
        self._tell("at_portal", haul)
        with self._portals.request() as turn:
            yield turn
            slot_s = self._ways.uniform(*self._spec.scan_s)
            yield self._clock.timeout(slot_s)
        yield self._clock.timeout(self._ways.uniform(*self._spec.review_s))
        why = self._why_not(haul)
        self._tell(
            "scanned", haul, declaration=haul.declared.number, outcome="refer" if why else "clear",
            why=why, slot_s=round(slot_s, 3),
        )  # fmt: skip
        if why:
            self._over(haul, f"referred at the scan: {why}")
            return
        yield self._way()
        self._queue(haul, self._home, self._far)

    def _why_not(self, haul: Haul) -> str:
        """Why customs, by its own book, does not let this container go; empty if it does."""
        matter = self._gate.state.find(haul.declared.number)
        if matter is None or (haul.export and matter.release is None):
            return "not released"
        if matter.revoked_ns is not None:
            return "revoked"
        channel = matter.channel_at(self._clock.now_ns())
        return "" if channel == "green" else f"channel {channel}"

    def _queue(self, haul: Haul, from_yard: str, to_yard: str) -> None:
        self._tell("queued", haul, yard=from_yard)
        if haul.export:
            self._bridge.flow.expected += 1
        now_s = self._clock.now_s()
        self._bridge.flow.trucks.come(haul.consignment(from_yard, to_yard, now_s))

    def _import_comes(self, haul: Haul) -> None:
        """The far side's truck; the home side's will fetch what it brings."""
        vehicle = haul.vehicle
        known = replace(haul.declared, acknowledged_after_arrival_s=-600.0)
        self._gate.declare(
            known, direction="in", trailer_plate=vehicle.trailer_plate,
            container=haul.on_paper.number, laden=True,
        )  # fmt: skip
        self._bind(haul)
        self._queue(haul, self._far, self._home)

    # --- under the crane -------------------------------------------------------------------------

    def _offered(self, number: str, one: Consignment) -> None:
        """A truck stands under its crane: each side looks into its book."""
        haul = self._by_box[one.box.number]
        transfers, book = self._bridge.transfers, self._bridge.transfers.book
        self._tell("offered", haul, transfer=number, yard=one.from_yard, place=book[number].place)
        own_s, late_s = OWN_RELEASE_S, max(OWN_RELEASE_S, one.far_release_s)
        home_s, far_s = (own_s, late_s) if haul.export else (late_s, own_s)
        self._clock.call_later(home_s, partial(self._home_looks, number, haul))
        say = partial(self.far_side.say, partial(transfers.release, number, "far"))
        self._clock.call_later(far_s, say)
        turns = self.papers.faults.get("turns_red")
        if turns is not None and haul.export:
            after_s = float(turns["after_s"])
            self._clock.call_later(after_s, partial(self._turns_red, number, haul))

    def _home_looks(self, number: str, haul: Haul) -> None:
        why = self._why_not(haul)
        if not why:
            self._bridge.transfers.release(number, "home")
        else:
            self._clock.call_later(PEOPLE_S, partial(self._take_out, number, why))

    def _turns_red(self, number: str, haul: Haul) -> None:
        """Customs wants it after all; a permit that is given is the last word."""
        if self._bridge.transfers.revoke(number, "home"):
            self._gate.state.set_channel(haul.declared.number, "red")
            self._clock.call_later(PEOPLE_S, partial(self._take_out, number, "channel red"))

    def _take_out(self, number: str, why: str) -> None:
        """People come; a box that is lifted already is for the stack to put back."""
        transfer = self._bridge.transfers.book[number]
        place = self._bridge.yards.yards[transfer.from_yard].places[transfer.place]
        if place.top is not None and place.top.number == transfer.box:
            self._bridge.transfers.fail(number, why)

    def left(self, one: Consignment, place: Place, box: Box | None) -> None:
        """A truck drives off from under its crane."""
        haul = self._by_box[one.box.number]
        self._tell(
            "left_crane", haul, yard=one.from_yard, place=place.id, box=box.number if box else None
        )
        if box is not None:
            self._over(haul, "sent away from the crane")
        elif haul.export:
            self._clock.env.process(self._home_empty(haul))

    def collected(self, yard: str, box: Box) -> None:
        """A truck has fetched what has crossed, or what was put back."""
        haul = self._by_box[box.number]
        self._tell("collected", haul, yard=yard, box=box.number)
        if not haul.export and yard == self._home:
            self._clock.env.process(self._home_laden(haul))

    # --- home ------------------------------------------------------------------------------------

    def _home_empty(self, haul: Haul) -> Process:
        yield self._way()
        if self._spec.leave_by == "yard":
            self._tell("truck_home", haul, truck=haul.vehicle.id, by="yard", laden=False)
            self.open.discard(haul.vehicle.id)
            return
        arrival = hauls.emptied(self._gate.site, haul, self._luck, self._clock.now_s())
        self._arrive(arrival, haul)

    def _home_laden(self, haul: Haul) -> Process:
        yield self._way()
        self._arrive(waiting_truck(haul, self._clock.now_s()), haul)

    def _arrive(self, arrival: Arrival, haul: Haul) -> None:
        self._returning[arrival.vehicle.id] = haul.vehicle.id
        world = self._gate.world
        world.counts.expected += 1
        world.arrive(arrival)
