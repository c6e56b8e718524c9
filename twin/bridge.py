"""Assembles the cargo side of a bridge: vehicles, cranes, yards, boxes, broker, transfers.

As `gate.Gate` does for the lanes: only here do the parts meet. A bridge is started on a clock,
gives the wire list that a fleet manager and a crane scheduler need, lets boxes come, is stopped.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from twin import faults as fault_schedule
from twin.clock import Clock
from twin.devices.base import FaultKind, Faulty
from twin.devices.closed_area import ClosedArea
from twin.devices.crane import Crane
from twin.devices.igv import Igv, IgvParameters, StopKind
from twin.documents import containers
from twin.errors import HarnessError
from twin.partner.transfer_service import TransferService
from twin.partner.transfers import Transfer, Transfers
from twin.physics import Pose, load_drive
from twin.site import Site
from twin.site_bridge import Cargo, Yard
from twin.trace import Trace
from twin.wires.mqtt import MqttServer
from twin.wires.mqtt.access import Access, Rule
from twin.wires.opcua import serve_crane
from twin.wires.vda5050.vehicle import Timing, Vehicle
from twin.world import boxes
from twin.world.boxes import Consignment, Trucks
from twin.world.carrier import Carrier
from twin.world.crane import CraneBody
from twin.world.crossing import Crossing, Ledger, Zone
from twin.world.docks import Dock, Docks
from twin.world.wind import Wind
from twin.world.yard import Place, PlaceKind
from twin.world.yard import Yard as YardWorld

MANUFACTURER = "gatetwin"
MAP = "bridge"
OPENS_H = 0.0
"""Cargo crosses day and night: its day begins at midnight."""
_TRUCK_SEAT_M = 1.2
_BED_SEAT_M = 1.5
_HALF_WIDTH_M = 4.0
_STACK_TIERS = 1
_DONE_LOOK_S = 10.0


class Truckers(Faulty):
    """What can be wrong with those who bring the boxes."""

    FAULTS: ClassVar[Mapping[str, FaultKind]] = {
        "wrong_box": FaultKind("wrong_box", "who comes has another box than his papers say"),
    }


class Bridge:
    """One bridge with everything that makes cargo cross by itself."""

    def __init__(
        self, site: Site, clock: Clock, trace: Trace, *, seed: int = 0, engine: str = "kinematic"
    ) -> None:
        """`engine`: of the vehicles' motion, `kinematic`, `pybullet` or `mujoco`."""
        if site.bridge.cargo is None:
            raise HarnessError(f"{site.id} has no [bridge.cargo]: nothing crosses there by itself")
        self.site, self.cargo, self.clock, self.trace, self.seed = (
            site, site.bridge.cargo, clock, trace, seed,
        )  # fmt: skip
        clock.day_start = dt.datetime.combine(
            dt.date(2026, 6, 1), dt.time(), dt.timezone(dt.timedelta(hours=site.utc_offset_h))
        )
        secret = self._rng("secret")
        self._passwords = {name: f"{secret.getrandbits(64):016x}" for name in self._users()}
        self._token = f"{secret.getrandbits(128):032x}"
        self.wind = Wind(clock, self._rng("wind").getrandbits(64))
        self.docks = Docks(trace)
        self.yards: dict[str, YardWorld] = {}
        self.cranes: dict[str, Crane] = {}
        self._crane_wires: dict[str, Any] = {}
        for spec in self.cargo.yards:
            self._furnish(spec)
        self.carriers: dict[str, Carrier] = {}
        self.igvs: dict[str, Igv] = {}
        self.vehicles: dict[str, Vehicle] = {}
        self.broker = MqttServer(
            clock=clock,
            trace=trace,
            rng=self._rng("broker"),
            detail="connections",
            access=self._access(),
        )
        for index in range(self.cargo.fleet.size):
            self._add_vehicle(index, engine)
        self.area = ClosedArea("closed-area", clock, trace, list(self.igvs.values()))
        bodies = {name: crane.body for name, crane in self.cranes.items()}
        self.ledger = Ledger(clock, trace, self.yards, bodies, self.carriers, self.docks)
        half_m = self.cargo.line_zone_m / 2
        line = Zone("line", self.cargo.line_m - half_m, self.cargo.line_m + half_m)
        lane = Zone("single-lane", 0.0, site.bridge.length_m, "one-way")
        self.crossing = Crossing(
            clock, trace, self.carriers, line_m=self.cargo.line_m, zones=[line, lane],
            half_width_m=_HALF_WIDTH_M,
        )  # fmt: skip
        self.truckers, self._luck = Truckers("trucks", trace), self._rng("wrong boxes")
        self.transfers = Transfers(
            clock, trace, self._rng("receipts").randbytes(32), self._box_at, self._given_up
        )
        self.service = TransferService(self.transfers, clock, trace, self._token)
        self.trucks = Trucks(
            clock, trace, self.yards, self.ledger, self.cargo.demand, self._rng("trucks"),
            self._ready, self.transfers.fetch,
        )  # fmt: skip
        self._expected = 0
        self._brought: dict[str, str] = {}
        """Transfer to the number of the box that its truck really brought."""
        self.wire_list: dict[str, Any] = {}

    def _rng(self, name: str) -> random.Random:
        return random.Random(f"{self.seed}/bridge/{name}")

    def _users(self) -> list[str]:
        return ["fleet", "scheduler", *self._vehicle_ids()]

    def _vehicle_ids(self) -> list[str]:
        assert self.site.bridge.cargo is not None
        return [f"igv-{index + 1:02d}" for index in range(self.site.bridge.cargo.fleet.size)]

    def _access(self) -> Access:
        """Each vehicle only on its own topics; the fleet manager on all of them."""
        rules = [Rule("uagv/v2/#", user="fleet")]
        rules += [
            Rule(f"uagv/v2/{MANUFACTURER}/{name}/#", user=name) for name in self._vehicle_ids()
        ]
        users = {name: word for name, word in self._passwords.items() if name != "scheduler"}
        return Access(users=users, anonymous=False, rules=tuple(rules))

    # --- yards and cranes ------------------------------------------------------------------------

    def _furnish(self, spec: Yard) -> None:
        yard = YardWorld(self.trace)
        for index, gantry_m in enumerate(spec.truck_gantry_m):
            yard.add(
                Place(
                    f"truck-{index + 1}", PlaceKind.TRUCK, gantry_m, spec.truck_trolley_m,
                    _TRUCK_SEAT_M, present=False, carrier_kg=15_000.0,
                )
            )  # fmt: skip
        for index, gantry_m in enumerate(spec.stack_gantry_m):
            yard.add(
                Place(
                    f"stack-{index + 1}",
                    PlaceKind.STACK,
                    gantry_m,
                    spec.stack_trolley_m,
                    tiers=_STACK_TIERS,
                )
            )
        for name in spec.bays:
            node = self.cargo.node(name)
            place = Place(
                name, PlaceKind.VEHICLE, node.x_m - spec.origin_x_m, node.y_m - spec.origin_y_m,
                _BED_SEAT_M,
            )  # fmt: skip
            self.docks.add(Dock(name, node.x_m, node.y_m, yard=yard, place=place))
        for name in spec.parks:
            node = self.cargo.node(name)
            self.docks.add(Dock(name, node.x_m, node.y_m, charger=True))
        self.yards[spec.id] = yard
        body = CraneBody(
            f"{spec.crane}.body", self.clock, self.trace, yard, at_m=(60.0, 15.0, 12.0)
        )
        crane = Crane(spec.crane, self.clock, self.trace, self._rng(spec.crane), body, self.wind)
        self.cranes[spec.crane] = crane
        try:
            from twin.wires.opcua.security import Account, Role
        except ModuleNotFoundError as error:
            raise HarnessError(
                f"{crane.id}: its OPC UA server needs asyncua; pip install 'gatetwin[cranes]'"
            ) from error
        account = Account(self._passwords["scheduler"], Role.OPERATOR)
        self._crane_wires[spec.crane] = serve_crane(
            crane, clock=self.clock, trace=self.trace, accounts={"scheduler": account}
        )

    def _box_at(self, yard: str, place: str) -> str | None:
        found = self.yards[yard].places.get(place)
        return found.top.number if found is not None and found.top is not None else None

    # --- vehicles --------------------------------------------------------------------------------

    def _add_vehicle(self, index: int, engine: str) -> None:
        name, fleet = self._vehicle_ids()[index], self.cargo.fleet
        parks = [park for yard in self.cargo.yards for park in yard.parks]
        order = [park for pair in zip(*self._by_side(), strict=False) for park in pair]
        node = self.cargo.node((order + [p for p in parks if p not in order])[index])
        parameters = IgvParameters(
            prepare_s=0.0, pick_s=fleet.lock_s, drop_s=fleet.lock_s, boot_s=60.0
        )
        carrier = Carrier(
            name, self.clock, self.trace, load_drive(engine), parameters.vehicle,
            parameters.energy, pose=Pose(node.x_m, node.y_m, 0.0), charge=fleet.charge_at_start,
        )  # fmt: skip
        igv = Igv(
            name, self.clock, self.trace, self._rng(name), carrier=carrier, handover=self.docks,
            map_id=MAP, parameters=parameters,
        )  # fmt: skip
        self.carriers[name], self.igvs[name] = carrier, igv
        self.docks.watch(carrier)
        self.vehicles[name] = Vehicle(
            igv, self.clock, self.trace, self._rng(f"{name}/wire"), manufacturer=MANUFACTURER,
            timing=Timing(visualization_s=0.0),
        )  # fmt: skip
        igv.on_change(partial(self._attend, igv))

    def _by_side(self) -> list[list[str]]:
        return [yard.parks for yard in self.cargo.yards]

    def _attend(self, igv: Igv, what: str) -> None:
        """A person comes and acknowledges an emergency stop whose button is out again."""
        if what == "safety" and igv.stop is not StopKind.NONE:
            self.clock.call_later(self.cargo.fleet.acknowledge_s, lambda: self._acknowledge(igv))

    def _acknowledge(self, igv: Igv) -> None:
        if igv.stop is not StopKind.NONE and not igv.acknowledge():
            self.clock.call_later(self.cargo.fleet.acknowledge_s, lambda: self._acknowledge(igv))

    # --- boxes -----------------------------------------------------------------------------------

    def _ready(self, one: Consignment, place: Place) -> None:
        """A truck stands under its crane: the transfer is offered, and released by and by."""
        number = f"T{len(self.transfers.book) + 1:05d}"
        box = one.box
        if "wrong_box" in self.truckers.faults:
            self._swap(place)
        self._brought[number] = place.boxes[0].number
        self.transfers.offer(
            Transfer(
                number, box.number, one.from_yard, one.to_yard, place.id, box.perishable,
                box.mass_kg, self.clock.now_s(),
            )
        )  # fmt: skip
        release = self.transfers.release
        self.clock.call_later(one.home_release_s, lambda: release(number, "home"))
        self.clock.call_later(one.far_release_s, lambda: release(number, "far"))

    def _swap(self, place: Place) -> None:
        """The driver has another box on his trailer than his papers say."""
        place.boxes = [
            replace(box, number=containers.make(self._luck), mass_kg=box.mass_kg + 500.0)
            for box in place.boxes
        ]
        self.ledger.update()
        self.trace("world", "truck.wrong_box", place=place.id, box=place.boxes[0].number)

    def _given_up(self, transfer: Transfer) -> None:
        """A person sends the truck away, if the box is still on it."""
        place = self.yards[transfer.from_yard].places[transfer.place]
        if place.top is not None and place.top.number == self._brought[transfer.id]:
            self.clock.call_later(
                self.cargo.demand.truck_leaves_s,
                partial(self.trucks.send_away, transfer.from_yard, place),
            )

    def expect(self, consignments: Iterable[Consignment]) -> None:
        """Let these containers come."""
        planned = list(consignments)
        self._expected += len(planned)
        self.trucks.expect(planned)

    def plan(self, hours: float, boxes_day: int | None = None) -> list[Consignment]:
        """The containers of the site's demand, or of `boxes_day` a day."""
        count = self.cargo.demand.boxes_day if boxes_day is None else boxes_day
        return boxes.plan(self.cargo, self.seed, count, hours)

    @property
    def finished(self) -> int:
        """Transfers that are received or given up."""
        return sum(one.state in ("received", "failed") for one in self.transfers.book.values())

    async def run(self, hours: float, drain_s: float = 7200.0) -> None:
        """Until `hours` are over and every box has crossed, or `drain_s` after that."""
        end_s = hours * 3600.0
        while self.clock.now_s() < end_s + drain_s:
            await self.clock.sleep(_DONE_LOOK_S)
            if self.clock.now_s() >= end_s and self.finished >= self._expected:
                return

    # --- life ------------------------------------------------------------------------------------

    async def start(self, host: str = "127.0.0.1") -> dict[str, Any]:
        """Serve all wires on `host`; returns the wire list."""
        port = await self.broker.start(host)
        crane_ports = {name: await wire.start(host) for name, wire in self._crane_wires.items()}
        service_port = await self.service.start(host)
        for name, vehicle in self.vehicles.items():
            client = vehicle.connect(host, port, user=name, password=self._passwords[name])
            await client.wait_connected()
        self.ledger.update()
        shown = f"[{host}]" if ":" in host else host
        self.wire_list = {
            "version": 1,
            "site": self.site.id,
            "fleet": {
                "protocol": "mqtt", "host": host, "port": port, "user": "fleet",
                "password": self._passwords["fleet"], "prefix": "uagv/v2",
                "manufacturer": MANUFACTURER, "map": MAP,
                "vehicles": [
                    {"id": name, "vda5050": "2.1.0"} for name in self.vehicles
                ],
            },
            "graph": graph_of(self.cargo),
            "yards": [
                self._yard_entry(spec, f"opc.tcp://{shown}:{crane_ports[spec.crane]}/")
                for spec in self.cargo.yards
            ],
            "transfers": {
                "protocol": "rest", "url": f"http://{shown}:{service_port}/v1",
                "token": self._token,
            },
        }  # fmt: skip
        return self.wire_list

    def _yard_entry(self, spec: Yard, url: str) -> dict[str, Any]:
        return {
            "id": spec.id, "side": spec.side, "bays": list(spec.bays), "parks": list(spec.parks),
            "stack": [f"stack-{i + 1}" for i in range(len(spec.stack_gantry_m))],
            "crane": {
                "id": spec.crane, "protocol": "opc-ua", "url": url, "user": "scheduler",
                "password": self._passwords["scheduler"], "namespace": "urn:gatetwin:crane",
            },
        }  # fmt: skip

    def tell_totals(self) -> None:
        """Record what each vehicle has driven and used."""
        for name, carrier in self.carriers.items():
            self.trace(
                "world", "vehicle.totals", vehicle=name, odometer_m=round(carrier.odometer_m, 2),
                energy_kwh=round(carrier.throughput_kwh, 4), charge=round(carrier.charge, 5),
            )  # fmt: skip

    async def stop(self) -> None:
        """Close every wire."""
        for vehicle in self.vehicles.values():
            await vehicle.stop()
        await asyncio.sleep(0)
        await self.service.stop()
        for wire in self._crane_wires.values():
            await wire.stop()
        await self.broker.stop()

    @property
    def targets(self) -> Mapping[str, Faulty]:
        """Everything that has a fault menu, by its id."""
        found: dict[str, Faulty] = {
            one.id: one for one in (self.transfers, self.area, self.truckers)
        }
        found.update(self.igvs)
        found.update(self.cranes)
        for wire in self._crane_wires.values():
            found[wire.id] = wire
        for name in self.vehicles:
            self.broker.link(f"{MANUFACTURER}-{name}")
        found.update(self.broker.targets)
        return found

    def plan_faults(self, faults: Iterable[fault_schedule.Fault]) -> None:
        """Have `faults` begin and end at their times."""
        fault_schedule.schedule(faults, self.targets, self.clock, OPENS_H)


def graph_of(cargo: Cargo) -> dict[str, Any]:
    """The lane graph as the stack gets it."""
    return {
        "nodes": [{"id": n.id, "x_m": n.x_m, "y_m": n.y_m} for n in cargo.nodes],
        "edges": [
            {"from": a, "to": b, "speed_m_s": speed} for a, b, speed in cargo.edges()
        ],
        "single_lane": {
            "nodes": list(cargo.single_lane.nodes), "platoon": cargo.single_lane.platoon,
            "clearance_s": cargo.single_lane.clearance_s,
        },
        "line": {"x_m": cargo.line_m, "zone_m": cargo.line_zone_m},
    }  # fmt: skip
