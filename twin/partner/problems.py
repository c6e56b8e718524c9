"""Errors as RFC 9457 has them: one document for every failure, with a code that stays."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from twin.errors import GateTwinError
from twin.partner import models

_CODES = {404: "unknown_path", 405: "method_not_allowed", 413: "too_large"}


class ProblemError(GateTwinError):
    """A request that gets no success; `code` is stable, `detail` is for a person."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.headers = status, code, dict(headers or {})

    def response(self) -> web.Response:
        """The problem document."""
        problem = models.Problem(
            f"urn:gatetwin:problem:{self.code}",
            HTTPStatus(self.status).phrase,
            self.status,
            self.code,
            str(self),
        )
        return web.Response(
            body=models.encode(problem),
            status=self.status,
            content_type="application/problem+json",
            headers=self.headers,
        )


def from_http(error: web.HTTPException, request: web.Request) -> ProblemError:
    """What aiohttp refused by itself (path, method, size), in our words."""
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    code = _CODES.get(error.status, "refused")
    detail = f"{request.method} {request.path[:80]}: {error.reason}"
    return ProblemError(error.status, code, detail, headers=headers)
