"""Rescue of vehicles that cannot be repaired where they stand: people tow them off the bridge.

The side in whose territory the vehicle stands tows it, to the nearest free park of its own: its
people and tractors do not cross the line, and a park is off every lane. The way is along the roads,
in either direction, since the lane is held for the tow.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping
from functools import partial

from twin.clock import Clock
from twin.devices.igv import Igv
from twin.physics import Pose
from twin.site_bridge import Cargo, Node
from twin.trace import Trace

TOW_M_S = 1.4
"""Walking speed, 5 km/h: somebody walks beside it (estimate)."""
STEP_S = 2.0
"""Its pose follows this often."""
_FREE_M = 3.0
"""A park with a vehicle nearer than this is taken."""
_NO_SITE_S = 1200.0
"""Without `[bridge.cargo.crossing]`: the acceptance limit of Phase 1."""
_LOOK_S = 60.0
"""All parks of the side are taken: the people look again."""


class Towing:
    """Waits for breakdowns, and tows one vehicle after its time."""

    def __init__(
        self, cargo: Cargo, clock: Clock, trace: Trace, igvs: Mapping[str, Igv], length_m: float,
        moved: Callable[[str], None],
    ) -> None:  # fmt: skip
        """`length_m`: of the bridge, which the vehicle has left `tow_s` after its breakdown.

        `moved` is told of every step of a vehicle: it is looked at where it is now.
        """
        self._cargo, self._clock, self._trace, self._igvs = cargo, clock, trace, igvs
        self._length_m, self._moved = length_m, moved
        self._nodes = {node.id: node for node in cargo.nodes}
        self._near: dict[str, set[str]] = {name: set() for name in self._nodes}
        for a, b, _ in cargo.edges():
            self._near[a].add(b)
            self._near[b].add(a)
        self._called: set[str] = set()
        for igv in igvs.values():
            igv.on_change(partial(self._attend, igv))

    @property
    def tow_s(self) -> float:
        """From a breakdown until the vehicle has left the bridge."""
        crossing = self._cargo.crossing
        if crossing is None:
            return _NO_SITE_S
        return crossing.tow_s[min(len(self._cargo.lanes), 2) - 1]

    def _attend(self, igv: Igv, what: str) -> None:
        if what != "safety" or "breakdown" not in igv.faults or igv.id in self._called:
            return
        self._called.add(igv.id)
        x_m = igv.carrier.pose.x_m
        left_m = x_m if x_m < self._cargo.line_m else self._length_m - x_m
        wait_s = max(0.0, self.tow_s - max(0.0, left_m) / TOW_M_S)
        self._clock.call_later(wait_s, lambda: self._begin(igv))

    def _begin(self, igv: Igv) -> None:
        if "breakdown" not in igv.faults:  # called off
            self._called.discard(igv.id)
            return
        way = self._way(igv)
        if igv.driving or way is None:
            self._clock.call_later(_LOOK_S, lambda: self._begin(igv))
            return
        pose = igv.carrier.pose
        record = self._trace(
            "towing", "tow.begin", vehicle=igv.id, to=way[-1].id, x=round(pose.x_m, 3),
            y=round(pose.y_m, 3), boxes=[box.number for box in igv.carrier.boxes],
        )  # fmt: skip
        igv.hook(cause=record)
        self._pull(igv, way, record)

    def _pull(self, igv: Igv, way: list[Node], cause: int) -> None:
        """One step further along `way`, and the next one after it."""
        left_m = TOW_M_S * STEP_S
        pose = igv.carrier.pose
        x_m, y_m, heading = pose.x_m, pose.y_m, pose.heading_rad
        while way and left_m > 0.0:
            gap_m = math.dist((x_m, y_m), (way[0].x_m, way[0].y_m))
            if gap_m > 0.0:
                heading = math.atan2(way[0].y_m - y_m, way[0].x_m - x_m)
            if gap_m > left_m:
                x_m += left_m * math.cos(heading)
                y_m += left_m * math.sin(heading)
                break
            left_m -= gap_m
            x_m, y_m = way[0].x_m, way[0].y_m
            way = way[1:]
        igv.move_by_hand(Pose(x_m, y_m, heading), cause=cause)
        self._moved(igv.id)
        if way:
            self._clock.call_later(STEP_S, lambda: self._pull(igv, way, cause))
            return
        self._called.discard(igv.id)
        self._trace(
            "towing", "tow.end", cause, vehicle=igv.id, x=round(x_m, 3), y=round(y_m, 3)
        )  # fmt: skip
        igv.heal("breakdown")
        igv.unhook(cause=cause)

    def _way(self, igv: Igv) -> list[Node] | None:
        """To the nearest free park of the side on which it stands; None if all are taken."""
        pose = igv.carrier.pose
        home = self._cargo.node(self._cargo.yards[0].parks[0])
        at_home = (pose.x_m < self._cargo.line_m) == (home.x_m < self._cargo.line_m)
        side = self._cargo.yards[0].side
        parks = {
            park for yard in self._cargo.yards if (yard.side == side) == at_home
            for park in yard.parks if self._free(park, igv)
        }  # fmt: skip
        start = min(self._nodes.values(), key=lambda n: self._m(n, pose))
        queue: list[tuple[float, str, tuple[str, ...]]] = [(0.0, start.id, (start.id,))]
        done: set[str] = set()
        while queue:
            far_m, name, via = heapq.heappop(queue)
            if name in parks:
                way = [self._nodes[one] for one in via]
                # The nearest node may lie behind it.
                behind = len(way) > 1 and self._m(way[1], pose) < self._between_m(way[0], way[1])
                return way[1:] if behind else way
            if name in done:
                continue
            done.add(name)
            here = self._nodes[name]
            for other in sorted(self._near[name] - done):
                node = self._nodes[other]
                far = far_m + self._between_m(here, node)
                heapq.heappush(queue, (far, other, (*via, other)))
        return None

    def _free(self, park: str, but: Igv) -> bool:
        node = self._nodes[park]
        others = (igv for igv in self._igvs.values() if igv is not but)
        return all(self._m(node, igv.carrier.pose) > _FREE_M for igv in others)

    @staticmethod
    def _m(node: Node, pose: Pose) -> float:
        return math.dist((node.x_m, node.y_m), (pose.x_m, pose.y_m))

    @staticmethod
    def _between_m(a: Node, b: Node) -> float:
        return math.dist((a.x_m, a.y_m), (b.x_m, b.y_m))
