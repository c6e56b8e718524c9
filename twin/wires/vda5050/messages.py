"""Writes what a vehicle sends: state, visualization, connection, in the words of its dialect.

A state is one dictionary and one call of msgspec, because a fleet sends thousands of them. What is
in the state comes from the logic (orders, actions, errors) and from a `Shown` of the vehicle.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any, Protocol

import msgspec

from twin.clock import NS, Clock
from twin.profiles.vda5050 import Dialect
from twin.wires.vda5050.action_logic import ActionLogic
from twin.wires.vda5050.actions import ActionState, Status
from twin.wires.vda5050.logic import OrderLogic
from twin.wires.vda5050.problems import Problem

UINT32 = 1 << 32
"""headerId wraps here (6.1.1: uint32)."""

_encode = msgspec.json.Encoder().encode


class Shown(Protocol):
    """What the state shows of the vehicle itself; dictionaries carry the keys of 3.0.0."""

    @property
    def mode(self) -> str:
        """Operating mode."""

    @property
    def driving(self) -> bool:
        """Drives or turns."""

    @property
    def position(self) -> dict[str, Any] | None:
        """`mobileRobotPosition`, or None if it never had one."""

    @property
    def velocity(self) -> dict[str, float]:
        """`vx`, `vy`, `omega` in the vehicle's frame, m/s and rad/s."""

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
    def distance_m(self) -> float:
        """Driven since the last node, m."""

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


class Stamps:
    """Header time stamps: ISO 8601 in UTC with as many digits as the dialect has."""

    def __init__(self, clock: Clock, digits: int) -> None:
        self._clock, self._digits = clock, digits
        self._second, self._text = -1, ""

    def __call__(self) -> str:
        """The present time."""
        second, rest_ns = divmod(self._clock.now_ns(), NS)
        if second != self._second:
            moment = (self._clock.day_start + timedelta(seconds=second)).astimezone(UTC)
            self._second, self._text = second, moment.strftime("%Y-%m-%dT%H:%M:%S")
        if not self._digits:
            return f"{self._text}Z"
        return f"{self._text}.{rest_ns // 10 ** (9 - self._digits):0{self._digits}d}Z"


class Names(dict[str, str]):
    """Names of 3.0 to names on the wire; what is not renamed stays."""

    def __missing__(self, key: str) -> str:
        return key


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
        self._stamps = Stamps(clock, dialect.timestamp_digits)
        self._manufacturer, self._serial_number = manufacturer, serial_number
        self.header_ids: dict[str, int] = {}

    def header(self, topic: str) -> dict[str, Any]:
        """The next header of `topic`: the number grows by one with every message sent."""
        number = self.header_ids.get(topic, -1) + 1
        self.header_ids[topic] = number % UINT32
        return {
            "headerId": self.header_ids[topic],
            "timestamp": self._stamps(),
            "version": self.dialect.version,
            "manufacturer": self._manufacturer,
            "serialNumber": self._serial_number,
        }

    def connection(self, state: str) -> bytes:
        """ONLINE, OFFLINE, CONNECTION_BROKEN or HIBERNATING."""
        return _encode({**self.header("connection"), "connectionState": self.names[state]})

    def visualization(self, shown: Shown) -> bytes | None:
        """Where it is and how it moves; None while it does not know where it is."""
        position = shown.position
        if position is None:
            return None
        names, message = self.names, self.header("visualization")
        if self.dialect.instant_states:
            message["referenceStateHeaderId"] = self.header_ids.get("state", 0)
        message[names["mobileRobotPosition"]] = self._renamed(position)
        message["velocity"] = shown.velocity
        return _encode(message)

    def factsheet(self, sheet: dict[str, Any]) -> bytes:
        """What the vehicle is and can."""
        return _encode({**self.header("factsheet"), **sheet})

    def state(self, logic: OrderLogic, shown: Shown) -> bytes:
        """The whole state."""
        return _encode(self.state_of(logic, shown))

    def state_of(self, logic: OrderLogic, shown: Shown) -> dict[str, Any]:
        """As `state`, before it is encoded."""
        names, dialect = self.names, self.dialect
        message = self.header("state")
        message["maps"] = [self._renamed(one) for one in shown.maps]
        message["orderId"] = logic.order_id
        message["orderUpdateId"] = logic.order_update_id
        message["lastNodeId"] = logic.last_node_id
        message["lastNodeSequenceId"] = logic.last_node_sequence_id
        message["nodeStates"] = [
            {"nodeId": n.node_id, "sequenceId": n.sequence_id, "released": n.released}
            for n in logic.nodes
        ]
        message["edgeStates"] = [
            {"edgeId": e.edge_id, "sequenceId": e.sequence_id, "released": e.released}
            for e in logic.edges
        ]
        position = shown.position
        if position is not None:
            message[names["mobileRobotPosition"]] = self._renamed(position)
        message["velocity"] = shown.velocity
        message["loads"] = shown.loads
        message["driving"] = shown.driving
        message["paused"] = logic.paused or logic.held
        message["newBaseRequest"] = shown.new_base_request
        message["distanceSinceLastNode"] = shown.distance_m
        self._actions(message, logic, shown)
        message[names["powerSupply"]] = self._renamed(shown.power)
        message["operatingMode"] = dialect.modes[shown.mode]
        message["errors"] = [self._error(problem) for problem in logic.problems.active]
        message["information"] = [self._renamed(one) for one in shown.information]
        message["safetyState"] = {
            names["activeEmergencyStop"]: dialect.emergency[shown.emergency_stop],
            "fieldViolation": shown.field_violation,
        }
        return message

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
