"""Frames as bytes: what is built is found again, whatever stands around it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hil.mbap import Frame, build, read_request, split, write_one

pdus = st.binary(min_size=1, max_size=253)
frames = st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 255), pdus), max_size=6)


@given(frames, st.data())
def test_whole_frames_are_found_in_any_stream(
    wanted: list[tuple[int, int, bytes]], data: st.DataObject
) -> None:
    """Frames in a row and the beginning of another: all whole ones, and the rest untouched."""
    stream = b"".join(build(*frame) for frame in wanted)
    last = build(7, 1, data.draw(pdus))
    cut = last[: data.draw(st.integers(0, len(last) - 1))]
    found, rest = split(stream + cut)
    assert [(f.transaction, f.unit, f.pdu) for f in found] == wanted
    assert rest == cut


@given(st.binary(max_size=600))
def test_noise_is_taken_apart_without_loss(noise: bytes) -> None:
    """Any bytes: what is found and what is left over together are what came."""
    found, rest = split(noise)
    again = b"".join(build(f.transaction, f.unit, f.pdu, protocol=f.protocol) for f in found)
    assert again + rest == noise


def test_wrong_frames_can_be_built() -> None:
    """Protocol and length may be wrong on purpose; a wrong length is never taken apart."""
    assert build(1, 2, b"\x03", protocol=7)[2:4] == b"\x00\x07"
    for length in (0, 1, 255, 0xFFFF):
        frame = build(1, 2, read_request(3, 0, 1), length=length)
        assert split(frame) == ([], frame)


def test_functions_and_exceptions() -> None:
    """An exception is two bytes with the high bit; everything else is data."""
    assert Frame(0, 0, 3, 1, b"\x83\x02").exception == 2
    assert Frame(0, 0, 3, 1, b"\x03\x02").exception is None
    assert Frame(0, 0, 5, 1, b"\x83\x02\x00\x00").exception is None
    assert Frame(0, 0, 1, 1, b"").function == -1
    assert write_one(5, 1, 0xFF00) == b"\x05\x00\x01\xff\x00"
