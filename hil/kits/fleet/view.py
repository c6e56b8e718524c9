"""What a judge sees of a fleet manager: its messages, what vehicles said, where they were."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

from hil.view import CaseView
from twin.profiles.vda5050 import Dialect, load
from twin.trace import Record

from .papers import FleetPics, FleetPixit

Message = dict[str, Any]
ENDED = ("FINISHED", "FAILED")
READY = "ready"
"""The mark at which a case begins."""


class Sent(NamedTuple):
    """One message of the master; `message` is None if it is no JSON object."""

    t_s: float
    serial: str
    topic: str
    qos: int
    message: Message | None
    text: str

    def get(self, key: str) -> Any:
        """A member, or None."""
        return self.message.get(key) if self.message else None

    @property
    def nodes(self) -> list[Message]:
        """Nodes of an order that have what judges work with."""
        return _listed(self.get("nodes"), "nodeId", "sequenceId", "released")

    @property
    def edges(self) -> list[Message]:
        """Edges of an order that have what judges work with."""
        return _listed(self.get("edges"), "edgeId", "sequenceId", "released")

    @property
    def actions(self) -> list[Message]:
        """Instant actions that have what judges work with."""
        return _listed(self.get("actions"), "actionType", "actionId")

    @property
    def base(self) -> list[Message]:
        """Released nodes."""
        return [one for one in self.nodes if one["released"]]

    @property
    def id(self) -> tuple[Any, Any]:
        """orderId and orderUpdateId."""
        return self.get("orderId"), self.get("orderUpdateId")

    @property
    def content(self) -> Message:
        """All but the header's number and time."""
        found = self.message or {}
        return {key: one for key, one in found.items() if key not in ("headerId", "timestamp")}


def _listed(found: Any, *keys: str) -> list[Message]:
    if not isinstance(found, list):
        return []
    return [one for one in found if isinstance(one, dict) and all(key in one for key in keys)]


class Said(NamedTuple):
    """One state or connection message of a vehicle of ours."""

    t_s: float
    serial: str
    topic: str
    message: Message


class Place(NamedTuple):
    """Where a vehicle really was."""

    t_s: float
    serial: str
    x_m: float
    y_m: float
    speed_m_s: float


