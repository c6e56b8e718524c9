# ruff: noqa: D102 - overrides; each class says how it is broken
"""Map services that answer wrong requests wrongly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from aiohttp import web

from hil.kits.map_service.emulation import TOKEN
from twin.wires.hdmap import MapServer

# ---------------------------------------------------------------- wrong requests


class After(MapServer, ABC):
    """Changes answers before they leave."""

    @abstractmethod
    def bend(self, request: web.Request, answer: web.Response) -> web.Response: ...

    async def _answer(self, request: web.Request, handler: Any) -> web.StreamResponse:
        answer = await super()._answer(request, handler)
        return self.bend(request, answer) if isinstance(answer, web.Response) else answer


class PlainErrors(After):
    """What is not there is told as a page of text."""

    def bend(self, request: web.Request, answer: web.Response) -> web.Response:
        del request
        return web.Response(status=404, text="not found") if answer.status == 404 else answer


class Climbs(After):
    """Serves what a path that climbs leads to."""

    def bend(self, request: web.Request, answer: web.Response) -> web.Response:
        return web.Response(text="root:x:0:0") if ".." in request.rel_url.raw_path else answer


class Writes(After):
    """Takes a PUT for good."""

    def bend(self, request: web.Request, answer: web.Response) -> web.Response:
        return web.Response(status=204) if request.method == "PUT" else answer


class TellsTheToken(After):
    """Errors show the whole request."""

    def bend(self, request: web.Request, answer: web.Response) -> web.Response:
        del request
        if answer.status != 404:
            return answer
        assert isinstance(answer.body, bytes)
        body = answer.body.replace(b'"detail":"', f'"detail":"Bearer {TOKEN}: '.encode())
        return web.Response(status=404, body=body, content_type=answer.content_type)
