"""What a vehicle receives, in the words of 3.0.0, and how strictly it is read.

`read_order` and its sisters take the bytes of a message and a dialect. Whatever is not right (no
JSON, a missing key, a wrong type, NaN) is a `MalformedError` that names the place; keys that nobody
knows pass, as the schemas let them. Manners of masters in the field that can be understood without
guessing are understood and listed as findings.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from twin.errors import GateTwinError
from twin.profiles.vda5050 import Dialect

Blocking = Literal["NONE", "SOFT", "SINGLE", "HARD"]
Uint32 = Annotated[int, msgspec.Meta(ge=0, le=4_294_967_295)]
Name = Annotated[str, msgspec.Meta(min_length=1)]
Angle = Annotated[float, msgspec.Meta(ge=-3.14159265359, le=3.14159265359)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]

MESSAGE_MAX = 1 << 20
"""Bytes of a message that are read at all (ours, announced in the factsheet)."""

T = TypeVar("T")


class MalformedError(GateTwinError):
    """A message that cannot be taken; `references` point at what was wrong."""

    def __init__(self, text: str, references: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.references = references or {}


class Finding(msgspec.Struct, frozen=True):
    """Something a master did that it should not, and that the vehicle survived."""

    id: str
    text: str


class Parameter(msgspec.Struct, frozen=True):
    """One `actionParameter`."""

    key: str
    value: Any


class Action(msgspec.Struct, frozen=True, rename="camel"):
    """One action of a node, an edge, a zone or an instant message."""

    action_type: Name
    action_id: Name
    blocking_type: Blocking
    action_parameters: tuple[Parameter, ...] = ()
    action_descriptor: str | None = None
    retriable: bool = False

    def parameter(self, key: str, default: Any = None) -> Any:
        """The value of parameter `key`, or `default`."""
        for parameter in self.action_parameters:
            if parameter.key == key:
                return parameter.value
        return default


class Ellipse(msgspec.Struct, frozen=True):
    """Allowed deviation of 3.0: half axes `a`, `b` in m, `theta` in rad on the map."""

    a: NotNegative
    b: NotNegative
    theta: Annotated[float, msgspec.Meta(ge=-1.570796327, le=1.570796327)]


class Position(msgspec.Struct, frozen=True, rename="camel"):
    """`nodePosition`; metres and radians on map `map_id`."""

    x: float
    y: float
    map_id: str
    theta: Angle | None = None
    deviation: NotNegative | Ellipse | None = msgspec.field(default=None, name="allowedDeviationXY")
    allowed_deviation_theta: Angle | None = None
    """2.1's schema lets it be negative; its size counts."""


class Node(msgspec.Struct, frozen=True, rename="camel"):
    """One node of an order."""

    node_id: Name
    sequence_id: Uint32
    released: bool
    actions: tuple[Action, ...]
    node_position: Position | None = None
    node_descriptor: str | None = None


class ControlPoint(msgspec.Struct, frozen=True):
    """One control point of a NURBS, m."""

    x: float
    y: float
    weight: NotNegative = 1.0


class Trajectory(msgspec.Struct, frozen=True, rename="camel"):
    """A NURBS; `knot_vector` has control points + degree + 1 entries."""

    control_points: tuple[ControlPoint, ...]
    knot_vector: tuple[Annotated[float, msgspec.Meta(ge=0, le=1)], ...] = ()
    degree: Annotated[int, msgspec.Meta(ge=1)] = 1


class Corridor(msgspec.Struct, frozen=True, rename="camel"):
    """How far a vehicle may leave the trajectory, m to the left and right."""

    left_width: NotNegative
    right_width: NotNegative
    corridor_reference_point: Literal["KINEMATIC_CENTER", "CONTOUR"] = "KINEMATIC_CENTER"
    release_required: bool = False
    release_loss_behavior: Literal["STOP", "RETURN"] = "STOP"


class Edge(msgspec.Struct, frozen=True, rename="camel"):
    """One edge of an order; speeds in m/s, angles in rad, lengths in m."""

    edge_id: Name
    sequence_id: Uint32
    released: bool
    actions: tuple[Action, ...]
    start_node_id: str | None = None
    end_node_id: str | None = None
    maximum_speed: float | None = None
    maximum_mobile_robot_height: float | None = None
    minimum_load_handling_device_height: float | None = None
    orientation: Angle | None = None
    orientation_type: Literal["GLOBAL", "TANGENTIAL"] = "TANGENTIAL"
    direction: str | None = None
    rotation_allowed: bool | None = None
    reach_orientation_before_entering: bool | None = None
    max_rotation_speed: float | None = None
    length: float | None = None
    trajectory: Trajectory | None = None
    corridor: Corridor | None = None
    edge_descriptor: str | None = None