class FleetView(CaseView[FleetPics, FleetPixit]):
    """Reads one attempt of one case on a fleet manager; what came before its start is left out."""

    def __init__(self, records: Sequence[Record], pics: FleetPics, pixit: FleetPixit) -> None:
        marks = [i for i, r in enumerate(records)
                 if r.kind == "mark" and r.payload["name"] == READY]  # fmt: skip
        kept = [*records[:1], *records[marks[-1] :]] if marks else records
        super().__init__(kept, pics, pixit)

    @cached_property
    def dialect(self) -> Dialect:
        """Of the declared version."""
        return load(self.pics.version)

    @property
    def three(self) -> bool:
        """Version 3.0."""
        return self.pics.version == "3.0"

    @cached_property
    def sent(self) -> list[Sent]:
        """Everything that the master published."""
        return [
            Sent(
                r.t_s, r.payload["serial"], r.payload["topic"], r.payload["qos"],
                _object(r.payload["text"]), r.payload["text"],
            )
            for r in self.of("master")
        ]  # fmt: skip

    @cached_property
    def said(self) -> list[Said]:
        """What the vehicles said, as far as it can be read."""
        found = []
        for r in self.of("vehicle"):
            message = _object(r.payload["text"])
            readable = message and (
                r.payload["topic"] != "state" or isinstance(message.get("nodeStates"), list)
            )
            if message and readable:
                found.append(Said(r.t_s, r.payload["serial"], r.payload["topic"], message))
        return found

    @cached_property
    def truth(self) -> list[Place]:
        """Where the vehicles really were."""
        return [Place(r.t_s, **r.payload) for r in self.of("truth")]

    # --- the master's

    def serial(self, number: int = 0) -> str:
        """Of vehicle `number`."""
        return self.pixit.vehicles[number]

    def orders(self, number: int = 0) -> list[Sent]:
        """Orders to one vehicle, repeats too."""
        serial = self.serial(number)
        return [one for one in self.sent if one.topic == "order" and one.serial == serial]

    def fresh(self, number: int = 0) -> list[Sent]:
        """Orders to one vehicle, without repeats."""
        found: list[Sent] = []
        for one in self.orders(number):
            if all(one.id != other.id for other in found):
                found.append(one)
        return found

    def pairs(self, number: int = 0) -> list[tuple[Sent, Sent]]:
        """Each order and its update that followed it."""
        fresh = self.fresh(number)
        return [(one, two) for one, two in itertools.pairwise(fresh) if one.id[0] == two.id[0]]

    def acted(self, kind: str, number: int = 0) -> list[tuple[float, str]]:
        """Instants and actionIds of the instant actions of one kind."""
        return [
            (one.t_s, str(action["actionId"]))
            for one in self.sent
            if one.topic == "instantActions" and one.serial == self.serial(number)
            for action in one.actions
            if action["actionType"] == kind
        ]

    # --- the vehicles'

    def state_at(self, t_s: float, number: int = 0) -> Message:
        """The last state before an instant; empty if there was none."""
        serial, found = self.serial(number), Message()
        for one in self.said:
            if one.t_s > t_s:
                break
            if one.serial == serial and one.topic == "state":
                found = one.message
        return found

    def when(self, true: Any, number: int = 0, after_s: float = -math.inf) -> float | None:
        """When a state of the vehicle first fulfilled something."""
        serial = self.serial(number)
        for one in self.said:
            ours = one.serial == serial and one.topic == "state" and one.t_s >= after_s
            if ours and true(one.message):
                return one.t_s
        return None

    def reflected(self, order: Sent, number: int = 0) -> float | None:
        """When the vehicle first showed an order."""
        return self.when(
            lambda s: (s.get("orderId"), s.get("orderUpdateId")) == order.id, number, order.t_s
        )

    def position(self, t_s: float, number: int = 0) -> Place | None:
        """Where a vehicle really was."""
        serial, found = self.serial(number), None
        for one in self.truth:
            if one.t_s > t_s:
                break
            if one.serial == serial:
                found = one
        return found

    def in_zone(self, t_s: float, number: int = 0) -> bool:
        """Whether the vehicle is in the zone or holds a way into it, by what is known."""
        zone, layout = self.pixit.layout.zone, self.pixit.layout
        place = self.position(t_s, number)
        if place is not None and layout.nearest(place.x_m, place.y_m) in zone:
            return True
        state = self.state_at(t_s, number)
        if state.get("lastNodeId") in zone:
            return True
        ahead = _listed(state.get("nodeStates"), "nodeId", "released")
        if any(one["nodeId"] in zone for one in ahead if one["released"]):
            return True
        before = [one for one in self.orders(number) if one.t_s < t_s]
        if not before or self.reflected(before[-1], number) is not None:
            return False
        return any(one["nodeId"] in zone for one in before[-1].base[1:])

    # --- spans

    def span(self, start: str, end: str | None = None) -> list[Sent]:
        """From one mark on and before the next: what follows from a step is not of the one before.

        A fast master answers at the very instant at which a step begins.
        """
        first, last = self._span(start, end)
        return [one for one in self.sent if first <= one.t_s < last]

    def after(self, start: str, seconds: float, end: str | None = None) -> list[Sent]:
        """The same, from `seconds` after the first mark on; 0 is from the mark itself on."""
        first = self.mark(start)
        return [o for o in self.span(start, end) if first is not None and o.t_s >= first + seconds]


def _object(text: str) -> Message | None:
    try:
        data = json.loads(text, parse_constant=_no_number)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")
