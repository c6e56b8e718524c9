"""Assembles the cargo side of a bridge: vehicles, cranes, yards, boxes, broker, transfers.

As `gate.Gate` does for the lanes. A bridge is started on a clock, gives the wire list that a fleet
manager and a crane scheduler need, lets boxes come, is stopped.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import random
from collections.abc import Iterable, Mapping
from typing import Any

from twin import faults as fault_schedule
from twin.bridge import cold_chain
from twin.bridge.cargo import Flow
from twin.bridge.carriers import CarrierKind, cargo_of, hang, line_of, rail_zones
from twin.bridge.cells import RadioCells
from twin.bridge.cold_chain import ColdChain
from twin.bridge.laboratory import Laboratory
from twin.bridge.lanes import Lanes
from twin.bridge.mains import mains_of
from twin.bridge.map_office import MapOffice
from twin.bridge.positioning import Positioning
from twin.bridge.radio import Elsewhere, Radio
from twin.bridge.towing import Towing
from twin.bridge.vehicles import MANUFACTURER, MAP, Vehicles, access
from twin.bridge.wire_list import Credentials, graph_of, wire_list
from twin.bridge.yards import Yards
from twin.clock import Clock
from twin.devices.base import Faulty
from twin.devices.closed_area import ClosedArea
from twin.devices.igv import Igv
from twin.partner.transfer_service import TransferService
from twin.partner.transfers import Transfers
from twin.site import Site
from twin.trace import Trace
from twin.wires.impair import Link
from twin.wires.mqtt import MqttServer
from twin.world.boxes import Consignment, Profile
from twin.world.crossing import Crossing, Ledger
from twin.world.wind import Wind

OPENS_H = 0.0
"""Cargo crosses day and night: its day begins at midnight."""
_DONE_LOOK_S = 10.0


class Bridge:
    """One bridge with everything that makes cargo cross by itself."""

    def __init__(
        self, site: Site, clock: Clock, trace: Trace, *, seed: int = 0, engine: str = "kinematic",
        carrier: CarrierKind = CarrierKind.IGV, credentials: Credentials | None = None,
        radio: Radio | None = None, link: bool = True,
    ) -> None:  # fmt: skip
        """`engine`: of the vehicles' motion, `kinematic`, `pybullet` or `mujoco`; a sky-rail's
        carriers have the first alone.

        `credentials` come from the seed unless they are given; `radio` is our own broker.
        Without the `link` between the two sides' systems they release by telephone.
        """
        self.site, self.cargo, self.clock, self.trace, self.seed = (
            site, cargo_of(site, carrier), clock, trace, seed,
        )  # fmt: skip
        self.carrier = carrier
        start = dt.datetime.combine(
            dt.date(2026, 6, 1), dt.time(), dt.timezone(dt.timedelta(hours=site.utc_offset_h))
        )
        clock.begin_day(start)
        self._credentials = credentials or Credentials.draw(self.cargo, self._rng("secret"))
        self.radio = radio or Radio()
        self.wind = Wind(clock, self._rng("wind").getrandbits(64))
        rail = site.bridge.sky_rail if carrier is CarrierKind.SKY_RAIL else None
        self.yards = Yards(
            self.cargo, clock, trace, rng=self._rng, wind=self.wind,
            password=self._credentials.passwords["scheduler"], rail=rail,
        )  # fmt: skip
        self.line = line_of(rail, clock, trace, self.wind, engine)
        self.broker = self._broker() if self.radio.own else Elsewhere(self.radio.port)
        self.fleet = Vehicles(
            self.cargo, clock, trace, rng=self._rng, docks=self.yards.docks, engine=engine,
            passwords=self._users, build=hang(self.line, self.yards.docks, self._rng),
        )  # fmt: skip
        on_ground = self.igvs if self.line is None else {}  # a rail has position codes
        self.positioning = Positioning(
            self.cargo, clock, trace, rng=self._rng, igvs=on_ground, length_m=site.bridge.length_m
        )
        self.area = ClosedArea("closed-area", clock, trace, list(self.igvs.values()))
        bodies = {name: crane.body for name, crane in self.yards.cranes.items()}
        carriers = self.fleet.carriers
        self.ledger = Ledger(
            clock, trace, self.yards.yards, bodies, carriers, self.yards.docks
        )  # fmt: skip
        self.lanes = Lanes(self.cargo, trace, site.bridge.length_m)
        on_rails = carrier is CarrierKind.SKY_RAIL
        zones = rail_zones(site, self.cargo) if on_rails else self.lanes.zones()
        self.crossing = Crossing(clock, trace, carriers, line_m=self.cargo.line_m, zones=zones)
        self.cells = RadioCells(
            self.cargo, trace, carriers if self.cargo.cells else {}, self._link_of
        )
        self.crossing.on_look(self.cells.look)
        self.towing = Towing(
            self.cargo, clock, trace, on_ground, site.bridge.length_m, self._put_down,
            lambda name: self.yards.handing_over(carriers[name]),
        )  # fmt: skip
        self.cold_chain = ColdChain(
            self.cargo, clock, trace, rng=self._rng, yards=self.yards.yards, climate=site.climate
        )
        self.mains = mains_of(
            self.cargo, clock, trace, self.yards, self.cold_chain, self.igvs, self.area
        )
        for one in self.mains:
            self.crossing.on_look(one.look)
        self.flow = Flow(
            self.cargo, clock, trace, rng=self._rng, yards=self.yards, ledger=self.ledger,
            cold_chain=self.cold_chain, seed=seed, link=link,
        )  # fmt: skip
        self.laboratory = Laboratory(
            self.cargo, clock, trace, flow=self.flow, yards=self.yards,
            cold_chain=self.cold_chain, rng=self._rng("laboratory"),
        )  # fmt: skip
        self.maps = MapOffice(
            MAP, graph_of(self.cargo), clock, trace, rng=self._rng("maps"), igvs=self.igvs,
            token=self._credentials.token,
        )  # fmt: skip
        self.service = TransferService(
            self.transfers, clock, trace, self._credentials.token, self.lanes.closed
        )
        self.wire_list: dict[str, Any] = {}

    def _broker(self) -> MqttServer:
        rights = access(self.cargo, self._credentials.passwords)
        return MqttServer(
            clock=self.clock, trace=self.trace, rng=self._rng("broker"), detail="connections",
            access=rights,
        )  # fmt: skip

    @property
    def _users(self) -> Mapping[str, str]:
        """Passwords at the broker."""
        known = self.radio.users
        return self._credentials.passwords if known is None else known

    def _put_down(self, vehicle: str) -> None:
        """People have moved it: zones and docks look where it is now."""
        self.crossing.look_at(vehicle)
        self.yards.docks.look_at(self.fleet.carriers[vehicle])

    def _rng(self, name: str) -> random.Random:
        return random.Random(f"{self.seed}/bridge/{name}")

    def _link_of(self, vehicle: str) -> Link:
        """Of an own broker; the links of another one are not in our hands."""
        return self.broker.link(f"{MANUFACTURER}-{vehicle}")

    @property
    def igvs(self) -> dict[str, Igv]:
        """Controllers of the vehicles, by id."""
        return self.fleet.igvs

    @property
    def transfers(self) -> Transfers:
        """What has been offered, and how far it has come."""
        return self.flow.transfers

    def plan(
        self, hours: float, boxes_day: int | None = None, profile: Profile = Profile.EVEN
    ) -> list[Consignment]:
        """The containers of the site's demand, or of `boxes_day` a day."""
        return self.flow.plan(hours, boxes_day, profile)

    def expect(self, consignments: Iterable[Consignment]) -> None:
        """Let these containers come."""
        self.flow.expect(consignments)

    @property
    def finished(self) -> int:
        """Transfers that are received or given up."""
        return self.flow.finished

    async def run(self, hours: float, drain_s: float = 7200.0) -> None:
        """Until `hours` are over and every box has crossed, or `drain_s` after that."""
        end_s = hours * 3600.0
        while self.clock.now_s() < end_s + drain_s:
            await self.clock.sleep(_DONE_LOOK_S)
            if self.clock.now_s() >= end_s and self.finished >= self.flow.expected:
                return

    async def start(self, host: str = "127.0.0.1", first_port: int = 0) -> dict[str, Any]:
        """Serve all wires on `host`; returns the wire list.

        Ports are free ones, or from `first_port` on, in the order of `endpoints`: broker, cranes,
        transfers, receivers, maps, racks.
        """
        ports = itertools.count(first_port) if first_port else itertools.repeat(0)
        port = await self.broker.start(host, next(ports))
        crane_ports = await self.yards.start(host, ports)
        service_port = await self.service.start(host, next(ports))
        await self.positioning.start(host, ports)
        await self.maps.start(host, next(ports))
        broker, tls = self.radio.host or host, self.radio.client_tls()
        rms = self._users.get(cold_chain.USER)
        await self.cold_chain.start(host, ports, broker, port, rms, tls)
        await self.fleet.start(broker, port, tls)
        self.ledger.update()
        self.wire_list = wire_list(
            self.site.id, self.cargo, host, radio=self.radio, broker_port=port,
            crane_ports=crane_ports, service_port=service_port, users=self._users,
            credentials=self._credentials, vehicles=self.igvs,
        )  # fmt: skip
        for entry in self.wire_list["yards"]:
            entry["places"] = self.yards.places(entry["id"])
            entry["rack"] = self.cold_chain.rack_entry(entry["id"], host)
        self.wire_list["maps"] = self.maps.wire_list
        self.wire_list["reefers"] = {
            "protocol": "tic40-mqtt", "broker": "fleet", "prefix": cold_chain.PREFIX
        }  # fmt: skip
        self.wire_list["positioning"] = self.positioning.wire_list(host)
        return self.wire_list

    def tell_totals(self) -> None:
        """Record what each vehicle has driven and used, and how warm the reefers were."""
        self.fleet.tell_totals()
        self.cold_chain.tell_totals()

    async def stop(self) -> None:
        """Tell what all have used, and close every wire."""
        self.tell_totals()
        await self.fleet.stop()
        await asyncio.sleep(0)
        await self.cold_chain.stop()
        await self.maps.stop()
        await self.positioning.stop()
        await self.service.stop()
        await self.yards.stop()
        await self.broker.stop()

    @property
    def targets(self) -> Mapping[str, Faulty]:
        """Everything that has a fault menu, by its id."""
        plain: list[Faulty] = [
            self.transfers, self.laboratory, self.area, self.flow.truckers,
            *self.lanes.lanes.values(),
            *self.yards.targets,
            *self.mains, *self.positioning.targets, *self.cold_chain.targets,
            self.maps, self.maps.service,
        ]  # fmt: skip
        found: dict[str, Faulty] = {one.id: one for one in plain}
        if self.line is not None:
            found[self.line.id] = self.line
        found.update(self.igvs)
        for name in self.igvs:
            self._link_of(name)
        if self.radio.own and self.cargo.cells is not None:
            found[self.cells.id] = self.cells
        found.update(self.broker.targets)
        return found

    def plan_faults(self, faults: Iterable[fault_schedule.Fault]) -> None:
        """Have `faults` begin and end at their times."""
        fault_schedule.schedule(faults, self.targets, self.clock, OPENS_H)
