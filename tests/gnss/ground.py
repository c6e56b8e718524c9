"""A receiver on a vehicle that drives north along the bridge, through a roof."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from twin.clock import Clock, run_virtual
from twin.devices.gnss import GnssReceiver, Pose
from twin.geodesy import MONG_CAI, Plane
from twin.trace import Trace
from twin.wires.nmea import NmeaServer
from twin.world.sky import Canopy, SkyMap

PLANE = Plane(MONG_CAI)
ROOF = Canopy(-20.0, 20.0, 100.0, 160.0, share=0.05)
TREES = Canopy(-20.0, 20.0, 300.0, 400.0, share=0.5)


@dataclass
class Drive:
    clock: Clock
    seed: int = 1
    speed_m_s: float = 0.0
    begin_m: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.trace = Trace(self.clock)
        self.receiver = GnssReceiver(
            "igv-1.gnss", self.clock, self.trace, random.Random(self.seed), self.pose, PLANE,
            SkyMap([ROOF, TREES]),
        )  # fmt: skip
        self.server = NmeaServer(self.receiver, clock=self.clock, trace=self.trace, **self.options)
        self.port = 0

    def pose(self) -> Pose:
        north = self.begin_m + self.speed_m_s * self.clock.now_s()
        return Pose(3.0, north, 1.0, self.speed_m_s, 0.0)

    async def lines(self, count: int, *, skip: int = 0) -> list[bytes]:
        """`count` lines of a new connection, after `skip` others."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(600):
                got = [await reader.readline() for _ in range(skip + count)]
        finally:
            writer.close()
        return got[skip:]

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        return [r.payload for r in self.trace.records() if r.kind == kind]


def play(test: Callable[[Drive], Awaitable[None]], **more: Any) -> Drive:
    """Run `test` on a served receiver in virtual time."""
    kept: list[Drive] = []

    async def main(clock: Clock) -> None:
        drive = Drive(clock, **more)
        kept.append(drive)
        drive.port = await drive.server.start()
        try:
            await test(drive)
        finally:
            await drive.server.stop()

    run_virtual(main)
    return kept[0]
