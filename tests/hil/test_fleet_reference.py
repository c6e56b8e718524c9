"""The reference fleet manager under the fleet kit: every MUST that its papers make applicable."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import msgspec
import pytest

from fixtures.fleet_mutants import VEHICLE_MUTANTS
from fixtures.stack.fleet.fleet import Fleet
from fixtures.stack.fleet.vehicle import Vehicle
from hil import kit as kits
from hil.emulation import Forget
from hil.kits.fleet.papers import FleetPics, FleetPixit
from hil.kits.fleet.roles import FleetRoles
from hil.kits.fleet.session import FleetSession
from hil.kits.fleet.wire import FleetWire
from hil.runner import drive, judge
from hil.verdict import Result, Verdict
from twin.clock import Clock, run_virtual
from twin.trace import Record, Trace
from twin.wires.mqtt import MqttServer

pytestmark = pytest.mark.no_cover

SPEED_M_S = 5.0
AHEAD_M = 60.0
"""The bench is small: with the 150 m of a bridge the whole way would be one base."""


class Hands:
    """An operator's console on the reference: its jobs, and its mains switch."""

    def __init__(self, clock: Clock, port: int, pixit: FleetPixit, vehicle: type[Vehicle]) -> None:
        self._clock, self._vehicle = clock, vehicle
        layout = pixit.layout
        lane = [name for name in pixit.node_ids if name in layout.zone]
        both = [*layout.edges, *((b, a) for a, b in layout.edges)]
        self._wires: dict[str, Any] = {
            "host": "127.0.0.1", "port": port, "user": None, "password": None,
            "prefix": pixit.prefix, "manufacturer": pixit.manufacturer, "map": pixit.map_id,
            "vehicles": [{"id": name} for name in pixit.vehicles],
        }  # fmt: skip
        self._graph = {
            "nodes": [{"id": n, "x_m": x, "y_m": y} for n, (x, y) in layout.nodes.items()],
            "edges": [{"from": a, "to": b, "speed_m_s": SPEED_M_S} for a, b in both],
            "lanes": [{"id": "lane", "nodes": lane, "mode": "alternating", "platoon": 1,
                       "clearance_s": 0.0, "at_once": 1}],
        }  # fmt: skip
        self._stops = [name for name in layout.nodes if name not in layout.zone]
        self.fleet: Fleet | None = None

    async def switch(self, on: bool) -> None:
        if not on and self.fleet is not None:
            fleet, self.fleet = self.fleet, None
            await fleet.disconnect()
        elif on and self.fleet is None:
            self.fleet = Fleet(self._wires, self._graph, self._stops, look_ahead_m=AHEAD_M)
            self.fleet.VEHICLE = self._vehicle  # type: ignore[misc]  # for mutants
            await self.fleet.connect(dt.datetime.fromisoformat(self._clock.business_time()))

    async def bring(self, vehicle: str, start: str, goal: str) -> None:
        assert self.fleet is not None
        self.fleet.bring(vehicle, goal)

    async def abandon(self, vehicle: str) -> None:
        assert self.fleet is not None
        self.fleet.abandon(vehicle)

    async def pause(self, vehicle: str, on: bool) -> None:
        assert self.fleet is not None
        self.fleet.pause(vehicle, on)


def papers() -> tuple[FleetPics, FleetPixit]:
    """What the reference declares: no horizon, no leases; all else is there."""
    kit: Any = kits.load("fleet")
    pics = msgspec.structs.replace(kit.emulated_pics("2.1"), horizon=False, leases=False)
    pixit = msgspec.structs.replace(
        kit.emulated_pixit("2.1"), charge_percent=25.0, resend_s=5.0, state_age_s=45.0,
        start_up_s=3.0,
    )  # fmt: skip
    return pics, pixit


def certify(vehicle: type[Vehicle] = Vehicle, only: list[str] | None = None) -> list[Result]:
    kit: Any = kits.load("fleet")
    pics, pixit = papers()

    async def main(clock: Clock) -> list[Record]:
        trace = Trace(clock)
        server = MqttServer(
            clock=clock, trace=Forget(clock), rng=random.Random(0), detail="connections"
        )
        port = await server.start()
        hands = Hands(clock, port, pixit, vehicle)
        wire = FleetWire("127.0.0.1", port, pics, pixit, clock, trace, limit_s=5.0)
        session = FleetSession(clock, trace, wire, FleetRoles(power=hands, jobs=hands), pics, pixit)
        try:
            await drive(session, kit.suite, kit.register, only=only)
        finally:
            await hands.switch(False)
            await server.stop()
        return list(trace.records())

    return list(judge(run_virtual(main), kit.suite, kit.register))


@pytest.mark.slow
def test_the_reference_fleet_manager_passes_every_must() -> None:
    """All that applies without horizon and leases is exercised, and passes."""
    results = certify()
    wrong = {
        one.requirement: (one.verdict.value, one.text) for one in results
        if one.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
    }  # fmt: skip
    assert wrong == {}
    skipped = {one.requirement[:7] for one in results if one.verdict is Verdict.NOT_APPLICABLE}
    assert skipped == {"FLT-LEA"}


@pytest.mark.slow
@pytest.mark.parametrize("mutant", VEHICLE_MUTANTS, ids=lambda one: one.__name__)
def test_each_wrong_way_to_drive_a_vehicle_is_caught(mutant: type[Vehicle]) -> None:
    """A mutant fails the requirement that is named for it."""
    wanted = VEHICLE_MUTANTS[mutant]
    results = {one.requirement: one for one in certify(mutant, [wanted])}
    assert results[wanted].verdict is Verdict.FAIL, results[wanted].text
