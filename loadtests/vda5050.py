"""VDA 5050 2.1 messages that carry a load, and the ledger of who heard them.

Each state has the instant at which it was due and the one at which it was sent, both of this
process's monotonic clock, in its `information`; whoever subscribes reads them back. So a latency
runs from the vehicle to the ears of another client, through the broker, and not to a PUBACK.
Nothing here does I/O: asyncio's clients and Locust's users share it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from loadtests.errors import LoadError

STATE, VISUALIZATION = "state", "visualization"
ORDER, INSTANT = "order", "instant action"
LOST, TWICE, LATE_ORDER, OFFLINE = "missing", "twice", "out of order", "not connected"

VERSION, MAJOR = "2.1.0", "v2"
_STAMP = "gatetwinLoad"
"""`infoType` of the entry that holds the stamps; unknown ones are ignored by every master."""


@dataclass(frozen=True, slots=True)
class Interface:
    """Where a fleet's topics are: `prefix/v2/manufacturer/serial/topic`."""

    prefix: str = "uagv"
    manufacturer: str = "gatetwin-load"

    def __post_init__(self) -> None:
        for name, text in (("prefix", self.prefix), ("manufacturer", self.manufacturer)):
            if not text or set(text) & set("/+#$\0"):
                raise LoadError(f"{name} {text!r}: must be one level of a topic, without / + # $")

    def topic(self, serial: str, name: str) -> str:
        """The topic `name` (`state`, `order`, …) of one vehicle; `+` stands for all."""
        return f"{self.prefix}/{MAJOR}/{self.manufacturer}/{serial}/{name}"


class Stamp(msgspec.Struct, frozen=True):
    """What was read back from a message of a vehicle."""

    run: str
    serial: str
    number: int
    due_s: float
    sent_s: float
    order_id: str = ""
    action_ids: tuple[str, ...] = ()


class _Reference(msgspec.Struct, frozen=True, rename="camel"):
    reference_key: str
    reference_value: str


class _Information(msgspec.Struct, frozen=True, rename="camel"):
    info_type: str
    info_references: list[_Reference] = []


class _ActionState(msgspec.Struct, frozen=True, rename="camel"):
    action_id: str
    action_status: str


class _State(msgspec.Struct, frozen=True, rename="camel"):
    header_id: int
    serial_number: str
    order_id: str = ""
    action_states: list[_ActionState] = []
    information: list[_Information] = []


_read_state = msgspec.json.Decoder(_State)


def read_stamp(payload: bytes) -> Stamp | None:
    """The stamp of a state; None where it has none, or is no state at all."""
    try:
        state = _read_state.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    for entry in state.information:
        if entry.info_type == _STAMP:
            found = {one.reference_key: one.reference_value for one in entry.info_references}
            try:
                due_s, sent_s = float(found["due"]), float(found["sent"])
            except (KeyError, ValueError):
                return None
            done = tuple(a.action_id for a in state.action_states if a.action_status == "FINISHED")
            number = state.header_id
            return Stamp(
                found.get("run", ""), state.serial_number, number, due_s, sent_s,
                state.order_id, done,
            )  # fmt: skip
    return None


def _timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class VehicleMessages:
    """What one vehicle says: it stands, is charged, and does at once what it is told.

    About as long as a real one: 1 kB for a state.
    """

    def __init__(self, interface: Interface, serial: str, run: str) -> None:
        self.serial, self.run = serial, run
        self._interface = interface
        self._numbers = {STATE: 0, VISUALIZATION: 0, "connection": 0}
        self._position = {
            "x": 12.5, "y": 3.75, "theta": 1.5707, "mapId": "deck", "positionInitialized": True,
            "localizationScore": 0.97, "deviationRange": 0.02,
        }  # fmt: skip
        self._velocity = {"vx": 0.0, "vy": 0.0, "omega": 0.0}
        self._order_id, self._update_id, self._last_node = "", 0, "park"
        self._last_sequence = 0
        self._actions: list[dict[str, str]] = []

    def _header(self, topic: str) -> dict[str, Any]:
        number = self._numbers[topic]
        self._numbers[topic] = number + 1
        return {
            "headerId": number,
            "timestamp": _timestamp(),
            "version": VERSION,
            "manufacturer": self._interface.manufacturer,
            "serialNumber": self.serial,
        }

    def connection(self, state: str) -> bytes:
        """`ONLINE`, `OFFLINE`, or `CONNECTIONBROKEN` for the will."""
        return msgspec.json.encode(self._header("connection") | {"connectionState": state})

    def state(self, due_s: float, sent_s: float) -> tuple[int, bytes]:
        """Its number and the message, with both instants inside."""
        stamps = {"run": self.run, "due": f"{due_s:.9f}", "sent": f"{sent_s:.9f}"}
        message = self._header(STATE) | {
            "orderId": self._order_id,
            "orderUpdateId": self._update_id,
            "lastNodeId": self._last_node,
            "lastNodeSequenceId": self._last_sequence,
            "driving": False,
            "paused": False,
            "operatingMode": "AUTOMATIC",
            "newBaseRequest": False,
            "nodeStates": [],
            "edgeStates": [],
            "actionStates": self._actions,
            "agvPosition": self._position,
            "velocity": self._velocity,
            "loads": [],
            "batteryState": {
                "batteryCharge": 81.5, "batteryVoltage": 614.0, "charging": False, "reach": 42000,
            },
            "errors": [],
            "information": [
                {
                    "infoType": _STAMP,
                    "infoLevel": "DEBUG",
                    "infoReferences": [
                        {"referenceKey": key, "referenceValue": text}
                        for key, text in stamps.items()
                    ],
                }
            ],
            "safetyState": {"eStop": "NONE", "fieldViolation": False},
        }  # fmt: skip
        return int(message["headerId"]), msgspec.json.encode(message)

    def visualization(self) -> bytes:
        """The position between two states."""
        extra = {"agvPosition": self._position, "velocity": self._velocity}
        return msgspec.json.encode(self._header(VISUALIZATION) | extra)

    def obey(self, payload: bytes) -> tuple[str, ...]:
        """Take an order or instant actions: their ids, none for what is neither.

        The next state says that they were taken, and is due at once.
        """
        try:
            message = msgspec.json.decode(payload, type=dict[str, Any])
            if "orderId" in message:
                last = message["nodes"][-1]
                self._order_id, self._update_id = message["orderId"], message["orderUpdateId"]
                self._last_node, self._last_sequence = last["nodeId"], last["sequenceId"]
                self._actions = []
                return (str(message["orderId"]),)
            else:
                self._actions = [
                    {
                        "actionId": action["actionId"],
                        "actionType": action["actionType"],
                        "actionStatus": "FINISHED",
                    }
                    for action in message["actions"]
                ]
                return tuple(action["actionId"] for action in self._actions)
        except (msgspec.MsgspecError, KeyError, IndexError, TypeError):
            return ()


