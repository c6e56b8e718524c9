"""Modbus TCP frames as bytes: built by hand, so that wrong ones can be built too, and taken apart.

Pure functions; the judge uses them on recorded bytes. Header: MIG 3.1.3 (transaction,
protocol, length, unit), big-endian.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

HEADER_BYTES = 7
MAX_LENGTH = 254
"""Largest lawful length field: unit identifier and a PDU of 253 bytes."""


class Frame(NamedTuple):
    """One frame; `length` is the field as it stood, `pdu` what it covered."""

    transaction: int
    protocol: int
    length: int
    unit: int
    pdu: bytes

    @property
    def function(self) -> int:
        """The function code as it stands, with bit 0x80 of an exception."""
        return self.pdu[0] if self.pdu else -1

    @property
    def exception(self) -> int | None:
        """The exception code, or None in a normal response."""
        return self.pdu[1] if len(self.pdu) == 2 and self.pdu[0] & 0x80 else None


def build(
    transaction: int, unit: int, pdu: bytes, *, protocol: int = 0, length: int | None = None
) -> bytes:
    """A frame; `protocol` and `length` may be wrong on purpose."""
    size = len(pdu) + 1 if length is None else length
    return struct.pack(">HHHB", transaction, protocol, size, unit) + pdu


def split(stream: bytes) -> tuple[list[Frame], bytes]:
    """All whole frames at the beginning of `stream`, and the bytes that are left over.

    A header that cannot be right ends the walk: what follows it is left over.
    """
    frames: list[Frame] = []
    while len(stream) >= HEADER_BYTES:
        transaction, protocol, length, unit = struct.unpack(">HHHB", stream[:HEADER_BYTES])
        if not 2 <= length <= MAX_LENGTH or len(stream) < 6 + length:
            break
        frames.append(Frame(transaction, protocol, length, unit, stream[7 : 6 + length]))
        stream = stream[6 + length :]
    return frames, stream


def read_request(function: int, address: int, count: int) -> bytes:
    """PDU of functions 01 to 04."""
    return struct.pack(">BHH", function, address, count)


def write_one(function: int, address: int, value: int) -> bytes:
    """PDU of functions 05 and 06."""
    return struct.pack(">BHH", function, address, value)
