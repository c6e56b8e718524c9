"""A state machine moves a receiver about and breaks it, and reads its NMEA stream."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pynmea2
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from fixtures.strategies_positions import canopies, poses
from tests.gnss.ground import PLANE
from twin.clock import Session
from twin.devices.gnss import GnssReceiver, Pose, Quality
from twin.geodesy import Geographic
from twin.trace import Trace
from twin.wires.nmea import NmeaServer
from twin.world.sky import SkyMap

LIMIT_M = {1: 12.0, 2: 6.0, 5: 2.5, 4: 0.25}
"""No honest fix is farther off than this: 4.6 stated deviations below half the sky, and more."""


class ReceiverMachine(RuleBasedStateMachine):
    """The model is the true pose and whether anything lies."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session.virtual()
        self.session.__enter__()
        self.pose = Pose(0.0, 0.0)
        self.trace = Trace(self.session.clock)
        self.receiver = GnssReceiver(
            "r", self.session.clock, self.trace, random.Random(5), lambda: self.pose, PLANE
        )
        self.server = NmeaServer(self.receiver, clock=self.session.clock, trace=self.trace)
        self.reader, self.writer = self.session.run(self._connect())

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", await self.server.start())

    @rule(pose=poses())
    def moves(self, pose: Pose) -> None:
        self.pose = pose

    @rule(canopy=canopies())
    def a_roof_is_built(self, canopy: Any) -> None:
        self.receiver.sky = SkyMap([canopy])

    @rule(fault=st.sampled_from(["outage", "no_corrections", "no_fixing"]), on=st.booleans())
    def breaks(self, fault: str, on: bool) -> None:
        (self.receiver.inject if on else self.receiver.heal)(fault)

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 15.0]))
    def time_passes(self, seconds: float) -> None:
        self.session.run(self._pass(seconds))

    async def _pass(self, seconds: float) -> None:
        waiting = asyncio.ensure_future(asyncio.sleep(seconds))
        while not waiting.done():
            await asyncio.sleep(min(seconds, 1.0))
            await self.reader.read(1 << 20)

    async def _newest(self) -> list[Any]:
        await asyncio.sleep(0.25)  # two epochs of the present have left
        lines = (await self.reader.read(1 << 20)).split(b"\r\n")[:-1]
        return [pynmea2.parse(line.decode(), check=True) for line in lines[-6:]]

    @invariant()
    def the_stream_is_lawful_and_honest(self) -> None:
        before = self.receiver.fix().quality
        got = {message.sentence_type: message for message in self.session.run(self._newest())}
        quality = int(got["GGA"].gps_qual)
        # the stream is a tenth of a second behind: a step may lie between
        assert quality in (before, self.receiver.fix().quality)
        assert (got["RMC"].status == "A") == (quality > 0)
        if quality == 0:
            assert got["GGA"].lat == ""
            return
        place = PLANE.local(Geographic(got["GGA"].latitude, got["GGA"].longitude, -20.0))
        error = max(abs(place.east_m - self.pose.east_m), abs(place.north_m - self.pose.north_m))
        assert error < LIMIT_M[quality], f"{error:.2f} m off with quality {quality}"

    @invariant()
    def nothing_is_fixed_without_sky_or_corrections(self) -> None:
        if self.receiver.fix().quality is Quality.RTK_FIXED:
            assert not {"outage", "no_fixing"} & set(self.receiver.faults)
            assert self.receiver.fix().satellites >= 6

    def teardown(self) -> None:
        self.session.run(self._close())
        self.session.__exit__(None, None, None)

    async def _close(self) -> None:
        self.writer.close()
        await self.server.stop()


QUICK = settings(
    max_examples=6, stateful_step_count=10, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.slow
def test_the_receiver_is_honest_wherever_it_goes() -> None:
    """In any order of places, roofs, faults and time, a fix is as good as it says."""
    run_state_machine_as_test(ReceiverMachine, settings=QUICK)


@pytest.mark.slow
def test_the_machine_finds_a_receiver_that_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver with a multipath bias of 3 m does not survive the machine."""
    solve = GnssReceiver._solve

    def biased(self: GnssReceiver, now: int) -> Any:
        self.faults["multipath"] = {"east_m": 3.0, "north_m": 0.0}
        return solve(self, now)

    monkeypatch.setattr(GnssReceiver, "_solve", biased)
    found = settings(QUICK, phases=[Phase.generate], print_blob=False, report_multiple_bugs=False)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(ReceiverMachine, settings=found)
