"""The fleet of a bridge: bodies, controllers and VDA 5050 faces of its driverless vehicles."""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable, Mapping
from functools import partial

from twin.bridge import cold_chain
from twin.clock import Clock
from twin.devices.igv import Igv, IgvParameters, StopKind
from twin.physics import Pose
from twin.physics.drive_process import DriveProcess, drive_for
from twin.site_bridge import Cargo, Node
from twin.trace import Trace
from twin.wires.mqtt.access import Access, Rule
from twin.wires.vda5050.vehicle import Timing, Vehicle
from twin.world.carrier import Carrier
from twin.world.docks import Docks

MANUFACTURER = "gatetwin"
MAP = "bridge"
PREFIX = "uagv/v2"
_BOOT_S = 60.0

Build = Callable[[str, Node], tuple[Carrier, Igv]]
"""Makes body and controller of one vehicle, by its id and the node on which it begins."""


class Vehicles:
    """All vehicles of one bridge, in the order of their numbers."""

    def __init__(
        self, cargo: Cargo, clock: Clock, trace: Trace, *, rng: Callable[[str], random.Random],
        docks: Docks, engine: str, passwords: Mapping[str, str],
        build: Build | None = None,
    ) -> None:  # fmt: skip
        """`engine`: of their motion; `passwords` of the broker, by user; `build`: not IGVs."""
        self._cargo, self._clock, self._trace, self._rng = cargo, clock, trace, rng
        self._docks, self._passwords = docks, passwords

        def tell(event: str, why: str) -> None:
            trace("physics", f"engine.{event}", engine=engine, why=why)

        self._engine = drive_for(engine, clock, tell)
        self.carriers: dict[str, Carrier] = {}
        self.igvs: dict[str, Igv] = {}
        self.vehicles: dict[str, Vehicle] = {}
        for name, park in zip(vehicle_ids(cargo), _first_parks(cargo), strict=False):
            node = cargo.node(park)
            self._join(name, *(build(name, node) if build else self._igv(name, node)))

    def _igv(self, name: str, node: Node) -> tuple[Carrier, Igv]:
        fleet = self._cargo.fleet
        parameters = IgvParameters(
            prepare_s=0.0, pick_s=fleet.lock_s, drop_s=fleet.lock_s, boot_s=_BOOT_S
        )
        carrier = Carrier(
            name, self._clock, self._trace, self._engine, parameters.vehicle,
            parameters.energy, pose=Pose(node.x_m, node.y_m, 0.0), charge=fleet.charge_at_start,
        )  # fmt: skip
        igv = Igv(
            name, self._clock, self._trace, self._rng(name), carrier=carrier,
            handover=self._docks, map_id=MAP, parameters=parameters,
        )  # fmt: skip
        return carrier, igv

    def _join(self, name: str, carrier: Carrier, igv: Igv) -> None:
        self.carriers[name], self.igvs[name] = carrier, igv
        self._docks.watch(carrier)
        self.vehicles[name] = Vehicle(
            igv, self._clock, self._trace, self._rng(f"{name}/wire"), manufacturer=MANUFACTURER,
            timing=Timing(visualization_s=0.0),
        )  # fmt: skip
        igv.on_change(partial(self._attend, igv))

    def _attend(self, igv: Igv, what: str) -> None:
        """A person comes and acknowledges an emergency stop whose button is out again."""
        if what == "safety" and igv.stop is not StopKind.NONE:
            wait_s = self._cargo.fleet.acknowledge_s
            self._clock.call_later(wait_s, lambda: self._acknowledge(igv))

    def _acknowledge(self, igv: Igv) -> None:
        if igv.stop is not StopKind.NONE and not igv.acknowledge():
            wait_s = self._cargo.fleet.acknowledge_s
            self._clock.call_later(wait_s, lambda: self._acknowledge(igv))

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Connect each vehicle to the broker and wait until it is."""
        if isinstance(self._engine, DriveProcess):
            await self._engine.start()
        for name, vehicle in self.vehicles.items():
            password = self._passwords.get(name)
            user = None if password is None else name  # a broker that lets anybody in
            client = vehicle.connect(host, port, user=user, password=password, tls=tls)
            await client.wait_connected()

    async def stop(self) -> None:
        """Disconnect them."""
        for vehicle in self.vehicles.values():
            await vehicle.stop()
        self._engine.close()

    def tell_totals(self) -> None:
        """Record what each vehicle has driven and used."""
        for name, carrier in self.carriers.items():
            self._trace(
                "world", "vehicle.totals", vehicle=name, odometer_m=round(carrier.odometer_m, 2),
                energy_kwh=round(carrier.throughput_kwh, 4), charge=round(carrier.charge, 5),
            )  # fmt: skip


def vehicle_ids(cargo: Cargo) -> list[str]:
    """The ids of the fleet."""
    return [f"{cargo.fleet.name}-{index + 1:02d}" for index in range(cargo.fleet.size)]


def access(cargo: Cargo, passwords: Mapping[str, str]) -> Access:
    """Each vehicle only on its own topics; the fleet manager on all of them."""
    rules = [Rule(f"{PREFIX}/#", user="fleet")]
    rules += cold_chain.RULES
    rules += [Rule(f"{PREFIX}/{MANUFACTURER}/{name}/#", user=name) for name in vehicle_ids(cargo)]
    users = {name: word for name, word in passwords.items() if name != "scheduler"}
    return Access(users=users, anonymous=False, rules=tuple(rules))


def _first_parks(cargo: Cargo) -> list[str]:
    """Parking places in the order in which they are filled: the sides by turns."""
    sides = [yard.parks for yard in cargo.yards]
    turns = [park for pair in zip(*sides, strict=False) for park in pair]
    return turns + [park for side in sides for park in side if park not in turns]
