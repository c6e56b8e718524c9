"""How an emulated device differs from the good one: the base of every mutant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar

from twin.wires.modbus import ModbusServer


@dataclass(frozen=True)
class Variant:
    """A twin that is broken in one way; each kit adds what can be broken in its device."""

    name: str = ""
    kills: str = ""
    """The requirement that it must fail; empty for the good twin."""
    doc: str = ""
    base: str = ""
    """The profile of the good twin that it is derived from; empty for the kit's first one."""


@dataclass(frozen=True)
class ModbusVariant(Variant):
    """A twin behind Modbus TCP; its map or its server may be broken, too."""

    profile: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the profile that differ from the papers."""
    server: type[ModbusServer] = ModbusServer


V = TypeVar("V", bound=Variant)
T = TypeVar("T")


class Maker(Generic[V, T]):
    """Makes the mutants of one kit in which one part is of a broken class.

    `Maker(GnssVariant, "GNS-", NmeaServer)` makes receivers whose `NmeaServer` is broken; the
    class says in its docstring how. The part is the field whose good value that class is.
    """

    def __init__(self, kind: type[V], prefix: str, good: type[T], base: str = "") -> None:
        self._kind, self._prefix, self._base = kind, prefix, base
        parts = [one.name for one in fields(kind) if one.default is good]
        if not parts:
            raise ValueError(f"{kind.__name__} has no part whose good class is {good.__name__}")
        self._part = parts[0]

    def __call__(self, name: str, kills: str, broken: type[T], base: str = "", **more: Any) -> V:
        """The mutant that `kills`, which stands without the prefix; `more` are other fields."""
        more[self._part] = broken
        doc = said(broken)
        return self._kind(name, self._prefix + kills, doc, base or self._base, **more)


def said(broken: object) -> str:
    """What a broken class or function says of itself: the first line of its docstring."""
    return (broken.__doc__ or "").strip().split("\n")[0]
