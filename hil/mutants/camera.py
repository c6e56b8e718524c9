# ruff: noqa: D102 - overrides; each class says how it is broken
"""One broken plate camera for each MUST."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from hil.kits.camera.emulation import CameraVariant
from hil.variant import Maker
from twin.devices.camera import Camera, Reading
from twin.wires.isapi import IsapiServer

from . import camera_access as access


class HangsUp(IsapiServer):
    """Ends the stream when nothing has passed for one and a half heartbeats."""

    async def _serve_stream(self, stream: Any, response: web.StreamResponse) -> None:
        try:
            async with asyncio.timeout(1.5 * self.profile.heartbeat_s):
                await super()._serve_stream(stream, response)
        except TimeoutError:
            return


class LastComesFirst(IsapiServer):
    """Serves only the latest client of the stream."""

    def _on_reading(self, reading: Reading) -> None:
        kept = self._streams
        last = max(kept, default=-1)
        self._streams = {number: stream for number, stream in kept.items() if number == last}
        super()._on_reading(reading)
        self._streams = kept


class LateFree(IsapiServer):
    """Places of dropped clients stay taken for a minute."""

    _ghosts = 0

    async def _alert_stream(self, request: web.Request) -> web.StreamResponse:
        if self._ghosts >= self.profile.max_streams:
            return web.Response(status=503)
        try:
            return await super()._alert_stream(request)
        finally:
            self._ghosts += 1


class SlowReader(Camera):
    """Every tenth recognition takes almost a second more."""

    def _later(self, vehicle: Any, *, manual: bool, cause: int) -> None:
        self._n = getattr(self, "_n", 0) + 1
        if self._n % 10:
            super()._later(vehicle, manual=manual, cause=cause)
        else:
            later = super()._later
            self.clock.call_later(0.9, lambda: later(vehicle, manual=manual, cause=cause))


class Guesses(Camera):
    """Never admits that it cannot read: a covered plate gets the most frequent one."""

    def _read(self, vehicle: Any) -> tuple[str, tuple[int, ...]]:
        text, beliefs = super()._read(vehicle)
        if vehicle is not None and vehicle.plate_dirt > 0.5:
            return "14C00000", (95,) * 8
        return text, beliefs


class TornPictures(IsapiServer):
    """Cuts its pictures off in the middle."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        scene, crop = self.camera.scene, self.camera.crop

        def torn_scene(*a: Any, **k: Any) -> Any:
            data, box = scene(*a, **k)
            return data[: len(data) // 3], box

        self.camera.scene = torn_scene  # type: ignore[method-assign]
        self.camera.crop = lambda sight: crop(sight)[:40]  # type: ignore[method-assign]


class Haunted(Camera):
    """Reads a sign on the wall as a plate, every twenty seconds."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.clock.call_later(20.0, self._haunt)

    def _haunt(self) -> None:
        if self.online:
            self._report(None, self._sight(None), "14C99999", (95,) * 8, False, -1)
        self.clock.call_later(20.0, self._haunt)


class DeafToTriggers(Camera):
    """Acknowledges a trigger and does nothing."""

    def snap(self, cause: int = -1) -> None:
        del cause


class Forgetful(IsapiServer):
    """Keeps no plates for those who ask later."""

    async def _plates(self, request: web.Request) -> web.Response:
        self.camera.readings.clear()
        return await super()._plates(request)


class PushesTwice(IsapiServer):
    """Pushes every event twice."""

    def _on_reading(self, reading: Reading) -> None:
        super()._on_reading(reading)
        for pusher in self._hosts.values():
            pusher.put(reading)


class KeepsPushing(IsapiServer):
    """Acknowledges that a host is deleted, and goes on."""

    async def _host_drop(self, id: str) -> bool:
        return id in self._hosts


class BlindAfterStart(Camera):
    """After a start its recognition has to be switched on by hand."""

    def _fault_changed(self, kind: str, cause: int) -> None:
        super()._fault_changed(kind, cause)
        if kind == "offline" and kind not in self.faults:
            self.inject("blind")


class BrokenOffset(IsapiServer):
    """Loses the sign of its time stamps' offset (a real firmware did)."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.quirks.add("broken-offset")


_server = Maker(CameraVariant, "", IsapiServer)
_camera = Maker(CameraVariant, "", Camera)


def _fault(name: str, kills: str, doc: str, kind: str, **values: Any) -> CameraVariant:
    return CameraVariant(name, kills, doc, faults=((kind, values),))


MUTANTS: list[CameraVariant] = [
    _server("denies-polling", "CAM-DOC-01", access.Denies),
    _server("open-picture", "CAM-ACC-01", access.OpenPicture),
    _server("any-password", "CAM-ACC-02", access.with_auth(access.AnyPassword)),
    _server("takes-replays", "CAM-ACC-03", access.with_auth(access.TakesReplays)),
    _server("any-target", "CAM-ACC-04", access.with_auth(access.AnyTarget)),
    _server("takes-basic", "CAM-ACC-05", access.with_auth(access.TakesBasic)),
    _server("everything-is-fine", "CAM-NEG-01", access.EverythingIsFine),
    _server("any-method", "CAM-NEG-02", access.AnyMethod),
    _server("swallows-broken", "CAM-NEG-03", access.SwallowsBroken),
    _server("chokes-on-huge", "CAM-NEG-04", access.ChokesOnHuge),
    _server("hangs-up", "CAM-STR-01", HangsUp),
    CameraVariant("rare-heartbeat", "CAM-STR-02", "Gives a sign of life every 25 s, not 10 s.",
                  profile={"heartbeat_s": 25.0}),
    _camera("sees-ghosts", "CAM-STR-03", Haunted),
    _server("last-comes-first", "CAM-STR-04", LastComesFirst),
    _server("late-free", "CAM-STR-05", LateFree),
    _fault("resends", "CAM-REA-01", "Sends its last plate again and again (real firmware did).",
           "resend_last_plate", period_s=0.7, count=1.0),
    _camera("slow-reader", "CAM-REA-02", SlowReader),
    _fault("misreads", "CAM-REA-03", "Takes look-alikes for each other in every third plate.",
           "misread", probability=0.35, characters=1.0),
    _camera("guesses", "CAM-REA-04", Guesses),
    _server("broken-offset", "CAM-REA-05", BrokenOffset),
    _fault("wrong-clock", "CAM-REA-06", "Its clock is an hour slow.", "clock_skew",
           skew_s=-3600.0),
    _server("torn-pictures", "CAM-REA-07", TornPictures),
    _camera("deaf-to-triggers", "CAM-REA-08", DeafToTriggers),
    _server("forgetful", "CAM-REA-09", Forgetful),
    _server("pushes-twice", "CAM-PSH-01", PushesTwice),
    CameraVariant("gives-up", "CAM-PSH-02", "Tries a push once.", profile={"push_attempts": 1}),
    _server("keeps-pushing", "CAM-PSH-03", KeepsPushing),
    CameraVariant("starts-slowly", "CAM-REC-01", "Starts in 9 s, its papers say 5 s.",
                  start_up_s=9.0),
    _camera("blind-after-start", "CAM-REC-02", BlindAfterStart),
]  # fmt: skip
