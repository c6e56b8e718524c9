# ruff: noqa: D102 - overrides; each class says how it is broken
"""Map services whose versions, times or downloads are wrong."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from typing import Any

from aiohttp import web

from twin.devices.hdmap import MapService, MapVersion
from twin.wires.hdmap import MapServer

from .map_service_requests import After

# ---------------------------------------------------------------- versions


class _Entries(MapServer, ABC):
    """Changes entries."""

    @abstractmethod
    def bend(self, version: MapVersion, entry: dict[str, Any]) -> dict[str, Any]: ...

    def _entry(self, version: MapVersion) -> dict[str, Any]:
        return self.bend(version, super()._entry(version))


class LocalTime(_Entries):
    """activeFrom is UTC without saying so."""

    def bend(self, version: MapVersion, entry: dict[str, Any]) -> dict[str, Any]:
        del version
        return entry | {"activeFrom": str(entry["activeFrom"]).replace("+00:00", "")}


class OtherZone(_Entries):
    """activeFrom is local time that is called UTC."""

    def bend(self, version: MapVersion, entry: dict[str, Any]) -> dict[str, Any]:
        del version
        shifted = dt.datetime.fromisoformat(str(entry["activeFrom"])) + dt.timedelta(hours=7)
        return entry | {"activeFrom": shifted.isoformat()}


class LastIsActive(MapService):
    """Until the new version has been in force for a while, the old one is active, too."""

    def status(self, version: MapVersion) -> str:
        said = super().status(version)
        return "active" if said == "retired" and self._fresh(version) else said

    def _fresh(self, version: MapVersion) -> bool:
        after = [v for v in self.versions() if v.active_from_s > version.active_from_s]
        return bool(after) and self.clock.now_s() - after[0].active_from_s < 2.0


class LateForce(MapService):
    """A version comes into force three seconds late."""

    def status(self, version: MapVersion) -> str:
        now_s = self.clock.now_s() - 3.0
        begun = [v for v in self.versions() if v.active_from_s <= now_s]
        if version not in begun:
            return "announced"
        return "active" if begun[-1] == version else "retired"


class LateList(MapService):
    """A version is shown three seconds after it was published."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._since: dict[str, float] = {}

    def versions(self) -> list[MapVersion]:
        now_s = self.clock.now_s()
        return [v for v in super().versions() if now_s - self._since.get(v.version, -9.0) >= 3.0]

    def publish(self, *given: Any, **more: Any) -> MapVersion:
        made = super().publish(*given, **more)
        if self.clock.now_s() > 0:
            self._since[made.version] = self.clock.now_s()
        return made


class ActiveIsFirst(After):
    """`active` is the version that was in force when it was first asked for."""

    _kept: bytes = b""

    def bend(self, request: web.Request, answer: web.Response) -> web.Response:
        if not request.path.endswith("/bridge/active") or answer.status != 200:
            return answer
        assert isinstance(answer.body, bytes)
        self._kept = self._kept or answer.body
        return web.Response(body=self._kept, content_type="application/json")


# ---------------------------------------------------------------- downloads


class _Downloads(After):
    """Changes maps on their way."""

    def bend(self, request: web.Request, answer: web.Response) -> web.Response:
        if answer.status not in (200, 304) or len(request.path.split("/")) != 5:
            return answer
        return answer if request.path.endswith("/active") else self.map(request, answer)

    @abstractmethod
    def map(self, request: web.Request, answer: web.Response) -> web.Response: ...


def _again(answer: web.Response, **changes: Any) -> web.Response:
    """The same answer with changed parts; None leaves a header out."""
    headers = {k: answer.headers[k] for k in ("ETag", "Repr-Digest") if k in answer.headers}
    for name, value in changes.pop("headers", {}).items():
        headers.pop(name, None)
        if value is not None:
            headers[name] = value
    kind = "application/json"
    made = {"status": answer.status, "body": answer.body, "content_type": kind, **changes}
    return web.Response(headers=headers, **made)


class MapsOfYesterday(_Downloads):
    """A version is the map before it under a new name, and hashes are those of that."""

    def map(self, request: web.Request, answer: web.Response) -> web.Response:
        if answer.status != 200:
            return answer
        content = self._content(request.path.rsplit("/", 1)[1])
        return answer if content is None else _again(answer, body=content)

    def _content(self, version: str) -> bytes | None:
        found = [v for v in self.service.versions() if v.version == version]
        if not found:
            return None
        return found[0].content.replace(b'"id":"l7"', b'"id":"L7"')

    def _entry(self, version: MapVersion) -> dict[str, Any]:
        content = self._content(version.version) or b""
        bent = MapVersion(version.map_id, version.version, version.active_from_s, content)
        return super()._entry(version) | {"sha256": bent.sha256, "size": len(content)}


class AsText(_Downloads):
    """Maps are sent as text."""

    def map(self, request: web.Request, answer: web.Response) -> web.Response:
        del request
        return _again(answer, content_type="text/plain") if answer.status == 200 else answer


class AlwaysWhole(_Downloads):
    """Sends the whole map to who has it."""

    def map(self, request: web.Request, answer: web.Response) -> web.Response:
        if answer.status != 304:
            return answer
        version = request.path.rsplit("/", 1)[1]
        content = self.service.find("bridge", version).content
        return _again(answer, status=200, body=content)


class DigestOfTheName(_Downloads):
    """Repr-Digest is one and the same for all."""

    def map(self, request: web.Request, answer: web.Response) -> web.Response:
        del request
        if answer.status != 200:
            return answer
        return _again(answer, headers={"Repr-Digest": "sha-256=:AAAA:"})


class NoDigest(_Downloads):
    """Has no Repr-Digest, which its papers promise."""

    def map(self, request: web.Request, answer: web.Response) -> web.Response:
        del request
        return _again(answer, headers={"Repr-Digest": None}) if answer.status == 200 else answer


class OldLinks(_Entries):
    """The listed URL is that of an interface that is gone."""

    def bend(self, version: MapVersion, entry: dict[str, Any]) -> dict[str, Any]:
        return entry | {"url": f"/v0/maps/{version.version}"}
