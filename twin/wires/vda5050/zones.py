"""Zones of 3.0: where the way meets them, who may enter, what is lost with a release.

Sans-io: it is told of zone sets, responses, the way ahead and time; it tells how far the vehicle
may go, how fast, and which requests stand in the state. Contour-based zones count with the body's
rectangle (3.0 6.4.1.1). Supported: BLOCKED, RELEASE, SPEED_LIMIT, ACTION; LINE_GUIDED asks nothing
of a vehicle that never leaves its edges. EVACUATE means driving on along the base until the zone is
left, since such a vehicle has no other way out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from twin.wires.vda5050.records import Response, Zone, ZoneSet
from twin.wires.vda5050.switches import Switches

STEP_M = 0.25
"""The way is looked at every so often; a zone's border is known to this, on the safe side."""
MARGIN_M = 0.5
"""Kept before a zone that may not be entered (estimate)."""
RETRY_S = 10.0
"""A rejected request is made again after this (3.0 6.9: "defined during integration")."""

PoseAt = Callable[[float], tuple[float, float, float]]
"""x, y, heading at a place of the way."""


@dataclass(slots=True)
class Request:
    """A request for one zone; `lease_ns` is the end of the lease, None for ever."""

    id: str
    zone: Zone
    set_id: str
    status: str = "REQUESTED"
    lease_ns: int | None = None
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Crossing:
    """The body is in a zone between these places of the way, m."""

    zone: Zone
    enter_m: float
    exit_m: float


