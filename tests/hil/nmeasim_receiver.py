"""A receiver whose sentences we did not write: nmeasim 1.1 behind a TCP port, on a bench."""

from __future__ import annotations

import asyncio
import datetime as dt

from nmeasim.constants import FixType, SolutionMode
from nmeasim.models import GpsReceiver

from hil.kits.gnss.papers import GnssPics, GnssPixit
from twin.clock import Clock
from twin.geodesy import MONG_CAI

RATE_HZ = 10.0
SATELLITES = 10
UP_M, SEPARATION_M = 10.0, -24.0

PICS = GnssPics(
    device="gnss", profile="nmeasim", sentences=["GGA", "RMC", "VTG", "GSA"], talker="GP",
    rate_hz=RATE_HZ, nmea_version="2.3", decimals=5, limit_82=True, best_quality=1,
    max_connections=8, simulated_sky=True, power_controllable=True,
)  # fmt: skip
PIXIT = GnssPixit(
    latency_s=0.05, start_up_s=1.0, outage_s=1.0, first_fix_s=1.0, best_s=2.0,
    correction_limit_s=1.0, accuracy_m=0.05, height_m=0.15, latitude_deg=MONG_CAI.latitude_deg,
    longitude_deg=MONG_CAI.longitude_deg, ellipsoid_m=UP_M + SEPARATION_M,
)  # fmt: skip


class NmeasimBench:
    """Serves the library's sentences; plays sky and power by its properties."""

    instant = True

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.receiver = GpsReceiver(
            output=PICS.sentences, solution=SolutionMode.AUTONOMOUS_SOLUTION, fix=FixType.SPS_FIX,
            horizontal_dp=PICS.decimals, time_dp=2, altitude=UP_M, geoid_sep=SEPARATION_M,
            num_sats=SATELLITES, date_time=self._utc(),
        )  # fmt: skip
        self.powered = True
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None

    def _utc(self) -> dt.datetime:
        since = dt.timedelta(microseconds=self.clock.now_ns() // 1000)
        return self.clock.day_start.astimezone(dt.UTC) + since

    async def start(self) -> int:
        await self.home()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._tick()
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        assert self._server is not None
        assert self._timer is not None
        self._timer.cancel()
        self._server.close()
        self._drop()

    def _drop(self) -> None:
        for client in self._clients:
            client.transport.abort()
        self._clients.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.powered:
            writer.transport.abort()
            return
        self._clients.add(writer)
        try:
            while await reader.read(1000):
                pass
        except OSError:
            pass
        self._clients.discard(writer)
        writer.close()

    def _tick(self) -> None:
        self.receiver.move(1 / RATE_HZ)
        self.receiver.date_time = self._utc()
        burst = "".join(f"{line}\r\n" for line in self.receiver.get_output()).encode()
        for client in self._clients:
            if not client.transport.is_closing():
                client.write(burst)
        number = round(self.clock.now_s() * RATE_HZ) + 1
        at_s = self.clock.loop_time_of(round(number * 1e9 / RATE_HZ))
        self._timer = self.clock.loop.call_at(at_s, self._tick)

    async def signal(self, on: bool) -> None:
        if on != (self.receiver.num_sats > 0):
            self.receiver.num_sats = SATELLITES if on else 0
        if on:
            self.receiver.fix = FixType.SPS_FIX
            self.receiver.solution = SolutionMode.AUTONOMOUS_SOLUTION

    async def corrections(self, on: bool) -> None:
        """It is alone."""

    async def drive(self, speed_m_s: float, course_deg: float) -> None:
        self.receiver.kph = speed_m_s * 3.6
        if speed_m_s:
            self.receiver.heading = course_deg

    async def home(self) -> None:
        await self.place(MONG_CAI.latitude_deg, MONG_CAI.longitude_deg)

    async def place(self, latitude_deg: float, longitude_deg: float) -> None:
        self.receiver.kph = 0.0
        self.receiver.lat, self.receiver.lon = latitude_deg, longitude_deg

    async def now_iso(self) -> str:
        return self.clock.business_time()

    async def switch(self, on: bool) -> None:
        if not on:
            self._drop()
        self.powered = on
