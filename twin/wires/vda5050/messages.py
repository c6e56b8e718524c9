"""Writes what a vehicle sends: state, visualization, connection, in the words of its dialect.

A state is one dictionary and one call of msgspec, because a fleet sends thousands of them; lists
that seldom change (nodes, edges, loads, maps, errors) are encoded again only when they do. What is
in the state comes from the logic (orders, actions, errors) and from a `Shown` of the vehicle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from twin.clock import Clock
from twin.profiles.vda5050 import Dialect
from twin.wires.vda5050.action_logic import ActionLogic
from twin.wires.vda5050.actions import ActionState, Status
from twin.wires.vda5050.logic import OrderLogic
from twin.wires.vda5050.problems import Problem
from twin.wires.vda5050.records import Edge, Node

UINT32 = 1 << 32
"""headerId wraps here (6.1.1: uint32)."""

_encode = msgspec.json.Encoder().encode

T = TypeVar("T")


class Whereabouts(NamedTuple):
    """Where a vehicle is and how it moves, all of one instant; keys are those of 3.0.0."""

    position: dict[str, Any] | None
    """`mobileRobotPosition`, or None if it never had one."""
    velocity: dict[str, float]
    """`vx`, `vy`, `omega` in the vehicle's frame, m/s and rad/s."""
    distance_m: float
    """Driven since the last node, m."""


class Shown(Protocol):
    """What the state shows of the vehicle itself; dictionaries carry the keys of 3.0.0."""

    @property
    def mode(self) -> str:
        """Operating mode."""

    @property
    def driving(self) -> bool:
        """Drives or turns."""

    def whereabouts(self) -> Whereabouts:
        """Where it is and how it moves now."""

    @property
    def loads(self) -> list[dict[str, Any]]:
        """What it carries."""

    @property
    def power(self) -> dict[str, Any]:
        """`powerSupply`."""

    @property
    def emergency_stop(self) -> str:
        """AUTOACK, MANUAL, REMOTE or NONE."""

    @property
    def field_violation(self) -> bool:
        """Something is in the protective field."""

    @property
    def maps(self) -> list[dict[str, Any]]:
        """Maps on board."""

    @property
    def new_base_request(self) -> bool:
        """The base runs short."""

    @property
    def zone_sets(self) -> list[dict[str, Any]]:
        """Zone sets on board (3.0)."""

    @property
    def zone_requests(self) -> list[dict[str, Any]]:
        """Requests for zones (3.0)."""

    @property
    def edge_requests(self) -> list[dict[str, Any]]:
        """Requests for corridors (3.0)."""

    @property
    def information(self) -> list[dict[str, Any]]:
        """For people, not for logic."""


class Names(dict[str, str]):
    """Names of 3.0 to names on the wire; what is not renamed stays."""

    def __missing__(self, key: str) -> str:
        self[key] = key  # found at once from now on
        return key


class _Kept(Generic[T]):
    """The JSON of a list, made again only when the list is another."""

    __slots__ = ("_items", "_json", "_show")

    def __init__(self, show: Callable[[T], object]) -> None:
        self._show = show
        self._items: list[T] = []
        self._json = msgspec.Raw(b"[]")

    def __call__(self, items: Iterable[T]) -> msgspec.Raw:
        """The JSON of `items`, which do not change in themselves."""
        now = list(items)
        if now != self._items:  # the same objects are equal without a look into them
            self._items = now
            self._json = msgspec.Raw(_encode([self._show(item) for item in now]))
        return self._json


