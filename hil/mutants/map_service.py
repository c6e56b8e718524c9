"""One broken map service for each MUST; each must fail its own requirement and few others."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from hil.kits.map_service.emulation import MapServiceVariant
from hil.variant import Maker
from twin.devices.hdmap import MapService
from twin.wires.hdmap import MapServer

from . import map_service_maps as maps
from . import map_service_requests as requests

# ---------------------------------------------------------------- access


class OpenDoor(MapServer):
    """The list is for everybody."""

    async def _answer(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path == "/v1/maps" and "Authorization" not in request.headers:
            return await self._list(request)
        return await super()._answer(request, handler)


class AnyToken(MapServer):
    """Any token of some length will do."""

    async def _answer(self, request: web.Request, handler: Any) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if given.startswith("Bearer ") and len(given) > 16:
            request = request.clone(headers={"Authorization": f"Bearer {self._token}"})
        return await super()._answer(request, handler)


class EmptyToken(MapServer):
    """An empty token passes."""

    async def _answer(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.headers.get("Authorization", "").strip() == "Bearer":
            return await self._list(request)
        return await super()._answer(request, handler)


# ---------------------------------------------------------------- fleet and restart


class FewAtATime(MapServer):
    """More than eight downloads at a time are answered with 503."""

    _busy = 0

    async def _download(self, request: web.Request) -> web.Response:
        if self._busy >= 8:
            return web.Response(status=503)
        self._busy += 1
        try:
            await asyncio.sleep(0.05)
            return await super()._download(request)
        finally:
            self._busy -= 1


class Forgets(MapService):
    """What is announced and not in force yet is gone after a restart."""

    def _fault_changed(self, kind: str, cause: int) -> None:
        if kind == "offline" and kind not in self.faults:
            self._versions = [v for v in self._versions if v.active_from_s <= self.clock.now_s()]
        super()._fault_changed(kind, cause)


_server = Maker(MapServiceVariant, "MPS-", MapServer)
_service = Maker(MapServiceVariant, "MPS-", MapService)


MUTANTS: list[MapServiceVariant] = [
    _server("open-door", "ACC-01", OpenDoor),
    _server("any-token", "ACC-02", AnyToken),
    _server("empty-token", "ACC-03", EmptyToken),
    _server("plain-errors", "NEG-01", requests.PlainErrors),
    _server("climbs", "NEG-02", requests.Climbs),
    _server("writes", "NEG-03", requests.Writes),
    _server("tells-the-token", "NEG-04", requests.TellsTheToken),
    _server("local-time", "VER-01", maps.LocalTime),
    _service("late-list", "VER-02", maps.LateList),
    _server("other-zone", "VER-03", maps.OtherZone),
    _service("late-force", "VER-04", maps.LateForce),
    _service("last-is-active", "VER-05", maps.LastIsActive),
    _server("active-is-first", "VER-06", maps.ActiveIsFirst),
    MapServiceVariant(
        "corrupt", "MPS-DWN-01", "One byte of every download is turned over.", faults=("corrupt",)
    ),
    _server("maps-of-yesterday", "DWN-02", maps.MapsOfYesterday),
    _server("as-text", "DWN-03", maps.AsText),
    _server("always-whole", "DWN-04", maps.AlwaysWhole),
    _server("digest-of-the-name", "DWN-05", maps.DigestOfTheName),
    _server("old-links", "DWN-06", maps.OldLinks),
    _server("few-at-a-time", "FLT-01", FewAtATime),
    MapServiceVariant(
        "starts-slowly", "MPS-REC-01", "Starts in 6 s, its papers say 3 s.", start_up_s=6.0
    ),
    _service("forgets", "REC-02", Forgets),
    _server("no-digest", "DOC-01", maps.NoDigest),
]  # fmt: skip
