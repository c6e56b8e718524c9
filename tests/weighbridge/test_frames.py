"""Continuous frames byte by byte, against golden frames and a second decoder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.weighbridge.decoder import BadFrameError, decode
from twin.devices.weighbridge import Reading
from twin.errors import ConfigError, HarnessError, UnknownName
from twin.profiles import toledo as profiles
from twin.wires.toledo import encode, status_a


def reading(
    gross_kg: int = 0, tare_kg: int = 0, *, motion: bool = False, overload: bool = False,
    underload: bool = False,
) -> Reading:  # fmt: skip
    return Reading(gross_kg, tare_kg, motion, overload, underload, gross_kg == 0)


# Worked out by hand from the tables. Status words: A 0x31 = step 2, one fixed zero (d = 20 kg);
# B 0x30 = gross, plus, in range, settled, kg; C 0x20 = kg by word B, no print request.
GOLDEN = {
    "empty": (reading(), {}, "02 31 30 20 20 20 20 20 20 30 20 20 20 20 20 30 0d"),
    "12,340 kg settled": (
        reading(12_340), {}, "02 31 30 20 20 20 31 32 33 34 20 20 20 20 20 30 0d",
    ),
    "39,980 kg in motion": (
        reading(39_980, motion=True), {}, "02 31 38 20 20 20 33 39 39 38 20 20 20 20 20 30 0d",
    ),
    "net 20,000 kg over a tare of 15,400": (
        reading(35_400, 15_400), {}, "02 31 31 20 20 20 32 30 30 30 20 20 31 35 34 30 0d",
    ),
    "minus 40 kg": (reading(-40), {}, "02 31 32 20 20 20 20 20 20 34 20 20 20 20 20 30 0d"),
    "overload": (
        reading(80_200, overload=True), {}, "02 31 34 20 20 20 38 30 32 30 20 20 20 20 20 30 0d",
    ),
    "underload": (
        reading(-1_000, underload=True), {}, "02 31 36 20 20 20 20 31 30 30 20 20 20 20 20 30 0d",
    ),
    "print request": (
        reading(), {"printing": True}, "02 31 30 28 20 20 20 20 20 30 20 20 20 20 20 30 0d",
    ),
    "zero not captured": (
        reading(), {"zero_lost": True}, "02 31 70 20 20 20 20 20 20 30 20 20 20 20 20 30 0d",
    ),
    # sum of the 17 characters: 0x02+0x31+0x30+0x20 + 5*0x20+0x30 + 5*0x20+0x30 + 0x0d = 0x230;
    # 0x230 & 0x7f = 0x30, two's complement in seven bits = 0x50
    "with check character": (
        reading(), {"checksum": True}, "02 31 30 20 20 20 20 20 20 30 20 20 20 20 20 30 0d 50",
    ),
    # 0x02, 0x31, 0x20, 0x0d have an odd number of ones: bit 7 set; 0x30 and 0x50 an even one
    "with check character and even parity": (
        reading(), {"checksum": True, "parity": True},
        "82 b1 30 a0 a0 a0 a0 a0 a0 30 a0 a0 a0 a0 a0 30 8d 50",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_frame(name: str) -> None:
    """Each frame is the one that the manual's tables give for what is shown."""
    shown, options, golden = GOLDEN[name]
    assert encode(shown, 20, **options).hex(" ") == golden


@given(
    steps=st.integers(-60, 5_000),
    tare_steps=st.integers(0, 4_000),
    division=st.sampled_from([1, 2, 5, 10, 20, 50, 100, 200, 500]),
    flags=st.tuples(*[st.booleans()] * 7),
)
def test_second_decoder_reads_what_was_shown(
    steps: int, tare_steps: int, division: int, flags: tuple[bool, ...]
) -> None:
    """A decoder written from the tables alone reads every field back, in every framing."""
    motion, overload, underload, printing, zero_lost, checksum, parity = flags
    shown = reading(
        steps * division, tare_steps * division, motion=motion, overload=overload,
        underload=underload,
    )  # fmt: skip
    frame = encode(
        shown, division, checksum=checksum, printing=printing, zero_lost=zero_lost, parity=parity
    )
    read = decode(frame, checksum=checksum, parity=parity)
    assert read.weight == (steps - tare_steps) * division
    assert read.tare == tare_steps * division
    assert read.division == division
    assert read.net is (tare_steps > 0)
    assert read.motion is motion
    assert read.out_of_range is (overload or underload)
    assert read.printing is printing
    assert read.zero_not_captured is zero_lost
    assert read.kilograms


@given(place=st.integers(0, 17), bit=st.integers(0, 6))
def test_check_character_finds_every_single_bit_error(place: int, bit: int) -> None:
    """One turned bit anywhere in a frame with a check character is noticed."""
    frame = bytearray(encode(reading(12_340), 20, checksum=True))
    frame[place] ^= 1 << bit
    with pytest.raises(BadFrameError):
        decode(bytes(frame), checksum=True)


@pytest.mark.parametrize("division", [0, 3, 15, 30, 1000, 2500])
def test_division_that_cannot_be_sent(division: int) -> None:
    """A step that status word A has no code for is refused with the lawful ones."""
    with pytest.raises(HarnessError, match="1, 2 and 5 times"):
        status_a(division)


def test_profiles_are_strict(tmp_path: object) -> None:
    """The shipped profile names its sources; a misspelt key or name is an error with a hint."""
    profile = profiles.load()
    assert profile.frames_per_s == 7.0
    assert "WILDCAT" in profile.source
    assert {quirk.id for quirk in profile.quirks} == {"even-parity", "torn"}
    assert profiles.names() == ["weighbridge"]
    with pytest.raises(UnknownName, match="did you mean 'weighbridge'"):
        profiles.load("weighbrige")
    text = (profiles.FOLDER / "weighbridge.toml").read_text(encoding="utf-8")
    wrong = tmp_path / "own.toml"  # type: ignore[operator]
    wrong.write_text(text.replace("checksum =", "cheksum ="), encoding="utf-8")
    with pytest.raises(ConfigError, match="cheksum"):
        profiles.load(wrong)
