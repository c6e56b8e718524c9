"""One run of the bridge from beginning to end: boxes, faults and a stack, on one clock."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twin import faults as fault_schedule
from twin import site as sites
from twin import stacks
from twin.bridge import (
    OPENS_H,
    Bridge,
    CarrierKind,
    Credentials,
    Radio,
    Wish,
    cargo_of,
    radio_of,
)
from twin.bridge.less import Part, without
from twin.clock import Clock, run_real, run_virtual
from twin.errors import HarnessError
from twin.site import Site
from twin.trace import Record, Trace

_PROGRESS_S = 60.0

Progress = Callable[[float, int, int], None]
"""Takes simulated seconds, boxes that are ready or further, and boxes that are through."""


@dataclass(frozen=True, slots=True)
class BridgePlan:
    """What to run. `speed` None is virtual time; a number is that many times the wall clock."""

    site: Site
    hours: float
    seed: int = 0
    boxes_day: int | None = None
    """Containers of a whole day, both ways; None is the site's own demand."""
    drain_s: float = 7200.0
    """How long after that what is under way may take."""
    speed: float | None = None
    engine: str = "kinematic"
    carrier: CarrierKind = CarrierKind.IGV
    faults: Path | None = None
    phase: int = 1
    less: Part | None = None
    """N-1: without this part, and with the same boxes."""
    stack: str = "reference-fleet"
    stack_options: dict[str, Any] = field(default_factory=dict)
    wish: Wish = field(default_factory=Wish)
    """Which MQTT broker; in virtual time only our own."""

    @property
    def ground(self) -> Site:
        """The site in its phase, with one part less if `less` says so."""
        return ground_of(self.site, self.phase, self.less)

    def told(self) -> dict[str, Any]:
        """What the trace says of it, and `plan_of` makes a plan of again."""
        return {
            "scope": "bridge", "site": self.site.id, "seed": self.seed, "hours": self.hours,
            "boxes_day": self.boxes_day, "drain_s": self.drain_s, "engine": self.engine,
            "carrier": self.carrier.value, "phase": self.phase,
            "without": self.less.value if self.less else None,
            "stack": self.stack, "speed": self.speed,
            "faults": fault_schedule.read(self.faults) if self.faults else None,
        }  # fmt: skip


def ground_of(site: Site, phase: int, less: Part | None) -> Site:
    """The site in Phase 1 or 2, without `less`; a site without cargo as it is, for who reads it."""
    if phase == 1 and less is None:
        return site
    found = site.in_phase(phase)
    return found if less is None else without(found, less)


def plan_of(start: Mapping[str, Any], folder: Path) -> BridgePlan:
    """The plan that `run.start` tells; its faults are written to `folder`."""
    faults = None
    if start["faults"] is not None:
        faults = folder / "faults.toml"
        faults.write_text(start["faults"], encoding="utf-8")
    return BridgePlan(
        sites.load(start["site"]), start["hours"], start["seed"], start["boxes_day"],
        drain_s=start["drain_s"], engine=start["engine"], faults=faults, stack=start["stack"],
        carrier=CarrierKind(start["carrier"]), phase=start["phase"],
        less=Part(start["without"]) if start["without"] else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BridgeOutcome:
    """What a run left behind."""

    trace: Trace
    records: Sequence[Record]
    simulated_s: float
    wall_s: float


def run_bridge(plan: BridgePlan, progress: Progress | None = None) -> BridgeOutcome:
    """Run `plan` to its end. Errors of the harness are raised; wrong decisions are in the trace."""
    factory = stacks.find(plan.stack)
    began = time.perf_counter()
    radio, credentials = Radio(), None

    async def main(clock: Clock) -> tuple[Trace, float]:
        trace = Trace(clock)
        told: dict[str, Any] = {} if plan.speed is None else {"broker": radio.label}
        trace("run", "run.start", **plan.told(), **told)
        bridge = Bridge(
            plan.ground, clock, trace, seed=plan.seed, engine=plan.engine, credentials=credentials,
            radio=radio, carrier=plan.carrier, link=plan.less is not Part.LINK,
        )  # fmt: skip
        if plan.faults is not None:
            bridge.plan_faults(fault_schedule.load(plan.faults, bridge.targets, OPENS_H))
        bridge.expect(bridge.plan(plan.hours, plan.boxes_day))
        wire_list = await bridge.start()
        stack = factory(wire_list, plan.stack_options)
        watcher = asyncio.ensure_future(_watch(clock, bridge, progress)) if progress else None
        try:
            await stack.start()
            await bridge.run(plan.hours, plan.drain_s)
        finally:
            if watcher is not None:
                watcher.cancel()
            await stack.stop()
            bridge.tell_totals()
            await bridge.stop()
        trace("run", "run.end", simulated_s=round(clock.now_s(), 6))
        return trace, clock.now_s()

    cargo = cargo_of(plan.ground, plan.carrier)
    if plan.speed is None:
        if not plan.wish.plain:
            raise HarnessError(
                f"--broker {plan.wish.broker}{' --tls' * plan.wish.tls}: in virtual time there is "
                "only inproc without TLS, for no other program can wait for a clock that jumps; "
                "give --speed 1"
            )
        trace, simulated_s = run_virtual(main, seed=plan.seed)
    else:
        credentials = Credentials.draw(cargo, random.Random(secrets.token_bytes(32)))
        with radio_of(plan.wish, cargo, credentials.passwords) as radio:
            trace, simulated_s = run_real(main, speed=plan.speed)
    wall_s = time.perf_counter() - began
    return BridgeOutcome(trace, list(trace.records()), simulated_s, wall_s)


async def _watch(clock: Clock, bridge: Bridge, progress: Progress) -> None:
    while True:
        progress(clock.now_s(), len(bridge.transfers.book), bridge.finished)
        await clock.sleep(_PROGRESS_S)
