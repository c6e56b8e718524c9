"""What a vehicle's messages have to look like, whatever its version: strict structural checks.

A message is first brought into the words of 3.0.0 by its dialect's table. A word of 3.0 that the
version calls otherwise is not understood, so a 2.1 vehicle that says `powerSupply` is found.
Required members and types are those of VDA 5050 2.1.0 chapter 6 and 3.0.0 chapter 6 (tables of the
topics); unknown members pass, since no version forbids them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from twin.profiles.vda5050 import Dialect

UInt32 = Annotated[int, msgspec.Meta(ge=0, le=4_294_967_295)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Name = Annotated[str, msgspec.Meta(min_length=1)]


class _Shape(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Members in snake case; the wire has camel case."""


class Header(_Shape, frozen=True, kw_only=True):
    """Of every message."""

    header_id: UInt32
    timestamp: Name
    version: Annotated[str, msgspec.Meta(pattern=r"^\d+\.\d+\.\d+$")]
    manufacturer: Name
    serial_number: Name


class _Node(_Shape, frozen=True, kw_only=True):
    node_id: Name
    sequence_id: UInt32
    released: bool


class _Edge(_Shape, frozen=True, kw_only=True):
    edge_id: Name
    sequence_id: UInt32
    released: bool


class _Position(_Shape, frozen=True, kw_only=True):
    x: float
    y: float
    theta: Annotated[float, msgspec.Meta(ge=-3.14159266, le=3.14159266)]
    map_id: str
    localized: bool
    localization_score: Share | None = None
    deviation_range: float | None = None


class _Velocity(_Shape, frozen=True, kw_only=True):
    vx: float | None = None
    vy: float | None = None
    omega: float | None = None


class _Action(_Shape, frozen=True, kw_only=True):
    action_id: Name
    action_status: Literal[
        "WAITING", "INITIALIZING", "RUNNING", "PAUSED", "RETRIABLE", "FINISHED", "FAILED"
    ]
    action_type: str | None = None
    action_descriptor: str | None = None
    action_result: str | None = None


class _Reference(_Shape, frozen=True, kw_only=True):
    reference_key: str
    reference_value: str


class _Error(_Shape, frozen=True, kw_only=True):
    error_type: Name
    error_level: Literal["WARNING", "URGENT", "CRITICAL", "FATAL"]
    error_references: tuple[_Reference, ...] = ()
    error_description: str | None = None


class _Information(_Shape, frozen=True, kw_only=True):
    info_type: Name
    info_level: Literal["INFO", "DEBUG"]


class _Map(_Shape, frozen=True, kw_only=True):
    map_id: Name
    map_version: str
    map_status: Literal["ENABLED", "DISABLED"]


class _Power(_Shape, frozen=True, kw_only=True):
    state_of_charge: Percent
    charging: bool
    battery_health: Percent | None = None
    range: NotNegative | None = None


class _Safety(_Shape, frozen=True, kw_only=True):
    active_emergency_stop: str
    field_violation: bool


class _ZoneRequest(_Shape, frozen=True, kw_only=True):
    request_id: Name
    request_type: Literal["ACCESS", "REPLANNING"]
    zone_id: str
    zone_set_id: str
    request_status: Literal["REQUESTED", "GRANTED", "REVOKED", "EXPIRED", "QUEUED"]


class State(Header, frozen=True, kw_only=True):
    """The topic state."""

    order_id: str
    order_update_id: UInt32
    last_node_id: str
    last_node_sequence_id: UInt32
    node_states: tuple[_Node, ...]
    edge_states: tuple[_Edge, ...]
    driving: bool
    action_states: tuple[_Action, ...]
    power_supply: _Power
    operating_mode: str
    errors: tuple[_Error, ...]
    safety_state: _Safety
    paused: bool | None = None
    new_base_request: bool | None = None
    distance_since_last_node: NotNegative | None = None
    mobile_robot_position: _Position | None = None
    velocity: _Velocity | None = None
    maps: tuple[_Map, ...] = ()
    information: tuple[_Information, ...] = ()
    zone_requests: tuple[_ZoneRequest, ...] = ()
    loads: tuple[dict[str, Any], ...] | None = None


class State3(State, frozen=True, kw_only=True):
    """The same in 3.0."""

    instant_action_states: tuple[_Action, ...]


