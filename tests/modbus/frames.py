"""Hypothesis strategies for Modbus requests: right ones, nearly right ones, and rubbish."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.modbus.bench import HOLDINGS, WIDE, adu

near = st.one_of(
    st.integers(0, 45),
    st.sampled_from([HOLDINGS - 1, HOLDINGS, WIDE - 1, WIDE, WIDE + 1, WIDE + 2, 59, 60, 63, 64]),
    st.integers(65530, 65535),
    st.integers(0, 0xFFFF),
)
"""Addresses: mostly within or at the edges of the bench's map."""

few = st.one_of(
    st.integers(0, 12),
    st.sampled_from([120, 121, 122, 123, 124, 125, 126, 1967, 1968, 1969, 2000, 2001, 65535]),
)
"""Quantities: mostly small, else at the limits of the standard."""

word = st.integers(0, 0xFFFF)


def _u16(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(2) for number in numbers)


@st.composite
def _write_bits(draw: st.DrawFn) -> bytes:
    count = draw(st.one_of(st.integers(1, 24), st.sampled_from([0, 1968, 1969])))
    data = draw(st.binary(min_size=(count + 7) // 8, max_size=(count + 7) // 8))
    return b"\x0f" + _u16(draw(near), count) + bytes([len(data)]) + data


@st.composite
def _write_words(draw: st.DrawFn) -> bytes:
    count = draw(st.one_of(st.integers(1, 8), st.sampled_from([0, 123, 124])))
    data = draw(st.binary(min_size=2 * count, max_size=2 * count))[:246]
    return b"\x10" + _u16(draw(near), count) + bytes([len(data) % 256]) + data


@st.composite
def _read_write(draw: st.DrawFn) -> bytes:
    count = draw(st.one_of(st.integers(1, 8), st.sampled_from([0, 120, 121, 122])))
    data = draw(st.binary(min_size=2 * count, max_size=2 * count))[:242]
    head = _u16(draw(near), draw(few), draw(near), count)
    return b"\x17" + head + bytes([len(data)]) + data


lawful = st.one_of(
    st.builds(lambda f, a, n: bytes([f]) + _u16(a, n), st.integers(1, 4), near, few),
    st.builds(lambda a, v: b"\5" + _u16(a, v), near, st.sampled_from([0, 0xFF00])),
    st.builds(lambda a, v: b"\6" + _u16(a, v), near, word),
    _write_bits(),
    _write_words(),
    st.builds(lambda a, x, y: b"\x16" + _u16(a, x, y), near, word, word),
    _read_write(),
    st.builds(lambda c, n: b"\x2b\x0e" + bytes([c, n]), st.integers(0, 5), st.integers(0, 130)),
)
"""Request PDUs of the right shape, in and out of range."""


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A lawful PDU with bytes changed, cut off or added."""
    pdu = bytearray(draw(lawful))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(pdu) - 1))
        pdu[at] = draw(st.integers(0, 255))
    size = draw(st.integers(-3, 3))
    if size < 0:
        del pdu[max(1, len(pdu) + size) :]
    return bytes(pdu) + bytes(max(0, size))


pdus = st.one_of(lawful, mutated(), st.binary(min_size=1, max_size=12)).map(lambda p: p[:253])

frames = st.builds(
    adu,
    pdus,
    word,
    st.sampled_from([1, 1, 1, 1, 1, 1, 0, 2, 255]),
    st.sampled_from([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x100]),
)
"""Frames with a right length field; now and then another unit or protocol."""


@st.composite
def _bent(draw: st.DrawFn) -> bytes:
    """A frame with one header byte changed: mostly fatal."""
    frame = bytearray(draw(frames))
    frame[draw(st.integers(2, 5))] = draw(st.integers(0, 255))
    return bytes(frame)


traffic = st.one_of(*[frames] * 12, _bent())
"""What a client may send next; about one in twelve has a bent header."""
