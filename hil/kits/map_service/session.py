"""A session on a map service, and what a judge sees of it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from hil.errors import BenchError
from hil.session import Session
from hil.view import CaseView
from twin.clock import Clock
from twin.trace import Record, Trace

from .papers import MapServicePics, MapServicePixit
from .roles import MapServiceRoles, Published
from .wire import LIST, MapWire


class MapServiceSession(Session[MapServicePics, MapServicePixit]):
    """One run on one bench with a map service."""

    device = "map service"
    safe_text = "it serves"
    unsafe_text = "ATTENTION: the map service does not serve; start it by hand"
    hands_role = "office"

    def __init__(
        self, clock: Clock, trace: Trace, wire: MapWire, roles: MapServiceRoles,
        pics: MapServicePics, pixit: MapServicePixit,
    ) -> None:  # fmt: skip
        super().__init__(clock, trace, wire, roles, pics, pixit)
        self.wire, self.roles = wire, roles

    async def sample(self) -> None:
        """Read the list."""
        await self.wire.get(LIST, "list")

    @property
    def map_id(self) -> str:
        """The map of the test."""
        return self.pics.maps[0]

    async def publish(self, in_s: float) -> Published:
        """A new version of the map of the test; recorded as `published`."""
        made: Published = await self.require("office").publish(self.map_id, in_s)
        self.trace("stimulus", "published", map_id=self.map_id, in_s=in_s, **made._asdict())
        return made

    async def ready(self, start: str, *, insist: bool = False) -> None:  # noqa: ARG002
        """Running, and answering."""
        if self.roles.power is not None:
            await self.roles.power.switch(True)
        await self.wire.drop()
        limit_s = 2 * self.pixit.start_up_s + 5.0
        if not await self.reconnect(limit_s):
            raise BenchError(f"map service wire: no answer within {limit_s:g} s before the case")

    async def leave(self) -> None:
        """See `Session`."""
        await self.wire.drop()


class MapServiceView(CaseView[MapServicePics, MapServicePixit]):
    """Reads one attempt of one case on a map service."""

    def http(self, label: str) -> list[Record]:
        """Exchanges under one label that were answered."""
        return [r for r in self.of("http") if r.payload["label"] == label and r.payload["status"]]

    def lists(self) -> list[tuple[float, list[dict[str, Any]]]]:
        """Each list that was read: when, and its entries; empty where it could not be read."""
        return [(r.t_s, entries(r.payload["text"])) for r in self.http("list")]


def entries(text: str) -> list[dict[str, Any]]:
    """The entries of a list; empty if it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return []
    maps = found.get("maps") if isinstance(found, dict) else None
    return [one for one in maps if isinstance(one, dict)] if isinstance(maps, list) else []


def instant(text: object) -> dt.datetime | None:
    """An ISO 8601 instant with its offset; None if it is none."""
    try:
        moment = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
