"""Frames of scales under load: cut, timed and missed; against the gate's own wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests import slo
from loadtests.errors import LoadError, TargetError
from loadtests.result import Recorder
from loadtests.slo import Limit, Slo
from loadtests.toledo import (
    FIRST_FRAME,
    FRAME,
    SPLIT,
    FrameCutter,
    FrameListener,
    Pace,
    ToledoTarget,
    ToledoWorkload,
)
from tests.load.runs import PLANNED_S, drive, segments
from tests.weighbridge.ground import Yard
from twin.clock import Clock, run_real, run_virtual
from twin.devices.weighbridge import Reading as Weight
from twin.wires.toledo import ToledoServer, encode


def frames(count: int, *, checksum: bool = False, parity: bool = False) -> list[bytes]:
    """Frames as the twin's own encoder makes them."""
    return [
        encode(
            Weight(20 * number, 0, motion=False, overload=False, underload=False, at_zero=False),
            20, checksum=checksum, parity=parity,
        )
        for number in range(count)
    ]  # fmt: skip


@given(
    cuts=st.lists(st.integers(0, 400), max_size=30), checksum=st.booleans(), parity=st.booleans(),
    skip=st.integers(0, 16),
)  # fmt: skip
def test_frames_are_cut_right_however_they_are_sent(
    cuts: list[int], checksum: bool, parity: bool, skip: int
) -> None:
    """Any segments, check character or parity, and a start within a frame: all whole ones count."""
    data = b"".join(frames(20, checksum=checksum, parity=parity))[skip:]
    cutter = FrameCutter(checksum=checksum)
    found = [wrong for piece in segments(data, cuts) for wrong, _ in cutter.feed(piece)]
    assert found == [""] * (20 if skip == 0 else 19)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda frame: frame[:9], "torn frame"),
        (lambda frame: b"\x03" + frame[1:], "torn frame"),
        (lambda frame: frame[:6] + b"x" + frame[7:], "malformed frame"),
        (lambda frame: frame[:16] + b"\n", "malformed frame"),
        (lambda frame: frame[:1] + b"\x11" + frame[2:], "malformed frame"),
    ],
)
def test_a_spoilt_frame_is_counted_once_by_its_kind(
    spoil: Callable[[bytes], bytes], kind: str
) -> None:
    """One bad frame among good ones is one failure, and the next good one counts again."""
    sent = frames(6)
    sent[2] = spoil(sent[2])
    found = [wrong for wrong, _ in FrameCutter().feed(b"".join(sent))]
    assert found == ["", "", kind, "", "", ""]


def test_a_frame_in_pieces_is_told() -> None:
    """A good frame that two segments carried is good, and said to be in pieces."""
    first, second, third = frames(3)
    cutter = FrameCutter()
    assert list(cutter.feed(first + second[:5])) == [("", False)]
    assert list(cutter.feed(second[5:] + third)) == [("", True), ("", False)]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_every_frame_that_was_due_is_accounted_for(gaps: list[int]) -> None:
    """As many frames as periods have passed: each that came is good, all others are missing."""
    pace, at_s, settled = Pace(10.0), 0.0, []
    assert pace.came(at_s) == []
    for gap in gaps:
        at_s += gap / 10
        settled += pace.came(at_s)
    never = pace.silent(at_s + 2.0)
    due = [due_s for due_s, _ in settled] + never
    assert due == pytest.approx([n / 10 for n in range(1, sum(gaps) + 20)])
    assert [failure for _, failure in settled].count("") == len(gaps)


def test_frames_that_come_in_a_burst_were_late_not_missing() -> None:
    """Held up for half a second and sent on at once: five late frames, none missing."""
    pace = Pace(10.0)
    instants = [0.0, 0.1, 0.6, 0.6001, 0.6002, 0.6003, 0.6004, 0.7, 0.852, 0.9]
    settled = [due for at_s in instants for due in pace.came(at_s)]
    assert not any(failure for _, failure in settled)
    assert [due_s for due_s, _ in settled[:6]] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def at_scale(
    fault: str = "", *, quirk: str = "", streams: int = 1, **parameters: float
) -> tuple[Recorder, int]:
    """One run against the twin's terminal; the fault lasts from 4 s to 6 s."""

    async def main(clock: Clock) -> tuple[Recorder, int]:
        yard = Yard(clock)
        server = ToledoServer(
            yard.scale, clock=clock, trace=yard.trace, quirks={quirk: True} if quirk else None
        )
        scale = ToledoTarget(f"127.0.0.1:{await server.start()}", timeout_s=1.5)
        if fault:
            clock.call_later(4.0, lambda: server.inject(fault, **parameters))
            clock.call_later(6.0, lambda: server.heal(fault))
        try:
            listeners = [FrameListener(scale) for _ in range(streams)]
            got = await drive(
                clock, ToledoWorkload(scale), listeners, rate_per_s=0.5, connections=1
            )
        finally:
            await server.stop()
        sent = [record for record in yard.trace.records() if record.kind == "toledo.tx"]
        return got, len(sent)

    return run_virtual(main)


