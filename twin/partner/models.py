"""What travels over the customs wire: strict shapes, from which the OpenAPI document is made.

Every request shape forbids unknown fields, so a misspelt field is an answer 422 and never a
silently ignored wish. Weights are whole kilograms, times are ISO 8601 with their UTC offset.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Direction = Literal["in", "out"]
Channel = Literal["green", "yellow", "red"]
PreclearanceStatus = Literal["acknowledged", "pending", "rejected"]
DeclarationStatus = Literal["registered", "released", "crossed", "revoked", "expired"]
Decision = Literal["released", "refused"]
Reason = Literal[
    "not_declared",
    "revoked",
    "expired",
    "channel_yellow",
    "channel_red",
    "not_precleared",
    "plate_mismatch",
    "container_mismatch",
    "overweight",
    "weight_mismatch",
]
GateEvent = Literal["passed", "diverted", "refused"]
EventType = Literal["preclearance", "channel", "manual_plate", "revoked"]
Flag = Literal["not_declared", "no_release", "already_crossed"]

Number = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Z]{1,20}\Z",
        description="declaration number; VNACCS numbers have 12 digits",
        examples=["306012345670"],
    ),
]
Plate = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Z\u0110\u4e00-\u9fff.\- ]{1,16}\Z",
        description="registration plate as read or declared; separators do not matter",
        examples=["14C-123.45"],
    ),
]
Container = Annotated[
    str,
    Meta(pattern=r"^[A-Z]{4}[0-9]{7}\Z", description="ISO 6346 number", examples=["CSQU3054383"]),
]
LaneId = Annotated[
    str, Meta(pattern=r"^[a-z0-9-]{1,24}\Z", description="lane of the site", examples=["out-1"])
]
# JSON knows one kind of number and its schema calls 38200.0 an integer, so a weight is a number.
WeightKg = Annotated[float, Meta(ge=0, le=200_000, description="gross weight, kg")]
Text = Annotated[str, Meta(max_length=500)]
Code = Annotated[str, Meta(pattern=r"^[a-z0-9_.-]{1,64}\Z", description="stable machine word")]
BusinessTime = Annotated[
    datetime,
    Meta(
        tz=True,
        description="when it happened at the gate, RFC 3339 with its UTC offset",
        examples=["2023-05-30T07:00:00+07:00"],
    ),
]


class Health(Struct, frozen=True):
    """The service answers."""

    status: Literal["up"]
    business_time: str


class DeclarationView(Struct, frozen=True):
    """One declaration as customs shows it to the gate."""

    number: str
    direction: Direction
    plate: str
    trailer_plate: str | None
    container: str | None
    laden: bool
    goods_hs: str | None
    declared_gross_kg: int
    status: DeclarationStatus
    registered_at: str
    expires_at: str


class ChannelView(Struct, frozen=True):
    """Which way a declaration goes: green release, yellow documents, red inspection.

    `business_time` says as of when; a stale service shows an old one.
    """

    declaration: str
    channel: Channel
    business_time: str


class PreclearanceView(Struct, frozen=True):
    """What the far side said of the pre-arrival notice, as of `business_time`."""

    declaration: str
    status: PreclearanceStatus
    reason: str | None
    business_time: str


class ReleaseRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The gate asks leave to let one vehicle cross."""

    declaration: Number
    plate: Plate
    gross_kg: WeightKg
    lane: LaneId
    business_time: BusinessTime
    container: Container | None = None


class ReleaseAnswer(Struct, frozen=True):
    """The decision; `release` is null when refused, `reasons` is empty when released."""

    declaration: str
    decision: Decision
    reasons: list[Reason]
    release: str | None
    business_time: str


class GateRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """What the gate believes happened to one vehicle in a lane."""

    lane: LaneId
    direction: Direction
    event: GateEvent
    business_time: BusinessTime
    plate: Plate | None = None
    declaration: Number | None = None
    release: Annotated[str, Meta(max_length=32)] | None = None
    gross_kg: WeightKg | None = None


class GateRecordAnswer(Struct, frozen=True):
    """The record is kept, whatever it says; `flags` name what customs will ask about."""

    record: str
    flags: list[Flag]


class Alarm(Struct, frozen=True, forbid_unknown_fields=True):
    """A condition at the gate begins (`raised`) or ends."""

    lane: LaneId
    code: Code
    text: Text
    raised: bool
    business_time: BusinessTime


class AlarmAnswer(Struct, frozen=True):
    """The alarm is noted."""

    alarm: str


class ManualCheck(Struct, frozen=True, forbid_unknown_fields=True):
    """The gate asks an officer which plate stands in a lane; he answers through the feed."""

    lane: LaneId
    reason: Code
    candidate_plate: Plate | None = None
    image_uuid: Annotated[str, Meta(pattern=r"^[0-9a-fA-F-]{1,64}\Z")] | None = None


class ManualCheckAnswer(Struct, frozen=True):
    """The check is queued; the feed's `manual_plate` event carries the same `check`."""

    check: str


class Event(Struct, frozen=True):
    """One line of the feed. At-least-once: tell repeats by `event_id`, order by `business_time`."""

    seq: int
    event_id: str
    type: EventType
    declaration: str | None
    lane: str | None
    data: dict[str, str | None]
    business_time: str


class Problem(Struct, frozen=True):
    """An error as RFC 9457 has it; `code` repeats the last part of `type`."""

    type: str
    title: str
    status: int
    code: str
    detail: str


class DeclarationQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Filters of the declaration list; with none of them the first `limit` are shown."""

    plate: Plate | None = None
    near: Plate | None = None
    direction: Direction | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 100


class EventQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to go on in the feed, and how long to wait for something new."""

    after: Annotated[int, Meta(ge=0, le=2**53)] = 0
    wait_s: Annotated[float, Meta(ge=0.0, le=60.0)] = 0.0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


RESPONSES: tuple[Any, ...] = (
    Health,
    DeclarationView,
    ChannelView,
    PreclearanceView,
    ReleaseAnswer,
    GateRecordAnswer,
    AlarmAnswer,
    ManualCheckAnswer,
    Event,
    Problem,
)
REQUESTS: tuple[Any, ...] = (ReleaseRequest, GateRecord, Alarm, ManualCheck)


def encode(value: object) -> bytes:
    """JSON of any shape above, keys in the order of their definition."""
    return msgspec.json.encode(value)
