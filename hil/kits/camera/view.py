"""What a judge sees of a camera: requests, parts, events and what really passed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from hil.view import CaseView
from twin.trace import Record

from .papers import CameraPics, CameraPixit

ANPR = "ANPR"
SURE = 80
"""A belief from here on is a claim (of 100)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as the camera sent it; `fields` has every leaf by its name, the first one."""

    t_s: float
    label: str
    fields: dict[str, str]
    well_formed: bool

    @property
    def is_plate(self) -> bool:
        """Whether it tells of a plate."""
        return self.fields.get("eventType", "") == ANPR

    @property
    def plate(self) -> str:
        """The plate, without separators; `unknown` where none was read."""
        return self.fields.get("licensePlate", "").replace(" ", "").upper()

    @property
    def confidence(self) -> float:
        """What the camera believes of it, of 100; -1 where it does not say."""
        try:
            return float(self.fields.get("confidenceLevel", ""))
        except ValueError:
            return -1.0


def leaves(text: str) -> dict[str, str] | None:
    """Every leaf of an XML or JSON document by its name; None if it is neither."""
    found: dict[str, str] = {}
    try:
        if text.lstrip().startswith("{"):
            _walk(json.loads(text), found)
        else:
            if "<!DOCTYPE" in text or "<!ENTITY" in text:
                return None  # no camera needs them, and they can hang a parser
            for element in ET.fromstring(text).iter():  # noqa: S314 - no document types, see above
                if len(element) == 0:
                    found.setdefault(element.tag.rpartition("}")[2], (element.text or "").strip())
    except (ET.ParseError, ValueError):
        return None
    return found


def _walk(node: Any, found: dict[str, str]) -> None:
    if isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, dict | list):
                _walk(value, found)
            else:
                found.setdefault(name, str(value))
    elif isinstance(node, list):
        for value in node:
            _walk(value, found)


class CameraView(CaseView[CameraPics, CameraPixit]):
    """Reads one attempt of one case on a camera."""

    def http(self, label: str) -> list[Record]:
        """Requests under one label."""
        return [r for r in self.of("http") if r.payload["label"] == label]

    def _events(self, kind: str) -> list[Event]:
        found = []
        for record in self.of(kind):
            if record.payload["content_type"] == "image/jpeg":
                continue
            fields = leaves(record.payload["text"])
            label = record.payload.get("label", "push")
            found.append(Event(record.t_s, label, fields or {}, fields is not None))
        return found

    def events(self, label: str = "main") -> list[Event]:
        """Everything that came over one stream, heartbeats too."""
        return [event for event in self._events("part") if event.label == label]

    def plates(self, label: str = "main") -> list[Event]:
        """The events of plates of one stream."""
        return [event for event in self.events(label) if event.is_plate]

    def pushed(self) -> list[Event]:
        """The events of plates that were pushed, refused ones too."""
        return [event for event in self._events("push.part") if event.is_plate]

    def pictures(self, kind: str = "part") -> list[Record]:
        """The pictures that came."""
        return [r for r in self.of(kind) if r.payload["content_type"] == "image/jpeg"]

    def shown(self) -> list[Record]:
        """What really passed."""
        return self.of("shown")

    def passages(self) -> list[tuple[Record, list[Event]]]:
        """Each vehicle that passed, and the events before the next one."""
        shown, events = self.shown(), self.plates()
        ends = [*(r.t_s for r in shown), float("inf")][1:]
        return [
            (r, [e for e in events if r.t_s <= e.t_s < end])
            for r, end in zip(shown, ends, strict=True)
        ]