class Writer:
    """The messages of one vehicle; counts a headerId for each topic."""

    def __init__(
        self,
        dialect: Dialect,
        clock: Clock,
        manufacturer: str,
        serial_number: str,
    ) -> None:
        self.dialect = dialect
        self.names = Names(dialect.sent)
        self._clock, self._digits = clock, dialect.timestamp_digits
        self._manufacturer, self._serial_number = manufacturer, serial_number
        self.header_ids: dict[str, int] = {}
        self.ahead_s = 0.0
        """Its clock shows so much more than the true time; negative: less."""
        self._maps = _Kept[dict[str, Any]](self._renamed)
        self._nodes = _Kept(_node)
        self._edges = _Kept(_edge)
        self._loads = _Kept[dict[str, Any]](lambda load: load)
        self._errors = _Kept(self._error)
        self._information = _Kept[dict[str, Any]](self._renamed)

    def header(self, topic: str) -> dict[str, Any]:
        """The next header of `topic`: the number grows by one with every message sent."""
        number = self.header_ids.get(topic, -1) + 1
        self.header_ids[topic] = number % UINT32
        return {
            "headerId": self.header_ids[topic],
            "timestamp": self._clock.utc_stamp(self._digits, self.ahead_s),
            "version": self.dialect.version,
            "manufacturer": self._manufacturer,
            "serialNumber": self._serial_number,
        }

    def connection(self, state: str) -> bytes:
        """ONLINE, OFFLINE, CONNECTION_BROKEN or HIBERNATING."""
        return _encode({**self.header("connection"), "connectionState": self.names[state]})

    def visualization(self, shown: Shown) -> bytes | None:
        """Where it is and how it moves; None while it does not know where it is."""
        position, velocity, _ = shown.whereabouts()
        if position is None:
            return None
        names, message = self.names, self.header("visualization")
        if self.dialect.instant_states:
            message["referenceStateHeaderId"] = self.header_ids.get("state", 0)
        message[names["mobileRobotPosition"]] = self._renamed(position)
        message["velocity"] = velocity
        return _encode(message)

    def factsheet(self, sheet: dict[str, Any]) -> bytes:
        """What the vehicle is and can."""
        return _encode({**self.header("factsheet"), **sheet})

    def state(self, logic: OrderLogic, shown: Shown) -> bytes:
        """The whole state."""
        names, dialect = self.names, self.dialect
        position, velocity, distance_m = shown.whereabouts()
        message = self.header("state")
        message["maps"] = self._maps(shown.maps)
        message["orderId"] = logic.order_id
        message["orderUpdateId"] = logic.order_update_id
        message["lastNodeId"] = logic.last_node_id
        message["lastNodeSequenceId"] = logic.last_node_sequence_id
        message["nodeStates"] = self._nodes(logic.nodes)
        message["edgeStates"] = self._edges(logic.edges)
        if position is not None:
            message[names["mobileRobotPosition"]] = self._renamed(position)
        message["velocity"] = velocity
        message["loads"] = self._loads(shown.loads)
        message["driving"] = shown.driving
        message["paused"] = logic.paused or logic.held
        message["newBaseRequest"] = shown.new_base_request
        message["distanceSinceLastNode"] = distance_m
        self._actions(message, logic, shown)
        message[names["powerSupply"]] = self._renamed(shown.power)
        message["operatingMode"] = dialect.modes[shown.mode]
        message["errors"] = self._errors(logic.problems.active)
        message["information"] = self._information(shown.information)
        message["safetyState"] = {
            names["activeEmergencyStop"]: dialect.emergency[shown.emergency_stop],
            "fieldViolation": shown.field_violation,
        }
        return _encode(message)

    def _actions(self, message: dict[str, Any], logic: ActionLogic, shown: Shown) -> None:
        schema = logic.switches.paused_status == "schema"
        of_order = [self._action(state, schema) for state in logic.actions.values()]
        instant = [self._action(state, schema) for state in logic.instant.values()]
        if not self.dialect.instant_states:
            message["actionStates"] = of_order + instant
            return
        message["actionStates"], message["instantActionStates"] = of_order, instant
        message["zoneActionStates"] = [
            self._action(state, schema) for state in logic.zone_actions.values()
        ]
        message["zoneSets"] = shown.zone_sets
        message["zoneRequests"] = shown.zone_requests
        message["edgeRequests"] = shown.edge_requests

    def _action(self, state: ActionState, schema: bool) -> dict[str, Any]:
        action, status = state.action, state.status
        if schema and status is Status.PAUSED and not self.dialect.instant_states:
            status = Status.RUNNING
        shown = {
            "actionId": action.action_id,
            "actionType": action.action_type,
            "actionStatus": status.value,
        }
        if action.action_descriptor is not None:
            shown[self.names["actionDescriptor"]] = action.action_descriptor
        if state.result is not None:
            shown[self.names["actionResult"]] = state.result
        return shown

    def _error(self, problem: Problem) -> dict[str, Any]:
        rule = self.dialect.errors[problem.key]
        return {
            "errorType": rule.type,
            "errorReferences": [
                {"referenceKey": key, "referenceValue": value} for key, value in problem.references
            ],
            "errorDescription": problem.text,
            "errorLevel": rule.level,
        }

    def _renamed(self, shown: dict[str, Any]) -> dict[str, Any]:
        names = self.names
        return {names[key]: value for key, value in shown.items()}


def _node(node: Node) -> dict[str, object]:
    return {"nodeId": node.node_id, "sequenceId": node.sequence_id, "released": node.released}


def _edge(edge: Edge) -> dict[str, object]:
    return {"edgeId": edge.edge_id, "sequenceId": edge.sequence_id, "released": edge.released}
