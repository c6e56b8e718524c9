"""The map service over HTTP: a list, one version, and hashes to hold a download against.

====== ======================== ==========================================================
GET    /v1/maps                 all versions: id, version, status, activation, SHA-256, URL
GET    /v1/maps/{id}/active     the version in force as far as the service shows
GET    /v1/maps/{id}/{version}  the map; ETag, Repr-Digest (RFC 9530), If-None-Match
====== ======================== ==========================================================

Every request needs the bearer token; errors are problem details (RFC 9457).
"""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from twin.clock import Clock
from twin.devices.hdmap import MapService, MapVersion
from twin.errors import CannotListen, HarnessError, UnknownName
from twin.trace import Trace

ROUTES = (
    ("GET", "/v1/maps", "every version: state, when it begins, size, hash, where its content is"),
    ("GET", "/v1/maps/{map}/active", "the version that is in force"),
    ("GET", "/v1/maps/{map}/{version}", "the content of one version, with its ETag"),
)
"""Method, path and what is answered."""

_RETRY_S = "30"
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _problem(status: int, title: str, detail: str, **headers: str) -> web.Response:
    body = msgspec.json.encode({"type": "about:blank", "title": title, "status": status,
                                "detail": detail})  # fmt: skip
    return web.Response(
        status=status, body=body, content_type="application/problem+json", headers=headers
    )


class MapServer:
    """Serves one map service; `start` gives the port."""

    def __init__(self, service: MapService, *, clock: Clock, trace: Trace, token: str) -> None:
        self.service = service
        self._clock, self._trace, self._token = clock, trace, token
        self._runner: web.AppRunner | None = None
        self._listener: Any = None
        self._place: tuple[str, int] = ("127.0.0.1", 0)
        service.on_change(self._changed)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, and return the port; port 0 takes a free one."""
        if self._runner is not None:
            raise HarnessError(f"{self.service.id}: the map server runs already; stop it first")
        app = web.Application(middlewares=[self._guard], client_max_size=4096)
        handlers = (self._list, self._active, self._download)
        app.add_routes(
            web.get(path, handler) for (_, path, _), handler in zip(ROUTES, handlers, strict=True)
        )
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=1.0
        )
        await self._runner.setup()
        self._place = (host, port)
        await self._listen()
        return self._place[1]

    async def stop(self) -> None:
        """Close all connections and the listener."""
        self._close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _listen(self) -> None:
        assert self._runner is not None
        assert self._runner.server is not None
        host, port = self._place
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            sock = socket.create_server((host, port), family=family, backlog=64)
        except OSError as error:
            raise CannotListen(self.service.id, host, port, error) from error
        sock.setblocking(False)
        self._place = (host, sock.getsockname()[1])
        self._listener = await self._clock.loop.create_server(self._runner.server, sock=sock)

    def _close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _changed(self, what: str) -> None:
        if what != "offline" or self._runner is None:
            return
        if self.service.online:
            self._clock.loop.create_task(self._listen(), name=f"{self.service.id} network")
            return
        self._close()
        assert self._runner.server is not None
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()

    # --- requests ---------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        response = await self._answer(request, handler)
        self._trace(
            self.service.id, "map.request", method=request.method, path=request.path,
            status=response.status,
        )  # fmt: skip
        return response

    async def _answer(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return _problem(401, "Unauthorized", "a bearer token is needed",
                            **{"WWW-Authenticate": "Bearer"})  # fmt: skip
        if "unavailable" in self.service.faults:
            return _problem(503, "Service Unavailable", "the map service is being maintained",
                            **{"Retry-After": _RETRY_S})  # fmt: skip
        try:
            return await handler(request)
        except UnknownName as error:
            return _problem(404, "Not Found", str(error))
        except web.HTTPException as error:
            return _problem(error.status, error.reason, f"{request.method} {request.path}")

    def _entry(self, version: MapVersion) -> dict[str, Any]:
        digest = version.sha256
        if "wrong_hash" in self.service.faults:
            digest = digest[::-1]
        begins = self._clock.day_start.astimezone(dt.UTC) + dt.timedelta(
            seconds=version.active_from_s
        )
        return {
            "mapId": version.map_id, "mapVersion": version.version,
            "status": self.service.status(version), "activeFrom": begins.isoformat(),
            "sha256": digest, "size": len(version.content),
            "url": f"/v1/maps/{version.map_id}/{version.version}",
        }  # fmt: skip

    async def _list(self, request: web.Request) -> web.Response:
        del request
        entries = [self._entry(version) for version in self.service.versions()]
        return _json({"maps": entries})

    async def _active(self, request: web.Request) -> web.Response:
        wanted = request.match_info["map"]
        for version in self.service.versions():
            if version.map_id == wanted and self.service.status(version) == "active":
                return _json(self._entry(version))
        raise UnknownName(
            "map with a version in force", wanted, {v.map_id for v in self.service.versions()}
        )

    async def _download(self, request: web.Request) -> web.Response:
        version = self.service.find(request.match_info["map"], request.match_info["version"])
        etag = f'"{version.sha256}"'
        digest = base64.b64encode(bytes.fromhex(version.sha256)).decode()
        headers = {
            "ETag": etag, "Repr-Digest": f"sha-256=:{digest}:",
            "Cache-Control": "private, max-age=31536000, immutable",
        }  # fmt: skip
        wanted = [tag.strip() for tag in request.headers.get("If-None-Match", "").split(",")]
        if etag in wanted or "*" in wanted:
            return web.Response(status=304, headers=headers)
        content = version.content
        if "corrupt" in self.service.faults:
            place = len(content) // 2
            content = content[:place] + bytes((content[place] ^ 1,)) + content[place + 1 :]
        return web.Response(body=content, content_type="application/json", headers=headers)


def _json(data: Any) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(data), content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )  # fmt: skip
