"""Alert streams of cameras under load: cut, timed and missed; against the gate's own wire."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from loadtests import slo
from loadtests.alerts import PartCutter, boundary_of, read_alert
from loadtests.errors import LoadError, SessionBroken
from loadtests.isapi import ECHO, EVENT, PICTURE, Camera, IsapiWorkload
from loadtests.result import Recorder
from loadtests.slo import Limit, Slo
from tests.camera.rig import PASSWORD, USER
from tests.camera.rig import Rig as CameraRig
from tests.load.runs import drive, segments
from twin.clock import Clock, run_virtual
from twin.devices.camera import Reading
from twin.profiles import camera as camera_profiles
from twin.wires.isapi.compose import Composer


def parts(profile: camera_profiles.CameraProfile) -> tuple[bytes, int]:
    """A heartbeat and three events with their pictures, as the twin sends them."""
    found: list[Reading] = []

    async def main(clock: Clock) -> None:
        rig = CameraRig(clock)
        for number in range(3):
            rig.camera.snap(number)
            await clock.sleep(5)
        found.extend(rig.readings)
        composer = Composer(rig.camera, profile, set(profile.quirks))
        data.append(composer.heartbeat())
        data.extend(composer.stream_parts(reading) for reading in found)

    data: list[bytes] = []
    run_virtual(main)
    return b"".join(data), len(found)


@pytest.mark.parametrize(
    "name", ["hikvision", "hikvision-v5.5", "hikvision-v5.8", "hikvision-json"]
)
@pytest.mark.parametrize("seed", range(4))
def test_alerts_are_read_from_every_dialect_however_they_are_sent(name: str, seed: int) -> None:
    """XML or JSON, with lengths or without, LF or CRLF: each event once, with time and UUID."""
    profile = camera_profiles.load(f"camera.{name}")
    data, count = parts(profile)
    data += b"--" + profile.boundary.encode() + b"\r\n"
    rng = random.Random(seed)
    cuts = [rng.randrange(len(data)) for _ in range(seed * 40)]
    cutter = PartCutter(profile.boundary.encode())
    found = [read_alert(body) for piece in segments(data, cuts) for body in cutter.feed(piece)]
    alerts = [alert for alert in found if alert is not None]
    assert [alert.type for alert in alerts] == ["videoloss"] + ["ANPR"] * count
    assert all(alert.manual and alert.stamp_s is not None for alert in alerts[1:])
    assert len({alert.uuid for alert in alerts}) == count + 1


def test_an_end_and_nonsense_break_the_stream() -> None:
    """The last boundary ends it; what is no multipart is said to be none."""
    with pytest.raises(SessionBroken, match="stream ended"):
        list(PartCutter(b"b").feed(b"--b--\r\n"))
    with pytest.raises(SessionBroken, match="malformed part"):
        list(PartCutter(b"b").feed(b"x" * 20_000))
    with pytest.raises(SessionBroken, match="no multipart"):
        boundary_of("text/html")


def at_camera(
    prepare: Callable[[CameraRig], Any] = lambda _: None,
    *,
    subscribers: int = 4,
    password: str = PASSWORD,
    echo_share: float = 0.4,
) -> Recorder:
    """One run against the twin's camera."""

    async def main(clock: Clock) -> Recorder:
        rig = CameraRig(clock)
        camera = Camera(await rig.serve(), USER, password, timeout_s=2.0)
        workload = IsapiWorkload(camera, subscribers=subscribers, echo_share=echo_share, seed=1)
        try:
            await camera.check()
            prepare(rig)
            return await drive(clock, workload, workload.listeners, timeout_s=2.0)
        finally:
            assert rig.server is not None
            await rig.server.stop()

    return run_virtual(main)


def test_every_subscriber_gets_every_event_once_and_at_once() -> None:
    """Nothing fails; each echo comes back with the camera's own latency, events without delay."""
    got = at_camera()
    assert got.total().failed == got.total().dropped == 0
    assert got.series["subscribe"].ok == 4
    echoes = got.series[ECHO].ok
    assert echoes > 10
    assert 4 * (echoes - 2) <= got.series[EVENT].ok <= 4 * echoes
    assert got.series[EVENT].response.max_s < 0.005
    assert 0.2 < got.series[ECHO].service.percentile_s(50) < 0.5
    assert got.series[PICTURE].ok > 10


def test_a_frozen_camera_breaches() -> None:
    """Frozen for 3 s: requests time out, and the gate says breach."""

    def freeze(rig: CameraRig) -> None:
        rig.clock.call_later(4.0, lambda: rig.camera.inject("frozen"))
        rig.clock.call_later(7.0, lambda: rig.camera.heal("frozen"))

    got = at_camera(freeze, echo_share=0.0)
    assert got.series[PICTURE].failures == {"timeout": got.series[PICTURE].failed}
    assert got.series[PICTURE].failed >= 2
    verdict = slo.judge(got, Slo(version=1, limit=[Limit(name=PICTURE, max_s=1.0)]))
    assert verdict.exit_code == 99


def test_a_slow_camera_shows_in_the_echo_alone() -> None:
    """Recognition takes a second longer: echoes do, pictures and delivery do not."""
    got = at_camera(lambda rig: rig.camera.inject("slow", delay_s=1.0))
    assert got.series[ECHO].service.percentile_s(50) > 1.2
    assert got.series[PICTURE].service.max_s < 0.2
    assert got.series[EVENT].response.max_s < 0.005


def test_a_camera_that_is_full_refuses_by_its_status() -> None:
    """Six streams at most: the seventh is counted as http 503, again and again."""
    got = at_camera(subscribers=7)
    assert got.series["alert stream"].failures == {"http 503": got.series["alert stream"].failed}
    assert got.series["subscribe"].ok == 6


def test_an_event_that_one_subscriber_misses_is_missed() -> None:
    """A stream of four that loses its events is found by the others, event by event."""

    def deafen(rig: CameraRig) -> None:
        def steal() -> None:
            assert rig.server is not None
            first = min(rig.server._streams)
            stream = rig.server._streams[first]
            stream.queue.put_nowait = lambda _: None  # type: ignore[method-assign]

        rig.clock.call_later(5.0, steal)

    got = at_camera(deafen)
    missing = got.series[EVENT].failures["missing"]
    assert 2 <= missing < got.series[ECHO].count


def test_a_wrong_password_is_the_harness() -> None:
    """A refused login ends the run before it starts and names where the password goes."""
    with pytest.raises(LoadError, match=r"refuses user 'gate' .* GATETWIN_CAMERA_PASSWORD"):
        at_camera(password="wrong")
    assert "wrong" not in repr(Camera("http://h", "u", "wrong"))


def test_an_echo_needs_ears() -> None:
    """Without a subscriber nobody could hear the event."""
    with pytest.raises(LoadError, match="needs a subscriber"):
        IsapiWorkload(Camera("http://h", "u", "p"), subscribers=0, echo_share=0.1, seed=1)