class Zones:
    """Zone sets and requests of one vehicle with a body of `length_m` by `width_m`."""

    def __init__(self, length_m: float, width_m: float, switches: Switches) -> None:
        self._size = (length_m, width_m)
        self._switches = switches
        self.sets: dict[str, ZoneSet] = {}
        self.enabled: dict[str, str] = {}
        """Map to the id of its enabled zone set."""
        self.requests: dict[str, Request] = {}
        """By zone id."""
        self.crossings: list[Crossing] = []
        self.requesting = True
        self._count = 0
        self._surveyed_m = 0.0
        self._retry_ns: dict[str, int] = {}
        self._lost: set[str] = set()

    # --- zone sets -------------------------------------------------------------------------------

    def store(self, new: ZoneSet) -> bool:
        """Take a zone set, disabled; False if its id is here (a set never changes)."""
        if new.zone_set_id in self.sets:
            return False
        self.sets[new.zone_set_id] = new
        return True

    def enable(self, set_id: str) -> str:
        """Use a set for its map; empty, or why not."""
        if set_id not in self.sets:
            return f"zone set {set_id!r} is not here"
        self.enabled[self.sets[set_id].map_id] = set_id
        return ""

    def delete(self, set_id: str) -> str:
        """Forget a set; empty, or why not."""
        if set_id not in self.sets:
            return f"zone set {set_id!r} is not here"
        if set_id in self.enabled.values():
            return f"zone set {set_id!r} is in use"
        del self.sets[set_id]
        return ""

    def _active(self, map_id: str) -> ZoneSet | None:
        return self.sets.get(self.enabled.get(map_id, ""))

    # --- the way ---------------------------------------------------------------------------------

    def survey(self, map_id: str, pose_at: PoseAt, from_m: float, to_m: float) -> None:
        """Find where the way from `from_m` to `to_m` meets zones; earlier finds are replaced."""
        self.crossings = []
        zone_set = self._active(map_id)
        if zone_set is None or to_m < from_m:
            return
        places = np.arange(from_m, to_m + STEP_M, STEP_M).clip(max=to_m)
        bodies = shapely.polygons(self._outlines([pose_at(float(place)) for place in places]))
        for zone in zone_set.zones:
            area = shapely.Polygon([(corner.x, corner.y) for corner in zone.vertices])
            if not area.is_valid:
                area = area.buffer(0)
            shapely.prepare(area)
            touched = shapely.intersects(area, bodies)
            for first, last in _runs(touched):
                enter = places[first - 1] if first else -np.inf  # it is inside already
                left = places[last + 1] if last + 1 < len(places) else np.inf
                self.crossings.append(Crossing(zone, float(enter), float(left)))
        self.crossings.sort(key=lambda crossing: crossing.enter_m)

    def _outlines(self, poses: list[tuple[float, float, float]]) -> Any:
        length, width = self._size
        corners = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * (length / 2, width / 2)
        x, y, heading = np.array(poses).T
        cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
        along, across = corners[:, 0][None, :], corners[:, 1][None, :]
        xs = x[:, None] + along * cos - across * sin
        ys = y[:, None] + along * sin + across * cos
        return np.stack((xs, ys), axis=-1)

    def inside(self, way_m: float, kind: str) -> Iterator[Crossing]:
        """Zones of a kind in which the body is at a place."""
        for crossing in self.crossings:
            if crossing.zone.zone_type == kind and crossing.enter_m < way_m < crossing.exit_m:
                yield crossing

    def limit_m(self, way_m: float) -> float | None:
        """The place that may not be passed for want of a release; None if there is none."""
        for crossing in self.crossings:
            zone = crossing.zone
            if crossing.exit_m <= way_m or zone.zone_type not in ("BLOCKED", "RELEASE"):
                continue
            if crossing.enter_m < way_m:
                if zone.zone_type == "BLOCKED" or self._must_stand(zone):
                    return way_m
                continue
            if zone.zone_type == "BLOCKED" or not self._granted(zone):
                return max(way_m, crossing.enter_m - MARGIN_M)
        return None

    def speed_limits(self) -> list[tuple[float, float, float]]:
        """(from, to, m/s) of SPEED_LIMIT zones on the way; met at the border already."""
        return [
            (one.enter_m, one.exit_m, max(0.05, one.zone.maximum_speed))
            for one in self.crossings
            if one.zone.zone_type == "SPEED_LIMIT" and one.zone.maximum_speed is not None
        ]

    def _granted(self, zone: Zone) -> bool:
        request = self.requests.get(zone.zone_id)
        return request is not None and request.status == "GRANTED"

    def _must_stand(self, zone: Zone) -> bool:
        """Whether a vehicle in the zone must stand there for want of a release."""
        return not self._granted(zone) and zone.release_loss_behavior == "STOP"

    @property
    def released_lost(self) -> list[str]:
        """Zones in which it must stand because their release was lost."""
        return sorted(self._lost)

    # --- requests --------------------------------------------------------------------------------

    def update(self, way_m: float, now_ns: int) -> bool:
        """Make and drop requests for where the vehicle is; True if any has changed."""
        before = self._fingerprint()
        ahead = {
            one.zone.zone_id: one
            for one in reversed(self.crossings)
            if one.zone.zone_type == "RELEASE" and one.exit_m > way_m
        }
        for zone_id in [key for key in self.requests if key not in ahead]:
            del self.requests[zone_id]
        self._lost &= ahead.keys()
        for request in list(self.requests.values()):
            crossing = ahead[request.zone.zone_id]
            request.inside = crossing.enter_m < way_m
            if request.lease_ns is not None and now_ns >= request.lease_ns:
                self._lose(request, "EXPIRED", now_ns)
        if self.requesting:
            for zone_id, crossing in ahead.items():
                if zone_id not in self.requests and now_ns >= self._retry_ns.get(zone_id, 0):
                    self._ask(crossing, inside=crossing.enter_m < way_m)
        return self._fingerprint() != before

    def _ask(self, crossing: Crossing, *, inside: bool) -> None:
        zone = crossing.zone
        set_id = next((key for key in self.enabled.values() if zone in self.sets[key].zones), "")
        self._count += 1
        request = Request(f"zone-{self._count}", zone, set_id, inside=inside)
        self.requests[zone.zone_id] = request

    def _lose(self, request: Request, status: str, now_ns: int) -> None:
        request.lease_ns = None
        if request.inside and request.zone.release_loss_behavior == "STOP":
            self._lost.add(request.zone.zone_id)
        keep = request.inside and self._switches.revoked_request == "keep"
        if keep:
            request.status = status
        else:
            del self.requests[request.zone.zone_id]
            self._retry_ns[request.zone.zone_id] = now_ns + round(RETRY_S * 1e9)

    def respond(self, answer: Response, lease_ns: int | None, now_ns: int) -> str:
        """Take fleet control's answer; empty, or why it means nothing."""
        request = next((r for r in self.requests.values() if r.id == answer.request_id), None)
        if request is None:
            return f"a response to {answer.request_id!r}, which is not asked for"
        if answer.grant_type == "GRANTED":
            if lease_ns is not None and lease_ns <= now_ns:
                return f"a lease for {answer.request_id!r} that is over"
            request.status, request.lease_ns = "GRANTED", lease_ns
            self._lost.discard(request.zone.zone_id)
        elif answer.grant_type == "QUEUED":
            if request.status == "REQUESTED":
                request.status = "QUEUED"
        elif answer.grant_type == "REVOKED":
            self._lose(request, "REVOKED", now_ns)
        elif request.status in ("REQUESTED", "QUEUED"):
            del self.requests[request.zone.zone_id]
            self._retry_ns[request.zone.zone_id] = now_ns + round(RETRY_S * 1e9)
        return ""

    def drop_requests(self, *, requesting: bool) -> None:
        """Forget all requests (3.0 table 10); `requesting`: whether new ones may be made."""
        self.requests.clear()
        self.requesting = requesting

    def next_ns(self, now_ns: int) -> int | None:
        """When `update` should be called at the latest: a lease ends, a request is made again."""
        times = [r.lease_ns for r in self.requests.values() if r.lease_ns is not None]
        times += [t for key, t in self._retry_ns.items() if key not in self.requests]
        return min((t for t in times if t > now_ns), default=None)

    def _fingerprint(self) -> tuple[tuple[str, str], ...]:
        return tuple((request.id, request.status) for request in self.requests.values())

    # --- shown -----------------------------------------------------------------------------------

    def shown_sets(self) -> list[dict[str, Any]]:
        """For the state."""
        return [
            {
                "zoneSetId": key,
                "mapId": one.map_id,
                "zoneSetStatus": "ENABLED" if self.enabled.get(one.map_id) == key else "DISABLED",
            }
            for key, one in self.sets.items()
        ]

    def shown_requests(self) -> list[dict[str, Any]]:
        """For the state."""
        schema = self._switches.queued_status == "schema"
        return [
            {
                "requestId": request.id,
                "requestType": "ACCESS",
                "zoneId": request.zone.zone_id,
                "zoneSetId": request.set_id,
                "requestStatus": "REQUESTED"
                if schema and request.status == "QUEUED"
                else request.status,
            }
            for request in self.requests.values()
        ]


def _runs(touched: Any) -> Iterator[tuple[int, int]]:
    """First and last index of every run of true values."""
    padded = np.concatenate(([False], touched, [False])).astype(int)
    changes = np.diff(padded)
    starts, ends = np.flatnonzero(changes == 1), np.flatnonzero(changes == -1)
    for first, after in zip(starts.tolist(), ends.tolist(), strict=True):
        yield first, after - 1


def lease_end_ns(text: str, day_start: dt.datetime) -> int | None:
    """The instant of an ISO 8601 `leaseExpiry` on a run's clock; None if it is none."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return round((moment - day_start).total_seconds() * 1e9)
