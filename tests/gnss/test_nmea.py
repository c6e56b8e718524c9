"""The NMEA wire: sentences read by pynmea2, quirks, faults, gpsd."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import shutil
import socket
from typing import Any

import pynmea2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gnss.ground import PLANE, Drive, play
from tests.needs import system
from twin.clock import Clock, run_real
from twin.errors import UnknownName
from twin.geodesy import Local
from twin.profiles import nmea as profiles
from twin.wires.nmea.sentences import angle, checksum, sentence

BURST = 6
"""GGA, RMC, GST, VTG and two GSA."""


def parsed(lines: list[bytes]) -> dict[str, Any]:
    """Sentences by formatter, read strictly by pynmea2; of two alike the last."""
    return {
        message.sentence_type: message
        for message in (pynmea2.parse(line.decode().strip(), check=True) for line in lines)
    }


def test_a_burst_tells_what_the_receiver_believes() -> None:
    """Place, quality, speed, course, time and deviations arrive as the receiver has them."""

    async def test(d: Drive) -> None:
        lines = await d.lines(BURST, skip=5 * BURST)
        assert all(line.endswith(b"\r\n") and line.startswith(b"$GN") for line in lines)
        got = parsed(lines)
        truth = PLANE.geographic(Local(3.0, 5.0 * 0.6, 1.0))
        gga, rmc, gst, vtg, gsa = (got[name] for name in ("GGA", "RMC", "GST", "VTG", "GSA"))
        assert gga.gps_qual == 4
        assert gga.latitude == pytest.approx(truth.latitude_deg, abs=1e-6)
        assert gga.longitude == pytest.approx(truth.longitude_deg, abs=1e-6)
        height = gga.altitude + float(gga.geo_sep)
        assert height == pytest.approx(truth.height_m, abs=0.2)
        assert rmc.status == "A"
        assert rmc.mode_indicator == "R"
        assert rmc.spd_over_grnd * 1852 / 3600 == pytest.approx(5.0, abs=0.1)
        assert vtg.spd_over_grnd_kmph == pytest.approx(18.0, abs=0.4)
        assert vtg.true_track == pytest.approx(0.0)
        assert gst.std_dev_latitude == pytest.approx(0.02)
        assert gsa.mode_fix_type == "3"
        civil = dt.datetime.combine(rmc.datestamp, rmc.timestamp)
        assert civil.replace(tzinfo=None) == (
            d.clock.day_start.astimezone(dt.UTC) + dt.timedelta(seconds=0.6)
        ).replace(tzinfo=None)

    play(test, speed_m_s=5.0, begin_m=0.0)


def test_bursts_come_ten_times_a_second_after_their_latency() -> None:
    """A burst leaves 80 ms after the epoch that it names."""

    async def test(d: Drive) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", d.port)
        for number in range(1, 21):
            for _ in range(BURST):
                await reader.readline()
            assert d.clock.now_s() == pytest.approx(number * 0.1 + 0.08, abs=0.001)
        writer.close()
        await d.clock.sleep(0.3)
        sent = len(d.kinds("nmea.tx"))
        await d.clock.sleep(100)
        assert len(d.kinds("nmea.tx")) == sent

    play(test)


def test_without_a_fix_fields_are_empty_and_modes_say_so() -> None:
    """Quality 0, status V, mode N, no place."""

    async def test(d: Drive) -> None:
        d.receiver.inject("outage")
        got = parsed(await d.lines(BURST))
        assert got["GGA"].gps_qual == 0
        assert got["GGA"].lat == ""
        assert (got["RMC"].status, got["RMC"].mode_indicator) == ("V", "N")
        assert got["GSA"].mode_fix_type == "1"

    play(test)


@given(st.floats(-90, 90), st.integers(2, 9))
def test_minutes_never_read_sixty(value: float, decimals: int) -> None:
    """Rounding carries into the degrees, and the angle comes back within half a unit."""
    text = angle(value, 2, decimals)
    degrees, minutes = int(text[: -decimals - 3]), float(text[-decimals - 3 :])
    assert 0 <= minutes < 60
    assert degrees + minutes / 60 == pytest.approx(
        abs(value), abs=0.51 * 10**-decimals / 60 + 1e-12
    )


@given(st.lists(st.text("0123456789.ABCN-", max_size=10), max_size=15))
def test_checksums_are_what_the_standard_says(fields: list[str]) -> None:
    """pynmea2's own checksum accepts every sentence; a golden one from a manual agrees."""
    line = sentence("GN", "GGA", fields).decode().strip()
    body, _, total = line[1:].partition("*")
    assert pynmea2.NMEASentence.checksum(body) == int(total, 16)
    assert checksum("GPGGA,092725.00,4717.11399,N,00833.91590,E,1,08,1.01,499.6,M,48.0,M,,") == "5B"


@pytest.mark.parametrize(
    ("quirk", "check"),
    [
        ("talker-gp", lambda got: got["GGA"].talker == "GP"),
        ("mode-mismatch", lambda got: (got["GGA"].gps_qual, got["RMC"].mode_indicator) == (4, "D")),
        ("week-rollover", lambda got: got["RMC"].datestamp == dt.date(2023, 5, 29)
         - dt.timedelta(weeks=1024)),
        ("leap-seconds", lambda got: got["RMC"].timestamp.second == 18),
    ],
)  # fmt: skip
def test_quirks_are_as_they_say(quirk: str, check: Any) -> None:
    """Each quirk shows in the sentences of a foreign reader."""

    async def test(d: Drive) -> None:
        assert check(parsed(await d.lines(BURST)))

    play(test, options={"quirks": {quirk: True}})

    async def without(d: Drive) -> None:
        assert not check(parsed(await d.lines(BURST)))

    play(without)


