"""Where a vehicle is towed to: the nearest free park of the side on whose ground it stands."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from itertools import pairwise

import networkx as nx

from twin import roads
from twin.devices.igv import Igv
from twin.physics import Pose
from twin.site_bridge import Cargo, Node

_FREE_M = 3.0
"""A park with a vehicle nearer than this, or whose way ends nearer, is taken."""


class TowWays:
    """Ways along the roads, in either direction, since lane and road are held for the tow."""

    def __init__(self, cargo: Cargo, igvs: Mapping[str, Igv]) -> None:
        self._cargo, self._igvs = cargo, igvs
        self._nodes = {node.id: node for node in cargo.nodes}
        self._stops = {stop for yard in cargo.yards for stop in (*yard.bays, *yard.parks)}
        self._roads = roads.graph(cargo).to_undirected()

    def home(self, x_m: float) -> bool:
        """Whether this is home ground: left of the line. On it, and right of it, is the far side's.

        What counts is the vehicle's reference point, as for the line itself.
        """
        return x_m < self._cargo.line_m

    def way(self, igv: Igv, promised: Collection[str]) -> list[Node] | None:
        """To the nearest park of that side which is free; None if none is.

        `promised`: parks to which others are being towed. A park is taken where another vehicle
        stands, and where the way ends that one has been told. Other stops are not driven through.
        """
        pose = igv.carrier.pose
        goals = {one for one in self._parks(pose) if one not in promised and self.free(one, igv)}
        start = min(self._nodes.values(), key=lambda node: _off_m(node, pose)).id

        def metres(a: str, b: str, road: Mapping[str, float]) -> float | None:
            shut = (a in self._stops and a != start) or (b in self._stops and b not in goals)
            return None if shut else road["m"]

        far_m = nx.single_source_dijkstra_path_length(self._roads, start, weight=metres)
        reached = [(far_m[one], one) for one in goals if one in far_m]
        if not reached:
            return None
        names = nx.dijkstra_path(self._roads, start, min(reached)[1], weight=metres)
        way = [self._nodes[one] for one in names]
        # The nearest node may lie behind it.
        behind = len(way) > 1 and _off_m(way[1], pose) < roads.apart_m(way[0], way[1])
        return way[1:] if behind else way

    def free(self, park: str, but: Igv) -> bool:
        """Whether no other vehicle stands there, or is on its way there."""
        node = self._nodes[park]
        bodies = [igv.carrier for igv in self._igvs.values() if igv is not but]
        places = [pose for body in bodies for pose in (body.pose, body.end_pose)]
        return all(_off_m(node, pose) > _FREE_M for pose in places)

    def _parks(self, pose: Pose) -> list[str]:
        """All parks of the side on whose ground this is."""
        home = self.home(pose.x_m)
        parks = (park for yard in self._cargo.yards for park in yard.parks)
        return [park for park in parks if self.home(self._nodes[park].x_m) == home]


def along(pose: Pose, way: list[Node], step_m: float) -> tuple[Pose, list[Node]]:
    """The pose `step_m` further along `way`, and what is left of it."""
    points = [(pose.x_m, pose.y_m), *((node.x_m, node.y_m) for node in way)]
    heading = pose.heading_rad
    for index, ((ax, ay), (bx, by)) in enumerate(pairwise(points)):
        gap_m = math.dist((ax, ay), (bx, by))
        if gap_m > 0.0:
            heading = math.atan2(by - ay, bx - ax)
        if gap_m > step_m:
            x_m, y_m = ax + step_m * math.cos(heading), ay + step_m * math.sin(heading)
            return Pose(x_m, y_m, heading), way[index:]
        step_m -= gap_m
    return Pose(*points[-1], heading), []


def _off_m(node: Node, pose: Pose) -> float:
    return math.dist((node.x_m, node.y_m), (pose.x_m, pose.y_m))
