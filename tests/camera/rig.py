"""One lane with one camera, served over real TCP on the virtual clock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from email.parser import BytesParser
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp

from twin import site
from twin.clock import Clock, run_virtual
from twin.devices.camera import Camera, Reading
from twin.physics.engine import load_engine
from twin.physics.parameters import ArmParameters
from twin.profiles import camera as profiles
from twin.trace import Record, Trace
from twin.wires.isapi import IsapiServer
from twin.world.arm import Arm
from twin.world.lane import Lane, Mover
from twin.world.motion import Limits, drive_to
from twin.world.vehicle import Axle, Temper, Vehicle
from twin.world.weather import Weather

NAMESPACE = "{http://www.hikvision.com/ver20/XMLSchema}"
USER, PASSWORD = "gate", "open sesame"
HIKVISION = profiles.load("camera.hikvision")
STREAM = "/ISAPI/Event/notification/alertStream"

TRUCK = Vehicle(
    id="v1", direction="in", plate="14C12345", plate_country="VN", trailer_plate="14R01234",
    container=None, declaration=None, laden=False, length_m=12.0, height_m=3.8,
    axles=(Axle(1.4, 6_000), Axle(6.0, 8_000)), colour="firebrick", plate_dirt=0.0,
    limits=Limits(4.0, 1.0, 2.0), temper=Temper(1.0), why="ok",
)  # fmt: skip


def truck(plate: str = "14C12345", dirt: float = 0.0, id: str = "v1") -> Vehicle:
    """A truck with this plate."""
    return replace(TRUCK, id=id, plate=plate, plate_dirt=dirt)


class Rig:
    """The camera, its lane, and what it has read."""

    def __init__(self, clock: Clock, seed: int = 1, weather: Weather | None = None) -> None:
        self.clock, self.trace = clock, Trace(clock)
        plan = site.load("bac-luan-2")
        geometry = plan.geometry[plan.lanes[0].geometry]
        arm = Arm("in-1.arm", clock, self.trace, load_engine("kinematic"), ArmParameters())
        self.lane = Lane("in-1", "in", "smart", geometry, clock=clock, trace=self.trace, arm=arm)
        self.camera = Camera(
            "in-1.camera", clock, self.trace, random.Random(seed), self.lane, weather
        )
        self.readings: list[Reading] = []
        self.camera.on_reading(self.readings.append)
        self.server: IsapiServer | None = None
        self.base = ""

    async def serve(self, profile: str | profiles.CameraProfile = "camera.hikvision") -> str:
        """Start the wire; returns its base URL."""
        loaded = profiles.load(profile) if isinstance(profile, str) else profile
        self.server = IsapiServer(
            self.camera, loaded, clock=self.clock, trace=self.trace, user=USER,
            password=PASSWORD, rng=random.Random(99),
        )  # fmt: skip
        self.base = f"http://127.0.0.1:{await self.server.start()}"
        return self.base

    def drive(self, vehicle: Vehicle = TRUCK, to_m: float = 60.0) -> Mover:
        """Let a truck enter the lane at 0 m and drive to `to_m`."""
        mover = self.lane.enter(vehicle, 0.0)
        self.lane.move(mover, drive_to(self.clock.env.now, 0.0, 0.0, to_m, vehicle.limits))
        return mover

    def records(self, kind: str) -> list[Record]:
        """Trace records of one kind."""
        return [record for record in self.trace.records() if record.kind == kind]

    @asynccontextmanager
    async def client(self, password: str = PASSWORD) -> AsyncIterator[aiohttp.ClientSession]:
        """An aiohttp client with digest credentials."""
        digest = aiohttp.DigestAuthMiddleware(USER, password)
        timeout = aiohttp.ClientTimeout(total=3600)
        async with aiohttp.ClientSession(
            self.base, middlewares=(digest,), timeout=timeout
        ) as session:
            yield session

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[Stream]:
        """A reader of the alert stream, by aiohttp's own multipart parser."""
        async with self.client() as session, session.get(STREAM) as answer:
            assert answer.status == 200
            yield Stream(answer)


class Stream:
    """Parts of an alert stream, each within a deadline of simulated time."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self._reader = aiohttp.MultipartReader.from_response(answer)

    async def part(self, within_s: float = 60.0) -> tuple[str, bytes] | None:
        """Content type and body of the next part; None at the end of the stream."""
        async with asyncio.timeout(within_s):
            part = await self._reader.next()
            if part is None:
                return None
            assert isinstance(part, aiohttp.BodyPartReader)
            return part.headers["Content-Type"], bytes(await part.read())

    async def alert(self, within_s: float = 60.0) -> ET.Element:
        """The next event, heartbeats and pictures included in between skipped or returned."""
        while True:
            part = await self.part(within_s)
            assert part is not None, "the stream ended"
            if "xml" in part[0]:
                return ET.fromstring(part[1])

    async def anpr(self, within_s: float = 60.0) -> ET.Element:
        """The next recognition."""
        while True:
            alert = await self.alert(within_s)
            if text(alert, "eventType") == "ANPR":
                return alert


async def get(rig: Rig, path: str, method: str = "GET", **kwargs: Any) -> tuple[int, bytes]:
    """One request with the right password."""
    async with rig.client() as session, session.request(method, path, **kwargs) as answer:
        return answer.status, await answer.read()


def text(element: ET.Element, path: str) -> str:
    """Text of the element at `path` (names without namespace)."""
    found = element.find("/".join(NAMESPACE + step for step in path.split("/")))
    assert found is not None, path
    return found.text or ""


def form_parts(content_type: str, body: bytes) -> list[tuple[str, bytes]]:
    """Parts of a pushed form by the mail parser of the standard library."""
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + body)
    assert message.is_multipart()
    parts: list[tuple[str, bytes]] = []
    for part in message.get_payload():
        assert not isinstance(part, str)
        parts.append((part.get_filename() or "", part.get_payload(decode=True) or b""))  # type: ignore[union-attr, arg-type]
    return parts


def on_rig(check: Callable[[Rig], Awaitable[Any]], *, seed: int = 1, **kwargs: Any) -> Rig:
    """Run `check` against a fresh rig in virtual time; returns the rig for its trace."""
    rigs: list[Rig] = []

    async def main(clock: Clock) -> None:
        rig = Rig(clock, seed, **kwargs)
        rigs.append(rig)
        try:
            async with asyncio.timeout(100_000):
                await check(rig)
        finally:
            if rig.server is not None:
                await rig.server.stop()

    run_virtual(main, seed=seed)
    return rigs[0]