def test_a_sound_scale_sends_every_frame_on_time() -> None:
    """Seven a second, none missing, none late; who connects anew has one within a period."""
    got, _ = at_scale()
    frame = got.series[FRAME]
    assert (frame.failed, frame.ok) == (0, pytest.approx(PLANNED_S * 7, abs=2))
    assert frame.response.max_s < 0.002
    assert frame.service.percentile_s(50) == pytest.approx(1 / 7, rel=0.01)
    first = got.series[FIRST_FRAME]
    assert first.failed == 0
    assert 0 < first.response.max_s <= 1 / 7 + 0.001


def test_a_silent_line_shows_as_missing_frames_and_breaches() -> None:
    """Silent for 2 s: a broken stream, and each of the frames that did not come, with its delay."""
    got, _ = at_scale("silent")
    frame = got.series[FRAME]
    assert frame.failures == {"missing": pytest.approx(14, abs=4)}
    assert 1.4 < frame.response.max_s < 2.6
    assert got.series["stream"].failures["timeout"] == 1
    verdict = slo.judge(got, Slo(version=1, limit=[Limit(name=FRAME, p95_s=0.5)]))
    assert verdict.exit_code == 99


def test_a_line_that_is_cut_is_opened_again() -> None:
    """Cut for 2 s: breaks are counted until it is there again, and frames go on."""
    got, _ = at_scale("link_down")
    assert set(got.series["stream"].failures) <= {"closed by peer", "ConnectionResetError"}
    assert got.series[FRAME].failures["missing"] == pytest.approx(14, abs=4)
    late = [slot for index, slot in got.slots.items() if index >= 8]
    assert sum(slot.failed for slot in late) == 0


def test_garbled_frames_are_counted() -> None:
    """Each frame of 2 s has a turned bit; most are found, a digit that became another is not."""
    got, _ = at_scale("garbled", share=1.0)
    failures = got.series[FRAME].failures
    assert 7 <= sum(failures.values()) <= 20
    assert set(failures) <= {"torn frame", "malformed frame", "missing"}


def test_torn_segments_cost_nothing_and_are_told() -> None:
    """Frames in pieces are whole for who puts them together, and stand apart in the table."""
    got, _ = at_scale(quirk="torn")
    assert got.series[FRAME].failed == 0
    assert got.series[SPLIT].step
    assert got.series[SPLIT].ok > 60


def test_more_streams_than_the_terminal_takes_are_refused() -> None:
    """Two clients at most: a third stream is counted as closed."""
    got, _ = at_scale(streams=3)
    assert got.series["stream"].failures["closed by peer"] > 5


def test_nobody_at_the_target_is_the_harness() -> None:
    """Where nothing listens there is nothing to measure."""

    async def main(clock: Clock) -> None:
        scale = ToledoTarget("127.0.0.1:1")
        with pytest.raises(TargetError, match="no connection in"):
            await drive(clock, ToledoWorkload(scale), [FrameListener(scale)])

    run_virtual(main)
    with pytest.raises(LoadError, match=r"must be 0\.1 to 1000"):
        ToledoTarget("h:1", frames_per_s=0)


def test_a_scale_serves_its_frames_on_the_wall_clock_too() -> None:
    """uvloop's transports are none of asyncio's classes; a client must not end the gate."""

    async def main(clock: Clock) -> bytes:
        yard = Yard(clock)
        server = ToledoServer(yard.scale, clock=clock, trace=yard.trace)
        port = await server.start()
        try:
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                frame = await reader.readexactly(17)
                writer.close()
                await writer.wait_closed()
            return frame
        finally:
            await server.stop()

    frame = run_real(main)
    assert [wrong for wrong, _ in FrameCutter().feed(frame)] == [""]