class Connection(Header, frozen=True, kw_only=True):
    """The topic connection."""

    connection_state: Literal["ONLINE", "OFFLINE", "CONNECTION_BROKEN", "HIBERNATING"]


class Visualization(Header, frozen=True, kw_only=True):
    """The topic visualization."""

    mobile_robot_position: _Position | None = None
    velocity: _Velocity | None = None


class Visualization3(Visualization, frozen=True, kw_only=True):
    """The same in 3.0."""

    reference_state_header_id: UInt32


class _Kind(_Shape, frozen=True, kw_only=True):
    series_name: Name
    mobile_robot_kinematics: Name
    mobile_robot_class: Name
    maximum_load_mass: NotNegative
    localization_types: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    navigation_types: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class _Physical(_Shape, frozen=True, kw_only=True):
    minimum_speed: NotNegative
    maximum_speed: NotNegative
    maximum_acceleration: NotNegative
    maximum_deceleration: NotNegative
    maximum_height: NotNegative
    width: NotNegative
    length: NotNegative


class _Limits(_Shape, frozen=True, kw_only=True):
    maximum_string_lengths: dict[str, Any]
    maximum_array_lengths: dict[str, Any]
    timing: dict[str, Any]


class _Scoped(_Shape, frozen=True, kw_only=True):
    action_type: Name
    action_scopes: tuple[Literal["INSTANT", "NODE", "EDGE", "ZONE"], ...]


class _Features(_Shape, frozen=True, kw_only=True):
    optional_parameters: tuple[dict[str, Any], ...]
    mobile_robot_actions: tuple[_Scoped, ...]


class Factsheet(Header, frozen=True, kw_only=True):
    """The topic factsheet."""

    type_specification: _Kind
    physical_parameters: _Physical
    protocol_limits: _Limits
    protocol_features: _Features
    mobile_robot_geometry: dict[str, Any]
    load_specification: dict[str, Any]


_KINDS: dict[str, tuple[type[Header], type[Header]]] = {
    "state": (State, State3),
    "connection": (Connection, Connection),
    "visualization": (Visualization, Visualization3),
    "factsheet": (Factsheet, Factsheet),
}


def in_words(data: Any, dialect: Dialect) -> Any:
    """A message in the words of 3.0.0; a word that its version does not have gets a `!`."""
    theirs = {wire: word for word, wire in dialect.sent.items() if "." not in word}
    return _translated(data, theirs, frozenset(dialect.sent) - frozenset(theirs))


def _translated(data: Any, theirs: dict[str, str], foreign: frozenset[str]) -> Any:
    if isinstance(data, dict):
        return {
            theirs.get(key, f"!{key}" if key in foreign else key): _translated(
                item, theirs, foreign
            )
            for key, item in data.items()
        }
    if isinstance(data, list):
        return [_translated(item, theirs, foreign) for item in data]
    return theirs.get(data, data) if data == "CONNECTIONBROKEN" else data


def fault(name: str, message: dict[str, Any], dialect: Dialect) -> str:
    """What is wrong with a message (in the words of 3.0) by its structure; empty if nothing is."""
    kind = _KINDS[name][int(dialect.instant_states)]
    try:
        msgspec.convert(message, kind)
    except msgspec.ValidationError as error:
        return str(error)
    return _values(message, dialect) if name == "state" else ""


def _values(message: dict[str, Any], dialect: Dialect) -> str:
    """Values that only some versions have."""
    mode = message["operatingMode"]
    if mode not in dialect.modes.values():
        return f"operatingMode {mode!r} is not in {dialect.version}"
    stop = message["safetyState"]["activeEmergencyStop"]
    if stop not in dialect.emergency.values():
        return f"emergency stop {stop!r} is not in {dialect.version}"
    for key in ("actionStates", "instantActionStates", "zoneActionStates"):
        for action in message.get(key, ()):
            if action["actionStatus"] not in dialect.statuses:
                return f"actionStatus {action['actionStatus']!r} is not in {dialect.version}"
    if not dialect.instant_states:
        for error in message["errors"]:
            if error["errorLevel"] not in ("WARNING", "FATAL"):
                return f"errorLevel {error['errorLevel']!r} is not in {dialect.version}"
    return ""