class Header(msgspec.Struct, rename="camel"):
    """What every message begins with."""

    header_id: int
    timestamp: str
    version: str
    manufacturer: str
    serial_number: str


class Order(Header, rename="camel"):
    """An order or an order update."""

    order_id: Name
    order_update_id: Uint32
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    zone_set_id: str | None = None

    def content(self) -> tuple[object, ...]:
        """What makes two messages the same order: all but the header."""
        return (self.order_id, self.order_update_id, self.nodes, self.edges, self.zone_set_id)


class InstantActions(Header, rename="camel"):
    """Actions to be done at once."""

    actions: tuple[Action, ...]


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """Fleet control's answer to one request."""

    request_id: str
    grant_type: Literal["GRANTED", "QUEUED", "REVOKED", "REJECTED"]
    lease_expiry: str | None = None


class Responses(Header, rename="camel"):
    """Answers to zone and edge requests."""

    responses: tuple[Response, ...]


class Vertex(msgspec.Struct, frozen=True):
    """A corner of a zone, m."""

    x: float
    y: float


class ZoneAction(msgspec.Struct, frozen=True, rename="camel"):
    """An action that a zone triggers; the vehicle gives it its id."""

    action_type: Name
    blocking_type: Blocking
    action_parameters: tuple[Parameter, ...] = ()
    action_descriptor: str | None = None
    retriable: bool = False


class Zone(msgspec.Struct, frozen=True, rename="camel"):
    """One zone of a set; which of the optional fields must be there depends on `zone_type`."""

    zone_id: Name
    zone_type: Literal[
        "BLOCKED",
        "LINE_GUIDED",
        "RELEASE",
        "COORDINATED_REPLANNING",
        "SPEED_LIMIT",
        "ACTION",
        "PRIORITY",
        "PENALTY",
        "DIRECTED",
        "BIDIRECTED",
    ]
    vertices: Annotated[tuple[Vertex, ...], msgspec.Meta(min_length=3)]
    release_loss_behavior: Literal["STOP", "CONTINUE", "EVACUATE"] | None = None
    maximum_speed: NotNegative | None = None
    entry_actions: tuple[ZoneAction, ...] = ()
    during_actions: tuple[ZoneAction, ...] = ()
    exit_actions: tuple[ZoneAction, ...] = ()
    direction: float | None = None
    directed_limitation: Literal["SOFT", "RESTRICTED", "STRICT"] | None = None
    bidirected_limitation: Literal["SOFT", "RESTRICTED"] | None = None


class ZoneSet(msgspec.Struct, frozen=True, rename="camel"):
    """All zones of one map under one id."""

    map_id: str
    zone_set_id: Name
    zones: tuple[Zone, ...]


class ZoneSetMessage(Header, rename="camel"):
    """A zone set on its way to the vehicle."""

    zone_set: ZoneSet


def parts(nodes: Iterable[Node], edges: Iterable[Edge]) -> list[Node | Edge]:
    """Nodes and edges as they are passed, by sequenceId."""
    found: list[Node | Edge] = [*nodes, *edges]
    found.sort(key=lambda part: part.sequence_id)
    return found


def read_order(payload: bytes, dialect: Dialect) -> tuple[Order, list[Finding]]:
    """An order, or `MalformedError` with the order's ids as far as they can be read."""
    data, findings = _read(payload, dialect)
    known = {
        key: str(data[key])
        for key in ("orderId", "orderUpdateId")
        if isinstance(data.get(key), str | int)
    }
    for node in data.get("nodes") or () if isinstance(data.get("nodes"), list) else ():
        position = node.get("nodePosition") if isinstance(node, dict) else None
        if isinstance(position, dict) and "allowedDeviationXy" in position:
            position.setdefault("allowedDeviationXY", position.pop("allowedDeviationXy"))
            findings.append(Finding("deviation-case", "allowedDeviationXY is spelt ...Xy"))
    try:
        order = _typed(data, Order)
    except MalformedError as error:
        raise MalformedError(str(error), known) from None
    for node in order.nodes:
        deviation = node.node_position.deviation if node.node_position else None
        if deviation is not None and isinstance(deviation, Ellipse) is not dialect.ellipse:
            form = "an ellipse" if dialect.ellipse else "a radius in m"
            place = f"allowedDeviationXY of node {node.node_id!r}"
            raise MalformedError(f"{place} must be {form} in {dialect.version}", known)
    _blocking((a for part in parts(order.nodes, order.edges) for a in part.actions), dialect, known)
    return order, findings


