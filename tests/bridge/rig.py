"""One short day on the bridge of Bắc Luân II, with any fleet manager and any faults."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fixtures.stack.fleet import FleetManager, create
from twin import site
from twin.bridge import Bridge, CarrierKind
from twin.clock import Clock, run_virtual
from twin.faults import Fault
from twin.judge.bridge import judge_bridge
from twin.judge.bridge_facts import BridgeFacts, collect_bridge
from twin.judge.verdict import Judgement
from twin.trace import Trace
from twin.world.boxes import Consignment

logging.getLogger("asyncua").setLevel(logging.CRITICAL)

Create = Callable[[Mapping[str, Any], Mapping[str, Any]], FleetManager]
Before = Callable[[Bridge], None]


@dataclass
class Day:
    """What is left of a run."""

    bridge: Bridge
    stack: FleetManager
    trace: Trace
    facts: BridgeFacts
    judgement: Judgement
    end_s: float

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        return [record.payload for record in self.trace.records() if record.kind == kind]


FROM_PARKS = {"wait_above": 2.0}
"""Options of the manager with which no vehicle waits in a bay: each has a way to its box."""


def play(
    *, boxes: int = 2, hours: float = 0.25, drain_s: float = 3600.0, seed: int = 1,
    faults: Iterable[Fault] = (), make: Create = create, before: Before | None = None,
    consignments: Callable[[Bridge], list[Consignment]] | None = None,
    options: Mapping[str, Any] | None = None, carrier: CarrierKind = CarrierKind.IGV,
    on: site.Site | None = None, link: bool = True,
) -> Day:  # fmt: skip
    """Let `boxes` come within `hours`, and wait for them at most `drain_s` longer."""

    async def main(clock: Clock) -> tuple[Bridge, FleetManager, Trace, float]:
        trace = Trace(clock)
        bridge = Bridge(
            on or site.load("bac-luan-2"), clock, trace, seed=seed, carrier=carrier, link=link
        )
        bridge.plan_faults(faults)
        if before is not None:
            before(bridge)
        planned = bridge.plan(hours, round(boxes * 24 / hours))
        bridge.expect(consignments(bridge) if consignments is not None else planned)
        stack = make(await bridge.start(), options or {})
        try:
            await stack.start()
            await bridge.run(hours, drain_s)
        finally:
            await stack.stop()
            await bridge.stop()
        return bridge, stack, trace, clock.now_s()

    bridge, stack, trace, end_s = run_virtual(main, seed=seed)
    facts = collect_bridge(trace.records())
    return Day(bridge, stack, trace, facts, judge_bridge(facts), end_s)
