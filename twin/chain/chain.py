"""Assembles a gate and its bridge on one clock: trucks drive from its lanes to its cranes.

A chain is started, gives one wire list with the sections of both, lets a counted day come and go,
and is stopped. Its time begins when the lanes open.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Mapping
from typing import Any

from twin import faults as fault_schedule
from twin.bridge import Bridge, CarrierKind, Credentials, Radio, cargo_of
from twin.chain.day import ChainDay, plan
from twin.chain.trucks import TruckWays
from twin.clock import Clock
from twin.devices.base import Faulty
from twin.errors import HarnessError
from twin.gate import Fidelity, Gate
from twin.site import Site
from twin.site_bridge import Cargo
from twin.trace import Trace

_LOOK_S = 10.0


def joined(site: Site, carrier: CarrierKind) -> Cargo:
    """The cargo of a site whose trucks drive from lane to crane; `HarnessError` if none does."""
    if site.bridge.cargo is None or site.bridge.cargo.trucks is None:
        raise HarnessError(
            f"{site.id} has no [bridge.cargo.trucks]: its lanes and its bridge are not joined"
        )
    return cargo_of(site, carrier)


class Chain:
    """One gate and one bridge; everything in them is reachable by name."""

    def __init__(
        self, site: Site, clock: Clock, trace: Trace, *, seed: int = 0,
        fidelity: Fidelity = "kinematic", engine: str = "pybullet",
        lanes: Iterable[str] | None = None, carrier: CarrierKind = CarrierKind.IGV,
        radio: Radio | None = None, credentials: Credentials | None = None,
        secret: random.Random | None = None,
    ) -> None:  # fmt: skip
        """`fidelity` and `engine`: of arms and vehicles; `lanes`: only some of the site's.

        `carrier`, `radio` and `credentials` are the bridge's, `secret` is the gate's.
        """
        joined(site, carrier)
        self.clock, self.trace, self.seed = clock, trace, seed
        drive = "kinematic" if fidelity == "kinematic" else engine
        self.bridge = Bridge(
            site, clock, trace, seed=seed, engine=drive, carrier=carrier, radio=radio,
            credentials=credentials,
        )  # fmt: skip
        # The gate comes last: civil time is that of its day.
        self.gate = Gate(
            site, clock, trace, seed=seed, fidelity=fidelity, engine=engine, lanes=lanes,
            secret=secret,
        )  # fmt: skip
        self.site = self.gate.site
        self.ways = TruckWays(self.gate, self.bridge, self._rng)
        self.wire_list: dict[str, Any] = {}

    def _rng(self, name: str) -> random.Random:
        return random.Random(f"{self.seed}/chain/{name}")

    @property
    def targets(self) -> Mapping[str, Faulty]:
        """Everything that has a fault menu, by its id."""
        outside: list[Faulty] = [self.ways.papers, self.ways.far_side]
        cargo = dict(self.bridge.targets)
        del cargo[self.bridge.laboratory.id]  # no truck is there for what comes back
        return {**self.gate.targets, **cargo, **{one.id: one for one in outside}}

    def plan_faults(self, faults: Iterable[fault_schedule.Fault]) -> None:
        """Have `faults` begin and end at their times."""
        opens_h = self.site.hours.opens_h
        fault_schedule.schedule(faults, self.targets, self.clock, opens_h)

    async def start(self, host: str = "127.0.0.1", first_port: int = 0) -> dict[str, Any]:
        """Serve all wires on `host`; returns the wire list with the sections of both.

        Ports are free ones, or from `first_port` on: first the lanes' and customs, then the
        bridge's.
        """
        bridge_port = first_port + self.gate.wires if first_port else 0
        cargo = await self.bridge.start(host, bridge_port)
        self.wire_list = {**cargo, **await self.gate.start(host, first_port)}
        return self.wire_list

    async def stop(self) -> None:
        """Close every wire."""
        await self.bridge.stop()
        await self.gate.stop()

    def plan(
        self, date: dt.date, boxes: int | None = None, hours: float | None = None
    ) -> tuple[ChainDay, float]:
        """The trucks of `date` within `hours` of opening, and how many seconds that is."""
        open_s = self.site.hours.open_s
        if hours is not None:
            open_s = min(open_s, hours * 3600.0)
        return plan(self.site, self.site.day(date), self.seed, boxes, open_s), open_s

    async def run(self, day: ChainDay, open_s: float) -> None:
        """Let a day come; returns when every truck is home, or after the site's drain time."""
        self.ways.expect(day)
        await self.gate.run_arrivals(day.lanes, open_s)
        end_s = open_s + self.site.hours.drain_s
        while self.clock.now_s() < end_s and not self.idle:
            await self.clock.sleep(_LOOK_S)

    @property
    def idle(self) -> bool:
        """Whether no haul is under way."""
        flow = self.bridge.flow
        return not self.ways.open and flow.finished >= len(flow.transfers.book)
