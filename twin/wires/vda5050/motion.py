"""From what an order releases to what a vehicle drives: ways, where to stop, zones, base request.

`follow` compares what the logic allows with what the device was told last, and tells it the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import simpy

from twin.clock import Clock
from twin.devices.igv import Igv, Way
from twin.wires.vda5050.curve import samples
from twin.wires.vda5050.effects import Step
from twin.wires.vda5050.face import Face
from twin.wires.vda5050.logic import OrderLogic
from twin.wires.vda5050.records import Action, Ellipse, ZoneAction
from twin.wires.vda5050.zones import Crossing, Zones


class Motion:
    """Lets one device follow one logic."""

    def __init__(
        self,
        igv: Igv,
        logic: OrderLogic,
        face: Face,
        zones: Zones,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._igv, self._logic, self._face, self._zones = igv, logic, face, zones
        self._clock, self._changed = clock, changed
        self.cause = -1
        """Trace id of the message that is being worked on."""
        self._ways: dict[int, Way] = {}
        self._told: tuple[int | None, float | None] = (None, None)
        self._base_end = -1
        self._base_notice = 0
        self._surveyed_m = -math.inf
        self._notices: list[int] = []
        self._lease: simpy.Timeout | None = None
        self._zone_actions = 0

    def follow(self) -> bool:
        """Bring the device into step; True if anything was told."""
        told = self._set_ways()
        self._look_at_zones()
        route = self._logic.route()
        key = route.steps[-1].node.sequence_id if route is not None else None
        limit_m = self._zones.limit_m(self._igv.carrier.way_m) if key is not None else None
        if (key, limit_m) != self._told or (told and key is not None):
            self._told = (key, limit_m)
            self._igv.proceed(key, before_m=limit_m, cause=self.cause)
            told = True
        self._ask_for_base()
        return told

    # --- ways ------------------------------------------------------------------------------------

    def _set_ways(self) -> bool:
        base = self._logic.base
        placed = self._igv.router.placed
        if not base:
            self._ways.clear()
            if not placed:
                return False
            self._igv.drop_ways()
            return True
        last = base[-1].node.sequence_id
        if placed and placed[-1].way.key == last and placed[0].way.key == base[0].node.sequence_id:
            return False
        for step in base:
            if step.node.sequence_id not in self._ways:
                self._ways[step.node.sequence_id] = self._way(step)
        self._igv.set_ways([self._ways[step.node.sequence_id] for step in base])
        return True

    def _way(self, step: Step) -> Way:
        edge, node = step.edge, step.node
        place = node.node_position
        if place is not None:
            target: tuple[float, float] | None = (place.x, place.y)
        else:
            target = self._face.place_of(node.node_id)
        assert target is not None  # an order without is not accepted
        points: tuple[tuple[float, float], ...] = (target,)
        courses: tuple[float, ...] = ()
        if edge.trajectory is not None:
            curve, courses = samples(edge.trajectory)
            points = curve[1:]
        deviation = place.deviation if place is not None else None
        if isinstance(deviation, Ellipse):
            deviation = min(deviation.a, deviation.b)
        corridor = None
        if edge.corridor is not None:
            half_m = 0.0
            if edge.corridor.corridor_reference_point == "CONTOUR":
                half_m = self._igv.parameters.vehicle.width_m / 2
            corridor = (
                max(0.0, edge.corridor.left_width - half_m),
                max(0.0, edge.corridor.right_width - half_m),
            )
        travel = None
        if edge.orientation is not None and edge.orientation_type == "TANGENTIAL":
            travel = edge.orientation
        return Way(
            key=node.sequence_id,
            points=points,
            courses_rad=courses,
            speed_m_s=edge.maximum_speed,
            deviation_m=deviation or 0.0,
            corridor_m=corridor,
            travel_rad=travel,
        )

    # --- base request ----------------------------------------------------------------------------

    def _ask_for_base(self) -> None:
        """Ask for more base before the vehicle would have to brake for the decision point."""
        base = self._logic.base
        end = base[-1].node.sequence_id if base else -1
        if end == self._base_end and self._logic.has_horizon:
            return
        self._base_end = end
        self._igv.forget_notice(self._base_notice)
        self._set_request(False)
        if not self._logic.has_horizon or self._logic.cancelling:
            self._base_end = -1
            return
        place_m = self._igv.router.place_of(end)
        here_m = self._igv.carrier.way_m
        p = self._igv.parameters
        top = p.vehicle.speed_cap_m_s
        # from top speed with jerk: v²/2b, and v·b/2j for building the braking up
        need_m = top * top / (2 * p.vehicle.service_m_s2)
        need_m += top * p.vehicle.service_m_s2 / (2 * p.vehicle.jerk_m_s3) + p.base_m
        if place_m is None or place_m - need_m <= here_m:
            self._set_request(True)
        else:
            self._base_notice = self._igv.notify_at(place_m - need_m, self._base_runs_short)

    def _base_runs_short(self) -> None:
        self._set_request(True)
        self._changed()

    def _set_request(self, on: bool) -> None:
        if self._face.new_base_request != on:
            self._face.new_base_request = on
            self._logic.revision += 1

    # --- zones -----------------------------------------------------------------------------------

    def resurvey(self) -> None:
        """The zones have changed: look at the whole way again."""
        self._surveyed_m = -math.inf

    def _look_at_zones(self) -> None:
        if not self._zones.enabled:
            return
        igv, zones = self._igv, self._zones
        carrier = igv.carrier
        if carrier.end_m != self._surveyed_m:
            self._survey()
        way_m = carrier.way_m
        if zones.update(way_m, self._clock.now_ns()):
            self._logic.revision += 1
        self._zone_errors(way_m)
        self._wait_for_lease()

    def _survey(self) -> None:
        igv, zones = self._igv, self._zones
        carrier = igv.carrier
        self._surveyed_m = carrier.end_m

        def pose_at(way_m: float) -> tuple[float, float, float]:
            pose = carrier.pose_at(way_m)
            return pose.x_m, pose.y_m, pose.heading_rad

        here = carrier.way_m
        zones.survey(igv.maps.current, pose_at, here, carrier.end_m)
        for number in self._notices:
            igv.forget_notice(number)
        self._notices = []
        for crossing in zones.crossings:
            if crossing.enter_m > here:
                self._notice(crossing.enter_m + 1e-6, crossing, entering=True)
            if math.isfinite(crossing.exit_m):
                self._notice(crossing.exit_m + 1e-6, crossing, entering=False)
        igv.set_speed_limits(zones.speed_limits())

    def _notice(self, way_m: float, crossing: Crossing, *, entering: bool) -> None:
        def passed() -> None:
            zone = crossing.zone
            if zone.zone_type == "ACTION":
                actions = (
                    zone.entry_actions + zone.during_actions if entering else zone.exit_actions
                )
                self._logic.add_zone_actions([self._named(zone.zone_id, one) for one in actions])
            self._logic.revision += 1
            self._changed()

        self._notices.append(self._igv.notify_at(way_m, passed))

    def _named(self, zone_id: str, action: ZoneAction) -> Action:
        self._zone_actions += 1
        return Action(
            action_type=action.action_type,
            action_id=f"{zone_id}-{self._zone_actions}",
            blocking_type=action.blocking_type,
            action_parameters=action.action_parameters,
            action_descriptor=action.action_descriptor,
            retriable=action.retriable,
        )

    def _zone_errors(self, way_m: float) -> None:
        problems, zones = self._logic.problems, self._zones
        wanted = {
            ("release_lost", zone_id): "its release is lost" for zone_id in zones.released_lost
        }
        for crossing in zones.inside(way_m, "BLOCKED"):
            wanted["blocked_zone", crossing.zone.zone_id] = "it is in a blocked zone"
        for problem in list(problems.active):
            key = problem.key
            if key in ("release_lost", "blocked_zone"):
                zone_id = dict(problem.references)["zoneId"]
                if (key, zone_id) not in wanted:
                    problems.clear_one(key, "zoneId", zone_id)
                    self._logic.revision += 1
        for (key, zone_id), text in wanted.items():
            if problems.report(key, text, {"zoneId": zone_id}):
                self._logic.revision += 1

    def _wait_for_lease(self) -> None:
        if self._lease is not None and self._lease.callbacks is not None:
            self._lease.callbacks.clear()
        self._lease = None
        due_ns = self._zones.next_ns(self._clock.now_ns())
        if due_ns is not None:
            delay_s = max(0.0, (due_ns - self._clock.now_ns()) / 1e9)
            self._lease = self._clock.call_later(delay_s, self._changed)
