"""What the small master writes: orders, instant actions, and what it keeps of each vehicle."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .layout import Layout

Message = dict[str, Any]


class Out(NamedTuple):
    """One message to be sent."""

    serial: str
    topic: str
    message: Message


@dataclass(slots=True)
class Plan:
    """An order on its way."""

    id: str
    path: list[str]
    places: dict[str, tuple[float, float]]
    released: int
    update: int = 0
    first: int = 0
    """Index of the first node of the last message."""
    sent_s: float = 0.0
    tries: int = 1
    known: bool = False
    """A state has shown the last message."""


@dataclass(slots=True)
class Wish:
    """An instant action that has to be reflected."""

    id: str
    kind: str
    sent_s: float
    tries: int = 1


@dataclass(slots=True)
class Unit:
    """What is known of one vehicle."""

    serial: str
    connection: str = ""
    state: Message = field(default_factory=dict)
    heard_s: float = -math.inf
    goals: deque[str] = field(default_factory=deque)
    plan: Plan | None = None
    cancel: Wish | None = None
    wishes: list[Wish] = field(default_factory=list)
    leases: dict[str, float] = field(default_factory=dict)
    """requestId to the end of its lease, s."""


class Scribe:
    """Vehicles that a master writes to: numbers, headers and bodies of its messages."""

    def __init__(
        self,
        layout: Layout,
        serials: list[str],
        *,
        version: str,
        manufacturer: str,
        stamp: Callable[[float], str],
        run: str = "a",
    ) -> None:
        """`run` makes the names of orders unique over restarts."""
        self.layout, self.version, self.manufacturer = layout, version, manufacturer
        self.units = {serial: Unit(serial) for serial in serials}
        self.out: list[Out] = []
        self.now_s = 0.0
        self.stamp, self.run = stamp, run
        self._headers: dict[tuple[str, str], int] = {}
        self._count = 0

    @property
    def three(self) -> bool:
        """Version 3.0."""
        return self.version.startswith("3")

    def order_id(self) -> str:
        """A new one."""
        return f"job-{self.run}-{self.number()}"

    def number(self) -> int:
        """The next number for a name."""
        self._count += 1
        return self._count

    def publish(self, unit: Unit, plan: Plan, first: int) -> None:
        """Send a plan for the first time, from this node of it on."""
        plan.first, plan.sent_s, plan.tries, plan.known = first, self.now_s, 1, False
        self.send(unit, "order", self.order(plan))

    def wish(self, unit: Unit, kind: str) -> Wish:
        """Send an instant action."""
        wish = Wish(f"{kind}-{self.run}-{self.number()}", kind, self.now_s)
        self.send(unit, "instantActions", self.instant(wish))
        return wish

    def instant(self, wish: Wish) -> Message:
        """One instant action."""
        action = {"actionType": wish.kind, "actionId": wish.id, "blockingType": "NONE"}
        return {"actions": [{**action, "actionParameters": []}]}

    def order(self, plan: Plan) -> Message:
        """The order message of a plan, without its header."""
        indexes = range(plan.first, len(plan.path))
        return {
            "orderId": plan.id,
            "orderUpdateId": plan.update,
            "nodes": [self.node(plan, index) for index in indexes],
            "edges": [self.edge(plan, index) for index in indexes[:-1]],
        }

    def node(self, plan: Plan, index: int) -> Message:
        """One node."""
        x, y = plan.places[plan.path[index]]
        allowed: Any = {"a": 1.0, "b": 1.0, "theta": 0.0} if self.three else 1.0
        return {
            "nodeId": plan.path[index],
            "sequenceId": 2 * index,
            "released": index < plan.released,
            "nodePosition": {
                "x": x, "y": y, "mapId": self.layout.map_id, "allowedDeviationXY": allowed,
            },
            "actions": [],
        }  # fmt: skip

    def edge(self, plan: Plan, index: int) -> Message:
        """The edge from node `index` to the next."""
        start, end = plan.path[index], plan.path[index + 1]
        ends = {} if self.three else {"startNodeId": start, "endNodeId": end}
        return {
            "edgeId": f"{start}-{end}",
            "sequenceId": 2 * index + 1,
            "released": index + 1 < plan.released,
            **ends,
            "actions": [],
        }

    def header(self, serial: str, topic: str) -> Message:
        """The next header."""
        number = self._headers.get((serial, topic), -1) + 1
        self._headers[serial, topic] = number
        return {
            "headerId": number,
            "timestamp": self.stamp(self.now_s),
            "version": self.version,
            "manufacturer": self.manufacturer,
            "serialNumber": serial,
        }

    def send(self, unit: Unit, topic: str, body: Message) -> None:
        """Put a message into the outbox."""
        self.out.append(Out(unit.serial, topic, {**self.header(unit.serial, topic), **body}))
