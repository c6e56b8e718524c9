"""Furnishes the yards of a bridge: places, docks, cranes and their OPC UA servers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from twin.bridge.carriers import furnish
from twin.clock import Clock
from twin.devices.crane import Crane
from twin.devices.crane_words import MissionState
from twin.errors import HarnessError
from twin.site_bridge import Cargo, Yard
from twin.site_sky_rail import SkyRail
from twin.trace import Trace
from twin.wires.opcua import serve_crane
from twin.world.carrier import Carrier
from twin.world.crane import CraneBody
from twin.world.docks import Dock, Docks
from twin.world.tables import Tables
from twin.world.wind import Wind
from twin.world.yard import Place, PlaceKind
from twin.world.yard import Yard as YardWorld

_TRUCK_SEAT_M = 1.2
_BED_SEAT_M = 1.5
_TRUCK_KG = 15_000.0
_STACK_TIERS = 1
_CRANE_AT_M = (60.0, 15.0, 12.0)
"""Where a crane stands at the beginning: in the middle of its reach, spreader up."""
_UNDER_WAY = (MissionState.RUNNING, MissionState.SUSPENDED)


class Yards:
    """All yards of one bridge, each with its crane."""

    def __init__(
        self, cargo: Cargo, clock: Clock, trace: Trace, *, rng: Callable[[str], random.Random],
        wind: Wind, password: str, rail: SkyRail | None = None,
    ) -> None:  # fmt: skip
        """`rng` makes the random stream of a name; `password` is the crane scheduler's; `rail`: of
        a sky-rail, whose bays have transfer tables."""
        self._clock, self._trace, self._rng, self._wind = clock, trace, rng, wind
        self._cargo, self._password = cargo, password
        self._rail = rail
        self.docks = Docks(trace) if rail is None else Tables(trace)
        self.yards: dict[str, YardWorld] = {}
        self.cranes: dict[str, Crane] = {}
        self.wires: dict[str, Any] = {}
        for spec in cargo.yards:
            self.yards[spec.id] = yard = YardWorld(trace)
            _place_trucks_and_stacks(spec, yard)
            self._dock(spec, yard)
            self._raise_crane(spec, yard)

    def _dock(self, spec: Yard, yard: YardWorld) -> None:
        if self._rail is not None and isinstance(self.docks, Tables):
            furnish(self._rail, self._cargo, spec, yard, self.docks)
            return
        for name in spec.bays:
            node = self._cargo.node(name)
            place = Place(
                name, PlaceKind.VEHICLE, node.x_m - spec.origin_x_m, node.y_m - spec.origin_y_m,
                _BED_SEAT_M,
            )  # fmt: skip
            self.docks.add(Dock(name, node.x_m, node.y_m, yard=yard, place=place))
        for name in spec.parks:
            node = self._cargo.node(name)
            self.docks.add(Dock(name, node.x_m, node.y_m, charger=True))

    def _raise_crane(self, spec: Yard, yard: YardWorld) -> None:
        body = CraneBody(f"{spec.crane}.body", self._clock, self._trace, yard, at_m=_CRANE_AT_M)
        crane = Crane(
            spec.crane, self._clock, self._trace, self._rng(spec.crane), body, self._wind
        )  # fmt: skip
        self.cranes[spec.crane] = crane
        if isinstance(self.docks, Tables):
            self.docks.guard(yard, body)
        try:
            from twin.wires.opcua.security import Account, Role
        except ModuleNotFoundError as error:
            raise HarnessError(
                f"{crane.id}: its OPC UA server needs asyncua; pip install 'gatetwin[cranes]'"
            ) from error
        account = Account(self._password, Role.OPERATOR)
        self.wires[spec.crane] = serve_crane(
            crane, clock=self._clock, trace=self._trace, accounts={"scheduler": account}
        )

    def box_at(self, yard: str, place: str) -> str | None:
        """Number of the box at a place, as the people of that yard see it."""
        found = self.yards[yard].places.get(place)
        return found.top.number if found is not None and found.top is not None else None

    def places(self, yard: str) -> list[dict[str, Any]]:
        """What the crane of a yard serves, in its own frame, for the wire list."""
        return [
            {"id": one.id, "gantry_m": one.gantry_m, "trolley_m": one.trolley_m}
            for one in self.yards[yard].places.values()
        ]

    def locked_on(self, yard: str, place: Place) -> bool:
        """Whether that yard's spreader holds the box at a place: its truck must not drive off."""
        spec = next(one for one in self._cargo.yards if one.id == yard)
        body = self.cranes[spec.crane].body
        return body.under is place and any(body.locks)

    def handing_over(self, carrier: Carrier) -> bool:
        """Whether a vehicle's box is a crane's business: it has a mission from or to its bay that
        is not over, or the box stands loose on it."""
        dock = self.docks.dock_at(carrier.pose.x_m, carrier.pose.y_m)
        if dock is None or dock.place is None or dock.carrier is not carrier:
            return False
        cycles = [crane.cycle for crane in self.cranes.values() if crane.body.yard is dock.yard]
        missions = [one.mission for one in cycles if one.mission and one.state in _UNDER_WAY]
        bays = {bay for one in missions for bay in (one.from_place, one.to_place)}
        loose = dock.place.top is not None and not dock.place.holds_box
        return loose or dock.id in bays

    async def start(self, host: str, ports: Iterator[int]) -> dict[str, int]:
        """Serve the cranes, each at the next of `ports`; the port of each."""
        return {name: await wire.start(host, next(ports)) for name, wire in self.wires.items()}

    async def stop(self) -> None:
        """Close the cranes' servers."""
        for wire in self.wires.values():
            await wire.stop()

    @property
    def targets(self) -> Iterable[Any]:
        """What has a fault menu here."""
        return [*self.cranes.values(), *self.wires.values()]


def _place_trucks_and_stacks(spec: Yard, yard: YardWorld) -> None:
    for index, gantry_m in enumerate(spec.truck_gantry_m):
        yard.add(
            Place(
                f"truck-{index + 1}", PlaceKind.TRUCK, gantry_m, spec.truck_trolley_m,
                _TRUCK_SEAT_M, present=False, carrier_kg=_TRUCK_KG,
            )
        )  # fmt: skip
    for index, gantry_m in enumerate(spec.stack_gantry_m):
        yard.add(
            Place(
                f"stack-{index + 1}", PlaceKind.STACK, gantry_m, spec.stack_trolley_m,
                tiers=_STACK_TIERS,
            )
        )  # fmt: skip
