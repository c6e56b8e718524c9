"""The camera's HTTP server."""

from __future__ import annotations

import asyncio
import random
import socket
import zlib
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from twin.clock import Clock
from twin.devices.camera import Camera, Reading
from twin.errors import CannotListen, HarnessError
from twin.profiles.camera import CameraProfile, QuirkId
from twin.trace import Trace
from twin.wires.isapi import events
from twin.wires.isapi.compose import Composer
from twin.wires.isapi.digest import DigestAuth
from twin.wires.isapi.push import HostError, HttpHost, Pusher, parse_host, parse_xml

BODY_MAX: Final = 64 * 1024
"""Bytes of a request body; a larger one is answered with 413."""

STREAM_QUEUE_MAX: Final = 64
"""Events kept for a stream whose client does not read; then it is cut off."""

SEND_BUFFER: Final = 128 * 1024
"""Bytes that the system keeps for a client, about six events with their pictures."""

WRITE_DEADLINE_S: Final = 20.0
FROZEN_DEADLINE_S: Final = 60.0
"""A frozen camera keeps a request waiting so long at most, then answers 503."""

HOST_IDS: Final = tuple("12345678")
"""Places for hosts to push to."""


class _Stream:
    """One client of `alertStream`."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.queue: asyncio.Queue[Reading | None] = asyncio.Queue(STREAM_QUEUE_MAX)
        self.cut = False


class IsapiServer:
    """Serves one camera; `start` gives the port."""

    def __init__(
        self,
        camera: Camera,
        profile: CameraProfile,
        *,
        clock: Clock,
        trace: Trace,
        user: str = "gate",
        password: str,
        rng: random.Random,
    ) -> None:
        self.camera, self.profile = camera, profile
        self.quirks: set[QuirkId] = set(profile.quirks)
        self.auth = DigestAuth(
            profile.realm,
            {user: password},
            profile.digest,
            rng=rng,
            now_ns=clock.now_ns,
            nonce_life_s=profile.nonce_life_s,
            lockout_failures=profile.lockout_failures,
            lockout_s=profile.lockout_s,
        )
        self._trace, self._clock = trace, clock
        self._streams: dict[int, _Stream] = {}
        self._stream_count = 0
        self._hosts: dict[str, Pusher] = {}
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None
        self._composer = Composer(camera, profile, self.quirks)
        self.lists = self._composer.lists
        self._thawed = asyncio.Event()
        self._chores: set[asyncio.Task[None]] = set()
        camera.on_reading(self._on_reading)
        camera.on_change(self._on_change)

    # --- life ---------------------------------------------------------------------------------

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the bound port."""
        if self._runner is not None:
            raise HarnessError(f"{self.camera.id}: the ISAPI server runs already; stop it first")
        app = web.Application(middlewares=[self._guard], client_max_size=BODY_MAX)
        self._add_routes(app)
        # Without cancellation a stream would only learn at its next heartbeat that nobody reads.
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, handler_cancellation=True,
            shutdown_timeout=1.0,
        )  # fmt: skip
        await self._runner.setup()
        await self._listen(host, port)
        if not self.camera.online:
            self._cut_network()
        return self._composer.source.port

    async def stop(self) -> None:
        """End all streams, give up what is queued for pushing, and close."""
        for pusher in self._hosts.values():
            await pusher.stop()
        self._hosts.clear()
        for stream in self._streams.values():
            _end(stream)
        for chore in list(self._chores):
            chore.cancel()
        self._close_listener()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _listen(self, host: str, port: int) -> None:
        assert self._runner is not None
        assert self._runner.server is not None
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            sock = socket.create_server((host, port), family=family, backlog=64)
        except OSError as error:
            raise CannotListen(self.camera.id, host, port, error) from error
        sock.setblocking(False)
        # Inherited by every connection: a camera has no megabytes for a client that does not read.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._listener = await self._clock.loop.create_server(self._runner.server, sock=sock)
        self._composer.source = replace(self._composer.source, ip=host, port=sock.getsockname()[1])

    def _close_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _on_change(self, what: str) -> None:
        if what == "frozen":
            (self._thawed.clear if self.camera.frozen else self._thawed.set)()
        if what == "offline" and self._runner is not None:
            if self.camera.online:
                source = self._composer.source
                self._chore(self._listen(source.ip, source.port))
            else:
                self._cut_network()

    def _chore(self, work: Coroutine[Any, Any, None]) -> None:
        # On the clock's loop by name: a test heals faults while no loop is running.
        task = self._clock.loop.create_task(work, name=f"{self.camera.id} network")
        self._chores.add(task)
        task.add_done_callback(self._chore_done)

    def _chore_done(self, task: asyncio.Task[None]) -> None:
        self._chores.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._clock.fail(error)

    def _cut_network(self) -> None:
        self._close_listener()
        assert self._runner is not None
        assert self._runner.server is not None
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()

    # --- routes -------------------------------------------------------------------------------

    def _add_routes(self, app: web.Application) -> None:
        root = "/ISAPI"
        hosts = f"{root}/Event/notification/httpHosts"
        plates = f"{root}/Traffic/channels/{{channel}}/vehicleDetect/plates"
        app.add_routes(
            [
                web.get(f"{root}/System/deviceInfo", self._device_info, allow_head=False),
                web.get(f"{root}/System/time", self._time, allow_head=False),
                web.get(
                    f"{root}/Event/notification/alertStream", self._alert_stream, allow_head=False
                ),
                web.get(hosts, self._hosts_get, allow_head=False),
                web.put(hosts, self._host_put),
                web.get(f"{hosts}/{{id}}", self._host_get, allow_head=False),
                web.put(f"{hosts}/{{id}}", self._host_put),
                web.delete(f"{hosts}/{{id}}", self._host_delete),
                web.get(
                    f"{root}/Streaming/channels/{{channel}}/picture",
                    self._picture,
                    allow_head=False,
                ),
                *(
                    web.put(path, self._manual_trigger)
                    for path in self.profile.manual_trigger_paths
                ),
                web.post(plates, self._plates),
                web.put(plates, self._plates),
            ]
        )

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Freeze, authenticate, answer errors in the camera's own form, and trace."""
        if self.camera.frozen:
            await self._wait_for_thaw()
        try:
            verdict = self.auth.check(
                request.headers.get("Authorization"), request.method, request.raw_path
            )
            response: web.StreamResponse
            if self.camera.frozen:
                response = _status(request, 503, 2, "Device Busy", "deviceBusy")
            elif not verdict.ok:
                response = self._unauthorised(request, verdict.stale)
            else:
                if request.match_info.handler == self._alert_stream:
                    self._traced(request, 200)  # its end may be hours away
                    return await handler(request)
                response = await handler(request)
        except HostError as error:
            response = _status(request, 400, 6, "Invalid Content", str(error))
        except web.HTTPRequestEntityTooLarge:
            response = _status(request, 413, 6, "Invalid Content", "bodyTooLarge")
        except web.HTTPMethodNotAllowed:
            response = _status(request, 405, 4, "Invalid Operation", "methodNotAllowed")
        except web.HTTPNotFound:
            response = _status(request, 404, 4, "Invalid Operation", "notSupport")
        self._traced(request, response.status)
        return response

    async def _wait_for_thaw(self) -> None:
        try:
            async with asyncio.timeout(FROZEN_DEADLINE_S):
                await self._thawed.wait()
        except TimeoutError:
            pass

    def _unauthorised(self, request: web.Request, stale: bool) -> web.Response:
        sub_code = "userLocked" if self.auth.locked else "invalidCredentials"
        response = _status(request, 401, 4, "Invalid Operation", sub_code)
        for challenge in self.auth.challenges(stale):
            response.headers.add("WWW-Authenticate", challenge)
        return response

    def _traced(self, request: web.Request, status: int) -> int:
        return self._trace(
            self.camera.id,
            "http.request",
            method=request.method,
            path=request.path,
            status=status,
        )

    # --- plain resources ------------------------------------------------------------------------

    async def _device_info(self, request: web.Request) -> web.Response:
        del request
        who = self.profile.identity
        tree = {
            "deviceName": self.camera.id,
            "deviceID": f"{zlib.crc32(self.camera.id.encode()):08x}",
            "deviceDescription": "IPCamera",
            "model": who.model,
            "serialNumber": who.serial_number,
            "macAddress": self._composer.source.mac,
            "firmwareVersion": who.firmware_version,
            "firmwareReleasedDate": who.firmware_released,
            "deviceType": "IPCamera",
            "manufacturer": who.manufacturer,
        }
        return _xml(events.to_xml("DeviceInfo", tree))

    async def _time(self, request: web.Request) -> web.Response:
        del request
        local = events.stamp(self.camera.business_time(), self.quirks)
        return _xml(events.to_xml("Time", {"timeMode": "manual", "localTime": local}))

    async def _picture(self, request: web.Request) -> web.Response:
        if request.match_info["channel"] not in {"1", "101", "102"}:
            raise web.HTTPNotFound
        data, _ = self.camera.scene(self.camera.sight(), self._composer.caption())
        return web.Response(body=data, content_type="image/jpeg")

    async def _manual_trigger(self, request: web.Request) -> web.Response:
        self.camera.snap()
        return _status(request, 200, 1, "OK", "ok")

    async def _plates(self, request: web.Request) -> web.Response:
        if request.match_info["channel"] != "1":
            raise web.HTTPNotFound
        root = parse_xml(await request.read())
        after = next((e.text or "" for e in root.iter() if e.tag.endswith("picTime")), None)
        if after is None or not after.strip().isdigit():
            raise HostError("picTime is missing or not digits; 0 asks for all that is kept")
        # Names are digits of equal length that grow with time, so they compare as text.
        since = after.strip()
        new = [r for r in self.camera.readings if events.picture_name(r) > since]
        return _xml(events.plates_answer(new, self.profile))

    # --- push -------------------------------------------------------------------------------

    async def _hosts_get(self, request: web.Request) -> web.Response:
        del request
        trees = [pusher.host.tree() for pusher in self._hosts.values()]
        return _xml(events.to_xml("HttpHostNotificationList", {"HttpHostNotification": trees}))

    async def _host_get(self, request: web.Request) -> web.Response:
        pusher = self._hosts.get(request.match_info["id"])
        if pusher is None:
            raise web.HTTPNotFound
        return _xml(events.to_xml("HttpHostNotification", pusher.host.tree()))

    async def _host_put(self, request: web.Request) -> web.Response:
        host_id = request.match_info.get("id", "1")
        if host_id not in HOST_IDS:
            raise HostError(f"host id {host_id!r} is not 1 to {len(HOST_IDS)}")
        host = parse_host(await request.read(), host_id)
        await self._host_drop(host_id)
        self._hosts[host_id] = self._pusher(host)
        return _status(request, 200, 1, "OK", "ok")

    async def _host_delete(self, request: web.Request) -> web.Response:
        if not await self._host_drop(request.match_info["id"]):
            raise web.HTTPNotFound
        return _status(request, 200, 1, "OK", "ok")

    async def _host_drop(self, id: str) -> bool:
        pusher = self._hosts.pop(id, None)
        if pusher is None:
            return False
        await pusher.stop()
        return True

    def _pusher(self, host: HttpHost) -> Pusher:
        def told(reading: Reading, status: int) -> None:
            self._event_traced(reading, via="push", conn=-1, status=status)

        return Pusher(
            host,
            self._composer.form,
            told,
            lambda: self.camera.able,
            timeout_s=self.profile.push_timeout_s,
            attempts=self.profile.push_attempts,
            retry_s=self.profile.push_retry_s,
        )

    # --- stream -----------------------------------------------------------------------------

    async def _alert_stream(self, request: web.Request) -> web.StreamResponse:
        if len(self._streams) >= self.profile.max_streams:
            if "hang-up-when-full" in self.quirks and request.transport is not None:
                request.transport.abort()
            return _status(request, 503, 2, "Device Busy", "maxSessions")
        boundary = self.profile.boundary
        response = web.StreamResponse()
        response.headers["Content-Type"] = f"multipart/mixed; boundary={boundary}"
        response.headers["Cache-Control"] = "no-store"
        await response.prepare(request)
        stream = _Stream(self._stream_count)
        self._stream_count += 1
        self._streams[stream.number] = stream
        try:
            await self._serve_stream(stream, response)
            if not stream.cut:
                await response.write(f"--{boundary}--\r\n".encode())
        except (ConnectionError, TimeoutError):
            stream.cut = True
        finally:
            del self._streams[stream.number]
        if stream.cut and request.transport is not None:
            request.transport.abort()
        return response

    async def _serve_stream(self, stream: _Stream, response: web.StreamResponse) -> None:
        """Heartbeat at once and whenever nothing was sent for a while; readings as they come."""
        await self._send(response, self._composer.heartbeat())
        while not stream.cut:
            try:
                async with asyncio.timeout(self.profile.heartbeat_s):
                    reading = await stream.queue.get()
            except TimeoutError:
                if self.camera.frozen:
                    continue
                await self._send(response, self._composer.heartbeat())
                if "resend-last-plate" in self.quirks and self.camera.last is not None:
                    await self._send_reading(stream, response, self.camera.last)
                continue
            if reading is None:
                return
            await self._send_reading(stream, response, reading)

    async def _send_reading(
        self, stream: _Stream, response: web.StreamResponse, reading: Reading
    ) -> None:
        await self._send(response, self._composer.stream_parts(reading))
        self._event_traced(reading, via="stream", conn=stream.number)

    async def _send(self, response: web.StreamResponse, data: bytes) -> None:
        async with asyncio.timeout(WRITE_DEADLINE_S):
            await response.write(data)

    # --- readings ---------------------------------------------------------------------------

    def _on_reading(self, reading: Reading) -> None:
        for stream in self._streams.values():
            try:
                stream.queue.put_nowait(reading)
            except asyncio.QueueFull:
                _end(stream, cut=True)
        for pusher in self._hosts.values():
            pusher.put(reading)

    def _event_traced(
        self, reading: Reading, *, via: str, conn: int, status: int | None = None
    ) -> None:
        self._trace(
            self.camera.id,
            "isapi.event",
            cause=reading.record,
            conn=conn,
            via=via,
            plate=reading.plate,
            confidence=reading.confidence,
            uuid=reading.uuid,
            **({} if status is None else {"status": status}),
        )


def _end(stream: _Stream, *, cut: bool = False) -> None:
    """Make a stream's handler return after what it is writing now."""
    stream.cut = stream.cut or cut
    if stream.queue.full():
        stream.queue.get_nowait()
    stream.queue.put_nowait(None)


def _xml(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/xml", charset="utf-8")


def _status(request: web.Request, http: int, code: int, text: str, sub_code: str) -> web.Response:
    return _xml(events.status_xml(request.path, code, text, sub_code), http)