class MasterMessages:
    """What a fleet manager says to one vehicle."""

    def __init__(self, interface: Interface) -> None:
        self._interface = interface
        self._numbers: dict[tuple[str, str], int] = {}

    def _header(self, serial: str, topic: str) -> dict[str, Any]:
        number = self._numbers.get((serial, topic), 0)
        self._numbers[serial, topic] = number + 1
        return {
            "headerId": number,
            "timestamp": _timestamp(),
            "version": VERSION,
            "manufacturer": self._interface.manufacturer,
            "serialNumber": serial,
        }

    def order(self, serial: str, order_id: str) -> bytes:
        """A new order of three nodes and two edges, about 1 kB."""
        place = {"x": 12.5, "y": 3.75, "theta": 1.5707, "mapId": "deck"}
        nodes = [
            {
                "nodeId": f"n{i}", "sequenceId": 2 * i, "released": True, "actions": [],
                "nodePosition": place | {"x": 12.5 + 40.0 * i},
            }
            for i in range(3)
        ]  # fmt: skip
        edges = [
            {
                "edgeId": f"e{i}", "sequenceId": 2 * i + 1, "released": True, "actions": [],
                "startNodeId": f"n{i}", "endNodeId": f"n{i + 1}", "maxSpeed": 6.0,
            }
            for i in range(2)
        ]  # fmt: skip
        extra = {"orderId": order_id, "orderUpdateId": 0, "nodes": nodes, "edges": edges}
        return msgspec.json.encode(self._header(serial, ORDER) | extra)

    def state_request(self, serial: str, action_id: str) -> bytes:
        """The instant action that moves nothing."""
        action = {"actionId": action_id, "actionType": "stateRequest", "blockingType": "NONE"}
        return msgspec.json.encode(self._header(serial, INSTANT) | {"actions": [action]})


@dataclass(slots=True)
class _Sent:
    """What is known of one vehicle's states."""

    waiting: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Sent and not yet heard: due and sent, by number."""
    next_number: int = 0
    """One above the highest that was heard."""


class Ledger:
    """Every state that was sent, until it is heard: what is lost, doubled or out of order."""

    def __init__(self, run: str) -> None:
        self.run = run
        self._vehicles: dict[str, _Sent] = {}

    def sent(self, serial: str, number: int, due_s: float, sent_s: float) -> None:
        """A state is on its way."""
        self._vehicles.setdefault(serial, _Sent()).waiting[number] = (due_s, sent_s)

    def unsent(self, serial: str, number: int) -> None:
        """It could not be sent after all."""
        self._vehicles[serial].waiting.pop(number, None)

    def heard(self, stamp: Stamp) -> str | None:
        """How it came: an empty string if well; None for a message of another run or process."""
        vehicle = self._vehicles.get(stamp.serial)
        if vehicle is None or stamp.run != self.run:
            return None
        if vehicle.waiting.pop(stamp.number, None) is None:
            return TWICE
        if stamp.number < vehicle.next_number:
            return LATE_ORDER
        vehicle.next_number = stamp.number + 1
        return ""

    def waiting(self, serial: str | None = None) -> int:
        """How many are still on their way, of one vehicle or of all."""
        if serial is not None:
            vehicle = self._vehicles.get(serial)
            return len(vehicle.waiting) if vehicle else 0
        return sum(len(vehicle.waiting) for vehicle in self._vehicles.values())

    def lost(self, serial: str | None = None) -> list[tuple[float, float]]:
        """Due and sent of what never came; it is forgotten thereby."""
        chosen = [serial] if serial is not None else list(self._vehicles)
        found = []
        for one in chosen:
            vehicle = self._vehicles.get(one)
            if vehicle is not None:
                found += list(vehicle.waiting.values())
                vehicle.waiting.clear()
        return found
