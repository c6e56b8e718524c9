"""The poll's frames, held against pymodbus' codec; replies that must be refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu import DecodePDU

from loadtests.errors import CallFailed, LoadError, SessionBroken
from loadtests.modbus import READS, ReadBlock, parse_block, parse_target

blocks = st.sampled_from(sorted(READS)).flatmap(
    lambda table: st.builds(
        ReadBlock, st.just(table), st.integers(0, 0xFFFF), st.integers(1, READS[table][1])
    )
)


@given(blocks, st.integers(0, 0xFFFF), st.integers(0, 255))
def test_a_request_is_what_pymodbus_reads(block: ReadBlock, transaction: int, unit: int) -> None:
    """Another codec decodes our frame to the same function, address and quantity."""
    frame = block.request(transaction, unit)
    assert frame[:7] == transaction.to_bytes(2, "big") + b"\0\0\0\x06" + bytes([unit])
    pdu = DecodePDU(True).decode(frame[7:])
    assert (pdu.function_code, pdu.address, pdu.count) == (
        READS[block.table][0],
        block.address,
        block.count,
    )


def reply(
    pdu: bytes, *, transaction: int = 7, protocol: int = 0, unit: int = 1
) -> tuple[bytes, bytes]:
    head = transaction.to_bytes(2, "big") + protocol.to_bytes(2, "big")
    return head + (len(pdu) + 1).to_bytes(2, "big") + bytes([unit]), pdu


BLOCK = ReadBlock("holding", 100, 2)
GOOD = b"\x03\x04\x00\x10\x00\x64"


def test_a_right_reply_passes() -> None:
    """Function, length, transaction and unit as asked."""
    BLOCK.check(7, 1, *reply(GOOD))


def test_an_exception_keeps_the_session() -> None:
    """An exception is an answer: counted by its code, the connection goes on."""
    with pytest.raises(CallFailed) as caught:
        BLOCK.check(7, 1, *reply(b"\x83\x02"))
    assert caught.value.kind == "modbus exception 2"
    assert not isinstance(caught.value, SessionBroken)


@pytest.mark.parametrize(
    ("header", "pdu"),
    [
        reply(GOOD, transaction=6),
        reply(GOOD, protocol=1),
        reply(GOOD, unit=2),
        reply(b"\x04" + GOOD[1:]),
        reply(GOOD[:-1]),
        reply(GOOD + b"\0"),
        reply(b"\x03\x06" + GOOD[2:]),
        reply(b"\x84\x02"),
    ],
)
def test_a_wrong_reply_breaks_the_session(header: bytes, pdu: bytes) -> None:
    """After a foreign or malformed reply nothing on that connection can be believed."""
    with pytest.raises(SessionBroken):
        BLOCK.check(7, 1, header, pdu)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("holding:100:2", ReadBlock("holding", 100, 2)),
        ("coil:0", ReadBlock("coil", 0, 1)),
        ("discrete:0:8", ReadBlock("discrete", 0, 8)),
    ],
)
def test_a_block_is_read_from_text(text: str, expected: ReadBlock) -> None:
    """TABLE:ADDRESS[:COUNT]."""
    assert parse_block(text) == expected


@pytest.mark.parametrize("text", ["", "holding", "holding:", "holding:-1", "holding:0:0", "hr:1"])
def test_a_wrong_block_is_refused(text: str) -> None:
    """Errors name the text and its right form."""
    with pytest.raises(LoadError, match="read "):
        parse_block(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:5020", ("127.0.0.1", 5020)),
        ("modbus://plc:1502", ("plc", 1502)),
        ("plc", ("plc", 502)),
        ("[::1]:502", ("::1", 502)),
        ("[::1]", ("::1", 502)),
    ],
)
def test_a_target_is_read_from_text(text: str, expected: tuple[str, int]) -> None:
    """HOST[:PORT], with the standard's port where none is given."""
    assert parse_target(text) == expected
