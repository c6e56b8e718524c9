"""A short piece of a day from lane to receipt, with chosen trucks, faults and fleet managers."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from fixtures.fleet_mutants import Create
from fixtures.stack import create as create_lanes
from fixtures.stack.fleet import create
from twin import site as sites
from twin.bridge import CarrierKind
from twin.chain import Chain
from twin.chain.day import ChainDay
from twin.clock import Clock, run_virtual
from twin.faults import Fault
from twin.judge.chain import judge_chain
from twin.judge.chain_facts import ChainFacts, HaulFacts, collect_chain
from twin.judge.verdict import Judgement
from twin.site import Site
from twin.trace import Trace
from twin.world import traffic
from twin.world.hauls import Haul, haul_of
from twin.world.vehicle import Temper

logging.getLogger("asyncua").setLevel(logging.CRITICAL)

LANES = ("in-1", "out-2")
FRUIT, OTHER = True, False
LATE_S = 60.0
OPEN_S = 300.0


@dataclass
class Piece:
    """What is left of a run."""

    chain: Chain
    trace: Trace
    facts: ChainFacts
    judgement: Judgement

    def haul(self, number: int) -> HaulFacts:
        """The haul of the truck that was given as `number`, from 1."""
        return self.facts.hauls[f"T{number:04d}"]

    def received(self) -> set[int]:
        """Numbers of the trucks whose containers were signed for."""
        transfers = self.facts.bridge.crossings.values()
        boxes = {one.box for one in transfers if one.received_s is not None}
        return {int(h.vehicle[1:]) for h in self.facts.hauls.values() if h.container in boxes}

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        """Payloads of all records of a kind."""
        return [record.payload for record in self.trace.records() if record.kind == kind]


def haul(site: Site, number: int, direction: str, t_s: float, *, fruit: bool) -> Haul:
    """A laden truck with right papers and a calm driver."""
    for seed in range(100):
        one = traffic.one(
            site, direction, f"T{number:04d}", random.Random(f"{number}/{seed}"), t_s=t_s,  # type: ignore[arg-type]  # the site's directions are these
            temper=Temper(1.0),
        )  # fmt: skip
        found = haul_of(site, one, LATE_S)
        if found.box.perishable == fruit:
            return found
    raise AssertionError("no such goods are drawn")


def play(
    hauls: Sequence[tuple[str, float, bool]], *, faults: Iterable[Fault] = (),
    make: Create = create, fleet: int | None = None, until_s: float = 6000.0,
    carrier: CarrierKind = CarrierKind.IGV,
) -> Piece:  # fmt: skip
    """Let hauls (direction, when, fruit) come; `fleet` is another number of vehicles."""
    site = sites.load("bac-luan-2")
    hours = msgspec.structs.replace(site.hours, drain_s=until_s - OPEN_S)
    site = msgspec.structs.replace(site, hours=hours)
    if fleet is not None:
        assert site.bridge.cargo is not None
        cargo = msgspec.structs.replace(
            site.bridge.cargo, fleet=msgspec.structs.replace(site.bridge.cargo.fleet, size=fleet)
        )
        site = msgspec.structs.replace(
            site, bridge=msgspec.structs.replace(site.bridge, cargo=cargo)
        )

    async def main(clock: Clock) -> tuple[Chain, Trace]:
        trace = Trace(clock)
        chain = Chain(site, clock, trace, seed=1, lanes=LANES, carrier=carrier)
        chain.plan_faults(faults)
        made = [haul(site, n, *one[:2], fruit=one[2]) for n, one in enumerate(hauls, start=1)]
        out = {one.vehicle.id: one for one in made if one.export}
        day = ChainDay(
            [one.arrival for one in out.values()], out, [one for one in made if not one.export]
        )
        wires = await chain.start()
        stacks = [create_lanes(wires, {}), make(wires, {})]
        try:
            for stack in stacks:
                await stack.start()
            await chain.run(day, OPEN_S)
        finally:
            for stack in stacks:
                await stack.stop()
            await chain.stop()
        return chain, trace

    chain, trace = run_virtual(main, seed=1)
    facts = collect_chain(trace.records())
    return Piece(chain, trace, facts, judge_chain(facts))
