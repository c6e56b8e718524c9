"""Addresses to points: each row of a profile compiled to one reader and one writer.

A poll asks the same addresses again and again, so all decisions (type, scale, word order) are
taken once here; what is left at run time is a call of the point and a `pack`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol, cast

from twin.devices.base import Point, Value
from twin.errors import ConfigError, HarnessError
from twin.profiles import Profile, Row, Table
from twin.strict_toml import suggest
from twin.wires.modbus.standard import Fail

ReadBit = Callable[[], bool]
ReadWords = Callable[[], bytes]
Order = Callable[[int], None]
"""A checked write, waiting for its cause (the trace id of the frame)."""

_U16 = struct.Struct(">H").pack
_U32 = struct.Struct(">I").pack
_ZERO = bytes(2)
_RANGE = {
    "u16": (0, 0xFFFF),
    "s16": (-0x8000, 0x7FFF),
    "u32": (0, 0xFFFF_FFFF),
    "s32": (-0x8000_0000, 0x7FFF_FFFF),
}


class Served(Protocol):
    """What a wire needs of a device."""

    id: str
    points: dict[str, Point]


class Bits:
    """The coils or the discrete inputs of one device."""

    def __init__(self, spare: Collection[range]) -> None:
        self._spare = spare
        self._readers: dict[int, ReadBit] = {}
        self._writers: dict[int, Callable[[bool, int], None]] = {}
        self._allowed: dict[int, list[int]] = {}

    def add(self, row: Row, read: ReadBit, write: Callable[[bool, int], None] | None) -> None:
        """Place a row; `write` takes the value and its cause."""
        if "r" in row.access:
            self._readers[row.address] = read
        if write is not None:
            self._writers[row.address] = write
        if row.allowed:
            self._allowed[row.address] = row.allowed

    def readers(self, address: int, count: int) -> list[ReadBit] | None:
        """A reader for each of `count` addresses; None if one does not exist."""
        found = []
        for at in range(address, address + count):
            reader = self._readers.get(at)
            if reader is None:
                if at in self._writers or not any(at in span for span in self._spare):
                    return None
                reader = _never
            found.append(reader)
        return found

    def orders(self, address: int, values: Sequence[bool]) -> list[Order] | Fail:
        """Checked writes for these addresses, none of them carried out yet."""
        found: list[Order] = []
        for at, value in enumerate(values, start=address):
            writer = self._writers.get(at)
            if writer is None:
                return Fail.ADDRESS
            if at in self._allowed and int(value) not in self._allowed[at]:
                return Fail.VALUE
            found.append(_bind(writer, bool(value)))
        return found


class Registers:
    """The holding or the input registers of one device."""

    def __init__(self, spare: Collection[range]) -> None:
        self._spare = spare
        self._rows: dict[int, tuple[Row, int]] = {}
        self._read: dict[int, ReadWords] = {}
        self._write: dict[int, Callable[[bytes], Order | Fail]] = {}

    def add(
        self, row: Row, read: ReadWords | None, write: Callable[[bytes], Order | Fail] | None
    ) -> None:
        """Place a row; `write` turns the raw words into an order."""
        for word in range(row.words):
            self._rows[row.address + word] = (row, word)
        if read is not None:
            self._read[row.address] = read
        if write is not None:
            self._write[row.address] = write

    def readers(self, address: int, count: int) -> list[ReadWords] | None:
        """Readers that together give `count` registers; None if one does not exist."""
        found: list[ReadWords] = []
        at, end = address, address + count
        while at < end:
            if at not in self._rows:
                if not any(at in span for span in self._spare):
                    return None
                found.append(_zero)
                at += 1
                continue
            row, word = self._rows[at]
            read = self._read.get(row.address)
            if read is None:
                return None
            take = min(row.words - word, end - at)
            found.append(read if take == row.words else _part(read, word, take))
            at += take
        return found

    def orders(self, address: int, words: bytes) -> list[Order] | Fail:
        """Checked writes for these registers; a value of two registers is written whole."""
        found: list[Order] = []
        at, end = address, address + len(words) // 2
        while at < end:
            if at not in self._rows:
                return Fail.ADDRESS
            row, word = self._rows[at]
            write = self._write.get(row.address)
            if write is None or word or at + row.words > end:
                return Fail.ADDRESS
            start = 2 * (at - address)
            order = write(words[start : start + 2 * row.words])
            if isinstance(order, Fail):
                return order
            found.append(order)
            at += row.words
        return found


class PointTable:
    """All four tables of one device under one profile."""

    def __init__(
        self, device: Served, profile: Profile, quirks: Mapping[str, bool] | None = None
    ) -> None:
        self._device = device
        self._profile = profile
        self._quirks = quirks or {}
        spare: dict[Table, list[range]] = {"coil": [], "discrete": [], "holding": [], "input": []}
        for block in profile.blocks:
            spare[block.table].append(range(block.address, block.address + block.count))
        self.bits: dict[str, Bits] = {name: Bits(spare[name]) for name in ("coil", "discrete")}
        self.registers: dict[str, Registers] = {
            name: Registers(spare[name]) for name in ("holding", "input")
        }
        shared: dict[tuple[str, int], list[Row]] = {}
        for row in profile.rows:
            if row.is_bit_table:
                self.bits[row.table].add(row, self._bit_reader(row), self._bit_writer(row))
            elif row.bit is not None:
                shared.setdefault((row.table, row.address), []).append(row)
            else:
                self._add_register(row)
        for (table, _), rows in shared.items():
            self._add_bits_of_register(table, rows)

    def _point(self, name: str) -> Point:
        try:
            return self._device.points[name]
        except KeyError:
            hint = suggest(name, list(self._device.points))
            offered = ", ".join(sorted(self._device.points)) or "none"
            raise ConfigError(
                f"profile {self._profile.id}",
                None,
                name,
                f"the device {self._device.id} has no such point{hint}; it offers: {offered}",
            ) from None

    def _writable(self, name: str) -> Callable[[bool | float, int], None]:
        point = self._point(name)
        if point.write is None:
            raise ConfigError(
                f"profile {self._profile.id}",
                None,
                name,
                f"the profile lets it be written, but {self._device.id} offers it for reading only",
            )
        return point.write

    def _bit_reader(self, row: Row) -> ReadBit:
        if row.constant is not None:
            constant = bool(row.constant)
            return lambda: constant
        read = self._point(row.point).read
        if row.sign_of:
            return lambda: cast("float", read()) < 0
        if row.invert:
            return lambda: not read()
        return lambda: bool(read())

    def _bit_writer(self, row: Row) -> Callable[[bool, int], None] | None:
        if "w" not in row.access:
            return None
        held = row.on_write == "pulse" and self._quirks.get("level-held-coil", False)
        # A held coil is a contact, and some devices know a contact from an order.
        contact = f"contact_{row.point}"
        name = contact if held and contact in self._device.points else row.point
        write, invert = self._writable(name), row.invert
        if row.on_write == "pulse" and not held:

            def pulse(value: bool, cause: int) -> None:
                if value:
                    write(True, cause)

            return pulse
        return lambda value, cause: write(value != invert, cause)

    def _add_register(self, row: Row) -> None:
        registers = self.registers[row.table]
        if row.commands:
            registers.add(row, *self._command_register(row))
            return
        if row.constant is not None:
            raw = _encode_constant(row)
            registers.add(row, lambda: raw, None)
            return
        point = self._point(row.point)
        lsw = row.word_order == "lsw" and self._quirks.get("lsw-first", True)
        encode = _encoder(row, point, self._device.id, self._profile.id)
        read: ReadWords = _swapped(encode) if lsw else encode
        write = self._register_writer(row, lsw=lsw) if "w" in row.access else None
        registers.add(row, read if "r" in row.access else None, write)

    def _register_writer(self, row: Row, *, lsw: bool) -> Callable[[bytes], Order | Fail]:
        write = self._writable(row.point)
        code = {"u16": ">H", "s16": ">h", "u32": ">I", "s32": ">i", "f32": ">f"}[row.encoding]
        unpack, scale, allowed = struct.Struct(code).unpack, row.scale, row.allowed
        room = scale / 2  # tenths are no binary fractions
        lowest = -math.inf if row.lowest is None else row.lowest - room
        highest = math.inf if row.highest is None else row.highest + room

        def check(words: bytes) -> Order | Fail:
            (number,) = unpack(words[2:] + words[:2] if lsw else words)
            if allowed and number not in allowed:
                return Fail.VALUE
            value = number if scale == 1.0 else number * scale
            if not lowest <= value <= highest:  # true of what is not a number, too
                return Fail.VALUE
            return lambda cause: write(value, cause)

        return check

    def _command_register(
        self, row: Row
    ) -> tuple[ReadWords | None, Callable[[bytes], Order | Fail]]:
        writers = {number: self._writable(name) for name, number in row.commands.items()}
        last = _ZERO

        def read() -> bytes:
            return last

        def check(words: bytes) -> Order | Fail:
            writer = writers.get(int.from_bytes(words))
            if writer is None:
                return Fail.VALUE

            def order(cause: int) -> None:
                nonlocal last
                last = words
                writer(True, cause)

            return order

        return (read if "r" in row.access else None), check

    def _add_bits_of_register(self, table: str, rows: Sequence[Row]) -> None:
        parts = [(1 << cast("int", row.bit), self._bit_reader(row)) for row in rows]
        writers = [
            (1 << cast("int", row.bit), writer)
            for row in rows
            if (writer := self._bit_writer(row)) is not None
        ]

        def read() -> bytes:
            word = 0
            for mask, bit in parts:
                if bit():
                    word |= mask
            return _U16(word)

        def check(words: bytes) -> Order | Fail:
            number = int.from_bytes(words)

            def order(cause: int) -> None:
                for mask, write in writers:
                    write(bool(number & mask), cause)

            return order

        self.registers[table].add(rows[0], read, check if writers else None)


def _never() -> bool:
    return False


def _zero() -> bytes:
    return _ZERO


def _bind(write: Callable[[bool, int], None], value: bool) -> Order:
    return lambda cause: write(value, cause)


def _part(read: ReadWords, word: int, count: int) -> ReadWords:
    start, stop = 2 * word, 2 * (word + count)
    return lambda: read()[start:stop]


def _swapped(read: ReadWords) -> ReadWords:
    def low_word_first() -> bytes:
        raw = read()
        return raw[2:] + raw[:2]

    return low_word_first


def _encode_constant(row: Row) -> bytes:
    if isinstance(row.constant, str):
        return row.constant.encode("ascii").ljust(2 * row.length, b"\0")[: 2 * row.length]
    assert row.constant is not None
    return row.constant.to_bytes(2 * row.words, signed=row.encoding in ("s16", "s32"))


def _encoder(row: Row, point: Point, device: str, profile: str) -> ReadWords:
    read, scale, values = point.read, row.scale, row.values
    if row.encoding == "ascii":
        size = 2 * row.length
        return lambda: str(read()).encode("ascii", "replace").ljust(size, b"\0")[:size]

    def text_to_number(text: str) -> int:
        if text not in values:
            raise HarnessError(
                f"{device}: point {point.name} reads {text!r}, which profile {profile} does not "
                f"code; it knows: {', '.join(values) or 'numbers only'}"
            )
        return values[text]

    if row.encoding == "f32":
        pack_float = struct.Struct(">f").pack
        return lambda: pack_float(cast("float", read()) / scale)

    low, high = _RANGE[row.encoding]
    pack = (
        _U16
        if low == 0 and row.words == 1
        else struct.Struct({"u16": ">H", "s16": ">h", "u32": ">I", "s32": ">i"}[row.encoding]).pack
    )
    magnitude = row.magnitude

    def encode() -> bytes:
        value: Value = read()
        if isinstance(value, str):
            return pack(text_to_number(value))
        number = value if scale == 1.0 else value / scale
        if magnitude:
            number = abs(number)
        # A register saturates at its ends, as the transmitters do; it never wraps.
        return pack(low if number < low else high if number > high else round(number))

    return encode