def test_the_classic_sixty_minutes() -> None:
    """Without carrying, 21.99999999999° reads 21° 60.0'."""
    assert angle(21.9999999999, 2, 5, carry=False) == "2160.00000"
    assert angle(21.9999999999, 2, 5) == "2200.00000"
    with pytest.raises(UnknownName):
        play(lambda d: d.clock.sleep(1), options={"quirks": {"nonsense": True}})


@pytest.mark.parametrize("fault", ["checksum", "truncated"])
def test_spoilt_sentences_are_noticed_by_a_strict_reader(fault: str) -> None:
    """One in ten is hit and none of those is taken for whole."""

    async def test(d: Drive) -> None:
        d.server.inject(fault, share=0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", d.port)
        text = b""
        async with asyncio.timeout(60):
            while len(text) < 20_000:
                text += await reader.read(4096)
        writer.close()
        good = bad = 0
        for line in text.split(b"\r\n")[:-1]:
            try:
                pynmea2.parse(line.decode(errors="replace"), check=True)
                good += 1
            except pynmea2.ParseError:
                bad += 1
        assert 0.05 < bad / (good + bad) < 0.2

    play(test)


def test_late_silent_and_broken_links() -> None:
    """Late keeps the epochs' times; silent sends nothing; a cut link refuses."""

    async def test(d: Drive) -> None:
        d.server.inject("late", delay_s=2.0)
        got = parsed(await d.lines(BURST))
        assert got["RMC"].timestamp.microsecond == 100_000
        assert d.clock.now_s() == pytest.approx(2.18, abs=0.01)
        d.server.heal("late")
        d.server.inject("silent")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await d.lines(1)
        d.server.heal("silent")
        d.server.inject("link_down")
        assert await d.lines(1) == [b""]
        d.server.heal("link_down")
        d.receiver.inject("offline")
        assert await d.lines(1) == [b""]
        d.receiver.heal("offline")
        assert parsed(await d.lines(BURST))["GGA"].gps_qual == 0  # it starts anew
        assert parsed(await d.lines(BURST, skip=40 * BURST))["GGA"].gps_qual > 0

    play(test)


def test_a_fifth_client_is_refused_and_one_that_does_not_read_is_dropped() -> None:
    """Four at most; who leaves 16 kB unread is cut."""

    async def test(d: Drive) -> None:
        streams = [await asyncio.open_connection("127.0.0.1", d.port) for _ in range(4)]
        assert await d.lines(1) == [b""]
        for _, writer in streams:
            writer.close()
        await d.clock.sleep(0.5)
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await d.clock.loop.sock_connect(sock, ("127.0.0.1", d.port))
        await d.clock.sleep(3600)
        sock.close()

    drive = play(test)
    reasons = [r["reason"] for r in drive.kinds("nmea.conn")]
    assert "all 4 connections are taken" in reasons
    assert "does not read" in reasons


def test_one_seed_gives_one_trace() -> None:
    """The frames of two runs are the same, byte for byte."""

    async def test(d: Drive) -> None:
        await d.lines(60)

    assert play(test, seed=3).trace.sha256() == play(test, seed=3).trace.sha256()
    assert play(test, seed=3).trace.sha256() != play(test, seed=4).trace.sha256()


def test_profiles_are_found_by_name() -> None:
    """The shipped ones load, another name is refused with what there is."""
    assert profiles.names() == ["receiver", "receiver-82"]
    with pytest.raises(UnknownName, match="receiver"):
        profiles.load("reciever")


@pytest.mark.slow
@pytest.mark.system
def test_gpsd_reads_the_stream() -> None:
    """gpsd on our TCP source reports 3D RTK fixes with the right place, course and speed."""
    system(shutil.which("gpsd") and shutil.which("gpspipe"), "gpsd and gpsd-clients are missing")

    async def main(clock: Clock) -> list[dict[str, Any]]:
        drive = Drive(clock, speed_m_s=2.0, begin_m=-400.0)
        port = await drive.server.start()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            control = probe.getsockname()[1]
        daemon = await asyncio.create_subprocess_exec(
            "gpsd", "-N", "-n", "-S", str(control), f"tcp://127.0.0.1:{port}",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await asyncio.sleep(2)
            pipe = await asyncio.create_subprocess_exec(
                "gpspipe", "-w", "-n", "60", "-x", "20", f"127.0.0.1:{control}",
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            out, _ = await asyncio.wait_for(pipe.communicate(), 40)
        finally:
            daemon.terminate()
            await daemon.wait()
            await drive.server.stop()
        return [json.loads(line) for line in out.decode().splitlines()]

    reports = [r for r in run_real(main) if r["class"] == "TPV" and r.get("mode") == 3]
    assert len(reports) >= 10
    last = reports[-1]
    place = PLANE.local(PLANE.origin._replace(latitude_deg=last["lat"], longitude_deg=last["lon"]))
    assert last["status"] == 3  # RTK fixed
    assert place.east_m == pytest.approx(3.0, abs=0.15)
    assert -400.0 < place.north_m < -300.0
    assert last["speed"] == pytest.approx(2.0, abs=0.2)
    late = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(last["time"])
    assert abs(late.total_seconds()) < 30  # on the real clock it is the machine's time
