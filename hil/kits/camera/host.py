"""The host that a camera pushes to: a small HTTP server of the bench that records what comes."""

from __future__ import annotations

from collections.abc import Callable
from email.parser import BytesParser
from email.policy import HTTP

from aiohttp import web

from twin.trace import Trace

from .wire import picture

BODY_MAX = 8 * 1024 * 1024


class PushHost:
    """Takes posts; answers 503 for the next `refuse` of them."""

    def __init__(self, trace: Trace, shown: Callable[[bytes], str]) -> None:
        self._trace, self._shown = trace, shown
        self.refuse = 0
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def start(self, host: str) -> None:
        """Listen on `host`."""
        app = web.Application(client_max_size=BODY_MAX)
        app.add_routes([web.post("/push", self._take)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, 0).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = 503 if self.refuse > 0 else 200
        self.refuse = max(0, self.refuse - 1)
        self._trace(
            "wire", "push", status=status, content_type=request.content_type, size=len(body)
        )
        for kind, data in _form(request.headers.get("Content-Type", ""), body):
            text = "" if kind == "image/jpeg" else self._shown(data)
            self._trace(
                "wire", "push.part", status=status, content_type=kind, size=len(data),
                text=text, **picture(kind, data),
            )  # fmt: skip
        return web.Response(status=status)


def _form(content_type: str, body: bytes) -> list[tuple[str, bytes]]:
    """Content type and body of each part, by the mail parser of the standard library."""
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if not message.is_multipart():
        return [(content_type.split(";")[0], body)]
    parts = []
    for part in message.iter_parts():
        data = part.get_payload(decode=True)
        parts.append((part.get_content_type(), data if isinstance(data, bytes) else b""))
    return parts
