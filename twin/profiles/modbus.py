"""What a Modbus wire map is, as data: rows of addresses, each naming a point of a device.

A profile is a reviewed TOML file with its source. Addresses are the ones on the wire (from 0):
the manual's 40101 is `table = "holding", address = 100`.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from twin.errors import ConfigError
from twin.strict_toml import LineIndex

Table = Literal["coil", "discrete", "holding", "input"]
Encoding = Literal["bit", "u16", "s16", "u32", "s32", "f32", "ascii"]
QuirkId = Literal["lsw-first", "level-held-coil", "fc5-ffff-release"]

U16 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
Count = Annotated[int, msgspec.Meta(ge=1, le=0x10000)]
Bit = Annotated[int, msgspec.Meta(ge=0, le=15)]

WORDS: dict[Encoding, int] = {"bit": 1, "u16": 1, "s16": 1, "u32": 2, "s32": 2, "f32": 2}
"""Registers that a value takes; `ascii` takes what its row says."""

SERVED_FUNCTION_CODES = (1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43)
"""What the server can answer at all; a profile chooses from these."""


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Row(_Strict, frozen=True):
    """One value at one address.

    Exactly one of `point`, `constant` and `commands` says what is there. `value = register x
    scale`; `values` gives the register for a point that reads a text. A `commands` row is a
    register where each number is an order, sent to the point of that name.
    """

    table: Table
    address: U16
    encoding: Encoding
    doc: str
    point: str = ""
    constant: int | str | None = None
    commands: dict[str, U16] = {}
    name: str = ""
    bit: Bit | None = None
    invert: bool = False
    sign_of: bool = False
    """The bit says that the point is below zero."""
    magnitude: bool = False
    """The register holds the absolute value; the sign is elsewhere."""
    length: Annotated[int, msgspec.Meta(ge=1, le=125)] = 1
    word_order: Literal["msw", "lsw"] = "msw"
    access: Literal["r", "w", "rw"] = "r"
    on_write: Literal["level", "pulse"] = "level"
    allowed: list[int] = []
    """Numbers that a write may carry; others are answered with 0x03. Empty: all."""
    lowest: float | None = None
    """In the point's unit; a write below it is answered with 0x03, as is one above `highest`."""
    highest: float | None = None
    scale: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    values: dict[str, U16] = {}

    @property
    def key(self) -> str:
        """The name in the wire list."""
        return self.name or self.point

    @property
    def words(self) -> int:
        """Addresses that the row takes."""
        return self.length if self.encoding == "ascii" else WORDS[self.encoding]

    @property
    def is_bit_table(self) -> bool:
        """Whether the row is a coil or a discrete input."""
        return self.table in ("coil", "discrete")


class Block(_Strict, frozen=True):
    """Addresses that the device implements: those without a row read 0 instead of failing."""

    table: Table
    address: U16
    count: Count


class Quirk(_Strict, frozen=True):
    """A behaviour of real devices that surprises clients; `on` is the default."""

    id: QuirkId
    on: bool
    doc: str
    source: str


class Identification(_Strict, frozen=True):
    """The objects of Read Device Identification (function 43, MEI type 14)."""

    vendor_name: str
    product_code: str
    revision: str
    vendor_url: str = ""
    product_name: str = ""
    model_name: str = ""

    def objects(self) -> dict[int, bytes]:
        """Object id to value; basic objects are always there, empty regular ones are not."""
        texts = [getattr(self, field) for field in self.__struct_fields__]
        found = {number: text.encode("ascii") for number, text in enumerate(texts)}
        return {number: value for number, value in found.items() if number < 3 or value}


class Profile(_Strict, frozen=True):
    """The wire map of one device over Modbus TCP, and the manners of its server."""

    device: str
    name: str
    title: str
    protocol: Literal["modbus-tcp"]
    source: str
    public_table: bool
    """False where the maker publishes no addresses and the ones here are our own."""
    function_codes: list[int]
    unit_ids: list[Annotated[int, msgspec.Meta(ge=0, le=255)]]
    max_connections: Annotated[int, msgspec.Meta(ge=1, le=512)]
    rows: list[Row]
    notes: list[str] = []
    mei_types: list[Literal[13, 14]] = []
    identification: Identification | None = None
    unknown_unit: Literal["gateway", "silent", "answer"] = "gateway"
    """Another unit id: exception 0x0B, no answer, or answered as one's own."""
    foreign_protocol: Literal["drop", "close"] = "drop"
    """A frame with a protocol id other than 0: skip it, or close the connection."""
    idle_timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    frame_timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    blocks: list[Block] = []
    quirks: list[Quirk] = []

    @property
    def id(self) -> str:
        """`device.name`, or the name alone where both are the same."""
        return self.name if self.device == self.name else f"{self.device}.{self.name}"

    def check(self, path: Path | str, lines: LineIndex) -> None:
        """Raise `ConfigError` for what types cannot say: overlaps, wrong pairs, no meaning."""
        for key, message in _problems(self):
            raise ConfigError(path, lines.find(key), key, message)


