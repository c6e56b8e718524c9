# ruff: noqa: D102 - overrides; each class says how it is broken
"""Cameras that let in whom they should not, or answer wrong requests wrongly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from twin.wires.isapi import IsapiServer
from twin.wires.isapi.digest import DigestAuth, Verdict


class _Auth(DigestAuth):
    """A digest check that can be bent."""


def with_auth(auth: type[DigestAuth]) -> type[IsapiServer]:
    """A server whose digest check is of this class."""

    class Bent(IsapiServer):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.auth.__class__ = auth

    Bent.__doc__ = auth.__doc__
    return Bent


class OpenPicture(IsapiServer):
    """Shows its picture to everybody."""

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.endswith("/picture"):
            return await self._picture(request)
        return await super()._guard(request, handler)


class AnyPassword(_Auth):
    """Looks at the user's name only."""

    def _judge(self, pairs: Mapping[str, str], method: str, target: str) -> Verdict:
        verdict = super()._judge(pairs, method, target)
        return Verdict(True, pairs.get("username", "")) if "wrong" in verdict.why else verdict


class TakesReplays(_Auth):
    """Does not remember which counts it has seen."""

    def _spend(self, nonce: str, count: int, user: str) -> Verdict:
        verdict = super()._spend(nonce, count, user)
        return Verdict(True, user) if "used before" in verdict.why else verdict


class AnyTarget(_Auth):
    """Does not compare the signed target with the asked one."""

    def _judge(self, pairs: Mapping[str, str], method: str, target: str) -> Verdict:
        del target
        signed = pairs.get("uri", "")
        verdict = super()._judge(pairs, method, signed)
        return Verdict(True, verdict.user) if "used before" in verdict.why else verdict


class TakesBasic(_Auth):
    """Also takes Basic, with the factory's password."""

    def check(self, header: str | None, method: str, target: str) -> Verdict:
        if header and header.startswith("Basic "):
            return Verdict(True, "gate")
        return super().check(header, method, target)


class _Guarded(IsapiServer):
    """Changes the status of some answers."""

    def change(self, request: web.Request, status: int) -> int:
        del request
        return status

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        response = await super()._guard(request, handler)
        if not response.prepared:
            response.set_status(self.change(request, response.status))
        return response


class EverythingIsFine(_Guarded):
    """Answers 200 for resources that it does not have."""

    def change(self, request: web.Request, status: int) -> int:
        return 200 if status == 404 and "Such" in request.path else status


class AnyMethod(_Guarded):
    """Takes every method for a GET."""

    def change(self, request: web.Request, status: int) -> int:
        del request
        return 200 if status == 405 else status


class SwallowsBroken(_Guarded):
    """Acknowledges documents that it could not read."""

    def change(self, request: web.Request, status: int) -> int:
        return 200 if status == 400 and request.method == "PUT" else status


class ChokesOnHuge(_Guarded):
    """After a body that is too large it answers 503 for ten seconds."""

    _until_s = -1.0

    def change(self, request: web.Request, status: int) -> int:
        now_s = self._clock.now_s()
        if status == 413:
            self._until_s = now_s + 10.0
        return 503 if now_s < self._until_s and request.method == "GET" else status


class Denies(_Guarded):
    """Has no polling although its papers say so."""

    def change(self, request: web.Request, status: int) -> int:
        return 404 if request.path.endswith("/plates") else status
