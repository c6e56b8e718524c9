"""Events of a crane: what became of a mission, and protective functions that begin or end."""

from __future__ import annotations

import datetime as dt
from typing import Any

from asyncua import Server, ua
from asyncua.server.event_generator import EventGenerator

from twin.devices.crane import Crane
from twin.devices.crane_words import MissionState, Protection
from twin.wires.opcua.model import Space

_FIELDS = {
    "MissionEventType": [
        ("MissionId", ua.VariantType.String), ("MissionState", ua.VariantType.Int32),
        ("ContainerNumber", ua.VariantType.String), ("Trouble", ua.VariantType.Int32),
    ],
    "ProtectionEventType": [
        ("Function", ua.VariantType.String), ("Active", ua.VariantType.Boolean),
    ],
}  # fmt: skip

_SEVERITY = {MissionState.FAILED: 700, MissionState.SUSPENDED: 600}
"""Others are 100 (OPC 10000-5, 6.4.2: 1 to 1000)."""


class EventFeed:
    """Keeps what has happened until the server's task sends it."""

    def __init__(self, server: Server, space: Space, crane: Crane) -> None:
        self._server, self._space, self._crane = server, space, crane
        self._generators: dict[str, EventGenerator] = {}
        self._waiting: list[tuple[str, dt.datetime, dict[str, Any], str, int]] = []
        self._active: set[Protection] = set()

    async def init(self) -> None:
        """Add the event types and their generators."""
        system = self._server.get_node(self._space.system)
        index = self._space.indices["G"]
        for name, fields in _FIELDS.items():
            kind = await self._server.create_custom_event_type(
                index, name, ua.ObjectIds.BaseEventType, fields
            )
            self._generators[name] = await self._server.get_event_generator(kind, system)

    def queue(self, what: str, at: dt.datetime) -> None:
        """Keep what the crane shows now as events of this instant."""
        crane = self._crane
        if what == "mission":
            cycle = crane.cycle
            state, trouble = cycle.state, crane.trouble
            fields = {
                "MissionId": cycle.name, "MissionState": int(state),
                "ContainerNumber": cycle.mission.box if cycle.mission else "",
                "Trouble": int(trouble) if state in _SEVERITY else 0,
            }  # fmt: skip
            text = f"mission {cycle.name}: {state.name.lower()}"
            if state in _SEVERITY:
                text += f" ({trouble.name.lower()})"
            self._keep("MissionEventType", at, fields, text, _SEVERITY.get(state, 100))
            return
        for protection in Protection:
            on = protection in crane.active
            if on != (protection in self._active):
                fields = {"Function": protection.value, "Active": on}
                text = f"{protection.value} {'acts' if on else 'has ended'}"
                self._keep("ProtectionEventType", at, fields, text, 800 if on else 200)
        self._active = set(crane.active)

    def _keep(
        self, kind: str, at: dt.datetime, fields: dict[str, Any], text: str, severity: int
    ) -> None:
        self._waiting.append((kind, at, fields, text, severity))

    async def send(self) -> None:
        """Send everything that was kept, in its order."""
        waiting, self._waiting = self._waiting, []
        for kind, at, fields, text, severity in waiting:
            generator = self._generators[kind]
            for name, value in fields.items():
                setattr(generator.event, name, value)
            generator.event.Severity = severity
            generator.event.Message = ua.LocalizedText(text)
            await generator.trigger(time_attr=at)
