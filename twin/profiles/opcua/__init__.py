"""OPC UA information models as data: the types of the companion specifications, and instances.

`load("crane")` reads `twin/profiles/opcua/crane.toml` with the shared `types.toml`, strictly; a
file of your own is loaded by its path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from twin.errors import ConfigError, UnknownName
from twin.strict_toml import load as load_toml

QuirkId = Literal["restamp", "local-time"]
NodeClass = Literal["Object", "Variable", "ObjectType", "ReferenceType"]
Each = Literal["", "axis", "protection", "corner"]
Positive = Annotated[float, msgspec.Meta(gt=0)]

FOLDER = Path(__file__).parent
AXES = ("hoist", "trolley", "gantry")
"""What `each = "axis"` repeats a row for."""


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class TypeRow(_Strict, frozen=True):
    """One node of a type system, at its published NodeId."""

    id: str
    cls: NodeClass = msgspec.field(name="class")
    name: str
    parent: str = msgspec.field(name="in")
    by: str = ""
    """Reference from the parent; without one, HasSubtype for types and HasComponent else."""
    type: str = ""
    data: str = ""
    rule: Literal["", "Mandatory", "Optional"] = ""
    abstract: bool = False
    write: bool = False
    inverse: str = ""


class EnumRow(_Strict, frozen=True):
    """An enumeration with its names from 0 on, as strings or as values."""

    id: str
    name: str
    values_id: str
    strings: list[str] = []
    values: list[str] = []


class TypeRows(_Strict, frozen=True):
    """The nodes of the types."""

    rows: list[TypeRow]


class Types(_Strict, frozen=True):
    """The type systems."""

    source: str
    namespaces: dict[str, str]
    enums: list[EnumRow]
    types: TypeRows


class InstanceRow(_Strict, frozen=True):
    """One node of the device: an object, or a variable with `data`.

    A variable shows a `point` of the device, a fixed `value`, or a `bad` status. `each` repeats
    the row for every axis, protective function or corner.
    """

    id: str
    name: str
    parent: str = msgspec.field(name="in")
    by: str = "HasComponent"
    type: str = ""
    data: str = ""
    point: str = ""
    value: bool | float | str | None = None
    bad: str = ""
    unit: str = ""
    write: bool = False
    low: float | None = None
    high: float | None = None
    deadband: float = 0.0
    each: Each = ""
    organizes: list[str] = []


class InstanceRows(_Strict, frozen=True):
    """The nodes of the device."""

    rows: list[InstanceRow]


class ReferenceRow(_Strict, frozen=True):
    """A further reference between two instances."""

    source: str = msgspec.field(name="from")
    to: str
    by: str
    each: Each = ""


class MethodRow(_Strict, frozen=True):
    """A method of the device's missions; every one answers `Accepted` and `Reason`."""

    name: str
    doc: str
    inputs: list[tuple[str, str]] = []


class Quirk(_Strict, frozen=True):
    """A behaviour of real servers that surprises clients; `on` is the default."""

    id: QuirkId
    on: bool
    doc: str
    source: str


class OpcUaProfile(_Strict, frozen=True):
    """The address space of one device."""

    device: str
    name: str
    title: str
    protocol: Literal["opc-ua"]
    source: str
    sampling_s: Positive
    idle_sampling_s: Positive
    max_connections: Annotated[int, msgspec.Meta(ge=1, le=100)]
    namespaces: dict[str, str]
    instances: InstanceRows
    references: list[ReferenceRow] = []
    methods: list[MethodRow] = []
    quirks: list[Quirk] = []
    notes: list[str] = []


def load(name: str | Path = "crane") -> OpcUaProfile:
    """The profile of this name, or of this file; a wrong file is a `ConfigError`."""
    path = Path(name)
    if path.suffix != ".toml":
        path = FOLDER / f"{name}.toml"
        if not path.is_file() or name == "types":
            raise UnknownName("OPC UA profile", str(name), names())
    return _load(path)


def names() -> list[str]:
    """Names of the shipped profiles."""
    return sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem != "types")


@cache
def types() -> Types:
    """The type systems, checked: each name stands for something."""
    path = FOLDER / "types.toml"
    found = load_toml(path, Types)
    known = {row.id for row in found.types.rows} | {row.id for row in found.enums}
    for row in found.types.rows:
        for name in (row.parent, row.type, row.data):
            if ":" in name and name not in known:
                raise ConfigError(path, None, row.id, f"{name!r} is not defined")
    return found


Repeats = Iterable[tuple[str, str]]
"""What a row is repeated for: its name in ids and points, and its name on the wire."""


def repeated(each: Each, protections: Repeats) -> Repeats:
    """What `each` stands for; the protective functions are the device's own."""
    if each == "axis":
        return [(name, name.capitalize()) for name in AXES]
    if each == "protection":
        return list(protections)
    if each == "corner":
        return [(str(n), str(n)) for n in range(1, 5)]
    return [("", "")]


def instances(profile: OpcUaProfile, device_id: str, protections: Repeats) -> Iterator[InstanceRow]:
    """All rows of the profile, filled in, in order; those of one `each` block stay together."""
    rows, at = profile.instances.rows, 0
    while at < len(rows):
        end = at
        while end < len(rows) and rows[end].each == rows[at].each:
            end += 1
        for name, shown in repeated(rows[at].each, protections):
            for row in rows[at:end]:
                yield _filled(row, name, shown, device_id)
        at = end


def _filled(row: InstanceRow, each: str, shown: str, device_id: str) -> InstanceRow:
    """The row with `{each}`, `{Each}` and `{id}` put in."""

    def fill(text: str) -> str:
        return text.replace("{each}", each).replace("{Each}", shown).replace("{id}", device_id)

    return msgspec.structs.replace(
        row, id=fill(row.id), name=fill(row.name), parent=fill(row.parent), point=fill(row.point),
        value=fill(row.value) if isinstance(row.value, str) else row.value, each="",
        organizes=[fill(name) for name in row.organizes],
    )  # fmt: skip


@cache
def _load(path: Path) -> OpcUaProfile:
    profile = load_toml(path, OpcUaProfile)
    known = {row.id for row in types().types.rows} | {row.id for row in types().enums}
    for key, message in _problems(profile, known):
        raise ConfigError(path, None, key, message)
    return profile


def _problems(profile: OpcUaProfile, known: set[str]) -> Iterator[tuple[str, str]]:
    seen: set[tuple[str, Each]] = set()
    for row in profile.instances.rows:
        key = f"instances.rows: {row.id}"
        if (row.id, row.each) in seen:
            yield key, "this id is there twice"
        seen.add((row.id, row.each))
        meanings = [bool(row.point), row.value is not None, bool(row.bad)]
        if row.data and sum(meanings) != 1:
            yield key, "a variable has exactly one of point, value and bad"
        if not row.data and (any(meanings) or not row.type):
            yield key, "an object has a type and no value"
        for name in (row.type, row.data):
            if ":" in name and name not in known:
                yield key, f"{name!r} is not defined in types.toml"
