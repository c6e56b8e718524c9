"""The REST face of customs: aiohttp on the run's own loop, shapes from `models`.

Every answer that is not a success is a problem document (RFC 9457). Writes take an
`Idempotency-Key`: the same key with the same request gives the first answer again, with another
request it is refused. Nothing here waits without a deadline, and no thread is started.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from twin.clock import Clock
from twin.errors import CannotListen, HarnessError
from twin.partner import models, openapi
from twin.partner.feed import visible_ns
from twin.partner.problems import ProblemError, from_http
from twin.partner.state import Conflict, Matter, PartnerState
from twin.trace import Trace

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BODY_LIMIT = 64 * 1024
"""Longest request body, bytes; the longest lawful one is under 2 kB."""

KEYS_KEPT = 100_000
"""Idempotency keys remembered; the oldest is forgotten first."""

KEEPALIVE_S = 3600.0
"""An idle connection is kept this long: a gate has quiet hours, and a reconnect is a delay."""

HANG_S = 3600.0
"""A hanging request is given up after this long even if nobody heals the service."""

_SHUTDOWN_S = 0.01
"""Time for requests under way when the service stops; aiohttp takes 0 for "no limit"."""

_KEY_CHARACTERS = frozenset(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True)
class _Remembered:
    request: object
    status: int
    body: bytes


class PartnerService:
    """Serves one `PartnerState` over HTTP; faults are those of the state's menu."""

    def __init__(
        self, state: PartnerState, clock: Clock, trace: Trace, token: str, *,
        wait_s_max: float = 60.0,
    ) -> None:  # fmt: skip
        self.state = state
        self.clock = clock
        self.trace = trace
        self.inject, self.heal = state.inject, state.heal
        self.faults, self.FAULTS, self.id = state.faults, state.FAULTS, state.id
        self._bearer = f"Bearer {token}".encode()
        self._wait_s_max = wait_s_max
        self._keys: OrderedDict[tuple[str, str], _Remembered] = OrderedDict()
        self._document = openapi.document(wait_s_max)
        self._server: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the port (0 asks for a free one)."""
        if self._runner is not None:
            raise HarnessError(f"{self.id} is already started; stop it first")
        self._runner = web.AppRunner(
            self.application(), access_log=None, handle_signals=False,
            keepalive_timeout=KEEPALIVE_S, shutdown_timeout=_SHUTDOWN_S,
        )  # fmt: skip
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        try:
            self._server = await self.clock.loop.create_server(server, host, port)
        except OSError as error:
            await self.stop()
            raise CannotListen(self.id, host, port, error) from error
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

    def application(self) -> web.Application:
        """The routes behind the guard that makes every failure a problem document."""
        app = web.Application(client_max_size=BODY_LIMIT, middlewares=[self._guard])
        get, post = app.router.add_get, app.router.add_post
        get("/openapi.json", self._openapi, allow_head=False)
        get("/v1/health", self._health, allow_head=False)
        get("/v1/declarations", self._declarations, allow_head=False)
        get("/v1/declarations/{number}", self._declaration, allow_head=False)
        get("/v1/declarations/{number}/channel", self._channel, allow_head=False)
        get("/v1/preclearances/{number}", self._preclearance, allow_head=False)
        get("/v1/events", self._events, allow_head=False)
        post("/v1/releases", self._release)
        post("/v1/gate-records", self._gate_record)
        post("/v1/alarms", self._alarm)
        post("/v1/manual-checks", self._manual_check)
        return app

    # --- the guard ------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        down = self.faults.get("down", {}).get("how", "")
        if down in ("closed", "hang"):
            if down == "hang":
                await self._hang(request)
            self._note(request, 0)
            raise _cut(request)
        try:
            if down == "unavailable":
                raise ProblemError(
                    503, "unavailable", "the service is out of order; try again later"
                )
            self._authorise(request)
            response = await handler(request)
        except ProblemError as problem:
            response = problem.response()
        except web.HTTPException as error:
            response = from_http(error, request).response()
        if "slow" in self.faults:
            await self.clock.sleep(float(self.faults["slow"]["delay_s"]))
        if down == "lost_answer":
            self._note(request, 0)
            raise _cut(request)
        self._note(request, response.status)
        return response

    async def _hang(self, request: web.Request) -> None:
        """Hold the request until healed, until the client gives up, or for `HANG_S`."""
        until_s = self.clock.now_s() + HANG_S
        while self.clock.now_s() < until_s and request.transport is not None:
            if self.faults.get("down", {}).get("how") != "hang":
                return
            await self.clock.sleep(1.0)

    def _authorise(self, request: web.Request) -> None:
        if request.path in ("/openapi.json", "/v1/health"):
            return
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._bearer):
            raise ProblemError(
                401, "unauthorized", "give the token of the wire list as 'Authorization: Bearer …'",
                headers={"WWW-Authenticate": 'Bearer realm="customs"'},
            )  # fmt: skip

    def _note(self, request: web.Request, status: int) -> None:
        """Trace the request; status 0 says that no answer was sent. Never the token."""
        self.trace(
            "partner", "rest.request", method=request.method, path=request.path_qs,
            status=status, key=request.headers.get("Idempotency-Key"),
        )  # fmt: skip

    # --- reads ----------------------------------------------------------------------------

    async def _openapi(self, _: web.Request) -> web.Response:
        return _json(self._document)

    async def _health(self, _: web.Request) -> web.Response:
        return _answer(models.Health("up", self.clock.business_time()))

    async def _declarations(self, request: web.Request) -> web.Response:
        query = _query(request, models.DeclarationQuery)
        state, at_ns = self.state, visible_ns(self.clock, self.faults)
        if query.plate is not None:
            matters = state.by_plate(query.plate)
        elif query.near is not None:
            matters = state.near(query.near)
        else:
            matters = list(state.matters.values())
        views = [
            self._view(matter, at_ns)
            for matter in matters
            if matter.registered_ns <= at_ns
            and query.direction in (None, matter.declaration.direction)
        ]
        return _answer(views[: query.limit])

    async def _declaration(self, request: web.Request) -> web.Response:
        at_ns = visible_ns(self.clock, self.faults)
        return _answer(self._view(self._matter(request, at_ns), at_ns))

    async def _channel(self, request: web.Request) -> web.Response:
        at_ns = visible_ns(self.clock, self.faults)
        matter = self._matter(request, at_ns)
        declared = matter.declaration
        as_of = self._civil_time(at_ns, declared.utc_offset_h)
        return _answer(models.ChannelView(declared.number, matter.channel_at(at_ns), as_of))

    async def _preclearance(self, request: web.Request) -> web.Response:
        at_ns = visible_ns(self.clock, self.faults)
        matter = self._matter(request, at_ns)
        declared, status = matter.declaration, matter.preclearance_at(at_ns)
        reason = {
            "acknowledged": None,
            "pending": "no answer from the far side yet",
            "rejected": "the far side refuses the pre-arrival notice",
        }[status]
        as_of = self._civil_time(at_ns, declared.utc_offset_h)
        return _answer(models.PreclearanceView(declared.number, status, reason, as_of))

    async def _events(self, request: web.Request) -> web.Response:
        query = _query(request, models.EventQuery)
        if query.wait_s > self._wait_s_max:
            raise ProblemError(
                422, "invalid", f"wait_s is {query.wait_s}; at most {self._wait_s_max} s"
            )
        until_s = self.clock.now_s() + query.wait_s
        while True:
            at_ns = visible_ns(self.clock, self.faults)
            events = self.state.feed.after(query.after, query.limit, at_ns)
            left_s = until_s - self.clock.now_s()
            if events or left_s <= 0:
                return _answer(events)
            await self.state.feed.news(left_s)

    def _matter(self, request: web.Request, at_ns: int) -> Matter:
        number = request.match_info["number"]
        matter = self.state.find(number)
        if matter is None or matter.registered_ns > at_ns:
            raise ProblemError(
                404, "unknown_declaration", f"no declaration {number[:40]!r} is registered"
            )
        return matter

    def _view(self, matter: Matter, at_ns: int) -> models.DeclarationView:
        declared = matter.declaration
        offset_h = declared.utc_offset_h
        return models.DeclarationView(
            declared.number, declared.direction, declared.plate, declared.trailer_plate,
            declared.container, declared.laden, declared.goods_hs, declared.declared_gross_kg,
            matter.status_at(at_ns), self._civil_time(matter.registered_ns, offset_h),
            self._civil_time(matter.expires_ns, offset_h),
        )  # fmt: skip

    def _civil_time(self, t_ns: int, utc_offset_h: float) -> str:
        """An instant of the clock, which may lie before the day, as ISO 8601."""
        instant = self.clock.day_start + timedelta(microseconds=t_ns // 1000)
        return instant.astimezone(timezone(timedelta(hours=utc_offset_h))).isoformat(
            timespec="milliseconds"
        )

    # --- writes ---------------------------------------------------------------------------

    async def _release(self, request: web.Request) -> web.Response:
        key = _key(request)
        wish = await _body(request, models.ReleaseRequest)
        return self._once(request, key, wish, 201, lambda: self.state.release(wish, key))

    async def _gate_record(self, request: web.Request) -> web.Response:
        key = _key(request)
        record = await _body(request, models.GateRecord)
        return self._once(request, key, record, 201, lambda: self.state.record(record))

    async def _alarm(self, request: web.Request) -> web.Response:
        alarm = await _body(request, models.Alarm)
        return _answer(self.state.alarm(alarm), 202)

    async def _manual_check(self, request: web.Request) -> web.Response:
        check = await _body(request, models.ManualCheck)
        return _answer(self.state.manual_check(check), 202)

    def _once(
        self, request: web.Request, key: str, wish: object, status: int,
        decide: Callable[[], object],
    ) -> web.Response:  # fmt: skip
        """The remembered answer to `key`, or a new one; a key is bound to its first request."""
        slot = (request.path, key)
        seen = self._keys.get(slot)
        if seen is not None:
            if seen.request != wish:
                raise ProblemError(
                    422, "key_reused", f"key {key!r} was used before for another request"
                )
            response = _json(seen.body, seen.status)
            response.headers["Idempotent-Replayed"] = "true"
            return response
        try:
            body = models.encode(decide())
        except Conflict as conflict:
            raise ProblemError(409, "already_released", str(conflict)) from conflict
        self._keys[slot] = _Remembered(wish, status, body)
        if len(self._keys) > KEYS_KEPT:
            self._keys.popitem(last=False)
        return _json(body, status)


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


def _answer(value: object, status: int = 200) -> web.Response:
    return _json(models.encode(value), status)


def _cut(request: web.Request) -> asyncio.CancelledError:
    """Close the connection without an answer; raising this ends the handler."""
    if request.transport is not None:
        request.transport.abort()
    return asyncio.CancelledError()


def _key(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= 128 or not _KEY_CHARACTERS.issuperset(key):
        raise ProblemError(
            400, "no_key", "this request needs the header Idempotency-Key: 1 to 128 visible ASCII "
            "characters, one value for each thing to be done, the same for each repetition",
        )  # fmt: skip
    return key


async def _body(request: web.Request, kind: type[T]) -> T:
    if request.content_type != "application/json":
        raise ProblemError(
            415, "not_json", f"the body is {request.content_type[:60]!r}; send application/json"
        )
    raw = await request.read()
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise ProblemError(422, "invalid", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProblemError(400, "malformed", f"the body is not JSON: {error}") from error


def _query(request: web.Request, kind: type[T]) -> T:
    given: dict[str, Any] = {}
    for name, value in request.query.items():
        if name in given:
            raise ProblemError(422, "invalid", f"the parameter {name[:40]!r} is given twice")
        given[name] = value
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ProblemError(422, "invalid", str(error)) from error
