"""A session on a vehicle: a fleet control with one vehicle, and who stands beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from hil.errors import BenchError, Unreachable
from hil.pace import stamp_s
from hil.session import Session
from twin.clock import Clock
from twin.trace import Trace

from .orders import Message, Orders
from .papers import IgvPics, IgvPixit
from .roles import IgvRoles, TruePose
from .wire import IgvWire

ENDED = ("FINISHED", "FAILED")
STILL_M_S = 0.01
HOME_M = 1.0
"""Nearer to the track's first node than this, it is there; the start of an order allows as much."""


class IgvSession(Session[IgvPics, IgvPixit]):
    """One run on one bench with a vehicle."""

    device = "vehicle"
    safe_text = "the order is cancelled and the vehicle stands"
    unsafe_text = "ATTENTION: the vehicle may still hold an order; stop it by hand"

    def __init__(
        self,
        clock: Clock,
        trace: Trace,
        wire: IgvWire,
        roles: IgvRoles,
        pics: IgvPics,
        pixit: IgvPixit,
    ) -> None:
        super().__init__(clock, trace, wire, roles, pics, pixit)
        self.wire, self.roles = wire, roles
        self.orders: Orders = wire.orders
        self._seen: tuple[float, TruePose] | None = None

    async def device_time_s(self) -> float | None:
        """By the stamp of a state that is asked for."""
        before = self.wire.heard
        await self.fresh_state()
        return stamp_s(self.state.get("timestamp")) if self.wire.heard > before else None

    def instruments(self) -> dict[str, Any]:
        """Whether the vehicle's true motion can be followed."""
        return {"tracked": bool(getattr(self.roles.track, "instant", False))}

    async def sample(self) -> None:
        """Look where it is; recorded as `truth` when it has moved, else once a second."""
        if self.roles.track is None or not self.roles.track.instant:
            return
        await self.look()

    async def look(self) -> None:
        """Look where it stands, also where a person has to."""
        now_s, pose = self.clock.now_s(), await self.require("track").pose()
        if self._seen is None or pose != self._seen[1] or now_s - self._seen[0] >= 1.0:
            self._seen = (now_s, pose)
            self.trace("instrument", "truth", **pose._asdict())

    # -- what it knows

    @property
    def state(self) -> Message:
        """The last state, in the words of 3.0; empty members before the first one."""
        return self.wire.latest.get("state", {})

    def status(self, action_id: str) -> str:
        """The last status of an action; empty if it is not listed."""
        for key in ("actionStates", "instantActionStates"):
            for one in self.state.get(key, ()):
                if one.get("actionId") == action_id:
                    return str(one.get("actionStatus"))
        return ""

    @property
    def idle(self) -> bool:
        """Order done, standing."""
        state = self.state
        instants = self.wire.instants
        ended = all(
            one.get("actionStatus") in ENDED
            for one in state.get("actionStates", ())
            if one.get("actionId") not in instants
        )
        return not state.get("nodeStates") and not state.get("driving") and ended

    def at(self, sequence: int) -> bool:
        """Whether it says that it has traversed this node of the order that it has.

        Before its first node a vehicle may still show the last node of the order before.
        """
        listed = (int(one["sequenceId"]) for one in self.state.get("nodeStates", ()))
        passed = int(self.state.get("lastNodeSequenceId", -1)) >= sequence
        return passed and all(one > sequence for one in listed)

    # -- steps

    async def until(self, true: Callable[[], Any], limit_s: float) -> bool:
        """Watch until something holds or `limit_s` has passed."""
        return await self.watch(limit_s, lambda: bool(true()))

    async def settle(self) -> None:
        """As long as the vehicle has to show what it made of a message."""
        await self.watch(self.pixit.settle_s)

    async def take(self, message: Message, label: str = "") -> bool:
        """Send an order; True as soon as the state echoes it."""
        wanted = (message["orderId"], message["orderUpdateId"])
        self.wire.send("order", message, label)
        return await self.until(
            lambda: (self.state.get("orderId"), self.state.get("orderUpdateId")) == wanted,
            self.pixit.settle_s,
        )

    async def legs(self, count: int, true: Callable[[], Any] | None = None) -> bool:
        """Watch for as long as so many edges take, or until something holds (or all is done)."""
        return await self.until(true or (lambda: self.idle), count * self.pixit.leg_s)

    async def now(self, kind: str, *, id: str | None = None, label: str = "", **values: Any) -> str:
        """Send one instant action and let it settle; its id."""
        message = self.orders.now(kind, id=id or self.orders.name(kind), **values)
        self.wire.send("instantActions", message, label)
        await self.settle()
        return str(message["actions"][0]["actionId"])

    async def done(self, action_id: str, limit_s: float) -> bool:
        """Watch until an action has ended."""
        return await self.until(lambda: self.status(action_id) in ENDED, limit_s)

    async def begun(self, true: Callable[[], Any]) -> bool:
        """Watch until something of a drive holds, within one leg."""
        return await self.until(true, self.pixit.leg_s)

    async def fresh_state(self) -> None:
        """Ask for a state and wait for it."""
        before = self.wire.heard
        message = self.orders.now("stateRequest", id=self.orders.name("ask"))
        self.wire.send("instantActions", message)
        await self.until(lambda: self.wire.heard > before, self.pixit.settle_s)

    async def cancel(self) -> None:
        """Cancel whatever is there."""
        name = await self.now("cancelOrder")
        await self.done(name, self.pixit.stop_s + self.pixit.action_s)

    # -- start position

    def _place(self) -> tuple[float, float] | None:
        position = self.state.get("mobileRobotPosition")
        return (position["x"], position["y"]) if position else None

    def _home(self) -> bool:
        place = self._place()
        return place is not None and math.dist(place, self.pixit.track[0]) <= min(
            HOME_M, self.pixit.deviation_m
        )

    async def ready(self, start: str, *, insist: bool = False) -> None:  # noqa: ARG002
        """Powered, in reach, nothing pressed, no order, standing at the track's first node."""
        roles, pixit = self.roles, self.pixit
        if roles.power is not None:
            await roles.power.switch(True)
        if roles.link is not None:
            await roles.link.link(True)
        person = roles.attendant
        if person is not None:
            await person.stop(False)
            await person.acknowledge()
            await person.field(False)
            await person.leave(False)
        await self.connected(2 * pixit.start_up_s + 5.0)
        if person is not None:
            await person.mode("AUTOMATIC")
        await self._automatic()
        await self._forget_order()
        if not self._home():
            await self._drive_home()

    async def _automatic(self) -> None:
        heard = self.wire.heard
        await self.fresh_state()
        if self.wire.heard == heard:
            raise Unreachable("vehicle wire: no state within the time to settle, before the case")
        limit_s = self.pixit.start_up_s + 5.0

        def takes_orders() -> bool:
            return self.state.get("operatingMode") in ("AUTOMATIC", "SEMIAUTOMATIC")

        if not await self.until(takes_orders, limit_s):
            raise BenchError(
                f"vehicle: operatingMode is {self.state.get('operatingMode')!r} after "
                f"{limit_s:g} s, not AUTOMATIC"
            )
        if self.state.get("paused"):
            await self.now("stopPause")

    async def _forget_order(self) -> None:
        if not self.idle:
            await self.cancel()
            await self.until(lambda: self.idle, self.pixit.stop_s + self.pixit.settle_s)
        if not self.idle:
            raise BenchError(
                "vehicle: it holds an order that cannot be cancelled; clear it by hand"
            )

    def here(self, sequence: int = 0) -> Message:
        """A node where the vehicle stands; on a rail between two nodes the one behind it."""
        place = self._place()
        if place is None:
            raise BenchError("vehicle: its state has no position; it has to be localized first")
        if self.pixit.way_back:
            behind = self._behind(place)
            off_m = math.dist(self.orders.ring[behind], place) + HOME_M
            return self.orders.spot(behind, sequence, deviation=off_m)
        return self.orders.node(self.orders.name("here"), sequence, *place, deviation=HOME_M)

    def from_here(self, places: Sequence[int]) -> Message:
        """An order from where it stands over these places."""
        first = self.here()
        rest = self.orders.drive(places, first=2)
        link = self.orders.edge(1, first["nodeId"], f"T{places[0]}")
        return {**rest, "nodes": [first, *rest["nodes"]], "edges": [link, *rest["edges"]]}

    async def _drive_home(self) -> None:
        place = self._place()
        assert place is not None or self.here()
        track = self.pixit.track
        if self.pixit.way_back:
            places = self.orders.back(self._behind(place or track[0]))[1:]
        else:
            near = min(range(len(track)), key=lambda one: math.dist(track[one], place or track[0]))
            places = self.orders.back(near)
            if math.dist(track[near], place or track[0]) <= self.pixit.deviation_m:
                places = places[1:]
        taken = await self.take(self.from_here(places))
        if not taken or not await self.legs(len(places) + 1) or not self._home():
            errors = [one.get("errorType") for one in self.state.get("errors", ())]
            raise BenchError(
                f"vehicle: it did not come back to the track's first node {track[0]}; it stands at "
                f"{self._place()}, errors: {errors}"
            )

    def _behind(self, place: tuple[float, float]) -> int:
        """The node of the ring at which it stands, or that it has passed last, by its place."""
        ring = self.orders.ring
        near = min(range(len(ring)), key=lambda one: math.dist(ring[one], place))
        if math.dist(ring[near], place) <= self.pixit.deviation_m:
            return near
        return min(
            range(len(ring)),
            key=lambda one: _off_m(place, ring[one], ring[(one + 1) % len(ring)]),
        )

    def next_on_rail(self) -> int | None:
        """The place after where it stands, for a vehicle that drives in one direction only."""
        place = self._place()
        if place is None or not self.pixit.way_back:
            return None
        return self.orders.back(self._behind(place))[1]

    async def clean(self) -> None:
        """An order of the one node it stands on: done at once, and it ends old warnings."""
        first = self.here()
        await self.take(self.orders.order(self.orders.name("clean"), nodes=[first]))
        await self.until(lambda: self.idle, self.pixit.leg_s)


def _off_m(place: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    """How far a place is from the straight between two others."""
    along_x, along_y = b[0] - a[0], b[1] - a[1]
    share = (place[0] - a[0]) * along_x + (place[1] - a[1]) * along_y
    share = max(0.0, min(1.0, share / (along_x**2 + along_y**2)))
    return math.dist(place, (a[0] + share * along_x, a[1] + share * along_y))
