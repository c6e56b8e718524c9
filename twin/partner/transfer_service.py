"""The REST face of the book of transfers: aiohttp on the run's own loop.

| request | answer |
| --- | --- |
| `GET /v1/transfers?after=SEQ` | what has changed, the next `after`, closed lanes, civil time |
| `GET /v1/key` | the receiving side's public key (Ed25519, hexadecimal) and the civil time |
| `POST /v1/transfers/ID/permit` | 200 and the transfer, or 409 with a code |
| `POST /v1/transfers/ID/receipt` `{"place", "yard"}` | 200 and the signed statement, or 409 |
| `POST /v1/transfers/ID/failure` `{"reason"}` | 200 and the transfer |
| `POST /v1/transfers/ID/renewal` | 200 and the transfer with a new `valid_until`, or 409 |
| `POST /v1/alarms` `{"code", "about", "text", "raised"}` | 200: the operators have it |

Every request may be repeated: the answer is the same. Failures are problem documents (RFC 9457).
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from twin.clock import Clock
from twin.errors import CannotListen
from twin.partner.transfers import Refusal, Transfer, Transfers
from twin.trace import Trace

_BODY_LIMIT = 16 * 1024
_KEEPALIVE_S = 3600.0
_SHUTDOWN_S = 0.01


ROUTES = (
    ("GET", "/v1/transfers", "?after=SEQ: what has changed since, and the next `after`"),
    ("GET", "/v1/key", "the receiving side's public key and the civil time"),
    ("POST", "/v1/transfers/{id}/permit", "the transfer, or 409 not_released"),
    ("POST", "/v1/transfers/{id}/receipt", "the signed statement, or 409 not_there"),
    ("POST", "/v1/transfers/{id}/failure", "the transfer: people take over"),
    ("POST", "/v1/transfers/{id}/renewal", "the transfer, or 409 not_renewable"),
    ("POST", "/v1/alarms", "what is wrong with whom, for the operators"),
)
"""Method, path and what is answered."""


class _Receipt(msgspec.Struct, forbid_unknown_fields=True):
    place: str
    yard: str | None = None


class _Failure(msgspec.Struct, forbid_unknown_fields=True):
    reason: str


class _Alarm(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    about: str
    text: str = ""
    raised: bool = True


class TransferService:
    """Serves one `Transfers` over HTTP with a bearer token."""

    def __init__(
        self, transfers: Transfers, clock: Clock, trace: Trace, token: str,
        closed_lanes: Callable[[], list[str]] = list,
    ) -> None:  # fmt: skip
        """`closed_lanes` gives the ids of the lanes that both sides have closed."""
        self._closed_lanes = closed_lanes
        self.transfers, self._clock, self._trace = transfers, clock, trace
        self._bearer = f"Bearer {token}".encode()
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the port (0 asks for a free one)."""
        app = web.Application(client_max_size=_BODY_LIMIT, middlewares=[self._guard])
        handlers = (
            self._list, self._key, self._permit, self._receipt, self._failure, self._renewal,
            self._alarm,
        )  # fmt: skip
        for (method, path, _), handler in zip(ROUTES, handlers, strict=True):
            app.router.add_route(method, path, handler)
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, keepalive_timeout=_KEEPALIVE_S,
            shutdown_timeout=_SHUTDOWN_S,
        )  # fmt: skip
        await self._runner.setup()
        assert self._runner.server is not None
        try:
            self._server = await self._clock.loop.create_server(self._runner.server, host, port)
        except OSError as error:
            await self.stop()
            raise CannotListen("transfers", host, port, error) from error
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Close every connection and the listening socket."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        faults = self.transfers.faults
        if "slow" in faults:
            await self._clock.sleep(float(faults["slow"]["delay_s"]))
        if "down" in faults:
            return _problem(503, "unavailable", "the service is out of order; try again later")
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._bearer):
            return _problem(401, "unauthorised", "the bearer token is missing or wrong")
        try:
            return await handler(request)
        except Refusal as refusal:
            status = 404 if refusal.code == "unknown_transfer" else 409
            return _problem(status, refusal.code, refusal.reason)
        except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
            return _problem(400, "malformed", str(error))
        except web.HTTPException as error:
            return _problem(error.status, "http", error.reason)

    async def _list(self, request: web.Request) -> web.Response:
        after = int(request.query.get("after", "0"))
        found = self.transfers.after(after)
        latest = max((one.seq for one in found), default=after)
        return _json(
            {
                "transfers": [self.transfers.shown(one) for one in found], "next": latest,
                "closed_lanes": self._closed_lanes(), "time": self.transfers.civil_time(),
            }
        )  # fmt: skip

    async def _key(self, _request: web.Request) -> web.Response:
        return _json(
            {
                "algorithm": "Ed25519", "public_key": self.transfers.public_key,
                "time": self.transfers.civil_time(),
            }
        )  # fmt: skip

    def _shown(self, transfer: Transfer) -> web.Response:
        return _json(self.transfers.shown(transfer))

    async def _permit(self, request: web.Request) -> web.Response:
        return self._shown(self.transfers.permit(request.match_info["id"]))

    async def _receipt(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read(), type=_Receipt)
        return _json(self.transfers.receive(request.match_info["id"], body.place, body.yard))

    async def _failure(self, request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read(), type=_Failure)
        return self._shown(self.transfers.fail(request.match_info["id"], body.reason))

    async def _renewal(self, request: web.Request) -> web.Response:
        return self._shown(self.transfers.renew(request.match_info["id"]))

    async def _alarm(self, request: web.Request) -> web.Response:
        alarm = msgspec.json.decode(await request.read(), type=_Alarm)
        self._trace(
            "transfers", "operators.alarm", code=alarm.code, about=alarm.about, text=alarm.text,
            raised=alarm.raised,
        )  # fmt: skip
        return _json({"code": alarm.code, "about": alarm.about, "raised": alarm.raised})


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _problem(status: int, code: str, detail: str) -> web.Response:
    body = msgspec.json.encode({"status": status, "title": code, "detail": detail})
    return web.Response(status=status, body=body, content_type="application/problem+json")