def read_instant_actions(payload: bytes, dialect: Dialect) -> tuple[InstantActions, list[Finding]]:
    """Instant actions, or `MalformedError`; an old library's key `instantActions` is understood."""
    data, findings = _read(payload, dialect)
    if "actions" not in data and isinstance(data.get("instantActions"), list):
        data["actions"] = data.pop("instantActions")
        findings.append(Finding("instant-key", "the list is called instantActions, not actions"))
    message = _typed(data, InstantActions)
    _blocking(message.actions, dialect, {})
    return message, findings


def read_responses(payload: bytes, dialect: Dialect) -> tuple[Responses, list[Finding]]:
    """Responses, or `MalformedError`; `responseType` of the text is read as `grantType`."""
    data, findings = _read(payload, dialect)
    answers = data.get("responses")
    for answer in answers if isinstance(answers, list) else ():
        if isinstance(answer, dict) and "grantType" not in answer and "responseType" in answer:
            answer["grantType"] = answer.pop("responseType")
            findings.append(Finding("response-type", "responseType where the schema has grantType"))
    return _typed(data, Responses), findings


_NEEDED = {
    "RELEASE": ("release_loss_behavior",),
    "SPEED_LIMIT": ("maximum_speed",),
    "DIRECTED": ("direction", "directed_limitation"),
    "BIDIRECTED": ("direction", "bidirected_limitation"),
}


def read_zone_set(payload: bytes, dialect: Dialect) -> tuple[ZoneSetMessage, list[Finding]]:
    """A zone set, or `MalformedError`."""
    data, findings = _read(payload, dialect)
    message = _typed(data, ZoneSetMessage)
    seen: set[str] = set()
    for zone in message.zone_set.zones:
        if zone.zone_id in seen:
            raise MalformedError(f"zone {zone.zone_id!r} is there twice", {"zoneId": zone.zone_id})
        seen.add(zone.zone_id)
        for key in _NEEDED.get(zone.zone_type, ()):
            if getattr(zone, key) is None:
                text = f"zone {zone.zone_id!r} of type {zone.zone_type} needs {key}"
                raise MalformedError(text, {"zoneId": zone.zone_id})
    return message, findings


def _read(payload: bytes, dialect: Dialect) -> tuple[dict[str, Any], list[Finding]]:
    if len(payload) > MESSAGE_MAX:
        raise MalformedError(f"has {len(payload)} bytes; this vehicle takes {MESSAGE_MAX}")
    try:
        data = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise MalformedError(f"is a JSON {type(data).__name__}, not an object")
    try:
        translated = _translate(data, dialect.received, dialect.values)
    except RecursionError:
        raise MalformedError("is nested too deep") from None
    assert isinstance(translated, dict)
    return translated, []


def _translate(data: Any, keys: dict[str, str], values: dict[str, str]) -> Any:
    if isinstance(data, dict):
        found = {}
        for key, item in data.items():
            name = keys.get(key, key)
            if name == "corridorReferencePoint" and isinstance(item, str):
                item = values.get(item, item)
            elif name != "actionParameters":  # their keys and values are a maker's own
                item = _translate(item, keys, values)
            found[name] = item
        return found
    if isinstance(data, list):
        return [_translate(item, keys, values) for item in data]
    return data


def _typed(data: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise MalformedError(str(error)) from None


def _blocking(actions: Iterable[Action], dialect: Dialect, known: dict[str, str]) -> None:
    for action in actions:
        if action.blocking_type not in dialect.blocking:
            text = f"blockingType {action.blocking_type} of action {action.action_id!r}"
            where = {**known, "actionId": action.action_id}
            raise MalformedError(f"{text} is not in {dialect.version}", where)