def _problems(profile: Profile) -> Iterator[tuple[str, str]]:
    for index, code in enumerate(profile.function_codes):
        if code not in SERVED_FUNCTION_CODES:
            known = ", ".join(map(str, SERVED_FUNCTION_CODES))
            yield f"function_codes.{index}", f"function code {code} is not served; known: {known}"
    if (43 in profile.function_codes) != bool(profile.mei_types):
        yield "mei_types", "function code 43 and mei_types go together"
    if (14 in profile.mei_types) != (profile.identification is not None):
        yield "identification", "MEI type 14 and a table [identification] go together"
    if not profile.unit_ids:
        yield "unit_ids", "a device answers to at least one unit id"
    names: dict[str, int] = {}
    taken: dict[tuple[str, int, int], int] = {}
    lsw = {quirk.id for quirk in profile.quirks} >= {"lsw-first"}
    for index, row in enumerate(profile.rows):
        place = f"rows.{index}"
        yield from _row_problems(place, row)
        if row.word_order == "lsw" and not lsw:
            yield f"{place}.word_order", "low word first is a quirk: list it under [[quirks]]"
        for name in [*row.commands, *([row.key] if row.point else [])]:
            if name in names:
                first = names[name]
                yield place, f"{name!r} is also the name of rows.{first}; give this one a name"
            names[name] = index
        for word in range(row.words):
            bits = range(16) if row.bit is None or row.is_bit_table else (row.bit,)
            for bit in bits:
                slot = (row.table, row.address + word, bit)
                if slot in taken:
                    where = f"{row.table} {row.address + word}"
                    yield f"{place}.address", f"{where} is already taken by rows.{taken[slot]}"
                taken[slot] = index


def _row_problems(place: str, row: Row) -> Iterator[tuple[str, str]]:
    meanings = [bool(row.point), row.constant is not None, bool(row.commands)]
    if sum(meanings) != 1:
        yield place, "a row has exactly one of point, constant and commands"
    if row.address + row.words > 0x10000:
        yield f"{place}.address", f"{row.address} + {row.words} registers passes 65535"
    if row.is_bit_table and (row.encoding != "bit" or row.bit is not None):
        yield f"{place}.encoding", f"a {row.table} is one bit: encoding 'bit', no `bit`"
    if not row.is_bit_table and (row.encoding == "bit") != (row.bit is not None):
        yield f"{place}.bit", "a bit of a register needs encoding 'bit' and a `bit` from 0 to 15"
    if row.table in ("discrete", "input") and row.access != "r":
        yield f"{place}.access", f"a {row.table} can only be read"
    if row.access != "r" and (row.encoding == "ascii" or row.constant is not None):
        yield f"{place}.access", "a constant or a text cannot be written"
    if row.commands and (row.encoding != "u16" or row.table != "holding" or "w" not in row.access):
        yield f"{place}.commands", "commands need a writable u16 in the holding table"
    low = -math.inf if row.lowest is None else row.lowest
    high = math.inf if row.highest is None else row.highest
    if low >= high:
        yield f"{place}.lowest", f"{low:g} is not below highest, {high:g}"
    if (low, high) != (-math.inf, math.inf) and (row.access == "r" or row.is_bit_table):
        yield f"{place}.lowest", "limits are of what is written to a register"
    if isinstance(row.constant, str) != (row.encoding == "ascii" and row.constant is not None):
        yield f"{place}.constant", "a text constant and encoding 'ascii' go together"


def wire_points(profile: Profile, only: Container[str] | None = None) -> dict[str, dict[str, Any]]:
    """The `points` object of a wire list: name to where and how it is coded.

    `only` keeps the points of these names (a lane without relay barrier has no `barrier_open`).
    Optional keys appear only where they differ from the plain case: `bit`, `invert`, `length`,
    `word_order`, `scale`, `values`, `on_write`, `write_value` (the number that gives the order).
    """
    lsw_on = any(quirk.id == "lsw-first" and quirk.on for quirk in profile.quirks)
    points: dict[str, dict[str, Any]] = {}
    for row in profile.rows:
        entry: dict[str, Any] = {
            "table": row.table,
            "address": row.address,
            "encoding": row.encoding,
            "access": row.access,
        }
        if row.bit is not None:
            entry["bit"] = row.bit
        if row.invert:
            entry["invert"] = True
        if row.encoding == "ascii":
            entry["length"] = row.length
        if row.words > 1 and row.encoding != "ascii":
            entry["word_order"] = "lsw" if row.word_order == "lsw" and lsw_on else "msw"
        if row.scale != 1.0:
            entry["scale"] = row.scale
        if row.values:
            entry["values"] = dict(row.values)
        if row.access != "r":
            entry["on_write"] = row.on_write
        if row.point and (only is None or row.key in only):
            points[row.key] = entry
        for name, number in row.commands.items():
            if only is None or name in only:
                points[name] = {**entry, "write_value": number}
    return points
