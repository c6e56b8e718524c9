"""How long trips between the bays take: the emulated vehicle drives each of them, alone.

Corners count: where a node's deviation leaves no room for its turning circle, the vehicle stops and
turns its wheels.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from twin.capacity.plan import Scene, SizingError
from twin.capacity.routes import Routes
from twin.clock import Clock, run_virtual
from twin.devices.igv import Igv, IgvParameters
from twin.devices.igv_words import Way
from twin.documents import containers
from twin.physics import Pose
from twin.physics.drive_kinematic import KinematicDrive
from twin.physics.energy import IGV_ENERGY
from twin.physics.vehicle_parameters import VehicleParameters
from twin.site_bridge import SIDES, Cargo
from twin.trace import Trace
from twin.world.carrier import Carrier
from twin.world.docks import Docks
from twin.world.yard import Box

DEVIATION_M = 1.0
"""How far from a node a rounded corner may pass, as the reference fleet manager orders it."""
_LIMIT_S = 7200.0


@dataclass(frozen=True, slots=True)
class Trip:
    """One way, from rest to rest (s), how long after its begin the mark was passed, and metres."""

    duration_s: float
    mark_s: float
    metres: float


class Trips:
    """The trips between the bays of a cargo's yards and its bridge heads."""

    def __init__(
        self, cargo: Cargo, bridge_m: float, crossing: Scene, body: VehicleParameters
    ) -> None:
        self._cargo, self._bridge_m = cargo, bridge_m
        self._crossing, self._body = crossing, body
        self._routes = Routes(cargo)

    def to_gate(self, side: int, load_kg: float) -> list[Trip]:
        """From every bay of a side to its bridge head."""
        head = self._lane(rising=side == 0)[0]
        return [self._drive(self._routes.route(bay, head), load_kg) for bay in self._bays(side)]

    def onward(self, side: int, load_kg: float) -> list[Trip]:
        """From the bridge head of a side to every bay of the other.

        The mark is where its tail leaves the bridge.
        """
        lane = self._lane(rising=side == 0)
        ways = [[*lane, *self._routes.route(lane[-1], bay)[1:]] for bay in self._bays(1 - side)]
        mark_m = self._bridge_m + self._body.length_m
        dock_m = self._crossing.dock_m
        return [self._drive(way, load_kg, mark_m=mark_m, dock_m=dock_m) for way in ways]

    def _bays(self, side: int) -> list[str]:
        return [bay for yard in self._cargo.side(SIDES[side]) for bay in yard.bays]

    def _lane(self, *, rising: bool) -> list[str]:
        """The nodes of the lane that leads this way."""
        for lane in self._cargo.lanes:
            first, last = (self._cargo.node(name).x_m for name in (lane.nodes[0], lane.nodes[-1]))
            if (first < last) == rising:
                return lane.nodes
            if lane.mode == "alternating":
                return lane.nodes[::-1]
        raise SizingError(f"no lane leads {'out' if rising else 'back'} over the bridge")

    def _drive(
        self, route: Sequence[str], load_kg: float, *, mark_m: float = 0.0, dock_m: float = 0.0
    ) -> Trip:
        async def alone(clock: Clock) -> Trip:
            return await self._alone(clock, route, load_kg, mark_m, dock_m)

        return run_virtual(alone)

    async def _alone(
        self, clock: Clock, route: Sequence[str], load_kg: float, mark_m: float, dock_m: float
    ) -> Trip:
        igv = self._vehicle(clock, route[0], load_kg)
        done = clock.env.event()
        marks: list[float] = [0.0]
        last = len(route) - 1
        igv.set_ways(
            [
                Way(number, (self._place(b),), speed_m_s=self._routes.speed_m_s(a, b),
                    deviation_m=DEVIATION_M)
                for number, (a, b) in enumerate(pairwise(route), 1)
            ]
        )  # fmt: skip
        end_m = igv.router.place_of(last)
        assert end_m is not None
        if dock_m:
            slow = self._crossing.dock_speed_m_s
            igv.set_speed_limits([(max(0.0, end_m - dock_m), end_m, slow)])
        if mark_m >= end_m:
            raise SizingError(
                f"bay {route[-1]}, {end_m - self._bridge_m:g} m behind the bridge: a vehicle of "
                f"{self._body.length_m:g} m does not clear the bridge before it reaches the crane"
            )
        if mark_m:
            igv.notify_at(mark_m, lambda: marks.append(clock.now_s()))

        def reached(key: int) -> None:
            if key == last:
                done.succeed()

        igv.on_reached(reached)
        igv.proceed(last)
        await clock.happened(clock.env.any_of([done, clock.timeout(_LIMIT_S)]))
        if not done.triggered:
            raise SizingError(
                f"the emulated vehicle did not come from {route[0]} to {route[-1]} within "
                f"{_LIMIT_S:g} s: {', '.join(alarm.value for alarm in igv.alarms) or 'it stands'}"
            )
        return Trip(clock.now_s(), marks[-1], end_m)

    def _vehicle(self, clock: Clock, node: str, load_kg: float) -> Igv:
        trace = Trace(clock, keep=False)
        x_m, y_m = self._place(node)
        carrier = Carrier(
            "igv", clock, trace, KinematicDrive(), self._body, IGV_ENERGY, pose=Pose(x_m, y_m, 0.0)
        )
        if load_kg:
            carrier.take(Box(containers.make(random.Random("capacity:trips")), load_kg))
        return Igv(
            "igv", clock, trace, random.Random("capacity:trips"), carrier=carrier,
            handover=Docks(trace), parameters=IgvParameters(vehicle=self._body),
        )  # fmt: skip

    def _place(self, name: str) -> tuple[float, float]:
        node = self._cargo.node(name)
        return node.x_m, node.y_m
