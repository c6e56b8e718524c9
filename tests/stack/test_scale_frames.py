"""Weight frames: golden ones from the format's tables, and the emulator's encoder as a peer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.stack.errors import WireError
from fixtures.stack.scale import checksum, decode_frame, split_frames
from twin.devices.weighbridge import Reading
from twin.wires.toledo import encode

# STX, A: x10 and step 2, B: kg, C, weight, tare, CR
GOLDEN = b"\x02\x31\x30\x20  3252     0\r"


def test_the_golden_frame() -> None:
    """32,520 kg gross, at rest."""
    weight = decode_frame(GOLDEN)
    assert (weight.gross_kg, weight.motion, weight.valid) == (32_520, False, True)


@pytest.mark.parametrize(
    ("status_b", "kg", "motion", "valid"),
    [(0x38, 32_520, True, True), (0x34, 32_520, False, False), (0x32, -32_520, False, True),
     (0x20, 32_520 * 0.45359237, False, True)],
)  # fmt: skip
def test_the_flags(status_b: int, kg: float, motion: bool, valid: bool) -> None:
    """Motion, out of range, negative and pounds, each by its own bit of status word B."""
    weight = decode_frame(GOLDEN[:2] + bytes([status_b]) + GOLDEN[3:])
    assert (weight.gross_kg, weight.motion, weight.valid) == (pytest.approx(kg), motion, valid)


def test_net_is_made_gross() -> None:
    """With a tare in use the terminal shows net; the lane wants what stands on the platform."""
    assert decode_frame(b"\x02\x31\x31\x20  2000  1500\r").gross_kg == 35_000


@given(
    kg=st.integers(-20, 4_000), motion=st.booleans(), over=st.booleans(),
    with_sum=st.booleans(), parity=st.booleans(), sizes=st.lists(st.integers(1, 7), min_size=1),
)  # fmt: skip
def test_what_the_emulator_encodes_is_decoded(
    kg: int, motion: bool, over: bool, with_sum: bool, parity: bool, sizes: list[int]
) -> None:
    """Two readers of one manual agree, with and without checksum and parity, however cut."""
    reading = Reading(kg * 20, 0, motion, over, False, False)
    data = encode(reading, 20, checksum=with_sum, parity=parity) * 3
    frames: list[bytes] = []
    rest, at = b"", 0
    while at < len(data):
        size = sizes[at % len(sizes)]
        found, rest = split_frames(rest + data[at : at + size])
        frames += found
        at += size
    assert len(frames) == 3
    for frame in frames:
        weight = decode_frame(frame)
        assert (weight.gross_kg, weight.motion, weight.valid) == (kg * 20, motion, not over)


def test_a_turned_bit_is_noticed() -> None:
    """A frame whose checksum does not fit is dropped, the next one is read."""
    good = GOLDEN + bytes([checksum(GOLDEN)])
    bad = good.replace(b"3252", b"3253")
    frames, _ = split_frames(bad + good)
    assert frames == [GOLDEN]


def test_joining_in_the_middle_of_a_frame() -> None:
    """A client that connects within a frame waits for the next STX."""
    frames, rest = split_frames(GOLDEN[5:] + GOLDEN + GOLDEN[:4])
    assert frames == [GOLDEN]
    assert rest == GOLDEN[:4]


def test_letters_for_digits_are_an_error() -> None:
    """Impossible digits are a fault of the wire, not a weight."""
    with pytest.raises(WireError, match="digits"):
        decode_frame(GOLDEN.replace(b"3252", b"32X2"))
